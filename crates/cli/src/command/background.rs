//! Commands that nobody watches: `divvy submit`.
//!
//! They are a kind of their own because a background worker may run these and no others: what a job of `divvy run`
//! prints belongs on the terminal, or into the pipe, that started it.

use super::Commands;
use divvy_core::JobId;
use divvy_engine::{Chunk, Handler, Order, Runner};
use divvy_store::JobSpec;
use std::sync::Arc;

/// The kind of handler, as jobs name it. Its jobs are logged.
pub const BACKGROUND_KIND: &str = "command in background";

/// The handler.
pub struct Background(Commands);

impl Background {
    /// Runs commands like this handler.
    pub fn new(commands: Commands) -> Background {
        Background(commands)
    }
}

impl Handler for Background {
    fn kind(&self) -> &str {
        BACKGROUND_KIND
    }

    /// A job that cannot run here fails, task by task. The node goes on: it has other jobs, and nobody sees its last words.
    fn open(&self, job: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        Ok(self.0.open(job, spec).unwrap_or_else(|why| Arc::new(Unable(why))))
    }
}

/// Fails every task with the same words.
struct Unable(String);

impl Runner for Unable {
    fn order(&self) -> Order {
        Order::InOrder
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let range = chunk.range();
        (range.lo..range.hi).for_each(|seq| chunk.failed(seq, self.0.clone()));
    }
}
