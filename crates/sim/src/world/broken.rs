//! What a run must never show, by name.

use std::fmt;

/// A promise that the world checks: those of `README.md`, "What divvy promises", and what they rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// The store's own state is sound: the sets of each job partition its log, counters conserve.
    SoundStore,
    /// A task has at most one accepted completion.
    OneCompletion,
    /// What was accepted really happened, on that node and under that fence.
    TrueReports,
    /// Fences only rise.
    FencesRise,
    /// A lease holds only tasks that may run: in the log, not ended, in no other lease.
    Partition,
    /// Attempts and crashes are what they were, within the policy, and nobody else's.
    Charges,
    /// A grant respects its claim and its job's policy.
    Grants,
    /// A node is told the truth about its leases and jobs.
    Replies,
    /// A node starts a task at most once under a fence.
    StartedOnce,
    /// A node stays within its bounds of leases and bytes.
    NodeBounds,
    /// A node does not look at its workers over and over while nothing changes.
    Spins,
    /// Who leaves leaves nothing running, and nothing is charged for it.
    QuietStop,
    /// What was acknowledged survives a restart of the store.
    Durable,
    /// Each task ended as it had to: done, dead for its own deeds, or canceled by somebody.
    Fate,
    /// Once faults stop, everything ends within a bound.
    Drains,
    /// An assertion of the code under test.
    Assertion,
}

/// A broken promise, and how it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which one.
    pub invariant: Invariant,
    /// What was seen.
    pub why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.why)
    }
}

/// `Err` is a broken promise.
pub(crate) type Checked<T = ()> = Result<T, Broken>;

/// Returns the broken invariant unless the condition holds. The words are made only then.
macro_rules! ensure {
    ($holds:expr, $invariant:ident, $($why:tt)+) => {
        if !$holds {
            return Err($crate::world::broken::Broken {
                invariant: $crate::world::broken::Invariant::$invariant,
                why: format!($($why)+),
            });
        }
    };
}
pub(crate) use ensure;
