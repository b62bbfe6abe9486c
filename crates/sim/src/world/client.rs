//! The people and programs outside: they submit, append, cancel, retry, pause and forget.
//!
//! One errand is on its way at a time. An errand that the store forgot by a restart is run again; its submitter
//! never heard that it was done.

use super::World;
use super::broken::{Broken, Checked, Invariant, ensure};
use super::fault::Fault;
use super::ledger::Job;
use super::net::{Answer, Request};
use super::queue::Event;
use super::work::JobPlan;
use divvy_core::{Intervals, JobId, Millis, Range, Rng};
use divvy_store::Error;
use std::rc::Rc;

/// What the client asks of the store.
#[derive(Debug, Clone)]
pub(crate) enum Errand {
    Submit(Rc<JobPlan>),
    Append {
        job: JobId,
        tasks: u64,
        close: bool,
    },
    /// `None`: the whole job.
    Cancel {
        job: JobId,
        tasks: Option<Intervals>,
    },
    Retry {
        job: JobId,
        tasks: Option<Intervals>,
    },
    Pause {
        job: JobId,
        paused: bool,
    },
    Forget(JobId),
    Sweep,
}

/// What the client waits for.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) is_waiting: bool,
}

impl World {
    /// False if it found nothing to do.
    pub(crate) fn on_client(&mut self) -> bool {
        let ns = self.rng.client.exponential(self.plan.client_ns as f64) as u64;
        // Also in the calm: a job may get stuck, or be closed by nobody else, until the last one has ended.
        if !self.is_closing() {
            self.queue.after(ns, Event::Client);
        }
        if self.client.is_waiting {
            return false;
        }
        let errand = if self.is_calm() { self.last_errand() } else { self.errand() };
        let Some(errand) = errand else { return false };
        self.client.is_waiting = true;
        self.send(Request::Errand(errand));
        true
    }

    /// Once faults stop, open jobs are closed, paused ones let go, and those canceled that wait in vain.
    fn last_errand(&self) -> Option<Errand> {
        let open = self.state.ledger.jobs.iter().find(|(_, job)| job.open);
        let close = open.map(|(job, _)| Errand::Append { job: *job, tasks: 0, close: true });
        close.or_else(|| self.let_go()).or_else(|| self.cancel_stuck())
    }

    fn let_go(&self) -> Option<Errand> {
        let paused = |(_, job): &(&JobId, &Job)| job.paused && !job.is_finished();
        let (job, _) = self.state.ledger.jobs.iter().find(paused)?;
        Some(Errand::Pause { job: *job, paused: false })
    }

    fn cancel_stuck(&self) -> Option<Errand> {
        let ledger = &self.state.ledger;
        let (job, _) = ledger.jobs.iter().find(|(_, job)| ledger.is_stuck(job))?;
        Some(Errand::Cancel { job: *job, tasks: None })
    }

    /// A job like any other, now and then one that comes after others.
    fn submission(&mut self) -> Errand {
        let rng = &mut self.rng.client;
        let mut plan = JobPlan::draw(rng, self.plan.mix);
        let jobs: Vec<JobId> = self.state.ledger.jobs.keys().copied().collect();
        if !jobs.is_empty() && rng.chance(0.4) {
            let some = (0..1 + rng.below(2)).map(|_| jobs[rng.below(jobs.len() as u64) as usize]);
            plan.spec.after = some.collect();
        }
        Errand::Submit(Rc::new(plan))
    }

    fn errand(&mut self) -> Option<Errand> {
        if self.state.ledger.unfinished() < self.plan.low_water {
            return Some(self.submission());
        }
        if self.rng.client.chance(0.2)
            && let Some(errand) = self.let_go().or_else(|| self.cancel_stuck())
        {
            return Some(errand);
        }
        let pauses = self.may(Fault::PauseJob);
        let (cancels, some, retries) =
            (self.may(Fault::CancelJob), self.may(Fault::CancelTasks), self.may(Fault::Retry));
        let rng = &mut self.rng.client;
        let jobs = &self.state.ledger.jobs;
        if retries
            && rng.chance(0.7)
            && let Some((id, job)) = jobs.iter().find(|(_, job)| !job.dead.is_empty())
        {
            let tasks = if rng.chance(0.5) { None } else { Some(some_tasks(rng, job)) };
            return Some(Errand::Retry { job: *id, tasks });
        }
        if some && rng.chance(0.1) {
            let lent = self.state.ledger.lent();
            let (job, _) = lent.get(rng.below(lent.len() as u64) as usize)?.0;
            let tasks = self.state.ledger.lent_of(job, rng.below(2) as usize)?;
            return Some(Errand::Cancel { job, tasks: Some(tasks) });
        }
        let (id, job) = jobs.iter().nth(rng.below(jobs.len() as u64) as usize)?;
        let id = *id;
        let errand = match rng.below(7) {
            0 | 1 if job.is_finished() => Errand::Forget(id),
            0 | 1 if job.open => Errand::Append { job: id, tasks: rng.below(40), close: rng.chance(0.4) },
            2 if job.open => Errand::Append { job: id, tasks: 1 + rng.below(3), close: false },
            3 if cancels && !job.is_finished() => Errand::Cancel { job: id, tasks: None },
            4 | 5 if some => Errand::Cancel { job: id, tasks: Some(some_tasks(rng, job)) },
            6 if rng.chance(0.3) => Errand::Sweep,
            6 if pauses && !job.is_finished() => Errand::Pause { job: id, paused: rng.chance(0.8) },
            _ => return None,
        };
        Some(errand)
    }

