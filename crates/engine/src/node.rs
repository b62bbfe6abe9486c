//! The coordinator: one loop that shows the node's state machine what happened and performs what it wants.
//!
//! It blocks in two places only: in the store, for as long as a commit takes, and at the bell. Workers with leased
//! work need neither.

use crate::chunk::TaskKey;
use crate::due;
use crate::error::{Error, Result};
use crate::handler::{Handler, Runner};
use crate::lending::Lending;
use crate::lent::Lent;
use crate::mailbox::Mailbox;
use crate::meter::{Phases, Usage};
use crate::observing::Observing;
use crate::process;
use crate::settings::{Outcome, Settings};
use crate::stop::{Stop, StopLevel};
use crate::worker::{Desk, Leases, Worker};
use divvy_core::{Clock, Intervals, JobId, Millis, NodeId, Range, Rng, Seq};
use divvy_decide::{Action, End, Node, Refusal, Tick, Tuned, Until, Worked};
use divvy_store::{Error as StoreError, Exchange, Held, JobSpec, Lease, NodeInfo, Store};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often a dying process is looked at.
const DYING_LOOK_EVERY: Duration = Duration::from_millis(2);

/// Who is told of a job that cannot run here, and why, and says whether the node goes on without it.
type Told = Box<dyn Fn(JobId, &str) -> bool>;

/// One node.
pub struct Engine {
    settings: Settings,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    stop: Stop,
    handlers: Vec<Arc<dyn Handler>>,
    joined: Option<NodeId>,
    on_unable: Told,
    on_tuned: Box<dyn Fn(&Tuned)>,
}

impl Engine {
    /// A node on this store, with these handlers; their kinds are what it will lease.
    #[must_use]
    pub fn new(
        mut settings: Settings,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        handlers: Vec<Arc<dyn Handler>>,
    ) -> Engine {
        settings.decide.handlers = handlers.iter().map(|h| h.kind().to_owned()).collect();
        Engine {
            settings,
            store,
            clock,
            stop: Stop::default(),
            handlers,
            joined: None,
            on_unable: Box::new(|_, _| true),
            on_tuned: Box::new(|_| {}),
        }
    }

    /// As a node that has registered already, and can be stopped by this handle.
    #[must_use]
    pub fn joined(self, node: NodeId, stop: Stop) -> Engine {
        Engine { joined: Some(node), stop, ..self }
    }

    /// With this to be told of jobs that cannot run here, and why. If it says `true`, which is what happens without it, they are
    /// left to other nodes; else the node ends with [`Error::Job`]. A node for one job does so in any case if it is that one.
    #[must_use]
    pub fn on_unable(self, told: impl Fn(JobId, &str) -> bool + 'static) -> Engine {
        Engine { on_unable: Box::new(told), ..self }
    }

    /// With this to be told what the node sets by what it measures.
    #[must_use]
    pub fn on_tuned(self, told: impl Fn(&Tuned) + 'static) -> Engine {
        Engine { on_tuned: Box::new(told), ..self }
    }

    /// A handle to stop it.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Runs until there is no more to do, or until told to stop. `watch` sees each tick: it is called between two
    /// sleeps, at least every report interval, and must be quick.
    ///
    /// # Errors
    /// See [`Error`]. What was leased comes back by the end of the session.
    pub fn run(self, watch: &mut dyn FnMut(&Usage)) -> Result<Outcome> {
        let node = match self.joined {
            Some(node) => node,
            None => self.store.register(self.clock.millis(), &self.info())?,
        };
        let mut running = Running::start(&self, node)?;
        let end = running.until_end(watch);
        running.close();
        let usage = running.usage();
        // Before the last operation of this node, which takes it along.
        running.observe();
        // In peace if it can be: then nothing is charged to what was still held.
        let left = self.store.leave(self.clock.millis(), running.id);
        let end = end?;
        if end != End::Refused {
            left?;
        }
        Ok(Outcome { end, usage })
    }

    fn info(&self) -> NodeInfo {
        let workers = self.settings.decide.workers;
        NodeInfo { name: self.settings.name.clone(), pid: std::process::id(), workers }
    }
}

struct Running<'a> {
    engine: &'a Engine,
    id: NodeId,
    node: Node,
    rng: Rng,
    lending: Lending,
    desks: Vec<Arc<Desk>>,
    /// What is told of tasks that have left the workers' hands.
    told: Arc<Mailbox>,
    phases: Arc<Phases>,
    /// `None` where no account is kept.
    observing: Option<Observing>,
    jobs: HashMap<JobId, Opened>,
    version: u64,
    liveness_at: u64,
    /// Whether the node's decisions have heard of the stop.
    stopping: bool,
    /// When the grace time is over.
    stop_at: Option<u64>,
    /// The degree of stop that the runners know of.
    stopped: StopLevel,
    end: Option<Result<End>>,
    /// A job that was canceled under this node, until the store is told what was seen of it.
    canceled: Option<JobId>,
}

