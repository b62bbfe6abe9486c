//! A line through the means of levels, and how sure it is.

/// `at(n) = base + slope n`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Line {
    pub(super) base: f64,
    pub(super) slope: f64,
    /// Variances of both and their covariance.
    pub(super) base_var: f64,
    pub(super) slope_var: f64,
    pub(super) covariance: f64,
}

/// One level: where, what, and the variance of that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mean {
    pub(super) n: f64,
    pub(super) value: f64,
    pub(super) variance: f64,
}

/// Huber's constant: 95 % as efficient as least squares where nothing is wild.
const HUBER: f64 = 1.345;
/// Rounds of reweighting; it has settled long before.
const ROUNDS: usize = 20;
/// Standard errors from which a slope is believed.
const STANDS_OUT: f64 = 2.5;
/// A mean is never taken to be surer than this share of itself: clocks and caches have moods that last.
const SURENESS: f64 = 0.005;

impl Line {
    /// Weighted least squares with Huber's weights. `None` for fewer than two places.
    ///
    /// Where the means scatter about the line by more than their own variances explain, the variances of the line
    /// are raised by as much (Birge's ratio): what varies over time varies between levels, too.
    pub(super) fn through(means: &[Mean]) -> Option<Line> {
        let first = means.first()?.n;
        if means.iter().all(|mean| mean.n == first) {
            return None;
        }
        let weight =
            |mean: &Mean| 1.0 / (mean.variance + (SURENESS * mean.value).powi(2)).max(f64::MIN_POSITIVE);
        let mut weights: Vec<f64> = means.iter().map(weight).collect();
        let mut line = Line::weighted(means, &weights)?;
        for _ in 0..ROUNDS {
            let off: Vec<f64> =
                means.iter().map(|mean| (mean.value - line.at(mean.n)).abs() * weight(mean).sqrt()).collect();
            let scale = (median(&off) / 0.6745).max(1.0);
            weights = means
                .iter()
                .zip(&off)
                .map(|(mean, off)| weight(mean) * (HUBER * scale / off).min(1.0))
                .collect();
            line = Line::weighted(means, &weights)?;
        }
        let chi: f64 =
            means.iter().zip(&weights).map(|(mean, w)| w * (mean.value - line.at(mean.n)).powi(2)).sum();
        let birge = (chi / (means.len() as f64 - 2.0).max(1.0)).max(1.0);
        line.base_var *= birge;
        line.slope_var *= birge;
        line.covariance *= birge;
        Some(line)
    }

    fn weighted(means: &[Mean], weights: &[f64]) -> Option<Line> {
        let sum =
            |f: &dyn Fn(&Mean) -> f64| means.iter().zip(weights).map(|(mean, w)| w * f(mean)).sum::<f64>();
        let (w, wn, wnn) = (sum(&|_| 1.0), sum(&|m| m.n), sum(&|m| m.n * m.n));
        let (wy, wny) = (sum(&|m| m.value), sum(&|m| m.n * m.value));
        let det = w * wnn - wn * wn;
        (det > 0.0).then(|| Line {
            base: (wnn * wy - wn * wny) / det,
            slope: (w * wny - wn * wy) / det,
            base_var: wnn / det,
            slope_var: w / det,
            covariance: -wn / det,
        })
    }

    /// The same without a slope: what several levels have in common.
    pub(super) fn flat(means: &[Mean]) -> Line {
        let weight =
            |mean: &Mean| 1.0 / (mean.variance + (SURENESS * mean.value).powi(2)).max(f64::MIN_POSITIVE);
        let w: f64 = means.iter().map(weight).sum();
        let base = means.iter().map(|mean| weight(mean) * mean.value).sum::<f64>() / w;
        let chi: f64 = means.iter().map(|mean| weight(mean) * (mean.value - base).powi(2)).sum();
        let birge = (chi / (means.len() as f64 - 1.0).max(1.0)).max(1.0);
        Line { base, base_var: birge / w, ..Line::default() }
    }

    pub(super) fn at(&self, n: f64) -> f64 {
        self.base + self.slope * n
    }

    /// Standard errors that the slope is above zero.
    pub(super) fn rises(&self) -> f64 {
        if self.slope_var > 0.0 { self.slope / self.slope_var.sqrt() } else { 0.0 }
    }

    /// The line to go on with where costs may grow with workers but not fall: without its slope if that does not stand out,
    /// for what has not shown to grow is taken not to. What it may grow all the same stays in the draws.
    pub(super) fn grown(means: &[Mean]) -> Line {
        let flat = Line::flat(means);
        match Line::through(means) {
            Some(line) if line.rises() >= STANDS_OUT => line,
            Some(line) => Line { slope_var: line.slope_var, covariance: 0.0, ..flat },
            None => flat,
        }
    }

    /// Another line that might be the true one, by two standard normal numbers.
    pub(super) fn drawn(&self, (a, b): (f64, f64)) -> Line {
        let slope_sd = self.slope_var.sqrt();
        let along = if slope_sd > 0.0 { self.covariance / slope_sd } else { 0.0 };
        let across = (self.base_var - along * along).max(0.0).sqrt();
        Line {
            slope: (self.slope + slope_sd * a).max(0.0),
            base: self.base + along * a + across * b,
            ..*self
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
