//! Which law is chosen: none that is far off what was measured, and intervals that contain what was found.

use divvy_model::fit::{Fit, Options, Point, Reason, fit};
use divvy_model::mva::{Network, Station};
use divvy_model::{Law, Usl};

use crate::synthetic::{Noise, even, geometric, measured};

fn fitted(data: &[(f64, f64)]) -> Fit {
    let points: Vec<Point> = data.iter().map(|&(n, x)| Point::new(n, x)).collect();
    fit(&points, &Options::default()).unwrap()
}

#[test]
fn a_law_far_below_what_was_measured_is_none() {
    // A ceiling of 328 had won, where 900 was measured.
    let wild = fitted(&[
        (1.0, 100.0),
        (2.0, 190.0),
        (4.0, 360.0),
        (8.0, 650.0),
        (16.0, 900.0),
        (32.0, 300.0),
        (64.0, 60.0),
    ]);
    assert_eq!((wild.law, wild.roof, wild.peak, wild.projected), (None, None, None, None));
    assert_eq!(wild.predicted(4.0), None);
    assert!(matches!(wild.reason, Reason::NoLaw { .. }), "{}", wild.reason);
    // Four workers do eight times as much as one: no law of ours does that.
    let superlinear = fitted(&[(1.0, 10.0), (2.0, 30.0), (4.0, 90.0), (8.0, 270.0)]);
    assert_eq!(superlinear.law, None, "{:?}", superlinear.rivals);
}

#[test]
fn a_law_that_fits_wins_against_one_that_does_not() {
    let data = [(10.0, 100.0), (20.0, 180.0), (40.0, 250.0), (80.0, 260.0), (160.0, 200.0), (320.0, 110.0)];
    let fit = fitted(&data);
    assert_eq!(fit.law, Some(Law::Usl));
    for (n, x) in data {
        assert!((fit.predicted(n).unwrap() / x - 1.0).abs() < 0.05, "{n}");
    }
    // For a peak six single measurements are still too few.
    assert!(matches!(fit.reason, Reason::Few { .. } | Reason::Proved), "{}", fit.reason);
}

/// AICc charges 30 for a third number where there are six measurements.
#[test]
fn six_clean_measurements_of_a_usl_are_one() {
    let truth = Usl { alpha: 0.02, beta: 2e-4, lambda: 100.0 };
    let named = (0..60)
        .filter(|&seed| {
            let points =
                measured(&mut Noise::new(seed), &geometric(140, 6), 1, 0.01, &|n| truth.throughput(n.into()));
            fit(&points, &Options::default()).unwrap().law == Some(Law::Usl)
        })
        .count();
    assert!(named >= 54, "{named}");
}

#[test]
fn a_queue_is_not_taken_for_a_usl() {
    let network = Network::new(9.0, vec![Station::Serial { base: 1.0, growth: 0.0 }]).unwrap();
    for (counts, cv) in [(geometric(60, 6), 0.01), (geometric(60, 8), 0.03), (even(30, 7), 0.03)] {
        let named = (0..60)
            .filter(|&seed| {
                let points = measured(&mut Noise::new(seed), &counts, 1, cv, &|n| network.throughput(n));
                fit(&points, &Options::default()).unwrap().law == Some(Law::Usl)
            })
            .count();
        assert!(named <= 3, "{counts:?} {cv}: {named}");
    }
}

#[test]
fn an_interval_contains_its_estimate_and_nothing_absurd() {
    let wild = fitted(&[(1.0, 10.0), (2.0, 5.0), (4.0, 40.0), (8.0, 3.0)]);
    for estimate in [wild.usl.alpha, wild.usl.beta, wild.usl.lambda] {
        assert!(estimate.low <= estimate.value && estimate.value <= estimate.high, "{:?}", wild.usl);
    }
    assert!(wild.usl.lambda.high > 5.0 * wild.usl.lambda.low, "{:?}", wild.usl.lambda);
    let truth = Usl { alpha: 0.05, beta: 1e-3, lambda: 100.0 };
    for seed in 0..20 {
        let points = measured(&mut Noise::new(seed), &[1, 2, 4, 8], 1, 0.03, &|n| truth.throughput(n.into()));
        let lambda = fit(&points, &Options::default()).unwrap().usl.lambda;
        assert!(lambda.low > 0.2 * lambda.value && lambda.low <= lambda.value, "{seed}: {lambda:?}");
    }
}

