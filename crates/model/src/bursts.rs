//! Herds in a log of arrivals: when far more came at once than chance explains, and what jitter would do about it.

use crate::error::{Error, require_positive};
use crate::poisson;

/// How often a log of independent arrivals is to show any burst at all.
const FALSE_ALARM: f64 = 0.01;

/// A stretch of time with too many arrivals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// When it begins, in the seconds of the log.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// How many came.
    pub arrivals: usize,
    /// How many the rate around it would have brought.
    pub expected: f64,
    /// The most in one window, per second, wherever that begins.
    pub peak_rate: f64,
}

/// What a log says.
#[derive(Debug, Clone, PartialEq)]
pub struct Herd {
    /// Arrivals per second over the whole log.
    pub mean_rate: f64,
    /// The most in one window, per second.
    pub peak_rate: f64,
    /// More than so many in a window are a burst wherever it is; where less comes, fewer are.
    pub threshold: f64,
    /// The bursts, in order.
    pub bursts: Vec<Burst>,
}

/// The bursts among `arrivals`, which are rising seconds, counted in windows of `window` seconds.
///
/// A window is part of a burst if its count exceeds what a Poisson process of the rate around it exceeds anywhere in so
/// long a log once in a hundred logs. The rate around it is the higher one of those before and after it, over 60 windows and
/// 100 arrivals at least: a day is busier than a night, and its beginning is no herd. A log too short for that has its mean.
///
/// # Errors
/// [`Error::Invalid`] if the window is not above zero, or so short that the log has more than 100 million, or if the times
/// are not finite, not rising, or none.
pub fn find(arrivals: &[f64], window: f64) -> Result<Herd, Error> {
    require_positive("the window", window)?;
    check(arrivals)?;
    let (first, last) = (arrivals[0], arrivals[arrivals.len() - 1]);
    // At least one whole window, which a single moment would not fill.
    let windows = ((last - first) / window).floor() + 1.0;
    if windows > 1e8 {
        let must = "at least a hundred-millionth of the log";
        return Err(Error::Invalid { what: "the window", value: window, must });
    }
    let mean_rate = arrivals.len() as f64 / (windows * window);
    let around = Around { arrivals, window, mean_rate };
    let index = |at: f64| ((at - first) / window).floor();
    let quantile = |rate: f64| poisson::quantile(rate * window, FALSE_ALARM / windows);
    let (mut at, mut highest) = (0, 0.0_f64);
    let mut bursts: Vec<Burst> = Vec::new();
    for same in arrivals.chunk_by(|a, b| index(*a) == index(*b)) {
        let (low, rate) = around.rates(at, at + same.len());
        at += same.len();
        // What is high on both sides: a herd is high on one.
        highest = highest.max(low);
        let (count, expected) = (same.len() as f64, rate * window);
        // Most windows are not worth the quantile.
        if count > expected + expected.sqrt() && count > quantile(rate) {
            let start = first + index(same[0]) * window;
            extend(&mut bursts, start, window, same.len(), low);
        }
    }
    for burst in &mut bursts {
        burst.peak_rate = peak(arrivals, window, burst.start - window, burst.end) as f64 / window;
    }
    let peak_rate = peak(arrivals, window, first, last) as f64 / window;
    Ok(Herd { mean_rate, peak_rate, threshold: quantile(highest), bursts })
}

/// Windows and arrivals, at least, of which the rate around a window is made.
const AROUND_WINDOWS: f64 = 60.0;
const AROUND_ARRIVALS: usize = 100;

/// What came before a window and after it.
struct Around<'a> {
    arrivals: &'a [f64],
    window: f64,
    mean_rate: f64,
}

impl Around<'_> {
    /// The lower and the higher rate around the arrivals `[lo, hi)`, which are those of a window.
    fn rates(&self, lo: usize, hi: usize) -> (f64, f64) {
        let span = AROUND_WINDOWS * self.window;
        let (all, least) = (self.arrivals, AROUND_ARRIVALS);
        let before = (lo >= least && all[lo] - all[0] >= span).then(|| {
            let from = all[lo - least].min(all[lo] - span);
            (lo - all.partition_point(|at| *at < from)) as f64 / (all[lo] - from)
        });
        let last = all[all.len() - 1];
        let after = (all.len() - hi >= least && last - all[hi - 1] >= span).then(|| {
            let until = all[hi - 1 + least].max(all[hi - 1] + span);
            (all.partition_point(|at| *at <= until) - hi) as f64 / (until - all[hi - 1])
        });
        match (before, after) {
            (Some(before), Some(after)) => (before.min(after), before.max(after)),
            (one, other) => {
                let rate = one.or(other).unwrap_or(self.mean_rate);
                (rate, rate)
            }
        }
    }
}

