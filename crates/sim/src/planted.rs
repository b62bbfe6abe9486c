//! The planted bugs, and how many seeds each may hide in. A checker that finds none of them checks nothing.

use crate::model::Bug as Store;
use crate::world::Planted;
use divvy_decide::Bug as Node;

/// A bug and the seeds within which it has to be found: some five times what the worst of eight stretches of seeds
/// needed when the table was made.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The bug.
    pub bug: Planted,
    /// Most seeds, counted from seed 0.
    pub limit: u64,
}

const fn node(bug: Node, limit: u64) -> Entry {
    Entry { bug: Planted::Node(bug), limit }
}

const fn store(bug: Store, limit: u64) -> Entry {
    Entry { bug: Planted::Store(bug), limit }
}

/// Every planted bug, those of the node first.
pub const ALL: &[Entry] = &[
    node(Node::ReportsBeforeTheEnd, 50),
    node(Node::ForgetsUnanswered, 50),
    node(Node::KeepsWhatItGaveBack, 50),
    node(Node::BorrowsAFence, 400),
    node(Node::TakesAnyReply, 50),
    node(Node::LeavesEarly, 100),
    node(Node::DropsFailures, 50),
    node(Node::Hoards, 50),
    store(Store::FenceNotChecked, 100),
    store(Store::NodeNotChecked, 400),
    store(Store::ExpireFreesWholeRange, 50),
    store(Store::ExpireForgetsRetries, 100),
    store(Store::FenceReused, 50),
    store(Store::HeadOneTooFar, 50),
    store(Store::LostNotCharged, 50),
    store(Store::AttemptsOffByOne, 50),
    store(Store::CancelLeavesLease, 50),
    store(Store::GivenBackKept, 50),
    store(Store::RemainderDropped, 50),
    store(Store::QuarantineIgnored, 50),
    store(Store::ResentReportCounted, 50),
    store(Store::EighthsIgnored, 50),
    store(Store::DueIgnored, 50),
    store(Store::ExclusiveIgnored, 50),
    store(Store::LostGrantKeptSecret, 50),
    store(Store::HeadIgnoresCanceled, 200),
    store(Store::ChildWakesEarly, 50),
    store(Store::PauseIgnored, 100),
    store(Store::FailureLetsGo, 50),
    store(Store::CapacityIgnored, 50),
    store(Store::ClassForgotten, 50),
    store(Store::OutgrownCharged, 100),
    store(Store::UnlistedIgnored, 50),
    store(Store::MaxFailsIgnored, 50),
    store(Store::BackupCopies, 50),
    store(Store::BackupUnasked, 50),
    store(Store::BackupsForgotten, 50),
    store(Store::AckBeforeSync, 50),
];

impl Planted {
    /// On which side it is.
    #[must_use]
    pub fn side(self) -> &'static str {
        match self {
            Planted::Node(_) => "node",
            Planted::Store(_) => "store",
        }
    }

    /// As it is called on the command line.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Planted::Node(bug) => format!("{bug:?}"),
            Planted::Store(bug) => format!("{bug:?}"),
        }
    }

    /// The bug of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Planted> {
        ALL.iter().map(|entry| entry.bug).find(|bug| bug.name() == name)
    }
}
