//! What chance alone does to the figures of a dashboard: below these floors a figure says nothing.
//!
//! Perfectly divided work has a spread of utilisation and a longest queue, too. A threshold that does not know them
//! condemns the good and, where the floor is low, passes the bad.

use crate::poisson;

/// The spread of utilisation (standard deviation over mean) among workers that are fed at random and equally.
///
/// Task times of mean `item` seconds with the coefficient of variation `item_cv`, workers busy for the share `busy` of a
/// window of `window` seconds: `sqrt((1 + c^2) S/(u T))`. 0.45 for tasks of one second in ten seconds: beyond what is
/// commonly called bad. Workers of a saturated batch have no such floor; theirs is 0.
#[must_use]
pub fn utilisation(item_cv: f64, item: f64, busy: f64, window: f64) -> f64 {
    ((1.0 + item_cv * item_cv) * item / (busy * window)).sqrt()
}

/// The window in which [`utilisation`] comes down to `floor`, in seconds: two hundred mean task times over the share busy,
/// for exponential times and a floor of 0.1.
#[must_use]
pub fn utilisation_window(item_cv: f64, item: f64, busy: f64, floor: f64) -> f64 {
    (1.0 + item_cv * item_cv) * item / (busy * floor * floor)
}

/// What is left of a measured spread above its floor: `sqrt(max(0, measured^2 - floor^2))`.
#[must_use]
pub fn above_floor(measured: f64, floor: f64) -> f64 {
    (measured * measured - floor * floor).max(0.0).sqrt()
}

/// The mean, over chance, of the deepest of `queues` fair queues over their mean depth `mean`: what a depth ratio is when
/// nothing is wrong. 1 for fewer than two queues, and for empty ones.
#[must_use]
pub fn depth_ratio(queues: u32, mean: f64) -> f64 {
    if queues < 2 || mean <= 0.0 {
        return 1.0;
    }
    // The sum over k of P(the deepest is deeper than k), from where it is still 1.
    let exceeded = |k: f64| -(f64::from(queues) * (-poisson::above(k, mean)).ln_1p()).exp_m1();
    let mut k = (mean - 10.0 * mean.sqrt()).floor().max(0.0);
    let mut deepest = k;
    loop {
        let more = exceeded(k);
        deepest += more;
        k += 1.0;
        if k > mean && more < 1e-9 {
            return deepest / mean;
        }
    }
}

/// The depth ratio that `queues` fair queues of mean depth `mean` exceed with a probability of at most `chance`: a
/// measured one above it is no accident.
#[must_use]
pub fn depth_ratio_quantile(queues: u32, mean: f64, chance: f64) -> f64 {
    if queues < 2 || mean <= 0.0 {
        return 1.0;
    }
    // All of them stay within k with F(k)^queues, so each may exceed it with 1 - (1 - chance)^(1/queues).
    let each = -((-chance).ln_1p() / f64::from(queues)).exp_m1();
    poisson::quantile(mean, each) / mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_windows_condemn_the_just() {
        assert!((utilisation(1.0, 1.0, 0.8, 10.0) - 0.5).abs() < 1e-12);
        let window = utilisation_window(1.0, 1.0, 0.8, 0.1);
        assert!((window - 250.0).abs() < 1e-9 && (utilisation(1.0, 1.0, 0.8, window) - 0.1).abs() < 1e-12);
        assert_eq!(above_floor(0.3, 0.5), 0.0);
        assert!((above_floor(0.5, 0.3) - 0.4).abs() < 1e-12);
    }

    #[test]
    fn the_deepest_of_a_hundred_fair_queues() {
        let rounded = |mean| (depth_ratio(100, mean) * 100.0).round() / 100.0;
        // From sums of 1 - F(k)^100; simulations gave 4.4, 1.85 and 1.24.
        assert_eq!([1.0, 10.0, 100.0].map(rounded), [4.23, 1.88, 1.26]);
        assert!(depth_ratio(100, 1e6) < 1.01);
        assert_eq!([depth_ratio(1, 5.0), depth_ratio(100, 0.0), depth_ratio_quantile(1, 5.0, 0.1)], [1.0; 3]);
    }

    #[test]
    fn a_quantile_lies_above_the_mean() {
        for mean in [1.0, 10.0, 1e3] {
            let (usual, rare) = (depth_ratio(100, mean), depth_ratio_quantile(100, mean, 0.01));
            assert!(rare > usual && rare < 3.0 * usual, "{mean}: {usual} {rare}");
        }
        // P(X > 8) = 1.1e-6 for a mean of 1: a hundred queues exceed 8 once in nine thousand.
        assert_eq!(depth_ratio_quantile(100, 1.0, 2e-4), 8.0);
    }
}
