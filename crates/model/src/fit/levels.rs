//! Measurements by number of workers: repeats of one number become one level.
//!
//! Laws are fitted to levels, not to points: what a law misses at some number of workers, it misses in all repeats alike,
//! and counting them as independent would make a wrong law look certain.
//!
//! Repeats are averaged by a Huber mean of the logarithms. This is the place for robustness: a run that was disturbed
//! shows beside its repeats without any law. Down-weighting whole levels would hide where the law itself is wrong, which
//! is what [`super::Reason::Misfit`] is there to say.

use super::Point;
use crate::error::Error;
use crate::median::median;

/// Beyond this many scales from the middle, a repeat counts less (Huber 1964: 95 % as good as the mean on clean data).
const HUBER: f64 = 1.345;
/// Beyond this many scales it was disturbed: of clean repeats that is 1 in 400.
const DISTURBED: f64 = 3.0;

/// All measurements at one number of workers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Level {
    pub(super) n: f64,
    /// Logarithm of the throughput, the middle of the repeats.
    pub(super) ln_x: f64,
    /// Sum of the weights.
    pub(super) weight: f64,
    /// Logarithm and weight of each repeat.
    pub(super) runs: Vec<(f64, f64)>,
    /// Farther than this from the middle no repeat is taken to be.
    reach: f64,
}

impl Level {
    /// Weighted squares of how far the repeats are from their middle.
    pub(super) fn squares(&self) -> f64 {
        self.deviations().map(|(off, weight)| weight * off.powi(2)).sum()
    }

    /// How far each repeat is from the middle, and its weight. One that was disturbed counts as one that is merely far: it
    /// says nothing of how much the others scatter, and its square alone would hide which law is the better one.
    pub(super) fn deviations(&self) -> impl Iterator<Item = (f64, f64)> {
        self.runs.iter().map(|(ln_x, weight)| ((ln_x - self.ln_x).clamp(-self.reach, self.reach), *weight))
    }
}

/// Levels by rising number of workers.
pub(super) fn levels(points: &[Point]) -> Result<Vec<Level>, Error> {
    check(points)?;
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.n.total_cmp(&b.n));
    let mut levels: Vec<Level> = sorted
        .chunk_by(|a, b| a.n == b.n)
        .map(|same| {
            let runs: Vec<(f64, f64)> = same.iter().map(|point| (point.x.ln(), point.weight)).collect();
            let weight = runs.iter().map(|run| run.1).sum();
            Level { n: same[0].n, ln_x: mean(&runs), weight, runs, reach: f64::INFINITY }
        })
        .collect();
    if levels.len() < 3 {
        return Err(Error::TooFewCounts(levels.len()));
    }
    let scale = scale(&levels);
    for level in &mut levels {
        level.ln_x = huber(&level.runs, level.ln_x, scale);
        // Of two repeats nobody can tell which is the disturbed one.
        if level.runs.len() > 2 && scale > 0.0 {
            level.reach = DISTURBED * scale;
        }
    }
    Ok(levels)
}

fn check(points: &[Point]) -> Result<(), Error> {
    for (index, point) in points.iter().enumerate() {
        let fields =
            [("the number of workers", point.n), ("the throughput", point.x), ("the weight", point.weight)];
        for (what, value) in fields {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::BadPoint { index, what, value });
            }
        }
    }
    if points.len() < 3 { Err(Error::TooFewPoints(points.len())) } else { Ok(()) }
}

fn mean(runs: &[(f64, f64)]) -> f64 {
    runs.iter().map(|(ln_x, weight)| ln_x * weight).sum::<f64>() / runs.iter().map(|run| run.1).sum::<f64>()
}

/// Robust spread of the repeats of all levels together: a few repeats at each level say little, all of them do.
fn scale(levels: &[Level]) -> f64 {
    let mut off: Vec<f64> = Vec::new();
    for level in levels.iter().filter(|level| level.runs.len() > 1) {
        let middle = middle(&level.runs);
        let mut distances: Vec<f64> = level.runs.iter().map(|run| (run.0 - middle).abs()).collect();
        distances.sort_by(f64::total_cmp);
        // The middle one of an odd number is its own median, and says nothing about the spread.
        off.extend(&distances[distances.len() % 2..]);
    }
    // 1.4826 makes a median deviation a standard deviation.
    if off.is_empty() { 0.0 } else { 1.4826 * median(off) }
}

fn middle(runs: &[(f64, f64)]) -> f64 {
    median(runs.iter().map(|run| run.0))
}

/// Mean in which runs far from the middle count less.
fn huber(runs: &[(f64, f64)], start: f64, scale: f64) -> f64 {
    // Of two repeats nobody can tell which is the disturbed one.
    if runs.len() < 3 || scale <= 0.0 {
        return start;
    }
    let mut middle = middle(runs);
    for _ in 0..20 {
        let weighted: Vec<(f64, f64)> = runs
            .iter()
            .map(|&(ln_x, weight)| (ln_x, weight * (HUBER * scale / (ln_x - middle).abs()).min(1.0)))
            .collect();
        middle = mean(&weighted);
    }
    middle
}
