//! What a command and its descendants take of the machine's memory, and whether the system ended one for want of it.
//!
//! Resident bytes are summed over the processes, so pages that they share count more than once: a limit may bite
//! early, never late. A process that has left its family by a double fork is not seen.

use divvy_core::Demand;
use divvy_core::demand::MEM;
use std::fs;

/// How often a bounded command is looked at: a program fills some ten megabytes in that time.
const EVERY_NS: u64 = 20_000_000;

/// Most processes that are looked at for one command; a family that is larger is judged by these.
const FAMILY_MAX: usize = 1_000;

/// How ready the system is to end a task rather than anything else when memory runs out: the scale ends at 1000.
const OOM_SCORE: &str = "500";

/// A command's bound, and what the system did before it ran.
#[derive(Debug)]
pub(super) struct Limit {
    resident_max: u64,
    /// At this age it is looked at again.
    at_ns: u64,
    kills: u64,
}

impl Limit {
    /// The bound of a process that has just started, if its task says what it takes.
    pub(super) fn of(demand: &Demand, pid: u32) -> Option<Limit> {
        let resident_max = Some(demand.get(MEM)).filter(|most| *most > 0)?;
        offer(pid);
        Some(Limit { resident_max, at_ns: EVERY_NS, kills: oom_kills() })
    }

    /// Whether it takes more than it may at this age, nanoseconds.
    pub(super) fn is_passed(&mut self, pid: u32, age_ns: u64) -> bool {
        if age_ns < self.at_ns {
            return false;
        }
        self.at_ns = age_ns.saturating_add(EVERY_NS);
        resident(pid) > self.resident_max
    }

    /// The age at which to look again.
    pub(super) fn next_ns(&self) -> u64 {
        self.at_ns
    }

    /// Whether the system has ended processes for want of memory since.
    pub(super) fn system_ran_out(&self) -> bool {
        oom_kills() > self.kills
    }
}

/// Resident bytes of a process and all its descendants; 0 once it is gone.
fn resident(pid: u32) -> u64 {
    let page = rustix::param::page_size() as u64;
    family(pid).into_iter().map(|pid| resident_pages(pid) * page).sum()
}

/// Makes the system choose a task's process before this one. An error means that it has ended already.
fn offer(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/oom_score_adj"), OOM_SCORE);
}

/// How many processes the system has ended for want of memory, on this machine or, where the kernel says so, in this
/// control group. It only rises.
fn oom_kills() -> u64 {
    let count = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
        line.trim().parse::<u64>().ok()
    };
    let of = |path: &str| fs::read_to_string(path).ok().and_then(count).unwrap_or(0);
    of("/proc/vmstat") + of("/sys/fs/cgroup/memory.events")
}

fn family(pid: u32) -> Vec<u32> {
    let mut family = vec![pid];
    let mut next = 0;
    while next < family.len() && family.len() < FAMILY_MAX {
        children(family[next], &mut family);
        next += 1;
    }
    family
}

/// A process' children are listed by the thread that started them.
fn children(pid: u32, into: &mut Vec<u32>) {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return };
    for thread in threads.flatten() {
        let Ok(list) = fs::read_to_string(thread.path().join("children")) else { continue };
        into.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
}

fn resident_pages(pid: u32) -> u64 {
    let Ok(statm) = fs::read_to_string(format!("/proc/{pid}/statm")) else { return 0 };
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    #[test]
    fn a_family_is_counted_with_its_grandchildren() {
        let mut command = Command::new("sh");
        // `cat` tells that it runs by repeating what it reads.
        command.args(["-c", "sh -c 'cat; :'; :"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let (all, alone) = (resident(child.id()), resident_pages(child.id()));
        assert_eq!(family(child.id()).len(), 3);
        assert!(alone > 0 && all > alone * rustix::param::page_size() as u64);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(resident(child.id()), 0);
    }
}
