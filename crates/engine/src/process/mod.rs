//! Processes: commands, which are started, captured and ended in time, and handlers, which stay and are talked to.
//!
//! Every process is the leader of a process group of its own (`group.rs`). When it ends, for whatever reason, the rest
//! of the group is killed before the leader is reaped: until then nobody else can have its number.

mod capture;
mod children;
mod ending;
mod group;
mod memory;
mod resident;
mod run;
mod watch;

pub use capture::{Captured, Printed, Room};
pub use children::{Children, SESSION_VAR, end_orphans};
pub use ending::Ending;
pub use resident::{Had, Interest, Ready, Resident};
pub use run::{Ended, Settings, Streams, run};
pub use watch::{GoOn, Stream, Watch};
