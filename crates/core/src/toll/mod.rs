//! The toll: what a node's round trips to the store cost, by how many workers were there when it was paid.
//!
//! It keeps sums, not samples: a few dozen levels of workers, and of each what a regression needs. So it takes the same
//! few kilobytes after a second and after a year, two tolls can be added, and a difference of two is that of a window.

mod usual;

use std::collections::BTreeMap;
use usual::Usual;

/// What one operation cost inside of a store, as far as the store can tell. What is left of the time it took was spent
/// in waiting for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// While nobody else could be served: the operation's own statements.
    pub work_ns: u64,
    /// While nobody else could be served, but for all operations of its group together: the commit.
    pub commit_ns: u64,
    /// Operations in the group.
    pub group: u64,
    /// How often the store was found in use by another process and looked at again a little later.
    pub retries: u64,
}

/// One round trip, as the node saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trip {
    /// Workers of all nodes at that moment.
    pub workers: u64,
    /// Workers of this node.
    pub own: u64,
    /// How long it took.
    pub total_ns: u64,
    /// Since the one before it had ended.
    pub gap_ns: u64,
    /// What the store says it cost; `None` if it cannot tell.
    pub cost: Option<Cost>,
    /// Tasks that it reported.
    pub tasks: u64,
    /// Tasks that have run since the one before, and how long.
    pub ran: u64,
    /// See `ran`.
    pub run_ns: u64,
    /// CPU time of the node since the one before: of its workers and of what it did beside them.
    pub cpu_ns: u64,
    /// CPU time that all programs on the machine have used since the one before.
    pub busy_ns: u64,
}

/// What is summed up over the trips at one level of workers. Times in nanoseconds, squares in square microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Sum {
    /// Round trips.
    Trips,
    /// Workers of all nodes.
    Workers,
    /// How long the round trips took.
    Total,
    /// The time between them.
    Gap,
    /// Round trips of which the store told the cost.
    Told,
    /// [`Cost::work_ns`], the usual part.
    Work,
    /// Its squares.
    WorkSq,
    /// [`Cost::commit_ns`], the usual part.
    Commit,
    /// Its squares.
    CommitSq,
    /// [`Cost::group`].
    Group,
    /// Tasks reported.
    Tasks,
    /// Tasks that have run.
    Ran,
    /// How long they ran.
    Run,
    /// The squares of their times, as if all between two trips had taken equally long.
    RunSq,
    /// CPU time of the node.
    Cpu,
    /// CPU time of the whole machine.
    Busy,
    /// [`Cost::retries`].
    Retries,
    /// [`Cost::work_ns`], what is beyond the usual.
    WorkBeyond,
    /// Its squares.
    WorkBeyondSq,
    /// [`Cost::commit_ns`], what is beyond the usual.
    CommitBeyond,
    /// Its squares.
    CommitBeyondSq,
    /// Worker-nanoseconds of the nodes: the time of each round trip and before it, times the workers of its node.
    Own,
}

/// How many sums there are.
const SUMS: usize = Sum::Own as usize + 1;

/// More sums than any program will write.
const SUMS_MAX: u64 = 1 << 16;

/// The sums over the trips at one level of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level([u64; SUMS]);

impl Level {
    fn of(trip: &Trip, habits: &mut Habits) -> Level {
        let Trip { workers, own, total_ns, gap_ns, tasks, ran, run_ns, cpu_ns, busy_ns, .. } = *trip;
        let Cost { work_ns, commit_ns, group, retries } = trip.cost.unwrap_or_default();
        let run_sq = square_us(run_ns / ran.max(1)).saturating_mul(ran);
        let told = trip.cost.is_some().into();
        let (work, work_beyond) = habits.work.split(work_ns);
        let (commit, commit_beyond) = habits.commit.split(commit_ns);
        let [work_sq, commit_sq, work_beyond_sq, commit_beyond_sq] =
            [work, commit, work_beyond, commit_beyond].map(square_us);
        // In the order of `Sum`.
        Level([
            1,
            workers,
            total_ns,
            gap_ns,
            told,
            work,
            work_sq,
            commit,
            commit_sq,
            group,
            tasks,
            ran,
            run_ns,
            run_sq,
            cpu_ns,
            busy_ns,
            retries,
            work_beyond,
            work_beyond_sq,
            commit_beyond,
            commit_beyond_sq,
            own.saturating_mul(total_ns + gap_ns),
        ])
    }

    /// One of the sums.
    #[must_use]
    pub fn get(&self, sum: Sum) -> u64 {
        self.0[sum as usize]
    }

    fn add(&mut self, other: &Level) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum = sum.saturating_add(more));
    }
}

fn square_us(ns: u64) -> u64 {
    let us = ns / 1_000;
    us.saturating_mul(us)
}

/// Below so many workers each number has a level of its own; from there on eight levels share an octave.
const EXACT: u64 = 32;

/// What round trips of one node usually cost: it tells which part of the next one is usual.
#[derive(Debug, Clone, Copy, Default)]
pub struct Habits {
    work: Usual,
    commit: Usual,
}

/// The levels, by the least number of workers that each has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Toll(BTreeMap<u64, Level>);

impl Toll {
    /// Takes in a round trip.
    pub fn pay(&mut self, trip: &Trip, habits: &mut Habits) {
        self.add(level_of(trip.workers), &Level::of(trip, habits));
    }

    fn add(&mut self, at: u64, level: &Level) {
        self.0.entry(at).or_default().add(level);
    }

