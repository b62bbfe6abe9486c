//! CPU time, as the system counts it.

/// CPU time that the calling thread has used, nanoseconds.
#[must_use]
pub fn thread_ns() -> u64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
}

/// CPU time of the processes that this one has started and that have ended, and of those that these had started,
/// nanoseconds. 0 where the system does not tell.
pub(crate) fn children_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    nanos(children_ticks(&stat).unwrap_or(0))
}

/// What the processors of this machine have done since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Nanoseconds in which they were at work, all of them together.
    pub busy_ns: u64,
    /// How many the system tells of; they may be more than this process may use.
    pub cores: u64,
}

/// What all programs on this machine have used by now. `None` where the system does not tell.
#[must_use]
pub fn machine() -> Option<Machine> {
    Machine::of(&std::fs::read_to_string("/proc/stat").ok()?)
}

impl Machine {
    /// `user nice system idle iowait irq softirq steal` of proc_stat(5): all but idling and waiting for disks. What a
    /// hypervisor takes counts as work; guests are in `user` already.
    fn of(stat: &str) -> Option<Machine> {
        let times = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
        let times: Vec<u64> = times.map(str::parse).collect::<Result<_, _>>().ok()?;
        let busy =
            times.iter().enumerate().filter(|(at, _)| ![3, 4].contains(at)).map(|(_, ticks)| ticks).sum();
        let cores = stat.lines().skip(1).filter(|line| line.starts_with("cpu")).count() as u64;
        (times.len() >= 5).then(|| Machine { busy_ns: nanos(busy), cores })
    }
}

fn nanos(ticks: u64) -> u64 {
    ticks.saturating_mul(1_000_000_000 / rustix::param::clock_ticks_per_second().max(1))
}

/// `cutime + cstime` of proc(5): the 16th and 17th field, behind a name that may hold anything.
fn children_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(13);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_behind_the_name() {
        let stat = "7 (a) (b c) S 1 7 7 0 -1 4194304 11 12 13 14 5 6 70 800 20 0 1 0 99";
        assert_eq!(children_ticks(stat), Some(870));
        assert_eq!(children_ticks("7 (a) S 1"), None);
        assert_eq!(children_ticks(""), None);
    }

    #[test]
    fn a_machine_is_busy_but_for_idling_and_waiting_for_disks() {
        let of = |stat| Machine::of(stat).map(|machine| (machine.busy_ns, machine.cores));
        assert_eq!(
            of("cpu  1 2 4 1000 2000 8 16 32 64 128\ncpu0 9 9\ncpu1 9 9\nintr 1"),
            Some((nanos(63), 2))
        );
        assert_eq!(of("cpu  1 2"), None);
        assert_eq!(of("intr 1"), None);
        assert!(
            machine().is_some_and(|machine| machine.busy_ns > 0 && machine.cores > 0),
            "this one has run something"
        );
    }

    #[test]
    fn the_system_tells_of_children() {
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert!(children_ticks(&own).is_some(), "{own}");
    }
}
