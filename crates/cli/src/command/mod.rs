//! The handler that runs commands.
//!
//! `recipe.rs` is what a job records of its command, `record.rs` what of its tasks, `step.rs` where each task has a
//! command of its own. `background.rs` is the kind of jobs that nobody watches. `runner.rs` takes a task from start to
//! outcome:
//!
//! | | |
//! |---|---|
//! | may it start | `hold.rs`: a delay, load, memory |
//! | what is run | `line.rs`: one task's command line; `program.rs`: where its program is; `variables.rs`: its environment; `typed.rs`: as one would type it |
//! | while it runs | `attempt.rs`, with `timeout.rs`, `ending.rs` (by which signals), `lines.rs` (what it prints at once) |
//! | where its output goes | `delivery.rs`, for handlers that stay as well: `outlet.rs`: the terminal, in order by `order.rs`, tagged by `tag.rs`; `results.rs`: files; `table.rs`: rows; `log.rs`: for `divvy logs` |
//! | what is told of it | `joblog.rs`; `halt.rs`: whether it was the last |
//! | from one lease to the next | `memory.rs` |

mod attempt;
mod background;
mod delivery;
pub mod ending;
mod halt;
pub mod hold;
pub mod joblog;
mod line;
mod lines;
mod log;
mod memory;
mod order;
mod outlet;
mod program;
mod recipe;
mod record;
pub mod results;
mod runner;
mod step;
mod table;
mod tag;
mod timeout;
mod typed;
mod variables;

pub(crate) use attempt::{SCARCE_NS, SCARCE_PAUSE_NS, is_scarce, name_of};
pub use background::{BACKGROUND_HANDLER_KIND, BACKGROUND_KIND, Background, is_background};
pub use delivery::{Delivery, Ended, Ways};
pub use halt::{Enough, Halt, Halted, share};
pub use hold::Hold;
pub use line::Line;
pub use log::{Frame, LogReader, Logs};
pub use outlet::{Broken, Outlet, Printout};
pub(crate) use program::not_started;
pub use recipe::{KIND, Keep, Limits, Place, Printing, Recipe, Separator, Show, Stream, Text};
pub use record::{Block, Content, Record, encode_fields, encode_part};
pub use runner::{Commands, Halting};
pub use step::Step;
pub use timeout::Timeout;
pub use typed::typed;
