//! A study for people: the table, the law, the peak, and what follows.

use super::study::{Study, Sweep};
use super::{chart, table};
use crate::figures::{coefficient, number, percent, workers_of};
use divvy_model::fit::{Estimate, Fit, MARGIN_MIN, Reason};
use divvy_model::{Curve, Law};

/// Where the second column begins.
const INDENT: usize = 14;
/// Words of a line, so that it fits a terminal of usual width.
const LINE: usize = 98;

/// Laws whose AICc differs by less can hardly be told apart (Burnham and Anderson 2002: from 4 on there is considerably
/// less support). A claim takes more: [`MARGIN_MIN`].
const APART: f64 = 4.0;

/// All of it.
pub fn text(study: &Study, with_chart: bool) -> String {
    let mut out = format!("{}\n", study.title);
    if let Some(sweep) = &study.sweep {
        out += &about(sweep);
    }
    if with_chart {
        out += &format!("\n{}", chart::text(study));
    }
    out += &format!("\n{}  {}\n", table::of(study).text(), table::efficiency_of(study));
    out += &study.sweep.as_ref().map(failures).unwrap_or_default();
    out += "\n";
    match &study.fit {
        Ok(fit) => {
            out += &law(fit, study.is_exact());
            out += &entry("peak", &peak(study, fit));
        }
        Err(_) => out += &entry("law", "none: there are too few numbers of workers to tell laws apart"),
    }
    if let Some(machines) = &study.machines {
        out += &format!("\n{}", machines.text(study.unit));
    }
    out += "\n";
    for advice in &study.advice {
        out += &wrapped("  * ", advice, 4);
    }
    out
}

fn about(sweep: &Sweep) -> String {
    let runs = sweep.rungs.iter().map(|rung| rung.samples.len()).max().unwrap_or(0);
    let times = if runs == 1 { "once".into() } else { format!("{runs} times") };
    let order = format!("each n {times}, in mixed order (--seed {})", sweep.seed);
    let end = if sweep.interrupted { "; interrupted, this is what was measured until then" } else { "" };
    format!("  {} processors; {order}{end}\n  {}\n", sweep.cores, sweep.assumption)
}

fn failures(sweep: &Sweep) -> String {
    let mut out = String::new();
    for rung in &sweep.rungs {
        let Some(failure) = &rung.failure else { continue };
        out += &format!("  n = {} is left out: {}\n", rung.n, failure.why);
        for line in failure.stderr.lines() {
            out += &format!("      {line}\n");
        }
    }
    out
}

/// The winner, its numbers, the USL's numbers, and the others.
fn law(fit: &Fit, is_exact: bool) -> String {
    let mut out = match fit.law {
        Some(law) => entry("law", &format!("{law}: {} ({})", law.formula(), law.source())),
        None => entry("law", "none: each is more than 15 % off somewhere"),
    };
    for (name, value) in fit.curve.map(|curve| numbers(fit, curve)).unwrap_or_default() {
        out += &entry(name, &value);
    }
    let usl = &fit.usl;
    if fit.law != Some(Law::Usl) {
        out += &entry("as a USL", Law::Usl.formula());
    }
    let mut number_of = |name: &str, of: &Estimate, shown: fn(f64) -> String, what: &str| {
        let [value, low, high] = [of.value, of.low, of.high].map(shown);
        let interval = if is_exact { String::new() } else { format!(" [{low}, {high}]") };
        out += &entry(name, &format!("{value}{interval}   {what}"));
    };
    number_of("alpha", &usl.alpha, coefficient, "contention: what waits for one at a time");
    number_of("beta", &usl.beta, coefficient, "coherency: what each pair of workers costs");
    number_of("lambda", &usl.lambda, number, "one worker");
    if is_exact {
        out += &entry("", "no intervals: as many numbers as measurements leave nothing to tell chance by");
    }
    let best = fit.rivals.first().map_or(0.0, |rival| rival.aicc);
    let others = fit.rivals.iter().map(|rival| format!("{} {:+.1}", rival.curve.law(), rival.aicc - best));
    out + &entry(
        "laws",
        &format!(
            "{} (AICc above that of the best: less than {APART} can hardly be told apart, and a peak is claimed only \
             if the best rival has {MARGIN_MIN} more)",
            others.collect::<Vec<_>>().join(", ")
        ),
    )
}

