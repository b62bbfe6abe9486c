//! Two bills beside each other: what changed, and what it bought.

use super::price::{Price, digits};
use super::sum::{Bill, ratio};
use super::text::{span, there_were};
use crate::jobs::count;
use crate::table::Table;
use divvy_core::State;
use serde_json::{Value, json};

/// Shares that differ by less are the same.
const SAME: f64 = 0.02;

/// What differs between two bills, in numbers. Above 1: the second has more.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// Tasks in a second of wall time.
    pub throughput: f64,
    /// Workers.
    pub workers: f64,
    /// Worker time for each task.
    pub cost: f64,
    /// Mean time of a task.
    pub task: f64,
}

impl Change {
    /// From the first to the second. `None` if one of them has run no task.
    pub fn between(a: &Bill, b: &Bill) -> Option<Change> {
        let rate = |bill: &Bill| ratio(bill.tasks as f64, bill.wall_ns as f64);
        let cost = |bill: &Bill| ratio(bill.offered_ns as f64, bill.tasks as f64);
        let task = |bill: &Bill| ratio(bill.account.get(State::Run) as f64, bill.tasks as f64);
        let both = a.tasks > 0 && b.tasks > 0 && a.wall_ns > 0 && b.wall_ns > 0;
        both.then(|| Change {
            throughput: rate(b) / rate(a),
            workers: ratio(b.workers(), a.workers()),
            cost: ratio(cost(b), cost(a)),
            task: ratio(task(b), task(a)),
        })
    }
}

/// One of the two.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// As it was asked for.
    pub name: &'a str,
    /// What it ran.
    pub work: &'a str,
    /// Its bill.
    pub bill: &'a Bill,
}

/// The comparison for people. `alike`: both ran the same command.
pub fn text(a: Side<'_>, b: Side<'_>, alike: bool, price: Option<Price>) -> String {
    let mut out = String::from("\n");
    for Side { name, work, bill } in [a, b] {
        out += &format!("  {name}: {}, {}: {work}\n", there_were(bill), count(bill.tasks, "task"));
    }
    let (before, after) = (a.bill, b.bill);
    let Some(change) = Change::between(before, after) else {
        return out + "  one of them has run no task: there is nothing to compare\n";
    };
    out += &table(a, b);
    if alike {
        out += &format!("  {}\n", bought(&change));
    } else {
        out +=
            "  they ran different commands: what differs may be the commands, and says nothing of workers\n";
    }
    out += &slower(&change, before, after, alike);
    out += &shifts(before, after);
    if let Some(price) = price {
        let [a, b] = [before, after].map(|bill| price.of(ratio(bill.offered_seconds(), bill.tasks as f64)));
        let places = digits(a.min(b));
        out += &format!("  a task cost {a:.places$} in the first, and {b:.places$} in the second\n");
    }
    out
}

/// Shares by state, side by side.
fn table(a: Side<'_>, b: Side<'_>) -> String {
    let mut table = Table::new(&["", a.name, b.name]).words(&[0]);
    for state in State::ALL {
        let shares = [a.bill, b.bill].map(|bill| 100.0 * bill.share(&[state]));
        if shares.iter().any(|share| *share >= 0.05) {
            let [a, b] = shares.map(|share| format!("{share:.1} %"));
            table.line(vec![state.name().into(), a, b]);
        }
    }
    table.text()
}

/// What the workers that were added, or taken away, did to the throughput.
fn bought(change: &Change) -> String {
    let Change { throughput, workers, cost, .. } = *change;
    let faster = format!("{throughput:.2} times the tasks a second");
    let paid = format!("a task took {cost:.2} times the worker time");
    match workers {
        w if (w - 1.0).abs() < SAME => format!("with as many workers: {faster}; {paid}"),
        w if w > 1.0 => {
            let share = 100.0 * (throughput - 1.0) / (w - 1.0);
            let share = if share > 0.0 {
                format!("{share:.0} % of what was added was gained")
            } else {
                "nothing was gained".into()
            };
            format!("{w:.2} times the workers bought {faster}: {share}; {paid}")
        }
        w => format!("{w:.2} times the workers gave {faster}; {paid}"),
    }
}

