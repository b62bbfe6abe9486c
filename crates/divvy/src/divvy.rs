//! A store, as a program uses it.

use crate::detail::Detail;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::job::{Job, Source};
use crate::lock::Locks;
use crate::node::Session;
use crate::options::Options;
use crate::record::Record;
use crate::run::Run;
use crate::worker::Worker;
use divvy_core::{Clock, JobId, NodeId};
use divvy_engine::{SystemClock, bury};
use divvy_store::sqlite::{Options as SqliteOptions, Sqlite};
use divvy_store::{Input, JobInfo, JobSpec, NewJob, Progress as Stage, Store};
use std::path::Path;
use std::sync::Arc;

/// A store of jobs. Cheap to clone; clones are of the same store.
///
/// Several programs may have the same file open, and several may run the same job.
#[derive(Clone)]
pub struct Divvy(pub(crate) Arc<Inside>);

pub(crate) struct Inside {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: Options,
    pub(crate) locks: Locks,
    /// The program, for people who look at the store.
    pub(crate) name: String,
    /// The runtime of `async` handlers, where the program has none.
    #[cfg(feature = "tokio")]
    pub(crate) runtime: crate::flight::Runtime,
}

/// A job's name or its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobRef<'a> {
    /// The youngest job of this name.
    Name(&'a str),
    /// This job.
    Id(JobId),
}

impl<'a> From<&'a str> for JobRef<'a> {
    fn from(name: &'a str) -> JobRef<'a> {
        JobRef::Name(name)
    }
}

impl<'a> From<&'a String> for JobRef<'a> {
    fn from(name: &'a String) -> JobRef<'a> {
        JobRef::Name(name)
    }
}

impl From<JobId> for JobRef<'_> {
    fn from(id: JobId) -> Self {
        JobRef::Id(id)
    }
}

/// A task that used up its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadTask {
    /// Its id.
    pub task: u64,
    /// Attempts that failed.
    pub attempts: u32,
    /// Times that it was lost with its process while it was alone.
    pub crashes: u32,
    /// What the last attempt failed of.
    pub error: String,
}

/// Dead tasks that one read of the store gives.
const DEAD_PAGE: usize = 1_000;

impl Divvy {
    /// Opens the store in this file, and makes it if it is not there. The file has to be on a local disk.
    ///
    /// # Errors
    /// [`Error::Store`], which says what is wrong with the file or its place.
    pub fn open(path: impl AsRef<Path>) -> Result<Divvy> {
        Divvy::open_with(path, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`open`](Divvy::open), and [`Error::Options`].
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Divvy> {
        options.validate()?;
        let sqlite = SqliteOptions { durability: options.durability, ..SqliteOptions::default() };
        let store = Sqlite::open(path, &sqlite)?;
        let locks = Locks::beside(store.path());
        Ok(Divvy::with(Arc::new(store), locks, options))
    }

    /// A store in memory, for tests and for work that need not outlive the program. Nothing of it survives, and nobody
    /// else sees it; everything else is the same.
    ///
    /// # Errors
    /// [`Error::Store`] if there is no memory.
    pub fn in_memory() -> Result<Divvy> {
        Divvy::in_memory_with(Options::default())
    }

    /// The same with options. Durability has no meaning here.
    ///
    /// # Errors
    /// As [`in_memory`](Divvy::in_memory), and [`Error::Options`].
    pub fn in_memory_with(options: Options) -> Result<Divvy> {
        options.validate()?;
        Ok(Divvy::with(Arc::new(Sqlite::in_memory()?), Locks::inside(), options))
    }

    fn with(store: Arc<dyn Store>, locks: Locks, options: Options) -> Divvy {
        let program = std::env::current_exe().ok();
        let name =
            program.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        Divvy(Arc::new(Inside {
            store,
            options,
            locks,
            name: name.unwrap_or_else(|| "divvy".into()),
            #[cfg(feature = "tokio")]
            runtime: crate::flight::Runtime::default(),
        }))
    }

    fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    fn now(&self) -> u64 {
        SystemClock::start().millis()
    }

    /// Submits a job. It is durable when this returns; its records are read when it is run.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn submit<In: Record>(&self, job: Job<In>) -> Result<Run<In>> {
        self.store().sweep(self.now())?;
        self.submit_now(job)
    }

    fn submit_now<In: Record>(&self, job: Job<In>) -> Result<Run<In>> {
        let session = Session::begin(&self.0)?;
        let spec = job.spec();
        let (id, feed) = self.put(spec.clone(), job.source, Some(session.id))?;
        Ok(Run::new(self.clone(), session, id, &spec, feed))
    }

