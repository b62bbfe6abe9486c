//! What goes into a fit and what comes out of it.

use super::Reason;
use crate::law::{Curve, Law};
use crate::usl::Usl;

/// One measurement: a throughput at a number of workers. Several at one number are repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Workers; not necessarily whole, as in averages of active sessions.
    pub n: f64,
    /// Throughput, in any unit.
    pub x: f64,
    /// How much it counts beside the others, 1 for all unless told: twice the weight is twice the measuring time.
    pub weight: f64,
}

impl Point {
    /// A measurement with the weight 1.
    #[must_use]
    pub fn new(n: f64, x: f64) -> Point {
        Point { n, x, weight: 1.0 }
    }
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Seed of the bootstrap: the same seed and data give the same intervals.
    pub seed: u64,
    /// How many data sets the bootstrap draws; at least 199, and no more than two million over the different numbers of
    /// workers.
    pub bootstraps: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 1, bootstraps: 999 }
    }
}

/// A number and the 95 % interval that the bootstrap gives it. Where nothing says how uncertain it is (three measurements,
/// which three numbers fit exactly) the interval is all that the number could be, infinity included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate itself.
    pub value: f64,
    /// 2.5 % of the bootstraps are below.
    pub low: f64,
    /// 2.5 % of the bootstraps are above.
    pub high: f64,
}

/// A USL whose numbers have intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UslEstimate {
    /// Contention.
    pub alpha: Estimate,
    /// Coherency.
    pub beta: Estimate,
    /// Throughput of one worker.
    pub lambda: Estimate,
}

impl UslEstimate {
    /// The law without the intervals.
    #[must_use]
    pub fn usl(&self) -> Usl {
        Usl { alpha: self.alpha.value, beta: self.beta.value, lambda: self.lambda.value }
    }
}

/// A place where throughput is highest, seen from both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// The number of workers.
    pub n: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end; infinite if more than 2.5 % of the bootstraps have no peak.
    pub high: f64,
    /// Throughput there.
    pub x: f64,
}

/// How one law fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rival {
    /// The law with its best numbers.
    pub curve: Curve,
    /// Akaike's criterion, corrected for few data: lower is better. Laws less than 4 apart can hardly be told from each
    /// other; a peak takes [`MARGIN_MIN`](super::MARGIN_MIN) to the best rival.
    pub aicc: f64,
    /// Root mean square of the relative residuals.
    pub rms: f64,
    /// What it misses most: a measurement, or a stretch of neighbours where there are more than 16.
    pub worst: Residual,
}

/// How far a measurement is from the law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// The number of workers.
    pub n: f64,
    /// Measured over predicted, less 1.
    pub relative: f64,
}

/// What a set of measurements says.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The law that describes them best; None if every law misses them somewhere by more than 15 %.
    pub law: Option<Law>,
    /// The same with its numbers.
    pub curve: Option<Curve>,
    /// What no number of workers exceeds under that law, with its 95 % interval; None if there is no law, or none that has
    /// a full bottleneck.
    pub roof: Option<Estimate>,
    /// The USL, whether or not it won: its numbers are what people compare.
    pub usl: UslEstimate,
    /// All laws that could be fitted, lowest AICc first.
    pub rivals: Vec<Rival>,
    /// Share of the bootstraps in which coherency is 0, and with it the peak nowhere; None where nothing says how uncertain
    /// the measurements are.
    pub beta_zero_share: Option<f64>,
    /// Where throughput peaks, if the measurements prove that it does.
    pub peak: Option<Peak>,
    /// Where the USL would peak if it were right, when nothing proves it: never to be called a peak. None where no law
    /// fits, and where that is more than ten times the most workers that were measured: so far no curve reaches.
    pub projected: Option<f64>,
    /// Why a peak is claimed or not.
    pub reason: Reason,
    /// How often noise around a curve that never falls looks as much like a fall as the measurements do; None where nothing
    /// says how much noise there is. From 1 % on nothing is said to fall.
    pub fall_chance: Option<f64>,
    /// How much throughput is lost at most by running `peak.n` or `projected` workers if the best number is at an end of
    /// its interval instead, as a share; None where neither is known, or nothing says how
    /// uncertain it is.
    pub regret: Option<f64>,
    /// The measurement that is farthest from the USL.
    pub worst_residual: Residual,
}

impl Fit {
    /// Whether throughput falls beyond doubt; None where nothing says how much noise there is.
    #[must_use]
    pub fn falls(&self) -> Option<bool> {
        self.fall_chance.map(|chance| chance <= super::gates::CHANCE_MAX)
    }

    /// What the winning law says about `n` workers.
    #[must_use]
    pub fn predicted(&self, n: f64) -> Option<f64> {
        Some(self.curve?.throughput(n))
    }

    /// Predicted throughput of `n` workers over `n` times that of one.
    #[must_use]
    pub fn efficiency(&self, n: f64) -> Option<f64> {
        Some(self.curve?.efficiency(n))
    }

    /// Speed-up that the winning law gives `n` workers over one.
    #[must_use]
    pub fn speedup(&self, n: f64) -> Option<f64> {
        let curve = self.curve?;
        Some(curve.throughput(n) / curve.lambda())
    }
}
