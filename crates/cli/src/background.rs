//! The background worker: a `divvy work` without a terminal that runs what was submitted, and leaves when there is
//! nothing left.
//!
//! At most one lives on a store: it holds the lock of a file beside it for as long as it serves. Whoever submits tries
//! that lock, after the job is stored. If it is free, a worker is started and the lock goes over to it with its stdin,
//! so that there is no moment at which nobody holds it. A worker that wants to leave first lets go of the lock and
//! then looks again: a job was stored either before that look, which finds it, or else whoever submitted finds the
//! lock free.
//!
//! A `divvy work` in a terminal that stays until it is told to stop shares the lock: no worker is started beside it.

use crate::args::{CapacityArg, Output, WorkArgs};
use crate::command::is_background;
use crate::exit::{Exit, bad_usage};
use crate::home;
use crate::jobs::hold::{Hold, Jobs};
use crate::session::{Session, capacity, workers};
use anyhow::{Context, Result};
use divvy_core::{Clock, Demand};
use divvy_decide::Until;
use divvy_engine::{Stop, StopLevel, SystemClock};
use divvy_store::{JobInfo, Progress, Store};
use rustix::fs::FlockOperation;
use std::fs::{File, TryLockError};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The worker's words are thrown away at its start once they are longer than this.
const WORDS_BYTES_MAX: u64 = 1 << 20;
/// How often it looks whether it has anything left to do.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Who will run what was submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// A worker that was started now: this process, with so many workers.
    Started(u32, u32),
    /// One that was there.
    There,
}

/// What a worker is started with.
#[derive(Debug)]
pub struct Start<'a> {
    /// `-j`, as a number.
    pub workers: u32,
    /// Its capacity.
    pub capacity: &'a CapacityArg,
    /// `--grace`.
    pub grace: u64,
}

/// Sees to it that somebody runs what was stored before this call.
///
/// # Errors
/// If no worker can be started; the job is stored in any case.
pub fn ensure(start: &Start<'_>) -> Result<Server> {
    let lock = open_lock()?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Server::There),
        Err(TryLockError::Error(e)) => return Err(e).context("cannot lock the background worker's file"),
    }
    let words = home::worker_words_path()?;
    let said = open_words(&words).with_context(|| format!("cannot write {}", words.display()))?;
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    command.args([
        "work",
        "--background",
        "-j",
        &start.workers.to_string(),
        "--grace",
        &start.grace.to_string(),
    ]);
    if let Some(capacity) = &start.capacity.capacity {
        command.arg("--capacity").arg(capacity);
    }
    // Its own directory must not keep a file system from being unmounted, so nothing may be relative to it.
    let mut store = std::ffi::OsString::from("sqlite:");
    store.push(home::store_path()?);
    command.env(home::STORE_VAR, store).current_dir("/");
    command.stdin(lock).stdout(said.try_clone()?).stderr(said);
    let child = command.spawn().context("cannot start a background worker")?;
    Ok(Server::Started(child.id(), start.workers))
}

/// Keeps background workers from being started while this lives; `None` if there is one.
///
/// # Errors
/// What the system says.
pub fn stand_in() -> Result<Option<File>> {
    let lock = open_lock()?;
    match lock.try_lock_shared() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(e).context("cannot lock the background worker's file"),
    }
}

fn open_lock() -> Result<File> {
    let path = home::worker_lock_path()?;
    let file = File::options().read(true).append(true).create(true).open(&path);
    file.with_context(|| format!("cannot open {}", path.display()))
}

fn open_words(path: &Path) -> std::io::Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    if file.metadata()?.len() > WORDS_BYTES_MAX {
        file.set_len(0)?;
    }
    Ok(file)
}

