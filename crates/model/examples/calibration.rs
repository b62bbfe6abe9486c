//! How often the fit is right, on measurements whose truth is known.
//!
//! `cargo run --release -p divvy-model --example calibration [TRIALS]`

#[path = "../tests/it/synthetic.rs"]
mod synthetic;

use std::collections::BTreeMap;

use divvy_model::fit::{Fit, Options, Point, Reason, fit};
use divvy_model::mva::{Network, Station};
use divvy_model::{Law, Usl};
use synthetic::{Noise, even, geometric, measured};

fn main() {
    let trials = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(1_000);
    peaks(trials);
    queues(trials);
}

/// A true peak at 70 workers, seen from designs that reach differently far.
fn peaks(trials: u32) {
    let truth = Usl { alpha: 0.02, beta: 2e-4, lambda: 100.0 };
    println!("truth: alpha 0.02, beta 0.0002, peak at 70; {trials} trials a line");
    println!(
        "{:>6} {:>4} {:>8} {:>4} {:>5}  printed  covers  N* 5/50/95 %    beyond",
        "reach", "N", "spacing", "runs", "noise"
    );
    for (cv, runs) in [(0.03, 3), (0.03, 1), (0.10, 3)] {
        for reach in [17, 35, 70, 140] {
            for count in [8, 12] {
                for (spacing, counts) in [("geo", geometric(reach, count)), ("even", even(reach, count))] {
                    let tally = tally(trials, &counts, runs, cv, &|n| truth.throughput(f64::from(n)));
                    println!(
                        "{reach:>6} {count:>4} {spacing:>8} {runs:>4} {:>4}%  {}",
                        cv * 100.0,
                        tally.line(70.0)
                    );
                }
            }
        }
    }
}

/// Queues that level off: no peak may be printed, ever.
fn queues(trials: u32) {
    println!("\nqueues that only saturate; a printed peak is an error");
    for (name, truth, knee) in shapes() {
        for times in [3, 10] {
            for (cv, runs) in [(0.01, 3), (0.03, 3), (0.03, 1)] {
                for (spacing, counts) in
                    [("geo", geometric(knee * times, 10)), ("even", even(knee * times, 10))]
                {
                    let tally = tally(trials, &counts, runs, cv, &truth);
                    println!(
                        "{name:>22} to {times:>2} x knee {spacing:>5} {runs} runs {:>4}%  {}",
                        cv * 100.0,
                        tally.line(0.0)
                    );
                }
            }
        }
    }
}

type Truth = Box<dyn Fn(u32) -> f64>;

fn shapes() -> Vec<(&'static str, Truth, u32)> {
    let closed = |stations: Vec<Station>, think: f64, most: u32| -> Truth {
        let network = Network::new(think, stations).expect("valid times");
        let all: Vec<f64> = (0..=most).map(|n| network.throughput(n)).collect();
        Box::new(move |n| all[n as usize])
    };
    let serial = Station::Serial { base: 1.0, growth: 0.0 };
    let servers = |servers| Station::Servers { demand: 1.0, servers };
    vec![
        ("repairman Z/D 9", closed(vec![serial], 9.0, 200), 10),
        ("repairman Z/D 49", closed(vec![serial], 49.0, 1_000), 50),
        ("4 servers", closed(vec![servers(4)], 9.0, 800), 40),
        ("16 servers", closed(vec![servers(16)], 4.0, 1_600), 80),
        ("two stations", closed(vec![serial; 2], 18.0, 200), 20),
        ("three stations", closed(vec![serial; 3], 37.0, 400), 40),
        ("ceiling at 32", Box::new(|n| f64::from(n.min(32))), 32),
        (
            "amdahl 0.05",
            Box::new(|n| Usl { alpha: 0.05, beta: 0.0, lambda: 1.0 }.throughput(f64::from(n))),
            20,
        ),
    ]
}

#[derive(Default)]
struct Tally {
    trials: u32,
    printed: u32,
    intervals: Vec<(f64, f64)>,
    projected: Vec<f64>,
    reasons: BTreeMap<&'static str, u32>,
}

fn tally(trials: u32, counts: &[u32], runs: u32, cv: f64, truth: &dyn Fn(u32) -> f64) -> Tally {
    let mut tally = Tally { trials, ..Tally::default() };
    for seed in 0..trials {
        let mut noise = Noise::new(u64::from(seed));
        let points = measured(&mut noise, counts, runs, cv, truth);
        tally.add(&fitted(&points, seed));
    }
    tally
}

fn fitted(points: &[Point], seed: u32) -> Fit {
    let mut options = Options::default();
    options.seed = u64::from(seed);
    fit(points, &options).expect("measurements that are fit to be fitted")
}

impl Tally {
    fn add(&mut self, fit: &Fit) {
        self.printed += u32::from(fit.peak.is_some());
        self.intervals.extend(fit.peak.map(|peak| (peak.low, peak.high)));
        self.projected.push(fit.usl.usl().peak().unwrap_or(f64::INFINITY));
        *self.reasons.entry(reason(&fit.reason)).or_default() += 1;
    }

    fn line(mut self, truth: f64) -> String {
        let covers = self.intervals.iter().filter(|(low, high)| *low <= truth && truth <= *high).count();
        let share = |part: usize, of: u32| 100.0 * part as f64 / f64::from(of.max(1));
        self.projected.sort_by(f64::total_cmp);
        let at = |part: f64| self.projected[(part * (self.projected.len() - 1) as f64) as usize];
        format!(
            "{:>6.1}% {:>6.1}%  {:>5.0}/{:.0}/{:.0}   {:?}",
            share(self.printed as usize, self.trials),
            share(covers, self.printed),
            at(0.05),
            at(0.5),
            at(0.95),
            self.reasons
        )
    }
}

fn reason(reason: &Reason) -> &'static str {
    match reason {
        Reason::Proved => "proved",
        Reason::FewCounts { .. } => "counts",
        Reason::NarrowRange { .. } => "range",
        Reason::NoCoherency => "beta 0",
        Reason::Rival { law: Law::Amdahl, .. } => "amdahl",
        Reason::Rival { law: Law::Ceiling, .. } => "ceiling",
        Reason::Rival { law: Law::Repairman, .. } => "repairman",
        Reason::Rival { .. } => "linear",
        Reason::NoFall => "no fall",
        Reason::Doubtful { .. } => "doubt",
        Reason::Misfit { .. } => "misfit",
        Reason::Few { .. } => "few",
        Reason::NoLaw { .. } => "no law",
        Reason::NoRise { .. } => "no rise",
        Reason::NotBracketed { .. } => "bracket",
        _ => "other",
    }
}
