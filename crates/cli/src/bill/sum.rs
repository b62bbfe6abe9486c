//! What observations add up to.

use divvy_core::{Account, Histogram, NodeId, State};
use divvy_engine::Usage;
use divvy_store::observation::{OTHERS, awake_ms};
use divvy_store::{Observation, Spread};
use std::collections::BTreeMap;

/// Where worker time went: of a job, of several together, or of a node that ran whatever there was.
#[derive(Debug, Clone, Default)]
pub struct Bill {
    /// Worker time by state.
    pub account: Account,
    /// Workers times wall: what there was to spend.
    pub offered_ns: u64,
    /// Time in which anybody was there for it. Pauses between two nodes do not count.
    pub wall_ns: u64,
    /// CPU time of the worker threads.
    pub cpu_ns: u64,
    /// Attempts that ended.
    pub tasks: u64,
    /// Round trips to the store.
    pub exchanges: u64,
    /// How many nodes were there.
    pub nodes_seen: u64,
    /// Those of them that are told apart.
    pub nodes: BTreeMap<NodeId, Part>,
    /// How evenly the workers ran, as shares of the time for which they were there; `None` where that cannot be added up.
    pub spread: Option<Spread>,
    /// Task times.
    pub run: Histogram,
    /// From when tasks were due until they started.
    pub wait: Histogram,
}

/// A node's part in it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Part {
    /// Its workers.
    pub workers: u64,
    /// Their time.
    pub offered_ns: u64,
    /// How long it was there.
    pub seen_ns: u64,
    /// Nanoseconds times tasks that were leased and had not started.
    pub queued_task_ns: f64,
}

impl Part {
    fn add(&mut self, seen: &Observation) {
        self.workers = self.workers.max(seen.workers);
        self.offered_ns += seen.offered_ns;
        self.seen_ns += seen.presence().node_ms * 1_000_000;
        self.queued_task_ns += seen.queued as f64 * 1024.0;
    }
}

impl Bill {
    /// Of one job.
    pub fn of(seen: &[Observation]) -> Bill {
        let mut bill = Bill::default();
        let mut ran: BTreeMap<NodeId, Ran> = BTreeMap::new();
        for seen in seen {
            bill.account.merge(&seen.account);
            bill.offered_ns += seen.offered_ns;
            bill.cpu_ns += seen.cpu_ns;
            bill.tasks += seen.tasks;
            bill.exchanges += seen.exchanges;
            bill.run.merge(&seen.run);
            bill.wait.merge(&seen.wait);
            bill.nodes_seen += seen.nodes;
            let (spread, offered_ns) = ran.entry(seen.node).or_default();
            spread.merge(&seen.spread);
            *offered_ns += seen.offered_ns;
            if seen.node != OTHERS {
                bill.nodes.entry(seen.node).or_default().add(seen);
            }
        }
        // Who was killed may not have told that it was there.
        bill.nodes_seen = bill.nodes_seen.max(bill.nodes.len() as u64);
        bill.spread = Some(shares(ran.values()));
        bill.wall_ns = 1_000_000 * awake_ms(seen);
        bill.exact_wall();
        bill
    }

