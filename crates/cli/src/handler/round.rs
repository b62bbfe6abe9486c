//! A chunk's tasks, sent to a worker's process and waited for. `hear.rs` has its answers, `loss.rs` its end.
//!
//! The worker writes ahead, so that the process never waits for it, but not more than the process answers in a
//! moment: what is in its hands nobody else can run. While the process has enough, the worker naps instead of looking
//! at each answer: a hundred small answers are read at the price of one.

use super::TERM_NS;
use super::hands::Hands;
use super::loss::Lost;
use super::runner::Processes;
use super::talk::Talk;
use super::task_line::TaskLine;
use crate::command::{SCARCE_NS, SCARCE_PAUSE_NS, is_scarce, not_started};
use divvy_core::{Seq, State};
use divvy_engine::process::{Captured, Interest, Resident};
use divvy_engine::{Chunk, StopLevel};
use std::io;

/// How much work, nanoseconds, is written ahead.
const AHEAD_NS: f64 = 10e6;
/// The same in tasks, at least: one that runs and one that waits; ...
const WINDOW_LEAST: u64 = 2;
/// ... and at most.
const WINDOW_MOST: u64 = 1 << 14;
/// Bytes of tasks that wait to be written, about: no further task is added to more.
const WINDOW_BYTES: usize = 256 << 10;
/// How long the worker leaves a process alone that has enough to do.
const NAP_NS: u64 = 1_000_000;
/// A chunk that takes longer was taken in a wrong belief: what is not sent of it goes back, for others to run.
const GIVE_BACK_NS: u64 = 200_000_000;
/// How long a process that has closed a pipe may take to end, so that its exit code is known.
const CLOSED_NS: u64 = TERM_NS;

/// One chunk on its way through a process.
pub(super) struct Round<'r, 'c, 'l> {
    pub(super) job: &'r Processes,
    pub(super) chunk: &'c mut Chunk<'l>,
    talk: &'c mut Option<Talk>,
    pub(super) hands: Hands,
    begun_ns: u64,
    /// Since when nothing was answered, though something was asked.
    pub(super) since_ns: u64,
    /// A pipe is closed: which, and how long its end is waited for.
    closed: Option<(&'static str, u64)>,
}

impl<'r, 'c, 'l> Round<'r, 'c, 'l> {
    /// With the process that the worker has from its last chunk, if any.
    pub(super) fn new(job: &'r Processes, chunk: &'c mut Chunk<'l>, talk: &'c mut Option<Talk>) -> Self {
        let (hands, now) = (Hands::new(chunk.range()), chunk.now_ns());
        Round { job, chunk, talk, hands, begun_ns: now, since_ns: now, closed: None }
    }

    /// Until every task of the chunk is answered or given back.
    pub(super) fn run(mut self) {
        if let Some(mut gone) = self.talk.take_if(|talk| talk.process().has_exited()) {
            // It left between two chunks, with nothing in its hands: that is its own affair.
            self.job.pass_errors(&mut gone, true);
        }
        while !self.hands.is_empty() {
            match self.chunk.stop().level() {
                _ if self.job.delivery.is_broken() => return self.stop(),
                StopLevel::Run => {}
                StopLevel::Finish | StopLevel::Drain => self.give_back_unsent(),
                StopLevel::End | StopLevel::Kill => return self.stop(),
            }
            if let Some(why) = self.job.useless() {
                return self.fail_all(&why);
            }
            if !self.hands.is_empty() {
                self.step();
            }
        }
        if let Some(talk) = self.talk {
            talk.on_idle();
        }
    }

    /// Sends, waits, listens, once.
    fn step(&mut self) {
        let Some(mut talk) = self.talk.take().or_else(|| self.start()) else { return };
        match self.exchange(&mut talk) {
            Ok(None) => *self.talk = Some(talk),
            Ok(Some(lost)) => self.on_lost(talk, lost),
            Err(error) => self.on_lost(talk, Lost::Did(format!("cannot be talked to: {error}"))),
        }
    }

