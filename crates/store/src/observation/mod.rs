//! What a node saw of a job for a while: the account, kept.
//!
//! An observation is no part of the protocol. Nothing is decided by it, nothing waits for it, and losing some with a
//! node that was killed is fine. A node makes one per job about once a second and one at its end.
//!
//! How many there are is bounded: when a node has told of a job [`WINDOWS_MAX`] times, each two neighbours become one
//! of twice the length. So a job of a minute is kept by the second, one of a day by some twenty minutes, and
//! sums over all of it stay exact. And however many nodes come and go, a job has about [`ROWS_MAX`] at most ([`squeezed`]): the
//! nodes that were heard of last are told apart, all [`OTHERS`] become one.
//!
//! So that nothing of it is lost or counted twice, whatever is merged with whatever, all that is kept *adds up*. That is why
//! a node tells of [`Observation::nodes`] and [`Spread`] only what is new since it told the last time, and why it does not matter
//! whether it has left, is still there, or is late. What does not add up is kept as sums that stand for it: who was there for
//! how long ([`Presence`]). What a node had leased and not started is known node by node only of those that are told apart.

mod capacity;
mod presence;
mod record;
mod squeeze;

pub use capacity::seen;
pub use presence::{Presence, awake_ms};
pub use squeeze::{COUNTED_EVERY, OTHERS, ROWS_MAX, squeezed};

use divvy_core::{Account, Histogram, JobId, Millis, NodeId, Toll};

/// Most observations that are kept of one job by one node.
pub const WINDOWS_MAX: usize = 128;

/// What one node saw of one job between two moments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation {
    /// The job.
    pub job: JobId,
    /// Who saw it.
    pub node: NodeId,
    /// Since when, by the store's clock.
    pub from: Millis,
    /// Until when.
    pub until: Millis,
    /// The node's workers, whether they were busy with this job or not. Of several nodes those of the largest.
    pub workers: u64,
    /// Nodes that told of the job here for the first time.
    pub nodes: u64,
    /// Who was there, where that is more than one node from beginning to end: see [`Observation::presence`].
    pub merged: Option<Presence>,
    /// Worker-nanoseconds that the node's workers were there for this job: `workers x wall`, or the job's part of it.
    pub offered_ns: u64,
    /// Worker-nanoseconds by state.
    pub account: Account,
    /// CPU time of the worker threads, not of the processes they started.
    pub cpu_ns: u64,
    /// Attempts that ended, well or not.
    pub tasks: u64,
    /// Round trips to the store that reported or brought something of this job.
    pub exchanges: u64,
    /// Nanoseconds times the tasks that were leased and had not started, in units of 2^10 ns.
    pub queued: u64,
    /// How evenly the workers ran.
    pub spread: Spread,
    /// Task times, without what kept them waiting, as if all tasks of a chunk took equally long.
    pub run: Histogram,
    /// From the moment when a task was due until it started, where that is known.
    pub wait: Histogram,
    /// What the node's round trips cost; nothing of a node that worked for several jobs meanwhile.
    pub toll: Toll,
}

/// The seconds that each worker of a node has run tasks of a job since the node began with it: of all workers their
/// sum and the sum of their squares. An observation has what these have grown by since the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    /// Workers.
    pub workers: u64,
    /// The sum over the workers.
    pub sum: f64,
    /// The sum of the squares.
    pub squares: f64,
}

impl Spread {
    /// Takes in a worker that has run for so many seconds.
    pub fn add(&mut self, seconds: f64) {
        self.workers += 1;
        self.sum += seconds;
        self.squares += seconds * seconds;
    }

    /// Takes in other workers, or what these have grown by.
    pub fn merge(&mut self, other: &Spread) {
        self.workers += other.workers;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// What these have grown by since they were so.
    #[must_use]
    pub fn since(&self, before: &Spread) -> Spread {
        let Spread { workers, sum, squares } = *self;
        Spread { workers: workers - before.workers, sum: sum - before.sum, squares: squares - before.squares }
    }

    /// Standard deviation over mean. `None` for fewer than two workers, or if none has run.
    #[must_use]
    pub fn cv(&self) -> Option<f64> {
        let n = self.workers as f64;
        let mean = self.sum / n;
        (self.workers >= 2 && mean > 0.0).then(|| (self.squares / n - mean * mean).max(0.0).sqrt() / mean)
    }
}

impl Observation {
    /// Takes in another observation of the same job.
    pub fn merge(&mut self, later: &Observation) {
        let presence = self.presence_with(later);
        self.from = self.from.min(later.from);
        self.until = self.until.max(later.until);
        self.workers = self.workers.max(later.workers);
        self.merged = Some(presence).filter(|presence| *presence != self.plain());
        self.nodes = self.nodes.saturating_add(later.nodes);
        self.offered_ns = self.offered_ns.saturating_add(later.offered_ns);
        self.account.merge(&later.account);
        self.cpu_ns = self.cpu_ns.saturating_add(later.cpu_ns);
        self.tasks = self.tasks.saturating_add(later.tasks);
        self.exchanges = self.exchanges.saturating_add(later.exchanges);
        self.queued = self.queued.saturating_add(later.queued);
        self.spread.merge(&later.spread);
        self.run.merge(&later.run);
        self.wait.merge(&later.wait);
        self.toll.merge(&later.toll);
    }
}

/// Half as many observations of one job by one node: each two neighbours in time become one.
#[must_use]
pub fn thinned(mut seen: Vec<Observation>) -> Vec<Observation> {
    seen.sort_by_key(|observation| observation.from);
    let pairs = seen.chunks(2).map(|pair| {
        let mut both = pair[0].clone();
        pair[1..].iter().for_each(|later| both.merge(later));
        both
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::State;

    fn second(n: u64) -> Observation {
        let mut seen = Observation { from: n, until: n + 1, tasks: 10 + n, ..Observation::default() };
        seen.account.add(State::Run, 100);
        seen.spread.add(n as f64);
        seen
    }

    #[test]
    fn thinning_keeps_the_sums() {
        let seen = thinned([2, 0, 4, 1, 3].map(second).to_vec());
        assert_eq!(seen.iter().map(|s| (s.from, s.until)).collect::<Vec<_>>(), [(0, 2), (2, 4), (4, 5)]);
        assert_eq!(seen.iter().map(|s| s.tasks).sum::<u64>(), 5 * 10 + 10);
        assert_eq!(seen.iter().map(|s| s.account.get(State::Run)).sum::<u64>(), 500);
        assert_eq!(seen.iter().map(|s| s.spread.sum).collect::<Vec<_>>(), [1.0, 5.0, 4.0]);
        assert_eq!(thinned(vec![]), []);
    }

    #[test]
    fn what_a_spread_grows_by_adds_up_to_it() {
        let of = |ran: [f64; 2]| {
            let mut spread = Spread::default();
            ran.iter().for_each(|seconds| spread.add(*seconds));
            spread
        };
        let (begun, grown) = (of([1.0, 2.0]), of([4.0, 2.0]));
        let mut sum = begun.since(&Spread::default());
        sum.merge(&grown.since(&begun));
        assert_eq!(sum, grown);
    }

    #[test]
    fn the_spread_of_two_nodes_is_that_of_all_their_workers() {
        let (mut a, mut b) = (Spread::default(), Spread::default());
        a.add(1.0);
        assert_eq!(a.cv(), None, "one worker differs from nobody");
        b.add(3.0);
        a.merge(&b);
        assert!((a.cv().unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(Spread { workers: 4, ..Spread::default() }.cv(), None);
    }
}
