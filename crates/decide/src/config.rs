//! The bounds and targets of a node's decisions.

use divvy_core::{Demand, JobId};

/// When a node leaves by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Only when told to.
    Stopped,
    /// When this job has finished. The node leases from no other job.
    Finished(JobId),
    /// When there is nothing to lease, now or when a failed task is due again, and it holds nothing.
    Empty,
}

/// What a node is and what it aims for. Times in nanoseconds.
#[derive(Debug, Clone)]
pub struct Config {
    /// Workers of this node, at least 1.
    pub workers: u32,
    /// Kinds of handler that it has.
    pub handlers: Vec<String>,
    /// What it has of each resource. Tasks that take something run only side by side as far as this goes.
    pub capacity: Demand,
    /// When to leave.
    pub until: Until,
    /// Work, in seconds of each worker, that a lease should be worth. Small enough to share and to redo, large
    /// enough that a claim does not matter.
    pub lease_target_ns: u64,
    /// The share of time that coordination may cost; small leases are raised until it holds.
    pub overhead_max: f64,
    /// Longest time between the end of a task and its report, while other tasks still run.
    pub report_every_ns: u64,
    /// The most that becomes of it where round trips are so slow that reports would cost more than `overhead_max`.
    pub report_every_max_ns: u64,
    /// Least time between two claims while the store changes but has nothing for this node.
    pub dry_claim_ns: u64,
    /// Time after which a dry node claims again although it heard of no change: the backstop for lost wake-ups.
    pub dry_poll_ns: u64,
    /// How long a task is believed to take of a job of which none has run here, when others' are taken.
    pub unknown_task_ns: u64,
    /// Most leases held; one more where all of them wait for a task that is in none.
    pub leases_max: usize,
    /// Most bytes of records held.
    pub bytes_max: u64,
    /// First and longest mean delay before a failed task's next attempt, milliseconds.
    pub retry_ms: (u64, u64),
    /// First and longest mean delay before a refused exchange is repeated.
    pub refused_ns: (u64, u64),
    /// A protocol bug on purpose.
    #[cfg(feature = "planted")]
    pub bug: Option<Bug>,
}

impl Config {
    /// The defaults for a node with so many workers. Safe for production.
    #[must_use]
    pub fn new(workers: u32, handlers: Vec<String>, until: Until) -> Config {
        Config {
            workers,
            handlers,
            capacity: Demand::new(),
            until,
            lease_target_ns: 250_000_000,
            overhead_max: 0.02,
            report_every_ns: 100_000_000,
            report_every_max_ns: 5_000_000_000,
            dry_claim_ns: 20_000_000,
            dry_poll_ns: 1_000_000_000,
            unknown_task_ns: 5_000_000_000,
            leases_max: 48,
            bytes_max: 16 << 20,
            retry_ms: (100, 30_000),
            refused_ns: (10_000_000, 1_000_000_000),
            #[cfg(feature = "planted")]
            bug: None,
        }
    }

    /// All that is wrong with it, as sentences; empty if nothing is.
    #[must_use]
    pub fn validate(&self) -> Vec<&'static str> {
        let checks = [
            (self.workers == 0, "a node needs at least one worker"),
            (self.handlers.is_empty(), "a node needs at least one handler"),
            (self.leases_max == 0, "leases_max is 0: the node could hold nothing"),
            (
                !(0.0..1.0).contains(&self.overhead_max) || self.overhead_max == 0.0,
                "overhead_max is not between 0 and 1",
            ),
            (self.report_every_ns > self.report_every_max_ns, "report_every_ns is above report_every_max_ns"),
            (self.retry_ms.0 > self.retry_ms.1, "the first retry delay is longer than the longest"),
        ];
        checks.into_iter().filter_map(|(wrong, why)| wrong.then_some(why)).collect()
    }
}

/// Bugs that the simulator must find, one at a time.
#[cfg(feature = "planted")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Tasks are reported done when they are leased.
    ReportsBeforeTheEnd,
    /// What an unanswered exchange reported is forgotten.
    ForgetsUnanswered,
    /// Given-back tasks stay open here and are reported done as well.
    KeepsWhatItGaveBack,
    /// A lost lease's tasks go on and are reported under the fence of another lease of the job.
    BorrowsAFence,
    /// A reply is taken for the answer to whatever was asked last.
    TakesAnyReply,
    /// A stop leaves without waiting for the tasks that still run, reporting them done.
    LeavesEarly,
    /// Failures are not reported when a claim goes along.
    DropsFailures,
    /// More leases are asked for than the node may hold.
    Hoards,
}
