//! Runs leased ranges on real threads and processes: the shell around [`divvy_decide`].
//!
//! [`Engine::run`] is one node. Its calling thread is the coordinator: it shows the node's state machine what the
//! workers did, performs the actions that come back, and sleeps. The workers are a [`divvy_pool::Pool`]; each
//! runs chunks of a lease through the job's [`Runner`] and leaves what became of them in its own mailbox.
//!
//! | file | idea |
//! |---|---|
//! | `handler.rs` | what a task is: [`Handler`], [`Runner`], and [`Function`] for plain Rust functions |
//! | `node.rs`, `settings.rs` | the coordinator's loop; what it is started with |
//! | `lending.rs` | the leases in the workers' hands, and the pool that feeds them |
//! | `lent.rs` | a lease while workers run it |
//! | `worker.rs` | a pool thread: chunk in, outcomes in the mailbox |
//! | `chunk.rs` | what a runner sees of the chunk it runs |
//! | `detached.rs` | tasks that outlive their chunk, told of later from any thread |
//! | `mailbox.rs` | outcomes on their way to the coordinator |
//! | `meter.rs`, `tally.rs` | the account of a worker: one clock read per transition; which job it was for |
//! | `observing.rs` | what a node sees of its own work, and when it tells the store: nothing where no account is kept |
//! | `ledger.rs` | the account of the node, by job |
//! | `due.rs` | since when tasks could have run |
//! | `paying.rs`, `cpu.rs` | what each round trip to the store cost; CPU time |
//! | `bell.rs`, `stop.rs` | waking the coordinator, and stopping by degrees |
//! | `process/` | commands and handlers: start, capture or talk to, time out, end with all their children |
//!
//! The engine leaves to others: what is leased and when (`decide`), where it is kept (`store`), and how a command
//! line is made and where its output goes (`cli`).
#![forbid(unsafe_code)]

mod bell;
mod chunk;
mod clock;
pub mod cpu;
mod detached;
mod due;
mod error;
mod handler;
mod ledger;
mod lending;
mod lent;
mod mailbox;
mod meter;
mod node;
mod observing;
mod paying;
pub mod process;
mod settings;
mod stop;
mod tally;
mod worker;

pub use chunk::{Chunk, TaskKey};
pub use clock::SystemClock;
pub use detached::{Detached, Told};
pub use error::{Error, Result};
pub use handler::{Function, Grain, Handler, Order, Runner, Task, panic_message};
pub use meter::Usage;
pub use node::{Engine, bury};
pub use settings::{Outcome, Settings};
pub use stop::{Call, Stop, StopLevel};