    /// A new process, unless that fails: then the job is stopped.
    fn start(&mut self) -> Option<Talk> {
        let fail = |round: &mut Self, why: String| {
            round.job.on_useless(round.chunk, format!("cannot start the handler: {why}"));
            None
        };
        let mut command = match self.job.command(self.chunk.worker()) {
            Ok(command) => command,
            Err(why) => return fail(self, why),
        };
        self.closed = None;
        let scarce_since = self.chunk.now_ns();
        loop {
            match Resident::start(&mut command, self.chunk) {
                Ok(process) => {
                    self.chunk.starting();
                    let is_first = self.job.is_first(self.chunk.worker());
                    return Some(Talk::new(process, self.chunk.now_ns(), is_first));
                }
                Err(error) if is_scarce(&error) && self.chunk.now_ns() < scarce_since + SCARCE_NS => {
                    if self.chunk.stop().level() >= StopLevel::End {
                        return None;
                    }
                    self.chunk.enter(State::HeldBack);
                    std::thread::sleep(std::time::Duration::from_nanos(SCARCE_PAUSE_NS));
                }
                Err(error) => return fail(self, not_started(&error, &command)),
            }
        }
    }

    fn exchange(&mut self, talk: &mut Talk) -> io::Result<Option<Lost>> {
        if self.closed.is_none() {
            self.fill(talk);
            if !talk.write()? {
                self.on_closed("its stdin");
            }
        }
        let now = self.chunk.now_ns();
        if let Some(lost) = self.overdue(now) {
            return Ok(Some(lost));
        }
        if now >= self.give_back_at() {
            self.chunk.stopped_all(self.hands.take_fresh());
        }
        if self.chunk.stop().level() == StopLevel::Drain && talk.unwritten() == 0 {
            talk.process().close_stdin();
        }
        let (interest, wait_ns) = self.patience(talk, now);
        let ready = talk.wait(self.chunk, interest, wait_ns)?;
        if ready.called && self.let_go_of_dropped() {
            return Ok(Some(Lost::Unwanted));
        }
        self.job.pass_errors(talk, false);
        if let Err(why) = self.listen(talk)? {
            return Ok(Some(Lost::Did(why)));
        }
        if ready.exited {
            return Ok(Some(Lost::Ended(talk.process().reap()?)));
        }
        Ok(None)
    }

    /// Adds tasks to what is to be written, if the process could do with more.
    fn fill(&mut self, talk: &mut Talk) {
        let window = window(talk);
        if talk.unwritten() > 0 || self.hands.held_count() * 2 > window || !self.hands.has_unsent() {
            return;
        }
        if self.hands.held_count() == 0 {
            self.since_ns = self.chunk.now_ns();
            talk.measured_ns = self.since_ns;
        }
        while talk.unwritten() < WINDOW_BYTES
            && let Some(seq) = self.next(window)
        {
            match talk.batch {
                None => self.add(talk, b"", seq, b"\n"),
                Some(batch) => self.add_array(talk, seq, batch, window),
            }
        }
    }

    fn add_array(&mut self, talk: &mut Talk, first: Seq, batch: u32, window: u64) {
        self.add(talk, b"[", first, b"");
        for _ in 1..batch {
            if talk.unwritten() >= WINDOW_BYTES {
                break;
            }
            let Some(seq) = self.next(window) else { break };
            self.add(talk, b",", seq, b"");
        }
        talk.add(|out| out.extend_from_slice(b"]\n"));
    }

    fn add(&self, talk: &mut Talk, before: &[u8], seq: Seq, behind: &[u8]) {
        let task = self.chunk.task(seq);
        let line = TaskLine {
            id: task.id,
            attempt: task.attempt,
            fence: talk.fence.then(|| self.chunk.fence().0),
            input: (!self.chunk.is_array()).then_some(task.input),
        };
        talk.add(|out| {
            out.extend_from_slice(before);
            line.write(out);
            out.extend_from_slice(behind);
        });
    }

    /// The next task to send. Those that were taken away meanwhile are passed over.
    fn next(&mut self, window: u64) -> Option<Seq> {
        loop {
            let seq = self.hands.next(window)?;
            if !self.chunk.is_ended(seq) {
                return Some(seq);
            }
            self.hands.release(seq);
            self.forgo(seq);
        }
    }

    /// What to wait for, and how long.
    fn patience(&self, talk: &Talk, now: u64) -> (Interest, Option<u64>) {
        let busy_ns = talk.task_ns.map_or(0.0, |task_ns| task_ns * self.hands.held_count() as f64);
        if self.closed.is_none() && busy_ns > 2.0 * NAP_NS as f64 {
            return (Interest { write: false, read: false }, Some(NAP_NS));
        }
        let timeout = self.job.timeout_ns.map(|ns| self.since_ns.saturating_add(ns));
        let closed = self.closed.map(|(_, until)| until);
        let give_back = Some(self.give_back_at()).filter(|at| *at < u64::MAX);
        let next = [timeout, closed, give_back].into_iter().flatten().min();
        let interest = Interest { write: self.closed.is_none() && talk.unwritten() > 0, read: true };
        (interest, next.map(|at| at.saturating_sub(now)))
    }

