//! A store with a section that only one exchange at a time may pass, as long as one wants it.
//!
//! It stands for what stores have that this one has not: a hot row, a lock that all claims take. It tells what it cost,
//! as [`Store::exchange_costed`] asks of every store, unless it is to be a store that cannot tell.

use divvy_core::{Cost, Intervals, JobId, Millis, NodeId, Range, Seq};
use divvy_store::{
    Block, Dead, Exchange, Expired, Holding, JobInfo, NewJob, NodeInfo, Observation, Records, Reply, Result,
    Store, TaskInfo,
};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the section is held, besides the exchange itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hold {
    /// At the least.
    pub(super) base: Duration,
    /// More for each worker there is.
    pub(super) each: Duration,
    /// Whether it keeps a core busy, or sleeps.
    pub(super) busy: bool,
    /// The store does not tell what exchanges cost.
    pub(super) silent: bool,
}

/// The section, shared by all handles of the store.
#[derive(Debug, Default)]
pub(super) struct Section {
    hold: Hold,
    /// When it was left last.
    lock: Mutex<Option<Instant>>,
    /// As of the last reply.
    workers: AtomicU64,
}

impl Section {
    pub(super) fn new(hold: Hold) -> Arc<Section> {
        Arc::new(Section { hold, ..Section::default() })
    }

    fn pass<T>(&self, then: impl FnOnce() -> T) -> (T, u64) {
        let Hold { base, each, busy, .. } = self.hold;
        let came = Instant::now();
        let mut left = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        // Until one who waits has woken up nobody is served.
        let held_since = left.filter(|left| *left > came).unwrap_or(begun);
        let length = base + each * self.workers.load(Ordering::Relaxed) as u32;
        if busy {
            while begun.elapsed() < length {
                std::hint::spin_loop();
            }
        } else {
            std::thread::sleep(length);
        }
        let done = then();
        let now = Instant::now();
        *left = Some(now);
        (done, (now - held_since).as_nanos() as u64)
    }
}

/// A handle of a store behind a section.
pub(super) struct Sectioned {
    pub(super) store: Arc<dyn Store>,
    pub(super) section: Arc<Section>,
}

impl Store for Sectioned {
    fn exchange(&self, now: Millis, node: NodeId, exchange: &Exchange) -> Result<Reply> {
        self.exchange_costed(now, node, exchange).map(|(reply, _)| reply)
    }

    fn exchange_costed(
        &self,
        now: Millis,
        node: NodeId,
        exchange: &Exchange,
    ) -> Result<(Reply, Option<Cost>)> {
        let (answer, work_ns) = self.section.pass(|| self.store.exchange(now, node, exchange));
        let reply = answer?;
        self.section.workers.store(reply.workers, Ordering::Relaxed);
        let cost = Cost { work_ns, group: 1, ..Cost::default() };
        Ok((reply, (!self.section.hold.silent).then_some(cost)))
    }

    fn submit(&self, now: Millis, job: &NewJob) -> Result<JobId> {
        self.store.submit(now, job)
    }

    fn append(&self, now: Millis, job: JobId, blocks: &[Block], close: bool) -> Result<Range> {
        self.store.append(now, job, blocks, close)
    }

    fn register(&self, now: Millis, node: &NodeInfo) -> Result<NodeId> {
        self.store.register(now, node)
    }

    fn leave(&self, now: Millis, node: NodeId) -> Result<()> {
        self.store.leave(now, node)
    }

    fn expire(&self, now: Millis, node: NodeId) -> Result<Expired> {
        self.store.expire(now, node)
    }

    fn gone(&self) -> Result<Vec<NodeId>> {
        self.store.gone()
    }

    fn nodes(&self) -> Result<Vec<(NodeId, NodeInfo)>> {
        self.store.nodes()
    }

    fn holdings(&self) -> Result<Vec<Holding>> {
        self.store.holdings()
    }

    fn session_file(&self, node: NodeId) -> Option<PathBuf> {
        self.store.session_file(node)
    }

    fn cancel(&self, now: Millis, job: JobId, tasks: Option<&Intervals>) -> Result<u64> {
        self.store.cancel(now, job, tasks)
    }

    fn retry(&self, now: Millis, job: JobId, tasks: Option<&Intervals>) -> Result<u64> {
        self.store.retry(now, job, tasks)
    }

    fn pause(&self, now: Millis, job: JobId, paused: bool) -> Result<()> {
        self.store.pause(now, job, paused)
    }

    fn forget(&self, job: JobId) -> Result<()> {
        self.store.forget(job)
    }

    fn sweep(&self, now: Millis) -> Result<Vec<JobId>> {
        self.store.sweep(now)
    }

    fn jobs(&self) -> Result<Vec<JobInfo>> {
        self.store.jobs()
    }

    fn job(&self, job: JobId) -> Result<JobInfo> {
        self.store.job(job)
    }

    fn task(&self, job: JobId, seq: Seq) -> Result<Option<TaskInfo>> {
        self.store.task(job, seq)
    }

    fn dead(&self, job: JobId, from: Seq, limit: usize) -> Result<Vec<Dead>> {
        self.store.dead(job, from, limit)
    }

    fn read(&self, job: JobId, range: Range) -> Result<Records> {
        self.store.read(job, range)
    }

    fn observe(&self, seen: &[Observation]) {
        self.store.observe(seen);
    }

    fn observations(&self, job: JobId) -> Result<Vec<Observation>> {
        self.store.observations(job)
    }

    fn verify(&self, blocks: bool) -> Result<()> {
        self.store.verify(blocks)
    }

    fn version(&self) -> Result<u64> {
        self.store.version()
    }
}