    /// Of several jobs that belong together.
    pub fn together<'a>(jobs: impl Iterator<Item = &'a [Observation]>) -> Bill {
        let jobs: Vec<_> = jobs.filter(|seen| !seen.is_empty()).collect();
        if let [one] = jobs[..] {
            return Bill::of(one);
        }
        let all: Vec<Observation> = jobs.concat();
        // The same nodes and workers ran several jobs: neither they nor their squares add up.
        let bill = Bill::of(&all);
        let of_each = jobs.iter().map(|seen| Bill::of(seen).nodes_seen).max().unwrap_or(0);
        Bill { spread: None, nodes_seen: of_each.max(bill.nodes.len() as u64), ..bill }
    }

    /// Of a node, whatever it ran.
    pub fn of_node(usage: &Usage) -> Bill {
        let Usage { account, workers, wall_ns, cpu_ns } = *usage;
        let offered_ns = workers as u64 * wall_ns;
        let part = Part { workers: workers as u64, offered_ns, seen_ns: wall_ns, queued_task_ns: 0.0 };
        let nodes = BTreeMap::from([(NodeId(0), part)]);
        Bill { account, offered_ns, wall_ns, cpu_ns, nodes_seen: 1, nodes, ..Bill::default() }
    }

    /// Windows are kept by the millisecond. Where one node did nothing else, its workers' time is exact.
    fn exact_wall(&mut self) {
        if self.nodes_seen == 1
            && let Some(node) = self.nodes.values().next()
        {
            let exact = node.offered_ns / node.workers.max(1);
            let tolerance = 2_000_000 + self.wall_ns / 1_000;
            if exact.abs_diff(self.wall_ns) <= tolerance {
                self.wall_ns = exact;
            }
        }
    }

    /// How many workers there were on average.
    pub fn workers(&self) -> f64 {
        ratio(self.offered_ns as f64, self.wall_ns as f64)
    }

    /// Seconds in a state.
    pub fn seconds(&self, state: State) -> f64 {
        self.account.seconds(state)
    }

    /// The share of all worker time that was spent in these states.
    pub fn share(&self, states: &[State]) -> f64 {
        let spent: f64 = states.iter().map(|state| self.seconds(*state)).sum();
        ratio(spent, self.offered_seconds())
    }

    /// Worker-seconds that there were.
    pub fn offered_seconds(&self) -> f64 {
        self.offered_ns as f64 / 1e9
    }

    /// The share of worker time that no state explains.
    pub fn unaccounted(&self) -> f64 {
        if self.offered_ns == 0 { 0.0 } else { self.account.unaccounted(1, self.offered_ns) }
    }

    /// Whether there is anything to tell.
    pub fn is_empty(&self) -> bool {
        self.offered_ns == 0
    }
}

/// What the workers of a node ran, and worker-nanoseconds for which they were there.
type Ran = (Spread, u64);

/// The shares of their time that workers ran, of all nodes together. In seconds a node that came late or left early would
/// look slow. A worker counts by the time for which it was there: one that came for the last moment tells next to nothing.
/// Nodes that are not told apart count as if all their workers had been there equally long.
fn shares<'a>(ran: impl Iterator<Item = &'a Ran> + Clone) -> Spread {
    let there_s = |(ran, offered_ns): &Ran| ratio(*offered_ns as f64 / 1e9, ran.workers as f64);
    let ran = ran.filter(|node| there_s(node) > 0.0);
    let workers: u64 = ran.clone().map(|(ran, _)| ran.workers).sum();
    let offered_s: f64 = ran.clone().map(|(_, offered_ns)| *offered_ns as f64 / 1e9).sum();
    let mean_s = ratio(offered_s, workers as f64);
    let mut all = Spread { workers, ..Spread::default() };
    for node in ran {
        all.sum += ratio(node.0.sum, mean_s);
        all.squares += ratio(node.0.squares, there_s(node) * mean_s);
    }
    all
}

