//! Ids as newtypes, so that a node's number is never mistaken for a job's.

use std::fmt;

/// The place of a task in its job's log, counting from 0. Users see a task *id* instead.
pub type Seq = u64;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A job in one store, counting from 1, never used again after the job is forgotten.
    JobId
);
id!(
    /// A node's session in one store. A process that comes back gets a new one.
    NodeId
);
id!(
    /// A number that rises in a job with every lease. Of two leases that hold the same task, the one with the
    /// higher fence is the valid one; a write under the lower one changes nothing.
    Fence
);
