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
    /// How many the mean rate of the log would have brought.
    pub expected: f64,
    /// The most in one window, per second.
    pub peak_rate: f64,
}

/// What a log says.
#[derive(Debug, Clone, PartialEq)]
pub struct Herd {
    /// Arrivals per second over the whole log.
    pub mean_rate: f64,
    /// The most in one window, per second.
    pub peak_rate: f64,
    /// More than so many in a window are a burst.
    pub threshold: f64,
    /// The bursts, in order.
    pub bursts: Vec<Burst>,
}

/// The bursts among `arrivals`, which are rising seconds, counted in windows of `window` seconds.
///
/// A window is part of a burst if its count exceeds what a Poisson process of the same mean rate exceeds anywhere in so
/// long a log once in a hundred logs.
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
    let threshold = poisson::quantile(mean_rate * window, FALSE_ALARM / windows);
    let index = |at: f64| ((at - first) / window).floor();
    let mut peak = 0;
    let mut bursts: Vec<Burst> = Vec::new();
    for same in arrivals.chunk_by(|a, b| index(*a) == index(*b)) {
        peak = peak.max(same.len());
        if same.len() as f64 > threshold {
            let start = first + index(same[0]) * window;
            extend(&mut bursts, start, window, same.len(), mean_rate);
        }
    }
    Ok(Herd { mean_rate, peak_rate: peak as f64 / window, threshold, bursts })
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
