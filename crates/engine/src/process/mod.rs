//! Commands: start one, capture what it prints, end it in time and with all its children.
//!
//! Every command is the leader of a process group of its own. When it ends, for whatever reason, the rest of the
//! group is killed before the leader is reaped: until then nobody else can have its number.

mod capture;
mod children;
mod memory;
mod run;

pub use capture::{Captured, Printed};
pub use children::{Children, SESSION_VAR, end_orphans};
pub use run::{Bounds, Ended, run};
