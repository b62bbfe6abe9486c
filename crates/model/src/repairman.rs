//! The machine repairman in closed form: n workers think, then queue for one server.
//!
//! The server idles when all n think, and that probability is Erlang's B for a load of Z/D. So
//! `X(n) = (1 - B(n, Z/D))/D`, which mean value analysis reaches in n steps, and which here takes a few dozen whatever n
//! is, and means something between whole numbers too (production data has 3.7 active workers). A fit asks for it a
//! hundred thousand times.

use crate::poisson;

/// Throughput of `n` workers that think for `think` and then need the one server for `demand`, exponential times.
pub(crate) fn throughput(think: f64, demand: f64, n: f64) -> f64 {
    if think <= 0.0 { n.min(1.0) / demand } else { (1.0 - erlang_b(n, think / demand)).max(0.0) / demand }
}

/// Erlang's loss probability for `load` on `n` servers, `n` any number from 0: the Poisson probability of n over that of
/// at most n.
pub(crate) fn erlang_b(n: f64, load: f64) -> f64 {
    if load > n + 1.0 { 1.0 / (load * fraction(n + 1.0, load)) } else { below_load(n, load) }
}

/// `Gamma(s, x) e^x x^-s` by Legendre's continued fraction (modified Lentz), for `x > s`.
fn fraction(s: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - s;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut h = d;
    for i in 1..100_000 {
        let i = f64::from(i);
        let a = -i * (i - s);
        b += 2.0;
        d = 1.0 / (a * d + b);
        c = b + a / c;
        let step = c * d;
        h *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    h
}

/// The same by the series of the lower incomplete gamma function, for a load that is not far above `n`.
fn below_load(n: f64, load: f64) -> f64 {
    let point = poisson::point(n, load);
    if point == 0.0 {
        return 0.0;
    }
    // P(more than n) = point * (load/(n+1) + load^2/((n+1)(n+2)) + ...), for whole n.
    let (mut term, mut above, mut k) = (1.0, 0.0, n);
    loop {
        k += 1.0;
        term *= load / k;
        above += term;
        if term < 1e-17 * (1.0 + above) {
            break;
        }
    }
    point / (1.0 - point * above)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean value analysis, step by step: Reiser and Lavenberg 1980.
    fn mva(think: f64, demand: f64, n: u32) -> f64 {
        let (mut queue, mut x) = (0.0, 0.0);
        for k in 1..=n {
            let response = demand * (1.0 + queue);
            x = f64::from(k) / (think + response);
            queue = x * response;
        }
        x
    }

    #[test]
    fn is_mean_value_analysis() {
        for (think, demand) in [(9.8, 0.2), (1.0, 1.0), (0.1, 3.0), (1_000.0, 0.1), (5.0, 1e-3)] {
            for n in [1, 2, 3, 10, 49, 50, 51, 52, 100, 999, 5_000, 9_999, 10_000] {
                let (closed, stepped) = (throughput(think, demand, f64::from(n)), mva(think, demand, n));
                assert!((closed / stepped - 1.0).abs() < 1e-9, "{think} {demand} {n}: {closed} {stepped}");
            }
        }
    }

    #[test]
    fn rises_between_whole_numbers() {
        let x = |n| throughput(9.8, 0.2, n);
        let mut last = 0.0;
        for tenth in 1..2_000 {
            let now = x(f64::from(tenth) / 10.0);
            assert!(now >= last && now <= 5.0, "{tenth}: {now}");
            last = now;
        }
        assert_eq!(x(0.0), 0.0);
        assert_eq!(throughput(0.0, 0.5, 7.0), 2.0);
    }

    #[test]
    fn a_real_queue_does_better_than_amdahl() {
        // Ten seconds of work, 0.2 of them at the one server: at 51 workers 4.53, where Amdahl says 2.53.
        assert_eq!((throughput(10.0, 0.2, 51.0) * 100.0).round(), 453.0);
    }
}
