//! `--explain-tuning`: what the node sets by what it measures.

use super::say;
use crate::args::Output;
use divvy_decide::{Knob, Tuned, Why};
use serde_json::{Value, json};

/// One change, on stderr.
pub(super) fn tell(tuned: &Tuned, output: Output) {
    match output {
        Output::Json => say(output, &json(tuned).to_string()),
        Output::Human | Output::Quiet => say(output, &format!("divvy: {tuned}")),
    }
}

fn json(tuned: &Tuned) -> Value {
    let (task_ns, round_trip_ns) = match tuned.why {
        Why::Size { task_ns, round_trip_ns, .. } => (task_ns, round_trip_ns),
        Why::Reports { round_trip_ns } => (None, round_trip_ns),
    };
    let seconds = |ns: u64| ns as f64 / 1e9;
    let (what, job) = match tuned.what {
        Knob::Lease(job) => ("lease_tasks", Some(job.0)),
        Knob::ReportEvery => ("report_every_ns", None),
    };
    json!({ "tuned": {
        "what": what,
        "job": job,
        "from": tuned.from,
        "to": tuned.to,
        "why": tuned.why.to_string(),
        "task_seconds": task_ns.map(seconds),
        "round_trip_seconds": seconds(round_trip_ns),
    }})
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::JobId;
    use divvy_decide::Bound;

    #[test]
    fn programs_get_the_numbers() {
        let why = Why::Size { by: Bound::Target, task_ns: Some(1_000_000), round_trip_ns: 300_000 };
        let told = json(&Tuned { what: Knob::Lease(JobId(7)), from: 2, to: 500, why });
        assert_eq!((told["tuned"]["job"].as_u64(), told["tuned"]["to"].as_u64()), (Some(7), Some(500)));
        assert_eq!(told["tuned"]["task_seconds"], 1e-3);
        assert!(told["tuned"]["why"].as_str().unwrap().starts_with("that is work enough"));
    }
}
