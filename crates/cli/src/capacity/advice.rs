//! What the oracle says, in words and as JSON.

use crate::figures::{grouped, workers_of};
use crate::table::Table;
use divvy_core::JobId;
use divvy_model::capacity::{Limit, Oracle, Peak, Prediction, Silence};
use serde_json::{Value, json};

/// How many times the workers there are is told of.
const TIMES: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// What is known of a job's capacity.
pub(super) struct Advice {
    pub(super) job: JobId,
    /// It is being worked on.
    pub(super) runs: bool,
    /// The workers it has, or had at the most.
    pub(super) now: f64,
    pub(super) oracle: Result<Oracle, Silence>,
}

impl Advice {
    pub(super) fn text(&self) -> String {
        let oracle = match &self.oracle {
            Ok(oracle) => oracle,
            Err(silence) => return format!("job {}: nothing can be said yet: {silence}\n", self.job),
        };
        let mut out = format!("job {}: {}", self.job, self.headline(oracle));
        let mut table = Table::new(&["workers", "tasks/s", "95 % of what is known", "limit"]).words(&[2, 3]);
        for workers in TIMES.map(|times| self.now * times) {
            table.line(cells(workers, oracle.at(workers)));
        }
        out += &format!("\n\n{}", table.text());
        out += "\nIf tasks do not wait for each other in a way that has not shown yet (docs/capacity.md).\n";
        out
    }

    /// "about 5 400 tasks/s at 64 workers, where it peaks (60-71); you run 40; the limit is ..."
    fn headline(&self, oracle: &Oracle) -> String {
        let you = if self.runs { "you run" } else { "it ran with up to" };
        if let Some(Peak { at, low, high }) = oracle.peak() {
            let (rate, workers, now) = (rounded(at.rate), at.workers, self.now);
            return format!(
                "about {rate} tasks/s at {workers:.0} workers, where it peaks ({low:.0}-{high:.0}); {you} {now:.0}; {}{}",
                limit(oracle, &at, true),
                doubled(oracle, &at)
            );
        }
        let you = format!("{you} {}", workers_of(self.now.round()));
        let Some(far) = TIMES.iter().rev().find_map(|times| oracle.at(self.now * times).ok()) else {
            return format!("{you}, and what others would get done cannot be told");
        };
        let (rate, workers) = (rounded(far.rate), far.workers);
        if workers <= self.now {
            let why = oracle.at(TIMES[1] * self.now).err().map(|silence| silence.to_string());
            let why = why.unwrap_or_default();
            return format!("{you}, about {rate} tasks/s; of more nothing can be told: {why}");
        }
        let how = if far.limit == Limit::Workers { "still rises" } else { "levels off" };
        format!(
            "{you}; throughput {how} towards {rate} tasks/s at {workers:.0}, the most that can be spoken of; {}{}",
            limit(oracle, &far, false),
            doubled(oracle, &far)
        )
    }

    pub(super) fn json(&self) -> Value {
        let said = |said: Prediction| {
            json!({
                "workers": said.workers.round(),
                "tasks_per_second": said.rate,
                "low": said.low,
                "high": said.high,
                "limit": name(said.limit),
                "reason": null,
            })
        };
        let unknown = |workers: f64, silence: &Silence| {
            json!({
                "workers": workers.round(),
                "tasks_per_second": null,
                "low": null,
                "high": null,
                "limit": null,
                "reason": silence.to_string(),
            })
        };
        let at = |oracle: &Oracle, workers: f64| match oracle.at(workers) {
            Ok(known) => said(known),
            Err(silence) => unknown(workers, &silence),
        };
        let peak = |oracle: &Oracle| {
            let peak = oracle.peak();
            peak.map(|peak| json!({ "at": said(peak.at), "low": peak.low, "high": peak.high }))
        };
        let oracle = self.oracle.as_ref();
        json!({
            "job": self.job.0,
            "running": self.runs,
            "workers": self.now,
            "reason": oracle.err().map(Silence::to_string),
            "at": oracle.map(|oracle| TIMES.map(|times| at(oracle, self.now * times))).ok(),
            "peak": oracle.ok().and_then(peak),
            "peak_with_doubled_leases": oracle.ok().and_then(|oracle| peak(&oracle.with_lease(2.0))),
            "seconds_per_round_trip_and_worker": oracle.ok().and_then(Oracle::growth),
        })
    }
}

fn cells(workers: f64, said: Result<Prediction, Silence>) -> Vec<String> {
    let workers = format!("{workers:.0}");
    match said {
        Ok(Prediction { rate, low, high, limit, .. }) => {
            let range = format!("{} - {}", rounded(low), rounded(high));
            vec![workers, rounded(rate), range, name(limit).into()]
        }
        Err(silence) => vec![workers, "unknown".into(), String::new(), silence.to_string()],
    }
}

fn name(limit: Limit) -> &'static str {
    match limit {
        Limit::Workers => "workers",
        Limit::Cores => "cores",
        Limit::Store => "store",
    }
}

/// What limits. At a peak that is what makes it, although the workers may still limit on the way there.
fn limit(oracle: &Oracle, at: &Prediction, has_peak: bool) -> String {
    const WORKERS: &str = "so far the workers are the limit: more of them get more done";
    match (at.limit, oracle.growth().map(|growth| format!("{:.1} us", growth * 1e6))) {
        (Limit::Workers, None) => WORKERS.into(),
        (Limit::Workers, Some(growth)) if !has_peak => {
            format!("{WORKERS}; but each makes a round trip to the store {growth} longer")
        }
        (Limit::Cores, _) => "the limit is the cores".into(),
        (_, Some(growth)) => {
            format!("the limit is the round trip to the store, {growth} more for each worker")
        }
        (Limit::Store, None) => "the limit is the round trip to the store".into(),
    }
}

