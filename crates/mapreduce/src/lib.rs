//! MapReduce on divvy's engine: two functions, and a memory budget that is kept.
//!
//! | folder or file | idea |
//! |---|---|
//! | `input/` | what is read: files, cut into splits, read as whole records |
//! | `manifest.rs` | which run files count, and which splits they cover |
//! | `partition.rs` | which part of the output a key belongs to: ranges of keys, by sampled split points |
//! | `table/` | equal keys become one in memory: a hash table of byte strings |
//! | `plan.rs` | a job, as all of its nodes know it |
//! | `merging.rs` | what the runs have of a part, in order |
//! | `planning.rs` | a look at the inputs, to divide the output |
//! | `program.rs` | the seam between phases and programs |
//! | `phase/` | the engine's jobs: map, reduce, finish |
//! | `skew.rs` | how evenly the work was divided, told at the end |
//! | `ready/` | programs that are ready-made |
//! | `sort/` | records in order: sorted runs by key prefix, and their merge |
//! | `spill/` | run files: records by partition, compressed and checksummed |
//! | `typed/` | programs of the user's own, in Rust |
//! | `stream/` | programs in any language, as processes between pipes |
#![forbid(unsafe_code)]

pub mod error;
pub mod input;
pub mod manifest;
mod merging;
mod part;
pub mod partition;
pub mod phase;
pub mod plan;
pub mod planning;
pub mod program;
pub mod ready;
pub mod skew;
pub mod sort;
pub mod spill;
pub mod stream;
pub mod table;
#[cfg(feature = "typed")]
pub mod typed;

pub use error::{Error, Result};
pub use part::part_name;
pub use partition::Splitters;
