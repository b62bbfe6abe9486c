//! One side of a comparison: an example run by GNU parallel or by divvy, each in a directory of its own.
//!
//! Both find the same files, the same environment, and a program named `parallel`. Nothing outside of the directory
//! is touched: its home and temporary directories lie in it, and so does what an example writes below `/tmp`.

use crate::place::{Place, alive};
use rustix::process::{Signal, kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Who runs an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Parallel,
    Divvy,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    /// `None`: a signal ended it, or it hung and was ended.
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// What files it made, by their path in the directory it ran in.
    pub(super) files: BTreeMap<String, String>,
    pub(super) took: Duration,
}

/// An example that takes longer hangs. GNU parallel takes its time on a machine that is busy.
const LONGEST: Duration = Duration::from_secs(120);

/// The variable by which everything that an example starts is found again, wherever it has gone.
const MARK: &str = "TUTORIAL_PLACE";

/// A file that the page asks for, and what is in it.
type Given = (&'static str, fn() -> Vec<u8>);

const GIVEN: [Given; 11] = [
    ("abc-file", || b"A\nB\nC\n".to_vec()),
    ("def-file", || b"D\nE\nF\n".to_vec()),
    ("abc0-file", || b"A\0B\0C\0".to_vec()),
    ("abc_-file", || b"A_B_C_".to_vec()),
    ("tsv-file.tsv", || b"f1\tf2\nA\tB\nC\tD\n".to_vec()),
    ("num8", || numbers(8)),
    ("num128", || numbers(128)),
    ("num30000", || numbers(30_000)),
    ("num1000000", || numbers(1_000_000)),
    ("num_%header", || [b"%head1\n%head2\n".to_vec(), numbers(10)].concat()),
    ("fixedlen", || b"HHHHAAABBBCCC".to_vec()),
];

fn numbers(last: u32) -> Vec<u8> {
    (1..=last).map(|n| format!("{n}\n")).collect::<String>().into_bytes()
}

/// What goes by the name of `parallel` on either side.
///
/// Made before the first example runs: a file that is open for writing in this process while it starts another one
/// cannot be executed by a third.
pub(super) struct Programs {
    place: Place,
}

impl Programs {
    pub(super) fn provide() -> Programs {
        let place = Place::new();
        for program in [Program::Parallel, Program::Divvy] {
            let call = match program {
                Program::Parallel => "/usr/bin/parallel".to_owned(),
                Program::Divvy => format!("'{}' run --shell", env!("CARGO_BIN_EXE_divvy")),
            };
            // A script of bash's: other shells lose the functions that it exports.
            let file = place.path(program.name()).join("parallel");
            fs::create_dir(file.parent().expect("it lies in a directory")).unwrap();
            fs::write(&file, format!("#!/bin/bash\nexec {call} \"$@\"\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Programs { place }
    }

    /// Runs a script below `place`.
    pub(super) fn run(&self, program: Program, place: &Place, script: &str) -> Outcome {
        let root = place.path(program.name());
        let work = root.join("work");
        let given = prepare(&root, script);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.place.path(program.name()).display());
        let mut command = Command::new("bash");
        command.args(["-c", &kept_inside(script)]).current_dir(&work).stdin(Stdio::null());
        command.env_clear().env("PATH", path).env("SHELL", "/bin/bash").env("LC_ALL", "C").env(MARK, &root);
        command.env("HOME", root.join("home")).env("PARALLEL_HOME", root.join("home/.parallel"));
        command.env("TMPDIR", work.join("tmp")).env("DIVVY_DIR", root.join("state"));
        let begun = Instant::now();
        let mut started = place.spawn(&mut command);
        while !started.has_ended() && begun.elapsed() < LONGEST {
            std::thread::sleep(Duration::from_millis(2));
        }
        let (took, hung) = (begun.elapsed(), !started.has_ended());
        for pid in alive(&format!("{MARK}={}", root.display())) {
            // Gone meanwhile, perhaps.
            let _ = kill_process(pid, Signal::KILL);
        }
        let ran = started.end();
        let inside = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*root.to_string_lossy(), "");
        Outcome {
            code: ran.code.filter(|_| !hung),
            stdout: inside(&ran.stdout),
            stderr: inside(&ran.stderr),
            files: files(&work, &given, inside),
            took,
        }
    }
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Program::Parallel => "parallel",
            Program::Divvy => "divvy",
        }
    }
}

/// Makes the directories and the files that the script speaks of, and says which.
fn prepare(root: &Path, script: &str) -> Vec<PathBuf> {
    for dir in ["home/.parallel", "work/tmp", "work/var"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    // GNU parallel asks for a citation until this is there.
    fs::write(root.join("home/.parallel/will-cite"), "").unwrap();
    let named = GIVEN.iter().filter(|(name, _)| script.contains(name));
    let given = named.map(|(name, bytes)| {
        let path = root.join("work").join(name);
        fs::write(&path, bytes()).unwrap();
        path
    });
    given.collect()
}

/// The same script, where what is below `/tmp` is below the directory it runs in.
fn kept_inside(script: &str) -> String {
    script.replace("/var/tmp", "var").replace("/tmp/", "tmp/")
}

/// The files below a directory but for those given.
fn files(work: &Path, given: &[PathBuf], inside: impl Fn(&[u8]) -> String) -> BTreeMap<String, String> {
    let (mut found, mut dirs) = (BTreeMap::new(), vec![work.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if !given.contains(&path) {
                let name = path.strip_prefix(work).unwrap().display().to_string();
                found.insert(name, inside(&fs::read(&path).unwrap_or_default()));
            }
        }
    }
    found
}
