//! The processes of a node, written down for whoever survives it.
//!
//! A worker has two slots in its session's file, for the command it runs and for the handler it keeps: each
//! names a process group, and between which two readings of the boot clock that group's leader was started. A survivor kills a group only if a process of that number was
//! started in that time, so a number that the system has given to somebody else is safe, and a slot need not be
//! cleared when its group has ended. What the slot missed (the node died before the note, which short commands never
//! get) or what left its group is found by the session's name in its environment.

use rustix::process::{Pid, Signal};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// The environment variable that names the session a process belongs to: the session file's path.
pub const SESSION_VAR: &str = "DIVVY_SESSION";

/// Bytes of a slot: group, start not before, start not after; little endian.
const SLOT: usize = 24;

/// Slots of a worker.
const SLOTS: usize = 2;

/// One worker's slots.
#[derive(Debug)]
pub struct Children {
    /// All workers' the same: what this process has open is copied for each command, and closed again.
    file: Arc<File>,
    offset: u64,
}

impl Children {
    /// The slots of the first worker in a session's file.
    ///
    /// # Errors
    /// If the file cannot be opened for writing.
    pub fn open(session: &Path) -> io::Result<Children> {
        Ok(Children { file: Arc::new(File::options().write(true).open(session)?), offset: 0 })
    }

    /// The slots of a worker.
    #[must_use]
    pub fn of(&self, worker: usize) -> Children {
        Children { file: self.file.clone(), offset: (worker * SLOTS * SLOT) as u64 }
    }

    /// A command's group runs, started between these readings of the boot clock. No sync: a machine that loses
    /// power ends the processes as well.
    pub(crate) fn note(&self, group: u32, from_ns: u64, to_ns: u64) -> io::Result<()> {
        self.write(0, group, from_ns, to_ns)
    }

    /// The same of a handler's group. The handler that this worker keeps for another job meanwhile loses its slot,
    /// and is found by its environment.
    pub(crate) fn note_resident(&self, group: u32, from_ns: u64, to_ns: u64) -> io::Result<()> {
        self.write(1, group, from_ns, to_ns)
    }

    fn write(&self, nth: u64, group: u32, from_ns: u64, to_ns: u64) -> io::Result<()> {
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&u64::from(group).to_le_bytes());
        slot[8..16].copy_from_slice(&from_ns.to_le_bytes());
        slot[16..].copy_from_slice(&to_ns.to_le_bytes());
        self.file.write_all_at(&slot, self.offset + nth * SLOT as u64)
    }
}

/// Nanoseconds since the machine started, the clock in which the system notes process starts.
pub(crate) fn boot_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Kills what a dead node left running. What is already gone is no error.
pub fn end_orphans(session: &Path) {
    let slots = std::fs::read(session).unwrap_or_default();
    for slot in slots.chunks_exact(SLOT) {
        let field = |n: usize| u64::from_le_bytes(slot[n * 8..n * 8 + 8].try_into().expect("eight bytes"));
        let (group, from_ns, to_ns) = (field(0), field(1), field(2));
        if group != 0 && was_started_between(group, from_ns, to_ns) {
            kill_group(group);
        }
    }
    end_marked(session);
}

fn kill_group(group: u64) {
    if let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // Gone meanwhile is what we want anyway.
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
}

/// Kills every process whose environment names the session.
fn end_marked(session: &Path) {
    let mark = [SESSION_VAR.as_bytes(), b"=", session.as_os_str().as_encoded_bytes()].concat();
    let Ok(processes) = std::fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        let pid = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { continue };
        // Other users' processes cannot be read, and are not ours.
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        if environment.split(|b| *b == 0).any(|var| var == mark) {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }
}

/// Whether the process was started between two readings of the boot clock, to within the system's own resolution.
fn was_started_between(pid: u64, from_ns: u64, to_ns: u64) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let tick_ns = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
    start_ticks(&stat).is_some_and(|ticks| {
        let started = ticks * tick_ns;
        from_ns <= started + tick_ns && started <= to_ns + tick_ns
    })
}

/// Field 22 of `/proc/<pid>/stat` (proc(5)): clock ticks after boot. The second field may hold spaces and
/// parentheses, so counting begins behind the last parenthesis.
fn start_ticks(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_strange_name_does_not_move_the_fields() {
        let stat = "77 (a) b 1 (c) S 1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 998877 1 2 3";
        assert_eq!(start_ticks(stat), Some(998_877));
    }

    #[test]
    fn orphans_end_and_strangers_with_their_number_do_not() {
        let session = std::env::temp_dir().join(format!("divvy-orphans-{}", std::process::id()));
        std::fs::write(&session, []).unwrap();
        let sleep = || Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
        let from = boot_ns();
        use std::os::unix::process::CommandExt;
        let mut ours = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let to = boot_ns();
        let mut marked = Command::new("sleep").arg("600").env(SESSION_VAR, &session).spawn().unwrap();
        let mut stranger = sleep();
        let mut kept = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let kept_to = boot_ns();
        let slots = Children::open(&session).unwrap();
        slots.note(ours.id(), from, to).unwrap();
        slots.note_resident(kept.id(), to, kept_to).unwrap();
        // As if the number had belonged to a process of an hour ago.
        let ago = from.saturating_sub(3_600_000_000_000);
        slots.of(1).note(stranger.id(), ago, ago).unwrap();
        end_orphans(&session);
        ours.wait().unwrap();
        kept.wait().unwrap();
        marked.wait().unwrap();
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
        std::fs::remove_file(&session).unwrap();
    }
}
