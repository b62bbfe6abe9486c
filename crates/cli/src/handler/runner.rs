//! A job's processes: one for each worker, from its first task to the job's end.

use super::TERM_NS;
use super::round::Round;
use super::talk::Talk;
use crate::command::{Delivery, Line, Recipe, Timeout, Ways};
use crate::lang::placeholder::Input;
use divvy_core::{Intervals, JobId};
use divvy_engine::process::SESSION_VAR;
use divvy_engine::{Chunk, Grain, Handler, Order, Runner, Stop, StopLevel, TaskKey};
use divvy_store::{Held, JobSpec};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The kind of handler, as jobs name it.
pub const KIND: &str = "handler";

/// How long a chunk should take: long against the some 100 us in which a process has nothing to do between two.
const CHUNK_TARGET: Duration = Duration::from_millis(25);
/// Tasks in a chunk, at most.
const CHUNK_MAX: u32 = 1 << 16;
/// Largest batch; who asks for more gets this.
const BATCH_MAX: u32 = CHUNK_MAX;
/// Processes in a row that end before they have answered a task, until the job is stopped.
const BARREN_MAX: u32 = 5;
/// How long a process may take to end when its stdin is closed, before it is told by SIGTERM.
const CLOSE: Duration = Duration::from_secs(1);
/// Variables that a process would inherit where divvy itself runs in a task, and that would be wrong here.
const TASK_VARS: [&str; 4] = ["DIVVY_TASK", "DIVVY_INPUT", "DIVVY_ATTEMPT", "DIVVY_FENCE"];

/// The handler.
#[derive(Clone)]
pub struct Handlers {
    ways: Ways,
    /// The session, as processes carry it.
    session: Option<OsString>,
    in_background: bool,
}

impl Handlers {
    /// A handler whose outputs go these ways. `session` is the node's session file.
    pub fn new(ways: Ways, session: Option<PathBuf>) -> Handlers {
        Handlers { ways, session: session.map(PathBuf::into_os_string), in_background: false }
    }

    /// The same for jobs that nobody watches: a handler that is of no use fails its tasks, and the node goes on.
    pub fn in_background(self) -> Handlers {
        Handlers { in_background: true, ..self }
    }
}

impl Handler for Handlers {
    fn kind(&self) -> &str {
        KIND
    }

    fn open(&self, job: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        let recipe = Recipe::decode(&spec.detail)?;
        Ok(Arc::new(Processes {
            job: OsString::from(job.to_string()),
            line: Line::new(&recipe)?,
            delivery: Delivery::open(job, &recipe, &self.ways)?,
            session: self.session.clone(),
            timeout_ns: match recipe.limits.timeout {
                Timeout::Never => None,
                Timeout::Millis(ms) => Some(ms.saturating_mul(1_000_000)),
                Timeout::Percent(_) => {
                    return Err("--timeout in percent is for commands, not for handlers".into());
                }
            },
            talks: Mutex::default(),
            begun: Mutex::default(),
            batch: AtomicU32::new(1),
            has_answered: AtomicBool::new(false),
            barren: AtomicU32::new(0),
            in_background: self.in_background,
            useless: Mutex::default(),
            stop: OnceLock::new(),
        }))
    }
}

/// One job's processes.
pub(super) struct Processes {
    job: OsString,
    pub(super) line: Line,
    pub(super) delivery: Delivery,
    session: Option<OsString>,
    pub(super) timeout_ns: Option<u64>,
    /// By worker, while it runs no chunk.
    talks: Mutex<Vec<Option<Talk>>>,
    /// Workers that have had a process.
    begun: Mutex<BTreeSet<usize>>,
    /// Tasks that a process wants at once.
    batch: AtomicU32,
    /// Some process has answered a task, ever.
    has_answered: AtomicBool,
    /// Processes in a row that ended before they had answered one.
    barren: AtomicU32,
    in_background: bool,
    /// Why the tasks of this lease fail, if they do.
    useless: Mutex<Option<String>>,
    stop: OnceLock<Stop>,
}

impl Runner for Processes {
    fn order(&self) -> Order {
        Order::InOrder
    }

    fn grain(&self) -> Option<Grain> {
        let least = self.batch.load(Ordering::Relaxed);
        Some(Grain { target: CHUNK_TARGET, least, most: CHUNK_MAX })
    }

