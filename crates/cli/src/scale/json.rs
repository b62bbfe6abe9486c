//! A study as JSON. `docs/scale.md` lists the fields: scripts rely on them.

use super::ladder::Rung;
use super::study::{Row, Study, Sweep};
use divvy_model::fit::{Estimate, Fit, Residual, Rival};
use divvy_model::{Curve, Law};
use serde_json::{Map, Value, json};

/// All of it, in one object.
pub fn of(study: &Study) -> Value {
    let mut out = Map::new();
    let mut put = |fields: Value| {
        if let Value::Object(fields) = fields {
            out.extend(fields);
        }
    };
    put(match &study.fit {
        Ok(fit) => fitted(fit, study.is_exact()),
        Err(error) => unfitted(&error.to_string()),
    });
    put(json!({ "unit": study.unit, "points": study.rows.iter().map(row).collect::<Vec<_>>() }));
    if let Some(sweep) = &study.sweep {
        put(swept(sweep));
    }
    if let Some(limit) = &study.limit {
        put(json!({ "limit": {
            "kind": limit.kind.name(),
            "efficiency": limit.efficiency,
            "cores_used": limit.cores_used,
            "others": limit.others,
            "busy_alone": limit.busy_alone,
            "cpu_growth": limit.cpu_growth,
            "switches_per_worker": limit.switches,
            "shares": { "work": limit.shares.work, "more": limit.shares.more, "waiting": limit.shares.waiting },
        }}));
    }
    if let Some(machines) = &study.machines {
        put(json!({ "machines": machines.json() }));
    }
    put(json!({ "advice": study.advice }));
    Value::Object(out)
}

fn fitted(fit: &Fit, is_exact: bool) -> Value {
    let usl = &fit.usl;
    let ends = |of: &Estimate| (!is_exact).then(|| json!([of.low, of.high]));
    json!({
        "law": fit.law.map(Law::name),
        "formula": fit.law.map(Law::formula),
        "source": fit.law.map(Law::source),
        "parameters": fit.curve.map(parameters),
        "roof": fit.roof.map(|roof| roof.value),
        "roof_interval": fit.roof.map(|roof| json!([roof.low, roof.high])),
        "alpha": usl.alpha.value,
        "alpha_interval": ends(&usl.alpha),
        "beta": usl.beta.value,
        "beta_interval": ends(&usl.beta),
        "lambda": usl.lambda.value,
        "lambda_interval": ends(&usl.lambda),
        "beta_zero_share": fit.beta_zero_share,
        "peak_n": fit.peak.map(|peak| peak.n),
        "peak_interval": fit.peak.map(|peak| json!([peak.low, peak.high])),
        "peak_x": fit.peak.map(|peak| peak.x),
        "projected_n": fit.projected,
        "reason": fit.reason.to_string(),
        "fall_chance": fit.fall_chance,
        "regret": fit.regret,
        "worst_residual": residual(fit.worst_residual),
        "rivals": fit.rivals.iter().map(rival).collect::<Vec<_>>(),
    })
}

/// The same fields without values, so that scripts need not ask whether they are there.
fn unfitted(reason: &str) -> Value {
    const FIELDS: &[&str] = &[
        "law",
        "formula",
        "source",
        "parameters",
        "roof",
        "roof_interval",
        "alpha",
        "alpha_interval",
        "beta",
        "beta_interval",
        "lambda",
        "lambda_interval",
        "beta_zero_share",
        "peak_n",
        "peak_interval",
        "peak_x",
        "projected_n",
        "fall_chance",
        "regret",
        "worst_residual",
        "rivals",
    ];
    let nothing = FIELDS.iter().map(|field| ((*field).to_owned(), Value::Null));
    Value::Object(nothing.chain([("reason".into(), json!(reason))]).collect())
}

fn rival(rival: &Rival) -> Value {
    json!({
        "law": rival.curve.law().name(),
        "aicc": rival.aicc,
        "rms": rival.rms,
        "worst_residual": residual(rival.worst),
        "parameters": parameters(rival.curve),
    })
}

fn residual(of: Residual) -> Value {
    json!({ "n": of.n, "relative": of.relative })
}

fn parameters(curve: Curve) -> Value {
    match curve {
        Curve::Linear { lambda } => json!({ "lambda": lambda }),
        Curve::Amdahl { alpha, lambda } => json!({ "alpha": alpha, "lambda": lambda }),
        Curve::Usl(usl) => json!({ "alpha": usl.alpha, "beta": usl.beta, "lambda": usl.lambda }),
        Curve::Ceiling { lambda, ceiling } => json!({ "lambda": lambda, "ceiling": ceiling }),
        Curve::Repairman { think, demand } => json!({ "think": think, "demand": demand }),
    }
}

fn row(row: &Row) -> Value {
    let mut out = json!({
        "n": row.n,
        "x": row.x,
        "low": row.low,
        "high": row.high,
        "runs": row.runs,
        "predicted": row.predicted,
        "efficiency": row.efficiency,
    });
    if let Some(cost) = row.cost {
        out["wall_seconds"] = json!(cost.wall_s);
        out["cpu_seconds"] = json!(cost.cpu_s);
        out["system_seconds"] = json!(cost.sys_s);
        out["work"] = json!(cost.work);
        out["voluntary_switches"] = json!(cost.voluntary);
        out["involuntary_switches"] = json!(cost.involuntary);
        out["others"] = json!(cost.others);
    }
    out
}

fn swept(sweep: &Sweep) -> Value {
    let runs = |rung: &Rung| {
        let n = rung.n;
        let run = move |sample: &super::ladder::Sample| {
            json!({
                "n": n,
                "x": sample.rate,
                "wall_seconds": sample.wall_s,
                "user_seconds": sample.cost.user_s,
                "system_seconds": sample.cost.sys_s,
                "voluntary_switches": sample.cost.voluntary,
                "involuntary_switches": sample.cost.involuntary,
                "others": sample.others,
            })
        };
        rung.samples.iter().map(run).collect::<Vec<_>>()
    };
    let failed = |rung: &Rung| {
        let failure = rung.failure.as_ref()?;
        Some(json!({ "n": rung.n, "why": failure.why, "stderr": failure.stderr }))
    };
    json!({
        "command": sweep.command,
        "assumption": sweep.assumption,
        "cores": sweep.cores,
        "seed": sweep.seed,
        "interrupted": sweep.interrupted,
        "workers": sweep.asked,
        "runs": sweep.rungs.iter().flat_map(runs).collect::<Vec<_>>(),
        "failed": sweep.rungs.iter().filter_map(failed).collect::<Vec<_>>(),
    })
}
