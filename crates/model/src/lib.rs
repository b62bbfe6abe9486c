//! Scalability laws and queues, and fits of them that claim no more than the measurements show.
//!
//! | question | answer |
//! |---|---|
//! | what do Amdahl, Gustafson and the USL say about n workers? | [`amdahl`], [`usl`], [`law`] |
//! | what do *my measurements* say, and is there a peak? | [`mod@fit`] |
//! | how long does work wait, how many servers does it take? | [`queue`] |
//! | what would n workers get done that queue for cores, locks and a store? | [`mva`] |
//! | what would more workers get done, going by ordinary work? | [`capacity`] |
//! | how large should a batch be, what does a wrong one cost? | [`batch`] |
//! | are ten big machines cheaper than a thousand small ones? | [`machines`] |
//! | did a herd arrive, and what would jitter do? | [`bursts`] |
//! | how much of a dashboard's figure is chance? | [`floors`] |
//! | how many pairs are there among n workers? | [`paths`] |
//!
//! The crate is pure: no clock, no I/O, no dependencies; randomness is seeded by the caller. Times are seconds and rates
//! are per second unless a name says otherwise.
#![forbid(unsafe_code)]

pub mod amdahl;
pub mod batch;
pub mod bursts;
pub mod capacity;
mod error;
pub mod fit;
pub mod floors;
pub mod law;
pub mod machines;
mod median;
pub mod mva;
pub mod paths;
mod poisson;
pub mod queue;
mod repairman;
mod rng;
pub mod usl;

pub use amdahl::{Amdahl, Gustafson};
pub use error::Error;
pub use fit::{Fit, fit};
pub use law::{Curve, Law};
pub use median::median;
pub use usl::Usl;
