//! Commands: start one, capture what it prints, end it in time and with all its children.
//!
//! Every command is the leader of a process group of its own. When it ends, for whatever reason, the rest of the
//! group is killed before the leader is reaped: until then nobody else can have its number.

mod capture;
mod children;
mod ending;
mod memory;
mod run;
mod watch;

pub use capture::{Captured, Printed, Room};
pub use children::{Children, SESSION_VAR, end_orphans};
pub use ending::Ending;
pub use run::{Ended, Settings, Streams, run};
pub use watch::{GoOn, Stream, Watch};