/// The most arrivals in one window, wherever it begins between these moments.
fn peak(arrivals: &[f64], window: f64, from: f64, until: f64) -> usize {
    let begin = arrivals.partition_point(|at| *at < from);
    let (mut end, mut most) = (begin, 0);
    for (at, begun) in arrivals.iter().enumerate().skip(begin).take_while(|(_, begun)| **begun <= until) {
        while end < arrivals.len() && arrivals[end] <= begun + window {
            end += 1;
        }
        most = most.max(end - at);
    }
    most
}

fn check(arrivals: &[f64]) -> Result<(), Error> {
    let must = "finite, and not before the one it follows";
    if arrivals.is_empty() {
        return Err(Error::Invalid { what: "the number of arrivals", value: 0.0, must: "at least 1" });
    }
    if let Some(&value) = arrivals.iter().find(|at| !at.is_finite()) {
        return Err(Error::Invalid { what: "an arrival", value, must });
    }
    match arrivals.windows(2).find(|pair| pair[1] < pair[0]) {
        Some(pair) => Err(Error::Invalid { what: "an arrival", value: pair[1], must }),
        None => Ok(()),
    }
}

/// Adds a window to the last burst if that ends where it begins, else begins another.
fn extend(bursts: &mut Vec<Burst>, start: f64, window: f64, arrivals: usize, mean_rate: f64) {
    let rate = arrivals as f64 / window;
    match bursts.last_mut() {
        Some(burst) if (start - burst.end).abs() < window / 2.0 => {
            burst.end = start + window;
            burst.arrivals += arrivals;
            burst.expected += mean_rate * window;
            burst.peak_rate = burst.peak_rate.max(rate);
        }
        _ => bursts.push(Burst {
            start,
            end: start + window,
            arrivals,
            expected: mean_rate * window,
            peak_rate: rate,
        }),
    }
}

/// The highest expected rate within any `window` seconds if each arrival were delayed by a uniform random time of up to
/// `jitter` seconds, independently (full jitter). Chance comes on top of it, as with any random arrivals.
///
/// With a jitter of 0 it is the highest rate that the log has, wherever the window begins.
///
/// # Errors
/// [`Error::Invalid`] as for [`find`], and for a negative jitter.
pub fn peak_with_jitter(arrivals: &[f64], window: f64, jitter: f64) -> Result<f64, Error> {
    require_positive("the window", window)?;
    crate::error::require_not_negative("the jitter", jitter)?;
    check(arrivals)?;
    let spread = Spread::new(arrivals, jitter);
    // The expected count in a window is piecewise linear in where it begins, with corners where an arrival's range begins
    // or ends at one of its ends.
    let corners = arrivals.iter().flat_map(|at| [*at, at + jitter, at - window, at + jitter - window]);
    let most = corners.map(|from| spread.until(from + window) - spread.before(from)).fold(0.0, f64::max);
    Ok(most / window)
}

/// Arrivals with a uniform delay, as expected counts.
struct Spread<'a> {
    arrivals: &'a [f64],
    /// Sums of the arrivals before each, counted from the first.
    sums: Vec<f64>,
    jitter: f64,
}

impl Spread<'_> {
    fn new(arrivals: &[f64], jitter: f64) -> Spread<'_> {
        let sums = std::iter::once(0.0).chain(arrivals.iter().scan(0.0, |sum, at| {
            *sum += at - arrivals[0];
            Some(*sum)
        }));
        Spread { arrivals, sums: sums.collect(), jitter }
    }

    /// Expected arrivals up to and including `time`.
    fn until(&self, time: f64) -> f64 {
        self.with(time, self.arrivals.partition_point(|at| *at <= time))
    }

    /// Expected arrivals before `time`.
    fn before(&self, time: f64) -> f64 {
        self.with(time, self.arrivals.partition_point(|at| *at < time))
    }

    /// Expected arrivals at `time`, of which `begun` may have come.
    fn with(&self, time: f64, begun: usize) -> f64 {
        if self.jitter == 0.0 {
            return begun as f64;
        }
        let over = self.arrivals.partition_point(|at| at + self.jitter <= time).min(begun);
        let (count, sum) = ((begun - over) as f64, self.sums[begun] - self.sums[over]);
        over as f64 + (count * (time - self.arrivals[0]) - sum) / self.jitter
    }
}

