//! What chance could have given instead: noise like that of the measurements.
//!
//! Two sources are kept apart. Repeats differ among themselves; that is averaged over as many repeats as a level has. And
//! levels miss the law by more than their repeats explain; that is drawn once a level, because it is the same in all of
//! its repeats. Without repeats all of it is of the second kind, and this is the residual bootstrap (Efron 1979) on
//! logarithms.

use super::levels::Level;
use crate::rng::Rng;

/// So many times the variance that the repeats explain is more than chance: levels miss the law. Chance alone does that
/// to one in eight sweeps of eight levels with three repeats.
const MISFIT: f64 = 2.0;

/// A source of noise for each level.
pub(super) struct Noise {
    /// Deviations of repeats from their level, of the right spread.
    within: Vec<f64>,
    /// Deviations of levels from the law beyond that, of the right spread.
    between: Vec<f64>,
    /// How many independent deviations the spread was estimated from.
    freedom: usize,
}

impl Noise {
    /// The noise in `levels` around a law that leaves `residuals` and has found `parameters` numbers. None if nothing
    /// says how much there is: three measurements that three numbers fit exactly.
    pub(super) fn new(levels: &[Level], residuals: &[f64], parameters: usize) -> Option<Noise> {
        let repeated = || levels.iter().filter(|level| level.runs.len() > 1);
        let mut within: Vec<f64> = repeated().flat_map(Level::deviations).map(|(off, _)| off).collect();
        // Deviations from what was fitted to them are too small, by as many as were fitted.
        let inner = within.len() - repeated().count();
        rescale(&mut within, inner);
        let mut between = residuals.to_vec();
        let outer = between.len().saturating_sub(parameters);
        rescale(&mut between, outer);

        let averaged =
            levels.iter().map(|level| 1.0 / level.runs.len() as f64).sum::<f64>() / levels.len() as f64;
        let explained = variance(&within) * averaged;
        let found = if outer == 0 { 0.0 } else { variance(&between) };
        if found > MISFIT * explained {
            scale(&mut between, ((found - explained) / found.max(f64::MIN_POSITIVE)).sqrt());
            return Some(Noise::of(within, between, outer));
        }
        // The law fits: its residuals are noise as well, and all of it together says best how much there is.
        let freedom = inner + outer;
        let pooled = (inner as f64 * explained + outer as f64 * found) / freedom.max(1) as f64;
        if explained > 0.0 {
            scale(&mut within, (pooled / explained).sqrt());
        }
        (freedom > 0).then(|| Noise::of(within, vec![0.0], freedom))
    }

    fn of(within: Vec<f64>, between: Vec<f64>, freedom: usize) -> Noise {
        Noise { within, between, freedom }
    }

    /// How large the noise may be, over how large it looks: drawn once for each data set.
    ///
    /// A spread that is known from a few deviations only is known badly. Without this, intervals from eight single
    /// measurements are too narrow by a quarter, and falls are seen where there are none.
    pub(super) fn spread(&self, rng: &mut Rng) -> f64 {
        // From a hundred on it is known well enough.
        if self.freedom > 100 {
            return 1.0;
        }
        let chi_squared: f64 = (0..self.freedom).map(|_| rng.normal().powi(2)).sum();
        (self.freedom as f64 / chi_squared).sqrt()
    }

    /// Noise for a level with as many repeats as `level` has, `spread` as large as it looks.
    pub(super) fn draw(&self, rng: &mut Rng, level: &Level, spread: f64) -> f64 {
        let runs = level.runs.len();
        let mut sum = 0.0;
        if !self.within.is_empty() {
            sum += (0..runs).map(|_| self.within[rng.below(self.within.len())]).sum::<f64>() / runs as f64;
        }
        spread * (sum + self.between[rng.below(self.between.len())])
    }

    /// How far relative least squares put a law above the middle of such noise: by `E(x^2)/E(x)` of what `N/X` is multiplied
    /// by. 0.1 % with noise of 3 %, but 9 % with 25 %: drawn around the law without it, data would be fitted that much too
    /// high again, and the estimate lie outside of its own interval.
    pub(super) fn pull(&self, level: &Level) -> f64 {
        let runs = level.runs.len() as f64;
        let of = |deviations: &[f64], share: f64| {
            let mean = |power: f64| {
                deviations.iter().map(|d| (-power * share * d).exp()).sum::<f64>() / deviations.len() as f64
            };
            if deviations.is_empty() { 0.0 } else { (mean(2.0) / mean(1.0)).ln() }
        };
        runs * of(&self.within, 1.0 / runs) + of(&self.between, 1.0)
    }
}

/// Makes the mean 0 and the mean square what `freedom` degrees of freedom say about the spread they came from.
fn rescale(deviations: &mut [f64], freedom: usize) {
    if freedom > 0 {
        let mean = deviations.iter().sum::<f64>() / deviations.len() as f64;
        deviations.iter_mut().for_each(|deviation| *deviation -= mean);
        scale(deviations, (deviations.len() as f64 / freedom as f64).sqrt());
    }
}

fn scale(deviations: &mut [f64], factor: f64) {
    deviations.iter_mut().for_each(|deviation| *deviation *= factor);
}

fn variance(deviations: &[f64]) -> f64 {
    if deviations.is_empty() {
        0.0
    } else {
        deviations.iter().map(|d| d * d).sum::<f64>() / deviations.len() as f64
    }
}
