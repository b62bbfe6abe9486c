//! A node of this process: an engine with one handler or many, and what goes on beside it.

use crate::divvy::Inside;
use crate::error::{Error, Result};
use crate::feed::Feeding;
use crate::handle::{Handle, Progress};
use crate::summary::Summary;
use divvy_core::{Clock, JobId, NodeId};
use divvy_decide::{Config, Until};
use divvy_engine::{Engine, Handler, Outcome, Settings, Stop, SystemClock, Usage};
use divvy_store::NodeInfo;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A session in the store, for as long as it lives or until a node takes it over.
pub(crate) struct Session {
    inside: Arc<Inside>,
    pub(crate) id: NodeId,
    pub(crate) stop: Stop,
    clock: SystemClock,
    taken_over: bool,
}

/// What calls back while a node runs.
pub(crate) struct Watch {
    pub(crate) every: Duration,
    pub(crate) f: Box<dyn FnMut(&Progress) + Send>,
}

/// Trouble beside the node, which ends it: the first counts.
#[derive(Clone, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<Error>>>);

impl Trouble {
    #[cfg(feature = "tokio")]
    pub(crate) fn report(&self, error: Error) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Session {
    pub(crate) fn begin(inside: &Arc<Inside>) -> Result<Session> {
        let clock = SystemClock::start();
        let workers = inside.options.workers as u32;
        let info = NodeInfo { name: inside.name.clone(), pid: std::process::id(), workers };
        let id = inside.store.register(clock.millis(), &info)?;
        Ok(Session { inside: inside.clone(), id, stop: Stop::default(), clock, taken_over: false })
    }

    /// Runs the node on this thread.
    fn run(
        mut self,
        until: Until,
        handlers: Vec<Arc<dyn Handler>>,
        watch: &mut dyn FnMut(),
    ) -> divvy_engine::Result<Outcome> {
        let options = &self.inside.options;
        let kinds = handlers.iter().map(|handler| handler.kind().to_owned()).collect();
        let mut decide = Config::new(options.workers as u32, kinds, until);
        decide.retry_ms = options.retry_ms();
        let mut settings = Settings::new(decide);
        settings.grace_ns = u64::try_from(options.grace.as_nanos()).unwrap_or(u64::MAX);
        let unable = Rc::new(RefCell::new(None));
        let told = unable.clone();
        // The engine ends the session.
        self.taken_over = true;
        let engine = Engine::new(settings, self.inside.store.clone(), Arc::new(self.clock), handlers)
            .joined(self.id, self.stop.clone())
            .on_unable(move |job, why| {
                told.borrow_mut().get_or_insert((job, why.to_owned()));
                true
            });
        let outcome = engine.run(&mut |_| watch())?;
        // The others have run; that this one could not is still an error, and the first is told.
        match unable.borrow_mut().take() {
            Some((job, why)) => Err(divvy_engine::Error::Job { job, why }),
            None => Ok(outcome),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.taken_over {
            // If that fails the session ends with the process.
            let _ = self.inside.store.leave(self.clock.millis(), self.id);
        }
    }
}

/// A node for one job.
pub(crate) struct JobNode {
    pub(crate) session: Session,
    pub(crate) job: JobId,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) feeding: Option<Feeding>,
    pub(crate) handle: Handle,
    pub(crate) watch: Option<Watch>,
    pub(crate) trouble: Trouble,
}

impl JobNode {
    /// Runs the job to its end, or until somebody stops it.
    pub(crate) fn run(mut self) -> Result<Summary> {
        let (store, handle) = (self.session.inside.store.clone(), self.handle);
        let mut shown = Instant::now();
        let mut watch = || {
            if let Some(watch) = self.watch.as_mut().filter(|watch| shown.elapsed() >= watch.every) {
                shown = Instant::now();
                // A store in trouble ends the node by itself.
                handle.progress().iter().for_each(|progress| (watch.f)(progress));
            }
        };
        let ended = self.session.run(Until::Finished(self.job), vec![self.handler], &mut watch);
        let fed = self.feeding.map_or(Ok(()), Feeding::end);
        let outcome = ended?;
        if let Some(error) = self.trouble.take() {
            return Err(error);
        }
        fed?;
        if let (Some(watch), Ok(progress)) = (self.watch.as_mut(), handle.progress()) {
            (watch.f)(&progress);
        }
        Ok(Summary::new(&store.job(self.job)?, outcome.end, outcome.usage))
    }
}

/// A node for whatever job there is for its handlers.
pub(crate) fn work(
    session: Session,
    handlers: Vec<Arc<dyn Handler>>,
    until: Until,
    trouble: &Trouble,
) -> Result<Usage> {
    let outcome = session.run(until, handlers, &mut || {})?;
    match trouble.take() {
        Some(error) => Err(error),
        None => Ok(outcome.usage),
    }
}
