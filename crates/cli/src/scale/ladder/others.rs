//! What else the machine does while a program is measured: it bends every curve, and is worth a word.

use std::time::Instant;

/// Ticks in which the processors were at work, since the machine was started, and when that was read.
#[derive(Debug, Clone, Copy)]
pub struct Busy {
    ticks: u64,
    at: Instant,
}

impl Busy {
    /// By now; `None` where the system does not tell, or tells about more processors than we may use: then others'
    /// work takes nothing from us that could be seen here.
    pub fn now(cores: u64) -> Option<Busy> {
        let ticks = busy_ticks(&std::fs::read_to_string("/proc/stat").ok()?, cores)?;
        Some(Busy { ticks, at: Instant::now() })
    }

    /// How many processors others have used on average since, if this program and its children used so many seconds.
    pub fn others(self, until: Busy, own_s: f64) -> f64 {
        let wall_s = (until.at - self.at).as_secs_f64();
        let busy_s =
            until.ticks.saturating_sub(self.ticks) as f64 / rustix::param::clock_ticks_per_second() as f64;
        if wall_s > 0.0 { ((busy_s - own_s) / wall_s).max(0.0) } else { 0.0 }
    }
}

/// The sum of what processors do, all but idling and waiting for disks; what a hypervisor takes counts as work.
fn busy_ticks(stat: &str, cores: u64) -> Option<u64> {
    let is_core = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
    if stat.lines().filter(is_core).count() as u64 != cores {
        return None;
    }
    let fields: Vec<u64> = stat
        .lines()
        .find_map(|line| line.strip_prefix("cpu "))?
        .split_whitespace()
        .flat_map(str::parse)
        .collect();
    // user nice system idle iowait irq softirq steal; guests are in user already.
    let [user, nice, system, _, _, irq, softirq, steal] = *fields.get(..8)?.as_array()?;
    Some(user + nice + system + irq + softirq + steal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const STAT: &str = "cpu  100 1 20 900 50 3 4 5 0 0\ncpu0 50 1 10 450 25 1 2 3 0 0\ncpu1 50 0 10 450 25 2 2 2 0 0\nintr 1";

    #[test]
    fn work_is_all_but_idling_and_waiting() {
        assert_eq!(busy_ticks(STAT, 2), Some(133));
        assert_eq!(busy_ticks(STAT, 1), None);
        assert_eq!(busy_ticks("cpu  1 2\ncpu0 1 2", 1), None);
    }

    #[test]
    fn what_is_not_ours_is_others() {
        let tick_s = 1.0 / rustix::param::clock_ticks_per_second() as f64;
        let from = Busy { ticks: 1_000, at: Instant::now() };
        let until = Busy { ticks: 1_000 + (3.0 / tick_s) as u64, at: from.at + Duration::from_secs(2) };
        assert!((from.others(until, 2.0) - 0.5).abs() < 1e-9);
        assert_eq!(from.others(until, 9.0), 0.0);
    }
}
