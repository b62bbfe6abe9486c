//! What tasks and round trips cost, as measured so far.

use std::collections::VecDeque;

/// An exponentially weighted mean that starts with its first value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mean(Option<f64>);

impl Mean {
    /// Half the weight goes to the newest value: a cliff in task times shows after two or three reports.
    const NEWEST: f64 = 0.5;

    pub(crate) fn observe(&mut self, value: f64) {
        self.0 = Some(self.0.map_or(value, |old| old + Mean::NEWEST * (value - old)));
    }

    pub(crate) fn get(self) -> Option<f64> {
        self.0
    }
}

/// What a round trip takes, by those of the last few seconds.
///
/// On a busy disk a trip takes ten times as long as the one before, and the next one a tenth: a mean to which the last one
/// gives half of its weight made leases and reports follow each of them up and down. The mean of the last 16 does not, if
/// none of them counts for more than some medians. (The median itself would be as calm, and less than what is paid.) What
/// has really changed shows when half of them are new, or after [`Trips::WINDOW_NS`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Trips {
    /// When each ended, and what it took.
    last: VecDeque<(u64, f64)>,
    mean: Option<f64>,
}

impl Trips {
    const MOST: usize = 16;
    /// However old they are.
    const LEAST: usize = 3;
    const WINDOW_NS: u64 = 4_000_000_000;
    /// A trip counts for no more than so many medians.
    const MEDIANS: f64 = 4.0;

    pub(crate) fn observe(&mut self, now: u64, took_ns: f64) {
        self.last.push_back((now, took_ns));
        let is_old = |(ended, _): &(u64, f64)| ended + Trips::WINDOW_NS < now;
        while self.last.len() > Trips::MOST
            || (self.last.len() > Trips::LEAST && self.last.front().is_some_and(is_old))
        {
            self.last.pop_front();
        }
        let mut sorted: Vec<f64> = self.last.iter().map(|(_, took_ns)| *took_ns).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let most = Trips::MEDIANS * sorted[(sorted.len() - 1) / 2];
        self.mean = Some(sorted.iter().map(|took_ns| took_ns.min(most)).sum::<f64>() / sorted.len() as f64);
    }

    pub(crate) fn get(&self) -> Option<f64> {
        self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuned::is_told;
    use divvy_core::Rng;

    const MS: u64 = 1_000_000;

    /// What is set by trips on a busy disk: how often it changes by more than half in a hundred trips.
    fn changes(mut trip: impl FnMut(u64, f64) -> f64) -> usize {
        let mut rng = Rng::new(1);
        let (mut told, mut changes) = (0, 0);
        for n in 0..200 {
            // Between an eighth of and eight times 20 ms.
            let took_ns = 20e6 * 64f64.powf(rng.below(1_000) as f64 / 1_000.0 - 0.5);
            let set = trip(n * 200 * MS, took_ns) as u64;
            if n == 100 {
                (told, changes) = (set, 0);
            } else if is_told(told, set) {
                (told, changes) = (set, changes + 1);
            }
        }
        changes
    }

    /// Leases went 7, 4, 9, 5, 15, 8, 4, and reports from every 149 ms to every 1600 ms, within seconds.
    #[test]
    fn what_is_set_does_not_follow_each_trip_of_a_busy_disk() {
        let (mut last, mut trips) = (Mean::default(), Trips::default());
        let followed = changes(|_, took_ns| {
            last.observe(took_ns);
            last.get().unwrap()
        });
        let calm = changes(|now, took_ns| {
            trips.observe(now, took_ns);
            trips.get().unwrap()
        });
        assert!(4 * calm < followed, "{followed} changes, then {calm}");
    }

    #[test]
    fn a_real_change_shows_within_seconds() {
        for every_ms in [20, 200, 1_000, 1_900] {
            let mut trips = Trips::default();
            (0..20).for_each(|n| trips.observe(n * every_ms * MS, 1e6));
            for (changed, to) in [(20, 40e6), (1_000, 1e6)] {
                let begun = changed * every_ms;
                let end = begun + 6_000;
                (0..)
                    .map(|n| begun + n * every_ms)
                    .take_while(|at| *at <= end)
                    .for_each(|at| trips.observe(at * MS, to));
                let ratio = trips.get().unwrap() / to;
                assert!((0.99..1.01).contains(&ratio), "every {every_ms} ms, to {to}: {ratio}");
            }
        }
    }

    #[test]
    fn one_trip_that_took_for_ever_changes_little() {
        let mut trips = Trips::default();
        (0..16).for_each(|n| trips.observe(n * 100 * MS, 1e6));
        trips.observe(17 * 100 * MS, 60e9);
        assert!(trips.get().unwrap() < 1.2e6);
        assert_eq!(Trips::default().get(), None);
    }
}