    /// Takes in another toll.
    pub fn merge(&mut self, other: &Toll) {
        other.0.iter().for_each(|(at, level)| self.add(*at, level));
    }

    /// The levels, ascending.
    pub fn levels(&self) -> impl Iterator<Item = &Level> {
        self.0.values()
    }

    /// All of it as numbers, for [`Toll::of_numbers`]: how many sums a level has, then those of each.
    #[must_use]
    pub fn numbers(&self) -> Vec<u64> {
        std::iter::once(SUMS as u64).chain(self.0.values().flat_map(|level| level.0)).collect()
    }

    /// The toll that these numbers stand for, be they of an older program, which knew fewer sums, or of a newer one; what is
    /// left over at their end is left out.
    #[must_use]
    pub fn of_numbers(numbers: &[u64]) -> Toll {
        let mut toll = Toll::default();
        let Some((&sums @ 1..=SUMS_MAX, levels)) = numbers.split_first() else { return toll };
        for known in levels.chunks_exact(sums as usize) {
            let mut level = Level::default();
            level.0.iter_mut().zip(known).for_each(|(sum, known)| *sum = *known);
            if let Some(workers) = level.get(Sum::Workers).checked_div(level.get(Sum::Trips)) {
                toll.add(level_of(workers), &level);
            }
        }
        toll
    }
}

fn level_of(workers: u64) -> u64 {
    if workers < EXACT {
        return workers;
    }
    let step = (1 << workers.ilog2()) / 8;
    workers / step * step
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trip(workers: u64) -> Trip {
        let cost = Cost { work_ns: 5_000, commit_ns: 7_000, group: 2, retries: 3 };
        Trip {
            workers,
            own: 2,
            total_ns: 20_000,
            gap_ns: 1,
            cost: Some(cost),
            tasks: 3,
            ran: 2,
            run_ns: 8_000,
            cpu_ns: 9,
            busy_ns: 10,
        }
    }

    #[test]
    fn levels_are_bounded_and_keep_the_mean() {
        let mut toll = Toll::default();
        let mut habits = Habits::default();
        (1..100_000).for_each(|workers| toll.pay(&trip(workers), &mut habits));
        assert!(toll.levels().count() < 130, "{}", toll.levels().count());
        assert_eq!(toll.levels().map(|level| level.get(Sum::Trips)).sum::<u64>(), 99_999);
        let level = toll.levels().nth(32).unwrap();
        assert_eq!((level.get(Sum::Trips), level.get(Sum::Workers)), (4, 36 + 37 + 38 + 39));
        assert_eq!((level.get(Sum::WorkSq), level.get(Sum::RunSq)), (4 * 25, 4 * 2 * 16));
        assert_eq!((level.get(Sum::Busy), level.get(Sum::Retries)), (40, 12));
        assert_eq!((level.get(Sum::WorkBeyond), level.get(Sum::Own)), (0, 4 * 2 * 20_001));
    }

    #[test]
    fn a_stall_is_kept_apart() {
        let (mut toll, mut habits) = (Toll::default(), Habits::default());
        toll.pay(&trip(4), &mut habits);
        let stalled = Cost { work_ns: 1_005_000, commit_ns: 2_007_000, ..Cost::default() };
        toll.pay(&Trip { cost: Some(stalled), ..trip(4) }, &mut habits);
        let sums = *toll.levels().next().unwrap();
        assert_eq!([Sum::Work, Sum::WorkBeyond].map(|sum| sums.get(sum)), [5_000 + 40_000, 965_000]);
        assert_eq!([Sum::Commit, Sum::CommitBeyond].map(|sum| sums.get(sum)), [7_000 + 56_000, 1_951_000]);
        assert_eq!([Sum::WorkSq, Sum::WorkBeyondSq].map(|sum| sums.get(sum)), [25 + 1_600, 965 * 965]);
        assert_eq!(
            [Sum::CommitSq, Sum::CommitBeyondSq].map(|sum| sums.get(sum)),
            [49 + 3_136, 1_951 * 1_951]
        );
    }

    #[test]
    fn numbers_keep_all_of_it_and_two_tolls_make_one() {
        let (mut toll, mut other) = (Toll::default(), Toll::default());
        let mut habits = Habits::default();
        toll.pay(&trip(4), &mut habits);
        other.pay(&trip(4), &mut habits);
        other.pay(&trip(70), &mut habits);
        let mut both = toll.clone();
        both.pay(&trip(4), &mut habits);
        both.pay(&trip(70), &mut habits);
        toll.merge(&other);
        assert_eq!(toll, both);
        assert_eq!(Toll::of_numbers(&toll.numbers()), toll);
    }

    #[test]
    fn numbers_of_older_and_newer_programs_are_read_as_far_as_they_go() {
        let older = Toll::of_numbers(&[3, 2, 8, 100, 1, 9, 50]);
        let read: Vec<_> = older
            .levels()
            .map(|level| [Sum::Workers, Sum::Total, Sum::Gap].map(|sum| level.get(sum)))
            .collect();
        assert_eq!(read, [[8, 100, 0], [9, 50, 0]]);
        let mut newer = vec![SUMS as u64 + 1];
        newer.extend((0..SUMS as u64).map(|_| 1).chain([77]));
        assert_eq!(Toll::of_numbers(&newer).levels().count(), 1);
        assert_eq!(Toll::of_numbers(&[]), Toll::default());
        assert_eq!(Toll::of_numbers(&[0, 1, 2]), Toll::default());
    }
}
