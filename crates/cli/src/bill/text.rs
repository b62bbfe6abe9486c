//! The bill for people.

use super::figures::{Figure, Verdict, figures};
use super::price::{Price, digits};
use super::sum::Bill;
use crate::figures::time;
use crate::jobs::count;
use crate::table::Table;
use divvy_core::{Histogram, State};

/// Shares of worker time below this are not worth a word.
const WORTH_A_WORD: f64 = 0.02;
/// Seconds below this would be shown as nothing.
const SHOWN_NS: u64 = 500_000;

/// Whether a worker in this state is neither in a task nor starting one.
fn is_waiting(state: &State) -> bool {
    !matches!(state, State::Run | State::Spawn)
}

/// The whole bill. `of_job`: of a job, not of a node that ran whatever there was.
pub fn text(bill: &Bill, price: Option<Price>, of_job: bool) -> String {
    let mut out = states(bill, price);
    if bill.account.get(State::Run) == 0 {
        return out + "  no task ran: the workers were there, and had nothing to do\n";
    }
    out += &tasks(bill);
    out += &listed(figures(bill));
    out + &format!("  {}\n", lost_to(bill, of_job))
}

/// How evenly the workers of a phase ran: of all phases together that cannot be told.
pub fn spread(bill: &Bill) -> String {
    let [spread, ..] = figures(bill);
    listed([spread])
}

/// Worker time by state, and what it cost.
pub fn states(bill: &Bill, price: Option<Price>) -> String {
    let mut out = format!("\n  {} = {:.2} worker-seconds\n", there_were(bill), bill.offered_seconds());
    let places = price.map_or(0, |price| digits(price.of(bill.offered_seconds())));
    let columns = if price.is_some() { &["", "", "", ""][..] } else { &["", "", ""] };
    let mut table = Table::new(columns).words(&[0]);
    for state in State::ALL.into_iter().filter(|state| bill.account.get(*state) >= SHOWN_NS) {
        let seconds = bill.seconds(state);
        let share = 100.0 * bill.share(&[state]);
        let mut cells = vec![state.name().into(), format!("{seconds:.3} s"), format!("{share:.1} %")];
        cells.extend(price.map(|price| format!("{:.places$}", price.of(seconds))));
        table.line(cells);
    }
    out += &table.text();
    out += &format!("  unaccounted {:.2} %\n", 100.0 * bill.unaccounted().max(0.0));
    if let Some(price) = price {
        let all = price.of(bill.offered_seconds());
        let waiting = State::ALL.into_iter().filter(is_waiting);
        let waited: f64 = waiting.map(|state| price.of(bill.seconds(state))).sum();
        out += &format!("  {waited:.places$} of {all:.places$} was waiting\n");
    }
    out
}

/// `2 workers x 3.10 s`.
pub fn there_were(bill: &Bill) -> String {
    let (workers, wall) = (bill.workers(), bill.wall_ns as f64 / 1e9);
    let nodes = match bill.nodes_seen {
        0 | 1 => String::new(),
        nodes => format!(" on {nodes} nodes"),
    };
    match workers.round() {
        whole if (workers - whole).abs() < 0.005 * whole => {
            format!("{}{nodes} x {wall:.2} s", count(whole as u64, "worker"))
        }
        _ => format!("{workers:.2} workers{nodes} on average x {wall:.2} s"),
    }
}

fn tasks(bill: &Bill) -> String {
    let mut out = String::new();
    if bill.tasks > 0 {
        let (tasks, trips) = (count(bill.tasks, "task"), count(bill.exchanges, "round trip"));
        out += &format!("  {tasks}, {trips} to the store\n");
    }
    if let Some(took) = p50_p99(&bill.run) {
        out += &format!("  task times: {took}\n");
    }
    if let Some(waited) = p50_p99(&bill.wait) {
        out += &format!("  waits, from when a task was due: {waited}\n");
    }
    out
}

fn p50_p99(times: &Histogram) -> Option<String> {
    let (p50, p99) = (times.quantile(0.5)?, times.quantile(0.99)?);
    Some(format!("half within {}, 99 % within {}", span(p50), span(p99)))
}

