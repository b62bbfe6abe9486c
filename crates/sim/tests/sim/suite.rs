//! The conformance suite on the model: green on the correct one, red on each with a bug.

use divvy_sim::model::{Bug, Bugs, Model, ModelStore};
use divvy_store::{Store, conformance};

fn fresh(bugs: Bugs) -> impl Fn() -> Box<dyn Store> {
    move || Box::new(ModelStore::new(Model::new(bugs)))
}

#[test]
fn the_model_conforms() {
    conformance::run(&fresh(Bugs::NONE));
}

/// The walks that [`super::differential`] takes with both, and more of them.
#[test]
fn the_model_takes_random_walks() {
    for seed in 0..3 * super::differential::seeds() {
        println!("seed {seed}");
        conformance::random::walk(&*fresh(Bugs::NONE)(), seed, 300);
    }
}

/// What only a store that forgets can show: the simulator has to find these.
const FOUND_BY_SIMULATION_ONLY: &[Bug] = &[Bug::AckBeforeSync];

#[test]
fn the_suite_finds_every_planted_bug() {
    for bug in Bug::ALL {
        let failures = conformance::failures(&fresh(Bugs::only(*bug)));
        println!("{bug:?}: {} cases: {failures:?}", failures.len());
        let expected = !FOUND_BY_SIMULATION_ONLY.contains(bug);
        assert_eq!(!failures.is_empty(), expected, "{bug:?}: {failures:?}");
    }
}
