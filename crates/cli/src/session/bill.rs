//! The bill: where the worker-seconds went, what dividing the work cost, and what the time was lost to.

use anyhow::Result;
use divvy_core::{Account, JobId, State};
use divvy_engine::Usage;
use divvy_store::Store;
use serde_json::{Value, json};

/// Shares of worker time below this are not worth a word.
const WORTH_A_WORD: f64 = 0.02;

/// Seconds below this would be shown as nothing.
const SHOWN_NS: u64 = 500_000;

/// The bill for people; `job` is what was run, if that was one job.
pub fn text(usage: &Usage, job: Option<JobId>) -> String {
    let Usage { account, workers, wall_ns, .. } = usage;
    let all = *workers as f64 * *wall_ns as f64 / 1e9;
    let mut out =
        format!("\n  {workers} workers x {:.2} s = {all:.2} worker-seconds\n", *wall_ns as f64 / 1e9);
    for state in State::ALL.into_iter().filter(|s| account.get(*s) >= SHOWN_NS) {
        let seconds = account.seconds(state);
        out += &format!("  {:<10} {seconds:>10.3} s {:>6.1} %\n", state.name(), 100.0 * seconds / all);
    }
    out += &format!("  unaccounted {:.2} %\n", 100.0 * account.unaccounted(*workers, *wall_ns).max(0.0));
    let run_ns = account.get(State::Run);
    if run_ns == 0 {
        return out + "  no task ran: the workers were there, and had nothing to do\n";
    }
    // Ratios to next to nothing say nothing.
    if run_ns >= SHOWN_NS {
        out += &format!(
            "  coordination overhead {:.2} %, estimated speed-up {:.2} of {workers} (if a task takes as long alone)\n",
            100.0 * account.overhead(),
            account.speedup(*wall_ns),
        );
    }
    out += &format!("  {}\n", lost_to(account, all, job));
    out
}

/// What the time was lost to, in words: the largest part of what was not spent in tasks.
fn lost_to(account: &Account, all: f64, job: Option<JobId>) -> String {
    let worst = State::ALL
        .into_iter()
        .filter(|state| *state != State::Run)
        .max_by(|a, b| account.get(*a).cmp(&account.get(*b)))
        .map_or((State::Run, 0.0), |state| (state, account.seconds(state) / all));
    let (state, share) = worst;
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
        State::Idle if job.is_none() => "having nothing to do: too little was in the store",
        State::Idle => "having nothing to do: the last tasks ran on fewer workers, or inputs came slowly",
        State::Starved => "waiting for tasks that others hold or that are due later",
        State::Parked => "starting up and ending: the job is short",
        State::Run => "running tasks",
    };
    format!("{:.0} % of the time was lost to {why}", share * 100.0)
}

/// The account as JSON: seconds by state, and the figures made of them.
pub fn account_json(usage: &Usage) -> Value {
    let seconds: serde_json::Map<_, _> =
        State::ALL.iter().map(|s| (s.name().replace(' ', "_"), json!(usage.account.seconds(*s)))).collect();
    json!({
        "seconds": seconds,
        "workers": usage.workers,
        "wall_seconds": usage.wall_ns as f64 / 1e9,
        "cpu_seconds": usage.cpu_ns as f64 / 1e9,
        "unaccounted": usage.account.unaccounted(usage.workers, usage.wall_ns),
        "coordination_overhead": usage.account.overhead(),
        "estimated_speedup": usage.account.speedup(usage.wall_ns),
    })
}

/// The bill of a run as JSON.
///
/// # Errors
/// Whatever the store says.
pub fn json(store: &dyn Store, job: Option<JobId>, usage: &Usage) -> Result<Value> {
    let mut bill = json!({ "account": account_json(usage) });
    if let Some(job) = job {
        bill["job"] = crate::jobs::job_json(&store.job(job)?);
    }
    Ok(bill)
}
