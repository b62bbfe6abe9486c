//! Closed networks against theory's known answers and against simulations of what they stand for.

use super::*;
use crate::rng::Rng;

fn network(think: f64, stations: &[Station]) -> Network {
    Network::new(think, stations.to_vec()).unwrap()
}

fn serial(base: f64) -> Station {
    Station::Serial { base, growth: 0.0 }
}

fn near(a: f64, b: f64, relative: f64) {
    assert!((a / b - 1.0).abs() <= relative, "{a} is not {b}");
}

#[test]
fn one_server_is_the_repairman() {
    for n in [1u32, 2, 10, 51, 1_000, 10_000] {
        let closed = crate::repairman::throughput(10.0, 0.2, f64::from(n));
        near(network(10.0, &[serial(0.2)]).throughput(n), closed, 1e-9);
    }
    assert_eq!(network(10.0, &[serial(0.2)]).throughput(0), 0.0);
}

/// The textbook recursion for single servers.
#[test]
fn several_single_servers_are_mean_value_analysis() {
    let demands = [0.3, 0.1, 0.05];
    let model = network(1.0, &demands.map(serial));
    let mut queues = [0.0; 3];
    for n in 1..=60u32 {
        let responses: Vec<f64> = demands.iter().zip(queues).map(|(d, q)| d * (1.0 + q)).collect();
        let x = f64::from(n) / (1.0 + responses.iter().sum::<f64>());
        queues = [0, 1, 2].map(|k| x * responses[k]);
        near(model.throughput(n), x, 1e-10);
    }
}

#[test]
fn servers_are_erlang_and_one_of_them_is_a_single_server() {
    let one = Station::Servers { demand: 0.2, servers: 1 };
    near(network(1.0, &[one]).throughput(40), network(1.0, &[serial(0.2)]).throughput(40), 1e-10);
    // With as many servers as workers nobody waits.
    let many = Station::Servers { demand: 0.2, servers: 40 };
    near(network(1.0, &[many]).throughput(40), 40.0 / 1.2, 1e-10);
    // Two stations with several servers: adding them in turn is adding them at once.
    let (a, b) = (Station::Servers { demand: 0.3, servers: 3 }, Station::Servers { demand: 0.5, servers: 7 });
    near(network(0.5, &[a, b]).throughput(30), network(0.5, &[b, a]).throughput(30), 1e-10);
    near(network(0.5, &[a, b]).throughput(3_000), 10.0, 1e-6);
}

#[test]
fn two_cores_beside_a_store_by_enumeration() {
    // Four workers, no think time; G by summing over all states.
    let (cpu, store) = (0.4f64, 0.3f64);
    let g = |n: i32| -> f64 {
        (0..=n)
            .map(|j| {
                let at_cpu = if j == 0 { 1.0 } else { cpu.powi(j) / 2f64.powi(j - 1) };
                at_cpu * store.powi(n - j)
            })
            .sum()
    };
    let model = network(0.0, &[Station::Servers { demand: cpu, servers: 2 }, serial(store)]);
    near(model.throughput(4), g(3) / g(4), 1e-12);
}

#[test]
fn a_section_that_grows_peaks_where_it_saturates() {
    let claim = Station::Serial { base: 50e-6, growth: 2e-6 };
    let model = network(0.010, &[claim]);
    let best = model.peak(1_000).unwrap();
    // The closed estimate says 59, mean value analysis 64.
    assert!((62..=66).contains(&best.n), "{best:?}");
    near(best.throughput, 5_400.0, 0.03);
    assert!(
        model.throughput(best.n - 1) <= best.throughput && model.throughput(best.n + 1) <= best.throughput
    );
    assert_eq!(network(0.010, &[serial(50e-6)]).peak(10_000), None);
    assert_eq!(network(0.010, &[]).peak(1), None);
}

#[test]
fn the_limit_is_the_busiest() {
    let model = network(0.01, &[Station::Servers { demand: 0.004, servers: 2 }, serial(0.001)]);
    let busy = model.utilisations(200);
    assert!(busy[0] > 0.999 && (busy[1] - 0.5).abs() < 0.001, "{busy:?}");
    assert_eq!(model.bound(200), 500.0);
}

/// A store that commits all who wait at once, and workers that think in between.
struct Store {
    think: f64,
    flush: f64,
    item: f64,
    size_max: usize,
    /// Exponential flushes, else all are equal.
    varies: bool,
}

impl Store {
    /// Rounds per second of `workers`, event by event.
    fn simulated(&self, rng: &mut Rng, workers: usize) -> f64 {
        // When each worker next wants to commit. Those of a batch are put back with a later time.
        let mut due: Vec<f64> = (0..workers).map(|_| rng.exponential(self.think)).collect();
        let (mut now, mut done) = (0.0f64, 0usize);
        let (mut from, mut counted) = (0.0, 0);
        for batch in 0..10_000 {
            due.sort_by(f64::total_cmp);
            now = now.max(due[0]);
            let size = due.iter().take(self.size_max).take_while(|&&at| at <= now).count();
            let flush = if self.varies { rng.exponential(self.flush) } else { self.flush };
            now += flush + self.item * size as f64;
            due[..size].fill_with(|| now + rng.exponential(self.think));
            done += size;
            if batch == 1_000 {
                (from, counted) = (now, done);
            }
        }
        (done - counted) as f64 / (now - from)
    }

    fn modelled(&self, workers: usize) -> f64 {
        let station = Station::Batch { flush: self.flush, item: self.item, size_max: self.size_max as u32 };
        network(self.think, &[station]).throughput(workers as u32)
    }
}

#[test]
fn a_shared_commit_agrees_with_simulation() {
    let mut rng = Rng::new(5);
    let store = Store { think: 10e-3, flush: 2e-3, item: 20e-6, size_max: 10_000, varies: false };
    let cases = [
        (0.04, Store { ..store }),
        (0.05, Store { think: 2e-3, ..store }),
        (0.25, Store { think: 0.2e-3, ..store }),
        (0.04, Store { flush: 1e-3, item: 200e-6, ..store }),
        (0.04, Store { size_max: 4, ..store }),
        (0.08, Store { varies: true, ..store }),
        (0.17, Store { varies: true, think: 2e-3, ..store }),
    ];
    for (off, case) in cases {
        for workers in [1, 2, 4, 16, 64] {
            near(case.modelled(workers), case.simulated(&mut rng, workers), off);
        }
    }
}

/// Cores and a store that commits for several at once: the sizes an oracle asks about.
#[test]
fn ten_thousand_workers_are_no_trouble() {
    let cores = Station::Servers { demand: 1e-3, servers: 8 };
    let store = Station::Batch { flush: 2e-3, item: 50e-6, size_max: 1_000 };
    let model = network(0.1, &[cores, store, serial(2e-6)]);
    near(model.throughput(10_000), 8_000.0, 1e-3);
    assert_eq!(model.peak(2_000), None);
}

#[test]
fn nonsense_is_refused() {
    assert!(Network::new(-1.0, vec![]).is_err());
    assert!(Network::new(0.0, vec![]).is_err());
    assert!(Network::new(1.0, vec![serial(f64::NAN)]).is_err());
    assert!(Network::new(1.0, vec![Station::Servers { demand: 1.0, servers: 0 }]).is_err());
    near(network(1.0, &[serial(0.0)]).throughput(10_000), 10_000.0, 1e-9);
}
