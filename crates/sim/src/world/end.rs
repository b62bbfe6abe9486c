//! The end of a run: faults stop, everything drains within a bound, and every task's fate is the one it deserved.

use super::World;
use super::broken::{Checked, ensure};
use super::fault::Fault;
use super::ledger::Job;
use divvy_core::{JobId, Seq};
use divvy_decide::Until;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Anything may happen.
    Faults,
    /// Nothing bad happens any more, except what deadly and failing tasks do. Until these times of the clock and
    /// of the count of events everything has to be over.
    Calm { until: u64, events: u64 },
    /// All jobs have finished; the nodes stop.
    Closing { until: u64, events: u64 },
    /// Nobody is left.
    Over,
}

impl World {
    pub(crate) fn is_calm(&self) -> bool {
        self.stage != Stage::Faults
    }

    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing { .. } | Stage::Over)
    }

    /// Goes on to the next stage when it is time.
    pub(crate) fn advance(&mut self, faults_until: u64) -> Checked {
        match self.stage {
            Stage::Faults if self.events >= faults_until => self.calm_down(),
            Stage::Faults | Stage::Over => {}
            Stage::Calm { until, events } => {
                self.in_time(until, events)?;
                let now = self.queue.now();
                let quiet = |h: &super::Host| h.leases() == 0 && h.paused_until <= now;
                let drained = self.state.ledger.is_drained() && !self.client.is_waiting;
                self.drained_at = if drained { self.drained_at.or(Some(now)) } else { None };
                if drained && self.hosts.iter().all(quiet) {
                    self.stage = Stage::Closing { until, events };
                    (0..self.hosts.len()).try_for_each(|slot| self.close(slot))?;
                }
            }
            Stage::Closing { until, events } => {
                self.in_time(until, events)?;
                if self.hosts.iter().all(|h| h.node.is_none()) && self.state.ledger.sessions.is_empty() {
                    self.stage = Stage::Over;
                    self.last_look()?;
                }
            }
        }
        Ok(())
    }

    /// All jobs have finished: who is to stay until stopped is stopped, the others have to leave by themselves.
    pub(crate) fn close(&mut self, slot: usize) -> Checked {
        if self.hosts[slot].until == Until::Stopped { self.stop(slot).map(drop) } else { Ok(()) }
    }

    fn in_time(&self, until: u64, events: u64) -> Checked {
        let (now, left) = (self.queue.now(), self.state.ledger.unfinished());
        let holds: Vec<usize> = self.hosts.iter().map(super::Host::leases).collect();
        let lent = self.state.ledger.lent();
        let what =
            || format!("{left} tasks unfinished, nodes hold {holds:?} leases, the store lends {lent:?}");
        ensure!(now <= until, Drains, "not over {now} ns after the beginning: {}", what());
        ensure!(self.events <= events, Drains, "not over after {} events: {}", self.events, what());
        Ok(())
    }

    /// Faults stop; clocks agree on the highest reading that anybody had.
    fn calm_down(&mut self) {
        self.hosts.iter_mut().for_each(|host| host.skew_ms = 0);
        let wall = self.wall(None);
        self.skew_ms += self.wall_max.saturating_sub(wall) as i64;
        let until = self.queue.now() + self.bound_ns();
        let left = self.state.ledger.unfinished();
        self.trace.line(self.queue.now(), format_args!("-- calm, {left} tasks unfinished, until {until}"));
        self.stage = Stage::Calm { until, events: self.events + 20_000 + 200 * left };
    }

    /// How long the rest may take: as if one worker did it all, each attempt and each loss waiting as long as it
    /// may, and as much again.
    fn bound_ns(&self) -> u64 {
        let plan = &self.plan;
        let polls = plan.slots.iter().map(|cfg| cfg.dry_poll_ns + cfg.report_every_ns).max().unwrap_or(0);
        let retry_ns = plan.slots.iter().map(|cfg| cfg.retry_ms.1 * 1_000_000).max().unwrap_or(0);
        let trip_ns = plan.timeout_ns + plan.slow_sync_ns * 3 + plan.net.late_ns + 100_000_000;
        let loss_ns = plan.detect_ns * 2 + plan.respawn_ns + trip_ns + polls;
        let mut ns = 10 * loss_ns;
        for job in self.state.ledger.jobs.values() {
            ns += 2 * (trip_ns + polls) + plan.client_ns * 30; // until it is closed, let go, or its turn comes
            let policy = &job.plan.spec.policy;
            for work in (0..job.tail).map(|seq| job.plan.task(seq)) {
                let grows = job.plan.spec.needs.classes();
                let (starts, losses) = match work.deadly {
                    true => (12 + policy.crash_limit, 12 + policy.crash_limit),
                    false => (1 + grows + policy.max_attempts, 0),
                };
                // In a graph each task may have to wait for the report of another.
                let steps = u64::from(!job.plan.graph.is_empty()) + u64::from(grows);
                let fails =
                    u64::from(work.fails.max(if work.fits == u32::MAX { policy.max_attempts } else { 0 }));
                let trips = fails * (retry_ns + trip_ns + polls) + steps * (trip_ns + polls);
                let wait = trips + u64::from(losses) * loss_ns;
                ns += u64::from(starts) * work.run_ns + wait;
            }
        }
        2 * ns
    }

    fn last_look(&mut self) -> Checked {
        let lent = self.state.ledger.lent();
        ensure!(lent.is_empty(), Drains, "leases without a node: {lent:?}");
        let jobs: Vec<JobId> = self.state.ledger.jobs.keys().copied().collect();
        jobs.into_iter().try_for_each(|id| self.fates(id))
    }

    /// Each task of a finished job ended as its nature and its policy wanted it.
    pub(crate) fn fates(&self, id: JobId) -> Checked {
        let job = &self.state.ledger.jobs[&id];
        let told = self.state.backend.dead(id);
        let Ok(told) = told else {
            ensure!(false, Replies, "the dead of job {id}: {told:?}");
            return Ok(());
        };
        self.state.ledger.died(id, &told)?;
        (0..job.tail).try_for_each(|seq| self.fate(id, job, seq))
    }

    fn fate(&self, id: JobId, job: &Job, seq: Seq) -> Checked {
        let (work, policy) = (job.plan.task(seq), &job.plan.spec.policy);
        if let Some(charge) = job.dead.get(&seq) {
            let fails = work.fails >= policy.max_attempts || work.fits == u32::MAX;
            let failed = charge.attempts >= policy.max_attempts && fails;
            let crashed = charge.crashes >= policy.crash_limit && (work.deadly || job.unlucky.contains(&seq));
            ensure!(failed || crashed, Fate, "{seq} of job {id} died of {charge:?}, it is {work:?}");
        } else if job.canceled.contains(seq) {
            let may =
                self.plan.faults[Fault::CancelJob as usize] || self.plan.faults[Fault::CancelTasks as usize];
            let may = may || job.canceled_whole;
            ensure!(may, Fate, "{seq} of job {id} is canceled, and nobody did it");
        } else if !job.done.contains(seq) {
            ensure!(job.blocker(seq).is_some(), Fate, "{seq} of job {id} has not ended, it is {work:?}");
        } else {
            let should = !work.deadly && work.fails < policy.max_attempts && work.fits != u32::MAX;
            ensure!(should, Fate, "{seq} of job {id} counts as done, it is {work:?}");
        }
        Ok(())
    }
}
