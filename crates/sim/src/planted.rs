//! The planted bugs, and how many seeds each may hide in. A checker that finds none of them checks nothing.

use crate::model::Bug as Store;
use crate::world::Planted;
use divvy_decide::Bug as Node;

/// A bug and the seeds within which it has to be found.
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
    node(Node::ReportsBeforeTheEnd, 100),
    node(Node::ForgetsUnanswered, 100),
    node(Node::KeepsWhatItGaveBack, 100),
    node(Node::BorrowsAFence, 100),
    node(Node::TakesAnyReply, 100),
    node(Node::LeavesEarly, 100),
    node(Node::DropsFailures, 100),
    node(Node::Hoards, 100),
    store(Store::FenceNotChecked, 100),
    store(Store::NodeNotChecked, 100),
    store(Store::ExpireFreesWholeRange, 100),
    store(Store::ExpireForgetsRetries, 100),
    store(Store::FenceReused, 100),
    store(Store::HeadOneTooFar, 100),
    store(Store::LostNotCharged, 100),
    store(Store::AttemptsOffByOne, 100),
    store(Store::CancelLeavesLease, 100),
    store(Store::GivenBackKept, 100),
    store(Store::RemainderDropped, 100),
    store(Store::QuarantineIgnored, 100),
    store(Store::ResentReportCounted, 100),
    store(Store::EighthsIgnored, 100),
    store(Store::DueIgnored, 100),
    store(Store::ExclusiveIgnored, 100),
    store(Store::LostGrantKeptSecret, 100),
    store(Store::HeadIgnoresCanceled, 100),
    store(Store::AckBeforeSync, 100),
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
