//! Bugs to plant in the model, so that every check is seen to fail at least once.
//!
//! Each is a mistake that a real store could make in one line. A checker that finds none of them checks nothing.

/// A mistake of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// A report whose lease is gone is booked on whoever has its tasks now.
    FenceNotChecked,
    /// A report counts for a lease of another node.
    NodeNotChecked,
    /// A lost lease comes back as it was granted, with the tasks that were done meanwhile.
    ExpireFreesWholeRange,
    /// A lost lease of a task that had failed before does not come back.
    ExpireForgetsRetries,
    /// The next fence is one above the live ones, so that the fence of an ended lease is given out again.
    FenceReused,
    /// A lease from the head moves it one task too far.
    HeadOneTooFar,
    /// A task that was lost alone is not charged with it.
    LostNotCharged,
    /// A failed task gets one attempt more than its policy allows.
    AttemptsOffByOne,
    /// Canceling does not look into leases.
    CancelLeavesLease,
    /// What is given back waits, but stays in the lease too.
    GivenBackKept,
    /// Leasing a part of a waiting range drops the rest of it.
    RemainderDropped,
    /// A suspected task is leased like any other.
    QuarantineIgnored,
    /// A failure that is reported twice is charged twice, a completion is booked twice.
    ResentReportCounted,
    /// A lost range comes back as one lease, not in eighths.
    EighthsIgnored,
    /// A retry is granted before it is due.
    DueIgnored,
    /// An exclusive job is leased to two nodes at once.
    ExclusiveIgnored,
    /// A lease whose grant was lost on the way is not told again.
    LostGrantKeptSecret,
    /// A lease from the head holds canceled tasks.
    HeadIgnoresCanceled,
    /// A child wakes when the first of its parents is done.
    ChildWakesEarly,
    /// A job that is paused is leased like any other.
    PauseIgnored,
    /// A job that comes after others is leased as soon as they have finished, whatever became of them.
    FailureLetsGo,
    /// Tasks are granted to nodes that have no room for them.
    CapacityIgnored,
    /// What is given back waits in the first class.
    ClassForgotten,
    /// A task that has outgrown its class is charged with the attempt.
    OutgrownCharged,
    /// A node that does not know of all its leases is granted more.
    UnlistedIgnored,
    /// Too many deaths cancel nothing.
    MaxFailsIgnored,
    /// What a backup takes stays in the lease that it is taken from.
    BackupCopies,
    /// Tasks are taken of jobs that do not allow it.
    BackupUnasked,
    /// How often tasks were taken is not written down.
    BackupsForgotten,
    /// An operation is acknowledged before it is durable. The model has no disk: only the simulator, which lets a
    /// store forget what it had not synced, acts on this one.
    AckBeforeSync,
}

impl Bug {
    /// All of them.
    pub const ALL: &[Bug] = &[
        Bug::FenceNotChecked,
        Bug::NodeNotChecked,
        Bug::ExpireFreesWholeRange,
        Bug::ExpireForgetsRetries,
        Bug::FenceReused,
        Bug::HeadOneTooFar,
        Bug::LostNotCharged,
        Bug::AttemptsOffByOne,
        Bug::CancelLeavesLease,
        Bug::GivenBackKept,
        Bug::RemainderDropped,
        Bug::QuarantineIgnored,
        Bug::ResentReportCounted,
        Bug::EighthsIgnored,
        Bug::DueIgnored,
        Bug::ExclusiveIgnored,
        Bug::LostGrantKeptSecret,
        Bug::HeadIgnoresCanceled,
        Bug::ChildWakesEarly,
        Bug::PauseIgnored,
        Bug::FailureLetsGo,
        Bug::CapacityIgnored,
        Bug::ClassForgotten,
        Bug::OutgrownCharged,
        Bug::UnlistedIgnored,
        Bug::MaxFailsIgnored,
        Bug::BackupCopies,
        Bug::BackupUnasked,
        Bug::BackupsForgotten,
        Bug::AckBeforeSync,
    ];
}

/// The bugs that a model has. None by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bugs(u32);

impl Bugs {
    /// A correct store.
    pub const NONE: Bugs = Bugs(0);

    /// A store with one bug.
    #[must_use]
    pub fn only(bug: Bug) -> Bugs {
        Bugs(1 << bug as u32)
    }

    /// Whether it has this one.
    #[must_use]
    pub fn has(self, bug: Bug) -> bool {
        self.0 & (1 << bug as u32) != 0
    }
}
