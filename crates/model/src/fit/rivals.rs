//! Each law at its best, all judged by one measure: the squared residuals of the logarithm of throughput.

use super::gates::MISFIT_MAX;
use super::levels::Level;
use super::nnls;
use super::result::{Residual, Rival};
use crate::law::{Curve, Law};
use crate::repairman;

/// Published figures are not written down better than this, relatively. Without it a law that fits rounded figures exactly
/// would beat one that misses the fifth digit by any margin.
const EXACTNESS: f64 = 1e-4;

/// At so many places a law is asked whether it fits.
const PLACES: usize = 16;

/// All laws, lowest AICc first; `usl` as it was fitted before.
pub(super) fn rivals(levels: &[Level], usl: Curve) -> Vec<Rival> {
    let ln_x: Vec<f64> = levels.iter().map(|level| level.ln_x).collect();
    let linear = nnls::fit(levels, &ln_x, nnls::LINEAR);
    let amdahl = nnls::fit(levels, &ln_x, nnls::AMDAHL);
    let curves = [
        Curve::Linear { lambda: linear.lambda },
        Curve::Amdahl { alpha: amdahl.alpha, lambda: amdahl.lambda },
        usl,
        ceiling(levels),
        repairman_at_its_best(levels),
    ];
    let mut rivals: Vec<Rival> = curves.iter().map(|&curve| judge(levels, curve)).collect();
    rivals.sort_by(|a, b| a.aicc.total_cmp(&b.aicc));
    rivals
}

/// Akaike's criterion for normal errors of unknown size, which counts as one more number to find. The correction for few
/// data needs six measurements to be defined for the USL; below that nothing is claimed, and the plain criterion has to
/// do.
///
/// Laws are judged by their shape, each at the height that suits it best: the closed form puts its laws a little too high
/// where there is much noise, and the other laws do not have that handicap.
///
/// Repeats count here: a law that passes within what repeats differ by is not worse than another that passes nearer.
fn judge(levels: &[Level], curve: Curve) -> Rival {
    let runs: f64 = levels.iter().map(|level| level.runs.len() as f64).sum();
    let total: f64 = levels.iter().map(|level| level.weight).sum();
    let k = curve.law().parameters() as f64 + 1.0;
    let correction = if runs < 6.0 { 0.0 } else { 2.0 * k * (k + 1.0) / (runs - k - 1.0) };
    let aicc = runs * variance(levels, curve).ln() + 2.0 * k + correction;
    Rival { curve, aicc, rms: (squares(levels, curve) / total).sqrt(), worst: worst(levels, curve) }
}

/// The law that describes the measurements: of those that miss none of them by more than the gate, the one with the lowest
/// AICc, or the USL, if it comes nearer than chance lets a third number come. None if no law passes the gate.
///
/// AICc alone would choose a law that is 40 % off what was measured: with six or seven single measurements it charges 30
/// for the third number of the USL, and no curve, however near, wins that back.
pub(super) fn choose(levels: &[Level], rivals: &[Rival]) -> Option<Curve> {
    let mut fitting = rivals.iter().filter(|rival| rival.worst.relative.abs() <= MISFIT_MAX);
    let first = fitting.next()?;
    let usl = fitting.find(|rival| rival.curve.law() == Law::Usl);
    Some(usl.filter(|usl| is_nearer(levels, usl.curve, first.curve)).unwrap_or(first).curve)
}

/// Whether the USL comes so much nearer than a law with fewer numbers as chance lets it in one case of a hundred: Fisher's
/// test of what is left by both. Of the rivals only Amdahl's law and the line are USLs without a number; for the others it
/// is a yardstick, and simulations say that it is a strict one (`tests/it/chosen.rs`).
fn is_nearer(levels: &[Level], usl: Curve, other: Curve) -> bool {
    let runs: usize = levels.iter().map(|level| level.runs.len()).sum();
    let Some(freedom) = runs.checked_sub(Law::Usl.parameters()).filter(|freedom| *freedom > 0) else {
        return false;
    };
    let more = (Law::Usl.parameters() - other.law().parameters()) as f64;
    let ratio = variance(levels, other) / variance(levels, usl);
    (ratio - 1.0) * freedom as f64 / more > fisher(freedom)
}

/// What Fisher's F with one degree over `freedom` exceeds in one case of a hundred.
fn fisher(freedom: usize) -> f64 {
    const TABLE: [f64; 10] = [4052.2, 98.50, 34.12, 21.20, 16.26, 13.75, 12.25, 11.26, 10.56, 10.04];
    TABLE[freedom.min(TABLE.len()) - 1]
}

