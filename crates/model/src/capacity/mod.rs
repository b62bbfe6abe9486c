//! The capacity oracle: how throughput would grow with more workers, told from ordinary work.
//!
//! Nothing is tried out for it. Nodes note what each round trip to the store held it for and how many workers there were
//! then; how that grows is a regression, and what it comes to with any number of workers a small closed network, run forward.
//! See Gunther, *Guerrilla Capacity Planning* (2007), for the laws this replaces, and Denning and Buzen, *The operational
//! analysis of queueing network models* (1978), for the bounds it stands on.
//!
//! | file | idea |
//! |---|---|
//! | `seen.rs` | the input: sums by how many workers were active |
//! | `line.rs` | a line through means, and how sure it is |
//! | `costs.rs` | the coefficients, and the network run forward |
//! | `hidden.rs` | what task times say of what tasks share |
//! | `silence.rs` | reasons to say nothing |
//!
//! It says nothing rather than something wrong: every number has an interval from the errors of the coefficients, and
//! where that is wide, where tasks slow down for a reason that is not seen, or where what is known does not come to the
//! throughput that was seen, the answer is the reason ([`Silence`]).
//!
//! What it cannot foresee is what has not begun to show and follows no chance: a lock inside of tasks that all take equally
//! long, and so never meet at it before it is full.

mod costs;
mod hidden;
mod line;
mod seen;
mod silence;
#[cfg(test)]
mod tests;

pub use costs::Limit;
pub use seen::{Level, Moments, Seen};
pub use silence::Silence;

use crate::rng::Rng;
use costs::Costs;

/// Round trips below which nothing is said.
const TRIPS_MIN: f64 = 30.0;
/// A level with fewer says little.
const LEVEL_TRIPS_MIN: f64 = 8.0;
/// Nothing is said of more than so many times the workers seen: so far it has been compared with measurements.
const FAR: f64 = 8.0;
/// A number whose interval reaches farther than this to either side is not said.
const WIDE: f64 = 0.15;
/// What is known has to come to what was seen within this.
const AGREES: f64 = 0.10;
/// Share of what the store can do up to which it makes no difference that processes compete for it: with 48 at 80 % only
/// half of the tasks were run that the store had time for, with 24 at 40 % all.
const CONTENDED_MAX: f64 = 0.5;
/// The share of the cores that a fair scheduler leaves to whoever asks for no more, beside three others that take all
/// they can get.
const FAIR: f64 = 0.25;
/// Sets of coefficients that intervals come from.
const DRAWS: usize = 400;
/// Most workers that a peak is looked for at.
const PEAK_MAX: f64 = 1e6;

/// What is known of a system.
#[derive(Debug, Clone)]
pub struct Oracle {
    costs: Costs,
    drawn: Vec<Costs>,
    most_seen: f64,
    varied: bool,
}

/// Throughput at a number of workers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Workers.
    pub workers: f64,
    /// Tasks per second.
    pub rate: f64,
    /// Where it is with 95 %, if the coefficients are all that is uncertain.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// What sets it.
    pub limit: Limit,
}

/// The number of workers with the highest throughput.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Throughput there.
    pub at: Prediction,
    /// Where the peak is with 95 %.
    pub low: f64,
    /// See `low`.
    pub high: f64,
}

impl Oracle {
    /// Looks at what was seen.
    ///
    /// # Errors
    /// The reason, if nothing can be said.
    pub fn of(seen: &Seen) -> Result<Oracle, Silence> {
        let all: f64 = seen.levels.iter().map(|level| level.trips).sum();
        let levels: Vec<Level> = seen
            .levels
            .iter()
            .filter(|level| level.trips >= LEVEL_TRIPS_MIN && level.tasks > 0.0)
            .copied()
            .collect();
        let seen = Seen { levels, ..seen.clone() };
        let trips: f64 = seen.levels.iter().map(|level| level.trips).sum();
        if all == 0.0 && seen.untold == 0.0 {
            return Err(Silence::NothingSeen);
        }
        if seen.untold > all {
            return Err(Silence::Untold);
        }
        if trips < TRIPS_MIN {
            return Err(Silence::TooFew { trips: all as u64 });
        }
        let (costs, hidden) = Costs::of(&seen);
        if let Some((from, to)) = hidden.slows() {
            return Err(Silence::TasksSlow { from, to });
        }
        let mut rng = Rng::new(trips.to_bits());
        let drawn = (0..DRAWS).map(|_| costs.drawn(&hidden, &mut rng)).collect();
        let (first, last) = (seen.levels[0].workers, seen.levels[seen.levels.len() - 1].workers);
        let oracle = Oracle { costs, drawn, most_seen: last, varied: last > first };
        oracle.adds_up(&seen)?;
        Ok(oracle)
    }

