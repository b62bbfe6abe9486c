//! The store under test: the model, in some seeds with the real SQLite beside it.

use crate::model::{Bugs, Event, Model};
use crate::twin::Twin;
use divvy_core::{JobId, Millis, NodeId, Range};
use divvy_store::job::Selection;
use divvy_store::{Block, Dead, Exchange, Expired, NewJob, NodeInfo, Reply, Result, Store};

/// A store that the world owns.
pub(crate) enum Backend {
    Model(Model),
    Twin(Twin),
}

impl Backend {
    pub(crate) fn model(bugs: Bugs) -> Backend {
        let mut model = Model::new(bugs);
        model.record_events();
        Backend::Model(model)
    }

    /// The model beside SQLite in memory.
    pub(crate) fn twin() -> Backend {
        let mut model = Model::new(Bugs::NONE);
        model.record_events();
        let sqlite = divvy_store::sqlite::Sqlite::in_memory().expect("a store in memory opens");
        Backend::Twin(Twin::new(model, Box::new(sqlite)))
    }

    /// The state as it is now. `None` if this store cannot be put back.
    pub(crate) fn snapshot(&self) -> Option<Backend> {
        match self {
            Backend::Model(model) => Some(Backend::Model(model.clone())),
            Backend::Twin(_) => None,
        }
    }

    /// The first invariant of the store's state that is broken, and the events since the last time.
    pub(crate) fn look(&mut self) -> (std::result::Result<(), String>, Vec<Event>) {
        match self {
            Backend::Model(model) => (model.soundness(), model.take_events()),
            Backend::Twin(twin) => {
                let mut model = twin.lock();
                (model.soundness(), model.take_events())
            }
        }
    }

    pub(crate) fn submit(&mut self, now: Millis, job: &NewJob) -> Result<JobId> {
        match self {
            Backend::Model(model) => model.submit(now, job),
            Backend::Twin(twin) => twin.submit(now, job),
        }
    }

    pub(crate) fn append(&mut self, now: Millis, job: JobId, blocks: &[Block], close: bool) -> Result<Range> {
        match self {
            Backend::Model(model) => model.append(now, job, blocks, close),
            Backend::Twin(twin) => twin.append(now, job, blocks, close),
        }
    }

    pub(crate) fn register(&mut self, now: Millis, info: &NodeInfo) -> Result<NodeId> {
        match self {
            Backend::Model(model) => Ok(model.register(info)),
            Backend::Twin(twin) => twin.register(now, info),
        }
    }

    pub(crate) fn exchange(&mut self, now: Millis, node: NodeId, exchange: &Exchange) -> Result<Reply> {
        match self {
            Backend::Model(model) => model.exchange(now, node, exchange),
            Backend::Twin(twin) => twin.exchange(now, node, exchange),
        }
    }

    pub(crate) fn leave(&mut self, now: Millis, node: NodeId) -> Result<()> {
        match self {
            Backend::Model(model) => {
                model.leave(now, node);
                Ok(())
            }
            Backend::Twin(twin) => twin.leave(now, node),
        }
    }

    pub(crate) fn expire(&mut self, now: Millis, node: NodeId) -> Result<Expired> {
        match self {
            Backend::Model(model) => Ok(model.expire(now, node)),
            Backend::Twin(twin) => twin.expire(now, node),
        }
    }

    pub(crate) fn cancel(&mut self, now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64> {
        match self {
            Backend::Model(model) => model.cancel(now, job, tasks),
            Backend::Twin(twin) => twin.cancel(now, job, tasks),
        }
    }

    pub(crate) fn retry(&mut self, now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64> {
        match self {
            Backend::Model(model) => model.retry(job, tasks),
            Backend::Twin(twin) => twin.retry(now, job, tasks),
        }
    }

    pub(crate) fn pause(&mut self, now: Millis, job: JobId, paused: bool) -> Result<()> {
        match self {
            Backend::Model(model) => model.pause(job, paused),
            Backend::Twin(twin) => twin.pause(now, job, paused),
        }
    }

    pub(crate) fn forget(&mut self, job: JobId) -> Result<()> {
        match self {
            Backend::Model(model) => model.forget(job),
            Backend::Twin(twin) => twin.forget(job),
        }
    }

    pub(crate) fn sweep(&mut self, now: Millis) -> Result<Vec<JobId>> {
        match self {
            Backend::Model(model) => Ok(model.sweep(now)),
            Backend::Twin(twin) => twin.sweep(now),
        }
    }

    pub(crate) fn dead(&self, job: JobId) -> Result<Vec<Dead>> {
        match self {
            Backend::Model(model) => model.dead(job, 0, usize::MAX),
            Backend::Twin(twin) => twin.dead(job, 0, i64::MAX as usize),
        }
    }
}
