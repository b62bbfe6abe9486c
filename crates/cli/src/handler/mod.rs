//! The handler that keeps a process: one for each worker, fed with tasks as lines of JSON. The protocol is on the page
//! `docs/handlers.md`.
//!
//! | file | idea |
//! |---|---|
//! | `task_line.rs` | a task, as it is told |
//! | `answer.rs`, `answer_fast.rs` | what it may answer |
//! | `hands.rs` | which tasks it has, and who is to blame when it ends |
//! | `talk.rs` | the process, and what is on its way to it and from it |
//! | `round.rs`, `hear.rs`, `loss.rs` | a chunk's tasks, sent; what is said of them; what a process' end means |
//! | `beginning.rs` | what of a process' first answer was its start |
//! | `runner.rs` | a job's processes, from the first task to the last |
//!
//! What a job records is the recipe of a command (`command/recipe.rs`), and outputs go the same way as a command's
//! (`command/delivery.rs`).

mod answer;
mod answer_fast;
mod beginning;
mod hands;
mod hear;
mod loss;
mod round;
mod runner;
mod talk;
mod task_line;

pub use runner::{Handlers, KIND};

use crate::lang::spelling::Spelling;
use crate::lang::template::Template;
use crate::lang::words;

/// Between SIGTERM and SIGKILL for a process that is ended.
const TERM_NS: u64 = 2_000_000_000;

/// The words of a handler's command. It has one process for many tasks, so no word may depend on a task.
///
/// # Errors
/// A sentence for people.
pub fn words(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let words = words::split(text, &Spelling::default()).map_err(|e| e.to_string())?;
    if words.is_empty() {
        return Err("it is empty: say what to start, as in --handler './worker.py'".into());
    }
    if Template::new(&words, &Spelling::default(), false).map_err(|e| e.to_string())?.uses_task() {
        return Err(
            "a handler reads its tasks from stdin; only {%}, its slot, can be put into its command".into()
        );
    }
    Ok(words)
}
