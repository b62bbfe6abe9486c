//! A line through the means of levels, and how sure it is.
//!
//! Means of a second's round trips scatter for two reasons. Round trips differ, which averages out the more of them there
//! are; how much they differ is the same for all levels, so it is taken from all of them: a second in which the disk
//! never stalled is no surer than one in which it did. And there are *moods*: one second is slower than the next
//! altogether. Their variance is what is left when the first is taken off, by Paule and Mandel (*Consensus values and
//! weighting factors*, 1982): as much as makes the scatter about the line what it should be. Errors have both in them.

use crate::rng::Rng;

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
    /// By how much the mean of a minute may be off the line.
    mood_sd: f64,
}

/// One level during one stretch of time: how many workers, the mean of how many values, and their variance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mean {
    pub(super) n: f64,
    pub(super) value: f64,
    pub(super) count: f64,
    pub(super) variance: f64,
}

/// Standard errors from which a slope is believed.
const STANDS_OUT: f64 = 2.5;
/// A mean is never taken to be surer than this share of itself: clocks and caches have moods that last.
const SURENESS: f64 = 0.002;
/// Moods that a prediction's future is made of: about those of some seconds.
const MOODS: f64 = 4.0;
/// The least variance: what never was anything but 0 is sure, but not so sure that weights would overflow.
const LEAST: f64 = 1e-100;
/// Halvings in search of the variance of moods: to a thousandth.
const HALVINGS: usize = 40;

/// Means with the variance of each.
pub(super) struct Means {
    means: Vec<Mean>,
    /// Of each mean, without moods.
    variances: Vec<f64>,
}

impl Means {
    pub(super) fn of(means: Vec<Mean>) -> Means {
        let count: f64 = means.iter().map(|mean| mean.count).sum();
        let pooled = means.iter().map(|mean| mean.count * mean.variance).sum::<f64>() / count.max(1.0);
        let sure = |mean: &Mean| pooled / mean.count.max(1.0) + (SURENESS * mean.value).powi(2);
        let variances = means.iter().map(|mean| sure(mean).max(LEAST)).collect();
        Means { means, variances }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Mean> {
        self.means.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.means.is_empty()
    }

    /// What each mean weighs, if moods have this variance.
    fn weights(&self, moods: f64) -> Vec<f64> {
        self.variances.iter().map(|variance| (variance + moods).recip()).collect()
    }

    /// The means with what each weighs, moods being what scatters about a line.
    pub(super) fn weighed(&self) -> Vec<(Mean, f64)> {
        let weights = self.weights(self.moods(Line::through, 2));
        self.means.iter().copied().zip(weights).collect()
    }

    /// The variance of moods: with it the means scatter about what is fitted as they should.
    fn moods(&self, fitted: fn(&Means, &[f64]) -> Line, unknowns: usize) -> f64 {
        let spare = self.means.len().saturating_sub(unknowns) as f64;
        let is_too_much = |moods: f64| {
            let weights = self.weights(moods);
            let line = fitted(self, &weights);
            let off = |(mean, weight): (&Mean, &f64)| weight * (mean.value - line.at(mean.n)).powi(2);
            self.means.iter().zip(&weights).map(off).sum::<f64>() > spare
        };
        if spare == 0.0 || !is_too_much(0.0) {
            return 0.0;
        }
        let most = self.means.iter().map(|mean| mean.value.abs()).fold(0.0, f64::max);
        let (mut low, mut high) = (0.0, most * most);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            if is_too_much(middle) { low = middle } else { high = middle }
        }
        high
    }
}

impl Line {
    /// For what may grow with workers but not fall: without its slope if that does not stand out, as what has not shown to
    /// grow is taken not to. That it may grow all the same stays in the draws.
    pub(super) fn growing(means: &Means) -> Line {
        let first = means.iter().next().map(|mean| mean.n);
        if means.iter().all(|mean| Some(mean.n) == first) {
            return Line::flat(means);
        }
        let line = Line::fitted(means, Line::through, 2);
        if line.slope_seen >= STANDS_OUT * line.slope_sd { line } else { Line { slope: 0.0, ..line } }
    }

    /// The mean of all, wherever they are.
    pub(super) fn flat(means: &Means) -> Line {
        Line::fitted(means, Line::level, 1)
    }

    fn fitted(means: &Means, fitted: fn(&Means, &[f64]) -> Line, unknowns: usize) -> Line {
        let spare = means.means.len().saturating_sub(unknowns).max(1) as f64;
        let moods = means.moods(fitted, unknowns) * student(spare).powi(2);
        Line { mood_sd: (moods / MOODS).sqrt(), ..fitted(means, &means.weights(moods)) }
    }

    /// Weighted least squares.
    fn through(means: &Means, weights: &[f64]) -> Line {
        let flat = Line::level(means, weights);
        let sum = |of: &dyn Fn(&Mean) -> f64| -> f64 {
            means.iter().zip(weights).map(|(mean, weight)| weight * of(mean)).sum()
        };
        let spread = sum(&|mean| (mean.n - flat.center).powi(2));
        if spread <= 0.0 {
            return flat;
        }
        let slope = sum(&|mean| (mean.n - flat.center) * mean.value) / spread;
        Line { slope, slope_seen: slope, slope_sd: spread.sqrt().recip(), ..flat }
    }

