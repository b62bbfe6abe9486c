//! A job before it is submitted.

use crate::detail::Detail;
use crate::record::{AsRecord, Record};
use divvy_store::{Array, JobSpec, Policy};
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The kind of a job whose handler was given no name.
const KIND: &str = "rust";

/// Work to be divided: inputs, and how its tasks may fail. `In` is what handlers get of each task.
///
/// ```
/// use divvy::Job;
///
/// let numbers: Job<u64> = Job::array(1..=1_000_000);
/// let words: Job<String> = Job::records(["to", "be"]).name("words").attempts(3);
/// ```
#[must_use = "a job does nothing until it is submitted"]
pub struct Job<In> {
    pub(crate) source: Source,
    name: Option<String>,
    kind: Option<String>,
    attempts: u32,
    crash_limit: u32,
    keep: Option<Duration>,
    in_order: bool,
    input: PhantomData<fn() -> In>,
}

/// Where inputs come from.
pub(crate) enum Source {
    /// `first`, and so many in all.
    Array(u64, u64),
    Records(Reader),
}

/// Appends the next record to a buffer, or passes it over if there is none; `None` at the end.
pub(crate) type Reader = Box<dyn FnMut(Option<&mut Vec<u8>>) -> Option<Result<(), String>> + Send>;

impl Job<u64> {
    /// A task for each number. Nothing is stored for them, so a billion cost as much as one.
    pub fn array(ids: RangeInclusive<u64>) -> Job<u64> {
        let count = if ids.is_empty() { 0 } else { (ids.end() - ids.start()).saturating_add(1) };
        Job::new(Source::Array(*ids.start(), count))
    }
}

impl<In: Record> Job<In> {
    /// A task for each record. The iterator is read on a thread of its own while the first tasks run already; it is
    /// held back when much is waiting, and never collected in memory.
    ///
    /// After a crash the iterator is asked again, and the records that the job already has are passed over: it must give the
    /// same records in the same order.
    pub fn records<I>(records: I) -> Job<In>
    where
        I: IntoIterator<IntoIter: Send + 'static>,
        I::Item: AsRecord<Record = In>,
    {
        let mut records = records.into_iter();
        Job::new(Source::Records(Box::new(move |out| {
            let record = records.next()?;
            if let Some(out) = out {
                record.encode(out);
            }
            Some(Ok(()))
        })))
    }

    /// The same for records that may fail to be read, such as the lines of a file. At an error the run ends with
    /// [`Error::Input`](crate::Error::Input); the job stays open, with the records before it.
    pub fn try_records<I, T, E>(records: I) -> Job<In>
    where
        I: IntoIterator<Item = Result<T, E>, IntoIter: Send + 'static>,
        T: AsRecord<Record = In>,
        E: std::fmt::Display,
    {
        let mut records = records.into_iter();
        Job::new(Source::Records(Box::new(move |out| {
            let record = match records.next()? {
                Ok(record) => record,
                Err(error) => return Some(Err(error.to_string())),
            };
            if let Some(out) = out {
                record.encode(out);
            }
            Some(Ok(()))
        })))
    }

    fn new(source: Source) -> Job<In> {
        let Policy { max_attempts, crash_limit, .. } = Policy::default();
        Job {
            source,
            name: None,
            kind: None,
            attempts: max_attempts,
            crash_limit,
            keep: None,
            in_order: false,
            input: PhantomData,
        }
    }

    /// A name to find the job again by, for [`submit_or_resume`](crate::Divvy::submit_or_resume) and
    /// [`resume`](crate::Divvy::resume).
    pub fn name(mut self, name: impl Into<String>) -> Job<In> {
        self.name = Some(name.into());
        self
    }

    /// The kind of handler that runs it, for [`enqueue`](crate::Divvy::enqueue) and
    /// [`Worker::handle`](crate::Worker::handle).
    pub fn handler(mut self, kind: impl Into<String>) -> Job<In> {
        self.kind = Some(kind.into());
        self
    }

    /// How often a task may be started before a failure is its last. At least 1; 1 unless set.
    pub fn attempts(mut self, most: u32) -> Job<In> {
        self.attempts = most.max(1);
        self
    }

    /// How often a task may be lost with its process while it was alone in its lease, before it is taken to be the
    /// cause and is dead. At least 1; 5 unless set.
    pub fn crash_limit(mut self, most: u32) -> Job<In> {
        self.crash_limit = most.max(1);
        self
    }

    /// How long the store keeps a job that succeeded, with its name. A day unless set.
    pub fn keep_for(mut self, time: Duration) -> Job<In> {
        self.keep = Some(time);
        self
    }

    /// Results come in the order of the inputs.
    ///
    /// One process at a time runs such a job. A failed task is tried again where it stands, and those behind it wait;
    /// its attempts are counted by the process, so they begin anew after a crash.
    pub fn in_order(mut self) -> Job<In> {
        self.in_order = true;
        self
    }

    pub(crate) fn named(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What the store is to keep.
    pub(crate) fn spec(&self) -> JobSpec {
        let default = Policy::default();
        let policy = Policy {
            // Attempts of an ordered job are made in one go, and the store sees only the last.
            max_attempts: if self.in_order { 1 } else { self.attempts },
            crash_limit: self.crash_limit,
            exclusive: self.in_order,
            backups: false,
            retention_ms: self.keep.map_or(default.retention_ms, |time| time.as_millis() as u64),
            ..default
        };
        let here = if self.in_order { self.attempts } else { 1 };
        JobSpec {
            name: self.name.clone().unwrap_or_else(|| self.kind().to_owned()),
            detail: Detail { record: In::NAME.to_owned(), attempts_here: here }.encode(),
            policy,
            array: match self.source {
                Source::Array(first, _) => Some(Array { first, step: 1 }),
                Source::Records(_) => None,
            },
            ..JobSpec::new(self.kind())
        }
    }

    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or(KIND)
    }
}