/// What leases of twice the size would change, if anything.
fn doubled(oracle: &Oracle, at: &Prediction) -> String {
    let larger = oracle.with_lease(2.0);
    let moved = match larger.peak() {
        Some(peak) => Some(peak.at),
        None => larger.at(at.workers).ok(),
    };
    match moved.filter(|moved| moved.rate > at.rate * 1.02) {
        Some(moved) => format!(
            "; doubling the lease size moves it to {} tasks/s at {:.0}",
            rounded(moved.rate),
            moved.workers
        ),
        None => String::new(),
    }
}

/// Three digits, in groups: what is more would be pretence.
fn rounded(rate: f64) -> String {
    if rate < 100.0 {
        return format!("{rate:.1}");
    }
    let unit = 10f64.powf((rate.log10().floor() - 2.0).max(0.0));
    grouped(((rate / unit).round() * unit) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_model::capacity::{Level, Moments, Seen};

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(
            [0.51, 99.0, 101.0, 5_417.0, 1_234_567.0].map(rounded),
            ["0.5", "99.0", "101", "5 420", "1 230 000"]
        );
    }

    fn advice(each: f64) -> Advice {
        advice_with(500e-6, each)
    }

    /// Of round trips that hold the store for so long, and so much longer for each worker.
    fn advice_with(base: f64, each: f64) -> Advice {
        Advice { job: JobId(3), runs: true, now: 6.0, oracle: Oracle::of(&seen_at(base, each)) }
    }

    fn seen_at(base: f64, each: f64) -> Seen {
        let level = |n: f64| {
            let hold = base + each * n;
            let none = Moments { count: 5_000.0, ..Moments::default() };
            Level {
                workers: n,
                trips: 5_000.0,
                tasks: 1.0,
                own: 10e-3,
                work: Moments { count: 5_000.0, mean: hold, variance: (0.1 * hold).powi(2) },
                commit: none,
                work_beyond: none,
                commit_beyond: none,
                group: 1.0,
                retries: 0.0,
                task: Moments { count: 5_000.0, mean: 10e-3, variance: 0.0 },
                cpu: 1e-5,
                busy: 0.0,
            }
        };
        let levels = (1..=6).map(|n| level(f64::from(n))).collect();
        Seen { levels, node: 1.0, cores: 2.0, lease_max: Some(1.0), untold: 0.0 }
    }

    #[test]
    fn a_peak_is_told_with_its_reason_and_what_would_move_it() {
        let text = advice(20e-6).text();
        let head = text.lines().next().unwrap();
        assert!(
            head.starts_with("job 3: about 1 240 tasks/s at 14 workers") && head.contains("where it peaks ("),
            "{head}"
        );
        assert!(
            head.contains(
                "you run 6; the limit is the round trip to the store, 20.0 us more for each worker"
            ),
            "{head}"
        );
        assert!(head.contains("doubling the lease size moves it to 2 020 tasks/s at 23"), "{head}");
        assert!(advice(20e-6).json()["peak"]["at"]["limit"].is_string());
        let table: Vec<_> = text.lines().skip(2).take(5).collect();
        assert_eq!(table[0], "  workers  tasks/s  95 % of what is known  limit");
        let limits: Vec<_> = table.iter().map(|line| &line[table[0].find("limit").unwrap()..]).collect();
        assert_eq!(limits, ["limit", "workers", "workers", "store", "store"], "{text}");
    }

    #[test]
    fn without_one_it_says_where_throughput_goes() {
        let text = advice(0.0).text();
        assert!(text.contains("levels off towards 2 000 tasks/s at 48"), "{text}");
        assert!(advice(0.0).json()["peak"].is_null());
    }

    #[test]
    fn a_growth_that_does_not_limit_yet_is_a_warning() {
        let advice = advice_with(10e-6, 1e-6);
        let text = advice.text();
        let head = text.lines().next().unwrap();
        assert!(head.contains("so far the workers are the limit"), "{head}");
        assert!(head.contains("but each makes a round trip to the store 1.0 us longer"), "{head}");
        assert!(advice.json()["at"].as_array().unwrap().iter().all(|at| at["limit"] != "store"), "{text}");
    }

    #[test]
    fn of_workers_that_were_always_as_many_nothing_more_is_told() {
        let mut one = seen_at(500e-6, 0.0);
        one.levels.truncate(1);
        let advice = Advice { now: 1.0, oracle: Oracle::of(&one), ..advice(0.0) };
        let text = advice.text();
        let head = text.lines().next().unwrap();
        assert!(
            head.starts_with("job 3: you run 1 worker, about 100.0 tasks/s; of more nothing can be told: "),
            "{head}"
        );
        assert!(head.contains("and it was always 1"), "{head}");
    }

    #[test]
    fn what_is_unknown_is_null_and_has_a_reason() {
        let far = Advice { now: 60.0, ..advice(0.0) };
        let text = far.text();
        assert!(text.lines().any(|line| line.starts_with("      480  unknown  ")), "{text}");
        let json = far.json();
        let last = &json["at"][3];
        assert!(last["tasks_per_second"].is_null() && last["limit"].is_null(), "{json:#}");
        assert!(last["reason"].is_string() && last.get("low").is_some(), "{json:#}");
    }

    #[test]
    fn silence_has_a_reason() {
        let silent = Advice { oracle: Err(Silence::NothingSeen), ..advice(0.0) };
        assert_eq!(silent.text(), format!("job 3: nothing can be said yet: {}\n", Silence::NothingSeen));
        let json = silent.json();
        assert_eq!(json["reason"], Silence::NothingSeen.to_string());
        assert!(json["at"].is_null() && json["peak"].is_null());
    }
}
