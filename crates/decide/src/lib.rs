//! What a node does, as plain data and functions: events in, actions out.
//!
//! [`Node`] decides when to claim and how much, when to report, when to give work back to idle nodes, and what a
//! lost lease or an unanswered exchange means. Time and randomness are arguments, so the code that runs in
//! production is the code that the simulator runs through a hundred thousand seeds of faults.
//!
//! Deliberately absent: a clock, a random source, I/O, threads, and knowledge of single tasks beyond the
//! intervals that are unfinished. The engine performs the actions with real parts, the simulator in virtual time.
#![forbid(unsafe_code)]

pub mod backoff;
mod config;
mod cost;
mod event;
mod lent;
mod node;
pub mod pack;
pub mod size;
mod tuned;

#[cfg(feature = "planted")]
pub use config::Bug;
pub use config::{Config, Until};
pub use event::{Action, End, Failure, Refusal, Tick, Worked};
pub use node::Node;
pub use tuned::{Bound, Knob, Tuned, Why};
