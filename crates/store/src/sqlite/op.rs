//! The operations that write, as values: a group commit runs those of many callers in one transaction.

use super::errors::{Fault, Step};
use super::session::{self, Sessions};
use super::{cancel, exchange, lifecycle, merge};
use crate::{Block, Error, Exchange, Expired, NewJob, NodeInfo, Reply};
use divvy_core::{Intervals, JobId, Millis, NodeId, Range};
use rusqlite::Connection;

/// What a caller asks for.
#[derive(Debug)]
pub(super) enum Op {
    Submit(Millis, NewJob),
    Append(Millis, JobId, Vec<Block>, bool),
    Register(NodeInfo),
    Exchange(Millis, NodeId, Exchange),
    Leave(Millis, NodeId),
    Expire(Millis, NodeId),
    Cancel(Millis, JobId, Option<Intervals>),
    Retry(Millis, JobId, Option<Intervals>),
    Pause(Millis, JobId, bool),
    Forget(JobId),
    Sweep(Millis),
    /// Nothing but what every group does at its end: to write the observations that wait.
    Observe,
    /// A bug, for the test of what happens then: it panics halfway.
    #[cfg(test)]
    Panics(NewJob),
}

/// What the operation of the same name returns.
#[derive(Debug)]
pub(super) enum Answer {
    Job(JobId),
    Range(Range),
    Node(NodeId),
    Reply(Reply),
    Expired(Expired),
    Count(u64),
    Jobs(Vec<JobId>),
    Nothing,
}

impl Op {
    /// Runs the operation in the transaction that is open. After an error the transaction may hold half of it.
    pub(super) fn run(&self, conn: &Connection, sessions: &Sessions) -> Step<Answer> {
        match self {
            Op::Submit(now, job) => lifecycle::submit(conn, *now, job).map(Answer::Job),
            Op::Append(now, job, blocks, close) => {
                lifecycle::append(conn, *now, *job, blocks, *close).map(Answer::Range)
            }
            Op::Register(info) => session::register(conn, sessions, info).map(Answer::Node),
            Op::Exchange(now, node, ask) => exchange::exchange(conn, *now, *node, ask).map(Answer::Reply),
            Op::Leave(now, node) => session::leave(conn, *now, *node).map(|()| Answer::Nothing),
            Op::Expire(now, node) => session::expire(conn, *now, *node).map(Answer::Expired),
            Op::Cancel(now, job, tasks) => {
                cancel::cancel(conn, *now, *job, tasks.as_ref()).map(Answer::Count)
            }
            Op::Retry(now, job, tasks) => cancel::retry(conn, *now, *job, tasks.as_ref()).map(Answer::Count),
            Op::Pause(now, job, paused) => cancel::pause(conn, *now, *job, *paused).map(|()| Answer::Nothing),
            Op::Forget(job) => lifecycle::forget(conn, *job).map(|()| Answer::Nothing),
            Op::Sweep(now) => lifecycle::sweep(conn, *now).map(Answer::Jobs),
            Op::Observe => Ok(Answer::Nothing),
            #[cfg(test)]
            Op::Panics(job) => panic!("after {:?}", lifecycle::submit(conn, 0, job)),
        }
    }

    /// The blocks that an append adds to a job that stays open.
    fn appended(&self) -> Option<(JobId, &[Block])> {
        match self {
            Op::Append(_, job, blocks, false) => Some((*job, blocks)),
            _ => None,
        }
    }

    /// Runs the appends to one job at the front of `ops` as one, if they are several and none is refused.
    /// Empty if nothing was done.
    pub(super) fn run_merged<'o>(conn: &Connection, ops: impl Iterator<Item = &'o Op>) -> Step<Vec<Answer>> {
        let mut appends = ops.map_while(Op::appended).peekable();
        let Some((job, _)) = appends.peek().copied() else { return Ok(Vec::new()) };
        let same: Vec<&[Block]> =
            appends.take_while(|(other, _)| *other == job).map(|(_, blocks)| blocks).collect();
        if same.len() < 2 {
            return Ok(Vec::new());
        }
        let blocks = merge::merged(same.iter().copied().flatten());
        let Range { lo: mut next, .. } = match lifecycle::append(conn, 0, job, &blocks, false) {
            // Each is told for itself.
            Err(Fault::Store(Error::NoJob(_) | Error::Conflict { .. })) => return Ok(Vec::new()),
            appended => appended?,
        };
        let answer = |blocks: &[Block]| {
            let lo = next;
            next += blocks.iter().map(Block::count).sum::<u64>();
            Answer::Range(Range::new(lo, next))
        };
        Ok(same.into_iter().map(answer).collect())
    }

    /// The session that has ended for good once the operation is committed.
    pub(super) fn ends(&self) -> Option<NodeId> {
        match self {
            Op::Leave(_, node) | Op::Expire(_, node) => Some(*node),
            _ => None,
        }
    }
}
