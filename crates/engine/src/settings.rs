//! What a node is started with, and how it ended.

use crate::meter::Usage;
use divvy_decide::{Config, End};

/// What a node is started with. Times in nanoseconds.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The decisions' own bounds.
    pub decide: Config,
    /// A name for people.
    pub name: String,
    /// How often other nodes' sessions are looked at.
    pub liveness_every_ns: u64,
    /// How often the store is looked at for changes while there is no work here.
    pub changes_every_ns: u64,
    /// How long running tasks may go on after [`StopLevel::Drain`](crate::StopLevel::Drain).
    pub grace_ns: u64,
    /// How long a job's runner is kept while the node has no lease of the job: what it holds, such as handlers'
    /// processes, is dear to start.
    pub runner_idle_ns: u64,
    /// Whether to keep an account of the workers' time. It costs next to nothing; what that is can only be measured
    /// beside a run without.
    pub account: bool,
    /// How often what was seen is told to the store.
    pub observe_every_ns: u64,
}

impl Settings {
    /// The defaults around these decisions.
    #[must_use]
    pub fn new(decide: Config) -> Settings {
        Settings {
            decide,
            name: "divvy".into(),
            liveness_every_ns: 200_000_000,
            changes_every_ns: 10_000_000,
            grace_ns: 10_000_000_000,
            runner_idle_ns: 10_000_000_000,
            account: true,
            observe_every_ns: 1_000_000_000,
        }
    }
}

/// How a node ended.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Why.
    pub end: End,
    /// How its workers spent their time.
    pub usage: Usage,
}
