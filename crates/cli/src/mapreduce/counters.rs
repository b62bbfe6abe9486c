//! What a job has counted, and what it has passed over, when it finishes.

use super::skew;
use crate::args::Output;
use crate::session::say;
use divvy_mapreduce::manifest::Report;
use divvy_mapreduce::phase::OnFinish;
use serde_json::json;
use std::io::IsTerminal;
use std::sync::Arc;

/// Most records that are named one by one.
const NAMED_MAX: usize = 20;

/// Tells the counters if they were asked for, or somebody is there to see them; records that were passed over always.
pub fn tell_counters(output: Output, asked: bool) -> OnFinish {
    let shown = asked || std::io::stderr().is_terminal();
    Arc::new(move |report| match output {
        Output::Json => say(output, &as_json(report).to_string()),
        Output::Human | Output::Quiet => {
            // What a script counts, in a group of its own, is counted to be seen.
            let wanted = report.counters.iter().filter(|(name, _)| shown || name.contains(','));
            wanted.for_each(|(name, n)| say(output, &format!("{n:>16}  {name}")));
            if shown {
                skew::lines(&report.skew).iter().for_each(|line| say(output, line));
            }
            bad(report).iter().for_each(|line| say(Output::Human, line));
        }
    })
}

fn bad(report: &Report) -> Vec<String> {
    if report.bad.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!(
        "divvy: {} records were passed over, since the program fails on them:",
        report.bad.len()
    )];
    lines.extend(report.bad.iter().take(NAMED_MAX).map(|bad| {
        format!("       {} bytes at byte {} of {}: {}", bad.bytes, bad.at, bad.file.display(), bad.error)
    }));
    if report.bad.len() > NAMED_MAX {
        lines.push(format!("       and {} more", report.bad.len() - NAMED_MAX));
    }
    lines
}

fn as_json(report: &Report) -> serde_json::Value {
    let bad = |bad: &divvy_mapreduce::manifest::Bad| json!({"file": bad.file.to_string_lossy(), "at": bad.at, "bytes": bad.bytes, "error": bad.error});
    json!({
        "counters": report.counters,
        "bad": report.bad.iter().map(bad).collect::<Vec<_>>(),
        "skew": report.skew,
    })
}
