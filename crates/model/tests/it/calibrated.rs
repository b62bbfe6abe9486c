//! A small, seeded version of the calibration (`examples/calibration.rs`): what is printed has to be true.

use divvy_model::fit::{Fit, Options, Point, Reason, fit};
use divvy_model::mva::{Network, Station};
use divvy_model::{Law, Usl};

use crate::synthetic::{Noise, even, geometric, measured};

const TRIALS: u32 = 40;
const TRUTH: Usl = Usl { alpha: 0.02, beta: 2e-4, lambda: 100.0 };

/// Fits of so many noisy copies of `truth`.
fn trials(counts: &[u32], runs: u32, cv: f64, truth: &dyn Fn(u32) -> f64) -> Vec<Fit> {
    let mut options = Options::default();
    options.bootstraps = 399;
    (0..TRIALS)
        .map(|seed| fit(&measured(&mut Noise::new(seed.into()), counts, runs, cv, truth), &options).unwrap())
        .collect()
}

fn usl(n: u32) -> f64 {
    TRUTH.throughput(f64::from(n))
}

#[test]
fn a_sweep_to_twice_the_peak_finds_it() {
    for counts in [geometric(140, 8), even(140, 8)] {
        let fits = trials(&counts, 3, 0.03, &usl);
        let peaks: Vec<_> = fits.iter().filter_map(|fit| fit.peak).collect();
        assert!(peaks.len() >= 32, "{counts:?}: {}", peaks.len());
        let covering = peaks.iter().filter(|peak| peak.low <= 70.0 && 70.0 <= peak.high).count();
        assert!(covering * 10 >= peaks.len() * 9, "{counts:?}: {covering} of {}", peaks.len());
        // And the intervals say something.
        assert!(peaks.iter().all(|peak| peak.high / peak.low < 1.5));
    }
}

#[test]
fn a_sweep_to_a_quarter_or_half_of_the_peak_claims_nothing() {
    for most in [17, 35] {
        for counts in [geometric(most, 8), even(most, 12)] {
            assert!(trials(&counts, 3, 0.03, &usl).iter().all(|fit| fit.peak.is_none()), "{counts:?}");
        }
    }
}

#[test]
fn queues_that_saturate_never_peak() {
    let serial = Station::Serial { base: 1.0, growth: 0.0 };
    let queues = [
        (vec![serial], 9.0, 100),
        (vec![Station::Servers { demand: 1.0, servers: 4 }], 9.0, 200),
        // No rival has this knee: it is the fall that is not seen.
        (vec![serial, serial], 18.0, 60),
        (vec![serial, serial, serial], 38.0, 120),
    ];
    for (stations, think, most) in queues {
        let network = Network::new(think, stations).unwrap();
        for cv in [0.01, 0.03] {
            let fits = trials(&geometric(most, 10), 3, cv, &|n| network.throughput(n));
            let proved = fits.iter().filter(|fit| fit.peak.is_some()).count();
            assert_eq!(proved, 0, "{network:?} {cv}");
        }
    }
    let fits = trials(&even(160, 10), 3, 0.03, &|n| f64::from(n.min(32)));
    assert!(fits.iter().all(|fit| fit.peak.is_none() && fit.law != Some(Law::Usl)));
}

/// Three equal repeats are not three times the evidence that one measurement is.
#[test]
fn copies_of_a_measurement_prove_no_more_than_it_does() {
    let single = measured(&mut Noise::new(4), &geometric(140, 8), 1, 0.03, &usl);
    let copied: Vec<Point> = single.iter().flat_map(|&point| [point; 3]).collect();
    let [single, copied] = [single, copied].map(|points| fit(&points, &Options::default()).unwrap().usl);
    let width = |usl: divvy_model::fit::UslEstimate| usl.beta.high - usl.beta.low;
    assert!((single.beta.value - copied.beta.value).abs() < 1e-12);
    assert!((0.8..1.25).contains(&(width(copied) / width(single))), "{} {}", width(copied), width(single));
}

