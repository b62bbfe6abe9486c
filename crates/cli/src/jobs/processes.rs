//! What runs on this machine, by what processes carry in their environment. The store does not know it: a lease says
//! which node has a task, not whether it has started.

use divvy_core::JobId;
use divvy_engine::process::SESSION_VAR;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A task's process: the first of them, if it has started others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The job.
    pub job: JobId,
    /// The task's id.
    pub task: u64,
    /// How long it has run.
    pub seconds: u64,
}

/// The tasks that run under these sessions: for each session its processes, ascending by job and task. One look at all
/// processes, whatever the number of sessions.
pub fn of_sessions(sessions: &[Option<PathBuf>]) -> Vec<Vec<Process>> {
    let mut found = vec![Vec::new(); sessions.len()];
    let Ok(processes) = fs::read_dir("/proc") else { return found };
    for entry in processes.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Other users' processes cannot be read, and are not ours.
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        let Some((session, job, task)) = marks(&environment) else { continue };
        let Some(at) = sessions.iter().position(|s| s.as_deref() == Some(session)) else { continue };
        if let Some(seconds) = age(pid) {
            found[at].push(Process { pid, job, task, seconds });
        }
    }
    for list in &mut found {
        // The oldest of a task is the one that was started as the task.
        list.sort_by_key(|p| (p.job, p.task, u64::MAX - p.seconds, p.pid));
        list.dedup_by_key(|p| (p.job, p.task));
    }
    found
}

fn marks(environment: &[u8]) -> Option<(&Path, JobId, u64)> {
    let var = |name: &str| {
        let value = environment
            .split(|b| *b == 0)
            .find_map(|var| var.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        value.map(std::ffi::OsStr::from_bytes)
    };
    let number = |name: &str| var(name)?.to_str()?.parse().ok();
    Some((Path::new(var(SESSION_VAR)?), JobId(number("DIVVY_JOB")?), number("DIVVY_TASK")?))
}

/// Whether a process has been stopped (SIGSTOP, Ctrl-Z), and so does nothing.
pub fn is_stopped(pid: u32) -> bool {
    stat(pid).is_some_and(|fields| matches!(fields.first().map(String::as_str), Some("T" | "t")))
}

fn age(pid: u32) -> Option<u64> {
    let started: u64 = stat(pid)?.get(19)?.parse().ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    Some((uptime as u64).saturating_sub(started / rustix::param::clock_ticks_per_second().max(1)))
}

/// The fields of `/proc/PID/stat` behind the command (proc(5)), which may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_ascii_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_task_s_process_is_found_once_with_its_child() {
        let session = PathBuf::from(format!("/nowhere/session-{}", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo ready; wait"]).stdout(Stdio::piped());
        command.env(SESSION_VAR, &session).env("DIVVY_JOB", "7").env("DIVVY_TASK", "12");
        use std::os::unix::process::CommandExt;
        let mut task = command.process_group(0).spawn().unwrap();
        let mut line = String::new();
        use std::io::BufRead;
        std::io::BufReader::new(task.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let found = of_sessions(&[None, Some(session)]);
        assert!(found[0].is_empty());
        assert_eq!(
            found[1].iter().map(|p| (p.pid, p.job, p.task)).collect::<Vec<_>>(),
            [(task.id(), JobId(7), 12)]
        );
        assert!(!is_stopped(task.id()));
        let group = rustix::process::Pid::from_child(&task);
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
        task.wait().unwrap();
    }
}
