//! A program that runs what others submit.

use crate::calls::{Function, Plan};
use crate::divvy::Divvy;
use crate::error::{Error, Result};
use crate::node::{self, Session, Trouble};
use crate::record::Record;
use crate::task::Task;
use divvy_decide::Until;
use divvy_engine::{Handler, Stop, StopLevel, Usage};
use std::fmt::Display;
use std::sync::Arc;

/// A node with handlers for kinds of jobs, whoever submits them. From [`Divvy::worker`].
///
/// ```
/// use divvy::{Divvy, Job};
///
/// let divvy = Divvy::in_memory()?;
/// divvy.enqueue(Job::records(["a.jpg", "b.jpg"]).handler("resize"))?;
///
/// let worker = divvy.worker().handle("resize", |task| {
///     let file: String = task.input;
///     divvy::ok(file.len())
/// });
/// worker.run_until_empty()?;
/// # Ok::<(), divvy::Error>(())
/// ```
#[must_use = "a worker does nothing until it is run"]
pub struct Worker {
    divvy: Divvy,
    handlers: Vec<Arc<dyn Handler>>,
    stop: Stop,
    trouble: Trouble,
}

/// Stops a [`Worker`] from any thread.
#[derive(Clone, Debug)]
pub struct Stopper(Stop);

impl Stopper {
    /// Nothing more is started, what runs may finish within the grace time. Returns at once.
    pub fn stop(&self) {
        self.0.ask(StopLevel::Drain);
    }

    /// The same without grace.
    pub fn stop_now(&self) {
        self.0.ask(StopLevel::End);
    }
}

impl Worker {
    pub(crate) fn new(divvy: Divvy) -> Worker {
        Worker { divvy, handlers: Vec::new(), stop: Stop::default(), trouble: Trouble::default() }
    }

    /// Runs jobs of this kind with this function. What it returns is dropped: jobs that others submit keep no results, so
    /// it puts them where they belong.
    pub fn handle<In, Out, E, F>(mut self, kind: impl Into<String>, function: F) -> Worker
    where
        In: Record,
        Out: Send + 'static,
        E: Display + 'static,
        F: Fn(Task<In>) -> Result<Out, E> + Send + Sync + 'static,
    {
        let plan = Plan { channel: None, retry_ms: self.divvy.0.options.retry_ms() };
        self.handlers.push(Arc::new(Function::<In, Out, F>::new(kind.into(), function, plan)));
        self
    }

    /// The same with an `async` function.
    ///
    /// # Errors
    /// [`Error::Start`] if there is no runtime and none can be made.
    #[cfg(feature = "tokio")]
    pub fn handle_async<In, Out, E, F, Fut>(
        mut self,
        kind: impl Into<String>,
        bounds: crate::Async,
        function: F,
    ) -> Result<Worker>
    where
        In: Record,
        Out: Send + 'static,
        E: Display + Send + 'static,
        F: Fn(Task<In>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Out, E>> + Send + 'static,
    {
        let plan = Plan { channel: None, retry_ms: self.divvy.0.options.retry_ms() };
        let runtime = self.divvy.0.runtime.handle(&bounds)?;
        let workers = self.divvy.0.options.workers;
        let flights = crate::flight::Flights::<In, Out, F>::new(
            kind.into(),
            function,
            plan,
            bounds,
            runtime,
            workers,
            self.trouble.clone(),
        );
        self.handlers.push(Arc::new(flights));
        Ok(self)
    }

    /// To stop it.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Runs until it is stopped. Returns where the worker-seconds went.
    ///
    /// # Errors
    /// What ended the node before its time.
    pub fn run(self) -> Result<Usage> {
        self.go(Until::Stopped)
    }

    /// Runs until there is nothing left for its handlers, now or when a failed task is due again.
    ///
    /// # Errors
    /// What ended the node before its time.
    pub fn run_until_empty(self) -> Result<Usage> {
        self.go(Until::Empty)
    }

    fn go(self, until: Until) -> Result<Usage> {
        if self.handlers.is_empty() {
            return Err(Error::Options(vec!["a worker needs a handler: give it one with `handle`"]));
        }
        let mut session = Session::begin(&self.divvy.0)?;
        session.stop = self.stop;
        node::work(session, self.handlers, until, &self.trouble)
    }
}
