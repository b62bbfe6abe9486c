//! What can go wrong, by what the caller can do about it.

use divvy_core::JobId;

/// The result of whatever this crate does; with another error, of whatever a handler does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something did not happen, or why results end before their time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A task used up its attempts. The other tasks go on: among results this is one item, not the end.
    #[error("task {task} of job {job} failed for good ({attempts} attempts): {error}")]
    Dead {
        /// The job.
        job: JobId,
        /// The task's id.
        task: u64,
        /// Attempts that it had.
        attempts: u32,
        /// What the last one failed of.
        error: String,
    },
    /// This node was told to stop. The job is not finished; resuming it goes on.
    #[error("job {0} was stopped before its end; nothing is lost, resume it to go on")]
    Stopped(JobId),
    /// The job was canceled.
    #[error("job {0} was canceled")]
    Canceled(JobId),
    /// The records could not be read on: their iterator gave an error, or panicked. What was read is kept and the job is open.
    #[error(
        "the records of job {job} cannot be read on: {why}. Those read are kept; submit it again by its name to go on"
    )]
    Input {
        /// The job.
        job: JobId,
        /// What the iterator said.
        why: String,
    },
    /// The job's records were cut, and only whoever has them can go on: resume it with the records.
    #[error(
        "the records of job {job} were cut after {records}: go on with `submit_or_resume` and the same records, or \
         `close` it to run only those"
    )]
    Cut {
        /// The job.
        job: JobId,
        /// Records that it has.
        records: u64,
    },
    /// There is no job of this name.
    #[error("there is no job named `{0}`")]
    NoName(String),
    /// A job of this name or id is there, and it is another one.
    #[error("job {job} is another one: {why}. Take another name, or forget the job")]
    Differs {
        /// The job.
        job: JobId,
        /// What is different.
        why: String,
    },
    /// A job that no handler here can run.
    #[error("job {job} cannot run here: {why}")]
    Job {
        /// The job.
        job: JobId,
        /// Why.
        why: String,
    },
    /// Options that cannot be; every problem is named.
    #[error("these options cannot be: {}", .0.join("; "))]
    Options(Vec<&'static str>),
    /// The store said no.
    #[error(transparent)]
    Store(#[from] divvy_store::Error),
    /// The system gave no threads, files or runtime.
    #[error("cannot start: {0}")]
    Start(String),
    /// The runtime of the `async` handlers was shut down while they ran. The job is not finished; resuming it goes on.
    #[error("the tokio runtime ended before job {0}; nothing is lost, resume it to go on")]
    RuntimeGone(JobId),
}

impl Error {
    /// Whether the same call may succeed later without anybody's help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Store(error) if error.is_retryable())
    }

    /// Whether this is about one task only, so that others go on.
    #[must_use]
    pub fn is_of_task(&self) -> bool {
        matches!(self, Error::Dead { .. })
    }
}

impl From<divvy_engine::Error> for Error {
    fn from(error: divvy_engine::Error) -> Error {
        match error {
            divvy_engine::Error::Store(error) => Error::Store(error),
            divvy_engine::Error::Job { job, why } => Error::Job { job, why },
            other => Error::Start(other.to_string()),
        }
    }
}
