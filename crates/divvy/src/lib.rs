//! Durable parallel work in a program of your own.
#![forbid(unsafe_code)]

mod calls;
mod detail;
mod divvy;
mod error;
mod feed;
#[cfg(feature = "tokio")]
mod flight;
mod handle;
mod job;
mod lock;
mod node;
mod options;
mod record;
mod results;
mod run;
mod summary;
mod task;
mod worker;

pub use crate::divvy::{DeadTask, Divvy, JobRef};
pub use divvy_core::{Account, JobId, State};
pub use divvy_engine::Usage;
pub use divvy_store::{Counts, Error as StoreError, JobInfo};
pub use error::{Error, Result};
#[cfg(feature = "tokio")]
pub use flight::Async;
pub use handle::{Handle, Progress};
pub use job::Job;
pub use options::{Durability, Options};
#[cfg(feature = "json")]
pub use record::Json;
pub use record::{AsRecord, Record};
#[cfg(feature = "tokio")]
pub use results::ResultStream;
pub use results::{Done, Results};
pub use run::Run;
pub use summary::{End, Summary};
pub use task::{Key, Task};
pub use worker::{Stopper, Worker};

/// `Ok`, for handlers that never fail: it spares them the type of an error.
pub fn ok<T>(output: T) -> std::result::Result<T, std::convert::Infallible> {
    Ok(output)
}