    /// Performs an errand, and keeps the books.
    pub(crate) fn perform_errand(&mut self, now: Millis, errand: &Errand) -> Checked<Answer> {
        let (backend, ledger) = (&mut self.state.backend, &mut self.state.ledger);
        let known = |id: &JobId| ledger.jobs.contains_key(id);
        let refused = |error| Broken { invariant: Invariant::Replies, why: format!("{errand:?}: {error}") };
        match errand {
            Errand::Submit(plan) => {
                let mut plan = plan.clone();
                if !plan.spec.after.iter().all(known) {
                    // A restart or an earlier errand took away what it was to come after.
                    Rc::make_mut(&mut plan).spec.after.retain(known);
                }
                let id = backend.submit(now, &plan.new_job()).map_err(refused)?;
                let open = plan.kind == super::work::Kind::Open;
                ledger.on_submitted(id, &plan, plan.tasks, open)?;
                self.plans.insert(id, plan.clone());
            }
            Errand::Append { job, tasks, close } if known(job) && ledger.jobs[job].open => {
                let blocks = ledger.jobs[job].plan.blocks(*tasks);
                let range = backend.append(now, *job, &blocks, *close).map_err(refused)?;
                ledger.on_appended(*job, range, *tasks, *close)?;
                if !range.is_empty() {
                    self.tally.count(Fault::Append);
                }
            }
            Errand::Cancel { job, tasks } if known(job) => {
                if tasks.is_none() && ledger.is_stuck(&ledger.jobs[job]) {
                    self.tally.count(Fault::Stuck);
                }
                let n = backend.cancel(now, *job, tasks.as_ref()).map_err(refused)?;
                ledger.on_canceled(*job, tasks.as_ref(), n)?;
                if n > 0 {
                    let whole = tasks.is_none();
                    self.tally.count(if whole { Fault::CancelJob } else { Fault::CancelTasks });
                }
            }
            Errand::Retry { job, tasks } if known(job) => {
                let n = backend.retry(now, *job, tasks.as_ref()).map_err(refused)?;
                ledger.on_retried(*job, tasks.as_ref(), n)?;
                if n > 0 {
                    self.tally.count(Fault::Retry);
                }
            }
            Errand::Pause { job, paused } if known(job) => {
                backend.pause(now, *job, *paused).map_err(refused)?;
                ledger.on_paused(*job, *paused);
                self.tally.count(Fault::PauseJob);
            }
            Errand::Forget(job) if known(job) && !ledger.may_forget(*job) => {
                let told = backend.forget(*job);
                let refused = matches!(told, Err(Error::Conflict { .. }));
                ensure!(refused, Replies, "job {job}, which others wait for, is forgotten: {told:?}");
            }
            Errand::Forget(job) if known(job) && ledger.jobs[job].is_finished() => {
                self.fates(*job)?;
                self.state.backend.forget(*job).map_err(refused)?;
                self.state.ledger.on_forgotten(*job)?;
                self.tally.count(Fault::Forget);
            }
            Errand::Sweep => {
                for id in backend.sweep(now).map_err(refused)? {
                    let clean =
                        ledger.jobs.get(&id).is_some_and(|j| j.dead.is_empty() && j.canceled.is_empty());
                    ensure!(clean, Replies, "job {id} was swept although somebody may ask about it");
                    ledger.on_forgotten(id)?;
                    self.tally.count(Fault::Forget);
                }
            }
            // What it was about is gone, by a restart or by an earlier errand that was run again.
            _ => {}
        }
        Ok(Answer::Errand)
    }
}

/// A few tasks, or a good part of the job.
fn some_tasks(rng: &mut Rng, job: &Job) -> Intervals {
    let most = if rng.chance(0.3) { job.tail } else { 12 };
    let pick = |rng: &mut Rng| {
        let lo = rng.below(job.tail);
        Range::new(lo, (lo + 1 + rng.below(most)).min(job.tail))
    };
    (0..1 + rng.below(3)).map(|_| if job.tail > 0 { pick(rng) } else { Range::default() }).collect()
}
