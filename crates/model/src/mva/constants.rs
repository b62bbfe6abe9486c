//! Normalising constants of a closed network, in logarithms: `X(n) = G(n - 1)/G(n)`.
//!
//! `G(n)` sums, over all ways to spread n workers, the product of what each station contributes: `Z^k/k!` for k who think,
//! `D^k` for k at a single server, `1/(rate(1) ... rate(k))` in general. Adding a station is a convolution. A single
//! server's costs one step a worker, one of c servers costs c, and the last station needs no array at all, as only two
//! values of G are wanted.

use super::Station;

/// Rounds per second of `n` workers.
pub(super) fn throughput(think: f64, stations: &[Station], n: u32) -> f64 {
    if n == 0 {
        return 0.0;
    }
    let mut g = thinking(think, n);
    let (serial, mut rest): (Vec<&Station>, Vec<&Station>) =
        stations.iter().partition(|station| matches!(station, Station::Serial { .. }));
    for station in serial {
        add_serial(&mut g, station.alone(n).ln());
    }
    // Those with several servers are cheap to add; what comes last is cheapest.
    rest.sort_by_key(|station| matches!(station, Station::Batch { .. }));
    let last = rest.pop();
    for station in rest {
        g = match station {
            Station::Servers { servers, .. } => {
                with_servers(&g, &contributions(station, n), *servers as usize)
            }
            _ => (0..g.len()).scan(contributions(station, n), |f, k| Some(convolved(f, &g, k))).collect(),
        };
    }
    let n = n as usize;
    let (before, at) = match last {
        None => (g[n - 1], g[n]),
        Some(station) => {
            let f = contributions(station, n as u32);
            (convolved(&f, &g, n - 1), convolved(&f, &g, n))
        }
    };
    (before - at).exp()
}

/// `ln(Z^k/k!)` for k from 0 to n.
fn thinking(think: f64, n: u32) -> Vec<f64> {
    let step = think.ln();
    let mut sum = 0.0;
    let later = (1..=n).map(|k| {
        sum += step - f64::from(k).ln();
        sum
    });
    std::iter::once(0.0).chain(later).collect()
}

/// What k workers at a station contribute, for k from 0 to n.
fn contributions(station: &Station, n: u32) -> Vec<f64> {
    let mut sum = 0.0;
    let later = (1..=n).map(|k| {
        sum -= station.rate(k, n).ln();
        sum
    });
    std::iter::once(0.0).chain(later).collect()
}

/// Buzen's step: `G(k) += D G(k - 1)`.
fn add_serial(g: &mut [f64], ln_demand: f64) {
    for k in 1..g.len() {
        g[k] = ln_add(g[k], ln_demand + g[k - 1]);
    }
}

/// A station of c servers: from c on its contributions are a geometric series, whose sum is carried along.
fn with_servers(g: &[f64], f: &[f64], servers: usize) -> Vec<f64> {
    let head = &f[..servers.min(f.len())];
    let ratio = if servers < f.len() { f[servers] - f[servers - 1] } else { 0.0 };
    let mut tail = f64::NEG_INFINITY;
    (0..g.len())
        .map(|k| {
            if k >= servers {
                tail = ln_add(f[servers] + g[k - servers], ratio + tail);
            }
            ln_add(convolved(head, g, k), tail)
        })
        .collect()
}

/// `ln` of the sum over j of `f(j) g(k - j)`.
fn convolved(f: &[f64], g: &[f64], k: usize) -> f64 {
    let terms = || f[..f.len().min(k + 1)].iter().enumerate().map(|(j, f)| f + g[k - j]);
    let most = terms().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        most
    } else {
        most + terms().map(|term| (term - most).exp()).sum::<f64>().ln()
    }
}

/// `ln(e^a + e^b)`.
fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
