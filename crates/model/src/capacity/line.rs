//! A line through the means of levels, and how sure it is.

/// `at(n) = value + slope (n - center)`. About its centre of weight a line's value and slope err independently.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Line {
    center: f64,
    value: f64,
    value_sd: f64,
    /// What the line goes on with; 0 for what has not shown to grow.
    pub(super) slope: f64,
    /// What least squares say.
    slope_seen: f64,
    slope_sd: f64,
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
/// From a median of absolute values to a standard deviation, if they are normal.
const MEDIAN_TO_SD: f64 = 1.0 / 0.6745;
/// Standard errors from which a slope is believed.
const STANDS_OUT: f64 = 2.5;
/// A mean is never taken to be surer than this share of itself: clocks and caches have moods that last.
const SURENESS: f64 = 0.003;

impl Mean {
    pub(super) fn weight(&self) -> f64 {
        1.0 / (self.variance + (SURENESS * self.value).powi(2)).max(f64::MIN_POSITIVE)
    }
}

impl Line {
    /// Weighted least squares with Huber's weights. `None` if all are in one place.
    ///
    /// Where the means scatter about the line by more than their own variances explain, its errors are raised by as
    /// much (Birge's ratio): what varies over time varies between levels, too.
    pub(super) fn through(means: &[Mean]) -> Option<Line> {
        let first = means.first()?.n;
        if means.iter().all(|mean| mean.n == first) {
            return None;
        }
        let mut weights: Vec<f64> = means.iter().map(Mean::weight).collect();
        let mut line = Line::weighted(means, &weights);
        for _ in 0..ROUNDS {
            let off = |mean: &Mean| (mean.value - line.at(mean.n)).abs() * mean.weight().sqrt();
            let offs: Vec<f64> = means.iter().map(off).collect();
            let scale = (median(&offs) * MEDIAN_TO_SD).max(1.0);
            let huber = |(mean, off): (&Mean, &f64)| mean.weight() * (HUBER * scale / off).min(1.0);
            weights = means.iter().zip(&offs).map(huber).collect();
            line = Line::weighted(means, &weights);
        }
        Some(line.with_birge(means, &weights, 2.0))
    }

    fn weighted(means: &[Mean], weights: &[f64]) -> Line {
        let sum =
            |of: &dyn Fn(&Mean) -> f64| means.iter().zip(weights).map(|(mean, w)| w * of(mean)).sum::<f64>();
        let weight = sum(&|_| 1.0);
        let (center, value) = (sum(&|mean| mean.n) / weight, sum(&|mean| mean.value) / weight);
        let spread = sum(&|mean| (mean.n - center).powi(2));
        let slope = if spread > 0.0 { sum(&|mean| (mean.n - center) * mean.value) / spread } else { 0.0 };
        let slope_sd = if spread > 0.0 { spread.sqrt().recip() } else { 0.0 };
        Line { center, value, value_sd: weight.sqrt().recip(), slope, slope_seen: slope, slope_sd }
    }

    fn with_birge(self, means: &[Mean], weights: &[f64], unknowns: f64) -> Line {
        let off = |(mean, w): (&Mean, &f64)| w * (mean.value - self.at(mean.n)).powi(2);
        let chi: f64 = means.iter().zip(weights).map(off).sum();
        let birge = (chi / (means.len() as f64 - unknowns).max(1.0)).max(1.0).sqrt();
        Line { value_sd: self.value_sd * birge, slope_sd: self.slope_sd * birge, ..self }
    }

    /// The mean of all, wherever they are.
    pub(super) fn flat(means: &[Mean]) -> Line {
        let weights: Vec<f64> = means.iter().map(Mean::weight).collect();
        let line = Line { slope: 0.0, slope_seen: 0.0, slope_sd: 0.0, ..Line::weighted(means, &weights) };
        line.with_birge(means, &weights, 1.0)
    }

    /// For what may grow with workers but not fall: without its slope if that does not stand out, as what has not shown to
    /// grow is taken not to. That it may grow all the same stays in the draws.
    pub(super) fn growing(means: &[Mean]) -> Line {
        match Line::through(means) {
            Some(line) if line.rises() >= STANDS_OUT => line,
            Some(line) => Line { slope: 0.0, ..line },
            None => Line::flat(means),
        }
    }

    pub(super) fn at(&self, n: f64) -> f64 {
        self.value + self.slope * (n - self.center)
    }

    /// Standard errors by which the slope is above zero.
    pub(super) fn rises(&self) -> f64 {
        if self.slope_sd > 0.0 { self.slope_seen / self.slope_sd } else { 0.0 }
    }

    /// Another line that might be the true one, by two standard normal numbers.
    pub(super) fn drawn(&self, (a, b): (f64, f64)) -> Line {
        let slope = (self.slope_seen + self.slope_sd * a).max(0.0);
        Line { slope, value: self.value + self.value_sd * b, ..*self }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