#[test]
fn independent_repeats_prove_more() {
    let mut noise = Noise::new(4);
    let counts = geometric(140, 8);
    let widths = [1, 9].map(|runs| {
        let usl = fit(&measured(&mut noise, &counts, runs, 0.03, &usl), &Options::default()).unwrap().usl;
        usl.beta.high - usl.beta.low
    });
    assert!(widths[1] < widths[0] / 2.0, "{widths:?}");
}

#[test]
fn one_disturbed_repeat_changes_little() {
    let mut points = measured(&mut Noise::new(9), &geometric(140, 8), 5, 0.01, &usl);
    let before = fit(&points, &Options::default()).unwrap();
    points[17].x /= 3.0;
    let after = fit(&points, &Options::default()).unwrap();
    let moved = after.usl.usl().peak().unwrap() / before.usl.usl().peak().unwrap();
    assert!((0.97..1.03).contains(&moved), "{moved}");
}

#[test]
fn a_wild_series_says_so_in_its_interval() {
    let points = measured(&mut Noise::new(2), &geometric(64, 8), 1, 0.4, &usl);
    let fit = fit(&points, &Options::default()).unwrap();
    assert_eq!(fit.peak, None);
    assert!(fit.usl.lambda.high > 1.5 * fit.usl.lambda.low, "{:?}", fit.usl.lambda);
}

/// Production data scatter by a quarter. The closed form puts its law above their middle; its interval has to follow.
#[test]
fn an_estimate_lies_within_its_own_interval() {
    let points = measured(&mut Noise::new(6), &even(400, 400), 1, 0.25, &usl);
    let fit = fit(&points, &Options::default()).unwrap();
    for estimate in [fit.usl.alpha, fit.usl.beta, fit.usl.lambda] {
        assert!(estimate.low < estimate.value && estimate.value < estimate.high, "{:?}", fit.usl);
    }
    let place = (fit.usl.lambda.value - fit.usl.lambda.low) / (fit.usl.lambda.high - fit.usl.lambda.low);
    assert!((0.2..0.8).contains(&place), "{:?}", fit.usl.lambda);
    assert_eq!(fit.law, Some(Law::Usl));
}

#[test]
fn a_level_that_misses_the_law_is_named() {
    let mut points = measured(&mut Noise::new(3), &geometric(140, 12), 3, 0.005, &usl);
    for point in points.iter_mut().filter(|point| point.n == 3.0) {
        point.x *= 0.8;
    }
    let fit = fit(&points, &Options::default()).unwrap();
    assert_eq!(fit.worst_residual.n, 3.0);
    assert!(
        matches!(fit.reason, Reason::Misfit { n: 3.0, relative } if relative < -0.15),
        "{:?}",
        fit.reason
    );
    assert!(fit.reason.to_string().starts_with("at 3 workers the measurement is"), "{}", fit.reason);
}

#[test]
fn the_same_seed_gives_the_same_intervals() {
    let points = measured(&mut Noise::new(1), &even(70, 8), 2, 0.05, &usl);
    let fits = [1, 1, 2].map(|seed| {
        let mut options = Options::default();
        options.seed = seed;
        fit(&points, &options).unwrap()
    });
    assert_eq!(fits[0], fits[1]);
    assert_ne!(fits[0].usl.beta.low, fits[2].usl.beta.low);
}

#[test]
fn points_may_come_in_any_order() {
    let mut points = [(1.0, 9.0), (1.0, 10.0), (1.0, 10.5), (2.0, 19.0), (4.0, 30.0), (8.0, 50.0)]
        .map(|(n, x)| Point::new(n, x));
    let of = |points: &[Point]| fit(points, &Options::default()).unwrap();
    let sorted = of(&points);
    points.swap(0, 5);
    points.swap(2, 4);
    let fit = of(&points);
    assert_eq!((fit.law, fit.worst_residual.n), (sorted.law, sorted.worst_residual.n));
    assert!((fit.usl.lambda.value / sorted.usl.lambda.value - 1.0).abs() < 1e-12);
    assert!((fit.speedup(1.0).unwrap() - 1.0).abs() < 1e-12);
    assert!((fit.efficiency(1.0).unwrap() - 1.0).abs() < 1e-12);
}
