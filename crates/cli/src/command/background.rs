//! Jobs that nobody watches: `divvy submit`.
//!
//! Their handlers are kinds of their own because a background worker may run these and no others: what a job of
//! `divvy run` prints belongs on the terminal, or into the pipe, that started it.

use divvy_core::JobId;
use divvy_engine::{Chunk, Handler, Order, Runner};
use divvy_store::JobSpec;
use std::sync::Arc;

/// The kind of handler, as jobs name it, for a command for each task. Its jobs are logged.
pub const BACKGROUND_KIND: &str = "command in background";
/// The same for a process that stays.
pub const BACKGROUND_HANDLER_KIND: &str = "handler in background";

/// Whether jobs of this kind are for background workers.
pub fn is_background(kind: &str) -> bool {
    [BACKGROUND_KIND, BACKGROUND_HANDLER_KIND].contains(&kind)
}

/// The handler.
pub struct Background {
    kind: &'static str,
    handler: Arc<dyn Handler>,
}

impl Background {
    /// Runs jobs of this kind like this handler.
    pub fn new(kind: &'static str, handler: Arc<dyn Handler>) -> Background {
        Background { kind, handler }
    }
}

impl Handler for Background {
    fn kind(&self) -> &str {
        self.kind
    }

    /// A job that cannot run here fails, task by task. The node goes on: it has other jobs, and nobody sees its last words.
    fn open(&self, job: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        Ok(self.handler.open(job, spec).unwrap_or_else(|why| Arc::new(Unable(why))))
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
