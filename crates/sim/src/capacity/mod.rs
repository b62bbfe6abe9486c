//! The capacity oracle against simulations, at 10 to 10 000 workers.
//!
//! Nodes that decide as everywhere (`divvy_decide`) work on one job and pay for round trips to a store, a server in virtual
//! time. What they note of that goes the way of real observations, through [`divvy_store::observation::seen`], to the
//! [oracle](divvy_model::capacity), which is asked about two, four and eight times the workers seen; then those are simulated.
//! `divvy bench capacity` does so with real nodes, a real store and real time.
//!
//! | file | idea |
//! |---|---|
//! | `scene.rs` | the systems |
//! | `hall.rs` | what happens, in which order |
//! | `host.rs` | a node, its workers, and what it notes |
//! | `server.rs` | what exchanges wait for |
//! | `grants.rs` | what they are answered |
//! | `cores.rs` | cores that tasks share |
//! | `parking.rs` | an experiment: workers parked at random |

mod cores;
mod grants;
mod hall;
mod host;
pub mod parking;
mod scene;
mod server;
#[cfg(test)]
mod tests;

use divvy_core::Rng;
use divvy_model::capacity::{Oracle, Peak, Prediction, Silence};
use divvy_store::observation::seen;
use hall::{Hall, Plan};
use scene::{SCENES, Scene};
use std::fmt;

/// Workers that are seen.
const SIZES: [usize; 3] = [10, 100, 1_250];
/// How many times as many are asked about.
const TIMES: [usize; 3] = [2, 4, 8];
/// An error up to here is what the oracle is to keep within.
const GOOD: f64 = 0.10;
/// How long a throughput is counted.
#[derive(Debug, Clone, Copy)]
struct Counted {
    /// Tasks of each worker before it begins.
    warm_up: usize,
    /// Tasks of each worker, and of all at the least.
    each: usize,
    least: usize,
    /// Nanoseconds at the least, where the store's costs change over time.
    long_ns: u64,
}

const LONG: Counted = Counted { warm_up: 3, each: 8, least: 20_000, long_ns: 200_000_000_000 };

/// One question, its answer, and what is so.
pub struct Row {
    name: &'static str,
    seen: usize,
    workers: usize,
    said: Result<Prediction, Silence>,
    simulated: f64,
}

/// Names of scenes, with what they are.
#[must_use]
pub fn scenes() -> String {
    SCENES.iter().map(|scene| format!("  {:<16} {}\n", scene.name, scene.shown)).collect()
}

/// Predicts and simulates so many times, with other seeds, having seen no more than `most`; prints as it goes.
///
/// # Errors
/// If there is no scene of a name in `only`.
pub fn run(from: u64, seeds: u64, only: Option<&str>, most: Option<usize>) -> Result<(), String> {
    let mut rows = Vec::new();
    for scene in chosen(only)? {
        for size in SIZES.into_iter().filter(|size| most.is_none_or(|most| *size <= most)) {
            for seed in from..from + seeds {
                let (tested, peak) = back_test(scene, size, seed, LONG);
                tested.iter().for_each(|row| println!("{row}"));
                if let Some(peak) = peak {
                    println!("{}", told_peak(scene, size, seed, &peak));
                }
                rows.extend(tested);
            }
        }
    }
    print!("{}", summary(&rows));
    Ok(())
}

fn chosen(only: Option<&str>) -> Result<Vec<&'static Scene>, String> {
    let Some(only) = only else { return Ok(SCENES.iter().collect()) };
    let named = |name: &str| SCENES.iter().find(|scene| scene.name == name);
    only.split(',')
        .map(|name| named(name).ok_or_else(|| format!("there is no scene {name}:\n{}", scenes())))
        .collect()
}

/// What is seen, what the oracle makes of it, and what is so.
fn back_test(scene: &Scene, size: usize, seed: u64, counted: Counted) -> (Vec<Row>, Option<Peak>) {
    let mut rng = Rng::new(seed ^ (size as u64) << 32);
    let mut hall = Hall::new(scene, size, Plan::Seen(size / scene.workers), rng.bits());
    hall.run_until(hall.lasts_ns());
    let seen = seen(&hall.observations(), scene.cores(size) as u32, scene.lease);
    // Where they swing the most that were there are fewer than could be.
    let most = seen.levels.last().map_or(size, |level| (level.workers as usize).min(size));
    let oracle = Oracle::of(&seen);
    let ask = |times: usize| {
        let workers = most * times / scene.workers * scene.workers;
        let said = oracle.clone().and_then(|oracle| oracle.at(workers as f64));
        let simulated = steady(scene, size, workers, rng.bits(), counted);
        Row { name: scene.name, seen: most, workers, said, simulated }
    };
    let rows = TIMES.map(ask).into();
    (rows, oracle.ok().and_then(|oracle| oracle.peak()))
}

