//! Seeds of the whole world: clean on the real code, found out on planted bugs, the same each time.

use divvy_sim::model::Bug;
use divvy_sim::planted::ALL;
use divvy_sim::runner::{Campaign, Summary, campaign, hunt};
use divvy_sim::world::fault::Fault;
use divvy_sim::world::policy::score;
use divvy_sim::world::work::Times;
use divvy_sim::world::{Options, Planted, run};
use std::sync::OnceLock;

/// More seeds: `cargo run --release -p divvy-sim -- --seeds 100000`.
fn some_seeds() -> &'static Summary {
    static DONE: OnceLock<Summary> = OnceLock::new();
    DONE.get_or_init(|| {
        let options = Options::default();
        campaign(&Campaign { from: 0, seeds: 200, threads: 2, options, progress: false })
    })
}

#[test]
fn every_promise_holds() {
    let summary = some_seeds();
    assert_eq!(summary.broken, None);
    assert!(summary.events_min >= 1_000, "{}", summary.events_min);
    assert_eq!(summary.twins, 2, "SQLite ran beside the model");
}

#[test]
fn each_fault_happens_in_a_tenth_of_the_seeds() {
    let summary = some_seeds();
    let rare = |fault: &&Fault| u64::from(summary.suffered.of(**fault)) * 10 < summary.seeds;
    assert_eq!(Fault::ALL.iter().find(rare), None);
}

#[test]
fn the_same_seed_is_the_same_history() {
    for seed in [0, 7, 100] {
        let (a, b) = (run(seed, &Options::default()), run(seed, &Options::default()));
        assert_eq!((a.hash, a.events, a.virtual_ns), (b.hash, b.events, b.virtual_ns));
        assert_ne!(a.hash, run(seed + 1, &Options::default()).hash);
    }
}

#[test]
fn every_planted_bug_is_found_in_time() {
    for entry in ALL {
        let found = hunt(entry.bug, entry.limit, 1_000);
        assert!(found.is_some(), "{} hides in {} seeds", entry.bug.name(), entry.limit);
    }
}

#[test]
fn every_bug_of_the_store_is_in_the_table() {
    let missing = Bug::ALL.iter().find(|bug| ALL.iter().all(|entry| entry.bug != Planted::Store(**bug)));
    assert_eq!(missing, None);
}

/// `divvy-sim policy` prints the whole table. The bound leaves out what no order of starts could save.
#[test]
fn dividing_costs_less_than_a_tenth() {
    for times in [Times::Uniform, Times::Exponential, Times::SlowEnd(0.01, 100.0)] {
        let score = score(times, 10e6, 20_000, 8, 4, 1);
        assert!(score.ratio < 1.1, "{times:?}: {score:?}");
    }
}
