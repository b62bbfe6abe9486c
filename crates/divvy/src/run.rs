//! A submitted job that this program is about to run.

use crate::calls::{Function, Plan};
use crate::divvy::Divvy;
use crate::error::Result;
use crate::feed::{Feed, spawn};
use crate::handle::{Handle, Progress};
use crate::node::{JobNode, Session, Trouble, Watch};
use crate::record::Record;
use crate::results::{Channel, Results};
use crate::summary::Summary;
use crate::task::Task;
use divvy_core::JobId;
use divvy_engine::Handler;
use divvy_store::JobSpec;
use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// Results that may wait to be taken, unless told otherwise.
const RESULTS_MAX: usize = 8_192;

/// A job of the store, and this program's part in it. From [`Divvy::submit`], [`Divvy::submit_or_resume`] and [`Divvy::resume`].
///
/// It is run by one of the methods that take a handler:
///
/// | handler | results | method |
/// |---|---|---|
/// | `Fn(Task<In>) -> Result<Out, E>` | dropped | [`run`](Run::run) |
/// | | taken | [`results`](Run::results) |
/// | `async` | dropped | `run_async` |
/// | | taken | `results_async` |
///
/// Dropped before that, the job stays in the store and can be resumed.
#[must_use = "a job does nothing until it is run"]
pub struct Run<In> {
    divvy: Divvy,
    session: Session,
    job: JobId,
    kind: String,
    in_order: bool,
    feed: Option<Feed>,
    handle: Handle,
    watch: Option<Watch>,
    results_max: usize,
    #[cfg(feature = "tokio")]
    bounds: crate::Async,
    input: PhantomData<fn() -> In>,
}

impl<In: Record> Run<In> {
    pub(crate) fn new(
        divvy: Divvy,
        session: Session,
        job: JobId,
        spec: &JobSpec,
        feed: Option<Feed>,
    ) -> Run<In> {
        let handle = Handle::new(divvy.0.store.clone(), job, session.stop.clone());
        Run {
            divvy,
            session,
            job,
            kind: spec.handler.clone(),
            in_order: spec.policy.exclusive,
            feed,
            handle,
            watch: None,
            results_max: RESULTS_MAX,
            #[cfg(feature = "tokio")]
            bounds: crate::Async::default(),
            input: PhantomData,
        }
    }

    /// The job's id.
    #[must_use]
    pub fn job(&self) -> JobId {
        self.job
    }

    /// To stop, cancel and watch the run.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Calls back about so often while the job runs, and once at the end. `f` runs on the node's own thread and must be
    /// quick.
    pub fn on_progress(mut self, every: Duration, f: impl FnMut(&Progress) + Send + 'static) -> Run<In> {
        self.watch = Some(Watch { every, f: Box::new(f) });
        self
    }

    /// How many results may wait to be taken before workers are held back. At least 1; 8 192 unless set. Large results
    /// want fewer.
    pub fn results_max(mut self, most: usize) -> Run<In> {
        self.results_max = most.max(1);
        self
    }

    /// Runs the job on this thread's time, and returns when it has finished, was canceled, or stopped. What the handler
    /// returns is dropped, and costs nothing.
    ///
    /// # Errors
    /// What ended the node before its time, and [`Error::Input`](crate::Error::Input). Failed tasks are no error: they are counted in the summary.
    pub fn run<Out, E, F>(self, function: F) -> Result<Summary>
    where
        Out: Send + 'static,
        E: Display + 'static,
        F: Fn(Task<In>) -> Result<Out, E> + Send + Sync + 'static,
    {
        let handler = self.function(function, None);
        self.node(handler, Trouble::default())?.run()
    }

    /// Runs the job in the background and gives its results as they come, or in the order of the inputs for a job that
    /// is [`in_order`](crate::Job::in_order).
    ///
    /// # Errors
    /// If there are no threads for it. What ends the node later is told among the results.
    pub fn results<Out, E, F>(self, function: F) -> Result<Results<Out>>
    where
        Out: Send + 'static,
        E: Display + 'static,
        F: Fn(Task<In>) -> Result<Out, E> + Send + Sync + 'static,
    {
        let channel = self.channel();
        let handler = self.function(function, Some(channel.clone()));
        self.with_results(channel, handler, Trouble::default())
    }

    fn channel<Out>(&self) -> Arc<Channel<Out>> {
        Arc::new(Channel::new(self.results_max, self.in_order, self.session.stop.clone()))
    }

    fn plan<Out>(&self, channel: Option<Arc<Channel<Out>>>) -> Plan<Out> {
        Plan { channel, retry_ms: self.divvy.0.options.retry_ms() }
    }

    fn function<Out, E, F>(&self, function: F, channel: Option<Arc<Channel<Out>>>) -> Arc<dyn Handler>
    where
        Out: Send + 'static,
        E: Display + 'static,
        F: Fn(Task<In>) -> Result<Out, E> + Send + Sync + 'static,
    {
        Arc::new(Function::<In, Out, F>::new(self.kind.clone(), function, self.plan(channel)))
    }

