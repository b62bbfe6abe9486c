//! A node in the foreground: what `run`, `resume` and `work` have in common.

mod capacity;
mod eta;
mod progress;
mod signals;
mod tuning;

pub use capacity::capacity;
pub use progress::time;

use crate::args::{Output, ShowFlags, WorkersArg};
use crate::command::{
    BACKGROUND_HANDLER_KIND, BACKGROUND_KIND, Background, Broken, Commands, Enough, Halted, Halting, Logs,
    Outlet, Recipe, Ways, share,
};
use crate::exit::{Exit, bad_usage};
use crate::handler::Handlers;
use crate::jobs::count;
use crate::lang::jobs::WorkerCount;
use crate::mapreduce::Teller;
use crate::{bill, home};
use anyhow::{Context, Result};
use divvy_core::{Clock, Demand, JobId, NodeId};
use divvy_decide::{Config, End, Until};
use divvy_engine::process::end_orphans;
use divvy_engine::{Engine, Handler, Outcome, Settings, Stop, SystemClock};
use divvy_mapreduce::phase;
use divvy_store::{JobInfo, NodeInfo, Progress as Stage, Store};
use progress::Progress;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Failed tasks are named while they fit into so much, the first in any case; `divvy show` has them all.
const NAMED_BYTES: usize = 160;
/// A run that is over sooner has no bill unless asked for: it would tell of starting up and little else.
const BILLED_NS: u64 = 1_000_000_000;
/// Most workers for `-j 0`: each has a thread and open files.
const WORKERS_MAX: u32 = 1_000;
/// Open files of a worker while it runs a command.
const WORKER_FILES: u64 = 8;
/// Open files of everything else: the store, and commands that are just being started.
const OTHER_FILES: u64 = 64;

/// The number of workers that was asked for.
///
/// # Errors
/// Bad usage.
pub fn workers(arg: &WorkersArg) -> Result<u32> {
    let count = WorkerCount::parse(arg.count.as_bytes()).map_err(|e| bad_usage(format!("-j: {e}")))?;
    let cores = std::thread::available_parallelism()?.try_into().context("so many cores")?;
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let fits = files.saturating_sub(OTHER_FILES) / WORKER_FILES;
    let most = fits.clamp(1, u64::from(WORKERS_MAX)) as u32;
    let count = count.resolve(cores).map_or(most, std::num::NonZeroU32::get);
    if count > 10 * WORKERS_MAX {
        return Err(bad_usage(format!("-j {count}: more than {} workers", 10 * WORKERS_MAX)));
    }
    if u64::from(count) > fits {
        let needs = u64::from(count) * WORKER_FILES + OTHER_FILES;
        return Err(bad_usage(format!(
            "-j {count}: the limit of {files} open files is enough for {fits} workers; `ulimit -n {needs}` raises it"
        )));
    }
    Ok(count)
}

/// A node that has joined its store and is about to run.
pub struct Session {
    store: Arc<dyn Store>,
    clock: SystemClock,
    workers: u32,
    node: NodeId,
    show: ShowFlags,
    output: Output,
    outlet: Arc<Outlet>,
    halted: Arc<Halted>,
    teller: Teller,
    stop: Stop,
    spill: PathBuf,
    /// What it has for its tasks.
    capacity: Demand,
    /// Only jobs that nobody watches, and nothing is printed.
    background: bool,
}

