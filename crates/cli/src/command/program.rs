//! Programs: where they are, and why one cannot be run.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `execvp` and its kin have their shell.
const SH: &str = "/bin/sh";
/// A PATH that is longer is not shown.
const PATH_SHOWN: usize = 60;
/// Bytes of a file by which text is told from a program of another machine.
const LOOK: usize = 512;

/// The program that a name means, by the job's own directory and PATH. Of several variables of a name the last counts.
///
/// # Errors
/// A sentence, with what to do where that is known.
pub(super) fn find(name: &OsStr, cwd: &Path, env: &[(OsString, OsString)]) -> Result<PathBuf, String> {
    if name.as_bytes().contains(&b'/') {
        let path = cwd.join(name);
        return if is_program(&path) { Ok(path) } else { Err(why_not(&path, name)) };
    }
    let value = |var: &str| env.iter().rfind(|(name, _)| name == var).map(|(_, value)| value.as_os_str());
    let path = value("PATH").unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    let places = std::env::split_paths(path).map(|dir| cwd.join(dir).join(name));
    let found = places.into_iter().find(|place| is_program(place));
    found.ok_or_else(|| {
        let shown = name.to_string_lossy();
        if value(&format!("BASH_FUNC_{shown}%%")).is_some() {
            return format!(
                "{shown} is a function of your shell, not a program: only --shell runs functions"
            );
        }
        let path = path.to_string_lossy();
        let searched = if path.len() > PATH_SHOWN { String::new() } else { format!(" (PATH is {path})") };
        format!("command not found: {shown}{searched}{}", hint(name))
    })
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn why_not(path: &Path, name: &OsStr) -> String {
    let shown = name.to_string_lossy();
    if path.exists() {
        format!("{shown} cannot be run: it is no executable file (chmod +x?)")
    } else {
        format!("command not found: {shown}{}", hint(name))
    }
}

/// What is usually behind a name that no program has.
fn hint(name: &OsStr) -> &'static str {
    if name.as_bytes().contains(&b' ') {
        " (one word with a space in it: quote the whole command, or each word by itself)"
    } else {
        ""
    }
}

/// Why a command could not be started, by what the system said.
pub(crate) fn not_started(error: &io::Error, command: &Command) -> String {
    let (name, program) = (command.get_program(), Path::new(command.get_program()));
    let shown = name.to_string_lossy();
    let path = command.get_current_dir().map_or_else(|| program.to_owned(), |cwd| cwd.join(program));
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOENT) if path.exists() => {
            format!("cannot run {shown}: what its #! line names, or its loader, is not there")
        }
        Some(rustix::io::Errno::NOENT) => format!("command not found: {shown}{}", hint(name)),
        Some(rustix::io::Errno::NOEXEC) if Script::read(&path).is_some() => {
            format!(
                "{shown} has no #! line that says what runs it: add one, or name the interpreter before it"
            )
        }
        Some(rustix::io::Errno::NOEXEC | rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
            format!("cannot run {shown}: {error}")
        }
        // Of its arguments, or of a machine that has no room.
        _ => format!("cannot run: {error}"),
    }
}

/// Whether the system knows no way to run the file: no binary of this machine, no `#!` line.
pub(crate) fn is_formless(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error())
}

/// A file that the system does not run, and a shell would.
pub(super) struct Script<'a>(pub &'a Path);

impl Script<'_> {
    /// If the file is text at its beginning, as shells look at it: a program of another machine is no script.
    pub(super) fn read(path: &Path) -> Option<Script<'_>> {
        let mut start = Vec::new();
        File::open(path).ok()?.take(LOOK as u64).read_to_end(&mut start).ok()?;
        let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        (!line.contains(&0)).then_some(Script(path))
    }

    /// A shell that runs it, still without its arguments.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(SH);
        command.arg(self.0);
        command
    }
}
