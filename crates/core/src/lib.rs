//! The words everything else is written in: ids, ranges of tasks, interval sets, demands, checksums, time,
//! randomness, histograms, the account of worker time and the toll of round trips.
//!
//! This crate owns plain data and the arithmetic on it. It reads no clock, draws no randomness and does no
//! I/O: [`clock::Clock`] and [`rng::Rng`] are what callers pass in.
#![forbid(unsafe_code)]

pub mod account;
pub mod checksum;
pub mod clock;
pub mod codec;
pub mod demand;
pub mod histogram;
pub mod id;
pub mod intervals;
pub mod range;
pub mod rng;
pub mod toll;

pub use account::{Account, State};
pub use clock::{Clock, Millis};
pub use demand::Demand;
pub use histogram::Histogram;
pub use id::{Fence, JobId, NodeId, Seq};
pub use intervals::Intervals;
pub use range::Range;
pub use rng::Rng;
pub use toll::{Cost, Toll};
