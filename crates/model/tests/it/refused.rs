//! What is no measurement, and what does not suffice: refused with a sentence that says what to do.

use divvy_model::Error;
use divvy_model::fit::{Options, Point, Reason, fit};

fn of(data: &[(f64, f64)]) -> Result<divvy_model::Fit, Error> {
    let points: Vec<Point> = data.iter().map(|&(n, x)| Point::new(n, x)).collect();
    fit(&points, &Options::default())
}

#[test]
fn too_few_points() {
    assert_eq!(of(&[]), Err(Error::TooFewPoints(0)));
    let error = of(&[(1.0, 1.0), (2.0, 2.0)]).unwrap_err();
    assert_eq!(error, Error::TooFewPoints(2));
    assert!(error.to_string().contains("measure at 1, 2, 4, 8"), "{error}");
}

#[test]
fn one_number_of_workers_only() {
    let error = of(&[(8.0, 10.0), (8.0, 11.0), (8.0, 10.5), (8.0, 10.2)]).unwrap_err();
    assert_eq!(error, Error::TooFewCounts(1));
    assert!(error.to_string().contains("measure at 1, 2, 4, 8"), "{error}");
    assert_eq!(of(&[(1.0, 10.0), (2.0, 11.0), (2.0, 10.5)]), Err(Error::TooFewCounts(2)));
}

#[test]
fn values_that_are_no_measurements() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = of(&[(1.0, 1.0), (2.0, 2.0), (4.0, bad)]).unwrap_err();
        assert!(matches!(error, Error::BadPoint { index: 2, what: "the throughput", .. }), "{error:?}");
        assert!(error.to_string().starts_with("measurement 3: the throughput is"), "{error}");
        assert!(matches!(of(&[(bad, 1.0), (2.0, 2.0), (4.0, 3.0)]), Err(Error::BadPoint { index: 0, .. })));
        let weighted = [Point { weight: bad, ..Point::new(1.0, 1.0) }; 3];
        assert!(matches!(
            fit(&weighted, &Options::default()),
            Err(Error::BadPoint { what: "the weight", .. })
        ));
    }
}

#[test]
fn gates_that_need_more_data() {
    let usl = divvy_model::Usl { alpha: 0.02, beta: 0.02, lambda: 1.0 };
    let reason = |counts: &[f64]| {
        let points: Vec<(f64, f64)> = counts.iter().map(|&n| (n, usl.throughput(n))).collect();
        let fit = of(&points).unwrap();
        assert_eq!(fit.peak, None);
        fit.reason
    };
    assert_eq!(reason(&[1.0, 4.0, 8.0, 12.0, 16.0]), Reason::FewCounts { counts: 5 });
    assert_eq!(reason(&[3.0, 4.0, 6.0, 8.0, 10.0, 12.0]), Reason::NarrowRange { ratio: 4.0 });
    assert!(matches!(reason(&[0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Reason::NotBracketed { n_max: 6.0, .. }));
}

#[test]
fn extremes_are_survived() {
    // Identical repeats, throughputs of any size, a perfect line, a single dip, only falling.
    let flat: Vec<(f64, f64)> =
        [1.0, 2.0, 4.0, 8.0, 16.0, 32.0].iter().flat_map(|&n| [(n, 5.0); 3]).collect();
    let line: Vec<(f64, f64)> = (1..=8).map(|n| (f64::from(n), f64::from(n) * 1e-200)).collect();
    let falling: Vec<(f64, f64)> = (1..=8).map(|n| (f64::from(n), 1e200 / f64::from(n))).collect();
    let huge: Vec<(f64, f64)> = (0..8).map(|k| (10f64.powi(k), f64::from(k + 1))).collect();
    for data in [flat, line, falling, huge] {
        let fit = of(&data).unwrap();
        let usl = fit.usl.usl();
        assert!(usl.lambda.is_finite() && usl.lambda > 0.0 && (0.0..=1.0).contains(&usl.alpha), "{usl:?}");
        assert!(fit.rivals.iter().all(|rival| rival.aicc.is_finite()), "{:?}", fit.rivals);
        let mut predicted = data.iter().filter_map(|point| fit.predicted(point.0));
        assert!(predicted.all(|x| x.is_finite() && x > 0.0));
        assert!(!fit.reason.to_string().is_empty());
    }
}
