//! Drives divvy's decisions through seeded faults in virtual time and checks its promises after every step.
//!
//! [`model`] is the store that the simulated nodes talk to, and the meaning of the store port in code. [`twin`]
//! runs it beside a real adapter.
#![forbid(unsafe_code)]

pub mod model;
pub mod planted;
pub mod runner;
pub mod twin;
pub mod world;
