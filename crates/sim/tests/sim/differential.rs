//! The model and the real SQLite, doing the same and held against each other at every answer.

use divvy_sim::model::{Bug, Bugs, Model};
use divvy_sim::twin::Twin;
use divvy_store::sqlite::Sqlite;
use divvy_store::{Store, conformance};
use std::panic::catch_unwind;

fn twin(bugs: Bugs) -> Box<dyn Store> {
    let other = Sqlite::in_memory().expect("a store in memory");
    Box::new(Twin::new(Model::new(bugs), Box::new(other)))
}

/// More seeds: `DIVVY_SEEDS=10000 cargo test -p divvy-sim --release differential`.
pub(super) fn seeds() -> u64 {
    std::env::var("DIVVY_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

#[test]
fn both_pass_the_suite_with_equal_answers() {
    conformance::run(&|| twin(Bugs::NONE));
}

#[test]
fn both_take_the_same_random_walks() {
    for seed in 0..seeds() {
        println!("seed {seed}");
        conformance::random::walk(&*twin(Bugs::NONE), seed, 300);
    }
}

/// A twin that agreed with a broken model would compare nothing.
#[test]
fn a_difference_is_noticed() {
    let walk = |seed| conformance::random::walk(&*twin(Bugs::only(Bug::EighthsIgnored)), seed, 300);
    let differs = (0..10).any(|seed| catch_unwind(|| walk(seed)).is_err());
    assert!(differs);
}