/// Whether the tasks themselves took longer. Workers are blamed only where the tasks were the same.
fn slower(change: &Change, a: &Bill, b: &Bill, alike: bool) -> String {
    if (change.task - 1.0).abs() < 0.05 {
        return String::new();
    }
    let halves = match (a.run.quantile(0.5), b.run.quantile(0.5)) {
        (Some(a), Some(b)) => format!(" (half of them within {}, then {})", span(a), span(b)),
        _ => String::new(),
    };
    let why = match alike && change.task > 1.0 && change.workers > 1.0 + SAME {
        true => {
            ": more workers make each task slower, as where they share cores, memory or a lock of their own"
        }
        false => "",
    };
    format!("  the tasks themselves took {:.2} times as long{halves}{why}\n", change.task)
}

/// The states that changed most.
fn shifts(a: &Bill, b: &Bill) -> String {
    let mut shifts: Vec<_> =
        State::ALL.into_iter().map(|state| (state, a.share(&[state]), b.share(&[state]))).collect();
    shifts.retain(|(_, before, after)| (after - before).abs() >= SAME);
    shifts.sort_by(|x, y| (y.2 - y.1).abs().total_cmp(&(x.2 - x.1).abs()));
    if shifts.is_empty() {
        return "  the shares of the states stayed as they were\n".into();
    }
    let words: Vec<_> = shifts
        .iter()
        .take(3)
        .map(|(state, before, after)| {
            let verb = if after > before { "rose" } else { "fell" };
            format!("{} {verb} from {:.0} % to {:.0} %", state.name(), 100.0 * before, 100.0 * after)
        })
        .collect();
    format!("  {}\n", words.join(", "))
}

/// The comparison as JSON.
pub fn json(a: &Bill, b: &Bill) -> Value {
    match Change::between(a, b) {
        Some(Change { throughput, workers, cost, task }) => json!({
            "throughput_ratio": throughput,
            "workers_ratio": workers,
            "worker_seconds_per_task_ratio": cost,
            "task_seconds_ratio": task,
        }),
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred tasks in so many seconds by so many workers, of which the share `run` ran.
    fn bill(workers: u64, seconds: u64, run: f64) -> Bill {
        let offered_ns = workers * seconds * 1_000_000_000;
        let mut bill = Bill { offered_ns, wall_ns: seconds * 1_000_000_000, tasks: 100, ..Bill::default() };
        bill.account.add(State::Run, (offered_ns as f64 * run) as u64);
        bill.account.add(State::Idle, (offered_ns as f64 * (1.0 - run)) as u64);
        bill
    }

    fn told(a: &Bill, b: &Bill) -> String {
        let side = |name, bill| Side { name, work: "step", bill };
        text(side("job 1", a), side("job 2", b), true, None)
    }

    /// Two jobs of which one slept longer "made each task slower" by its workers.
    #[test]
    fn different_commands_are_not_the_workers_fault() {
        let (a, b) = (bill(2, 20, 1.0), bill(4, 25, 1.0));
        let side = |name, work, bill| Side { name, work, bill };
        let said = text(side("job 1", "true", &a), side("job 2", "sleep 1", &b), false, None);
        for part in
            ["100 tasks: true\n", "100 tasks: sleep 1\n", "different commands", "2.50 times as long\n"]
        {
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
        assert!(
            !said.contains("more workers") && !said.contains("bought") && !said.contains("gained"),
            "{said}"
        );
    }

    #[test]
    fn what_more_workers_bought_is_said() {
        let good = told(&bill(2, 20, 1.0), &bill(4, 10, 1.0));
        assert!(
            good.contains("2.00 times the workers bought 2.00 times the tasks a second: 100 %"),
            "{good}"
        );
        assert!(good.contains("stayed as they were") && !good.contains("themselves"), "{good}");
        let idle = told(&bill(2, 20, 1.0), &bill(4, 16, 0.625));
        assert!(
            idle.contains("25 % of what was added was gained; a task took 1.60 times the worker time"),
            "{idle}"
        );
        assert!(idle.contains("run fell from 100 % to 62 %, idle rose from 0 % to 38 %"), "{idle}");
        let worse = told(&bill(2, 20, 1.0), &bill(4, 25, 1.0));
        assert!(
            worse.contains("nothing was gained") && worse.contains("took 2.50 times as long: more"),
            "{worse}"
        );
        assert!(told(&bill(4, 10, 1.0), &bill(2, 20, 1.0)).contains("0.50 times the workers gave 0.50"));
    }

    #[test]
    fn without_tasks_there_is_no_comparison() {
        let none = Bill { tasks: 0, ..bill(1, 1, 0.0) };
        assert!(told(&none, &bill(1, 1, 1.0)).contains("nothing to compare"));
        assert_eq!(json(&none, &none), Value::Null);
    }
}
