//! Records in order: sorted runs by key prefix, and their merge.
//!
//! The order is that of the keys' bytes; equal keys stay in the order of the input. A run holds what came before the next
//! run's, so a merge that breaks ties by the runs' order gives the same bytes however the input was cut.
//!
//! | file | idea |
//! |---|---|
//! | `entry.rs` | sixteen bytes for a record, and how they are sorted |
//! | `index.rs` | records that lie in a buffer of the caller's, such as a split that was read: nothing is copied |
//! | `sorter.rs` | records that are copied into an arena, up to a budget |
//! | `tree.rs` | which of many runs has the smallest key: a tree of losers |
//! | `merge.rs` | the records of one partition of many runs |
//! | `plan.rs` | too many runs for the memory: merging some of them first |
//! | `groups.rs` | the values of one key after the other |

mod entry;
mod groups;
mod index;
mod merge;
mod plan;
mod sorter;
#[cfg(test)]
mod tests;
mod tree;

pub use groups::{Group, Groups};
pub use index::Index;
pub use merge::{Input, Merge, Merger};
pub use plan::Spare;
pub use sorter::{Pushed, Sorter};
