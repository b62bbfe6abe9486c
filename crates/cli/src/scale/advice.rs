//! Plain words on what follows from the measurements.

use super::limit::{FULL, GOOD, Kind, Limit};
use super::limited::{limited, tenths};
use super::study::{Alone, Row, Study};
use crate::figures::{number, percent, workers_of};
use divvy_model::fit::Reason;
use divvy_model::{Curve, Law};

/// A step up the ladder that gives less than this share of what it costs is not worth it.
const WORTH: f64 = 0.5;
/// A fall of less than this share of the highest throughput is no loss worth a word.
const FALL: f64 = 0.03;
/// The same where each was run once, and may have been low by chance.
const FALL_ONCE: f64 = 0.1;
/// Runs that differ by more than this share of their middle are noisy.
const NOISY: f64 = 0.1;
/// Runs shorter than this are starting and ending, and little else.
const SHORT_S: f64 = 0.05;
/// Efficiency from here on is more than a good run beside a bad one.
const SUPERLINEAR: f64 = 1.15;
/// Processors that others use without being worth a word.
const OTHERS: f64 = 0.2;
/// With fewer numbers of workers than these a fit proves little.
const COUNTS: usize = 6;
/// Coefficients of a law below these do nothing that anybody would notice.
const ALPHA_SMALL: f64 = 1e-3;

/// All of it, what matters most first.
pub fn of(study: &Study) -> Vec<String> {
    let mut said = Vec::new();
    said.extend(study.limit.as_ref().map(|limit| limited(limit, study)));
    said.extend(paid_for_nothing(study));
    said.extend(coefficients(study));
    said.extend(superlinear(study));
    said.extend(doubts(study));
    said
}

/// The first step up the ladder that is not worth its price, and a fall behind the highest.
fn paid_for_nothing(study: &Study) -> Vec<String> {
    let Some(last) = study.rows.last() else { return vec![] };
    let best = study.rows.iter().max_by(|a, b| a.x.total_cmp(&b.x)).unwrap_or(last);
    let worth = |from: &Row, to: &Row| (to.x - from.x) / ((to.n - from.n) * study.alone.rate());
    let mut said = Vec::new();
    let steps = study.rows.iter().zip(study.rows.iter().skip(1));
    // Up to the best: what comes behind it is worse than worthless, and said below.
    let bad = steps
        .take_while(|(_, to)| to.n <= best.n)
        .find(|(from, to)| worth(from, to).max(worth(from, best)) < WORTH);
    // Where nothing limits the best runs, a step that is not worth it was a disturbance.
    let is_parallel = study.limit.is_some_and(|limit| limit.kind == Kind::Parallel);
    let bad = bad.filter(|_| !is_parallel);
    if let Some((from, _)) = bad {
        said.push(format!(
            "{} of what you pay beyond {} buys nothing: {} with {}, {} with {}",
            percent(1.0 - worth(from, best).clamp(0.0, 1.0)),
            workers_of(from.n),
            study.rate(from.x),
            number(from.n),
            study.rate(best.x),
            number(best.n)
        ));
    }
    let proved = study.fit.as_ref().ok().and_then(|fit| fit.peak);
    let (top_n, top_x) = proved.map_or((best.n, best.x), |peak| (peak.n.round(), peak.x));
    let fall = if proved.is_some() || last.runs.min(best.runs) > 1 { FALL } else { FALL_ONCE };
    // Where nothing says how much noise there is, what was measured has to do.
    let is_noise = study.fit.as_ref().is_ok_and(|fit| fit.falls() == Some(false));
    if last.n > top_n && last.high < best.low && last.x < top_x * (1.0 - fall) && !is_noise {
        said.push(format!(
            "above {} you lose: {} with {}, {} with {}",
            workers_of(top_n),
            study.rate(top_x),
            number(top_n),
            study.rate(last.x),
            number(last.n)
        ));
    }
    said
}

