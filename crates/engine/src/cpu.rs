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
    let ticks = children_ticks(&stat).unwrap_or(0);
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
    fn the_system_tells_of_children() {
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert!(children_ticks(&own).is_some(), "{own}");
    }
}
