//! The stand-in for the store, and the oracle's bounds on systems that it claims to know.

use super::grants::{Grants, JOB, TASKS};
use super::hall::{Hall, Plan};
use super::scene::Crowd;
use super::*;
use crate::model::ModelStore;
use divvy_core::NodeId;
use divvy_store::{Array, Exchange, Input, JobSpec, NewJob, NodeInfo, Policy, Reply, Store};

fn named(name: &str) -> &'static Scene {
    SCENES.iter().find(|scene| scene.name == name).expect("there is such a scene")
}

struct OfModel(ModelStore);

impl OfModel {
    fn new(range_max: u64) -> OfModel {
        let store = ModelStore::default();
        let policy = Policy { range_max, ..Policy::default() };
        let spec = JobSpec { array: Some(Array { first: 1, step: 1 }), policy, ..JobSpec::new("a") };
        let job = store.submit(0, &NewJob { spec, input: Input::Array(TASKS), paused: false });
        assert_eq!(job.expect("a store in memory"), JOB);
        OfModel(store)
    }
}

impl Grants for OfModel {
    fn join(&mut self, workers: u32) -> NodeId {
        self.0.register(0, &NodeInfo { name: String::new(), pid: 1, workers }).expect("a store in memory")
    }

    fn leave(&mut self, node: NodeId) {
        self.0.leave(0, node).expect("a store in memory");
    }

    fn exchange(&mut self, now_ms: u64, node: NodeId, exchange: &Exchange) -> Reply {
        self.0.exchange(now_ms, node, exchange).expect("the session lasts")
    }
}

/// Nodes come, go, give back what they have not started, and lease by tens and by as many as they like.
#[test]
fn the_model_store_would_answer_the_same() {
    for name in ["swing-growing", "fixed-nodes", "free"] {
        let scene = Scene { crowd: Crowd::Swings, ..*named(name) };
        let plan = Plan::Seen(20 / scene.workers);
        let told = |store: Option<Box<dyn Grants>>| {
            let mut hall = match store {
                Some(store) => Hall::on(store, &scene, 20, plan, 1),
                None => Hall::new(&scene, 20, plan, 1),
            };
            hall.run_until(10_000_000_000);
            (hall.ended, hall.observations())
        };
        let (mine, models) = (told(None), told(Some(Box::new(OfModel::new(scene.lease)))));
        assert!(mine.0 > 1_000 && mine.1.len() > 20, "{name}: {} tasks", mine.0);
        assert_eq!(mine, models, "{name}");
    }
}

/// Scenes of which every prediction has to be right, and how many there are at least, of three.
const KNOWN: [(&str, usize); 6] =
    [("neither", 1), ("fixed", 1), ("fixed-full", 1), ("growing", 3), ("growing-full", 3), ("group", 1)];

/// `divvy-sim capacity` does all scenes, and up to 10 000 workers.
#[test]
fn what_is_said_of_known_systems_is_right() {
    let few = Counted { warm_up: 3, each: 5, least: 2_000, long_ns: 0 };
    for (name, said_min) in KNOWN {
        let (rows, peak) = back_test(named(name), 10, 1, few);
        let errors: Vec<f64> = rows.iter().filter_map(Row::error).collect();
        assert!(errors.len() >= said_min, "{name}: {errors:?}");
        assert!(errors.iter().all(|error| error.abs() <= GOOD), "{name}: {errors:?}");
        assert!(peak.is_none() || name.starts_with("growing"), "{name} does not peak: {peak:?}");
    }
}

/// As many workers as the machine of a reader has not.
#[test]
fn eight_hundred_workers_are_foretold_by_a_hundred() {
    let few = Counted { warm_up: 3, each: 5, least: 2_000, long_ns: 0 };
    let (rows, peak) = back_test(named("growing-full"), 100, 1, few);
    let errors: Vec<f64> = rows.iter().map(|row| row.error().expect("it is said")).collect();
    assert!(errors.iter().all(|error| error.abs() <= GOOD), "{errors:?}");
    // n / 200 ms = 1 / (1 ms + 20 us n) at n = 78.
    let peak = peak.expect("it peaks").at.workers;
    assert!((70.0..90.0).contains(&peak), "{peak}");
}