/// What the numbers of the best law mean, as far as they differ from zero beyond doubt. Another law's would tell of
/// things that are not there.
fn coefficients(study: &Study) -> Vec<String> {
    let Ok(fit) = &study.fit else { return vec![] };
    if study.is_exact() || study.limit.is_some_and(|limit| is_elsewhere(&limit, study)) {
        return vec![];
    }
    let Some(curve) = fit.curve else { return vec![] };
    let shared =
        "Look for a lock, a single writer, a disk that all share, or what is done once, before and after";
    let (alpha, beta) = (&fit.usl.alpha, &fit.usl.beta);
    let mut said = Vec::new();
    match curve {
        // The peak comes before the roof that contention alone would have.
        Curve::Usl(_) | Curve::Amdahl { .. } if alpha.low > 0.0 && alpha.value >= ALPHA_SMALL => {
            said.push(format!(
                "contention {}: that share of the work is done by one at a time{}. {shared}",
                percent(alpha.value),
                match curve {
                    Curve::Usl(usl) if usl.beta > 0.0 => match fit.peak {
                        Some(peak) => format!(
                            "; with what pairs of workers cost, the most is {} times one worker",
                            number(usl.speedup(peak.n))
                        ),
                        None => String::new(),
                    },
                    _ => format!(
                        ", so it gets no faster than about {} times one worker",
                        number(1.0 / alpha.value)
                    ),
                }
            ))
        }
        // What is full may be known already, and by a better name.
        Curve::Ceiling { .. } | Curve::Repairman { .. } if study.limit.is_none() => said.push(format!(
            "one bottleneck that is full: about {}, however many workers{}. {shared}",
            study.rate(curve.roof()),
            fit.roof.map_or_else(String::new, |roof| {
                format!(" ({} to {} with 95 % confidence)", number(roof.low), number(roof.high))
            })
        )),
        _ => {}
    }
    if fit.law == Some(Law::Usl) && beta.low > 0.0 {
        said.push(format!(
            "coherency {}: what each pair of workers costs. Look for what all of them write or tell each other: counters, \
             caches, broadcasts, scans past what others hold",
            percent(beta.value)
        ));
    }
    said
}

/// More than n times as much with n workers: nothing that is divided does that.
fn superlinear(study: &Study) -> Option<String> {
    let row = study.rows.iter().max_by(|a, b| a.efficiency.total_cmp(&b.efficiency))?;
    let is_clear = row.low > SUPERLINEAR * row.n * study.alone.rate();
    (is_clear && matches!(study.alone, Alone::Measured(_))).then(|| {
        format!(
            "{} do {} times as much as one, an efficiency of {}: more workers cannot do more than their number, so one \
             worker was slower for another reason. Look at the run with one (first, with cold caches, or swapping?), at \
             caches that hold everything only when it is divided, and at whether all do the same work",
            workers_of(row.n),
            number(row.x / study.alone.rate()),
            percent(row.efficiency)
        )
    })
}

/// Whether what keeps throughput down is not the program's own: others had the machine, it disturbed the runs, or more
/// workers than there are processors had all of them. A law cannot know, and takes it for contention.
fn is_elsewhere(limit: &Limit, study: &Study) -> bool {
    let cores = study.sweep.as_ref().map_or(u64::MAX, |sweep| sweep.cores);
    match limit.kind {
        Kind::Unknown | Kind::Cores => true,
        Kind::Io | Kind::IoLimit => false,
        Kind::Parallel if limit.efficiency < GOOD => true,
        _ => limit.most > cores && limit.cores_used >= FULL * cores as f64,
    }
}

/// What makes all of this less certain.
fn doubts(study: &Study) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(row) =
        study.rows.iter().filter(|row| spread(row) > NOISY).max_by(|a, b| spread(a).total_cmp(&spread(b)))
    {
        said.push(format!(
            "the runs with {} differ by {}: a quieter machine, longer runs or more of them (--runs) would tell more",
            workers_of(row.n),
            percent(spread(row))
        ));
    }
    let counts = study.rows.len();
    match &study.fit {
        Err(_) if counts == 1 => said.push("one number of workers shows no growth: try at least two, better 1,2,4,8".into()),
        Err(_) => said.push(format!(
            "a law takes three numbers of workers or more, and this is {counts}: then contention and coherency are \
             told apart; six or more, up to where throughput falls, prove a peak"
        )),
        Ok(fit) if counts < COUNTS && !matches!(fit.reason, Reason::FewCounts { .. }) => {
            said.push(format!("{counts} numbers of workers prove little: measure with {COUNTS} or more"));
        }
        Ok(_) => {}
    }
    said.extend(machine_doubts(study));
    said
}

