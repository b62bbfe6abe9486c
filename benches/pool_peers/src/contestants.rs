//! Everybody who runs a batch. Threads are started beforehand; `run` is from submission to the last task's end.

use crate::work::Job;
use crossbeam_deque::{Injector, Steal, Stealer, Worker as Deque};
use crossbeam_utils::{Backoff, CachePadded};
use divvy_pool::{Config, Order, Pool, Worker};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub trait Contestant {
    fn name(&self) -> &'static str;
    fn run(&mut self, job: Job);
}

pub fn all(threads: usize) -> Vec<Box<dyn Contestant>> {
    let crew = Arc::new(Crew::start(threads));
    let rayon = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("rayon starts"));
    vec![
        Box::new(Divvy::start(threads, "divvy", Order::Spread)),
        Box::new(Divvy::start(threads, "divvy in order", Order::InOrder)),
        Box::new(RayonRange(rayon.clone())),
        Box::new(RayonSingle(rayon.clone())),
        Box::new(RayonSpawn(rayon)),
        Box::new(Tokio::start(threads)),
        Box::new(Injected(crew.clone(), Arc::new(Deques::new(threads)))),
        Box::new(Index { name: "shared index", crew: crew.clone(), by: 1 }),
        Box::new(Index { name: "shared index by 64", crew, by: 64 }),
    ]
}

/// Says when a counter of unfinished tasks has come down to zero.
#[derive(Default)]
struct Latch {
    left: CachePadded<AtomicU64>,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Latch {
    fn set(&self, n: u64) {
        *self.open.lock().unwrap() = false;
        self.left.store(n, Ordering::SeqCst);
    }

    #[inline]
    fn done(&self, n: u64) {
        if self.left.fetch_sub(n, Ordering::AcqRel) == n {
            *self.open.lock().unwrap() = true;
            self.opened.notify_one();
        }
    }

    fn wait(&self) {
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
    }
}

struct Divvy {
    name: &'static str,
    order: Order,
    pool: Pool,
    shared: Arc<Shared>,
    tag: u64,
}

/// What the pool's workers read when a new feed begins.
#[derive(Default)]
struct Shared {
    job: Mutex<Option<Job>>,
    latch: Latch,
}

struct Runner {
    shared: Arc<Shared>,
    tag: u64,
    job: Option<Job>,
    stamp: Instant,
    /// Tasks run and not yet reported: once per range, since the counter is shared.
    done: u64,
}

impl Worker for Runner {
    fn run(&mut self, tag: u64, chunk: Range<u64>) -> Duration {
        if self.tag != tag || self.job.is_none() {
            (self.tag, self.job) = (tag, *self.shared.job.lock().unwrap());
        }
        let job = self.job.expect("set before the feed");
        let n = chunk.end - chunk.start;
        for i in chunk {
            job.task(i);
        }
        self.done += n;
        // One clock read per chunk, as an account takes it.
        let now = Instant::now();
        let took = now - self.stamp;
        self.stamp = now;
        took
    }

    fn on_steal(&mut self) {
        if self.done > 0 {
            self.shared.latch.done(std::mem::take(&mut self.done));
        }
        self.stamp = Instant::now();
    }

    fn on_wake(&mut self) {
        self.stamp = Instant::now();
    }
}

impl Divvy {
    fn start(workers: usize, name: &'static str, order: Order) -> Divvy {
        let shared = Arc::new(Shared::default());
        let runner = |_| Runner { shared: shared.clone(), tag: 0, job: None, stamp: Instant::now(), done: 0 };
        let pool = Pool::start(Config { workers, ..Config::default() }, runner).expect("the pool starts");
        Divvy { name, order, pool, shared, tag: 0 }
    }
}

impl Contestant for Divvy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, job: Job) {
        self.tag += 1;
        *self.shared.job.lock().unwrap() = Some(job);
        self.shared.latch.set(job.n);
        self.pool.feed(self.tag, 0..job.n, self.order).expect("there is room");
        self.shared.latch.wait();
        assert!(self.pool.retire(self.tag), "all tasks have run");
    }
}

struct RayonRange(Arc<rayon::ThreadPool>);
impl Contestant for RayonRange {
    fn name(&self) -> &'static str {
        "rayon par_iter"
    }
    fn run(&mut self, job: Job) {
        self.0.install(|| (0..job.n).into_par_iter().for_each(|i| job.task(i)));
    }
}

struct RayonSingle(Arc<rayon::ThreadPool>);
impl Contestant for RayonSingle {
    fn name(&self) -> &'static str {
        "rayon max_len(1)"
    }
    fn run(&mut self, job: Job) {
        // Indexed, which `with_max_len` asks for; a batch is well below 2^32.
        let n = u32::try_from(job.n).expect("a batch of less than 2^32");
        self.0.install(|| (0..n).into_par_iter().with_max_len(1).for_each(|i| job.task(u64::from(i))));
    }
}

