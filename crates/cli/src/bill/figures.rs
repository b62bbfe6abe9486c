//! The four figures of the dashboard: what each is, whether that is good, what it means and what to do.
//!
//! The thresholds are those that `docs/account.md` tells. A figure that chance alone could have made is not called bad: from the
//! spread the part is taken that workers have which are fed at random, and a depth ratio is compared with that of random
//! queues of the same mean (`divvy_model::floors`).

use super::sum::{Bill, Part, ratio};
use divvy_core::State::{Claim, HeldBack, Idle, Lock, Parked, Report, Run, Spawn, Starved, Steal};
use divvy_model::floors;

/// Below so much running there is nothing to divide by.
const RUN_NS_MIN: u64 = 500_000;
/// A worker that ran fewer tasks than this cannot have run as much as the others but by luck.
const TASKS_A_WORKER: u64 = 10;

/// A depth ratio that chance exceeds as rarely as this is no accident.
const CHANCE: f64 = 0.05;

/// Whether a figure is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to do.
    Good,
    /// Between the thresholds.
    Fair,
    /// Worth acting on.
    Bad,
}

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Fair => "fair",
            Verdict::Bad => "bad",
        }
    }

    /// Where small is good.
    fn below(value: f64, good: f64, bad: f64) -> Verdict {
        match value {
            v if v < good => Verdict::Good,
            v if v <= bad => Verdict::Fair,
            _ => Verdict::Bad,
        }
    }
}

/// A figure.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// Its value, or why there is none.
    pub value: Result<f64, String>,
    /// What it is good below (or above), and bad above (or below).
    pub thresholds: (f64, f64),
    /// `None` without a value, and where it would not be fair to judge.
    pub verdict: Option<Verdict>,
    /// What it means here, and what to do.
    pub says: String,
}

impl Figure {
    /// One that has no value.
    fn none(name: &'static str, thresholds: (f64, f64), why: &str) -> Figure {
        Figure { name, value: Err(why.into()), thresholds, verdict: None, says: String::new() }
    }
}

/// All four, in the order in which they are shown.
pub fn figures(bill: &Bill) -> [Figure; 4] {
    [spread(bill), overhead(bill), depth(bill), speedup(bill)]
}

/// Utilisation spread between the workers: standard deviation over mean of the share of its time that each ran, less what
/// chance makes.
fn spread(bill: &Bill) -> Figure {
    let (name, thresholds) = ("utilisation spread", (0.1, 0.3));
    let none = |why| Figure::none(name, thresholds, why);
    let Some(spread) = bill.spread else {
        return none("each phase has its own");
    };
    let Some(cv) = spread.cv() else {
        return none("one worker has nobody to differ from");
    };
    let value = floors::above_floor(cv, floor(bill));
    let verdict = Verdict::below(value, thresholds.0, thresholds.1);
    let few = bill.tasks < TASKS_A_WORKER * spread.workers;
    let says = match verdict {
        Verdict::Good => "all workers ran about as long".into(),
        _ if few => format!(
            "{} tasks for {} workers: they cannot be even with so few; more and shorter tasks would be",
            bill.tasks, spread.workers
        ),
        _ => "some workers ran much longer than others: long tasks came last, or a node is slower; give long tasks \
              smaller pieces, or put them first"
            .into(),
    };
    Figure {
        name,
        value: Ok(value),
        thresholds,
        verdict: Some(verdict).filter(|v| !few || *v == Verdict::Good),
        says,
    }
}

/// What workers differ by when tasks come to them at random. A batch that is there from the beginning has no such floor: its
/// workers need never wait. Which of the two it was is told by whether it is known since when the tasks were due.
fn floor(bill: &Bill) -> f64 {
    let batch = 2 * bill.wait.count() >= bill.run.count();
    let busy = bill.share(&[Run]);
    match bill.run.mean_and_cv() {
        Some((mean_ns, cv)) if !batch && busy > 0.0 => {
            floors::utilisation(cv, mean_ns / 1e9, busy, bill.wall_ns as f64 / 1e9)
        }
        _ => 0.0,
    }
}

