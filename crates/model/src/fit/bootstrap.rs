//! The same fit on data sets that chance could have given instead: where the intervals come from.

use super::levels::Level;
use super::nnls;
use super::noise::Noise;
use super::result::{Estimate, UslEstimate};
use crate::rng::Rng;
use crate::usl::Usl;

/// USLs fitted to resampled measurements.
///
/// How large the noise is, is not known either ([`Noise::spread`]). That factor stretches how far a fit has moved, and not
/// the noise that it is fitted to: noise of ten times its size, which a single degree of freedom has in one draw of ten,
/// is where least squares goes astray, and says nothing of the measurements (lower ends of a millionth of the estimate).
pub(super) struct Bootstrap(Vec<Usl>);

impl Bootstrap {
    /// `count` fits to `law` with noise on it.
    pub(super) fn new(levels: &[Level], law: Usl, noise: &Noise, rng: &mut Rng, count: u32) -> Bootstrap {
        let expected: Vec<f64> = levels.iter().map(|level| law.throughput(level.n).ln()).collect();
        let pull: Vec<f64> = levels.iter().map(|level| noise.pull(level)).collect();
        let fit = |_| {
            let spread = noise.spread(rng);
            let mut off = |level, pull| noise.draw(rng, level, 1.0) - pull;
            let drawn = levels.iter().zip(&expected).zip(&pull);
            let drawn: Vec<f64> = drawn.map(|((level, at), pull)| at + off(level, pull)).collect();
            stretched(law, nnls::fit(levels, &drawn, nnls::USL), spread)
        };
        Bootstrap((0..count).map(fit).collect())
    }

    /// Intervals around the numbers of `law`.
    pub(super) fn estimate(&self, law: Usl) -> UslEstimate {
        UslEstimate {
            alpha: self.interval(law.alpha, |law| law.alpha),
            beta: self.interval(law.beta, |law| law.beta),
            lambda: self.interval(law.lambda, |law| law.lambda),
        }
    }

    /// The peak's interval around `value`; without a peak it is at infinity.
    pub(super) fn peak(&self, value: f64) -> Estimate {
        self.interval(value, |law| law.peak().unwrap_or(f64::INFINITY))
    }

    /// Share without coherency.
    pub(super) fn beta_zero_share(&self) -> f64 {
        self.0.iter().filter(|law| law.beta == 0.0).count() as f64 / self.0.len() as f64
    }

    /// What running `n` workers loses against the best number up to `n_max`, exceeded by 2.5 % of the bootstraps.
    pub(super) fn regret(&self, n: f64, n_max: f64) -> f64 {
        let loss = |law: Usl| {
            let best = law.peak().unwrap_or(f64::INFINITY).min(n_max.max(n));
            1.0 - law.throughput(n) / law.throughput(best)
        };
        self.interval(0.0, loss).high
    }

    /// Percentiles of `of`, and what was estimated: with noise as large as what is measured all draws can lie to one side
    /// of it, and it is possible all the same.
    fn interval(&self, value: f64, of: impl Fn(Usl) -> f64) -> Estimate {
        let mut all: Vec<f64> = self.0.iter().map(|&law| of(law)).collect();
        all.sort_by(f64::total_cmp);
        let at = |part: f64| all[((all.len() as f64 + 1.0) * part).round() as usize - 1];
        Estimate { value, low: at(0.025).min(value), high: at(0.975).max(value) }
    }
}

/// `law` moved `spread` times as far as to `drawn`, within what a USL can be.
fn stretched(law: Usl, drawn: Usl, spread: f64) -> Usl {
    let moved = |from: f64, to: f64| from + spread * (to - from);
    Usl {
        alpha: moved(law.alpha, drawn.alpha).clamp(0.0, 1.0),
        beta: moved(law.beta, drawn.beta).max(0.0),
        lambda: moved(law.lambda.ln(), drawn.lambda.ln()).exp(),
    }
}
