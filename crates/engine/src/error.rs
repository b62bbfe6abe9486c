//! Why a node could not go on.

/// The result of running a node.
pub type Result<T> = std::result::Result<T, Error>;

/// What ends a node other than being told to or having nothing left to do. Leases it held come back by its
/// session's end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store refused for good.
    #[error(transparent)]
    Store(#[from] divvy_store::Error),
    /// No threads to be had.
    #[error("cannot start the workers: {0}")]
    Pool(#[from] divvy_pool::Error),
    /// A job whose description its handler cannot read, or whose directory is gone.
    #[error("job {job} cannot run here: {why}")]
    Job {
        /// The job.
        job: divvy_core::JobId,
        /// What the handler said.
        why: String,
    },
    /// Results could not be made durable or handed over, so nothing is reported done.
    #[error("{0}")]
    Output(String),
}