/// Seconds over which `clients` that start at once should spread, if `capacity` of them a second can be served: twice
/// what serving them takes, so that the server is half busy with them and chance does not pile them up.
#[must_use]
pub fn spread_for(clients: f64, capacity: f64) -> f64 {
    2.0 * clients / capacity
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn random(seed: u64, rate: f64, seconds: f64) -> Vec<f64> {
        let mut rng = Rng::new(seed);
        let mut arrivals: Vec<f64> = (0..(rate * seconds) as u32).map(|_| rng.unit() * seconds).collect();
        arrivals.sort_by(f64::total_cmp);
        arrivals
    }

    #[test]
    fn random_arrivals_have_no_bursts() {
        let bursts: usize =
            (0..100).map(|seed| find(&random(seed, 5.0, 1_000.0), 1.0).unwrap().bursts.len()).sum();
        assert!(bursts <= 5, "{bursts} in a hundred logs");
    }

    /// Nine bursts were found in it, for which no jitter was enough.
    #[test]
    fn a_busier_hour_is_no_herd() {
        let found: usize = (0..50)
            .map(|seed| {
                let mut arrivals = random(seed, 5.0, 300.0);
                arrivals.extend(random(seed + 100, 20.0, 300.0).iter().map(|at| 300.0 + at));
                find(&arrivals, 1.0).unwrap().bursts.len()
            })
            .sum();
        assert!(found <= 3, "{found} in fifty logs");
    }

    #[test]
    fn a_herd_in_a_quiet_hour_is_found_beside_a_busy_one() {
        let mut arrivals = random(1, 2.0, 600.0);
        arrivals.extend((0..25).map(|i| 300.0 + f64::from(i) * 0.01));
        arrivals.extend(random(2, 20.0, 600.0).iter().map(|at| 600.0 + at));
        arrivals.sort_by(f64::total_cmp);
        let herd = find(&arrivals, 1.0).unwrap();
        assert!(herd.bursts.iter().any(|burst| (299.0..=301.0).contains(&burst.start)), "{herd:?}");
    }

    /// Its row had the most in a window of the clock, and the line below it the most in any.
    #[test]
    fn the_most_in_a_burst_is_the_most_without_jitter() {
        let mut arrivals = random(1, 5.0, 600.0);
        arrivals.extend((0..500).map(|i| 300.6 + f64::from(i) * 0.001));
        arrivals.sort_by(f64::total_cmp);
        let herd = find(&arrivals, 1.0).unwrap();
        let most = peak_with_jitter(&arrivals, 1.0, 0.0).unwrap();
        assert_eq!((herd.bursts[0].peak_rate, herd.peak_rate), (most, most));
    }

    #[test]
    fn a_restart_is_found_where_it_was() {
        let mut arrivals = random(1, 5.0, 3_600.0);
        arrivals.extend((0..300).map(|i| 1_800.0 + f64::from(i) * 0.01));
        arrivals.sort_by(f64::total_cmp);
        let herd = find(&arrivals, 1.0).unwrap();
        let [burst] = herd.bursts[..] else { panic!("{:?}", herd.bursts) };
        assert!(
            (1_799.0..=1_800.0).contains(&burst.start) && (1_803.0..=1_804.0).contains(&burst.end),
            "{burst:?}"
        );
        assert!(burst.arrivals >= 300 && burst.expected < 25.0 && burst.peak_rate >= 90.0, "{burst:?}");
        assert_eq!(herd.peak_rate, burst.peak_rate);
    }

    #[test]
    fn jitter_spreads_a_herd_over_its_window() {
        let herd = vec![100.0; 600];
        assert_eq!(peak_with_jitter(&herd, 1.0, 0.0), Ok(600.0));
        let after = peak_with_jitter(&herd, 1.0, 60.0).unwrap();
        assert!((after - 10.0).abs() < 1e-9, "{after}");
        // A jitter shorter than the window changes nothing in it.
        assert_eq!(peak_with_jitter(&herd, 1.0, 0.5), Ok(600.0));
        assert_eq!(spread_for(600.0, 20.0), 60.0);
    }

    #[test]
    fn jitter_agrees_with_drawing_it() {
        let arrivals = [0.0, 0.1, 0.1, 4.0, 9.0, 9.0, 9.0, 9.5, 30.0];
        let (mut rng, jitter, window) = (Rng::new(3), 6.0, 2.0);
        // Mean counts in windows that begin at any tenth of a second.
        let (draws, mut counts) = (20_000, vec![0u32; 400]);
        for _ in 0..draws {
            for at in arrivals {
                let at = at + rng.unit() * jitter;
                let begins = ((at - window) * 10.0).ceil().max(0.0) as usize..=(at * 10.0).floor() as usize;
                counts[begins].iter_mut().for_each(|count| *count += 1);
            }
        }
        let most = f64::from(*counts.iter().max().unwrap()) / f64::from(draws) / window;
        let exact = peak_with_jitter(&arrivals, window, jitter).unwrap();
        assert!((exact / most - 1.0).abs() < 0.03, "{exact} {most}");
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(find(&[], 1.0).is_err() && find(&[1.0], 0.0).is_err() && find(&[2.0, 1.0], 1.0).is_err());
        assert!(find(&[0.0, f64::NAN], 1.0).is_err() && find(&[0.0, 1e9], 1e-6).is_err());
        assert!(peak_with_jitter(&[1.0], 1.0, -1.0).is_err());
        let one = find(&[5.0], 1.0).unwrap();
        assert_eq!((one.mean_rate, one.peak_rate, one.bursts.len()), (1.0, 1.0, 0));
    }
}
