//! Closed queueing networks: n workers that go round, think, and queue at stations. How much do they get done?
//!
//! This is the model to run forward: measure what one round of a worker costs at each station, and it says what any number
//! of workers would get done, without trying. Unlike the laws it knows *which* station is the limit.
//!
//! The answer is that of mean value analysis (Reiser and Lavenberg 1980; load-dependent stations: Reiser 1981), computed
//! from the normalising constants (Buzen 1973) in logarithms. The recursion over queue lengths that is usually written
//! subtracts nearly equal numbers when a station with several servers saturates, and can come out negative; here every
//! term is positive.

mod constants;
mod station;

pub(crate) use station::SHARE_WRITTEN;
pub use station::Station;

use crate::error::{Error, require_not_negative};

/// Workers that think and then visit each station once a round.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    think: f64,
    stations: Vec<Station>,
}

/// The number of workers with the highest throughput.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// Workers.
    pub n: u32,
    /// Rounds per second that they make.
    pub throughput: f64,
}

impl Network {
    /// Workers that spend `think` seconds of each round away from all `stations`: the work itself, if each worker has
    /// what it needs for that.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a time is negative or not finite, or if a round takes no time at all.
    pub fn new(think: f64, stations: Vec<Station>) -> Result<Network, Error> {
        require_not_negative("the think time", think)?;
        stations.iter().try_for_each(Station::check)?;
        let round = think + stations.iter().map(|station| station.alone(1)).sum::<f64>();
        if round <= 0.0 {
            return Err(Error::Invalid { what: "the time of a round", value: round, must: "above zero" });
        }
        // A station without demand is never waited for, and has no logarithm.
        let stations = stations.into_iter().filter(|station| station.alone(1) > 0.0).collect();
        Ok(Network { think, stations })
    }

    /// Rounds per second of `n` workers.
    ///
    /// Takes time in proportion to `n` times the servers of the largest [`Station::Servers`]: well below a second for
    /// ten thousand workers. With more than one [`Station::Batch`] it grows with the square of `n`.
    #[must_use]
    pub fn throughput(&self, n: u32) -> f64 {
        constants::throughput(self.think, &self.stations, n)
    }

    /// How busy each station is with `n` workers, `0.0..=1.0`, in the order they were given (those without demand left
    /// out): the highest is the limit.
    #[must_use]
    pub fn utilisations(&self, n: u32) -> Vec<f64> {
        let throughput = self.throughput(n);
        self.stations.iter().map(|station| (throughput / station.rate(n, n)).min(1.0)).collect()
    }

    /// What no number of workers exceeds if they all behave as `n` of them do: the rate of the slowest station.
    #[must_use]
    pub fn bound(&self, n: u32) -> f64 {
        self.stations.iter().map(|station| station.rate(n, n)).fold(f64::INFINITY, f64::min)
    }

    /// The fewest workers, up to `n_max`, with the highest throughput, if more of them get less done.
    ///
    /// None where throughput still rises at `n_max`, or only levels off: a ten-thousandth less counts as level.
    #[must_use]
    pub fn peak(&self, n_max: u32) -> Option<Best> {
        let top = self.summit(n_max.max(1));
        if self.throughput(n_max.max(1)) > top.throughput * (1.0 - 1e-4) {
            return None;
        }
        // The top may be a plateau, where other stations hold throughput until a growing one takes over.
        let level = top.throughput * (1.0 - 1e-6);
        let (mut below, mut reaches) = (0, top.n);
        while reaches - below > 1 {
            let middle = below.midpoint(reaches);
            if self.throughput(middle) < level { below = middle } else { reaches = middle }
        }
        Some(Best { n: reaches, throughput: self.throughput(reaches) })
    }

    /// Search by thirds: throughput rises, may stay, and then, if at all, falls.
    fn summit(&self, n_max: u32) -> Best {
        let (mut low, mut high) = (1, n_max);
        while high - low > 2 {
            let third = (high - low) / 3;
            let (a, b) = (low + third, high - third);
            if self.throughput(a) < self.throughput(b) { low = a + 1 } else { high = b - 1 }
        }
        let at = |n| Best { n, throughput: self.throughput(n) };
        (low + 1..=high).map(at).fold(at(low), |a, b| if b.throughput > a.throughput { b } else { a })
    }
}

#[cfg(test)]
mod tests;
