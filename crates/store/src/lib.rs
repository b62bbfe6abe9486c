//! The store port: where jobs live, and the only place where nodes meet.
//!
//! A store keeps for each job an append-only log of task records and says who may run which part of it. It costs
//! per *range*: one lease, one report, one row for millions of tasks. What is done is never written down; it is
//! the complement of what is not: below the head, in no lease, not waiting, not blocked, not dead, not canceled.
//!
//! [`Store`] is the port, with the whole protocol in its documentation. [`sqlite`] is the adapter that needs no
//! server. [`conformance`] is the suite that every adapter has to pass, unchanged.
#![forbid(unsafe_code)]

pub mod block;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod graph;
pub mod job;
pub mod observation;
mod port;
pub mod rules;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use block::{Block, Records};
pub use error::{Error, Result};
pub use graph::{Graph, GraphError};
pub use job::{
    Array, BLOCKERS_SHOWN, Class, Counts, Dead, Input, JobInfo, JobSpec, Needs, NewJob, Policy, Progress,
    TaskInfo, TaskState,
};
pub use observation::{Observation, Spread};
pub use port::{
    Claim, ClassView, Exchange, Expired, Failed, Held, Holding, JobView, Lease, NodeInfo, Reply, Report,
    Store, Want,
};
