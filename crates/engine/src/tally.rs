//! What one worker spent on which job, until the coordinator fetches it.
//!
//! The worker writes here once per chunk and where it turns to another job; in between its [`Meter`](crate::meter::Meter)
//! counts. So a task that runs for an hour is put down to its job by the second, and costs nothing for it.

use divvy_core::{Account, Histogram, JobId, State};

/// What a worker spent on one job, or waiting for any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    pub(crate) account: Account,
    pub(crate) cpu_ns: u64,
    pub(crate) run: Histogram,
    pub(crate) wait: Histogram,
}

/// Most time, nanoseconds, that a worker keeps back because nobody can say yet what it was. A task in which a process that has said
/// nothing yet stays for longer shows in the bill as `run`.
const KEPT_BACK_MAX: u64 = 5_000_000_000;

/// A worker's parts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// What it is at; `None` while it waits.
    job: Option<JobId>,
    /// How far its account is divided among the parts.
    divided: Account,
    divided_cpu_ns: u64,
    parts: Vec<(Option<JobId>, Part)>,
    /// Time in `run` for a job whose process may still be starting, kept back until that is known.
    kept_back: Option<(JobId, u64)>,
    /// Of what was told of a job as `run`, so much is `spawn`. What has been told stays; so much less is told from here on, and
    /// the sum is right at any time.
    spawned: Option<(JobId, u64)>,
}

/// The tasks of a chunk, as they are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    pub(crate) tasks: u64,
    /// Of those, such whose time is known.
    pub(crate) timed: u64,
    /// Of all of these together. `None` if they outlive the chunk.
    pub(crate) run_ns: Option<u64>,
    /// From the moment when they were due to the middle of the chunk, of each.
    pub(crate) wait_ns: Option<u64>,
}

impl Tally {
    /// From here on what the worker does is for another job. `account` and `cpu_ns` are all of its life so far.
    pub(crate) fn turn_to(&mut self, job: Option<JobId>, account: &Account, cpu_ns: u64) {
        self.divide(account, cpu_ns);
        if self.kept_back.is_some_and(|(kept, _)| job.is_some_and(|job| job != kept)) {
            self.release();
        }
        self.job = job;
    }

    /// A chunk has ended.
    pub(crate) fn on_chunk(&mut self, ran: Ran) {
        let part = self.part();
        if ran.tasks > 0 {
            ran.run_ns.filter(|_| ran.timed > 0).inspect(|ns| part.run.record(ns / ran.timed, ran.timed));
            ran.wait_ns.inspect(|ns| part.wait.record(*ns, ran.tasks));
        }
    }

    /// A process begins for the present job: nobody knows how much of the time from here on is its start.
    pub(crate) fn on_starting(&mut self, account: &Account, cpu_ns: u64) {
        self.divide(account, cpu_ns);
        self.release();
        self.kept_back = self.job.map(|job| (job, 0));
    }

    /// It has started: so much of what was spent on the present job as `run` was `spawn`.
    pub(crate) fn on_started(&mut self, account: &Account, cpu_ns: u64, ns: u64) {
        self.divide(account, cpu_ns);
        self.release();
        let part = self.part();
        let left = ns - part.account.shift(State::Run, State::Spawn, ns);
        self.on_spawned(left);
    }

    /// What was kept back is `run`, as far as anybody knows.
    pub(crate) fn release(&mut self) {
        if let Some((job, ns)) = self.kept_back.take() {
            self.part_of(Some(job)).account.add(State::Run, ns);
        }
    }

    /// What is kept back, nanoseconds.
    pub(crate) fn kept_back(&self) -> u64 {
        self.kept_back.map_or(0, |(_, ns)| ns)
    }

    fn on_spawned(&mut self, ns: u64) {
        let before = self.spawned.filter(|(job, _)| Some(*job) == self.job).map_or(0, |(_, ns)| ns);
        self.spawned = self.job.map(|job| (job, before + ns));
    }

    /// Everything up to now, by job.
    pub(crate) fn fetch(&mut self, account: &Account, cpu_ns: u64) -> Vec<(Option<JobId>, Part)> {
        self.divide(account, cpu_ns);
        if self.kept_back() > KEPT_BACK_MAX {
            self.release();
        }
        std::mem::take(&mut self.parts)
    }

    fn divide(&mut self, account: &Account, cpu_ns: u64) {
        let mut spent = self.divided.catch_up(account);
        if let Some((_, left)) = self.spawned.as_mut().filter(|(job, _)| Some(*job) == self.job) {
            *left -= spent.shift(State::Run, State::Spawn, *left);
        }
        if let Some((_, kept)) = self.kept_back.as_mut().filter(|(job, _)| Some(*job) == self.job) {
            *kept += spent.take(State::Run, u64::MAX);
        }
        let cpu_spent = cpu_ns.saturating_sub(self.divided_cpu_ns);
        self.divided_cpu_ns = cpu_ns;
        let part = self.part();
        part.account.merge(&spent);
        part.cpu_ns += cpu_spent;
    }

    /// The part of the present job.
    fn part(&mut self) -> &mut Part {
        self.part_of(self.job)
    }

    /// The newest is looked at first.
    fn part_of(&mut self, job: Option<JobId>) -> &mut Part {
        let at = self.parts.iter().rposition(|(of, _)| *of == job).unwrap_or_else(|| {
            self.parts.push((job, Part::default()));
            self.parts.len() - 1
        });
        &mut self.parts[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_to_the_job_at_which_it_passed() {
        let (mut tally, mut life) = (Tally::default(), Account::default());
        let mut pass = |state, ns| {
            life.add(state, ns);
            life
        };
        tally.turn_to(Some(JobId(1)), &pass(State::Parked, 5), 1);
        tally.turn_to(Some(JobId(2)), &pass(State::Run, 10), 8);
        let first = tally.fetch(&pass(State::Run, 100), 50);
        tally.turn_to(Some(JobId(1)), &pass(State::Report, 7), 60);
        tally.on_chunk(Ran { tasks: 4, timed: 4, run_ns: Some(80), wait_ns: Some(9) });
        let second = tally.fetch(&pass(State::Run, 1), 60);
        let told = |parts: Vec<(Option<JobId>, Part)>| -> Vec<_> {
            let told = |(job, part): (Option<JobId>, Part)| {
                (job.map(|job| job.0), part.account.total(), part.cpu_ns)
            };
            parts.into_iter().map(told).collect()
        };
        let (run, wait) = (second[1].1.run.clone(), second[1].1.wait.clone());
        assert_eq!(told(first), [(None, 5, 1), (Some(1), 10, 7), (Some(2), 100, 42)]);
        assert_eq!(told(second), [(Some(2), 7, 10), (Some(1), 1, 0)]);
        assert_eq!((run.quantile(0.5), run.count(), wait.quantile(0.5)), (Some(20), 4, Some(9)));
    }

    /// A reader adds what has passed since a worker's last stamp; the worker's next stamp may be of an earlier moment.
    #[test]
    fn an_account_that_was_read_too_far_is_caught_up_with() {
        let (mut tally, mut life) = (Tally::default(), Account::default());
        life.add(State::Run, 100);
        assert_eq!(tally.fetch(&life, 0)[0].1.account.total(), 100);
        let mut behind = Account::default();
        behind.add(State::Run, 90);
        assert_eq!(tally.fetch(&behind, 0)[0].1.account.total(), 0);
        life.add(State::Run, 20);
        assert_eq!(tally.fetch(&life, 0)[0].1.account.total(), 20, "nothing twice, nothing missing");
    }
}
