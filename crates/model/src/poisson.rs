//! The Poisson distribution, for any mean: what chance alone does to counts.

/// Logarithm of the gamma function for `x >= 1`: Stirling's series, after stepping up to where it has all digits.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 1.0);
    while x < 20.0 {
        shift *= x;
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = (1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - shift.ln()
}

/// Probability of exactly `k`.
pub(crate) fn point(k: f64, mean: f64) -> f64 {
    (k * mean.ln() - mean - ln_gamma(k + 1.0)).exp()
}

/// Probability of more than `k`, precise where it is small.
pub(crate) fn above(k: f64, mean: f64) -> f64 {
    if k + 1.0 < mean {
        return (1.0 - point(k, mean) / crate::repairman::erlang_b(k, mean)).max(0.0);
    }
    // Terms fall from here on: those of the series P(k+1) + P(k+2) + ...
    let (mut term, mut sum, mut at) = (point(k + 1.0, mean), 0.0, k + 1.0);
    while term > 1e-17 * sum && term > 0.0 {
        sum += term;
        at += 1.0;
        term *= mean / at;
    }
    sum
}

/// The smallest count that is exceeded with a probability of at most `chance`.
pub(crate) fn quantile(mean: f64, chance: f64) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (-1.0, mean.ceil() + 10.0);
    while above(high, mean) > chance {
        (low, high) = (high, high + 10.0 + 2.0 * mean.sqrt());
    }
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if above(middle, mean) > chance { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_means_by_hand() {
        let none = (-1.0f64).exp();
        for (k, more) in [(0.0, 1.0 - none), (1.0, 1.0 - 2.0 * none), (2.0, 1.0 - 2.5 * none)] {
            assert!((above(k, 1.0) - more).abs() < 1e-14, "{k}");
        }
        // P(X > 7) = .00001025, P(X > 8) = .000001125 for a mean of 1.
        assert_eq!(quantile(1.0, 1e-5), 8.0);
        assert_eq!([quantile(1.0, 0.99), quantile(0.0, 0.5)], [0.0, 0.0]);
    }

    #[test]
    fn large_means_are_nearly_normal() {
        for mean in [1e2, 1e4, 1e6] {
            let far = (quantile(mean, 0.0227501) - mean) / mean.sqrt();
            assert!((far - 2.0).abs() < 0.12, "{mean}: {far}");
            // The middle lies within one of the mean.
            assert!((quantile(mean, 0.5) - mean).abs() <= 1.0);
        }
    }

    #[test]
    fn falls_with_the_count_without_a_step_where_the_method_changes() {
        for mean in [0.3, 3.7, 50.0, 1e3] {
            let all: Vec<f64> = (0..(4.0 * mean) as u32 + 20).map(|k| above(f64::from(k), mean)).collect();
            for (k, pair) in all.windows(2).enumerate() {
                let step = point(k as f64 + 1.0, mean);
                assert!((pair[0] - pair[1] - step).abs() < 1e-11, "{mean} {k}: {pair:?} {step}");
            }
        }
    }
}