/// `divvy work --background`: the worker itself.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn serve(args: &WorkArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    if !take_lock()? {
        return Ok(Exit::Done);
    }
    // Out of the terminal's reach. Refused only to the leader of a group, who is out of it already.
    let _ = rustix::process::setsid();
    let (workers, room) = (workers(&args.workers)?, capacity(&args.capacity)?);
    let store = home::open_store()?;
    store.verify(false)?;
    home::sweep(&*store, clock.millis())?;
    home::sweep_logs(&*store)?;
    let session = Session::join(store.clone(), clock, workers, args.show, output, home::spill_dir()?)?;
    let session = session.with_capacity(room.clone());
    let watch = Watch { store, room, linger: Duration::from_secs(args.linger) };
    let stop = session.stop();
    let idle = std::thread::Builder::new().name("divvy-idle".into()).spawn({
        let watch = watch.clone();
        move || watch.until_idle(&stop)
    })?;
    session.in_background().run(Until::Stopped, None)?;
    // Told by a signal: what is left waits for the next.
    if !idle.join().unwrap_or(Ok(false))? {
        return Ok(Exit::Interrupted);
    }
    rustix::fs::flock(std::io::stdin(), FlockOperation::Unlock)?;
    if watch.has_work()? && take_lock()? {
        // From the beginning, as a new program: signals, clock and session begin anew.
        return Err(Command::new(std::env::current_exe()?).args(std::env::args_os().skip(1)).exec().into());
    }
    Ok(Exit::Done)
}

/// Takes the lock that is this process's stdin; it has it already if it was started with it. False if somebody else
/// serves.
fn take_lock() -> Result<bool> {
    let wrong = || bad_usage("--background is how `divvy submit` starts a worker: use `divvy work`");
    let stdin = rustix::fs::fstat(std::io::stdin())?;
    let ours = rustix::fs::stat(home::worker_lock_path()?).map_err(|_| wrong())?;
    if (stdin.st_dev, stdin.st_ino) != (ours.st_dev, ours.st_ino) {
        return Err(wrong());
    }
    match rustix::fs::flock(std::io::stdin(), FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(e) => Err(e).context("cannot lock the background worker's file"),
    }
}

/// Looks whether there is anything left to do.
#[derive(Clone)]
struct Watch {
    store: Arc<dyn Store>,
    room: Demand,
    linger: Duration,
}

impl Watch {
    /// Stops the node when there has been nothing to do for a while. False if somebody else has stopped it.
    fn until_idle(&self, stop: &Stop) -> divvy_store::Result<bool> {
        let (mut seen, mut works, mut idle_since) = (None, true, None);
        loop {
            if stop.level() > StopLevel::Run {
                return Ok(false);
            }
            match self.look(&mut seen, &mut works) {
                // Looked at again soon: meanwhile it counts as it did.
                Err(e) if !e.is_retryable() => {
                    stop.ask(StopLevel::Drain);
                    return Err(e);
                }
                _ => {}
            }
            let since = *idle_since.get_or_insert_with(Instant::now);
            if works {
                idle_since = None;
            } else if since.elapsed() >= self.linger {
                stop.ask(StopLevel::Drain);
                return Ok(true);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Looks again if anything has changed.
    fn look(&self, seen: &mut Option<u64>, works: &mut bool) -> divvy_store::Result<()> {
        let version = self.store.version()?;
        if *seen != Some(version) {
            *works = self.has_work()?;
            *seen = Some(version);
        }
        Ok(())
    }

    fn has_work(&self) -> divvy_store::Result<bool> {
        let jobs = Jobs::look(&*self.store)?;
        Ok(jobs.iter().any(|job| self.is_work(job, jobs.hold(job.id))))
    }

    /// Whether something may become of this job here without anybody's doing.
    fn is_work(&self, job: &JobInfo, hold: Option<Hold>) -> bool {
        let c = job.counts;
        let fits = job.spec.needs.classes.is_empty()
            || job.spec.needs.classes.iter().any(|class| class.demand.fits(&self.room));
        let more = c.ready + c.retrying + c.running > 0 || !job.waits_for.is_empty();
        let goes_on = match hold {
            None => more || job.progress == Progress::Open,
            // What was read before the cut is run.
            Some(Hold::Cut(cut)) => cut == job.id && more,
            Some(_) => false,
        };
        is_background(&job.spec.handler) && !matches!(job.progress, Progress::Finished(_)) && fits && goes_on
    }
}
