//! What has to hold before a peak is claimed.

use super::Reason;
use super::levels::Level;
use super::result::Residual;
use crate::law::Law;

/// Different numbers of workers.
const COUNTS_MIN: usize = 6;
/// Most workers over fewest.
const RATIO_MIN: f64 = 8.0;
/// By how much the AICc of the best rival has to be higher for a peak to be claimed. 4 is the usual sign of a clear
/// difference, and true for 1 of 100 sweeps of a plain queue to three times its knee, some of which then also seemed to
/// fall; the most in 8 000 was 14. Sweeps to twice a true peak, with 3 % noise and three repeats, have 26 and more.
pub const MARGIN_MIN: f64 = 16.0;
/// Bootstraps without coherency.
const BETA_ZERO_MAX: f64 = 0.05;
/// Measured off the law.
pub(super) const MISFIT_MAX: f64 = 0.15;
/// How often noise may look like the fall that was measured.
pub(super) const CHANCE_MAX: f64 = 0.01;

/// What the gates look at.
pub(super) struct Evidence<'a> {
    pub(super) levels: &'a [Level],
    /// The nearest law and what it misses, if that is too much and no law fits.
    pub(super) no_law: Option<(Law, Residual)>,
    /// Where the USL has its peak.
    pub(super) projected: Option<f64>,
    /// The rival that is hardest to tell from it, and by how much it is worse.
    pub(super) rival: Option<(Law, f64)>,
    /// How often the bootstrap finds no coherency, if it can be asked.
    pub(super) beta_zero_share: Option<f64>,
    pub(super) worst: Residual,
    /// How often noise looks like the fall, if that can be asked.
    pub(super) chance: Option<f64>,
}

/// The first gate that refuses, or [`Reason::Proved`].
pub(super) fn pass(evidence: &Evidence) -> Reason {
    let (counts, n_min) = (evidence.levels.len(), evidence.levels[0].n);
    let n_max = evidence.levels[counts - 1].n;
    if let Some((law, Residual { n, relative })) = evidence.no_law {
        return Reason::NoLaw { law, n, relative };
    }
    let Some(projected) = evidence.projected else { return Reason::NoCoherency };
    if counts < COUNTS_MIN {
        return Reason::FewCounts { counts };
    }
    if n_max / n_min < RATIO_MIN {
        return Reason::NarrowRange { ratio: n_max / n_min };
    }
    if let Some((law, margin)) = evidence.rival
        && margin < MARGIN_MIN
    {
        return Reason::Rival { law, margin };
    }
    // With six different numbers of workers both can be asked; if not, nothing is proved.
    let beta_zero_share = evidence.beta_zero_share.unwrap_or(1.0);
    if beta_zero_share > BETA_ZERO_MAX {
        return Reason::Doubtful { beta_zero_share };
    }
    if evidence.worst.relative.abs() > MISFIT_MAX {
        return Reason::Misfit { n: evidence.worst.n, relative: evidence.worst.relative };
    }
    if projected.round() <= n_min {
        return Reason::NoRise { n_min };
    }
    if projected > n_max {
        return Reason::NotBracketed { projected, n_max };
    }
    if evidence.chance.unwrap_or(1.0) > CHANCE_MAX { Reason::NoFall } else { Reason::Proved }
}
