//! The handler that runs commands.
//!
//! `recipe.rs` is what a job records of its command, `record.rs` what of its tasks; `line.rs` makes one task's command
//! line of both; `runner.rs` runs it; what it prints goes through `outlet.rs` (the terminal, in order if asked for, by `order.rs`) and
//! `results.rs` (a directory, durably).

mod line;
mod order;
mod outlet;
mod recipe;
mod record;
mod results;
mod runner;

pub use line::Line;
pub use outlet::{Broken, Outlet};
pub use recipe::{KIND, Keep, Limits, Recipe, Text};
pub use record::{Block, Content, Record, encode_fields, encode_part};
pub use runner::Commands;
