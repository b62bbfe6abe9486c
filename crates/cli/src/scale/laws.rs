//! `divvy scale amdahl`, `usl` and `paths`: the laws as tables, with their formulas and where they come from.

use super::workers::workers;
use crate::args::{AmdahlArgs, Output, PathsArgs, UslArgs};
use crate::exit::{Exit, bad_usage};
use crate::figures::{coefficient, number, percent, workers_of};
use crate::jobs::answer;
use crate::table::Table;
use anyhow::Result;
use divvy_model::paths::{path_share, paths as pairs};
use divvy_model::{Amdahl, Curve, Gustafson, Law, Usl};
use serde_json::json;

const AMDAHL: &str = "speedup(n) = 1 / (s + (1 - s)/n), never above 1/s (Amdahl 1967)";
const GUSTAFSON: &str = "scaled(n) = n - s (n - 1): work that grows with the workers (Gustafson 1988)";
const PATHS: &str = "pairs(n) = n (n - 1)/2, and their share of pairs and workers: (n - 1)/(n + 1)";
const PATHS_SOURCE: &str = "Brooks, The Mythical Man-Month, 1975";

/// Amdahl's law and Gustafson's.
///
/// # Errors
/// Bad usage.
pub fn amdahl(args: &AmdahlArgs, output: Output) -> Result<Exit> {
    let serial = args.serial;
    if !(0.0..=1.0).contains(&serial) {
        return Err(bad_usage(format!("--serial: {serial} is no share: between 0 and 1, as in 0.05")));
    }
    let (fixed, grown) = (Amdahl { serial }, Gustafson { serial });
    let mut table = Table::new(&["n", "speedup", "efficiency", "scaled"]);
    let mut rows = Vec::new();
    for n in workers(&args.rows.workers)? {
        let at = n as f64;
        table.line(vec![
            number(at),
            number(fixed.speedup(at)),
            percent(fixed.efficiency(at)),
            number(grown.speedup(at)),
        ]);
        rows.push(json!({
            "n": n, "speedup": fixed.speedup(at), "efficiency": fixed.efficiency(at), "scaled": grown.speedup(at),
        }));
    }
    let half = fixed.workers_for(0.5);
    let mut out = format!("{AMDAHL}\n{GUSTAFSON}\n\n{}", table.text());
    if let Some(half) = half {
        // Of what nobody can divide one worker does all, and the formula would send it home.
        let whole = |n: f64| workers_of(n.ceil().max(1.0));
        out += &format!(
            "  never above {}; half of that takes {}, nine tenths {}\n",
            number(fixed.roof()),
            whole(half),
            whole(fixed.workers_for(0.9).unwrap_or(f64::INFINITY))
        );
    }
    let roof = half.map(|_| fixed.roof());
    let as_json = || {
        json!({
            "serial": serial, "roof": roof, "rows": rows, "formula": AMDAHL, "scaled_formula": GUSTAFSON,
            "source": "Amdahl 1967; Gustafson 1988",
        })
    };
    answer(output, || out, as_json)?;
    Ok(Exit::Done)
}

/// The universal scalability law.
///
/// # Errors
/// Bad usage.
pub fn usl(args: &UslArgs, output: Output) -> Result<Exit> {
    let law = Usl { alpha: args.alpha, beta: args.beta, lambda: args.lambda };
    let checks = [
        ("--alpha", law.alpha, (0.0..=1.0).contains(&law.alpha), "between 0 and 1"),
        ("--beta", law.beta, law.beta >= 0.0 && law.beta.is_finite(), "0 or above"),
        ("--lambda", law.lambda, law.lambda > 0.0 && law.lambda.is_finite(), "above 0"),
    ];
    if let Some((flag, value, _, must)) = checks.iter().find(|(_, _, is_fit, _)| !is_fit) {
        return Err(bad_usage(format!("{flag}: {value} has to be {must}")));
    }
    let mut table = Table::new(&["n", "x", "speedup", "efficiency"]);
    let mut rows = Vec::new();
    for n in workers(&args.rows.workers)? {
        let at = n as f64;
        table.line(vec![
            number(at),
            number(law.throughput(at)),
            number(law.speedup(at)),
            percent(law.efficiency(at)),
        ]);
        rows.push(json!({
            "n": n, "x": law.throughput(at), "speedup": law.speedup(at), "efficiency": law.efficiency(at),
        }));
    }
    let mut out = format!("{} ({})\n\n{}", Law::Usl.formula(), Law::Usl.source(), table.text());
    out += &match law.peak() {
        Some(peak) => format!(
            "  most at n* = sqrt((1 - alpha)/beta) = {}: {} times one worker\n",
            number(peak),
            number(law.speedup(peak))
        ),
        None if law.alpha > 0.0 => format!(
            "  no peak, as beta is 0; never above lambda/alpha = {}, alpha {}\n",
            number(law.roof()),
            coefficient(law.alpha)
        ),
        None => "  no peak and no roof: every worker adds the same\n".into(),
    };
    let as_json = || {
        json!({
            "alpha": law.alpha, "beta": law.beta, "lambda": law.lambda,
            "peak_n": law.peak(), "peak_speedup": law.peak().map(|peak| law.speedup(peak)),
            "roof": Some(Curve::Usl(law).roof()).filter(|roof| roof.is_finite()),
            "rows": rows, "formula": Law::Usl.formula(), "source": Law::Usl.source(),
        })
    };
    answer(output, || out, as_json)?;
    Ok(Exit::Done)
}

/// Pairs of workers.
///
/// # Errors
/// Bad usage.
pub fn paths(args: &PathsArgs, output: Output) -> Result<Exit> {
    let mut table = Table::new(&["workers", "pairs", "share"]);
    let mut rows = Vec::new();
    for n in workers(&args.workers)? {
        let share = path_share(n);
        table.line(vec![number(n as f64), number(pairs(n) as f64), format!("{:.1} %", share * 100.0)]);
        // Exact as long as a float is.
        rows.push(json!({ "n": n, "pairs": u64::try_from(pairs(n)).ok(), "share": share }));
    }
    let out = format!(
        "{PATHS} ({PATHS_SOURCE})\n\n{}  where everyone tells everyone, telling grows with the pairs: tell one place, or few\n",
        table.text()
    );
    answer(output, || out, || json!({ "rows": rows, "formula": PATHS, "source": PATHS_SOURCE }))?;
    Ok(Exit::Done)
}