    /// Stores a job, and gives back what is still to be fed.
    fn put(&self, spec: JobSpec, source: Source, producer: Option<NodeId>) -> Result<(JobId, Option<Feed>)> {
        let (input, reader) = match source {
            Source::Array(_, count) => (Input::Array(count), None),
            Source::Records(reader) => (Input::Open(Vec::new(), producer), Some(reader)),
        };
        let id = self.store().submit(self.now(), &NewJob { spec, input, paused: false })?;
        let feed = reader.map(|reader| {
            let lock = self.0.locks.feed(id)?.expect("nobody knows the job yet");
            Ok::<_, Error>(Feed { reader, skip: 0, lock })
        });
        Ok((id, feed.transpose()?))
    }

    /// Submits a job, unless the store has one of its name: then goes on with that one. This makes a whole `main`
    /// restartable: started again after a crash, it goes on where it was.
    ///
    /// * If the job has finished, running it again gives its summary and no results.
    /// * If reading its records was cut, it is read on: the records that the job has are passed over in the new iterator.
    /// * If another process is at it, this one joins in. Only one reads records.
    ///
    /// A name stands for its job until the store forgets that: [`keep_for`](Job::keep_for) after it succeeded, or by
    /// [`forget`](Divvy::forget).
    ///
    /// # Errors
    /// [`Error::Differs`] if the known job is an array and this one is not, or its numbers, its handler or the type of its inputs differ.
    ///
    /// # Panics
    /// If the job has no name.
    pub fn submit_or_resume<In: Record>(&self, job: Job<In>) -> Result<Run<In>> {
        let name = job.named().expect("a job is found again by its name: give it one with `name`").to_owned();
        self.store().sweep(self.now())?;
        bury(self.store(), self.now())?;
        self.0.locks.naming(|| match self.named(&name)? {
            Some(known) => self.go_on(&known, job),
            None => self.submit_now(job),
        })
    }

    /// The youngest job of this name.
    fn named(&self, name: &str) -> Result<Option<JobInfo>> {
        Ok(self.store().jobs()?.into_iter().rfind(|job| job.spec.name == name))
    }

    fn go_on<In: Record>(&self, known: &JobInfo, job: Job<In>) -> Result<Run<In>> {
        let spec = job.spec();
        let differs = |why: String| Error::Differs { job: known.id, why };
        if known.spec.handler != spec.handler {
            return Err(differs(format!("its handler is `{}`, not `{}`", known.spec.handler, spec.handler)));
        }
        Detail::of(&known.spec.detail, In::NAME).map_err(differs)?;
        let feed = match (job.source, known.spec.array) {
            (Source::Array(first, count), Some(array)) if first == array.first && count == known.tail => None,
            (Source::Array(..), Some(_)) => return Err(differs("it has other numbers".into())),
            (Source::Records(reader), None) => self.feed_on(known.id, reader)?,
            (Source::Array(..), None) => return Err(differs("it has records and is no array".into())),
            (Source::Records(_), Some(_)) => return Err(differs("it is an array and has no records".into())),
        };
        let session = Session::begin(&self.0)?;
        Ok(Run::new(self.clone(), session, known.id, &known.spec, feed))
    }

    /// The records that are still missing, if any are and nobody else reads them.
    fn feed_on(&self, job: JobId, reader: crate::job::Reader) -> Result<Option<Feed>> {
        let Some(lock) = self.0.locks.feed(job)? else { return Ok(None) };
        // Looked at under the lock: whoever had it before may have closed the job.
        let info = self.store().job(job)?;
        Ok(match info.progress {
            Stage::Open => Some(Feed { reader, skip: info.tail, lock }),
            Stage::Closed | Stage::Finished(_) => {
                lock.remove();
                None
            }
        })
    }

