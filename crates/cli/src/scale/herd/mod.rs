//! `divvy scale herd`: when too many came at once, and what jitter would do about it. `times.rs` finds the times in a log.

mod times;

use super::spans::positive;
use super::table::Table;
use crate::args::{HerdArgs, Output};
use crate::exit::{Exit, bad_usage};
use crate::figures::{number, time};
use crate::jobs::{print, print_json};
use crate::lang::rate;
use anyhow::Result;
use divvy_model::bursts::{Herd, find, peak_with_jitter, spread_for};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use times::Format;

/// Arrivals in one look: 400 MB of times. A longer log has its bursts in each of its parts.
const ARRIVALS_MAX: usize = 50_000_000;
/// Bytes of a line; what is behind them has no time.
const LINE_MAX: u64 = 1 << 20;
/// Bursts shown to people; JSON has them all.
const SHOWN: usize = 20;
/// Spans of jitter that are tried, in windows.
const JITTERS: [f64; 7] = [0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];

const FORMULA: &str = "a burst is more in a window than independent arrivals at the rate around it (Poisson) bring anywhere \
                       in one of a hundred such logs; full jitter delays each by uniform(0, J)";

const SOURCE: &str = "Poisson 1837; full jitter after Brooker 2015";

/// What a log holds.
struct Log {
    name: String,
    format: Format,
    arrivals: Vec<f64>,
    without: u64,
}

/// Reads, counts and tells.
///
/// # Errors
/// Bad usage: no log, or none with times.
pub fn herd(args: &HerdArgs, output: Output) -> Result<Exit> {
    let window = positive("--window", &args.window)?;
    let asked = args.jitter.as_ref().map(|text| positive("--jitter", text)).transpose()?;
    let capacity = args.capacity.as_ref().map(|text| rate::parse(text.as_bytes())).transpose();
    let capacity = capacity.map_err(|error| bad_usage(format!("--capacity: {error}")))?;
    let log = read(args)?;
    let herd = find(&log.arrivals, window).map_err(|error| bad_usage(format!("{}: {error}", log.name)))?;
    let mut spans: Vec<f64> = JITTERS.iter().map(|windows| windows * window).chain(asked).collect();
    spans.sort_by(f64::total_cmp);
    spans.dedup();
    let with = |span: f64| {
        let peak = peak_with_jitter(&log.arrivals, window, span).map_err(bad_usage)?;
        Ok((span, peak))
    };
    let spread: Vec<(f64, f64)> = spans.into_iter().map(with).collect::<Result<_>>()?;
    let largest = herd.bursts.iter().map(|burst| burst.arrivals).max().unwrap_or(0);
    let needed = capacity.filter(|_| largest > 0).map(|capacity| spread_for(largest as f64, capacity));
    match output {
        Output::Human => print(&text(&log, &herd, &spread, window, needed))?,
        Output::Json => print_json(&as_json(&log, &herd, &spread, window, needed))?,
        Output::Quiet => {}
    }
    Ok(Exit::Done)
}

fn read(args: &HerdArgs) -> Result<Log> {
    let (name, source): (_, Box<dyn Read>) = if args.log.as_os_str() == "-" {
        ("stdin".into(), Box::new(std::io::stdin()))
    } else {
        let name = args.log.display().to_string();
        let file =
            File::open(&args.log).map_err(|error| bad_usage(format!("cannot read {name}: {error}")))?;
        (name, Box::new(file))
    };
    let mut reader = BufReader::with_capacity(1 << 16, source);
    let (mut format, mut arrivals, mut without, mut line) = (None, Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line);
        if read.map_err(|error| bad_usage(format!("cannot read {name}: {error}")))? == 0 {
            break;
        }
        // The rest of a line that is cut is no line of its own: it may begin with anything.
        if line.len() as u64 == LINE_MAX && !line.ends_with(b"\n") {
            reader.skip_until(b'\n').map_err(|error| bad_usage(format!("cannot read {name}: {error}")))?;
        }
        format = format.or_else(|| Format::of(&line));
        match format.and_then(|format: Format| format.time(&line)) {
            Some(at) if arrivals.len() < ARRIVALS_MAX => arrivals.push(at),
            Some(_) => {
                return Err(bad_usage(format!(
                    "{name}: more than {ARRIVALS_MAX} arrivals: give a part of it"
                )));
            }
            None if line.trim_ascii().is_empty() => {}
            None => without += 1,
        }
    }
    let Some(format) = format.filter(|_| !arrivals.is_empty()) else {
        return Err(bad_usage(format!(
            "{name}: no line has a time: seconds or milliseconds since 1970 at its beginning, ISO 8601 \
             (2026-11-22T09:28:46Z) or [22/Nov/2026:09:28:46 +0000]"
        )));
    };
    // Logs are written when a request ends, and by several threads.
    arrivals.sort_by(f64::total_cmp);
    Ok(Log { name, format, arrivals, without })
}

fn text(log: &Log, herd: &Herd, spread: &[(f64, f64)], window: f64, needed: Option<f64>) -> String {
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
        out += &format!("  {} without a time were passed over\n", crate::jobs::count(log.without, "line"));
    }
    out += &super::tell::wrapped("  ", FORMULA, 2);
    out += &format!("  ({SOURCE})\n");
    out += &format!("  here: more than {} in {}, where most come\n\n", number(herd.threshold), time(window));
    if herd.bursts.is_empty() {
        return out + "no bursts: this many at once come by chance alone. Jitter would change nothing\n";
    }
    out += &bursts(log, herd);
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
    match (needed, enough(herd, spread, window)) {
        (Some(needed), _) => {
            out += &format!("\nspread the largest over {}: 2 x arrivals / --capacity\n", time(needed));
        }
        (None, Some(span)) => {
            out += &format!("\njitter over {} is enough: then nothing stands out\n", time(span))
        }
        (None, None) => {
            out +=
                "\nno jitter that was tried is enough: give a longer --jitter, or let them come less often\n"
        }
    }
    out
}

fn bursts(log: &Log, herd: &Herd) -> String {
    let mut table = Table::new(&["burst at", "for", "arrivals", "expected", "at most /s"]);
    for burst in herd.bursts.iter().take(SHOWN) {
        table.line(vec![
            log.format.shown(burst.start),
            time(burst.end - burst.start),
            number(burst.arrivals as f64),
            number(burst.expected),
            number(burst.peak_rate),
        ]);
    }
    let more = herd.bursts.len().saturating_sub(SHOWN);
    table.text() + &if more > 0 { format!("  and {more} more\n") } else { String::new() }
}

/// The least jitter that was tried after which hardly a window has more than chance brings. What is expected in the
/// fullest window is not what comes: three standard deviations more are.
fn enough(herd: &Herd, spread: &[(f64, f64)], window: f64) -> Option<f64> {
    let is_quiet = |expected: f64| expected + 3.0 * expected.sqrt() <= herd.threshold;
    spread.iter().find(|(_, peak)| is_quiet(peak * window)).map(|(span, _)| *span)
}

fn as_json(log: &Log, herd: &Herd, spread: &[(f64, f64)], window: f64, needed: Option<f64>) -> Value {
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
        "jitter_enough_seconds": enough(herd, spread, window).filter(|_| !herd.bursts.is_empty()),
        "jitter_for_capacity_seconds": needed,
        "formula": FORMULA,
        "source": SOURCE,
    })
}
