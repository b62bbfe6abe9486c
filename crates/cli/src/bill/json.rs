//! The bill as JSON.

use super::chart::stretches;
use super::figures::figures;
use super::price::Price;
use super::sum::{Bill, ratio};
use divvy_core::{Histogram, State};
use divvy_store::Observation;
use serde_json::{Map, Value, json};

/// Seconds by state, and the figures made of them.
pub fn account(bill: &Bill) -> Value {
    json!({
        "seconds": by_state(|state| bill.seconds(state)),
        "workers": whole(bill.workers()),
        "nodes": bill.nodes_seen,
        "wall_seconds": bill.wall_ns as f64 / 1e9,
        "worker_seconds": bill.offered_seconds(),
        "cpu_seconds": bill.cpu_ns as f64 / 1e9,
        "unaccounted": bill.unaccounted(),
        "coordination_overhead": bill.account.overhead(),
        "estimated_speedup": ratio(bill.seconds(State::Run), bill.wall_ns as f64 / 1e9),
    })
}

/// The account, the figures, and what else is known.
pub fn bill(bill: &Bill, price: Option<Price>) -> Value {
    let figures: Map<_, _> = figures(bill)
        .into_iter()
        .map(|figure| {
            let name = figure.name.replace([' ', '-'], "_");
            let (value, why) = match figure.value {
                Ok(value) => (Some(value), None),
                Err(why) => (None, Some(why)),
            };
            let (good, bad) = figure.thresholds;
            let verdict = figure.verdict.map(super::figures::Verdict::word);
            let figure = json!({
                "value": value, "verdict": verdict, "good": good, "bad": bad, "says": why.unwrap_or(figure.says)
            });
            (name, figure)
        })
        .collect();
    let mut out = json!({
        "account": account(bill),
        "tasks": bill.tasks,
        "exchanges": bill.exchanges,
        "run_seconds": times(&bill.run),
        "wait_seconds": times(&bill.wait),
        "figures": figures,
    });
    if let Some(price) = price {
        out["cost"] = by_state(|state| price.of(bill.seconds(state)));
        out["cost"]["all"] = json!(price.of(bill.offered_seconds()));
    }
    out
}

fn by_state(of: impl Fn(State) -> f64) -> Value {
    let states: Map<_, _> =
        State::ALL.into_iter().map(|state| (state.name().replace(' ', "_"), json!(of(state)))).collect();
    Value::Object(states)
}

/// A number of workers that is a whole one is shown as such.
fn whole(workers: f64) -> Value {
    let rounded = workers.round();
    if (workers - rounded).abs() < 0.005 * rounded.max(1.0) { json!(rounded as u64) } else { json!(workers) }
}

fn times(times: &Histogram) -> Value {
    let at = |q| times.quantile(q).map(|ns| ns as f64 / 1e9);
    json!({ "count": times.count(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0) })
}

/// The account over time.
pub fn over_time(seen: &[Observation]) -> Value {
    let stretch = |stretch: super::chart::Stretch| {
        json!({
            "from_ms": stretch.from,
            "until_ms": stretch.until,
            "workers": stretch.workers(),
            "tasks": stretch.tasks,
            "seconds": by_state(|state| stretch.account.seconds(state)),
        })
    };
    stretches(seen).into_iter().map(stretch).collect()
}