struct RayonSpawn(Arc<rayon::ThreadPool>);
impl Contestant for RayonSpawn {
    fn name(&self) -> &'static str {
        "rayon scope spawn"
    }
    fn run(&mut self, job: Job) {
        self.0.scope(|scope| {
            for i in 0..job.n {
                scope.spawn(move |_| job.task(i));
            }
        });
    }
}

struct Tokio {
    runtime: tokio::runtime::Runtime,
    latch: Arc<Latch>,
}

impl Tokio {
    fn start(threads: usize) -> Tokio {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build();
        Tokio { runtime: runtime.expect("tokio starts"), latch: Arc::default() }
    }
}

impl Contestant for Tokio {
    fn name(&self) -> &'static str {
        "tokio spawn"
    }
    fn run(&mut self, job: Job) {
        self.latch.set(job.n);
        let latch = self.latch.clone();
        // From a task of the runtime, which is the faster way to spawn.
        self.runtime.spawn(async move {
            for i in 0..job.n {
                let latch = latch.clone();
                tokio::spawn(async move {
                    job.task(i);
                    latch.done(1);
                });
            }
        });
        self.latch.wait();
    }
}

type Work = Arc<dyn Fn(usize) + Send + Sync>;

/// Threads that all run one closure per batch, for contestants without threads of their own.
struct Crew {
    threads: usize,
    shared: Arc<CrewShared>,
}

#[derive(Default)]
struct CrewShared {
    /// The batch's number and closure.
    batch: Mutex<(u64, Option<Work>)>,
    changed: Condvar,
    finished: Latch,
}

impl Crew {
    /// The threads live as long as the process.
    fn start(threads: usize) -> Crew {
        let shared = Arc::new(CrewShared::default());
        for me in 0..threads {
            let shared = shared.clone();
            std::thread::spawn(move || {
                let mut seen = 0;
                loop {
                    let batch = shared.batch.lock().unwrap();
                    let batch = shared.changed.wait_while(batch, |batch| batch.0 == seen).unwrap();
                    seen = batch.0;
                    let work = batch.1.clone().expect("a batch has a closure");
                    drop(batch);
                    work(me);
                    shared.finished.done(1);
                }
            });
        }
        Crew { threads, shared }
    }

    fn run(&self, work: impl Fn(usize) + Send + Sync + 'static) {
        self.shared.finished.set(self.threads as u64);
        let mut batch = self.shared.batch.lock().unwrap();
        *batch = (batch.0 + 1, Some(Arc::new(work)));
        drop(batch);
        self.shared.changed.notify_all();
        self.shared.finished.wait();
    }
}

struct Deques {
    injector: Injector<u64>,
    owned: Vec<Mutex<Deque<u64>>>,
    stealers: Vec<Stealer<u64>>,
}

impl Deques {
    fn new(threads: usize) -> Deques {
        let owned: Vec<Deque<u64>> = (0..threads).map(|_| Deque::new_fifo()).collect();
        let stealers = owned.iter().map(Deque::stealer).collect();
        Deques { injector: Injector::new(), owned: owned.into_iter().map(Mutex::new).collect(), stealers }
    }
}

/// As crossbeam-deque's documentation has it: local deque, then batches from the injector, then the others' deques.
struct Injected(Arc<Crew>, Arc<Deques>);
impl Contestant for Injected {
    fn name(&self) -> &'static str {
        "crossbeam injector"
    }
    fn run(&mut self, job: Job) {
        for i in 0..job.n {
            self.1.injector.push(i);
        }
        let left = CachePadded::new(AtomicU64::new(job.n));
        let deques = self.1.clone();
        self.0.run(move |me| {
            let local = deques.owned[me].lock().unwrap();
            let find = || {
                local.pop().or_else(|| {
                    std::iter::repeat_with(|| {
                        let injected = deques.injector.steal_batch_and_pop(&local);
                        injected.or_else(|| deques.stealers.iter().map(Stealer::steal).collect())
                    })
                    .find(|steal| !steal.is_retry())
                    .and_then(Steal::success)
                })
            };
            let (backoff, mut done) = (Backoff::new(), 0);
            loop {
                if let Some(i) = find() {
                    job.task(i);
                    done += 1;
                    backoff.reset();
                } else {
                    // Counted only when out of work: a count per task would slow this contestant down.
                    if left.fetch_sub(done, Ordering::AcqRel) == done {
                        return;
                    }
                    done = 0;
                    backoff.snooze();
                }
            }
        });
    }
}

struct Index {
    name: &'static str,
    crew: Arc<Crew>,
    by: u64,
}

impl Contestant for Index {
    fn name(&self) -> &'static str {
        self.name
    }
    fn run(&mut self, job: Job) {
        let (next, by) = (CachePadded::new(AtomicU64::new(0)), self.by);
        let work = move |_| {
            loop {
                let lo = next.fetch_add(by, Ordering::Relaxed);
                if lo >= job.n {
                    return;
                }
                for i in lo..(lo + by).min(job.n) {
                    job.task(i);
                }
            }
        };
        self.crew.run(work);
    }
}
