//! `divvy bench capacity`: what the capacity oracle predicts, against what is then measured.
//!
//! For each scene the oracle is shown a ramp: nodes that join one after the other, and leave again. Then it is asked about two, four and
//! eight times as many, and those are run.

mod calm;
mod fleet;
mod scene;
mod section;

use crate::args::{CapacityBenchArgs, Output};
use crate::exit::{Exit, bad_usage};
use anyhow::Result;
use calm::calmly;
use divvy_engine::SystemClock;
use divvy_model::capacity::{Oracle, Prediction, Silence};
use divvy_store::Observation;
use divvy_store::observation::seen;
use fleet::Fleet;
use scene::{SCENES, Scene};
use serde_json::{Value, json};
use std::time::Duration;

/// How many times the workers seen are asked about.
const TIMES: [usize; 3] = [2, 4, 8];
/// An error up to here is what the oracle is to keep within.
const GOOD: f64 = 0.10;
/// The oracle is shown about so many numbers of workers one after the other, at the least.
const STEPS_MIN: usize = 10;
/// New nodes are given so long before they are measured.
const SETTLE: Duration = Duration::from_millis(700);

/// Predicts and measures.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn capacity(args: &CapacityBenchArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    let scenes = chosen(args)?;
    let mut rows = Vec::new();
    for _ in 0..args.rounds {
        for scene in &scenes {
            for row in back_test(scene, args, clock)? {
                match output {
                    Output::Human => println!("{}", row.text()),
                    Output::Json => println!("{}", row.json()),
                    Output::Quiet => {}
                }
                rows.push(row);
            }
        }
    }
    if output == Output::Human {
        let said: Vec<f64> = rows.iter().filter_map(Row::error).collect();
        let good = said.iter().filter(|error| error.abs() <= GOOD).count();
        println!("{good} of {} predictions within 10 %; silent on {}", said.len(), rows.len() - said.len());
    }
    Ok(Exit::Done)
}

fn chosen(args: &CapacityBenchArgs) -> Result<Vec<Scene>> {
    let Some(only) = &args.only else { return Ok(SCENES.to_vec()) };
    let named = |name: &str| SCENES.iter().find(|scene| scene.name == name).copied();
    let missing = |name: &str| {
        let names: Vec<_> = SCENES.iter().map(|scene| scene.name).collect();
        bad_usage(format!("--only: there is no {name}, only {}", names.join(", ")))
    };
    only.split(',').map(|name| named(name).ok_or_else(|| missing(name))).collect()
}

/// One question, its answer, and the truth.
struct Row {
    scene: Scene,
    workers: usize,
    said: Result<Prediction, Silence>,
    measured: f64,
    /// By which share naps of a millisecond were too long while it was seen or measured, whichever was worse.
    late: f64,
}

fn back_test(scene: &Scene, args: &CapacityBenchArgs, clock: SystemClock) -> Result<Vec<Row>> {
    let (observations, late) = calmly(args.tries, || ramp(scene, args, clock))?;
    let seen = seen(&observations, scene.cores()?, scene.lease);
    if args.verbose {
        eprintln!("{} (naps {:.0} % late): {seen:#?}", scene.name, 100.0 * late);
    }
    let oracle = Oracle::of(&seen);
    let ask = |times: usize| -> Result<Row> {
        let nodes = scene.seen * times;
        let workers = nodes * scene.workers as usize;
        let said = oracle.clone().and_then(|oracle| oracle.at(workers as f64));
        let (measured, then_late) = calmly(args.tries, || steady(scene, nodes, args, clock))?;
        Ok(Row { scene: *scene, workers, said, measured, late: late.max(then_late) })
    };
    TIMES.into_iter().map(ask).collect()
}

/// What is seen while nodes join one after the other and then leave again: so each number of workers is there twice, and
/// a disk that gets slower meanwhile is not taken for a cost of workers. With few nodes again, until there was enough to see.
fn ramp(scene: &Scene, args: &CapacityBenchArgs, clock: SystemClock) -> Result<Vec<Observation>> {
    let mut fleet = Fleet::new(*scene, clock)?;
    let step = || std::thread::sleep(Duration::from_millis(args.step_ms));
    fleet.add()?;
    step();
    for _ in 0..STEPS_MIN.div_ceil(2 * scene.seen) {
        for _ in 1..scene.seen {
            fleet.add()?;
            step();
        }
        for _ in 1..scene.seen {
            fleet.remove()?;
            step();
        }
    }
    fleet.end()
}

/// Tasks per second of so many nodes.
fn steady(scene: &Scene, nodes: usize, args: &CapacityBenchArgs, clock: SystemClock) -> Result<f64> {
    let mut fleet = Fleet::new(*scene, clock)?;
    for _ in 0..nodes {
        fleet.add()?;
    }
    std::thread::sleep(SETTLE);
    let measured = fleet.rate(Duration::from_millis(args.measure_ms));
    fleet.end()?;
    Ok(measured)
}

impl Row {
    /// By which share the prediction is off, if there was one.
    fn error(&self) -> Option<f64> {
        self.said.as_ref().ok().map(|said| said.rate / self.measured - 1.0)
    }

    fn text(&self) -> String {
        let begin = format!(
            "{:<12} seen 1-{:<3} at {:>3} workers, naps {:>3.0} % late: measured {:>6.0}",
            self.scene.name,
            self.scene.seen * self.scene.workers as usize,
            self.workers,
            100.0 * self.late,
            self.measured
        );
        match &self.said {
            Ok(said) => format!(
                "{begin}, predicted {:>6.0} ({:.0}-{:.0}), {:+.1} %, limit {:?}",
                said.rate,
                said.low,
                said.high,
                100.0 * self.error().unwrap_or(0.0),
                said.limit
            ),
            Err(silence) => format!("{begin}, silent: {silence}"),
        }
    }

    fn json(&self) -> Value {
        let said = self.said.as_ref().ok();
        json!({
            "scene": self.scene.name,
            "what": self.scene.shown,
            "seen": self.scene.seen * self.scene.workers as usize,
            "workers": self.workers,
            "naps_late": self.late,
            "measured": self.measured,
            "predicted": said.map(|said| said.rate),
            "low": said.map(|said| said.low),
            "high": said.map(|said| said.high),
            "error": self.error(),
            "silence": self.said.as_ref().err().map(Silence::to_string),
        })
    }
}
