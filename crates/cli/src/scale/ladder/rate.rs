//! How a run's throughput is known: its time alone, its time and what it did, or its own words.

use super::measure::Ran;
use crate::args::ScaleRunArgs;
use crate::exit::bad_usage;
use crate::lang::arithmetic::Formula;
use anyhow::Result;
use regex::bytes::Regex;
use std::os::unix::ffi::OsStrExt;

/// Where throughput comes from.
#[derive(Debug)]
pub enum Rate {
    /// Every run does the same: one run.
    Fixed,
    /// A run does so much.
    Work(Formula),
    /// The program says it.
    Printed(Regex),
}

impl Rate {
    /// By the arguments, tried on all numbers of workers.
    ///
    /// # Errors
    /// Bad usage.
    pub fn new(args: &ScaleRunArgs, workers: &[u64]) -> Result<Rate> {
        if let Some(text) = &args.work {
            let formula =
                Formula::parse(text.as_bytes()).map_err(|error| bad_usage(format!("--work: {error}")))?;
            if let Some(n) = workers.iter().find(|n| !is_positive(formula.at(**n as f64))) {
                let value = formula.at(*n as f64);
                return Err(bad_usage(format!(
                    "--work: for {n} workers that is {value}, and has to be a number above zero"
                )));
            }
            return Ok(Rate::Work(formula));
        }
        let Some(pattern) = &args.rate_regex else { return Ok(Rate::Fixed) };
        let regex = Regex::new(pattern).map_err(|error| bad_usage(format!("--rate-regex: {error}")))?;
        if regex.captures_len() < 2 {
            return Err(bad_usage(
                "--rate-regex has no group: put the number between parentheses, as in 'rate: ([0-9.]+)'",
            ));
        }
        Ok(Rate::Printed(regex))
    }

    /// Whether the program's output is looked at.
    pub fn wants_stdout(&self) -> bool {
        matches!(self, Rate::Printed(_))
    }

    /// What throughput is counted in.
    pub fn unit(&self) -> &'static str {
        match self {
            Rate::Fixed => "runs/s",
            Rate::Work(_) => "/s",
            Rate::Printed(_) => "",
        }
    }

    /// A sentence on what is taken for granted.
    pub fn assumption(&self) -> &'static str {
        match self {
            Rate::Fixed => {
                "every run is taken to do the same work, whatever n is (else say how much: --work '{n}*1000')"
            }
            Rate::Work(_) => "throughput is --work divided by the time of a run",
            Rate::Printed(_) => "throughput is what the program prints",
        }
    }

    /// Throughput of a run, and how much it did.
    ///
    /// # Errors
    /// Why it cannot be known.
    pub fn of(&self, ran: &Ran, n: u64) -> Result<(f64, f64), String> {
        let wall_s = ran.wall.as_secs_f64();
        match self {
            Rate::Fixed => Ok((1.0 / wall_s, 1.0)),
            Rate::Work(formula) => {
                let work = formula.at(n as f64);
                Ok((work / wall_s, work))
            }
            Rate::Printed(regex) => {
                let group = regex.captures(&ran.stdout).and_then(|found| found.get(1));
                let group = group.ok_or("--rate-regex matches nothing that it prints")?;
                let rate = number(group.as_bytes()).ok_or_else(|| {
                    format!(
                        "--rate-regex finds {}, which is no number above zero",
                        crate::lang::Shown(group.as_bytes())
                    )
                })?;
                Ok((rate, rate * wall_s))
            }
        }
    }
}

fn is_positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// A number as programs print them: `12_345.6` and `12,345.6` as well.
fn number(text: &[u8]) -> Option<f64> {
    let text: String =
        std::str::from_utf8(text).ok()?.trim().chars().filter(|c| !matches!(c, ',' | '_')).collect();
    text.parse().ok().filter(|value| is_positive(*value))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_as_programs_print_them() {
        assert_eq!(number(b" 12,345.5 "), Some(12_345.5));
        assert_eq!(number(b"1e3"), Some(1_000.0));
        assert_eq!([number(b"0"), number(b"-1"), number(b"fast"), number(b"inf")], [None; 4]);
    }
}
