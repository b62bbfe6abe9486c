//! How long it will still take, and how sure that is.
//!
//! The rate is watched in windows of equal length. What is left divided by the mean rate is the estimate; how much
//! the windows differ says how far off it may be. Windows, not single tasks, because neighbouring tasks resemble
//! each other: the files of one directory are all large. The interval holds if the tasks to come are like the tasks
//! so far; no estimate can know that they are not.

/// The shortest window.
const WINDOW_NS: u64 = 500_000_000;
/// Windows kept; two are merged into one when there are more, so a long job is watched in long windows.
const WINDOWS_MAX: usize = 64;
/// Fewer windows than this say nothing about their spread.
const WINDOWS_MIN: usize = 4;

/// Watches a job.
#[derive(Debug, Clone)]
pub struct Eta {
    window_ns: u64,
    /// Tasks ended in each full window.
    windows: Vec<f64>,
    begun: Option<(u64, u64)>,
}

/// An estimate, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The most likely.
    pub seconds: f64,
    /// Nineteen times out of twenty it takes at least this long, ...
    pub low: f64,
    /// ... and at most this long.
    pub high: f64,
}

impl Default for Eta {
    fn default() -> Eta {
        Eta { window_ns: WINDOW_NS, windows: Vec::new(), begun: None }
    }
}

impl Eta {
    /// So many tasks have ended by now.
    pub fn look(&mut self, now_ns: u64, ended: u64) {
        let (since, before) = *self.begun.get_or_insert((now_ns, ended));
        let passed = now_ns.saturating_sub(since);
        if passed < self.window_ns {
            return;
        }
        // A look that comes late covers several windows: the same to each.
        let whole = passed / self.window_ns;
        let rate = ended.saturating_sub(before) as f64 / passed as f64;
        let fits = whole.min(2 * WINDOWS_MAX as u64);
        self.windows.extend((0..fits).map(|_| rate * self.window_ns as f64));
        self.begun =
            Some((since + whole * self.window_ns, before + (rate * (whole * self.window_ns) as f64) as u64));
        while self.windows.len() > WINDOWS_MAX {
            self.windows = self.windows.chunks_exact(2).map(|pair| pair[0] + pair[1]).collect();
            self.window_ns *= 2;
        }
    }

    /// When `left` tasks will have ended; `None` while nothing can be said.
    pub fn estimate(&self, left: u64) -> Option<Estimate> {
        let n = self.windows.len() as f64;
        if self.windows.len() < WINDOWS_MIN {
            return None;
        }
        let mean = self.windows.iter().sum::<f64>() / n;
        if mean <= 0.0 {
            return None;
        }
        let variance = self.windows.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let ahead = left as f64 / mean;
        // Of a sum of `ahead` windows yet to come: their own spread, and that of the mean they are judged by.
        let spread = (variance * (ahead + ahead * ahead / n)).sqrt() / mean;
        let seconds = |windows: f64| windows.max(0.0) * self.window_ns as f64 / 1e9;
        let off = student95(n - 1.0) * spread;
        Some(Estimate { seconds: seconds(ahead), low: seconds(ahead - off), high: seconds(ahead + off) })
    }
}

/// The 97.5 % quantile of Student's t, to 1 % for three degrees of freedom and more (Cornish-Fisher expansion,
/// Abramowitz and Stegun 26.7.5).
fn student95(degrees: f64) -> f64 {
    let z: f64 = 1.959_964;
    let g1 = (z.powi(3) + z) / 4.0;
    let g2 = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let g3 = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + g1 / degrees + g2 / degrees.powi(2) + g3 / degrees.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::Rng;

    #[test]
    fn student_is_right_to_a_percent() {
        for (degrees, t) in [(3.0, 3.182), (5.0, 2.571), (10.0, 2.228), (30.0, 2.042)] {
            assert!((student95(degrees) / t - 1.0).abs() < 0.01, "{degrees}: {}", student95(degrees));
        }
    }

    /// Two workers, exponential tasks of 50 ms on the mean, asked at a third of the way: how often is the truth in
    /// the interval?
    #[test]
    fn the_interval_covers_what_it_says() {
        let (tasks, trials, mut covered) = (900u64, 400, 0);
        for seed in 0..trials {
            let mut rng = Rng::new(seed);
            let mut free = [0.0f64; 2];
            let mut ends: Vec<f64> = (0..tasks)
                .map(|_| {
                    let worker = if free[0] <= free[1] { 0 } else { 1 };
                    free[worker] += rng.exponential(0.05);
                    free[worker]
                })
                .collect();
            ends.sort_by(f64::total_cmp);
            let asked_at = ends[tasks as usize / 3];
            let mut eta = Eta::default();
            let mut now = 0.0;
            while now <= asked_at {
                eta.look((now * 1e9) as u64, ends.partition_point(|end| *end <= now) as u64);
                now += 0.1;
            }
            let left = tasks - ends.partition_point(|end| *end <= asked_at) as u64;
            let estimate = eta.estimate(left).unwrap();
            let truth = ends[tasks as usize - 1] - asked_at;
            covered += u64::from(estimate.low <= truth && truth <= estimate.high);
        }
        assert!(covered * 100 >= trials * 92, "{covered} of {trials}");
    }

    #[test]
    fn nothing_is_said_too_early() {
        let mut eta = Eta::default();
        (0..4).for_each(|n| eta.look(n * WINDOW_NS, n * 10));
        assert_eq!(eta.estimate(100), None);
        (4..9).for_each(|n| eta.look(n * WINDOW_NS, n * 10));
        assert_eq!(eta.estimate(100).map(|e| e.seconds), Some(5.0));
    }
}