fn spread(row: &Row) -> f64 {
    (row.high - row.low) / row.x
}

fn machine_doubts(study: &Study) -> Vec<String> {
    let Some(sweep) = &study.sweep else { return vec![] };
    let mut said = Vec::new();
    let costs = || study.rows.iter().filter_map(|row| row.cost);
    let beyond: Vec<_> = sweep.asked.iter().filter(|n| **n > sweep.cores).map(u64::to_string).collect();
    let waits = study.limit.is_some_and(|limit| matches!(limit.kind, Kind::Io | Kind::IoLimit));
    if !beyond.is_empty() && !waits {
        said.push(format!(
            "n = {} {} beyond the {} processors here: what workers that compute do there is the processors' doing",
            beyond.join(", "),
            if beyond.len() == 1 { "is" } else { "are" },
            sweep.cores
        ));
    }
    let others = costs().map(|cost| cost.others).fold(0.0, f64::max);
    let is_said = study.limit.is_some_and(|limit| limit.kind == Kind::Unknown);
    if others > OTHERS && !is_said {
        said.push(format!(
            "others used up to {} of {} processors meanwhile: measure on a quiet machine",
            tenths(others),
            sweep.cores
        ));
    }
    let shortest = costs().map(|cost| cost.wall_s).fold(f64::INFINITY, f64::min);
    if shortest < SHORT_S {
        said.push(format!(
            "the shortest runs take {}, much of which is starting up: give each more to do",
            crate::figures::time(shortest)
        ));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::ladder::{Cost, Rung, Sample};
    use crate::scale::published::SPEC_SDM91;
    use crate::scale::study::Sweep;
    use divvy_model::fit::Point;

    fn said(points: &[(f64, f64)]) -> String {
        let points = points.iter().map(|(n, x)| Point::new(*n, *x)).collect();
        Study::of_points("test".into(), points, 1).unwrap().advice.join("\n")
    }

    #[test]
    fn a_fall_is_a_loss_and_a_flat_end_buys_nothing() {
        let falls = said(&[
            (1.0, 10.0),
            (2.0, 19.2),
            (4.0, 35.1),
            (8.0, 59.0),
            (16.0, 88.0),
            (32.0, 103.0),
            (64.0, 99.0),
            (128.0, 71.0),
        ]);
        assert!(
            falls.contains("you lose") && falls.contains("buys nothing") && falls.contains("coherency"),
            "{falls}"
        );
        let flat = said(&[(1.0, 10.0), (2.0, 20.1), (4.0, 39.8), (8.0, 50.0), (16.0, 50.1), (32.0, 49.8)]);
        assert!(!flat.contains("you lose") && flat.contains("one bottleneck that is full"), "{flat}");
        assert!(flat.contains("of what you pay beyond"), "{flat}");
        let linear =
            said(&[(1.0, 10.0), (2.0, 20.1), (4.0, 39.8), (8.0, 80.1), (16.0, 160.0), (32.0, 319.0)]);
        assert_eq!(linear, "");
    }

    /// Two runs with each number, and none of them in want of a processor.
    fn said_of_runs(rates: [[f64; 2]; 2]) -> String {
        let cost = Cost { user_s: 1.0, sys_s: 0.0, voluntary: 2, involuntary: 2 };
        let sample = |rate: f64| Sample { rate, work: 1.0, wall_s: 1.0 / rate, cost, others: None };
        let rung = |n: u64, rates: [f64; 2]| Rung { samples: rates.map(sample).to_vec(), ..Rung::new(n) };
        study_of(vec![rung(1, rates[0]), rung(2, rates[1])]).advice.join("\n")
    }

    /// Of these runs, on two processors.
    fn study_of(rungs: Vec<Rung>) -> Study {
        let sweep = Sweep {
            command: "test".into(),
            assumption: "",
            cores: 2,
            seed: 1,
            interrupted: false,
            asked: rungs.iter().map(|rung| rung.n).collect(),
            rungs,
        };
        Study::of_sweep(sweep, "", 1)
    }

    #[test]
    fn what_nothing_limits_is_not_called_a_waste() {
        let said = said_of_runs([[1.0, 1.0], [1.0, 1.8]]);
        assert!(
            said.contains("nothing limits the best runs up to 2 workers: they are 90 % efficient"),
            "{said}"
        );
        assert!(said.contains("in the middle are 70 %") && !said.contains("buys nothing"), "{said}");
        let limited = said_of_runs([[1.0, 1.0], [1.1, 1.2]]);
        assert!(limited.contains("buys nothing") && !limited.contains("nothing limits"), "{limited}");
    }

    #[test]
    fn a_roof_is_about_so_high_and_a_peak_is_what_is_said_of_one() {
        let flat = said(&[(1.0, 10.0), (2.0, 20.1), (4.0, 39.8), (8.0, 50.0), (16.0, 50.6), (32.0, 49.4)]);
        assert!(flat.contains("full: about 50") && flat.contains("95 % confidence"), "{flat}");
        assert!(!flat.contains("never more"), "{flat}");
        // alpha and beta are 2 %: contention alone would have a roof of 50.
        let exact = [(1.0, 1.0), (2.0, 1.8868), (4.0, 3.0769), (6.0, 3.5294), (8.0, 3.5398), (10.0, 3.3557)];
        let exact = said(&exact);
        assert!(
            exact.contains("the most is 3.571 times one worker") && !exact.contains("50 times"),
            "{exact}"
        );
    }

    #[test]
    fn nothing_is_concluded_from_a_law_that_does_not_fit() {
        let wild = [
            (1.0, 100.0),
            (2.0, 190.0),
            (4.0, 360.0),
            (8.0, 650.0),
            (16.0, 900.0),
            (32.0, 300.0),
            (64.0, 60.0),
        ];
        let wild = said(&wild);
        assert!(!wild.contains("bottleneck") && !wild.contains("contention"), "{wild}");
    }

    #[test]
    fn more_than_n_times_one_worker_is_wondered_at() {
        let said = said(&[(1.0, 10.0), (2.0, 30.0), (4.0, 90.0), (8.0, 270.0)]);
        assert!(said.contains("8 workers do 27 times as much as one, an efficiency of 338 %"), "{said}");
        assert!(!said.contains("buys nothing"), "{said}");
    }

    #[test]
    fn noise_around_a_plateau_is_no_loss() {
        let points = [(1.0, 1.02), (2.0, 1.9), (4.0, 4.4), (8.0, 8.6), (16.0, 7.2), (32.0, 8.9), (64.0, 7.1)];
        let said = said(&points);
        assert!(!said.contains("you lose"), "{said}");
    }

    /// Workers beyond the two processors do little more: no lock is to be looked for.
    #[test]
    fn what_processors_explain_is_not_called_contention() {
        let cost = Cost { user_s: 1.0, sys_s: 0.0, voluntary: 2, involuntary: 2 };
        let sample = |rate: f64| Sample { rate, work: 1.0, wall_s: 1.0 / rate, cost, others: None };
        let rung = |(n, rate): (u64, f64)| Rung {
            samples: [rate, 1.01 * rate].map(sample).to_vec(),
            ..Rung::new(n)
        };
        let rates = [(1, 1.0), (2, 1.333), (4, 1.6), (8, 1.778), (16, 1.882)];
        let mut study = study_of(rates.map(rung).to_vec());
        let said = study.advice.join("\n");
        assert!(said.contains("processors: 1.9 of 2") && !said.contains("contention"), "{said}");
        // A law that is told of no limit takes it for contention.
        study.limit = None;
        assert!(coefficients(&study).join("").contains("contention 50 %"), "{:?}", coefficients(&study));
    }

    #[test]
    fn a_single_low_run_is_no_loss() {
        assert!(!said(&SPEC_SDM91).contains("you lose"));
    }
}
