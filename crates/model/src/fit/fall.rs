//! Does throughput fall at all? A question that needs no law.
//!
//! The best curve that never falls is found by pooling neighbours (Ayer and others 1955). It misses the measurements by as
//! much as they fall. Noise around a curve that never falls gives some of that too; how often it would give as much is
//! counted. Without this gate a queue that merely levels off, with a knee that no rival has, could pass for a peak.

use super::levels::Level;
use super::noise::Noise;
use crate::rng::Rng;

/// How often, of `draws`, noise around the best curve that never falls looks as much like a fall as the measurements do.
pub(super) fn chance(levels: &[Level], noise: &Noise, rng: &mut Rng, draws: u32) -> f64 {
    let measured: Vec<f64> = levels.iter().map(|level| level.ln_x).collect();
    let flat = never_falling(levels, &measured);
    let fall = missed(levels, &measured, &flat);
    let mut as_much = 0u32;
    for _ in 0..draws {
        let spread = noise.spread(rng);
        let drawn: Vec<f64> =
            levels.iter().zip(&flat).map(|(level, at)| at + noise.draw(rng, level, spread)).collect();
        as_much += u32::from(missed(levels, &drawn, &never_falling(levels, &drawn)) >= fall);
    }
    f64::from(as_much) / f64::from(draws)
}

/// The non-decreasing values that are nearest to `values`.
fn never_falling(levels: &[Level], values: &[f64]) -> Vec<f64> {
    // Blocks of (mean, weight, members); a block below the one before it is pooled with that.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (level, &value) in levels.iter().zip(values) {
        blocks.push((value, level.weight, 1));
        while let [.., (a, wa, ka), (b, wb, kb)] = blocks[..]
            && a > b
        {
            blocks.truncate(blocks.len() - 2);
            blocks.push(((a * wa + b * wb) / (wa + wb), wa + wb, ka + kb));
        }
    }
    blocks.iter().flat_map(|&(mean, _, members)| std::iter::repeat_n(mean, members)).collect()
}

fn missed(levels: &[Level], values: &[f64], curve: &[f64]) -> f64 {
    levels.iter().zip(values.iter().zip(curve)).map(|(level, (a, b))| level.weight * (a - b).powi(2)).sum()
}