    /// Goes on with a job, beside others who may already be at it.
    ///
    /// # Errors
    /// [`Error::NoName`], [`Error::Differs`] if the job's inputs are of another type, and [`Error::Cut`] if not all
    /// records were read and nobody reads them: then [`submit_or_resume`](Divvy::submit_or_resume) with the same
    /// records goes on, or [`close`](Divvy::close) makes do with those there are.
    pub fn resume<'a, In: Record>(&self, job: impl Into<JobRef<'a>>) -> Result<Run<In>> {
        bury(self.store(), self.now())?;
        let known = self.find(job.into())?;
        Detail::of(&known.spec.detail, In::NAME).map_err(|why| Error::Differs { job: known.id, why })?;
        if known.progress == Stage::Open
            && let Some(lock) = self.0.locks.feed(known.id)?
        {
            drop(lock);
            if self.store().job(known.id)?.progress == Stage::Open {
                return Err(Error::Cut { job: known.id, records: known.tail });
            }
        }
        let session = Session::begin(&self.0)?;
        Ok(Run::new(self.clone(), session, known.id, &known.spec, None))
    }

    fn find(&self, job: JobRef<'_>) -> Result<JobInfo> {
        match job {
            JobRef::Id(id) => Ok(self.store().job(id)?),
            JobRef::Name(name) => self.named(name)?.ok_or_else(|| Error::NoName(name.to_owned())),
        }
    }

    /// Submits a job for others to run: those that have a handler of its kind ([`Job::handler`]). Returns when all its
    /// records are stored.
    ///
    /// # Errors
    /// [`Error::Input`], and whatever the store says.
    pub fn enqueue<In: Record>(&self, job: Job<In>) -> Result<JobId> {
        self.store().sweep(self.now())?;
        let session = Session::begin(&self.0)?;
        let (id, feed) = self.put(job.spec(), job.source, Some(session.id))?;
        if let Some(feed) = feed {
            feed.start(self.0.store.clone(), id, session.stop.clone())?.wait()?;
        }
        Ok(id)
    }

    /// A node that runs jobs that were submitted elsewhere.
    pub fn worker(&self) -> Worker {
        Worker::new(self.clone())
    }

    /// Ends a job's records: those that it has are all there will be.
    ///
    /// # Errors
    /// [`Error::Store`] with `Conflict` if it is not open.
    pub fn close<'a>(&self, job: impl Into<JobRef<'a>>) -> Result<()> {
        let job = self.find(job.into())?.id;
        self.store().append(self.now(), job, &[], true)?;
        Ok(())
    }

    /// Cancels a job: what has not ended will not. Returns how many tasks that were.
    ///
    /// # Errors
    /// [`Error::NoName`], and whatever the store says.
    pub fn cancel<'a>(&self, job: impl Into<JobRef<'a>>) -> Result<u64> {
        let job = self.find(job.into())?.id;
        Ok(self.store().cancel(self.now(), job, None)?)
    }

    /// Gives a job's dead tasks new attempts. Returns how many tasks that were; resuming the job runs them.
    ///
    /// # Errors
    /// [`Error::NoName`], and whatever the store says.
    pub fn retry<'a>(&self, job: impl Into<JobRef<'a>>) -> Result<u64> {
        let job = self.find(job.into())?.id;
        Ok(self.store().retry(self.now(), job, None)?)
    }

    /// Removes a finished job and all that is known of it, its name too.
    ///
    /// # Errors
    /// [`Error::Store`] with `Conflict` if it has not finished: cancel it first.
    pub fn forget<'a>(&self, job: impl Into<JobRef<'a>>) -> Result<()> {
        let job = self.find(job.into())?.id;
        Ok(self.store().forget(job)?)
    }

    /// How a job stands.
    ///
    /// # Errors
    /// [`Error::NoName`], and whatever the store says.
    pub fn job<'a>(&self, job: impl Into<JobRef<'a>>) -> Result<JobInfo> {
        self.find(job.into())
    }

    /// All jobs in the store, the oldest first.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn jobs(&self) -> Result<Vec<JobInfo>> {
        Ok(self.store().jobs()?)
    }

    /// A job's dead tasks, in their order. They are read in pages as they are asked for.
    ///
    /// # Errors
    /// [`Error::NoName`] and what the store says; each item may fail as well.
    pub fn dead<'a>(
        &self,
        job: impl Into<JobRef<'a>>,
    ) -> Result<Box<dyn Iterator<Item = Result<DeadTask>> + Send>> {
        let info = self.find(job.into())?;
        let (store, mut from, mut page) = (self.0.store.clone(), Some(0), Vec::new().into_iter());
        Ok(Box::new(std::iter::from_fn(move || {
            loop {
                if let Some(dead) = page.next() {
                    let divvy_store::Dead { seq, attempts, crashes, error, .. } = dead;
                    return Some(Ok(DeadTask { task: info.spec.id_of(seq), attempts, crashes, error }));
                }
                match store.dead(info.id, from?, DEAD_PAGE) {
                    Ok(next) => {
                        from = next.last().filter(|_| next.len() == DEAD_PAGE).map(|dead| dead.seq + 1);
                        page = next.into_iter();
                    }
                    Err(error) => {
                        from = None;
                        return Some(Err(error.into()));
                    }
                }
            }
        })))
    }
}
