//! Runs ranges of tasks on named threads, at a cost per chunk and never per task.
//!
//! A *feed* is one range of task numbers with a tag of the caller's choice (divvy uses the lease). In a feed each
//! worker owns one atomic word that holds a sub-range `lo..hi`. The worker takes chunks from the low end of its own
//! word, and a worker that has run dry takes the upper half of the largest word it finds. Nothing is allocated, sent
//! or locked per chunk, and the pool reads no clock: [`Worker::run`] says how long a chunk took, and the next chunk's
//! size follows from that.
//!
//! | file | idea |
//! |---|---|
//! | `word.rs` | one atomic word: take from the low end, cut from the high end |
//! | `feed.rs` | the words of one range: steal, cut, count, and know for certain that all is taken |
//! | `chunk.rs` | how many tasks to take at once |
//! | `live.rs` | the feeds that are live, and when the workers must look again |
//! | `sleep.rs` | who sleeps, who is woken |
//! | `worker.rs` | what a thread does: find, run, rest |
//! | `pool.rs` | the handle |
//! | `sync.rs` | the one place that chooses between `std` and the model checker |
//!
//! The protocol, its invariants and the reason for every memory ordering are in the crate's `README.md`.
//!
//! The pool leaves to its caller: what a task is, catching panics of user code, accounting of time, where ranges come
//! from and where completions go.
//!
//! ```
//! use divvy_pool::{Config, Order, Pool, Worker};
//! use std::{ops::Range, sync::Arc, sync::atomic::{AtomicU64, Ordering}, time::{Duration, Instant}};
//!
//! struct Sum(Arc<AtomicU64>);
//! impl Worker for Sum {
//!     fn run(&mut self, _tag: u64, chunk: Range<u64>) -> Duration {
//!         let begun = Instant::now();
//!         self.0.fetch_add(chunk.sum(), Ordering::Relaxed);
//!         begun.elapsed()
//!     }
//! }
//!
//! let sum = Arc::new(AtomicU64::new(0));
//! let pool = Pool::start(Config { workers: 2, ..Config::default() }, |_| Sum(sum.clone()))?;
//! pool.feed(7, 1..1001, Order::Spread)?;
//! pool.wait_idle();
//! assert_eq!(sum.load(Ordering::Relaxed), 500_500);
//! # Ok::<(), divvy_pool::Error>(())
//! ```
#![forbid(unsafe_code)]

mod chunk;
mod config;
mod error;
mod feed;
mod live;
mod pool;
mod sleep;
mod sync;
mod word;
mod worker;

pub use chunk::Grain;
pub use config::Config;
pub use error::Error;
pub use feed::Order;
pub use pool::Pool;
pub use worker::Worker;
