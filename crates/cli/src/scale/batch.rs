//! `divvy scale batch`: how many tasks to take at once, and what it costs to take too few or too many.

use super::numbers::{positive, seconds, share};
use crate::args::{BatchArgs, Output};
use crate::exit::{Exit, bad_usage};
use crate::figures::{number, percent, time};
use crate::jobs::answer;
use crate::table::Table;
use anyhow::Result;
use divvy_model::batch::{Bound, Costs, Limits};
use serde_json::json;

const FORMULA: &str =
    "b* = sqrt(2K / (S h)), off by a factor r costs (r + 1/r)/2; K/(overhead S) at the least";
/// An overhead that nobody minds.
const SMALL: f64 = 0.02;
const SOURCE: &str = "the square-root rule of lot sizes, Harris 1913";

/// Computes and tells.
///
/// # Errors
/// Bad usage.
pub fn batch(args: &BatchArgs, output: Output) -> Result<Exit> {
    let (setup, item) = (positive("--setup", &args.setup)?, positive("--item", &args.item)?);
    let costs =
        Costs::new(setup, item, args.holding).map_err(|error| bad_usage(format!("--holding: {error}")))?;
    let limits = limits(args)?;
    let advice = costs.advise(&limits);
    let decided_by = why(advice.bound, limits.overhead);
    let given = Given { setup, item, holding: args.holding };
    let missed = missed(&costs, &given, advice.size, limits.overhead);
    let rows: Vec<_> = sizes(advice.size).into_iter().map(|size| Row::new(&costs, setup, size)).collect();
    let as_json = || {
        json!({
            "size": advice.size,
            "decided_by": decided_by,
            "missed": missed,
            "setup_seconds": given.setup,
            "item_seconds": given.item,
            "holding": given.holding,
            "best": costs.best(),
            "floor_2_percent": costs.floor(SMALL),
            "sizes": rows.iter().map(Row::json).collect::<Vec<_>>(),
            "formula": FORMULA,
            "source": SOURCE,
        })
    };
    let as_text = || text(&costs, &given, advice.size, &decided_by, missed.as_deref(), &rows);
    answer(output, as_text, as_json)?;
    Ok(Exit::Done)
}

/// What bounds the size but what it costs.
fn limits(args: &BatchArgs) -> Result<Limits> {
    let mut limits = Limits { workers: args.workers.unwrap_or(1) as f64, ..Limits::default() };
    // Holding bounds batches from above, so that without it the overhead alone has to say how large they are.
    limits.overhead = match args.overhead {
        Some(overhead) => share("--overhead", overhead)?,
        None if args.holding > 0.0 => f64::INFINITY,
        None => SMALL,
    };
    if let Some(latency) = &args.latency {
        limits.latency = seconds("--latency", latency)?;
    }
    if let Some(tasks) = args.tasks {
        limits.remaining = tasks as f64;
    }
    Ok(limits)
}

/// What the answer is computed from.
struct Given {
    setup: f64,
    item: f64,
    holding: f64,
}

impl Given {
    fn text(&self) -> String {
        let Given { setup, item, holding } = self;
        let h = match *holding {
            0.0 => "h = 0: holding a task costs nothing (--holding)".into(),
            h => format!(
                "h = {}: holding a task for a second costs as much as so many seconds of a worker (--holding)",
                number(h)
            ),
        };
        format!("  K = {} to take a batch, S = {} for a task, {h}\n", time(*setup), time(*item))
    }
}

/// That the overhead which was asked for is exceeded, since something else wants smaller batches.
fn missed(costs: &Costs, given: &Given, size: u64, share: f64) -> Option<String> {
    let overhead = Row::new(costs, given.setup, size).overhead;
    // A whole number of tasks may be half a one too few.
    let is_missed = share.is_finite() && costs.floor(share) > size as f64 + 0.5;
    is_missed
        .then(|| format!("the overhead is {} then, and not {} or less", percent(overhead), percent(share)))
}

/// One size of batches.
struct Row {
    size: u64,
    overhead: f64,
    rate: f64,
    held: f64,
    relative: f64,
}

