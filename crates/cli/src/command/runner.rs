//! Runs one job's commands.

use super::attempt::{Attempt, Failure, Finished};
use super::delivery::{Delivery, Ended, Ways};
use super::halt::Halted;
use super::memory::{Memories, Memory};
use super::outlet::{Broken, Printout};
use super::recipe::{Keep, Printing, Show};
use super::{KIND, Line, Recipe, ending};
use crate::lang::placeholder::Input;
use crate::lang::template::Template;
use divvy_core::{Intervals, JobId, Range};
use divvy_engine::process::{self, Stream, Streams};
use divvy_engine::{Chunk, Handler, Order, Runner, StopLevel, TaskKey};
use divvy_store::{Held, JobSpec};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// The handler.
#[derive(Clone)]
pub struct Commands {
    ways: Ways,
    /// The session, as processes carry it.
    session: Option<OsString>,
    halting: Option<Arc<Halting>>,
    memories: Arc<Memories>,
}

/// How the program of a single job is halted. A node that works for all jobs is never halted by one of them.
pub struct Halting {
    /// Whether it was.
    pub halted: Arc<Halted>,
    /// The number of the job's tasks, once it is known.
    pub total: Box<dyn Fn() -> Option<u64> + Send + Sync>,
}

impl Commands {
    /// A handler whose outputs go these ways. `session` is the node's session file.
    pub fn new(ways: Ways, session: Option<PathBuf>, halting: Option<Halting>) -> Commands {
        let session = session.map(PathBuf::into_os_string);
        Commands { ways, session, halting: halting.map(Arc::new), memories: Arc::default() }
    }
}

impl Handler for Commands {
    fn kind(&self) -> &str {
        KIND
    }

    fn open(&self, job: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        let recipe = Recipe::decode(&spec.detail)?;
        let Recipe { keep, limits, .. } = &recipe;
        let halting = self.halting.clone().filter(|_| limits.halt.is_some());
        let spelling = &recipe.text.spelling;
        let tag = keep.tag.as_ref().map(|tag| Template::new(&[tag], spelling, false)).transpose();
        let delivery = Delivery::open(job, &recipe, &self.ways)?;
        let streams = match keep.printing {
            Printing::Direct => Streams::Inherited,
            Printing::Grouped | Printing::Lines => Streams::Watched,
        };
        Ok(Arc::new(JobRunner {
            job: OsString::from(job.to_string()),
            pid: OsString::from(std::process::id().to_string()),
            line: Line::new(&recipe)?,
            skip: keep.skip.iter().map(|(lo, hi)| Range::new(*lo, *hi)).collect(),
            shows_commands: delivery.wants_entries() || halting.is_some() || keep.show != Show::Nowhere,
            delivery,
            tag: tag.map_err(|e| format!("--tagstring: {e}"))?,
            memory: self.memories.of(job, limits),
            halting,
            session: self.session.clone(),
            settings: process::Settings { ending: ending::of(&limits.ending), nice: limits.nice, streams },
            keep: recipe.keep,
        }))
    }
}

/// What runs one job's tasks on this node.
pub struct JobRunner {
    pub(super) job: OsString,
    pub(super) pid: OsString,
    pub(super) line: Line,
    pub(super) keep: Keep,
    pub(super) delivery: Delivery,
    /// Tasks that a log says have ended.
    skip: Intervals,
    tag: Option<Template>,
    /// Whether anybody wants to see what is run.
    pub(super) shows_commands: bool,
    pub(super) memory: Arc<Memory>,
    /// `Some` where the job may be halted here.
    halting: Option<Arc<Halting>>,
    pub(super) session: Option<OsString>,
    pub(super) settings: process::Settings,
}

impl Runner for JobRunner {
    fn order(&self) -> Order {
        Order::InOrder
    }

    fn on_leased(&self, _: Held, open: &Intervals) {
        self.delivery.expect(open);
    }

    fn on_returned(&self, tasks: &Intervals) {
        self.delivery.forgo(tasks);
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let range = chunk.range();
        for seq in range.lo..range.hi {
            if self.skip.contains(seq) && !chunk.is_over(seq) {
                chunk.done(seq);
                self.delivery.give_up(chunk, seq);
                continue;
            }
            let may_start = !chunk.is_over(seq) && !self.delivery.is_broken();
            let attempt = if may_start && self.memory.starts.wait(chunk, seq) {
                self.attempt(chunk, seq)
            } else {
                Attempt::Stopped
            };
            match attempt {
                Attempt::Ended(finished) => self.hand_over(chunk, seq, finished),
                Attempt::Outgrown(error) => chunk.outgrown(seq, error),
                Attempt::PutBack => chunk.stopped(seq),
                Attempt::Stopped => {
                    chunk.stopped(seq);
                    self.delivery.give_up(chunk, seq);
                }
            }
        }
    }

    fn on_quiet(&self) -> Option<Vec<TaskKey>> {
        self.delivery.on_quiet()
    }

    fn before_report(&self) -> Result<(), String> {
        self.delivery.sync()
    }
}

impl JobRunner {
    /// The tag of a task's lines.
    pub(super) fn tag(&self, input: &Input<'_>) -> Option<Vec<u8>> {
        self.tag.as_ref().map(|tag| tag.render(input).join(&b' '))
    }

    /// Shows a command where it is to be shown: now, or with what it prints.
    ///
    /// # Errors
    /// It cannot be printed, and nor can anything else.
    pub(super) fn announce(&self, typed: Option<&[u8]>, printout: &mut Printout) -> Result<(), Broken> {
        let Some(typed) = typed else { return Ok(()) };
        let line = || [typed, b"\n"].concat();
        match (self.keep.show, self.keep.printing) {
            (Show::Nowhere, _) => {}
            (Show::Stderr, _) => self.delivery.outlet.print_part(Stream::Err, None, &line())?,
            (Show::Stdout, Printing::Direct) => {
                self.delivery.outlet.print_part(Stream::Out, None, &line())?
            }
            (Show::Stdout, Printing::Grouped | Printing::Lines) => printout.head = line(),
        }
        Ok(())
    }

    fn hand_over(&self, chunk: &mut Chunk<'_>, seq: u64, finished: Finished) {
        let Finished { printout, entry, failure } = finished;
        let code = failure.as_ref().map_or(0, Failure::code);
        let command = self.halting.as_ref().and_then(|_| entry.as_ref().map(|entry| entry.command.clone()));
        let ended = Ended { printout, entry, error: failure.map(|failure| failure.error) };
        if self.delivery.hand_over(chunk, seq, &self.line, ended)
            && let Some(command) = command
        {
            self.count(chunk, code, &command);
        }
    }

    /// A task ended for good: whether that is enough to halt.
    fn count(&self, chunk: &Chunk<'_>, code: u8, command: &[u8]) {
        let Some((tally, halting)) = self.memory.tally.as_ref().zip(self.halting.as_ref()) else { return };
        let counted = tally.count(code, || (halting.total)());
        if let Some(word) = counted.word {
            self.delivery
                .outlet
                .say(&format!("divvy: this task {word}:\n{}", String::from_utf8_lossy(command)));
        }
        if !counted.enough.is_some_and(|code| halting.halted.set(code)) {
            return;
        }
        if tally.is_now() {
            return chunk.stop().ask(StopLevel::End);
        }
        self.delivery.outlet.say("divvy: no more tasks are started; the running ones may finish");
        chunk.stop().ask(StopLevel::Finish);
    }
}