/// Tasks per second with so many workers.
fn steady(scene: &Scene, size: usize, workers: usize, seed: u64, counted: Counted) -> f64 {
    let mut hall = Hall::new(scene, size, Plan::Steady(workers / scene.workers), seed);
    let until = |hall: &mut Hall, ended: usize| {
        let step = (Scene::task_ns(size) / 4.0) as u64;
        while hall.ended < ended as u64 {
            hall.run_until(hall.now + step);
        }
    };
    until(&mut hall, counted.warm_up * workers);
    let (began, before) = (hall.now, hall.ended);
    until(&mut hall, before as usize + (counted.each * workers).max(counted.least));
    if scene.varies() {
        hall.run_until(hall.now.max(began + counted.long_ns));
    }
    (hall.ended - before) as f64 / (hall.now - began) as f64 * 1e9
}

/// Around the oracle's peak, in steps of a tenth: where throughput is highest.
fn told_peak(scene: &Scene, size: usize, seed: u64, peak: &Peak) -> String {
    let near = |tenths: usize| {
        let workers = (peak.at.workers * tenths as f64 / 10.0).round() as usize;
        (steady(scene, size, workers.max(1), seed, LONG), workers)
    };
    let (rate, workers) = (5..=16).map(near).fold((0.0, 0), |a, b| if b.0 > a.0 { b } else { a });
    let Prediction { workers: n, rate: said, .. } = peak.at;
    format!(
        "{:<16} peak: predicted {said:.0}/s at {n:.0} workers ({:.0}-{:.0}), simulated {rate:.0}/s at {workers}",
        scene.name, peak.low, peak.high
    )
}

fn summary(rows: &[Row]) -> String {
    let count = |rows: &[&Row]| {
        let said: Vec<f64> = rows.iter().filter_map(|row| row.error()).collect();
        let good = said.iter().filter(|error| error.abs() <= GOOD).count();
        let held = rows.iter().filter(|row| row.is_held()).count();
        let worst =
            said.iter().fold(0.0f64, |worst, error| if error.abs() > worst.abs() { *error } else { worst });
        let (all, worst, silent) = (said.len(), 100.0 * worst, rows.len() - said.len());
        format!(
            "{good} of {all} predictions within 10 %, {held} hold it in their interval, worst {worst:+.1} %; \
             silent on {silent}"
        )
    };
    let of = |name: &str| rows.iter().filter(|row| row.name == name).collect::<Vec<_>>();
    let each = SCENES.iter().map(|scene| (scene.name, of(scene.name))).filter(|(_, rows)| !rows.is_empty());
    let lines: String = each.map(|(name, rows)| format!("{name:<16} {}\n", count(&rows))).collect();
    format!("\n{lines}{:<16} {}\n", "all", count(&rows.iter().collect::<Vec<_>>()))
}

impl Row {
    /// By which share the prediction is off, if there was one.
    fn error(&self) -> Option<f64> {
        self.said.as_ref().ok().map(|said| said.rate / self.simulated - 1.0)
    }

    /// Whether the prediction's interval holds what is so.
    fn is_held(&self) -> bool {
        self.said.as_ref().is_ok_and(|said| (said.low..=said.high).contains(&self.simulated))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { name, seen, workers, simulated, .. } = self;
        write!(f, "{name:<16} seen {seen:>4}, at {workers:>5}: simulated {simulated:>7.1}, ")?;
        match &self.said {
            Ok(said) => {
                let Prediction { rate, low, high, limit, .. } = said;
                let error = 100.0 * self.error().unwrap_or(0.0);
                write!(f, "predicted {rate:>7.1} ({low:.0}-{high:.0}), {error:+.1} %, limit {limit:?}")
            }
            Err(silence) => write!(f, "silent: {silence}"),
        }
    }
}
