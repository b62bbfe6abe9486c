//! A model as a store.

use super::{Bugs, Model};
use divvy_core::{JobId, Millis, NodeId, Range, Seq};
use divvy_store::job::Selection;
use divvy_store::{
    Block, Dead, Error, Exchange, Expired, Holding, JobInfo, NewJob, NodeInfo, Observation, Records, Reply,
    Result, Store, TaskInfo,
};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

/// A [`Model`] behind a lock.
#[derive(Debug, Default)]
pub struct ModelStore(Mutex<Model>);

impl ModelStore {
    /// A store that continues with this state.
    #[must_use]
    pub fn new(model: Model) -> ModelStore {
        ModelStore(Mutex::new(model))
    }

    /// The model, locked.
    ///
    /// # Panics
    /// If an operation panicked before: its half-done state is not to be looked at.
    pub fn lock(&self) -> MutexGuard<'_, Model> {
        self.0.lock().expect("an operation of the model panicked")
    }
}

impl Store for ModelStore {
    fn submit(&self, now: Millis, job: &NewJob) -> Result<JobId> {
        self.lock().submit(now, job)
    }

    fn append(&self, now: Millis, job: JobId, blocks: &[Block], close: bool) -> Result<Range> {
        self.lock().append(now, job, blocks, close)
    }

    fn register(&self, _now: Millis, node: &NodeInfo) -> Result<NodeId> {
        Ok(self.lock().register(node))
    }

    fn exchange(&self, now: Millis, node: NodeId, exchange: &Exchange) -> Result<Reply> {
        self.lock().exchange(now, node, exchange)
    }

    fn leave(&self, now: Millis, node: NodeId) -> Result<()> {
        self.lock().leave(now, node);
        Ok(())
    }

    fn expire(&self, now: Millis, node: NodeId) -> Result<Expired> {
        Ok(self.lock().expire(now, node))
    }

    fn gone(&self) -> Result<Vec<NodeId>> {
        Ok(self.lock().gone())
    }

    fn nodes(&self) -> Result<Vec<(NodeId, NodeInfo)>> {
        Ok(self.lock().nodes())
    }

    fn holdings(&self) -> Result<Vec<Holding>> {
        Ok(self.lock().holdings())
    }

    fn session_file(&self, _node: NodeId) -> Option<PathBuf> {
        None
    }

    fn cancel(&self, now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64> {
        self.lock().cancel(now, job, tasks)
    }

    fn retry(&self, _now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64> {
        self.lock().retry(job, tasks)
    }

    fn pause(&self, _now: Millis, job: JobId, paused: bool) -> Result<()> {
        self.lock().pause(job, paused)
    }

    fn forget(&self, job: JobId) -> Result<()> {
        self.lock().forget(job)
    }

    fn sweep(&self, now: Millis) -> Result<Vec<JobId>> {
        Ok(self.lock().sweep(now))
    }

    fn jobs(&self) -> Result<Vec<JobInfo>> {
        Ok(self.lock().jobs())
    }

    fn job(&self, job: JobId) -> Result<JobInfo> {
        self.lock().job(job)
    }

    fn task(&self, job: JobId, seq: Seq) -> Result<Option<TaskInfo>> {
        self.lock().task(job, seq)
    }

    fn dead(&self, job: JobId, from: Seq, limit: usize) -> Result<Vec<Dead>> {
        self.lock().dead(job, from, limit)
    }

    fn read(&self, job: JobId, range: Range) -> Result<Records> {
        self.lock().read(job, range)
    }

    fn observe(&self, seen: &[Observation]) {
        self.lock().observe(seen);
    }

    fn observations(&self, job: JobId) -> Result<Vec<Observation>> {
        Ok(self.lock().observations(job))
    }

    fn verify(&self, _blocks: bool) -> Result<()> {
        let model = self.lock();
        // A store with a bug does not know of it: its callers have to find out.
        let sees = model.bugs == Bugs::NONE;
        if sees { model.soundness().map_err(|what| Error::Corrupt { what }) } else { Ok(()) }
    }

    fn version(&self) -> Result<u64> {
        Ok(self.lock().version())
    }
}
