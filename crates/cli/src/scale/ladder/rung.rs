//! What was measured with one number of workers.

use super::measure::{Cost, Ran};
use divvy_model::median;
use std::process::ExitStatus;

/// A run that counts.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Throughput.
    pub rate: f64,
    /// How much was done, in the throughput's unit times seconds.
    pub work: f64,
    /// How long it took, seconds.
    pub wall_s: f64,
    /// What it took of the machine.
    pub cost: Cost,
    /// Processors that others used meanwhile, if that can be seen.
    pub others: Option<f64>,
}

/// A run that does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// What went wrong: an exit code, a signal, no rate.
    pub why: String,
    /// The last lines of stderr.
    pub stderr: String,
}

impl Failure {
    /// A run that ended badly.
    pub fn ended(ran: &Ran) -> Failure {
        Failure { why: ended(ran.status), stderr: last_lines(&ran.stderr) }
    }

    /// A command before or after a run that failed.
    pub fn around(error: &anyhow::Error) -> Failure {
        Failure { why: format!("{error:#}"), stderr: String::new() }
    }

    /// A run that did not tell what it should.
    pub fn silent(ran: &Ran, why: impl Into<String>) -> Failure {
        Failure { why: why.into(), stderr: last_lines(&ran.stderr) }
    }
}

/// One number of workers.
#[derive(Debug, Clone)]
pub struct Rung {
    /// How many.
    pub n: u64,
    /// Its runs.
    pub samples: Vec<Sample>,
    /// Why there are no more.
    pub failure: Option<Failure>,
}

/// What is typical of a number of workers: each figure is the middle of its runs.
#[derive(Debug, Clone, Copy)]
pub struct Typical {
    /// Workers.
    pub n: u64,
    /// Throughput.
    pub rate: f64,
    /// The same of the best run: what disturbs only makes slower.
    pub rate_best: f64,
    /// How long a run took, seconds.
    pub wall_s: f64,
    /// How much a run did.
    pub work: f64,
    /// Processor time of a run, seconds.
    pub cpu_s: f64,
    /// The system's part of it.
    pub sys_s: f64,
    /// Voluntary context switches of a run.
    pub voluntary: f64,
    /// Involuntary ones.
    pub involuntary: f64,
    /// Processors that others used.
    pub others: f64,
}

impl Rung {
    /// A number of workers that nothing is known of.
    pub fn new(n: u64) -> Rung {
        Rung { n, samples: Vec::new(), failure: None }
    }

    /// What counts: nothing, if one run failed.
    pub fn counted(&self) -> &[Sample] {
        if self.failure.is_some() { &[] } else { &self.samples }
    }

    /// The middles; `None` without runs.
    pub fn typical(&self) -> Option<Typical> {
        let samples = self.counted();
        let middle = |of: fn(&Sample) -> f64| median(samples.iter().map(of));
        (!samples.is_empty()).then(|| Typical {
            n: self.n,
            rate: middle(|s| s.rate),
            rate_best: samples.iter().map(|s| s.rate).fold(0.0, f64::max),
            wall_s: middle(|s| s.wall_s),
            work: middle(|s| s.work),
            cpu_s: middle(|s| s.cost.cpu_s()),
            sys_s: middle(|s| s.cost.sys_s),
            voluntary: middle(|s| s.cost.voluntary as f64),
            involuntary: middle(|s| s.cost.involuntary as f64),
            others: middle(|s| s.others.unwrap_or(0.0)),
        })
    }
}

fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(127), _) => "exit code 127: is there such a program?".into(),
        (Some(code), _) => format!("exit code {code}"),
        (None, signal) => format!("ended by signal {}", signal.unwrap_or(0)),
    }
}

/// As many as help, on lines of their own.
fn last_lines(stderr: &[u8]) -> String {
    const LINES: usize = 3;
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let clean = |line: &&str| line.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
    lines[lines.len().saturating_sub(LINES)..].iter().map(clean).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_clean_and_few() {
        assert_eq!(last_lines(b"one\ntwo\n\nthree\n\x1b[31mfour\n"), "two\nthree\n[31mfour");
        assert_eq!(last_lines(b""), "");
    }
}
