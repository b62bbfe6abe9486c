//! What a node is told, and what it wants done.

use crate::tuned::Tuned;
use divvy_core::{Intervals, Seq};
use divvy_store::{Exchange, Held, Lease};

/// What the node wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Run these tasks: all of them, or, if they take anything of the node, those that [`Action::Run`] will name.
    Start(Lease),
    /// Run this task of a lease that was started before; there is room for it now.
    Run(Held, Seq),
    /// Take up to so many unstarted tasks, the last ones first, back from the workers; answer with
    /// [`Node::on_cut`](crate::Node::on_cut), also if there were none.
    Cut(Held, u64),
    /// These tasks of the lease are no longer ours: say nothing more of them, and stop them, unless they may as well end
    /// here since their job allows [backups](divvy_store::Policy::backups).
    Drop(Held, Intervals),
    /// Nobody wants what is still running of this lease: its job is over. Comes after its [`Action::Drop`], and perhaps long after
    /// its [`Action::Retire`].
    Abandon(Held),
    /// Nothing more will happen under this lease.
    Retire(Held),
    /// Carry this to the store; answer with [`Node::on_reply`](crate::Node::on_reply) or [`Node::on_refused`](crate::Node::on_refused) and this number.
    Exchange(u64, Exchange),
    /// The session has ended: begin a new one, then [`Node::on_registered`](crate::Node::on_registered).
    Register,
    /// Nothing to do: for people, this is now set otherwise, and why.
    Tuned(Tuned),
    /// The node is through.
    End(End),
}

/// Why a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its job has finished, or there was nothing more to do.
    Finished,
    /// It was told to, and has given everything back.
    Stopped,
    /// The store refused for good; leases may still be held there.
    Refused,
}

/// Why an exchange has no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not now, or nobody knows whether it arrived: say it again.
    Again,
    /// The session has ended.
    Gone,
    /// It will not work later either.
    ForGood,
}

/// A task that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The task.
    pub seq: Seq,
    /// What went wrong, for people.
    pub error: String,
    /// It was ended because it needed more memory than its class has.
    pub outgrown: bool,
}

/// What workers did under one lease since the last tick.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Worked {
    /// Ended well.
    pub done: Intervals,
    /// Failed.
    pub failed: Vec<Failure>,
    /// Stopped without fault of theirs.
    pub stopped: Intervals,
    /// Of a lease whose tasks take something of the node: those that take it no longer, because they have ended, or
    /// will never start. Whatever became of them is told beside this, perhaps later.
    pub ended: Intervals,
    /// Worker-nanoseconds in the handler, over how many tasks.
    pub run_ns: u64,
    /// See `run_ns`.
    pub tasks: u64,
}

/// What the engine sees when it looks at its workers.
#[derive(Debug, Clone, Default)]
pub struct Tick {
    /// By lease.
    pub worked: Vec<(Held, Worked)>,
    /// Tasks not started, by lease; a lease that is not named has none.
    pub unstarted: Vec<(Held, u64)>,
    /// Workers that found nothing to do.
    pub idle: u32,
    /// Retired leases of which tasks may still run here that others have taken, and that were not abandoned.
    pub strays: Vec<Held>,
    /// Tasks that no worker has in its hands any more are still to be told of.
    pub in_hand: bool,
}