/// Coordination overhead: what dividing the work cost, over the work.
fn overhead(bill: &Bill) -> Figure {
    let (name, thresholds) = ("coordination overhead", (0.05, 0.20));
    if bill.account.get(Run) < RUN_NS_MIN {
        return Figure::none(name, thresholds, "next to nothing has run");
    }
    let value = bill.account.overhead();
    let verdict = Verdict::below(value, thresholds.0, thresholds.1);
    let most = [Claim, Report, Steal, Lock].into_iter().max_by_key(|state| bill.account.get(*state));
    let says = match (verdict, most) {
        (Verdict::Good, _) => "dividing the work costs next to nothing",
        (_, Some(Claim)) => {
            "most of it is waiting for leases: longer tasks, fewer nodes, or a faster disk for the store"
        }
        (_, Some(Report)) => "most of it is handing over output: print less, or --results",
        (_, Some(Steal)) => "most of it is looking for work between very short tasks: put several into one",
        _ => "most of it is waiting for each other's output: without --keep-order it goes away",
    };
    Figure { name, value: Ok(value), thresholds, verdict: Some(verdict), says: says.into() }
}

/// Queue depth ratio: the longest queue over the mean, in seconds until a node would have run what it holds.
fn depth(bill: &Bill) -> Figure {
    let (name, thresholds) = ("queue depth ratio", (2.0, 10.0));
    let none = |why| Figure::none(name, thresholds, why);
    if bill.nodes.len() < 2 {
        return none("one node: its workers take from each other, so their queues are always level");
    }
    let tasks = bill.nodes.values().map(|node| ratio(node.queued_task_ns, node.seen_ns as f64));
    let mean_tasks = tasks.sum::<f64>() / bill.nodes.len() as f64;
    // Tasks of one job take as long everywhere, or so one hopes: tasks a worker stand for the time they take.
    let drain = |node: &Part| ratio(ratio(node.queued_task_ns, node.seen_ns as f64), node.workers as f64);
    let queues: Vec<f64> = bill.nodes.values().map(drain).collect();
    let mean = queues.iter().sum::<f64>() / queues.len() as f64;
    if mean <= 0.0 {
        return none("nothing ever waited in a node");
    }
    let value = queues.iter().fold(0.0, |most: f64, queue| most.max(*queue)) / mean;
    let verdict = match Verdict::below(value, thresholds.0, thresholds.1) {
        _ if value <= floors::depth_ratio_quantile(queues.len() as u32, mean_tasks, CHANCE) => Verdict::Good,
        verdict => verdict,
    };
    let says = match verdict {
        Verdict::Good => "no node sat on work that others could have run",
        _ => {
            "a node holds work that others could run: it is slower than its lease supposed; smaller leases would help"
        }
    };
    Figure { name, value: Ok(value), thresholds, verdict: Some(verdict), says: says.into() }
}

