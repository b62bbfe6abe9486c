//! The true values of tables that are often printed wrongly.

use divvy_model::paths::{path_share, paths};
use divvy_model::{Curve, Law, Usl};

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

/// Printed as 8, 16, 15, 10 and 5.
#[test]
fn a_twentieth_contention_and_a_thousandth_coherency() {
    let law = Usl { alpha: 0.05, beta: 0.001, lambda: 1.0 };
    let counts = [10.0, 32.0, 50.0, 100.0, 200.0];
    assert_eq!(counts.map(|n| rounded(law.speedup(n), 2)), [6.49, 9.03, 8.47, 6.31, 3.94]);
    assert_eq!(counts.map(|n| rounded(law.efficiency(n) * 100.0, 0)), [65.0, 28.0, 17.0, 6.0, 2.0]);
    let peak = law.peak().unwrap();
    assert_eq!((rounded(peak, 2), rounded(law.speedup(peak), 2)), (30.82, 9.04));
    // A thousand are slower than one.
    assert_eq!(rounded(law.speedup(1_000.0), 2), 0.95);
}

/// Printed as 55 %, beside 98 % for a hundred by the formula that gives 81.8 %.
#[test]
fn paths_among_ten() {
    assert_eq!([10, 100, 1_000].map(paths), [45, 4_950, 499_500]);
    assert_eq!([10, 100, 1_000].map(|n| rounded(path_share(n) * 100.0, 1)), [81.8, 98.0, 99.8]);
}

#[test]
fn every_law_has_a_name_a_formula_and_a_source() {
    let usl = Usl { alpha: 0.1, beta: 0.01, lambda: 3.0 };
    let curves = [
        Curve::Linear { lambda: 3.0 },
        Curve::Amdahl { alpha: 0.1, lambda: 3.0 },
        Curve::Usl(usl),
        Curve::Ceiling { lambda: 3.0, ceiling: 12.0 },
        Curve::Repairman { think: 0.25, demand: 1.0 / 12.0 },
    ];
    assert_eq!(curves.map(Curve::law), Law::ALL);
    for curve in curves {
        let law = curve.law();
        assert!(
            law.formula().starts_with("X(n) = ") && !law.source().is_empty() && law.to_string() == law.name()
        );
        assert!((curve.throughput(1.0) - curve.lambda()).abs() < 1e-9 && (curve.lambda() - 3.0).abs() < 1e-9);
        assert!((curve.efficiency(1.0) - 1.0).abs() < 1e-9 && curve.efficiency(50.0) <= 1.0 + 1e-12);
        assert!((1..200).all(|n| curve.throughput(f64::from(n)) <= curve.roof() * (1.0 + 1e-9)));
    }
    let roofs = curves.map(|curve| rounded(curve.roof(), 2));
    assert_eq!(roofs, [f64::INFINITY, 30.0, rounded(usl.throughput(90f64.sqrt()), 2), 12.0, 12.0]);
}
