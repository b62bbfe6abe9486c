//! Measurements with a known truth behind them, for the tests and for the calibration.

use divvy_model::fit::Point;

/// `SplitMix64` and what is made of it.
pub(crate) struct Noise(u64);

impl Noise {
    /// Noise that is wholly determined by `seed`.
    pub(crate) fn new(seed: u64) -> Noise {
        Noise(seed)
    }

    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A factor with the mean 1 and the coefficient of variation `cv`, normally distributed.
    fn factor(&mut self, cv: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        (1.0 + cv * radius * (std::f64::consts::TAU * self.unit()).cos()).max(0.01)
    }
}

/// `count` different whole numbers from 1 to `most`, each about the same factor above the one before.
pub(crate) fn geometric(most: u32, count: u32) -> Vec<u32> {
    let mut all: Vec<u32> = Vec::new();
    for i in 0..count {
        let next = f64::from(most).powf(f64::from(i) / f64::from(count - 1)).round() as u32;
        all.push(all.last().map_or(next, |&last| next.max(last + 1)));
    }
    all
}

/// `count` whole numbers from 1 to `most`, evenly spaced.
pub(crate) fn even(most: u32, count: u32) -> Vec<u32> {
    (0..count).map(|i| 1 + (most - 1) * i / (count - 1)).collect()
}

/// `repeats` measurements of `truth` at each of `counts`, with noise of `cv`.
pub(crate) fn measured(
    noise: &mut Noise,
    counts: &[u32],
    repeats: u32,
    cv: f64,
    truth: &dyn Fn(u32) -> f64,
) -> Vec<Point> {
    counts
        .iter()
        .flat_map(|&n| (0..repeats).map(move |_| n))
        .map(|n| Point::new(f64::from(n), truth(n) * noise.factor(cv)))
        .collect()
}
