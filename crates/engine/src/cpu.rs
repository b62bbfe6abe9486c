//! CPU time, as the system counts it.

/// CPU time that the calling thread has used, nanoseconds.
pub(crate) fn thread_ns() -> u64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
}

/// CPU time of the processes that this one has started and that have ended, and of those that these had started,
/// nanoseconds. 0 where the system does not tell.
pub(crate) fn children_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    nanos(children_ticks(&stat).unwrap_or(0))
}

/// CPU time that all programs on this machine have used, nanoseconds. 0 where the system does not tell.
pub(crate) fn machine_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    nanos(machine_ticks(&stat).unwrap_or(0))
}

fn nanos(ticks: u64) -> u64 {
    ticks.saturating_mul(1_000_000_000 / rustix::param::clock_ticks_per_second().max(1))
}

/// `user nice system idle iowait irq softirq steal` of proc_stat(5), without the time in which nothing ran.
fn machine_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<u64> = line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    (times.len() >= 5)
        .then(|| times.iter().enumerate().filter(|(at, _)| ![3, 4].contains(at)).map(|(_, t)| t).sum())
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
        assert_eq!(machine_ticks("cpu  1 2 4 1000 2000 8 16 32 64 128\ncpu0 9 9"), Some(63));
        assert_eq!(machine_ticks("cpu  1 2"), None);
        assert_eq!(machine_ticks("intr 1"), None);
        assert!(machine_ns() > 0, "this one has run something");
    }

    #[test]
    fn the_system_tells_of_children() {
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert!(children_ticks(&own).is_some(), "{own}");
    }
}
