//! The handler that runs commands.
//!
//! `recipe.rs` is what a job records of its command; `line.rs` makes one task's command line of it; `runner.rs`
//! runs it; what it prints goes through `delivery.rs` to `outlet.rs` (the terminal, in order if asked for, by
//! `order.rs`) and `results.rs` (a directory, durably).

mod delivery;
mod line;
mod order;
mod outlet;
mod recipe;
mod results;
mod runner;

pub(crate) use delivery::Delivery;
pub use line::Line;
pub use outlet::{Broken, Outlet};
pub use recipe::{KIND, Keep, Limits, Recipe, Text};
pub use runner::Commands;
pub(crate) use runner::{SCARCE_NS, SCARCE_PAUSE, TERM_NS, is_scarce, name_of};
