//! Whether parking a few workers at random tells what each adds to a round trip, where ordinary work does not.
//!
//! While workers come and go for the same reason for which the store is busy with others' work, a regression takes that
//! for the workers' doing. Who parks some of them for a block, in an order drawn by chance, and compares blocks side by
//! side, sees the workers' part alone: chance has no reasons.

use super::hall::{Hall, Plan, Trip};
use super::{SCENES, Scene};
use divvy_model::capacity::Oracle;
use divvy_store::observation::seen;
use std::fmt::Write;

/// Workers.
const NODES: usize = 100;
const BLOCK_NS: u64 = 1_500_000_000;
/// At the beginning of a block those that are parked are still leaving, and those before them coming.
const SETTLES_NS: u64 = 400_000_000;

/// Percent parked, seconds for which others' load stays as it is, minutes.
const PARKED: [usize; 4] = [2, 5, 10, 25];
const OUTSIDE_S: [u64; 3] = [2, 10, 60];
const MINUTES: [u64; 3] = [1, 5, 20];

/// What a worker adds to a round trip, as shares of what ordinary work makes it seem: of a store where it does add
/// something, and of one where it does not.
#[must_use]
pub fn table(seed: u64) -> String {
    let scenes = [named("outside-growing"), named("outside-fixed")];
    let [growing, fixed] = scenes.map(|scene| seems(scene, seed));
    let truth = scenes[0].sized(NODES).hold.each * 1e3 * (1.0 + scenes[0].hold.outside / 2.0);
    let mut out = format!(
        "each worker adds {truth:.0} ns, and seems to add {growing:.0} ns: {:.2} times as much;\n\
         where it adds nothing it seems to add {fixed:.0} ns\n\n\
         parked  others change  minutes   growing: of what is so   fixed: of what it seemed   throughput lost\n",
        growing / truth
    );
    for fewer in PARKED {
        for (outside_s, minutes) in OUTSIDE_S.into_iter().flat_map(|s| MINUTES.map(|minutes| (s, minutes))) {
            let told = |scene, over: f64| {
                let (mean, error) = growth(scene, fewer * NODES / 100, outside_s, minutes, seed);
                format!("{:>6.2} +- {:.2}", mean / over, 1.96 * error / over)
            };
            let (growing, fixed) = (told(scenes[0], truth), told(scenes[1], fixed));
            let lost = fewer as f64 / 2.0;
            let _ = writeln!(
                out,
                "{fewer:>4} %  every {outside_s:>2} s       {minutes:>4}      {growing:<24} {fixed:<24}   {lost:.1} %"
            );
        }
    }
    out
}

fn named(name: &str) -> &'static Scene {
    SCENES.iter().find(|scene| scene.name == name).expect("there is such a scene")
}

/// Nanoseconds that a worker seems to add, by ordinary work.
fn seems(scene: &Scene, seed: u64) -> f64 {
    let mut hall = Hall::new(scene, NODES, Plan::Seen(NODES), seed);
    hall.run_until(hall.lasts_ns());
    let oracle = Oracle::of(&seen(&hall.observations(), 0, scene.lease));
    oracle.ok().and_then(|oracle| oracle.growth()).unwrap_or(0.0) * 1e9
}

/// Nanoseconds that a worker adds, by the median over pairs of blocks, and its standard error.
fn growth(scene: &Scene, fewer: usize, outside_s: u64, minutes: u64, seed: u64) -> (f64, f64) {
    let outside_ns = outside_s * 1_000_000_000;
    let plan = Plan::Parked { nodes: NODES, fewer, block_ns: BLOCK_NS, outside_ns };
    let mut hall = Hall::new(scene, NODES, plan, seed);
    hall.watched = Some(Vec::new());
    hall.run_until(minutes * 60_000_000_000);
    let trips = hall.watched.unwrap_or_default();
    let mut pairs: Vec<f64> =
        trips.chunk_by(|a, b| a.0 / (2 * BLOCK_NS) == b.0 / (2 * BLOCK_NS)).filter_map(difference).collect();
    pairs.sort_by(f64::total_cmp);
    let median = pairs[pairs.len() / 2];
    let mut off: Vec<f64> = pairs.iter().map(|pair| (pair - median).abs()).collect();
    off.sort_by(f64::total_cmp);
    // Of a median, from the middle of the distances from it, as if most of them were normal.
    (median, 1.253 * 1.483 * off[off.len() / 2] / (pairs.len() as f64).sqrt())
}

/// What a worker adds, by a pair of blocks.
fn difference(pair: &[Trip]) -> Option<f64> {
    let block = |nth: u64| {
        let is_in = |trip: &&Trip| trip.0 / BLOCK_NS % 2 == nth && trip.0 % BLOCK_NS > SETTLES_NS;
        let trips: Vec<&Trip> = pair.iter().filter(is_in).collect();
        let mean =
            |of: fn(&Trip) -> u64| trips.iter().map(|trip| of(trip) as f64).sum::<f64>() / trips.len() as f64;
        (mean(|trip| trip.1), mean(|trip| trip.2))
    };
    let ((n, hold), (m, held)) = (block(0), block(1));
    Some((hold - held) / (n - m)).filter(|growth| growth.is_finite())
}