impl Row {
    fn new(costs: &Costs, setup: f64, size: u64) -> Row {
        let b = size as f64;
        let whole = costs.batch_time(b);
        Row {
            size,
            overhead: setup / (whole - setup),
            rate: costs.rate(b),
            held: whole,
            relative: costs.relative(b),
        }
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "size": self.size,
            "overhead": self.overhead,
            "tasks_per_second": self.rate,
            "batch_seconds": self.held,
            "cost_over_best": self.relative,
        })
    }
}

/// Sizes around the right one, by factors, and one task at a time.
fn sizes(right: u64) -> Vec<u64> {
    let near = [1, 2, 5, 10, 20, 50, 100].map(|part| right / part).into_iter();
    let far = [2, 5, 10].map(|times| right.saturating_mul(times)).into_iter();
    let all: std::collections::BTreeSet<u64> = near.chain(far).chain([1]).filter(|size| *size > 0).collect();
    all.into_iter().collect()
}

/// `share`: the overhead that was asked for, or is taken where nothing else decides.
fn why(bound: Bound, share: f64) -> String {
    let why = match bound {
        Bound::Best => "there taking and holding cost least",
        Bound::Overhead => return format!("taking smaller ones would cost more than {}", percent(share)),
        Bound::RoundTrip => "the next batch has to be there in time",
        Bound::Latency => "in larger ones the last task waits longer than --latency",
        Bound::Lease => "larger ones would outlive their lease",
        Bound::Fairness => "with larger ones some workers would end long before others",
    };
    why.into()
}

fn text(costs: &Costs, given: &Given, right: u64, why: &str, missed: Option<&str>, rows: &[Row]) -> String {
    let floor = costs.floor(SMALL).ceil();
    let mut out = format!(
        "take {} at a time: {why}{}\n{}  {FORMULA}\n  ({SOURCE})\n  b* = {}; {} and more keep the overhead below {}\n\n",
        number(right as f64),
        missed.map_or(String::new(), |missed| format!("; {missed}")),
        given.text(),
        number(costs.best()),
        number(floor),
        percent(SMALL)
    );
    let is_held = costs.best().is_finite();
    let mut head = vec!["batch", "overhead", "tasks/s a worker", "batch takes"];
    if is_held {
        head.push("cost over b*");
    }
    let mut table = Table::new(&head);
    for row in rows {
        let mark = if row.size == right { "> " } else { "" };
        let mut cells = vec![
            format!("{mark}{}", number(row.size as f64)),
            percent(row.overhead),
            number(row.rate),
            time(row.held),
        ];
        if is_held {
            cells.push(format!("{:+.0} %", (row.relative - 1.0) * 100.0));
        }
        table.line(cells);
    }
    out += &table.text();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(overhead: f64, latency: f64, holding: f64) -> String {
        let given = Given { setup: 0.005, item: 0.001, holding };
        let costs = Costs::new(given.setup, given.item, holding).unwrap();
        let advice = costs.advise(&Limits { overhead, latency, ..Limits::default() });
        let missed = missed(&costs, &given, advice.size, overhead);
        text(&costs, &given, advice.size, &why(advice.bound, overhead), missed.as_deref(), &[])
    }

    #[test]
    fn a_target_that_is_missed_is_said_to_be() {
        let missed = said(0.02, 0.02, 0.0);
        assert!(
            missed.starts_with("take 20 at a time: ")
                && missed.contains("the overhead is 25 % then, and not 2 %"),
            "{missed}"
        );
        assert!(!said(0.02, f64::INFINITY, 0.0).contains("then, and not"));
    }

    #[test]
    fn what_decides_is_shown() {
        for part in ["K = 5 ms", "S = 1 ms", "h = 0.01: holding a task"] {
            let said = said(f64::INFINITY, f64::INFINITY, 0.01);
            assert!(said.contains(part), "{part:?} is not in {said}");
        }
    }

    #[test]
    fn sizes_stand_around_the_right_one() {
        assert_eq!(sizes(100), [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]);
        assert_eq!(sizes(1), [1, 2, 5, 10]);
        assert_eq!(sizes(u64::MAX).last(), Some(&u64::MAX));
    }
}
