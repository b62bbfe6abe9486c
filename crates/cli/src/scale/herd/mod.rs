//! `divvy scale herd`: when too many came at once, and what jitter would do about it. `log.rs` reads a log,
//! `times.rs` finds the times in it.

mod log;
mod times;

use super::numbers::{per_second, positive};
use crate::args::{HerdArgs, Output};
use crate::exit::{Exit, bad_usage};
use crate::figures::{number, time};
use crate::jobs::answer;
use crate::table::Table;
use anyhow::Result;
use divvy_model::bursts::{Herd, find, peak_with_jitter, spread_for};
use log::Log;
use serde_json::{Value, json};

/// Bursts shown to people; JSON has them all.
const SHOWN: usize = 20;
/// Spans of jitter that are tried, in windows.
const JITTERS: [f64; 7] = [0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];

const FORMULA: &str = "a burst is more in a window than independent arrivals at the rate around it (Poisson) bring anywhere \
                       in one of a hundred such logs; full jitter delays each by uniform(0, J)";

const SOURCE: &str = "Poisson 1837; full jitter after Brooker 2015";

/// What was found in it.
struct Found {
    log: Log,
    herd: Herd,
    /// The time over which arrivals are counted, seconds.
    window: f64,
    /// Seconds of jitter, and what would come at most in a second then.
    spread: Vec<(f64, f64)>,
    /// Seconds over which the largest burst can be served, if it was asked for.
    needed: Option<f64>,
}

/// Reads, counts and tells.
///
/// # Errors
/// Bad usage: no log, or none with times.
pub fn herd(args: &HerdArgs, output: Output) -> Result<Exit> {
    let window = positive("--window", &args.window)?;
    let jitter = args.jitter.as_ref().map(|text| positive("--jitter", text)).transpose()?;
    let capacity = args.capacity.as_ref().map(|text| per_second("--capacity", text)).transpose()?;
    let found = Found::new(log::read(&args.log)?, window, jitter, capacity)?;
    answer(output, || found.text(), || found.json())?;
    Ok(Exit::Done)
}

impl Found {
    fn new(log: Log, window: f64, jitter: Option<f64>, capacity: Option<f64>) -> Result<Found> {
        let herd =
            find(&log.arrivals, window).map_err(|error| bad_usage(format!("{}: {error}", log.name)))?;
        let mut spans: Vec<f64> = JITTERS.iter().map(|windows| windows * window).chain(jitter).collect();
        spans.sort_by(f64::total_cmp);
        spans.dedup();
        let with = |span: f64| {
            let peak = peak_with_jitter(&log.arrivals, window, span).map_err(bad_usage)?;
            Ok((span, peak))
        };
        let spread = spans.into_iter().map(with).collect::<Result<_>>()?;
        let largest = herd.bursts.iter().map(|burst| burst.arrivals).max();
        let needed = largest.zip(capacity).map(|(largest, capacity)| spread_for(largest as f64, capacity));
        Ok(Found { log, herd, window, spread, needed })
    }

    fn text(&self) -> String {
        let Found { log, herd, window, spread, needed } = self;
        let span = log.arrivals[log.arrivals.len() - 1] - log.arrivals[0];
        let mut out = format!(
            "{}: {} arrival{} in {}, {}/s on average ({})\n",
            log.name,
            number(log.arrivals.len() as f64),
            if log.arrivals.len() == 1 { "" } else { "s" },
            time(span),
            number(herd.mean_rate),
            log.format
        );
        if log.without > 0 {
            out +=
                &format!("  {} without a time were passed over\n", crate::jobs::count(log.without, "line"));
        }
        out += &super::tell::wrapped("  ", FORMULA, 2);
        out += &format!("  ({SOURCE})\n");
        let threshold = number(herd.threshold);
        out += &format!("  here: more than {threshold} in {}, where most come\n\n", time(*window));
        if herd.bursts.is_empty() {
            return out + "no bursts: this many at once come by chance alone. Jitter would change nothing\n";
        }
        out += &self.bursts();
        out += &format!(
            "\n  at most {}/s came, {} times the average; with full jitter over so long it would be:\n\n",
            number(spread[0].1),
            number(spread[0].1 / herd.mean_rate)
        );
        let mut table = Table::new(&["jitter", "at most /s", "times the average"]);
        for (span, peak) in spread {
            let shown = if *span > 0.0 { time(*span) } else { "none".into() };
            table.line(vec![shown, number(*peak), number(peak / herd.mean_rate)]);
        }
        out += &table.text();
        match (needed, self.enough()) {
            (Some(needed), _) => {
                out += &format!("\nspread the largest over {}: 2 x arrivals / --capacity\n", time(*needed));
            }
            (None, Some(span)) => {
                out += &format!("\njitter over {} is enough: then nothing stands out\n", time(span))
            }
            (None, None) => {
                out += "\nno jitter that was tried is enough: give a longer --jitter, or let them come less often\n"
            }
        }
        out
    }

    fn bursts(&self) -> String {
        let mut table = Table::new(&["burst at", "for", "arrivals", "expected", "at most /s"]);
        for burst in self.herd.bursts.iter().take(SHOWN) {
            table.line(vec![
                self.log.format.shown(burst.start),
                time(burst.end - burst.start),
                number(burst.arrivals as f64),
                number(burst.expected),
                number(burst.peak_rate),
            ]);
        }
        let more = self.herd.bursts.len().saturating_sub(SHOWN);
        table.text() + &if more > 0 { format!("  and {more} more\n") } else { String::new() }
    }

    /// The least jitter that was tried after which hardly a window has more than chance brings. What is expected in the
    /// fullest window is not what comes: three standard deviations more are.
    fn enough(&self) -> Option<f64> {
        let is_quiet = |expected: f64| expected + 3.0 * expected.sqrt() <= self.herd.threshold;
        self.spread.iter().find(|(_, peak)| is_quiet(peak * self.window)).map(|(span, _)| *span)
    }

    fn json(&self) -> Value {
        let Found { log, herd, window, spread, needed } = self;
        let bursts = herd.bursts.iter().map(|burst| {
            json!({
                "start": burst.start,
                "end": burst.end,
                "arrivals": burst.arrivals,
                "expected": burst.expected,
                "peak_rate": burst.peak_rate,
            })
        });
        let jitter = spread.iter().map(|(span, peak)| json!({ "seconds": span, "peak_rate": peak }));
        json!({
            "arrivals": log.arrivals.len(),
            "lines_without_a_time": log.without,
            "window_seconds": window,
            "mean_rate": herd.mean_rate,
            "peak_rate": herd.peak_rate,
            "threshold": herd.threshold,
            "bursts": bursts.collect::<Vec<_>>(),
            "jitter": jitter.collect::<Vec<_>>(),
            "jitter_enough_seconds": self.enough().filter(|_| !herd.bursts.is_empty()),
            "jitter_for_capacity_seconds": needed,
            "formula": FORMULA,
            "source": SOURCE,
        })
    }
}