/// Speed-up for each worker, and what is missing to 1 by its causes.
fn speedup(bill: &Bill) -> Figure {
    let (name, thresholds) = ("speed-up per worker", (0.8, 0.5));
    if bill.account.get(Run) < RUN_NS_MIN {
        return Figure::none(name, thresholds, "next to nothing has run");
    }
    let value = bill.share(&[Run]);
    let verdict = match value {
        v if v > thresholds.0 => Verdict::Good,
        v if v >= thresholds.1 => Verdict::Fair,
        _ => Verdict::Bad,
    };
    let parts = [
        ("coordination", bill.share(&[Claim, Report, Steal, Lock])),
        ("starting processes", bill.share(&[Spawn])),
        ("held back", bill.share(&[HeldBack])),
        ("idleness", bill.share(&[Idle, Starved, Parked])),
    ];
    let lost: Vec<_> = parts
        .iter()
        .filter(|(_, share)| *share >= 0.005)
        .map(|(what, share)| format!("{what} {:.0} %", 100.0 * share))
        .collect();
    let lost =
        if lost.is_empty() { "nothing was lost".into() } else { format!("lost to {}", lost.join(", ")) };
    let says = format!(
        "{:.2} times one worker, if a task takes as long alone; {lost}",
        ratio(bill.seconds(Run), bill.wall_ns as f64 / 1e9)
    );
    Figure { name, value: Ok(value), thresholds, verdict: Some(verdict), says }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::{NodeId, State};
    use divvy_store::Spread;

    /// Ten seconds of two workers, of which they ran so long, in tasks of 0.1 s.
    fn ran(seconds: [f64; 2]) -> Bill {
        let mut bill = Bill { offered_ns: 20_000_000_000, wall_ns: 10_000_000_000, ..Bill::default() };
        let mut spread = Spread::default();
        seconds.iter().for_each(|s| spread.add(*s));
        let run_ns = (1e9 * spread.sum) as u64;
        bill.account.add(State::Run, run_ns);
        bill.account.add(State::Idle, bill.offered_ns - run_ns);
        bill.spread = Some(spread);
        bill.tasks = run_ns / 100_000_000;
        bill.run.record(100_000_000, bill.tasks);
        bill.wait.record(1, bill.tasks);
        bill
    }

    fn verdicts(bill: &Bill) -> [Option<Verdict>; 4] {
        figures(bill).map(|figure| figure.verdict)
    }

    #[test]
    fn good_and_bad_stand_where_the_docs_have_them() {
        assert_eq!(
            verdicts(&ran([9.5, 9.5])),
            [Some(Verdict::Good), Some(Verdict::Good), None, Some(Verdict::Good)]
        );
        assert_eq!(verdicts(&ran([9.0, 6.0]))[0], Some(Verdict::Fair));
        assert_eq!(verdicts(&ran([9.0, 2.0]))[0], Some(Verdict::Bad));
        assert_eq!(verdicts(&ran([9.0, 2.0]))[3], Some(Verdict::Fair));
        assert_eq!(verdicts(&ran([4.0, 4.0]))[3], Some(Verdict::Bad));
        let mut costly = ran([9.0, 9.0]);
        costly.account.add(State::Claim, 4_000_000_000);
        assert_eq!(verdicts(&costly)[1], Some(Verdict::Bad));
        assert!(figures(&costly)[1].says.contains("leases"));
    }

    #[test]
    fn chance_is_not_called_bad() {
        let mut fed = ran([5.6, 4.4]);
        assert_eq!(verdicts(&fed)[0], Some(Verdict::Fair), "0.12 in a batch");
        fed.wait = Default::default();
        assert_eq!(verdicts(&fed)[0], Some(Verdict::Good), "that much is chance where tasks come one by one");
        let mut few = ran([9.0, 2.0]);
        few.tasks = 7;
        assert_eq!(verdicts(&few)[0], None);
    }

    #[test]
    fn queues_are_compared_between_nodes() {
        let mut bill = ran([9.0, 9.0]);
        let mut node = |id, tasks: f64| {
            let part = Part { workers: 1, offered_ns: 1, seen_ns: 10, queued_task_ns: 10.0 * tasks };
            bill.nodes.insert(NodeId(id), part);
            let figure = figures(&bill)[2].clone();
            (figure.value.ok(), figure.verdict)
        };
        assert_eq!(node(1, 50.0), (None, None));
        assert_eq!(node(2, 50.0), (Some(1.0), Some(Verdict::Good)));
        let (ratio, verdict) = node(3, 1_100.0);
        assert!((ratio.unwrap() - 2.75).abs() < 1e-9 && verdict == Some(Verdict::Fair));
        assert_eq!(node(2, 0.0).1, Some(Verdict::Fair));
    }
}
