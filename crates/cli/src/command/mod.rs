//! The handler that runs commands.
//!
//! `recipe.rs` is what a job records of its command; `line.rs` makes one task's command line of it; `runner.rs`
//! runs it (`step.rs`, where each task has a command of its own); what it prints goes through `outlet.rs` (the terminal, in order if asked for, by `order.rs`) and
//! `results.rs` (a directory, durably) and `log.rs` (for `divvy logs`). `background.rs` is the kind of jobs that nobody
//! watches.

mod background;
mod line;
mod log;
mod order;
mod outlet;
mod recipe;
mod results;
mod runner;
mod step;

pub use background::{BACKGROUND_KIND, Background};
pub use line::Line;
pub use log::{Frame, LogReader, Logs};
pub use outlet::{Broken, Outlet};
pub use recipe::{KIND, Keep, Limits, Recipe, Text};
pub use runner::Commands;
pub use step::Step;