    /// What is known has to come to the throughput that was seen, with all workers and with many.
    fn adds_up(&self, seen: &Seen) -> Result<(), Silence> {
        self.comes_to(&seen.levels)?;
        self.comes_to(&seen.levels[seen.levels.len() * 2 / 3..])
    }

    fn comes_to(&self, levels: &[Level]) -> Result<(), Silence> {
        // Each level counts by how long it was seen.
        let mean = |of: &dyn Fn(&Level) -> f64| {
            let seconds: f64 = levels.iter().map(Level::seconds).sum();
            levels.iter().map(|level| level.seconds() * of(level)).sum::<f64>() / seconds
        };
        let (seen, workers) = (mean(&|level| level.rate()), mean(&|level| level.workers));
        let modelled = mean(&|level| self.costs.throughput(level.workers));
        let agrees = (seen / modelled - 1.0).abs() <= AGREES;
        if agrees { Ok(()) } else { Err(Silence::Unaccounted { workers, seen, modelled }) }
    }

    /// Throughput with so many workers.
    ///
    /// # Errors
    /// The reason, if that cannot be told.
    pub fn at(&self, workers: f64) -> Result<Prediction, Silence> {
        if workers > self.most_seen * FAR {
            return Err(Silence::TooFar { most: self.most_seen * FAR });
        }
        let said = self.guess(workers);
        if workers > self.most_seen {
            self.may_go_beyond(&said)?;
        }
        let Prediction { rate, low, high, .. } = said;
        let is_wide = |low: f64, high: f64| low < rate * (1.0 - WIDE) || high > rate * (1.0 + WIDE);
        if !is_wide(low, high) {
            return Ok(said);
        }
        let (least, most) = self.interval(workers, |costs| costs.section.is_none());
        if is_wide(least, most) {
            Err(Silence::TooWide { low, high })
        } else {
            Err(Silence::MayShare { rate, low })
        }
    }

    /// Whether what was seen says anything of more workers.
    fn may_go_beyond(&self, said: &Prediction) -> Result<(), Silence> {
        let Costs { others, cores, contended, .. } = self.costs;
        // That cores are the limit is known at any number of workers; what else grows with them is not, at one.
        if !self.varied && said.limit != Limit::Cores {
            return Err(Silence::NoVariation { workers: self.most_seen });
        }
        if contended && said.rate > CONTENDED_MAX * self.costs.store_rate(said.workers) {
            return Err(Silence::Contended { share: CONTENDED_MAX });
        }
        let left = Costs { cores: (cores - others).max(FAIR * cores), ..self.costs };
        if cores > 0.0 && left.throughput(said.workers) < said.rate * (1.0 - AGREES) {
            return Err(Silence::SharedCores { others, cores });
        }
        Ok(())
    }

    /// What would be said without the gates.
    fn guess(&self, workers: f64) -> Prediction {
        let (low, high) = self.interval(workers, |_| true);
        let rate = self.costs.throughput(workers);
        Prediction { workers, rate, low, high, limit: self.costs.limit(workers) }
    }

    /// Where throughput is with 95 %, by those draws that are asked for.
    fn interval(&self, workers: f64, which: fn(&Costs) -> bool) -> (f64, f64) {
        let drawn = self.drawn.iter().filter(|costs| which(costs));
        middle(drawn.map(|costs| costs.throughput(workers)).collect())
    }

    /// Where throughput is highest, if more workers than that get clearly less done, and that is within what can be told.
    #[must_use]
    pub fn peak(&self) -> Option<Peak> {
        let n = self.costs.peak()?;
        let at = self.at(n).ok()?;
        let (low, high) = middle(self.drawn.iter().map(|costs| costs.peak().unwrap_or(PEAK_MAX)).collect());
        (high < PEAK_MAX).then_some(Peak { at, low, high })
    }

    /// The same system with so many times the tasks in a lease.
    #[must_use]
    pub fn with_lease(&self, times: f64) -> Oracle {
        let with = |costs: &Costs| Costs { lease: costs.lease * times, ..*costs };
        Oracle { costs: with(&self.costs), drawn: self.drawn.iter().map(with).collect(), ..*self }
    }

    /// Seconds that each worker adds to what a round trip holds the store for, if it clearly does.
    #[must_use]
    pub fn growth(&self) -> Option<f64> {
        Some(self.costs.growth()).filter(|growth| *growth > 0.0)
    }
}

/// The middle 95 % of values.
fn middle(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    let at = |share: f64| values.get((last * share).round() as usize).copied().unwrap_or(0.0);
    (at(0.025), at(0.975))
}
