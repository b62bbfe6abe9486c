//! Drives divvy's decisions through seeded faults in virtual time and checks its promises after every step.
//!
//! [`model`] is the store that the simulated nodes talk to, and the meaning of the store port in code. [`twin`]
//! runs it beside a real adapter. [`world`] is everything else: nodes, workers, network, disk, clients, and the books
//! that every answer is held against. [`runner`] runs many seeds of it. [`planted`] is the proof that it finds what it
//! is for: bugs on purpose, each with the number of seeds in which it has to be found.
//!
//! ```text
//! divvy-sim --seeds 100000                        a night's worth in minutes
//! divvy-sim --from 4711 --seeds 1 --trace         one history, to read
//! divvy-sim bugs                                  hunt every planted bug
//! divvy-sim policy                                what the dividing costs, without faults
//! divvy-sim packing                               what the choice of the next task costs where room is short
//! divvy-sim capacity                              what the capacity oracle says, against what is so
//! ```
#![forbid(unsafe_code)]

pub mod capacity;
pub mod model;
pub mod packing;
pub mod planted;
pub mod runner;
pub mod twin;
pub mod world;
