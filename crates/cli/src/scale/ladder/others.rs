//! What else the machine does while a program is measured: it bends every curve, and is worth a word.

use divvy_engine::cpu;
use std::time::Instant;

/// Nanoseconds in which the processors were at work, since the machine was started, and when that was read.
#[derive(Debug, Clone, Copy)]
pub struct Busy {
    ns: u64,
    at: Instant,
}

impl Busy {
    /// By now; `None` where the system does not tell, or tells about more processors than we may use: then others'
    /// work takes nothing from us that could be seen here.
    pub fn now(cores: u64) -> Option<Busy> {
        let machine = cpu::machine().filter(|machine| machine.cores == cores)?;
        Some(Busy { ns: machine.busy_ns, at: Instant::now() })
    }

    /// How many processors others have used on average since, if this program and its children used so many seconds.
    pub fn others(self, until: Busy, own_s: f64) -> f64 {
        let wall_s = (until.at - self.at).as_secs_f64();
        let busy_s = until.ns.saturating_sub(self.ns) as f64 / 1e9;
        if wall_s > 0.0 { ((busy_s - own_s) / wall_s).max(0.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_not_ours_is_others() {
        let from = Busy { ns: 1_000, at: Instant::now() };
        let until = Busy { ns: 3_000_001_000, at: from.at + Duration::from_secs(2) };
        assert!((from.others(until, 2.0) - 0.5).abs() < 1e-9);
        assert_eq!(from.others(until, 9.0), 0.0);
    }
}