    /// Everything is ready: what feeds the job begins.
    fn node(self, handler: Arc<dyn Handler>, trouble: Trouble) -> Result<JobNode> {
        let Run { divvy, session, job, feed, handle, watch, .. } = self;
        let feeding =
            feed.map(|feed| feed.start(divvy.0.store.clone(), job, session.stop.clone())).transpose()?;
        Ok(JobNode { session, job, handler, feeding, handle, watch, trouble })
    }

    fn with_results<Out: Send + 'static>(
        self,
        channel: Arc<Channel<Out>>,
        handler: Arc<dyn Handler>,
        trouble: Trouble,
    ) -> Result<Results<Out>> {
        let handle = self.handle();
        let node = self.node(handler, trouble)?;
        let end = Ends(channel.clone());
        let node = spawn("divvy-node", move || {
            let ended = node.run();
            end.0.end(ended);
        })?;
        Ok(Results::new(channel, handle, node))
    }
}

/// Ends the results when the node's thread does, also by a panic: nobody may wait for it for ever.
struct Ends<Out>(Arc<Channel<Out>>);

impl<Out> Drop for Ends<Out> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end(Err(crate::Error::Start("the node's thread panicked, which is a bug".into())));
        }
    }
}

#[cfg(feature = "tokio")]
impl<In: Record> Run<In> {
    /// How many `async` handlers may be under way at once. At least 1; 1 000 unless set.
    pub fn concurrency(mut self, most: usize) -> Run<In> {
        self.bounds = self.bounds.concurrency(most);
        self
    }

    /// How long an attempt of an `async` handler may take; it is dropped then, and has failed. No limit unless set. (A
    /// synchronous function cannot be ended from outside, so there is no such limit for it.)
    pub fn timeout(mut self, limit: Duration) -> Run<In> {
        self.bounds = self.bounds.timeout(limit);
        self
    }

    /// Where `async` handlers run. Unless set, in the runtime that this is called in, or in one of the library's own.
    pub fn on_runtime(mut self, runtime: tokio::runtime::Handle) -> Run<In> {
        self.bounds = self.bounds.on_runtime(runtime);
        self
    }

    /// Runs the job with an `async` handler. What it returns is dropped. Dropping the future stops the run.
    ///
    /// # Errors
    /// As [`run`](Run::run), and [`Error::Start`](crate::Error::Start) without a runtime.
    pub async fn run_async<Out, E, F, Fut>(self, function: F) -> Result<Summary>
    where
        Out: Send + 'static,
        E: Display + Send + 'static,
        F: Fn(Task<In>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Out, E>> + Send + 'static,
    {
        self.start_async(function)?.finished().await
    }

    /// The same for a program that is not `async` itself: blocks until the run has ended.
    ///
    /// # Errors
    /// As [`run_async`](Run::run_async).
    ///
    /// # Panics
    /// If called within a runtime, whose thread it would block.
    pub fn run_async_blocking<Out, E, F, Fut>(self, function: F) -> Result<Summary>
    where
        Out: Send + 'static,
        E: Display + Send + 'static,
        F: Fn(Task<In>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Out, E>> + Send + 'static,
    {
        self.start_async(function)?.finished_blocking()
    }

    fn start_async<Out, E, F, Fut>(self, function: F) -> Result<crate::flight::Started>
    where
        Out: Send + 'static,
        E: Display + Send + 'static,
        F: Fn(Task<In>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Out, E>> + Send + 'static,
    {
        let trouble = Trouble::default();
        let handler = self.flights(function, None, trouble.clone())?;
        let handle = self.handle();
        let node = self.node(handler, trouble)?;
        crate::flight::Started::new(node, handle)
    }

    /// Runs an `async` handler in the background and gives the results, as [`results`](Run::results) does;
    /// [`into_stream`](Results::into_stream) makes a stream of them. As an iterator they block: not on the only thread of
    /// the runtime that the handlers need.
    ///
    /// # Errors
    /// As [`results`](Run::results), and [`Error::Start`](crate::Error::Start) without a runtime.
    pub fn results_async<Out, E, F, Fut>(self, function: F) -> Result<Results<Out>>
    where
        Out: Send + 'static,
        E: Display + Send + 'static,
        F: Fn(Task<In>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Out, E>> + Send + 'static,
    {
        let (trouble, channel) = (Trouble::default(), self.channel());
        let handler = self.flights(function, Some(channel.clone()), trouble.clone())?;
        self.with_results(channel, handler, trouble)
    }

    fn flights<Out, E, F, Fut>(
        &self,
        function: F,
        channel: Option<Arc<Channel<Out>>>,
        trouble: Trouble,
    ) -> Result<Arc<dyn Handler>>
    where
        Out: Send + 'static,
        E: Display + Send + 'static,
        F: Fn(Task<In>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Out, E>> + Send + 'static,
    {
        let runtime = self.divvy.0.runtime.handle(&self.bounds)?;
        let (kind, plan) = (self.kind.clone(), self.plan(channel));
        let (bounds, workers) = (self.bounds.clone(), self.divvy.0.options.workers);
        Ok(Arc::new(crate::flight::Flights::<In, Out, F>::new(
            kind, function, plan, bounds, runtime, workers, trouble,
        )))
    }
}
