//! Who was there, and for how long: sums that stay right when windows of several nodes, or with pauses between them, become one.

use super::Observation;
use divvy_core::Millis;

/// Who was there during an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presence {
    /// Milliseconds of nodes: two nodes for a second are two seconds.
    pub node_ms: u64,
    /// Milliseconds of nodes times the workers that each has.
    pub worker_ms: u64,
    /// Milliseconds in which any node was there. Exact as long as the windows that were merged had no pauses of their own;
    /// of those that had, each pause is taken to be where the other's is.
    pub awake_ms: u64,
}

impl Observation {
    /// Who was there.
    #[must_use]
    pub fn presence(&self) -> Presence {
        self.merged.unwrap_or_else(|| self.plain())
    }

    /// One node, from beginning to end.
    pub(super) fn plain(&self) -> Presence {
        let ms = self.until.saturating_sub(self.from);
        Presence { node_ms: ms, worker_ms: ms.saturating_mul(self.workers), awake_ms: ms }
    }

    /// Who was there in the two together.
    pub(super) fn presence_with(&self, other: &Observation) -> Presence {
        let (one, two) = (self.presence(), other.presence());
        let both = self.until.min(other.until).saturating_sub(self.from.max(other.from));
        let twice = (both as f64 * self.awake_share().min(other.awake_share())).round() as u64;
        Presence {
            node_ms: one.node_ms.saturating_add(two.node_ms),
            worker_ms: one.worker_ms.saturating_add(two.worker_ms),
            awake_ms: one.awake_ms.saturating_add(two.awake_ms).saturating_sub(twice),
        }
    }

    /// The share of the time between beginning and end in which any node was there.
    fn awake_share(&self) -> f64 {
        let ms = self.until.saturating_sub(self.from);
        if ms == 0 { 0.0 } else { (self.presence().awake_ms as f64 / ms as f64).min(1.0) }
    }
}

/// Milliseconds in which any of those was there who saw this: pauses are left out, and who was there together counts once.
#[must_use]
pub fn awake_ms(seen: &[Observation]) -> Millis {
    let mut moments: Vec<Millis> = seen.iter().flat_map(|seen| [seen.from, seen.until]).collect();
    moments.sort_unstable();
    moments.dedup();
    let between = moments.windows(2).map(|ends| {
        let there = seen.iter().filter(|seen| seen.from <= ends[0] && seen.until >= ends[1]);
        (ends[1] - ends[0]) as f64 * there.map(Observation::awake_share).fold(0.0, f64::max)
    });
    between.sum::<f64>().round() as Millis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(from: Millis, until: Millis, workers: u64) -> Observation {
        Observation { from, until, workers, ..Observation::default() }
    }

    #[test]
    fn neighbours_in_time_of_one_node_need_no_sums() {
        let mut both = seen(0, 10, 2);
        both.merge(&seen(10, 15, 2));
        assert_eq!(both, seen(0, 15, 2));
    }

    #[test]
    fn pauses_and_company_are_not_lost() {
        let mut paused = seen(0, 10, 2);
        paused.merge(&seen(90, 100, 2));
        assert_eq!(paused.presence(), Presence { node_ms: 20, worker_ms: 40, awake_ms: 20 });
        let mut together = seen(0, 10, 2);
        together.merge(&seen(5, 15, 8));
        assert_eq!(together.presence(), Presence { node_ms: 20, worker_ms: 100, awake_ms: 15 });
        assert_eq!(together.workers, 8);
        together.merge(&seen(40, 50, 1));
        assert_eq!(together.presence(), Presence { node_ms: 30, worker_ms: 110, awake_ms: 25 });
    }

    #[test]
    fn who_was_there_together_is_awake_once() {
        assert_eq!(awake_ms(&[]), 0);
        assert_eq!(awake_ms(&[seen(0, 10, 1), seen(5, 15, 1), seen(40, 50, 1), seen(45, 46, 1)]), 25);
        let mut paused = seen(0, 10, 2);
        paused.merge(&seen(90, 100, 2));
        assert_eq!(awake_ms(std::slice::from_ref(&paused)), 20);
        assert_eq!(awake_ms(&[paused, seen(30, 40, 1)]), 28, "in the pause, most likely, but nobody knows");
    }
}
