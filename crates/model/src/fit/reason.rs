//! Why a peak is claimed, or which of the gates refused it.

use std::fmt;

use super::gates::{MARGIN_MIN, MISFIT_MAX};
use crate::law::Law;

/// A law is not asked about more than this many times the most workers that were measured.
pub(super) const FAR: f64 = 10.0;

/// The gates, in the order in which they are asked. The first that refuses is the reason.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// All gates passed: there is a peak.
    Proved,
    /// Fewer than six different numbers of workers.
    FewCounts {
        /// How many there are.
        counts: usize,
    },
    /// The largest number of workers is less than eight times the smallest.
    NarrowRange {
        /// How many times it is.
        ratio: f64,
    },
    /// The USL fits best without coherency, and so without a peak.
    NoCoherency,
    /// A law without a peak explains the measurements as well, or nearly.
    Rival {
        /// Which.
        law: Law,
        /// By how much the USL's AICc is lower than that law's; 16 are demanded. Negative if the rival is better.
        margin: f64,
    },
    /// The USL comes nearer than a law without a peak and describes the measurements best, but there are too few of them to
    /// tell its third number from chance for a peak.
    Few {
        /// The rival.
        law: Law,
        /// By how much the USL's AICc is lower than that law's: negative, it is higher.
        margin: f64,
    },
    /// Every law misses the measurements somewhere by more than 15 %.
    NoLaw {
        /// The law that comes nearest.
        law: Law,
        /// The workers of what it misses most.
        n: f64,
        /// Measured over predicted, less 1.
        relative: f64,
    },
    /// The law falls from the fewest workers measured: what is below them was not seen.
    NoRise {
        /// How many they are.
        n_min: f64,
    },
    /// Throughput does not fall beyond doubt: a curve that only rises or stays fits nearly as well.
    NoFall,
    /// More than one bootstrap in twenty has no coherency.
    Doubtful {
        /// Share of the bootstraps in which coherency is 0.
        beta_zero_share: f64,
    },
    /// The USL misses a measurement by more than 15 %.
    Misfit {
        /// Workers of that measurement.
        n: f64,
        /// Measured over predicted, less 1.
        relative: f64,
    },
    /// The law's peak lies beyond the last measurement.
    NotBracketed {
        /// Where the law puts it.
        projected: f64,
        /// The largest number of workers measured.
        n_max: f64,
    },
}

impl Reason {
    /// The same, said beside the law that describes the measurements: where that is the USL itself, no rival fits better.
    pub(super) fn beside(self, chosen: Option<Law>) -> Reason {
        match self {
            Reason::Rival { law, margin } if chosen == Some(Law::Usl) && margin < 0.0 => {
                Reason::Few { law, margin }
            }
            other => other,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reason::Proved => {
                write!(f, "measured on both sides, and no law without a peak explains it as well")
            }
            Reason::FewCounts { counts } => write!(
                f,
                "{counts} different numbers of workers prove little: three unknowns fit three points exactly, \
                 right or wrong; measure at six or more"
            ),
            Reason::NarrowRange { ratio } => write!(
                f,
                "the most workers are only {ratio:.1} times the fewest, and a bend does not show in so short a \
                 stretch: measure up to eight times the fewest or more"
            ),
            Reason::NoCoherency => {
                write!(f, "nothing in the measurements costs more per worker as workers are added")
            }
            Reason::Rival { law, margin } if margin < 0.0 => {
                write!(f, "the law \"{law}\", which has no peak, fits better (AICc lower by {:.1})", -margin)
            }
            Reason::Few { law, margin } => write!(
                f,
                "the USL comes nearer than the law \"{law}\", which has no peak, but so few measurements do not prove \
                 its third number (AICc higher by {:.1}, where it has to be lower by {MARGIN_MIN}): measure at more \
                 numbers of workers, or with more repeats",
                -margin
            ),
            Reason::NoLaw { law, n, relative } => write!(
                f,
                "no law fits: what was measured with {} is {:.0} % {} the nearest, \"{law}\", and {:.0} % are \
                 allowed: repeat that run, or look at what changes there",
                workers(n),
                (relative * 100.0).abs(),
                if relative < 0.0 { "below" } else { "above" },
                MISFIT_MAX * 100.0
            ),
            Reason::NoRise { n_min } => write!(
                f,
                "throughput falls from the fewest workers that were measured ({n_min}): measure with fewer, if there \
                 can be fewer"
            ),
            Reason::Rival { law, margin } => write!(
                f,
                "the law \"{law}\", which has no peak, fits nearly as well (AICc higher by {margin:.1}, where \
                 {MARGIN_MIN} are demanded): measure further out, or with more repeats"
            ),
            Reason::NoFall => write!(
                f,
                "no fall is seen that noise would not explain: measure further out, or with more repeats"
            ),
            Reason::Doubtful { beta_zero_share } => write!(
                f,
                "in {:.0} % of the data sets that chance could have given instead there is no peak: repeat the \
                 measurements",
                beta_zero_share * 100.0
            ),
            Reason::Misfit { n, relative } => write!(
                f,
                "at {} the measurement is {:.0} % {} the USL: look at that run, or at what changes there",
                workers(n),
                (relative * 100.0).abs(),
                if relative < 0.0 { "below" } else { "above" }
            ),
            Reason::NotBracketed { projected, n_max } if projected > FAR * n_max => write!(
                f,
                "the law's peak lies far beyond the last measurement ({n_max}): measure further out"
            ),
            Reason::NotBracketed { projected, n_max } => write!(
                f,
                "the law's peak ({projected:.0} workers) lies beyond the last measurement ({n_max}): measure at \
                 {:.0} and more",
                projected * 1.5
            ),
        }
    }
}

fn workers(n: f64) -> String {
    format!("{n} worker{}", if n == 1.0 { "" } else { "s" })
}