/// The numbers of a law that is no USL: those of a USL have intervals and come from elsewhere.
fn numbers(fit: &Fit, curve: Curve) -> Vec<(&'static str, String)> {
    let roof = || fit.roof.as_ref().map_or_else(|| number(curve.roof()), roof);
    let one = |lambda: f64| ("one worker", number(lambda));
    match curve {
        Curve::Usl(_) => vec![],
        Curve::Linear { lambda } => vec![one(lambda)],
        Curve::Amdahl { alpha, lambda } => {
            vec![one(lambda), ("serial", percent(alpha)), ("roof", number(lambda / alpha))]
        }
        Curve::Ceiling { lambda, .. } => vec![one(lambda), ("ceiling", roof())],
        Curve::Repairman { think, demand } => vec![
            ("Z", format!("{}   what a task takes beside the bottleneck", coefficient(think))),
            ("D", format!("{}   what it takes of the bottleneck", coefficient(demand))),
            ("roof", roof()),
        ],
    }
}

/// A roof with its interval.
pub fn roof(of: &Estimate) -> String {
    format!("{} [{}, {}]", number(of.value), number(of.low), number(of.high))
}

fn peak(study: &Study, fit: &Fit) -> String {
    let most = study.rows.last().map_or(0.0, |row| row.n);
    match (&fit.peak, fit.projected) {
        (Some(peak), _) => {
            let regret = fit
                .regret
                .map(|share| format!("; being off by the interval costs {} at most", percent(share)));
            format!(
                "{} [{}, {}] do most: {}{}",
                workers_of(peak.n.round()),
                number(peak.low.round()),
                number(peak.high.round()),
                study.rate(peak.x),
                regret.unwrap_or_default()
            )
        }
        (None, Some(_)) if matches!(fit.reason, Reason::NoRise { .. }) => {
            format!("none is claimed: {}", fit.reason)
        }
        (None, None) if fit.law.is_none() => format!("none is claimed: {}", fit.reason),
        (None, None) if fit.usl.usl().peak().is_some() => format!(
            "no peak seen up to {}: {}. If the USL were right, it would be far beyond what was measured",
            workers_of(most),
            fit.reason
        ),
        (None, Some(projected)) => format!(
            "none is claimed: {}. Projected, if the USL were right: {}",
            fit.reason,
            workers_of(projected.round())
        ),
        (None, None) => format!("no peak seen up to {}: {}", workers_of(most), fit.reason),
    }
}

fn entry(name: &str, text: &str) -> String {
    wrapped(&format!("  {name:<width$}", width = INDENT - 2), text, INDENT)
}

/// Lines of a usual width: the first begins with `first`, the others with so many spaces.
pub fn wrapped(first: &str, text: &str, indent: usize) -> String {
    let mut lines = vec![first.to_owned()];
    let mut is_first_word = true;
    // A run of spaces inside a line is meant.
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one");
        if !is_first_word && line.chars().count() + 1 + word.chars().count() > LINE {
            lines.push(" ".repeat(indent) + word);
        } else {
            if !is_first_word {
                line.push(' ');
            }
            line.push_str(word);
        }
        is_first_word = false;
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::published::SPEC_SDM91;
    use divvy_model::fit::Point;

    #[test]
    fn what_differences_between_laws_prove_is_said_as_it_is() {
        // A law 17 better than the USL, and one 3 behind the best: SPEC SDM91.
        let points = SPEC_SDM91.map(|(n, x)| Point::new(n, x)).to_vec();
        let said = text(&Study::of_points("sdm91".into(), points, 1).unwrap(), false);
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "laws repairman +0.0, ceiling +3.2,",
            "less than 4 can hardly be told apart, and a peak is claimed only if the best rival has 16 more)",
            "peak none is claimed: the law \"repairman\", which has no peak, fits better (AICc lower by 17.3)",
        ] {
            assert!(words.contains(part), "{part:?} is not in {said}");
        }
    }
}
