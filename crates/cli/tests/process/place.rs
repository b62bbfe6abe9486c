//! A place of its own for each test: a directory, a store in it, and the program. All gone with the test.

use crate::started::{Ran, Started};
use rustix::process::{Pid, Signal};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A test that waits longer than this hangs.
pub(crate) const HUNG: Duration = Duration::from_secs(30);

pub(crate) struct Place {
    root: PathBuf,
    started: AtomicU64,
}

impl Place {
    pub(crate) fn new() -> Place {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("divvy-process-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().join(name);
        fs::create_dir(&root).unwrap();
        Place { root: root.canonicalize().unwrap(), started: AtomicU64::new(0) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// `DIVVY_DIR`.
    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// What a file holds; nothing if it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(fs::read(self.path(name)).unwrap_or_default()).unwrap()
    }

    /// A file's lines, sorted: tasks write them in any order.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let mut lines: Vec<_> = self.read(name).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The program with these arguments, in the place's directory, with its store, and no input.
    pub(crate) fn command<I, S>(&self, args: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_divvy"));
        command.args(args).current_dir(&self.root).stdin(Stdio::null());
        command.env("DIVVY_DIR", self.state()).env_remove("DIVVY_STORE");
        command
    }

    /// Runs the program to its end.
    pub(crate) fn divvy<I, S>(&self, args: I) -> Ran
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.start(args).end()
    }

    /// Starts the program.
    pub(crate) fn start<I, S>(&self, args: I) -> Started
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.spawn(&mut self.command(args))
    }

    /// Runs the program with this on its stdin.
    pub(crate) fn piped<I, S>(&self, input: impl AsRef<[u8]>, args: I) -> Ran
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let input = self.write("stdin", input);
        self.spawn(self.command(args).stdin(File::open(input).unwrap())).end()
    }

    /// Starts a command whose output goes to files: nothing has to be read while it runs.
    pub(crate) fn spawn(&self, command: &mut Command) -> Started {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let (out, err) = (self.path(&format!("{number}.out")), self.path(&format!("{number}.err")));
        let file = |path: &Path| File::create(path).unwrap();
        Started::new(command.stdout(file(&out)).stderr(file(&err)), out, err)
    }

    /// A verb's answer as JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ran = self.divvy(args.iter().copied().chain(["--output", "json"]));
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.err());
        serde_json::from_slice(&ran.stdout).unwrap()
    }

    /// A count of the job `divvy show` shows.
    pub(crate) fn count(&self, job: &str, what: &str) -> u64 {
        self.json(&["show", job])[what].as_u64().unwrap()
    }

    /// The state of a task.
    pub(crate) fn task(&self, job: &str, id: u64) -> String {
        self.json(&["show", job, "--task", &id.to_string()])["state"].as_str().unwrap().to_owned()
    }

    /// The store's file, past the program.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        let conn = rusqlite::Connection::open(self.state().join("divvy.db")).unwrap();
        conn.busy_timeout(Duration::from_secs(10)).unwrap();
        conn
    }

    /// Processes that have joined the store.
    pub(crate) fn nodes(&self) -> Vec<i64> {
        let conn = self.raw();
        let mut statement = conn.prepare("SELECT node FROM node ORDER BY node").unwrap();
        let nodes = statement.query_map([], |row| row.get(0)).unwrap();
        nodes.map(Result::unwrap).collect()
    }

    /// The processes of tasks that belong to this place.
    pub(crate) fn tasks_alive(&self) -> Vec<Pid> {
        alive(&format!("DIVVY_SESSION={}/", self.state().display()))
    }

    /// The background workers of this place, and what they run.
    pub(crate) fn workers_alive(&self) -> Vec<Pid> {
        alive(&format!("DIVVY_STORE=sqlite:{}/", self.state().display()))
    }

    /// Waits for tasks' processes to be gone: the system takes its time over a SIGKILL.
    pub(crate) fn expect_no_task_alive(&self) {
        until("no process of a task is left", || self.tasks_alive().is_empty());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Workers first: they would start more tasks.
        for pid in self.workers_alive().into_iter().chain(self.tasks_alive()) {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        // A task that is just being killed may still write.
        for _ in 0..20 {
            if fs::remove_dir_all(&self.root).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The processes with a variable that starts so in their environment.
pub(crate) fn alive(variable: &str) -> Vec<Pid> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        // Gone meanwhile, or somebody else's. A zombie's is empty.
        let environment = fs::read(entry.path().join("environ")).ok()?;
        environment.split(|b| *b == 0).any(|var| var.starts_with(variable.as_bytes())).then_some(pid)
    });
    pids.collect()
}

/// Waits for something that another process does.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < HUNG, "hung: never came true that {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