/// What is missed most. More than [`PLACES`] single numbers of workers are production data, which scatter: there a law is
/// judged by whole stretches of neighbours, and by its shape.
fn worst(levels: &[Level], curve: Curve) -> Residual {
    let stretch = levels.len().div_ceil(PLACES);
    let height = if stretch > 1 { average(levels, |level| residual(level, curve)) } else { 0.0 };
    let of_stretch = |stretch: &[Level]| Residual {
        n: stretch[stretch.len() / 2].n,
        relative: (average(stretch, |level| residual(level, curve)) - height).exp_m1(),
    };
    let further = |a: Residual, b: Residual| if b.relative.abs() > a.relative.abs() { b } else { a };
    levels.chunks(stretch).map(of_stretch).reduce(further).unwrap_or(Residual { n: f64::NAN, relative: 0.0 })
}

/// Mean square of what a law misses, repeat by repeat, at the height that suits it best.
fn variance(levels: &[Level], curve: Curve) -> f64 {
    let total: f64 = levels.iter().map(|level| level.weight).sum();
    let height = average(levels, |level| residual(level, curve));
    let between: f64 =
        levels.iter().map(|level| level.weight * (residual(level, curve) - height).powi(2)).sum();
    let within: f64 = levels.iter().map(Level::squares).sum();
    (between + within) / total + EXACTNESS * EXACTNESS
}

/// Squared residuals of all levels.
fn squares(levels: &[Level], curve: Curve) -> f64 {
    levels.iter().map(|level| level.weight * residual(level, curve).powi(2)).sum()
}

/// Logarithm of measured over predicted.
pub(super) fn residual(level: &Level, curve: Curve) -> f64 {
    level.ln_x - curve.throughput(level.n).ln()
}

/// The rival that is hardest to tell from the USL, and by how much the USL is better.
pub(super) fn strongest(rivals: &[Rival]) -> Option<(Law, f64)> {
    let usl = rivals.iter().find(|rival| rival.curve.law() == Law::Usl)?;
    let other = rivals.iter().find(|rival| rival.curve.law() != Law::Usl)?;
    Some((other.curve.law(), other.aicc - usl.aicc))
}

/// `min(lambda N, C)`: for a given knee `C/lambda` the level follows by averaging, and between two measured numbers of
/// workers the best knee has a closed form. So the best of all is found exactly.
fn ceiling(levels: &[Level]) -> Curve {
    let mut best = (f64::INFINITY, Curve::Linear { lambda: f64::NAN });
    for split in 1..=levels.len() {
        let (rising, flat) = levels.split_at(split);
        let slope = average(rising, |level| level.ln_x - level.n.ln());
        let top = average(flat, |level| level.ln_x);
        let (from, to) = (rising[split - 1].n, flat.first().map_or(f64::INFINITY, |level| level.n));
        let knee = if flat.is_empty() { from } else { (top - slope).exp().clamp(from, to) };
        let ln_lambda = average(levels, |level| level.ln_x - level.n.min(knee).ln());
        let curve = Curve::Ceiling { lambda: ln_lambda.exp(), ceiling: ln_lambda.exp() * knee };
        let missed = squares(levels, curve);
        if missed < best.0 {
            best = (missed, curve);
        }
    }
    best.1
}

/// The repairman has one shape, `Z/D`, and a scale that follows by averaging: a search in one dimension.
fn repairman_at_its_best(levels: &[Level]) -> Curve {
    let curve = |ln_shape: f64| {
        let shape = ln_shape.exp();
        let ln_rate = average(levels, |level| level.ln_x - repairman::throughput(shape, 1.0, level.n).ln());
        let demand = (-ln_rate).exp();
        Curve::Repairman { think: shape * demand, demand }
    };
    let (low, high) = ((levels[0].n * 1e-2).ln(), (levels[levels.len() - 1].n * 1e3).ln());
    curve(minimum(|ln_shape| squares(levels, curve(ln_shape)), low, high))
}

/// Where `f` is least between `low` and `high`: the best of a grid, then golden sections around it.
fn minimum(f: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    const STEPS: u32 = 64;
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let step = (high - low) / f64::from(STEPS);
    let at = |i: u32| low + step * f64::from(i);
    let best = (0..=STEPS).map(at).min_by(|a, b| f(*a).total_cmp(&f(*b))).unwrap_or(low);
    let (mut a, mut b) = (best - step, best + step);
    for _ in 0..40 {
        let (left, right) = (b - GOLDEN * (b - a), a + GOLDEN * (b - a));
        if f(left) < f(right) { b = right } else { a = left }
    }
    a.midpoint(b)
}

fn average(levels: &[Level], value: impl Fn(&Level) -> f64) -> f64 {
    let total: f64 = levels.iter().map(|level| level.weight).sum();
    levels.iter().map(|level| level.weight * value(level)).sum::<f64>() / total
}
