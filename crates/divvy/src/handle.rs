//! A job that runs, from outside: stop, cancel, look.

use crate::error::Result;
use divvy_core::{Clock, JobId};
use divvy_engine::{Stop, StopLevel, SystemClock};
use divvy_store::{JobInfo, Progress as Stage, Store};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Looks that a rate is made of, and the least time between them.
const LOOKS_MAX: usize = 16;
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Stops, cancels and watches a run, from any thread. Clones are of the same run.
#[derive(Clone)]
pub struct Handle {
    store: Arc<dyn Store>,
    job: JobId,
    stop: Stop,
    looks: Arc<Mutex<VecDeque<(Instant, u64)>>>,
}

/// How far a job is. The counts are the whole job's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Tasks so far.
    pub tasks: u64,
    /// Tasks that ended well. A task whose result nobody has taken yet is not among them.
    pub done: u64,
    /// Tasks that used up their attempts.
    pub dead: u64,
    /// Tasks that were canceled.
    pub canceled: u64,
    /// Tasks that a process holds, started or not.
    pub running: u64,
    /// Whether records are still being read, so that `tasks` will rise.
    pub open: bool,
    /// Whether all tasks have ended.
    pub finished: bool,
    /// Tasks that were done or dead in a second, over the last looks of this handle (a few seconds); 0 at the first look.
    pub rate: f64,
}

impl Progress {
    /// Tasks that have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.done + self.dead + self.canceled
    }
}

impl Handle {
    pub(crate) fn new(store: Arc<dyn Store>, job: JobId, stop: Stop) -> Handle {
        Handle { store, job, stop, looks: Arc::default() }
    }

    /// The job.
    #[must_use]
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Cancels the job, everywhere: what has not ended will not, and the runs of it end. Returns how many tasks that
    /// were.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn cancel(&self) -> Result<u64> {
        Ok(self.store.cancel(SystemClock::start().millis(), self.job, None)?)
    }

    /// Stops this run: nothing more is started, what runs may finish and results may be taken within the grace time.
    /// The job stays, and can be resumed. Returns at once.
    pub fn stop(&self) {
        self.stop.ask(StopLevel::Drain);
    }

    /// The same without grace: `async` handlers are dropped, and synchronous ones are told by
    /// [`Task::is_canceled`](crate::Task::is_canceled); nobody can end them from outside.
    pub fn stop_now(&self) {
        self.stop.ask(StopLevel::End);
    }

    /// How far the job is. It costs a read of the store.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn progress(&self) -> Result<Progress> {
        let info = self.store.job(self.job)?;
        // Canceled tasks end all at once, and nobody worked on them.
        let ended = info.counts.done + info.counts.dead;
        let rate = self.rate(Instant::now(), ended);
        Ok(progress(&info, rate))
    }

    fn rate(&self, now: Instant, ended: u64) -> f64 {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.back().is_none_or(|(at, _)| now.duration_since(*at) >= LOOK_EVERY) {
            if looks.len() == LOOKS_MAX {
                looks.pop_front();
            }
            looks.push_back((now, ended));
        }
        let (at, before) = *looks.front().expect("a look was made");
        let seconds = now.duration_since(at).as_secs_f64();
        if seconds > 0.0 { ended.saturating_sub(before) as f64 / seconds } else { 0.0 }
    }
}

fn progress(info: &JobInfo, rate: f64) -> Progress {
    Progress {
        tasks: info.tail,
        done: info.counts.done,
        dead: info.counts.dead,
        canceled: info.counts.canceled,
        running: info.counts.running,
        open: info.progress == Stage::Open,
        finished: matches!(info.progress, Stage::Finished(_)),
        rate,
    }
}