/// A job that this node works on, or did until a moment ago.
#[derive(Clone)]
struct Opened {
    spec: Arc<JobSpec>,
    runner: Arc<dyn Runner>,
    /// Since when its tasks could have run, for those that were not tried before, where that is known.
    due: Option<Millis>,
    /// Without a lease since.
    idle_ns: Option<u64>,
}

impl<'a> Running<'a> {
    fn start(engine: &'a Engine, id: NodeId) -> Result<Running<'a>> {
        let (leases, phases) = (Arc::new(Leases::default()), Arc::new(Phases::new()));
        let session = engine.store.session_file(id);
        let told = Arc::new(Mailbox::default());
        let desks = desks(engine, session.as_deref(), &told)
            .map_err(|e| Error::Output(format!("cannot prepare the workers: {e}")))?;
        let lending = Lending::start(&engine.settings.decide, leases.clone(), |n| {
            Worker::new(desks[n].clone(), leases.clone(), phases.clone())
        })?;
        let observing = engine.settings.account.then(|| {
            let (store, clock) = (engine.store.clone(), engine.clock.clone());
            Observing::start(&engine.settings, store, clock, desks.clone(), phases.clone())
        });
        Ok(Running {
            node: Node::new(engine.settings.decide.clone()),
            rng: Rng::new(u64::from(std::process::id()) << 32 ^ engine.clock.millis() ^ id.0),
            version: engine.store.version()?,
            engine,
            id,
            lending,
            desks,
            told,
            phases,
            observing,
            jobs: HashMap::new(),
            liveness_at: 0,
            stopping: false,
            stop_at: None,
            stopped: StopLevel::Run,
            end: None,
            canceled: None,
        })
    }

    fn until_end(&mut self, watch: &mut dyn FnMut(&Usage)) -> Result<End> {
        let mut actions = Vec::new();
        self.look_after_others()?;
        if self.engine.settings.decide.until == Until::Empty {
            self.await_dying()?;
        }
        self.node.on_registered(self.now(), &mut actions);
        self.perform(actions);
        loop {
            if let Some(end) = self.end.take() {
                return end;
            }
            let now = self.now();
            self.phases.enter(self.node.waiting_for(), now);
            let until = self.wake_at(now).saturating_sub(now);
            self.engine.stop.bell().wait(Duration::from_nanos(until));
            self.turn()?;
            watch(&self.usage());
        }
    }

    /// When to look again: for the node's sake, for others' liveness, for changes, for the end of the grace time.
    fn wake_at(&self, now: u64) -> u64 {
        let settings = &self.engine.settings;
        let changes =
            if self.lending.idle_workers() > 0 { now + settings.changes_every_ns } else { u64::MAX };
        let watch = now + settings.decide.report_every_ns;
        let grace = self.stop_at.unwrap_or(u64::MAX);
        self.node.wake_at(now).min(changes).min(self.liveness_at).min(watch).min(grace)
    }

    fn turn(&mut self) -> Result<()> {
        self.mind_stop();
        self.look_after_others()?;
        self.let_go_of_idle();
        let mut actions = Vec::new();
        let tick = self.tick();
        let now = self.now();
        self.node.on_tick(now, tick, &mut self.rng, &mut actions);
        let version = self.engine.store.version()?;
        if version != self.version {
            self.version = version;
            self.node.on_changed(now, &mut actions);
        }
        self.perform(actions);
        if self.observing.as_ref().is_some_and(Observing::is_due) {
            self.observe();
        }
        self.observe_canceled();
        Ok(())
    }

    /// What was seen of a job that was canceled is told when its last task has ended here: nothing else may be written for long.
    fn observe_canceled(&mut self) {
        let nothing_runs = self.lending.idle_workers() == self.engine.settings.decide.workers;
        let Some(job) = self.canceled.take_if(|_| nothing_runs) else { return };
        let held = self.held();
        if let Some(observing) = &mut self.observing {
            observing.observe_now(self.id, &held, job);
        }
    }

    /// Tells the store what was seen since the last time.
    fn observe(&mut self) {
        let held = self.held();
        if let Some(observing) = &mut self.observing {
            observing.observe(self.id, &held);
        }
    }

    /// Puts the workers' time up to now down to the jobs it was for.
    fn divide(&mut self) {
        let held = self.held();
        if let Some(observing) = &mut self.observing {
            observing.divide(&held);
        }
    }

    /// The jobs of which the node has leases, or did when workers' time was last put down to jobs.
    fn held(&self) -> Vec<JobId> {
        let divided_at = self.observing.as_ref().map_or(0, Observing::divided_at);
        let is_held = |job: &Opened| job.idle_ns.is_none_or(|since| since > divided_at);
        self.jobs.iter().filter(|(_, job)| is_held(job)).map(|(id, _)| *id).collect()
    }

    /// Whether the node has no lease of anything.
    fn holds_nothing(&self) -> bool {
        self.jobs.values().all(|job| job.idle_ns.is_some())
    }

    fn mind_stop(&mut self) {
        let (level, now) = (self.engine.stop.level(), self.now());
        if level == StopLevel::Run {
            return;
        }
        if level >= StopLevel::Drain && self.stop_at.is_none() {
            self.stop_at = Some(now.saturating_add(self.engine.settings.grace_ns));
        }
        if !self.stopping {
            self.stopping = true;
            let mut actions = Vec::new();
            self.node.on_stop(now, &mut actions);
            self.perform(actions);
        }
        if self.stop_at.is_some_and(|at| now >= at) {
            self.stop_at = Some(u64::MAX);
            self.engine.stop.ask(StopLevel::End);
        }
        self.tell_runners();
    }

    /// Runners hear of each degree of a stop once.
    fn tell_runners(&mut self) {
        let level = self.engine.stop.level();
        if self.stopped < level {
            self.stopped = level;
            self.jobs.values().for_each(|job| job.runner.on_ended());
        }
    }

    /// Looks whether other nodes have died, now and then.
    fn look_after_others(&mut self) -> Result<()> {
        let now = self.now();
        if now < self.liveness_at {
            return Ok(());
        }
        self.liveness_at = now + self.engine.settings.liveness_every_ns;
        bury(&*self.engine.store, self.engine.clock.millis())?;
        Ok(())
    }

    /// A process that was killed while it started a child is survived for a moment by its session: the child has a copy of
    /// the lock until it has become another program. Who leaves when there is nothing to do would not see what is set
    /// free then.
    fn await_dying(&mut self) -> Result<()> {
        let end = self.now() + self.engine.settings.liveness_every_ns;
        let is_dying = |info: &NodeInfo| {
            let pid = Pid::from_raw(info.pid as i32);
            pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
        };
        while self.now() < end && self.engine.store.nodes()?.iter().any(|(_, info)| is_dying(info)) {
            std::thread::sleep(DYING_LOOK_EVERY);
            bury(&*self.engine.store, self.engine.clock.millis())?;
        }
        Ok(())
    }

    fn tick(&mut self) -> Tick {
        let mut tick = Tick {
            idle: self.lending.idle_workers(),
            unstarted: self.lending.unstarted(),
            strays: self.lending.strays(),
            // Before the outcomes are collected: what is no longer in hand has been told by now.
            in_hand: self.jobs.values().any(|job| job.runner.in_hand()),
            ..Tick::default()
        };
        self.desks.iter().for_each(|desk| desk.collect(&mut tick.worked));
        self.lending.settle(&mut tick.worked);
        let workers = self.engine.settings.decide.workers;
        self.told.collect(&mut tick.worked, tick.idle == workers);
        if tick.idle == workers
            && !tick.in_hand
            && tick.unstarted.is_empty()
            && tick.worked.is_empty()
            && self.node.is_quiet()
        {
            let told: Option<Vec<_>> = self.jobs.values().map(|job| job.runner.on_quiet()).collect();
            let done =
                |key: TaskKey| Worked { done: Range::new(key.seq, key.seq + 1).into(), ..Worked::default() };
            match told {
                Some(keys) => {
                    tick.worked.extend(keys.into_iter().flatten().map(|key| (key.lease, done(key))))
                }
                None => self.engine.stop.ask(StopLevel::End),
            }
        }
        if let Some(observing) = &mut self.observing {
            observing.on_tick(&tick);
        }
        tick
    }

    /// Performs actions, and those that follow from them, until there are none left.
    fn perform(&mut self, actions: Vec<Action>) {
        let mut queue = VecDeque::from(actions);
        while let Some(action) = queue.pop_front() {
            let mut more = Vec::new();
            match action {
                Action::Start(lease) => self.start_lease(lease, &mut more),
                Action::Run(key, seq) => self.run_task(key, seq),
                Action::Cut(key, n) => self.cut(key, n, &mut more),
                Action::Drop(key, tasks) => self.drop_tasks(key, &tasks),
                Action::Abandon(key) => self.abandon(key),
                Action::Retire(key) => self.retire(key),
                Action::Exchange(id, exchange) => self.exchange(id, &exchange, &mut more),
                Action::Tuned(tuned) => (self.engine.on_tuned)(&tuned),
                Action::Register => self.register(&mut more),
                Action::End(end) => self.finish(Ok(end)),
            }
            queue.extend(more);
        }
    }

    fn start_lease(&mut self, lease: Lease, more: &mut Vec<Action>) {
        let key = (lease.job, lease.fence);
        match self.try_start(lease) {
            Ok(()) => {}
            // A node for one job has nothing else to do; one for all jobs has.
            Err(Error::Job { job, why })
                if self.engine.settings.decide.until != Until::Finished(job)
                    && (self.engine.on_unable)(job, &why) =>
            {
                self.node.on_unable(self.now(), key, more);
            }
            Err(error) => self.finish(Err(error)),
        }
    }

    fn try_start(&mut self, lease: Lease) -> Result<()> {
        let Opened { spec, runner, due, .. } = self.job(lease.job)?;
        let key = (lease.job, lease.fence);
        runner.on_leased(key, &lease.open);
        let due = self.observing.as_mut().and_then(|observing| observing.due(&lease, due));
        let mut lent = Lent::new(lease, spec, runner);
        lent.due_ns = due.map(|due| self.by_own_clock(due));
        if lent.spec.array.is_none() {
            lent.records = self.engine.store.read(key.0, lent.hull())?;
        }
        self.lending.lend(lent)
    }

    fn run_task(&mut self, key: Held, seq: Seq) {
        if let Err(error) = self.lending.run(key, seq) {
            self.finish(Err(error));
        }
    }

    /// A job, opened at its first lease and let go some time after its last.
    fn job(&mut self, job: JobId) -> Result<Opened> {
        if self.holds_nothing() {
            // Waiting ends here.
            self.divide();
        }
        if let Some(known) = self.jobs.get_mut(&job) {
            known.idle_ns = None;
            return Ok(known.clone());
        }
        let info = self.engine.store.job(job)?;
        let due = match self.observing {
            Some(_) => due::since(&*self.engine.store, &info)?,
            None => None,
        };
        let spec = info.spec;
        let handler = self.engine.handlers.iter().find(|h| h.kind() == spec.handler);
        let handler = handler.expect("the store grants only what was asked for");
        let runner = handler.open(job, &spec).map_err(|why| Error::Job { job, why })?;
        let spec = Arc::new(spec);
        let opened = Opened { spec, runner, due, idle_ns: None };
        self.jobs.insert(job, opened.clone());
        Ok(opened)
    }

    /// A moment of the wall clock by the clock of the account; before its beginning it is negative.
    fn by_own_clock(&self, wall: Millis) -> i64 {
        let ago_ms = self.engine.clock.millis() as i64 - wall as i64;
        (self.now() as i64).saturating_sub(ago_ms.saturating_mul(1_000_000))
    }

    fn let_go_of_idle(&mut self) {
        let (now, keep_ns) = (self.now(), self.engine.settings.runner_idle_ns);
        let known = self.jobs.len();
        self.jobs.retain(|_, job| job.idle_ns.is_none_or(|since| now < since.saturating_add(keep_ns)));
        // What is noted of failed tasks may be much: it is gone through only if there is something to forget.
        if self.jobs.len() < known
            && let Some(observing) = &mut self.observing
        {
            observing.forget(|job| self.jobs.contains_key(&job));
        }
    }

    fn cut(&mut self, key: Held, n: u64, more: &mut Vec<Action>) {
        let back = self.lending.cut(key, n);
        self.node.on_cut(self.now(), key, &back, more);
    }

    fn drop_tasks(&mut self, key: Held, tasks: &Intervals) {
        if self.lending.drop_tasks(key, tasks) {
            self.engine.stop.wake_workers();
        }
    }

    fn abandon(&mut self, key: Held) {
        self.canceled = Some(key.0);
        self.lending.abandon(key);
        self.engine.stop.wake_workers();
    }

    fn retire(&mut self, key: Held) {
        if self.lending.retire(key) {
            let now = self.now();
            let last = self.jobs.values().filter(|job| job.idle_ns.is_none()).count() == 1;
            if last {
                self.divide();
            }
            self.jobs.entry(key.0).and_modify(|job| job.idle_ns = Some(now));
        }
    }

    fn exchange(&mut self, id: u64, exchange: &Exchange, more: &mut Vec<Action>) {
        if let Err(error) = self.before_report(exchange) {
            return self.finish(Err(error));
        }
        self.observe_the_end(exchange);
        let sent = self.now();
        self.phases.enter(self.node.waiting_for(), sent);
        let wall = self.engine.clock.millis();
        let answer = self.engine.store.exchange_costed(wall, self.id, exchange);
        let now = self.now();
        match answer {
            Ok((reply, cost)) => {
                if let Some(observing) = &mut self.observing {
                    // Before the node lets go of a lease whose last tasks these were: it is asked for here.
                    observing.on_trip(exchange, &reply, cost, (sent, now));
                    observing.on_reported(wall, exchange, |lease| self.lending.tried(lease));
                }
                self.node.on_reply(now, wall, id, reply, more);
            }
            Err(error) => {
                let why = match &error {
                    StoreError::NodeGone(_) => Refusal::Gone,
                    e if e.is_retryable() => Refusal::Again,
                    _ => Refusal::ForGood,
                };
                self.node.on_refused(now, id, why, &mut self.rng, more);
                if why == Refusal::ForGood {
                    self.finish(Err(error.into()));
                }
            }
        }
        self.phases.enter(self.node.waiting_for(), now);
    }

    /// With what may be the last report of a job goes what was seen of it, or nobody would hear of that before this node
    /// writes again.
    fn observe_the_end(&mut self, exchange: &Exchange) {
        let nothing_runs = self.lending.idle_workers() == self.engine.settings.decide.workers;
        let due = self.observing.as_ref().is_some_and(Observing::is_due_at_the_end);
        if nothing_runs && due && !exchange.reports.is_empty() {
            self.observe();
        }
    }

    /// Output first, outcome second: nothing is reported, done or failed, whose results could still be lost.
    fn before_report(&self, exchange: &Exchange) -> Result<()> {
        for report in &exchange.reports {
            if let Some(job) = self.jobs.get(&report.job) {
                job.runner.before_report().map_err(Error::Output)?;
            }
        }
        Ok(())
    }

    fn register(&mut self, more: &mut Vec<Action>) {
        match self.engine.store.register(self.engine.clock.millis(), &self.engine.info()) {
            Ok(id) => {
                self.id = id;
                self.node.on_registered(self.now(), more);
            }
            Err(error) => self.finish(Err(error.into())),
        }
    }

    /// The first reason to end is the one that counts.
    fn finish(&mut self, end: Result<End>) {
        self.end.get_or_insert(end);
    }

    /// Ends what still runs and the workers with it.
    fn close(&mut self) {
        self.engine.stop.ask(StopLevel::End);
        self.tell_runners();
        self.lending.close();
        // Runners go with the last that knows them, and with them the processes they kept: before the session ends,
        // so that no survivor has to look for them.
        self.jobs.clear();
        self.phases.enter(divvy_core::State::Parked, self.now());
    }

    fn usage(&self) -> Usage {
        let now = self.now();
        let mut usage = Usage { workers: self.desks.len(), wall_ns: now, ..Usage::default() };
        for desk in &self.desks {
            usage.account.merge(&desk.meter.read(&self.phases, now));
            usage.cpu_ns += desk.meter.cpu_ns();
        }
        usage
    }

    fn now(&self) -> u64 {
        self.engine.clock.nanos()
    }
}

/// One for each worker.
fn desks(engine: &Engine, session: Option<&Path>, told: &Arc<Mailbox>) -> io::Result<Vec<Arc<Desk>>> {
    let children = session.map(process::Children::open).transpose()?;
    let nothing = Arc::new(File::open("/dev/null")?);
    let desk = |number| {
        let children = children.as_ref().map(|children| children.of(number));
        let (stop, clock) = (engine.stop.clone(), engine.clock.clone());
        let account = engine.settings.account;
        Desk::new(number, stop, clock, children, nothing.clone(), told.clone(), account).map(Arc::new)
    };
    (0..engine.settings.decide.workers as usize).map(desk).collect()
}

/// Ends what dead nodes left running, then frees what they held.
///
/// # Errors
/// Whatever the store says.
pub fn bury(store: &dyn Store, now: Millis) -> divvy_store::Result<()> {
    for gone in store.gone()? {
        if let Some(session) = store.session_file(gone) {
            process::end_orphans(&session);
        }
        store.expire(now, gone)?;
    }
    Ok(())
}
