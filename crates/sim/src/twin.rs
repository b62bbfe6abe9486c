//! Two stores as one: the model and an adapter beside it, which have to give equal answers.

use crate::model::Model;
use divvy_core::{JobId, Millis, NodeId, Range, Seq};
use divvy_store::job::Selection;
use divvy_store::{
    Block, Dead, Exchange, Expired, Holding, JobInfo, NewJob, NodeInfo, Observation, Records, Reply, Result,
    Store, TaskInfo,
};
use std::fmt::Debug;
use std::mem::discriminant;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

/// A store that does everything twice, and panics where the two do not agree.
///
/// Calls run one at a time, so that both see them in the same order. Error texts, version numbers, session files
/// and sessions that ended by themselves are each store's own business: there the other's answer is returned.
pub struct Twin {
    model: Mutex<Model>,
    other: Box<dyn Store>,
}

impl Twin {
    /// A model beside a store. Both have to be empty, or to have the same history.
    #[must_use]
    pub fn new(model: Model, other: Box<dyn Store>) -> Twin {
        Twin { model: Mutex::new(model), other }
    }

    /// The model, locked.
    ///
    /// # Panics
    /// If the two differed before.
    pub fn lock(&self) -> MutexGuard<'_, Model> {
        self.model.lock().expect("model and store differed before")
    }
}

/// Both answers, if they are equal, errors by their kind.
fn agree<T>(what: &dyn Debug, model: Result<T>, other: Result<T>, equal: impl Fn(&T, &T) -> bool) -> Result<T>
where
    T: Debug,
{
    let same = match (&model, &other) {
        (Ok(m), Ok(o)) => equal(m, o),
        (Err(m), Err(o)) => discriminant(m) == discriminant(o),
        _ => false,
    };
    assert!(same, "they differ on {what:?}\nmodel: {model:#?}\nother: {other:#?}");
    other
}

/// Apart from the words of an error, which only have to be there if any are in the other.
fn same_death(a: &Dead, b: &Dead) -> bool {
    let known = |d: &Dead| !d.error.is_empty();
    (a.seq, a.attempts, a.crashes, a.at) == (b.seq, b.attempts, b.crashes, b.at) && known(a) == known(b)
}

impl Store for Twin {
    fn submit(&self, now: Millis, job: &NewJob) -> Result<JobId> {
        let mut model = self.lock();
        agree(&("submit", job), model.submit(now, job), self.other.submit(now, job), PartialEq::eq)
    }

    fn append(&self, now: Millis, job: JobId, blocks: &[Block], close: bool) -> Result<Range> {
        let (mut model, other) = (self.lock(), self.other.append(now, job, blocks, close));
        agree(&("append", job, close), model.append(now, job, blocks, close), other, PartialEq::eq)
    }

    fn register(&self, now: Millis, node: &NodeInfo) -> Result<NodeId> {
        let mut model = self.lock();
        agree(&("register", node), Ok(model.register(node)), self.other.register(now, node), PartialEq::eq)
    }

    fn exchange(&self, now: Millis, node: NodeId, exchange: &Exchange) -> Result<Reply> {
        let (mut model, other) = (self.lock(), self.other.exchange(now, node, exchange));
        let what = ("exchange", now, node, exchange);
        agree(&what, model.exchange(now, node, exchange), other, PartialEq::eq)
    }

    fn leave(&self, now: Millis, node: NodeId) -> Result<()> {
        let mut model = self.lock();
        model.leave(now, node);
        agree(&("leave", node), Ok(()), self.other.leave(now, node), PartialEq::eq)
    }

    fn expire(&self, now: Millis, node: NodeId) -> Result<Expired> {
        let mut model = self.lock();
        agree(&("expire", node), Ok(model.expire(now, node)), self.other.expire(now, node), PartialEq::eq)
    }

    fn gone(&self) -> Result<Vec<NodeId>> {
        self.other.gone()
    }