/// `a / b`, and nothing where there is nothing to divide by.
pub fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::{JobId, Millis};

    fn seen(node: u64, from: Millis, until: Millis, run_ns: u64) -> Observation {
        let mut seen =
            Observation { job: JobId(1), node: NodeId(node), from, until, ..Observation::default() };
        (seen.workers, seen.offered_ns, seen.tasks) = (2, 2 * (until - from) * 1_000_000, 5);
        seen.account.add(State::Run, run_ns);
        seen.spread = Spread { workers: 0, sum: run_ns as f64, squares: 1.0 };
        seen
    }

    #[test]
    fn nodes_that_were_there_together_share_the_wall_and_pauses_are_left_out() {
        let bill = Bill::of(&[seen(1, 0, 1_000, 5), seen(1, 1_000, 2_000, 9), seen(2, 1_500, 2_500, 1)]);
        assert_eq!((bill.wall_ns, bill.tasks, bill.nodes.len()), (2_500_000_000, 15, 2));
        assert!((bill.workers() - 2.4).abs() < 1e-9);
        assert_eq!(bill.spread.map(|spread| spread.workers), Some(0), "nobody told of workers");
        let with_pause = Bill::of(&[seen(1, 0, 1_000, 5), seen(2, 9_000, 10_000, 9)]);
        assert_eq!(with_pause.wall_ns, 2_000_000_000);
        assert!((with_pause.workers() - 2.0).abs() < 1e-9);
    }

    /// All workers ran all the time, and the bill said that some ran much longer than others.
    #[test]
    fn nodes_that_come_and_go_do_not_make_workers_uneven() {
        let busy = |node, from, until| {
            let mut seen = Observation { node: NodeId(node), ..seen(node, from, until, 0) };
            seen.spread = Spread::default();
            (0..2).for_each(|_| seen.spread.add((until - from) as f64 / 1e3));
            seen
        };
        let cv = |seen: &[Observation]| Bill::of(seen).spread.unwrap().cv().unwrap();
        assert!(cv(&[busy(1, 0, 4_000), busy(2, 2_000, 4_000)]) < 1e-6);
        assert!(cv(&[busy(1, 0, 900), busy(2, 5_000, 9_000)]) < 1e-6);
        let half = |node, from, until| {
            let mut seen = busy(node, from, until);
            seen.spread =
                Spread { workers: 2, sum: seen.spread.sum / 2.0, squares: seen.spread.squares / 4.0 };
            seen
        };
        assert!((cv(&[busy(1, 0, 4_000), half(2, 0, 4_000)]) - 1.0 / 3.0).abs() < 1e-6, "one is slower");
        let late = cv(&[busy(1, 0, 4_000), half(2, 3_990, 4_000)]);
        assert!(late < 0.05, "a node that saw the end only: {late}");
    }

    /// A node tells only what is new, so a worker that it told of once counts in all its windows.
    #[test]
    fn what_a_node_told_of_its_workers_adds_up() {
        let first = Spread { workers: 2, sum: 1.0, squares: 1.0 };
        let next = Spread { workers: 0, sum: 1.0, squares: 1.0 };
        let told = |from, spread| Observation { spread, ..seen(1, from, from + 1_000, 5) };
        let bill = Bill::of(&[told(0, first), told(1_000, next)]);
        // Two workers, there for two seconds each, of which one ran for all of them and the other never.
        let spread = bill.spread.unwrap();
        assert_eq!((spread.workers, spread.sum, spread.squares), (2, 1.0, 0.5));
        assert!(bill.offered_ns == 4_000_000_000, "{}", bill.offered_ns);
    }

    #[test]
    fn nodes_that_are_not_told_apart_are_in_all_sums_and_have_no_part_of_their_own() {
        let mut others = Observation { nodes: 5, ..seen(0, 0, 1_000, 7) };
        others.merge(&seen(0, 3_000, 4_000, 7));
        let began = Observation { nodes: 1, ..seen(9, 4_000, 5_000, 5) };
        let bill = Bill::of(&[others, began, seen(9, 5_000, 6_000, 5)]);
        assert_eq!((bill.nodes_seen, bill.nodes.len(), bill.tasks), (6, 1, 20));
        assert_eq!((bill.wall_ns, bill.nodes[&NodeId(9)].seen_ns), (4_000_000_000, 2_000_000_000));
        assert_eq!(bill.account.get(State::Run), 24);
    }

    #[test]
    fn a_node_that_worked_for_several_jobs_is_one() {
        let job = [Observation { nodes: 1, ..seen(1, 0, 1_000, 5) }];
        assert_eq!(Bill::together([&job[..], &job[..]].into_iter()).nodes_seen, 1);
        assert_eq!(
            Bill::of(&[seen(1, 0, 1_000, 5), seen(2, 0, 1_000, 5)]).nodes_seen,
            2,
            "who told nothing more"
        );
    }

    #[test]
    fn what_there_was_is_exact_where_one_node_was_alone_with_it() {
        let mut one = seen(1, 0, 1_000, 5);
        one.offered_ns = 2 * 1_000_400_000;
        assert_eq!(Bill::of(&[one.clone()]).wall_ns, 1_000_400_000);
        one.offered_ns = 500_000_000;
        assert_eq!(Bill::of(&[one]).wall_ns, 1_000_000_000, "it was there for others too");
        let nothing = Bill::together([&[][..]].into_iter());
        assert!(nothing.is_empty() && nothing.unaccounted() == 0.0 && nothing.workers() == 0.0);
    }
}