impl Session {
    /// Joins the store.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn join(
        store: Arc<dyn Store>,
        clock: SystemClock,
        workers: u32,
        show: ShowFlags,
        output: Output,
        spill: PathBuf,
    ) -> Result<Session> {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let info = NodeInfo { name, pid: std::process::id(), workers };
        let stop = Stop::default();
        // Before there is anything to lose.
        signals::mind(&stop)?;
        let node = store.register(clock.millis(), &info)?;
        let teller = Teller::new(output, show.bill);
        let (outlet, halted) = (Arc::new(Outlet::new(output == Output::Quiet)), Arc::default());
        Ok(Session {
            store,
            clock,
            workers,
            node,
            show,
            output,
            outlet,
            halted,
            teller,
            stop,
            spill,
            capacity: Demand::new(),
            background: false,
        })
    }

    /// The same with this for its tasks; without it there is nothing, and tasks that take something are left to others.
    pub fn with_capacity(self, capacity: Demand) -> Session {
        Session { capacity, ..self }
    }

    /// The same for jobs that nobody watches, and no others.
    pub fn in_background(self) -> Session {
        Session { background: true, ..self }
    }

    /// The node's id.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// A handle to stop it.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Runs one job to its end, or until somebody stops it, and says so.
    ///
    /// # Errors
    /// What ended the node before its time.
    pub fn run_job(self, job: JobId) -> Result<Exit> {
        let (store, output, outlet) = (self.store.clone(), self.output, self.outlet.clone());
        let halted = self.halted.clone();
        let watched = self.teller.watch(&*store, job);
        let outcome =
            self.run(Until::Finished(job), Some(job)).map_err(|error| match error.downcast_ref() {
                // It would say the same again.
                Some(divvy_engine::Error::Job { .. }) => {
                    error.context(format!("job {job} is not finished; nothing is lost"))
                }
                _ => error.context(format!(
                    "job {job} is not finished; nothing is lost: `divvy resume {job}` goes on"
                )),
            })?;
        let exit = job_exit(&*store, job, output)?;
        if exit == Exit::Done {
            watched.tell();
        }
        match (outcome.end, outlet.broken()) {
            (_, Some(broken)) => Ok(broken_off(job, broken, output)),
            _ if let Some(code) = halted.code() => say_halted(&*store, job, code, output),
            (End::Finished, None) => Ok(exit),
            (End::Stopped | End::Refused, None) => {
                say(
                    output,
                    &format!("divvy: job {job} was stopped; nothing is lost. Go on with: divvy resume {job}"),
                );
                Ok(Exit::Interrupted)
            }
        }
    }

    /// Runs whatever is in the store.
    ///
    /// # Errors
    /// What ended the node before its time.
    pub fn run_all(self, until: Until) -> Result<Exit> {
        let outlet = self.outlet.clone();
        let outcome = self.run(until, None)?;
        Ok(match (outlet.broken(), outcome.end) {
            (Some(Broken::Failed(_)), _) => Exit::Unable,
            (_, End::Finished) => Exit::Done,
            (_, End::Stopped | End::Refused) => Exit::Interrupted,
        })
    }

    /// The jobs of the map-reduce that a job belongs to. To people they are one: if one cannot run here, none can.
    fn phases_of(&self, job: Option<JobId>) -> Result<Vec<JobId>> {
        let Some(job) = job else { return Ok(Vec::new()) };
        let Some(dir) = phase::dir_of(&self.store.job(job)?.spec) else { return Ok(Vec::new()) };
        let jobs = self.store.jobs()?.into_iter();
        let phases = jobs.filter(|job| phase::dir_of(&job.spec).as_ref() == Some(&dir));
        Ok(phases.map(|job| job.id).collect())
    }

    /// Runs until `until`. `job` is what progress is shown of.
    ///
    /// # Errors
    /// What ended the node before its time.
    pub fn run(self, until: Until, job: Option<JobId>) -> Result<Outcome> {
        let session = self.store.session_file(self.node);
        let halting = job.map(|job| {
            let store = self.store.clone();
            let total = Box::new(move || total(&store.job(job).ok()?));
            Halting { halted: self.halted.clone(), total }
        });
        let logs = Logs::new(home::logs_dir()?, self.node, self.background);
        let ways = Ways { outlet: self.outlet.clone(), logs, spill: self.spill.clone() };
        let commands = Commands::new(ways.clone(), session.clone(), halting);
        let stays = Handlers::new(ways, session.clone());
        let mut handlers: Vec<Arc<dyn Handler>> = vec![
            Arc::new(Background::new(BACKGROUND_KIND, Arc::new(commands.clone()))),
            Arc::new(Background::new(BACKGROUND_HANDLER_KIND, Arc::new(stays.clone().in_background()))),
        ];
        if !self.background {
            handlers.push(Arc::new(commands));
            handlers.push(Arc::new(stays));
            let tell = self.teller.on_finish();
            let programs = crate::mapreduce::programs(&self.stop, session.as_deref(), &self.outlet);
            handlers.extend(phase::handlers(&programs, self.workers, &self.stop, &tell));
        }
        let kinds = handlers.iter().map(|handler| handler.kind().to_owned()).collect();
        let mut settings = Settings::new(Config::new(self.workers, kinds, until));
        let (output, phases) = (self.output, self.phases_of(job)?);
        settings.decide.capacity = self.capacity;
        settings.grace_ns = self.show.grace.saturating_mul(1_000_000_000);
        let engine = Engine::new(settings, self.store.clone(), Arc::new(self.clock), handlers)
            .joined(self.node, self.stop.clone())
            .on_unable(move |job, why| {
                let goes_on = !phases.contains(&job);
                if goes_on {
                    say(output, &format!("divvy: job {job} cannot run here and is left: {why}"));
                }
                goes_on
            });
        let explains = self.show.explain_tuning;
        let engine = engine.on_tuned(move |tuned| {
            if explains {
                tuning::tell(tuned, output);
            }
        });
        let shows = |asked: bool| self.output == Output::Human && (asked || std::io::stderr().is_terminal());
        let mut progress = job
            .filter(|_| shows(self.show.progress))
            .map(|job| Progress::new(self.store.clone(), job, self.outlet.clone()));
        if let Some(progress) = &progress {
            self.outlet.set_bar(progress.bar());
        }
        let outcome = engine.run(&mut |usage| {
            if let Some(progress) = &mut progress {
                progress.look(usage.wall_ns);
            }
        });
        drop(progress);
        // What left its task's process group ends with the node at the latest. Looking for it after each task would
        // cost more than many tasks.
        session.as_deref().inspect(|session| end_orphans(session));
        let outcome = outcome?;
        if let (None, Some(Broken::Failed(why))) = (job, self.outlet.broken()) {
            say(self.output, &format!("divvy: {why}. Nothing is lost"));
        }
        let bill = || bill::at_end(&*self.store, job, &outcome.usage);
        match self.output {
            Output::Human if self.show.bill || shows(false) && outcome.usage.wall_ns >= BILLED_NS => {
                eprint!("{}", bill()?.0);
            }
            Output::Json if self.show.bill || job.is_some() => eprintln!("{}", bill()?.1),
            _ => {}
        }
        Ok(outcome)
    }
}

