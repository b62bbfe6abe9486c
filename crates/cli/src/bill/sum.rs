//! What observations add up to.

use divvy_core::{Account, Histogram, Millis, NodeId, State};
use divvy_engine::Usage;
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
    /// Who was there.
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

impl Bill {
    /// Of one job.
    pub fn of(seen: &[Observation]) -> Bill {
        let mut bill = Bill::default();
        let mut spreads = BTreeMap::new();
        for seen in seen {
            bill.account.merge(&seen.account);
            bill.offered_ns += seen.offered_ns;
            bill.cpu_ns += seen.cpu_ns;
            bill.tasks += seen.tasks;
            bill.exchanges += seen.exchanges;
            bill.run.merge(&seen.run);
            bill.wait.merge(&seen.wait);
            let node = bill.nodes.entry(seen.node).or_default();
            node.workers = node.workers.max(seen.workers);
            node.offered_ns += seen.offered_ns;
            node.seen_ns += seen.until.saturating_sub(seen.from) * 1_000_000;
            node.queued_task_ns += seen.queued as f64 * 1024.0;
            // The latest holds.
            spreads.insert(seen.node, seen.spread);
        }
        bill.spread = Some(shares(&bill.nodes, &spreads));
        bill.wall_ns = 1_000_000 * covered(seen.iter().map(|seen| (seen.from, seen.until)));
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
        // The same workers ran several jobs: their squares do not add up.
        Bill { spread: None, ..Bill::of(&all) }
    }

    /// Of a node, whatever it ran.
    pub fn of_node(usage: &Usage) -> Bill {
        let Usage { account, workers, wall_ns, cpu_ns } = *usage;
        let offered_ns = workers as u64 * wall_ns;
        let part = Part { workers: workers as u64, offered_ns, seen_ns: wall_ns, queued_task_ns: 0.0 };
        let nodes = BTreeMap::from([(NodeId(0), part)]);
        Bill { account, offered_ns, wall_ns, cpu_ns, nodes, ..Bill::default() }
    }

    /// Windows are kept by the millisecond. Where one node did nothing else, its workers' time is exact.
    fn exact_wall(&mut self) {
        if let [node] = self.nodes.values().copied().collect::<Vec<_>>()[..] {
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

/// The shares of their time that workers ran, of all nodes together. In seconds a node that came late or left early would
/// look slow. A worker counts by the time for which it was there: one that came for the last moment tells next to nothing.
fn shares(nodes: &BTreeMap<NodeId, Part>, ran: &BTreeMap<NodeId, Spread>) -> Spread {
    let there_s = |node: &Part| ratio(node.offered_ns as f64 / 1e9, node.workers as f64);
    let of_nodes: Vec<_> = ran
        .iter()
        .map(|(id, ran)| (ran, nodes.get(id).map_or(0.0, there_s)))
        .filter(|(ran, there_s)| ran.workers > 0 && *there_s > 0.0)
        .collect();
    let workers: u64 = of_nodes.iter().map(|(ran, _)| ran.workers).sum();
    let mean_s =
        ratio(of_nodes.iter().map(|(ran, there_s)| ran.workers as f64 * there_s).sum(), workers as f64);
    let mut all = Spread { workers, ..Spread::default() };
    for (ran, there_s) in of_nodes {
        all.sum += ratio(ran.sum, mean_s);
        all.squares += ratio(ran.squares, there_s * mean_s);
    }
    all
}

/// Milliseconds that any of these windows covers.
fn covered(windows: impl Iterator<Item = (Millis, Millis)>) -> u64 {
    let mut windows: Vec<_> = windows.collect();
    windows.sort_unstable();
    let (mut sum, mut end) = (0, 0);
    for (from, until) in windows {
        sum += until.saturating_sub(from.max(end));
        end = end.max(until);
    }
    sum
}

/// `a / b`, and nothing where there is nothing to divide by.
pub fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::JobId;

    fn seen(node: u64, from: Millis, until: Millis, run_ns: u64) -> Observation {
        let mut seen =
            Observation { job: JobId(1), node: NodeId(node), from, until, ..Observation::default() };
        (seen.workers, seen.offered_ns, seen.tasks) = (2, 2 * (until - from) * 1_000_000, 5);
        seen.account.add(State::Run, run_ns);
        seen.spread.add(run_ns as f64);
        seen.spread.add(0.0);
        seen
    }

    #[test]
    fn nodes_that_were_there_together_share_the_wall_and_pauses_are_left_out() {
        let bill = Bill::of(&[seen(1, 0, 1_000, 5), seen(1, 1_000, 2_000, 9), seen(2, 1_500, 2_500, 1)]);
        assert_eq!((bill.wall_ns, bill.tasks, bill.nodes.len()), (2_500_000_000, 15, 2));
        assert!((bill.workers() - 2.4).abs() < 1e-9);
        assert_eq!(bill.spread.map(|spread| spread.workers), Some(4));
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

    #[test]
    fn of_each_node_the_latest_spread_holds() {
        let bill = Bill::of(&[seen(1, 0, 1_000, 5), seen(1, 1_000, 2_000, 9)]);
        let spread = bill.spread.unwrap();
        // Nine of the two seconds that it was there.
        assert_eq!((spread.workers, spread.sum), (2, 4.5));
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
