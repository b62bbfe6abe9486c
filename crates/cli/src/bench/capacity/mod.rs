//! `divvy bench capacity`: what the capacity oracle predicts, against what is measured.

mod fleet;
mod scene;
mod section;

use crate::args::{CapacityBenchArgs, Output};
use crate::exit::Exit;
use anyhow::Result;
use divvy_core::toll::Sum;
use divvy_engine::SystemClock;
use fleet::Fleet;
use scene::SCENES;
use serde_json::json;
use std::time::Duration;

pub fn capacity(args: &CapacityBenchArgs, _output: Output, clock: SystemClock) -> Result<Exit> {
    for scene in SCENES.iter().filter(|s| args.only.as_ref().is_none_or(|only| only.split(',').any(|o| o == s.name))) {
        let mut fleet = Fleet::new(*scene, clock)?;
        let mut rates = vec![];
        for _ in 0..scene.seen {
            fleet.add()?;
            rates.push(fleet.rate(Duration::from_millis(args.step_ms)));
        }
        let toll = fleet.end()?;
        let sums = [Sum::Trips, Sum::Workers, Sum::Total, Sum::Gap, Sum::Told, Sum::Work, Sum::WorkSq, Sum::Commit, Sum::CommitSq, Sum::Group, Sum::Tasks, Sum::Ran, Sum::Run, Sum::RunSq, Sum::Cpu];
        let names = ["trips","workers","total","gap","told","work","work_sq","commit","commit_sq","group","tasks","ran","run","run_sq","cpu"];
        let level = |l: &divvy_core::toll::Level| -> serde_json::Value {
            names.iter().zip(sums).map(|(n, s)| (n.to_string(), json!(l.get(s)))).collect::<serde_json::Map<_,_>>().into()
        };
        let seen: Vec<_> = toll.levels().map(level).collect();
        let mut measured = vec![];
        for times in [1, 2, 4, 8] {
            let mut fleet = Fleet::new(*scene, clock)?;
            for _ in 0..scene.seen * times {
                fleet.add()?;
            }
            std::thread::sleep(Duration::from_millis(800));
            let x = fleet.rate(Duration::from_millis(args.measure_ms));
            let toll = fleet.end()?;
            let levels: Vec<_> = toll.levels().map(level).collect();
            measured.push(json!({"nodes": scene.seen*times, "x": x, "levels": levels}));
        }
        println!("{}", json!({"scene": scene.name, "shown": scene.shown, "w": scene.workers, "b": scene.lease, "rates": rates, "seen": seen, "measured": measured}));
    }
    Ok(Exit::Done)
}
