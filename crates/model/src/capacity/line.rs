//! A line through the means of levels, and how sure it is.
//!
//! A mean counts by how many values it is of. So a flat line is the mean of all values, which is what throughput over a long
//! time goes by: of a slow second there are few round trips, and no more of them than there were come into it.
//!
//! How sure it is has to be seen from how the means scatter, since they do for two reasons. Round trips differ, which averages out
//! the more of them there are. And there are *moods*: one second is slower than the next altogether. So each mean is
//! taken to be off by as much as it is seen to be (MacKinnon and White, *Some heteroskedasticity-consistent covariance matrix
//! estimators*, 1985, their third), and by no less than chance has it: how much values differ is the same for all, so a
//! second in which the disk never stalled is no surer than one in which it did.

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
    /// By how much what is to come may be off the line: as a single second, since moods last.
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
/// The least variance: what never was anything but 0 is sure, but not so sure that weights would overflow.
const LEAST: f64 = 1e-100;

/// Means, and by how much each is off at the least.
pub(super) struct Means {
    means: Vec<Mean>,
    /// The variance of all values, from all of them.
    pooled: f64,
}

impl Means {
    pub(super) fn of(mut means: Vec<Mean>) -> Means {
        means.retain(|mean| mean.count > 0.0);
        let count: f64 = means.iter().map(|mean| mean.count).sum();
        let pooled = means.iter().map(|mean| mean.count * mean.variance).sum::<f64>() / count.max(1.0);
        Means { means, pooled }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Mean> {
        self.means.iter()
    }

    fn sum(&self, of: impl Fn(&Mean) -> f64) -> f64 {
        self.means.iter().map(|mean| mean.count * of(mean)).sum()
    }

    /// The variance of a mean by chance alone, if that of the values is this.
    fn chance(variance: f64, mean: &Mean) -> f64 {
        (variance / mean.count + (SURENESS * mean.value).powi(2)).max(LEAST)
    }

    /// The means with what each weighs: less, where they scatter about a line by more than chance has it.
    pub(super) fn weighed(&self) -> Vec<(Mean, f64)> {
        let line = Line::through(self);
        let spare = (self.means.len() as f64 - 2.0).max(1.0);
        let seen = self.sum(|mean| (mean.value - line.at(mean.n)).powi(2)) / spare;
        let weight = |mean: &Mean| Means::chance(self.pooled.max(seen), mean).recip();
        self.means.iter().map(|mean| (*mean, weight(mean))).collect()
    }
}

impl Line {
    /// For what may grow with workers but not fall: without its slope if that does not stand out, as what has not shown to
    /// grow is taken not to. That it may grow all the same stays in the draws.
    pub(super) fn growing(means: &Means) -> Line {
        let line = Line::through(means);
        if line.slope_seen >= STANDS_OUT * line.slope_sd { line } else { Line { slope: 0.0, ..line } }
    }

    /// The mean of all values, wherever they are.
    pub(super) fn flat(means: &Means) -> Line {
        let count = means.sum(|_| 1.0);
        let mean = |of: fn(&Mean) -> f64| if count > 0.0 { means.sum(of) / count } else { 0.0 };
        let line = Line { center: mean(|mean| mean.n), value: mean(|mean| mean.value), ..Line::default() };
        line.unsure(means, |_| 0.0, 1.0)
    }

    /// Least squares, or the mean of all if all are in one place.
    fn through(means: &Means) -> Line {
        let flat = Line::flat(means);
        let spread = means.sum(|mean| (mean.n - flat.center).powi(2));
        if spread <= 0.0 {
            return flat;
        }
        let slope = means.sum(|mean| (mean.n - flat.center) * mean.value) / spread;
        let line = Line { slope, slope_seen: slope, ..flat };
        line.unsure(means, |mean| (mean.n - flat.center) / spread, 2.0)
    }

    /// The same with its errors. `pull`: how much a value of a mean moves the slope.
    fn unsure(self, means: &Means, pull: impl Fn(&Mean) -> f64, unknowns: f64) -> Line {
        let count = means.sum(|_| 1.0).max(1.0);
        let spare = (means.means.len() as f64 - unknowns).max(1.0);
        // By what each is off, with the share taken out that it has in the line itself. A few of them tell little of how far off
        // they could be; how far chance goes is known well, from all values.
        let wider = student(spare).powi(2);
        let off = |mean: &Mean| {
            let own = mean.count * (1.0 / count + pull(mean) * (mean.n - self.center));
            let off = (mean.value - self.at(mean.n)).powi(2) / (1.0 - own).max(0.1).powi(2);
            (wider * off).max(Means::chance(means.pooled, mean))
        };
        let error = |pull: &dyn Fn(&Mean) -> f64| {
            means.sum(|mean| mean.count * pull(mean).powi(2) * off(mean)).sqrt()
        };
        let moods = (means.sum(off) / count).sqrt();
        Line { value_sd: error(&|_| 1.0 / count), slope_sd: error(&pull), mood_sd: moods, ..self }
    }

    pub(super) fn no_less_than(self, least: f64) -> Line {
        Line { value: self.value.max(least), ..self }
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
        // Twelve seconds tell the mean to 0.3 / sqrt(12), and the next one is off by 0.3 on top.
        assert!((0.30..0.45).contains(&sd), "{sd}");
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
        let line = Line::flat(&Means::of(vec![mean(1.0, 0.0), mean(2.0, 30.0), mean(3.0, 0.0)]));
        assert!((line.value_sd - (10.0f64 / 300.0).sqrt()).abs() < 1e-3, "{line:?}");
    }

    /// A slow second, of which there are few values, does not count as much as a fast one.
    #[test]
    fn a_mean_counts_by_its_values() {
        let mean = |value: f64, count: f64| Mean { n: 1.0, value, count, variance: 0.0 };
        let line = Line::growing(&Means::of(vec![mean(1.0, 90.0), mean(10.0, 10.0), mean(5.0, 0.0)]));
        assert!((line.at(3.0) - 1.9).abs() < 1e-12, "{line:?}");
        assert_eq!(Line::flat(&Means::of(Vec::new())), Line::default());
    }

    #[test]
    fn students_distribution_is_followed() {
        for (freedom, exact) in [(1.0, 12.706), (2.0, 4.303), (5.0, 2.571), (10.0, 2.228), (50.0, 2.009)] {
            assert!((student(freedom) * 1.96 / exact - 1.0f64).abs() < 0.07, "{freedom}");
        }
    }
}
