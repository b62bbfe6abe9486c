//! What one worker spent on which job, until the coordinator fetches it.
//!
//! The worker writes here once per chunk and where it turns to another job; in between its [`Meter`](crate::meter::Meter)
//! counts. So a task that runs for an hour is put down to its job by the second, and costs nothing for it.

use divvy_core::{Account, Histogram, JobId};

/// What a worker spent on one job, or waiting for any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    pub(crate) account: Account,
    pub(crate) cpu_ns: u64,
    pub(crate) run: Histogram,
    pub(crate) wait: Histogram,
}

/// A worker's parts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// What it is at; `None` while it waits.
    job: Option<JobId>,
    /// How far its account is divided among the parts.
    divided: Account,
    divided_cpu_ns: u64,
    parts: Vec<(Option<JobId>, Part)>,
}

/// The tasks of a chunk, as they are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ran {
    pub(crate) tasks: u64,
    /// Of all of them together. `None` if they outlive the chunk.
    pub(crate) run_ns: Option<u64>,
    /// From the moment when they were due to the middle of the chunk, of each.
    pub(crate) wait_ns: Option<u64>,
}

impl Tally {
    /// From here on what the worker does is for another job. `account` and `cpu_ns` are all of its life so far.
    pub(crate) fn turn_to(&mut self, job: Option<JobId>, account: &Account, cpu_ns: u64) {
        self.divide(account, cpu_ns);
        self.job = job;
    }

    /// A chunk has ended.
    pub(crate) fn on_chunk(&mut self, ran: Ran) {
        let part = self.part();
        if ran.tasks > 0 {
            ran.run_ns.inspect(|ns| part.run.record(ns / ran.tasks, ran.tasks));
            ran.wait_ns.inspect(|ns| part.wait.record(*ns, ran.tasks));
        }
    }

    /// Everything up to now, by job.
    pub(crate) fn fetch(&mut self, account: &Account, cpu_ns: u64) -> Vec<(Option<JobId>, Part)> {
        self.divide(account, cpu_ns);
        std::mem::take(&mut self.parts)
    }

    fn divide(&mut self, account: &Account, cpu_ns: u64) {
        let spent = self.divided.catch_up(account);
        let cpu_spent = cpu_ns.saturating_sub(self.divided_cpu_ns);
        self.divided_cpu_ns = cpu_ns;
        let part = self.part();
        part.account.merge(&spent);
        part.cpu_ns += cpu_spent;
    }

    /// The part of the present job. The newest is looked at first.
    fn part(&mut self) -> &mut Part {
        let at = self.parts.iter().rposition(|(job, _)| *job == self.job).unwrap_or_else(|| {
            self.parts.push((self.job, Part::default()));
            self.parts.len() - 1
        });
        &mut self.parts[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::State;

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
        tally.on_chunk(Ran { tasks: 4, run_ns: Some(80), wait_ns: Some(9) });
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
