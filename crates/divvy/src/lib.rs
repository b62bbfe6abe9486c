//! Durable parallel work in a program of your own.
//!
//! A *job* is a handler and many inputs; each input is a *task*. The job is kept in a file, its tasks run on all cores,
//! and a program that is killed in the middle goes on where it was when it is started again. Dividing costs about a
//! microsecond a task, also when every step is fsynced, so tasks may be small.
//!
//! # The first job
//!
//! ```
//! use divvy::{Divvy, Job};
//!
//! # let dir = std::env::temp_dir().join(format!("divvy-doc-{}", std::process::id()));
//! # let path = dir.join("jobs.db");
//! let divvy = Divvy::open(path)?;
//! let summary = divvy.submit(Job::array(1..=1_000))?.run(|task| {
//!     let n: u64 = task.input;
//!     divvy::ok(n * n)
//! })?;
//! assert_eq!(summary.done, 1_000);
//! # drop(divvy);
//! # std::fs::remove_dir_all(dir).unwrap();
//! # Ok::<(), divvy::Error>(())
//! ```
//!
//! [`run`](Run::run) returns when the job has finished. What the handler returned is dropped; the [`Summary`] has the counts and the
//! [account](Usage): where every worker-second went. [`Divvy::in_memory`] is the same without a file.
//!
//! # Inputs
//!
//! [`Job::array`] is a range of numbers and stores nothing. [`Job::records`] takes any iterator of strings, bytes, paths,
//! integers, pairs of these, `Json` of any serde type (feature `json`), or a [`Record`] of your own. It is read lazily, beside the
//! tasks that run already, and held back when much is waiting: a hundred million records need no more memory than a thousand.
//! Records that can fail to be read go into [`Job::try_records`].
//!
//! # Results
//!
//! ```
//! # use divvy::{Divvy, Job};
//! # let divvy = Divvy::in_memory()?;
//! let words = ["divide", "and", "rule"];
//! let mut lengths = Vec::new();
//! for result in divvy.submit(Job::records(words).in_order())?.results(|task| divvy::ok(task.input.len()))? {
//!     let done = result?;
//!     lengths.push((done.task, done.output));
//! }
//! assert_eq!(lengths, [(1, 6), (2, 3), (3, 4)]);
//! # Ok::<(), divvy::Error>(())
//! ```
//!
//! [`Results`] come as tasks end, or for a job that is [`in_order`](Job::in_order) in the order of its inputs. They wait in a
//! bounded queue ([`results_max`](Run::results_max)): a reader who is slower than the workers slows them, which the account shows as *held
//! back*. A task is done when its result was *taken*, that is when the next one is asked for; what was not taken runs again after a
//! crash. Results that end without an error as their last item are complete.
//!
//! # Failures
//!
//! A handler that returns an error, or panics, has failed that attempt; [`attempts`](Job::attempts) says how many there are,
//! with a random, growing delay between them ([`Options::retry_first`]). A task without attempts left is *dead*: it is an
//! [`Error::Dead`] among the results, it is counted in the summary, [`Divvy::dead`] lists it, and [`Divvy::retry`] gives it new
//! attempts.
//!
//! ```
//! # use divvy::{Divvy, Job};
//! # let divvy = Divvy::in_memory()?;
//! let run = divvy.submit(Job::records(["1", "two", "3"]).attempts(2))?;
//! let job = run.job();
//! let summary = run.run(|task| task.input.parse::<u64>())?;
//! assert_eq!((summary.done, summary.dead), (2, 1));
//! for dead in divvy.dead(job)? {
//!     println!("{:?}", dead?);
//! }
//! # Ok::<(), divvy::Error>(())
//! ```
//!
//! A task that takes the whole program down is found as well: what a crash left behind comes back in ever smaller parts, down to
//! one task alone, and a task that is lost [`crash_limit`](Job::crash_limit) times while alone is dead.
//!
//! # Async handlers
//!
//! With the feature `tokio`, a handler that waits for the network is an `async` function, and thousands of tasks wait at once:
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
//! # use divvy::{Divvy, Job};
//! # use std::time::Duration;
//! # async fn fetch(page: String) -> Result<usize, std::io::Error> { Ok(page.len()) }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let divvy = Divvy::in_memory()?;
//! let pages = (1..=10_000).map(|n| format!("/page/{n}"));
//! let mut results = divvy
//!     .submit(Job::records(pages).attempts(3))?
//!     .concurrency(2_000)
//!     .timeout(Duration::from_secs(10))
//!     .results_async(|task| fetch(task.input))?
//!     .into_stream();
//! while let Some(result) = results.next().await {
//!     let bytes = result?.output;
//!     # let _ = bytes;
//! }
//! # Ok::<(), divvy::Error>(()) }).unwrap();
//! ```
//!
//! The results are a blocking iterator, or a `Stream`; both kinds of handler have both. A handler runs on the tokio runtime
//! that the run was started in, and computes on its threads: what needs a core for long is better a plain function.
//!
//! # Stopping, canceling, watching
//!
//! [`Run::handle`] gives a [`Handle`] for other threads: [`stop`](Handle::stop) ends this run and keeps the job,
//! [`cancel`](Handle::cancel) ends the job everywhere, [`progress`](Handle::progress) says how far it is. A long handler asks
//! [`Task::is_canceled`] now and then; an `async` one is dropped. Dropping results before their end stops the run.
//!
//! # A program that may be killed
//!
//! Give the job a name, and submit it by [`submit_or_resume`](Divvy::submit_or_resume):
//!
//! ```no_run
//! use divvy::{Divvy, Job};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let lines = std::io::BufRead::lines(std::io::BufReader::new(std::fs::File::open("orders.csv")?));
//! let divvy = Divvy::open("orders.db")?;
//! let job = Job::try_records(lines).name("orders of May");
//! let summary = divvy.submit_or_resume(job)?.run(|task| import(&task.input, task.key()))?;
//! # fn import(_: &str, _: divvy::Key) -> Result<(), String> { Ok(()) }
//! # Ok(()) }
//! ```
//!
//! Started again after a crash, this goes on with the tasks that were not done. If it was killed while it still read the file, the
//! records that were stored are passed over in the new iterator, and it reads on behind them: so the iterator must give the same
//! records in the same order. [`resume`](Divvy::resume) goes on with a job without its records.
//!
//! # Several programs
//!
//! Any number of programs may have the same store open. A named job that is started by two of them is shared: each task runs in one of them,
//! one of them reads the records, and if one is killed its tasks run in the other within a second. Programs that submit
//! and programs that work can also be different ones: [`Divvy::enqueue`] stores a job for handlers of its kind, and a [`Worker`] has
//! such handlers.
//!
//! # What is promised
//!
//! * *Submitted is durable*: a job, and each record that was read into it, survives power loss, unless
//!   [`Options::durability`] says otherwise.
//! * *At least once*: every task runs until it is done or dead. It may run again after a crash, so effects elsewhere need a
//!   stable key: [`Task::key`]. Every result is seen at least once.
//! * *Done exactly once*: of two attempts that overlap because one was believed dead, only the later one counts;
//!   [`Task::fence`] lets others decide likewise.
//! * *Order*: results of an ordered job come in order. Only after several crashes in a row, while what they left is run in small
//!   parts to find the task that is to blame, later results may come first.
//! * *Memory* is bounded: by what is under way, by [`results_max`](Run::results_max), by a few megabytes of records on their way.
//! * A stop in peace repeats nothing, and charges nothing.
//!
//! # Features
//!
//! `tokio`: async handlers and streams. `json`: records of serde types. Without them the crate needs neither.
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