    /// The weighted mean.
    fn level(means: &Means, weights: &[f64]) -> Line {
        let all: f64 = weights.iter().sum();
        let mean = |of: &dyn Fn(&Mean) -> f64| -> f64 {
            means.iter().zip(weights).map(|(mean, weight)| weight * of(mean)).sum::<f64>() / all
        };
        let (center, value) = (mean(&|mean| mean.n), mean(&|mean| mean.value));
        Line { center, value, value_sd: all.sqrt().recip(), ..Line::default() }
    }

    pub(super) fn at(&self, n: f64) -> f64 {
        self.value + self.slope * (n - self.center)
    }

    /// Another line that might be the one of the minutes to come.
    pub(super) fn drawn(&self, rng: &mut Rng) -> Line {
        let slope = (self.slope_seen + self.slope_sd * rng.normal()).max(0.0);
        let value = self.value + self.value_sd * rng.normal() + self.mood_sd * rng.normal();
        Line { slope, value, ..*self }
    }

    /// A line without a slope, as sure as this one.
    pub(super) fn flat_at(&self, value: f64) -> Line {
        Line { value, slope: 0.0, slope_seen: 0.0, slope_sd: 0.0, ..*self }
    }
}

/// How much wider than a normal distribution the middle 95 % of Student's are, with so many degrees of freedom: within
/// 3 % from 2 on, 7 % too wide at 1.
fn student(freedom: f64) -> f64 {
    1.0 + 1.1 / freedom + 1.8 / freedom.powi(2) + 3.0 / freedom.powi(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds with so many workers and a hundred values each, which scatter by a tenth; each second has its mood.
    fn seconds(seed: u64, moods: f64, slope: f64) -> Means {
        let mut rng = Rng::new(seed);
        let mut mean = |n: f64| {
            let value = 1.0 + slope * n + moods * rng.normal() + 0.01 * rng.normal();
            Mean { n, value, count: 100.0, variance: 0.01 }
        };
        Means::of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0].map(&mut mean).to_vec())
    }

    /// Of 400 series, those in which the slope is within two of its errors.
    fn covered(moods: f64) -> usize {
        let covers = |seed: &u64| {
            let line = Line::growing(&seconds(*seed, moods, 0.2));
            (line.slope_seen - 0.2).abs() < 2.0 * line.slope_sd
        };
        (0..400).filter(covers).count()
    }

    #[test]
    fn errors_are_as_wide_as_moods_make_them() {
        assert!(covered(0.0) >= 370, "{}", covered(0.0));
        assert!((370..396).contains(&covered(0.3)), "{}", covered(0.3));
        let sd = |moods: f64| Line::growing(&seconds(1, moods, 0.2)).slope_sd;
        assert!(sd(0.3) > 10.0 * sd(0.0), "{} {}", sd(0.3), sd(0.0));
    }

    #[test]
    fn a_mood_is_drawn_for_what_is_to_come() {
        let off = |seed: u64| {
            let line = Line::flat(&seconds(seed, 0.3, 0.0));
            (line.drawn(&mut Rng::new(seed)).at(50.0) - line.value).powi(2)
        };
        let sd = ((0..1_000).map(off).sum::<f64>() / 1_000.0).sqrt();
        // Twelve seconds tell the mean to 0.3 / sqrt(12), and the next four are off by 0.3 / sqrt(4) on top.
        assert!((0.16..0.22).contains(&sd), "{sd}");
    }

    #[test]
    fn what_has_not_shown_to_grow_is_taken_not_to_but_may() {
        let line = Line::growing(&seconds(1, 0.3, 0.0));
        assert_eq!((line.slope, line.at(1.0)), (0.0, line.at(100.0)));
        let mut rng = Rng::new(3);
        assert!((0..100).any(|_| line.drawn(&mut rng).slope > 0.0));
    }

    /// A stall in one second makes none of the others less sure than it, nor any surer.
    #[test]
    fn how_values_scatter_is_taken_from_all() {
        let mean = |n: f64, variance: f64| Mean { n, value: 1.0, count: 100.0, variance };
        let weights = Means::of(vec![mean(1.0, 0.0), mean(2.0, 50.0), mean(3.0, 0.0)]).weights(0.0);
        assert!(weights.iter().all(|weight| (weight - weights[0]).abs() < 1e-9), "{weights:?}");
    }

    #[test]
    fn students_distribution_is_followed() {
        for (freedom, exact) in [(1.0, 12.706), (2.0, 4.303), (5.0, 2.571), (10.0, 2.228), (50.0, 2.009)] {
            assert!((student(freedom) * 1.96 / exact - 1.0f64).abs() < 0.07, "{freedom}");
        }
    }
}
