//! How high the roof of a full bottleneck is, and how certainly.
//!
//! The two laws with such a roof have two numbers each, the roof and a shape. Near their best both act on the logarithm of
//! throughput nearly in proportion, so least squares in closed form says how uncertain they are: no search has to be
//! repeated a thousand times.

use super::levels::Level;
use super::result::Estimate;
use super::rivals::residual;
use crate::law::Curve;

/// Step of the numerical derivatives, in logarithms.
const STEP: f64 = 1e-4;

/// The roof of `curve` with its 95 % interval; None for a law without a full bottleneck, and where no measurement says
/// how high it is.
pub(super) fn roof(levels: &[Level], curve: Curve) -> Option<Estimate> {
    let moved = |roof: f64, shape: f64| match curve {
        Curve::Ceiling { lambda, ceiling } => {
            Some(Curve::Ceiling { lambda: lambda * shape, ceiling: ceiling * roof })
        }
        Curve::Repairman { think, demand } => {
            Some(Curve::Repairman { think: think * shape, demand: demand / roof })
        }
        _ => None,
    };
    let (higher, wider) = (moved(STEP.exp(), 1.0)?, moved(1.0, STEP.exp())?);
    let slope = |level: &Level, to: Curve| (residual(level, curve) - residual(level, to)) / STEP;
    let sum = |of: &dyn Fn(&Level) -> f64| levels.iter().map(|level| level.weight * of(level)).sum::<f64>();
    let by_roof = sum(&|level| slope(level, higher).powi(2));
    let by_shape = sum(&|level| slope(level, wider).powi(2));
    let both = sum(&|level| slope(level, higher) * slope(level, wider));
    let missed = sum(&|level| residual(level, curve).powi(2));
    let known = by_roof - if by_shape > 0.0 { both * both / by_shape } else { 0.0 };
    let freedom = levels.len().checked_sub(2).filter(|freedom| *freedom > 0)?;
    if known <= 1e-6 * by_roof {
        return None;
    }
    let reach = student(freedom) * (missed / freedom as f64 / known).sqrt();
    let value = curve.roof();
    Some(Estimate { value, low: value * (-reach).exp(), high: value * reach.exp() })
}

/// What Student's t exceeds in 2.5 % of all cases (Cornish and Fisher's expansion, to 0.3 % from three degrees on).
fn student(freedom: usize) -> f64 {
    let nu = freedom as f64;
    match freedom {
        1 => 12.706,
        2 => 4.303,
        _ => 1.95996 + 2.3722 / nu + 2.8225 / nu.powi(2) + 2.5558 / nu.powi(3),
    }
}

#[cfg(test)]
mod tests {
    use super::student;

    #[test]
    fn students_quantiles_are_those_of_the_tables() {
        for (freedom, table) in [(1, 12.706), (2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (60, 2.000)] {
            assert!((student(freedom) / table - 1.0).abs() < 0.01, "{freedom}: {}", student(freedom));
        }
    }
}