/// Nine of ten at least, where 95 are printed.
#[test]
fn intervals_cover_the_truth() {
    let truth = Usl { alpha: 0.02, beta: 2e-4, lambda: 100.0 };
    for (counts, runs, cv) in
        [(geometric(140, 8), 3, 0.03), (geometric(140, 8), 1, 0.03), (even(140, 6), 1, 0.01)]
    {
        let mut covered = [0; 3];
        for seed in 0..100 {
            let points = measured(&mut Noise::new(seed), &counts, runs, cv, &|n| truth.throughput(n.into()));
            let mut options = Options::default();
            options.bootstraps = 399;
            let usl = fit(&points, &options).unwrap().usl;
            let all = [(usl.alpha, truth.alpha), (usl.beta, truth.beta), (usl.lambda, truth.lambda)];
            for (count, (estimate, truth)) in covered.iter_mut().zip(all) {
                *count += u32::from((estimate.low..=estimate.high).contains(&truth));
            }
        }
        assert!(covered.iter().all(|count| *count >= 88), "{counts:?} {runs} {cv}: {covered:?}");
    }
}

#[test]
fn a_roof_lies_within_its_interval_and_covers_the_truth() {
    let network = Network::new(9.0, vec![Station::Serial { base: 1.0, growth: 0.0 }]).unwrap();
    let covered = (0..60)
        .filter(|&seed| {
            let points =
                measured(&mut Noise::new(seed), &geometric(60, 8), 1, 0.03, &|n| network.throughput(n));
            let roof = fit(&points, &Options::default()).unwrap().roof.expect("a full bottleneck");
            assert!(
                roof.low <= roof.value && roof.value <= roof.high && roof.high < 1.3 * roof.low,
                "{roof:?}"
            );
            (roof.low..=roof.high).contains(&1.0)
        })
        .count();
    assert!(covered >= 54, "{covered}");
}

#[test]
fn a_fall_from_the_first_measurement_is_no_peak() {
    let fit =
        fitted(&[(1.0, 100.0), (2.0, 50.0), (4.0, 25.0), (8.0, 12.0), (16.0, 6.0), (32.0, 3.0), (64.0, 1.5)]);
    assert_eq!(fit.peak, None);
    assert!(matches!(fit.reason, Reason::NoRise { n_min: 1.0 }), "{}", fit.reason);
    assert_eq!(fit.falls(), Some(true));
}

#[test]
fn noise_around_a_plateau_is_no_fall() {
    let falling = (0..60)
        .filter(|&seed| {
            let points = measured(&mut Noise::new(seed), &geometric(64, 7), 1, 0.1, &|n| f64::from(n.min(8)));
            fit(&points, &Options::default()).unwrap().falls() == Some(true)
        })
        .count();
    assert!(falling <= 2, "{falling}");
}

#[test]
fn no_peak_is_projected_far_beyond_what_was_measured() {
    let truth = Usl { alpha: 0.05, beta: 1e-12, lambda: 1.0 };
    let data = geometric(64, 7).into_iter().map(f64::from).map(|n| (n, truth.throughput(n)));
    let fit = fitted(&data.collect::<Vec<_>>());
    assert!(fit.usl.usl().peak().is_none_or(|n| n > 640.0), "{:?}", fit.usl);
    assert_eq!((fit.projected, fit.regret), (None, None));
}

/// One run of 24 that something disturbed, with two others beside it that were not.
#[test]
fn one_disturbed_run_does_not_change_the_law() {
    let truth = Usl { alpha: 0.02, beta: 2e-4, lambda: 100.0 };
    for factor in [5.0, 0.1] {
        for at in [1, 10, 22] {
            let mut points =
                measured(&mut Noise::new(7), &geometric(140, 8), 3, 0.01, &|n| truth.throughput(n.into()));
            points[at].x *= factor;
            let fit = fit(&points, &Options::default()).unwrap();
            assert_eq!(fit.law, Some(Law::Usl), "{factor} {at}: {:?}", fit.rivals);
            assert!(fit.peak.is_some(), "{factor} {at}: {}", fit.reason);
        }
    }
}