    fn nodes(&self) -> Result<Vec<(NodeId, NodeInfo)>> {
        let model = self.lock();
        agree(&"nodes", Ok(model.nodes()), self.other.nodes(), PartialEq::eq)
    }

    fn holdings(&self) -> Result<Vec<Holding>> {
        let model = self.lock();
        agree(&"holdings", Ok(model.holdings()), self.other.holdings(), PartialEq::eq)
    }

    fn session_file(&self, node: NodeId) -> Option<PathBuf> {
        self.other.session_file(node)
    }

    fn cancel(&self, now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64> {
        let (mut model, other) = (self.lock(), self.other.cancel(now, job, tasks));
        agree(&("cancel", job, tasks), model.cancel(now, job, tasks), other, PartialEq::eq)
    }

    fn retry(&self, now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64> {
        let (mut model, other) = (self.lock(), self.other.retry(now, job, tasks));
        agree(&("retry", job, tasks), model.retry(job, tasks), other, PartialEq::eq)
    }

    fn pause(&self, now: Millis, job: JobId, paused: bool) -> Result<()> {
        let mut model = self.lock();
        let op = ("pause", now, job, paused);
        agree(&op, model.pause(job, paused), self.other.pause(now, job, paused), PartialEq::eq)
    }

    fn forget(&self, job: JobId) -> Result<()> {
        let mut model = self.lock();
        agree(&("forget", job), model.forget(job), self.other.forget(job), PartialEq::eq)
    }

    fn sweep(&self, now: Millis) -> Result<Vec<JobId>> {
        let mut model = self.lock();
        agree(&("sweep", now), Ok(model.sweep(now)), self.other.sweep(now), PartialEq::eq)
    }

    fn jobs(&self) -> Result<Vec<JobInfo>> {
        let model = self.lock();
        agree(&"jobs", Ok(model.jobs()), self.other.jobs(), PartialEq::eq)
    }

    fn job(&self, job: JobId) -> Result<JobInfo> {
        let model = self.lock();
        agree(&("job", job), model.job(job), self.other.job(job), PartialEq::eq)
    }

    fn task(&self, job: JobId, seq: Seq) -> Result<Option<TaskInfo>> {
        let model = self.lock();
        let state = |t: &Option<TaskInfo>| t.as_ref().map(|t| (t.seq, t.state.clone()));
        agree(&("task", job, seq), model.task(job, seq), self.other.task(job, seq), |m, o| {
            state(m) == state(o)
        })
    }

    fn dead(&self, job: JobId, from: Seq, limit: usize) -> Result<Vec<Dead>> {
        let (model, other) = (self.lock(), self.other.dead(job, from, limit));
        agree(&("dead", job, from, limit), model.dead(job, from, limit), other, |m, o| {
            m.len() == o.len() && m.iter().zip(o).all(|(m, o)| same_death(m, o))
        })
    }

    fn read(&self, job: JobId, range: Range) -> Result<Records> {
        let (model, other) = (self.lock().read(job, range), self.other.read(job, range));
        let records = agree(&("read", job, range), model, other, |_, _| true)?;
        let model = self.lock().read(job, range)?;
        let differs = (range.lo..range.hi).find(|seq| model.get(*seq) != records.get(*seq));
        assert_eq!(differs, None, "the record of a task of job {job} differs");
        Ok(records)
    }

    fn observe(&self, seen: &[Observation]) {
        let mut model = self.lock();
        model.observe(seen);
        self.other.observe(seen);
    }

    fn observations(&self, job: JobId) -> Result<Vec<Observation>> {
        let model = self.lock();
        let what = ("observations", job);
        agree(&what, Ok(model.observations(job)), self.other.observations(job), PartialEq::eq)
    }

    fn verify(&self, blocks: bool) -> Result<()> {
        self.lock().check();
        self.other.verify(blocks)
    }

    fn version(&self) -> Result<u64> {
        self.other.version()
    }
}