/// A span of time, of nanoseconds.
pub fn span(nanos: u64) -> String {
    time(nanos as f64 / 1e9)
}

/// Figures, a line each.
fn listed(figures: impl IntoIterator<Item = Figure>) -> String {
    let mut table = Table::new(&["", "", "", ""]).words(&[0, 2, 3]);
    figures.into_iter().for_each(|figure| table.line(cells(figure)));
    table.text()
}

/// Name, value, verdict, and what it means.
fn cells(figure: Figure) -> Vec<String> {
    let Figure { name, value, verdict, says, thresholds: (good, bad) } = figure;
    match value {
        Ok(value) => {
            let word = verdict.map_or("-", Verdict::word);
            let (better, worse) = if good < bad { ('<', '>') } else { ('>', '<') };
            let range = format!("(good {better} {good:.2}, bad {worse} {bad:.2})");
            vec![name.into(), format!("{value:.3}"), word.into(), format!("{range}: {says}")]
        }
        Err(why) => vec![name.into(), "-".into(), String::new(), why],
    }
}

/// What the time was lost to, in words: the largest part of what was not spent in tasks.
fn lost_to(bill: &Bill, of_job: bool) -> String {
    let lost = State::ALL.into_iter().filter(|state| *state != State::Run);
    let (state, share) = lost
        .max_by_key(|state| bill.account.get(*state))
        .map_or((State::Run, 0.0), |state| (state, bill.share(&[state])));
    if share < WORTH_A_WORD {
        return "next to nothing was lost: the workers ran tasks nearly all the time".into();
    }
    let why = match state {
        State::Spawn => "starting processes; longer tasks, or a handler that stays, would save it",
        State::Claim => {
            "waiting for leases: the store's round trip; a faster disk, or longer tasks, would save it"
        }
        State::Report => "handing over output and results",
        State::Steal => "looking for work in other workers' slots: the tasks are very short",
        State::Lock => "waiting for each other's output; --keep-order or a slow reader causes it",
        State::HeldBack => "being held back by a bound",
        State::Idle if !of_job => "having nothing to do: too little was in the store",
        State::Idle => "having nothing to do: the last tasks ran on fewer workers, or inputs came slowly",
        State::Starved => "waiting for tasks that others hold, that are due later, or that wait for tasks",
        State::Parked => "starting up and ending: the job is short",
        State::Run => "running tasks",
    };
    format!("{:.0} % of the time was lost to {why}", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn bill() -> Bill {
        let mut bill =
            Bill { offered_ns: 4_000_000_000, wall_ns: 2_000_000_000, tasks: 3, ..Bill::default() };
        bill.account.add(State::Run, 2_800_000_000);
        bill.account.add(State::Idle, 1_200_000_000);
        bill
    }

    #[test]
    fn each_state_has_its_price() {
        let price = Price::parse(OsStr::new("360/h")).unwrap();
        let text = states(&bill(), Some(price));
        for part in ["2 workers x 2.00 s = 4.00", "run   2.800 s  70.0 %  0.28", "0.12 of 0.40 was waiting"] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        assert!(!states(&bill(), None).contains("was waiting"));
    }

    #[test]
    fn workers_that_come_and_go_are_an_average() {
        let changing = Bill { offered_ns: 3_000_000_000, ..bill() };
        assert_eq!(there_were(&changing), "1.50 workers on average x 2.00 s");
        let alone = Bill { offered_ns: 2_000_000_000, ..bill() };
        assert_eq!(there_were(&alone), "1 worker x 2.00 s");
    }

    #[test]
    fn what_was_lost_is_named() {
        assert!(
            text(&bill(), None, true).contains("30 % of the time was lost to having nothing to do: the last")
        );
        let mut full = bill();
        full.account = Default::default();
        assert!(text(&full, None, true).contains("no task ran"));
        full.account.add(State::Run, 4_000_000_000);
        assert!(text(&full, None, true).contains("next to nothing was lost"));
    }
}