/// What a job's dead tasks mean for the exit code, and a word about them.
///
/// # Errors
/// Whatever the store says.
pub fn job_exit(store: &dyn Store, job: JobId, output: Output) -> Result<Exit> {
    let info = store.job(job)?;
    let dead = info.counts.dead;
    if dead > 0 {
        let first = store.dead(job, 0, 3)?;
        let (mut named, mut left) = (String::new(), dead);
        for d in &first {
            let next = format!("{} ({})", info.spec.id_of(d.seq), d.error);
            if !named.is_empty() && named.len() + next.len() > NAMED_BYTES {
                break;
            }
            named += &format!("{}{next}", if named.is_empty() { "" } else { ", " });
            left = left.saturating_sub(1);
        }
        let more = if left > 0 { ", ..." } else { "" };
        say(
            output,
            &format!(
                "divvy: {dead} of {} failed: {named}{more}\n       `divvy show {job}` lists them, `divvy retry {job}` \
                 gives them new attempts",
                count(info.tail, "task")
            ),
        );
    }
    let canceled = info.counts.canceled;
    if canceled > 0 {
        let were = if canceled == 1 { "was" } else { "were" };
        say(output, &format!("divvy: {canceled} of {} {were} canceled", count(info.tail, "task")));
    }
    Ok(match () {
        () if dead == 0 => Exit::Done,
        () if counts_percent(&info) => Exit::Halted(share(dead, info.tail)),
        () => Exit::Failed(dead),
    })
}

/// Whether --halt speaks of percent, so that the exit code does as well.
fn counts_percent(info: &JobInfo) -> bool {
    let halt = Recipe::decode(&info.spec.detail).ok().and_then(|recipe| recipe.limits.halt);
    halt.is_some_and(|halt| matches!(halt.enough, Enough::Percent(_)))
}

/// The number of a job's tasks, once no more can come.
fn total(info: &JobInfo) -> Option<u64> {
    (info.progress != Stage::Open).then_some(info.tail)
}

/// The last line of a program that --halt has stopped.
fn say_halted(store: &dyn Store, job: JobId, code: u8, output: Output) -> Result<Exit> {
    let info = store.job(job)?;
    let left = info.tail - info.counts.done - info.counts.dead - info.counts.canceled;
    if left > 0 {
        say(
            output,
            &format!("divvy: job {job} was halted with {left} tasks left. Go on with: divvy resume {job}"),
        );
    }
    Ok(Exit::Halted(code))
}

fn broken_off(job: JobId, broken: &Broken, output: Output) -> Exit {
    let (why, exit) = match broken {
        Broken::Closed => ("nobody reads the output any more".to_owned(), Exit::OutputClosed),
        Broken::Failed(why) => (why.clone(), Exit::Unable),
    };
    say(output, &format!("divvy: {why}. Nothing is lost; go on with: divvy resume {job}"));
    exit
}

/// A word on stderr. It must not matter if nobody hears it.
pub fn say(output: Output, text: &str) {
    if output != Output::Quiet {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}
