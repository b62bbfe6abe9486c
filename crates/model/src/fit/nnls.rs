//! The closed form behind the USL: `N/X` is linear in three columns whose factors cannot be negative.
//!
//! `N/X = d + c N + b N (N - 1)` with `lambda = 1/(d + c)`, `alpha = c/(d + c)`, `beta = b/(d + c)`. Non-negative d, c and
//! b are just what `0 <= alpha <= 1` and `beta >= 0` ask for. Rows are divided by the measured `N/X`: measurements
//! scatter by a share of their size, and without the division the small ones would weigh nothing (a fit of absolute
//! errors misses the throughput of one worker by a third in a published data set).

use super::levels::Level;
use crate::usl::Usl;

/// The columns of a law: which of d, c and b it has.
pub(super) type Columns = [bool; 3];

pub(super) const LINEAR: Columns = [true, false, false];
pub(super) const AMDAHL: Columns = [true, true, false];
pub(super) const USL: Columns = [true, true, true];

/// Those that leave out a column. The last alone is no law: it is infinitely fast with one worker.
const SUBSETS: [Columns; 5] =
    [LINEAR, AMDAHL, [true, false, true], [false, true, true], [false, true, false]];

/// The best law of the given columns, by squared relative errors of `N/X`. `ln_x` holds a throughput for each level, in
/// place of its own.
///
/// Least squares with all columns is the answer wherever no factor comes out negative. Else each subset is solved, and the
/// best without a negative factor taken: exact, and for so few columns quicker than an iteration. One of them always has an
/// answer, the line through nothing and the measurements.
pub(super) fn fit(levels: &[Level], ln_x: &[f64], columns: Columns) -> Usl {
    if let Some((_, law)) = solve(levels, ln_x, columns) {
        return law;
    }
    let mut best = (f64::INFINITY, Usl { alpha: 0.0, beta: 0.0, lambda: f64::NAN });
    for subset in SUBSETS {
        let within = subset.iter().zip(columns).all(|(chosen, there)| there || !chosen);
        if let Some(found) = solve(levels, ln_x, subset).filter(|found| within && found.0 < best.0) {
            best = found;
        }
    }
    best.1
}

/// Least squares with `columns`, and what is left; None if a factor comes out negative or the columns are not
/// independent here.
fn solve(levels: &[Level], ln_x: &[f64], columns: Columns) -> Option<(f64, Usl)> {
    let chosen: Vec<usize> = (0..3).filter(|&k| columns[k]).collect();
    // In units of the first throughput: squares of very large or small ones would leave the range of numbers.
    let unit = ln_x[0];
    let mut q: [Vec<f64>; 3] = Default::default();
    let mut rhs: Vec<f64> = levels.iter().map(|level| level.weight.sqrt()).collect();
    for &k in &chosen {
        q[k] = levels.iter().zip(ln_x).map(|(level, ln_x)| entry(k, level, *ln_x - unit)).collect();
    }
    // Modified Gram-Schmidt: keeps the digits that normal equations of N squared would lose.
    let mut r = [[0.0; 3]; 3];
    let mut factors = [0.0; 3];
    for (i, &k) in chosen.iter().enumerate() {
        let before = dot(&q[k], &q[k]).sqrt();
        for &earlier in &chosen[..i] {
            r[earlier][k] = dot(&q[earlier], &q[k]);
            let (unit, share) = (q[earlier].clone(), r[earlier][k]);
            subtract(&mut q[k], &unit, share);
        }
        let length = dot(&q[k], &q[k]).sqrt();
        if length <= 1e-12 * before {
            return None;
        }
        r[k][k] = length;
        q[k].iter_mut().for_each(|entry| *entry /= length);
        factors[k] = dot(&q[k], &rhs);
        let share = factors[k];
        subtract(&mut rhs, &q[k], share);
    }
    for (i, &k) in chosen.iter().enumerate().rev() {
        let later: f64 = chosen[i + 1..].iter().map(|&j| r[k][j] * factors[j]).sum();
        factors[k] = (factors[k] - later) / r[k][k];
        if factors[k] < 0.0 {
            return None;
        }
    }
    let [d, c, b] = factors;
    let one = d + c;
    Some((dot(&rhs, &rhs), Usl { alpha: c / one, beta: b / one, lambda: unit.exp() / one }))
}

fn entry(column: usize, level: &Level, ln_x: f64) -> f64 {
    let value = match column {
        0 => 1.0,
        1 => level.n,
        _ => level.n * (level.n - 1.0),
    };
    value * ln_x.exp() / level.n * level.weight.sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn subtract(from: &mut [f64], unit: &[f64], share: f64) {
    from.iter_mut().zip(unit).for_each(|(entry, unit)| *entry -= share * unit);
}