    fn on_leased(&self, _: Held, open: &Intervals) {
        self.delivery.expect(open);
        // It may have been mended: one try for each lease is cheap.
        *self.useless.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn on_returned(&self, tasks: &Intervals) {
        self.delivery.forgo(tasks);
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        self.stop.get_or_init(|| chunk.stop().clone());
        let worker = chunk.worker();
        let mut talk =
            self.talks.lock().unwrap_or_else(PoisonError::into_inner).get_mut(worker).and_then(Option::take);
        Round::new(self, chunk, &mut talk).run();
        let mut talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner);
        if talks.len() <= worker {
            talks.resize_with(worker + 1, || None);
        }
        talks[worker] = talk;
    }

    fn on_quiet(&self) -> Option<Vec<TaskKey>> {
        self.delivery.on_quiet()
    }

    fn before_report(&self) -> Result<(), String> {
        self.delivery.sync()
    }
}

impl Processes {
    /// What starts a process for a worker.
    pub(super) fn command(&self, worker: usize) -> Result<Command, String> {
        let slot = worker as u32 + 1;
        let words = self.line.words(b"", &Input { fields: &[], id: 0, slot })?;
        let mut command = self.line.command(b"", words)?;
        for var in TASK_VARS {
            command.env_remove(var);
        }
        command.env("DIVVY_HANDLER", super::answer::VERSION.to_string());
        command.env("DIVVY_JOB", &self.job).env("DIVVY_SLOT", slot.to_string());
        if let Some(session) = &self.session {
            command.env(SESSION_VAR, session);
        }
        Ok(command)
    }

    /// Whether this worker has had no process before.
    pub(super) fn is_first(&self, worker: usize) -> bool {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(worker)
    }

    /// A process has announced how many tasks it wants at once. Returns how many it gets.
    pub(super) fn on_batch(&self, batch: u32) -> u32 {
        let batch = batch.min(BATCH_MAX);
        self.batch.store(batch, Ordering::Relaxed);
        batch
    }

    /// A process has answered its first task.
    pub(super) fn on_first_answer(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
        self.barren.store(0, Ordering::Relaxed);
    }

    /// A process has ended before it answered anything. Returns how many that are in a row if it is too many: then it
    /// is the handler that is broken, not the tasks. Where others have been answered, one that was alone with its
    /// process explains the end by itself.
    pub(super) fn on_barren(&self, is_explained: bool) -> Option<u32> {
        if is_explained && self.has_answered.load(Ordering::Relaxed) {
            return None;
        }
        let barren = self.barren.fetch_add(1, Ordering::Relaxed) + 1;
        (barren >= BARREN_MAX).then_some(barren)
    }

    /// The handler is of no use. The node stops with these words, or in the background, where others have jobs here and
    /// nobody sees its last words, the tasks fail with them.
    pub(super) fn on_useless(&self, chunk: &Chunk<'_>, why: String) {
        if self.in_background {
            self.useless.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
            return;
        }
        self.delivery.fail(why);
        chunk.stop().ask(StopLevel::End);
    }

    /// Why tasks are to fail that were not answered yet.
    pub(super) fn useless(&self) -> Option<String> {
        // Only in the background is there anything to look at, and a lock to take.
        let useless = self.in_background.then(|| self.useless.lock().unwrap_or_else(PoisonError::into_inner));
        useless.and_then(|useless| useless.clone())
    }

    /// Passes on what a process says on its stderr.
    pub(super) fn pass_errors(&self, talk: &mut Talk, last: bool) {
        if let Some(output) = talk.errors(last) {
            self.delivery.pass_on(output);
        }
    }

    /// Gives all processes until then to end; those that have not are kept.
    fn wait_for_all(&self, talks: &mut Vec<Talk>, patience: Duration) {
        let until = Instant::now() + patience;
        talks.retain_mut(|talk| {
            let left = until.saturating_duration_since(Instant::now());
            let ended = talk.wait_for_end(left.as_nanos() as u64, |talk| self.pass_errors(talk, false));
            if ended {
                self.pass_errors(talk, true);
            }
            !ended
        });
    }
}

impl Drop for Processes {
    /// The job has no more tasks for this node: the processes are told by the end of their stdin, those that go on by
    /// SIGTERM, and at last they are killed.
    fn drop(&mut self) {
        let talks = std::mem::take(&mut *self.talks.lock().unwrap_or_else(PoisonError::into_inner));
        let mut talks: Vec<Talk> = talks.into_iter().flatten().collect();
        talks.iter_mut().for_each(|talk| talk.process().close_stdin());
        let level = self.stop.get().map_or(StopLevel::Run, Stop::level);
        if level < StopLevel::End {
            self.wait_for_all(&mut talks, CLOSE);
        }
        talks.iter_mut().for_each(|talk| talk.process().terminate());
        if level < StopLevel::Kill {
            self.wait_for_all(&mut talks, Duration::from_nanos(TERM_NS));
        }
    }
}