    /// When what was never sent goes back; `u64::MAX` if there is none. In order it would come too late: what
    /// comes behind it would be printed first.
    fn give_back_at(&self) -> u64 {
        if self.hands.has_fresh() && !self.job.delivery.is_in_order() {
            self.begun_ns + GIVE_BACK_NS
        } else {
            u64::MAX
        }
    }

    /// Whether the process has had its time.
    fn overdue(&self, now: u64) -> Option<Lost> {
        match self.closed {
            Some((what, until)) if now >= until => return Some(Lost::Did(format!("closed {what}"))),
            _ => {}
        }
        let held = self.hands.held_count() > 0;
        let limit = self.job.timeout_ns.filter(|_| held)?;
        (now >= self.since_ns.saturating_add(limit)).then_some(Lost::TimedOut)
    }

    pub(super) fn on_closed(&mut self, what: &'static str) {
        let until = self.chunk.now_ns() + CLOSED_NS;
        self.closed.get_or_insert((what, until));
    }

    /// Whether tasks were taken away that the process has in its hands. They are told here; the process has to go.
    fn let_go_of_dropped(&mut self) -> bool {
        if self.chunk.stop().level() >= StopLevel::End {
            return false;
        }
        let dropped: Vec<Seq> = self.hands.held().iter().filter(|seq| self.chunk.is_ended(*seq)).collect();
        for seq in &dropped {
            self.hands.release(*seq);
            self.forgo(*seq);
        }
        !dropped.is_empty()
    }

    /// A stop: what the process answers yet counts, the rest goes back.
    fn stop(mut self) {
        if let Some(mut talk) = self.talk.take_if(|_| self.hands.held_count() > 0) {
            talk.process().close_stdin();
            talk.process().terminate();
            // Whatever goes wrong now, it is at its end.
            let _ = self.listen_to_the_end(&mut talk);
            let _ = talk.process().reap();
            self.job.pass_errors(&mut talk, true);
        }
        self.give_back_unsent();
        for seq in self.hands.take_held().iter() {
            self.forgo(seq);
        }
    }

    /// The handler is of no use: neither what the process has nor the rest is waited for.
    fn fail_all(mut self, why: &str) {
        if let Some(mut talk) = self.talk.take() {
            talk.process().kill();
            self.job.pass_errors(&mut talk, true);
        }
        let mut left = self.hands.take_unsent();
        left.insert_all(&self.hands.take_held());
        left.iter().for_each(|seq| self.hand_over(seq, Captured::default(), Some(why.to_owned())));
    }

    fn listen_to_the_end(&mut self, talk: &mut Talk) -> io::Result<()> {
        let kill_at = self.chunk.now_ns() + TERM_NS;
        loop {
            let now = self.chunk.now_ns();
            if now >= kill_at || self.chunk.stop().level() >= StopLevel::Kill {
                talk.process().kill();
            }
            let interest = Interest { write: false, read: self.closed.is_none() };
            let ready = talk.wait(self.chunk, interest, Some(kill_at.saturating_sub(now)))?;
            self.job.pass_errors(talk, false);
            let said = self.listen(talk)?;
            if ready.exited || said.is_err() {
                return Ok(());
            }
        }
    }

    fn give_back_unsent(&mut self) {
        for range in self.hands.take_unsent().ranges() {
            self.chunk.stopped_all(*range);
        }
    }

    /// A task will not be run to its end here.
    fn forgo(&mut self, seq: Seq) {
        self.chunk.stopped(seq);
        self.job.delivery.give_up(self.chunk, seq);
    }
}

/// How many tasks a process may have in its hands.
fn window(talk: &Talk) -> u64 {
    let ahead = talk.task_ns.map_or(WINDOW_LEAST, |task_ns| (AHEAD_NS / task_ns.max(1.0)) as u64);
    let batches = talk.batch.map_or(0, |batch| 2 * u64::from(batch));
    ahead.clamp(WINDOW_LEAST, WINDOW_MOST).max(batches)
}
