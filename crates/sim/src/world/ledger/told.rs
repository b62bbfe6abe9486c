//! The rest of a reply: what it says about leases that the node listed, about jobs and about other nodes.

use super::Ledger;
use crate::world::broken::{Checked, ensure};
use divvy_core::NodeId;
use divvy_store::{Exchange, JobView, Reply};

impl Ledger {
    pub(super) fn told(&self, node: NodeId, asked: &Exchange, reply: &Reply) -> Checked {
        let live = |held| self.leases.get(held).filter(|lent| lent.node == node);
        let lost: Vec<_> = asked.held.iter().filter(|held| live(held).is_none()).copied().collect();
        ensure!(
            reply.lost == lost,
            Replies,
            "node {node} is told it lost {:?}, it lost {lost:?}",
            reply.lost
        );
        let mut cut = 0;
        for (held, lent) in asked.held.iter().filter_map(|held| live(held).map(|lent| (held, lent))) {
            let told = reply.open.iter().find(|(key, _)| key == held);
            ensure!(told.is_some() == lent.cut, Replies, "{held:?} is told as {told:?}, cut: {}", lent.cut);
            let same = told.is_none_or(|(_, open)| *open == lent.open);
            ensure!(same, Replies, "{held:?} is told as {told:?}, stands as {:?}", lent.open);
            cut += usize::from(lent.cut);
        }
        ensure!(cut == reply.open.len(), Replies, "told of leases that were not listed: {:?}", reply.open);
        let workers: u64 = self.sessions.values().map(|s| u64::from(s.workers)).sum();
        ensure!(reply.workers == workers, Replies, "told {} workers of {workers}", reply.workers);
        let hungry = self.sessions.iter().filter(|(id, s)| **id != node && s.hungry).count() as u64;
        ensure!(reply.hungry == hungry, Replies, "told {} hungry nodes of {hungry}", reply.hungry);
        reply.jobs.iter().try_for_each(|view| self.seen(view))
    }

    fn seen(&self, view: &JobView) -> Checked {
        let Some(job) = self.jobs.get(&view.job) else {
            ensure!(false, Replies, "told of job {}, which is forgotten", view.job);
            return Ok(());
        };
        let truth = (job.unfinished(), job.dead.len() as u64, job.open, job.is_finished());
        let told = (view.unfinished, view.dead, view.open, view.finished);
        ensure!(
            told == truth,
            Replies,
            "job {} is told as {told:?} (unfinished, dead, open, finished), is {truth:?}",
            view.job
        );
        let truth = (job.blocked.len(), job.paused, self.is_stuck(job));
        let told = (view.blocked, view.paused, view.stuck);
        ensure!(
            told == truth,
            Replies,
            "job {} is told as {told:?} (blocked, paused, stuck), is {truth:?}",
            view.job
        );
        let by_class: u64 = view.classes.iter().map(|class| class.claimable).sum();
        let adds_up = view.classes.is_empty() || by_class == view.claimable;
        ensure!(adds_up, Replies, "classes do not add up: {view:?}");
        ensure!(view.claimable == 0 || !self.rests(job), Replies, "of a job that rests: {view:?}");
        Ok(())
    }
}
