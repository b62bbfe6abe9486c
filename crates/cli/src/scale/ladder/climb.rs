//! The whole ladder: set-up, warm-up, rounds in mixed order, and an end that may come early.

use super::measure::{self, Outcome, Ran};
use super::order;
use super::others::Busy;
use super::rate::Rate;
use super::rung::{Failure, Rung, Sample};
use super::stop::Stop;
use super::subject::{Subject, has, helper};
use crate::args::{Output, ScaleRunArgs};
use crate::exit::bad_usage;
use crate::lang::arithmetic::UNKNOWN;
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::Duration;

/// What others do is counted in ticks of a hundredth of a second: in shorter runs nothing is seen of it.
const OTHERS_SEEN: Duration = Duration::from_millis(200);

/// What is to be done.
pub struct Climb<'a> {
    pub args: &'a ScaleRunArgs,
    pub subject: &'a Subject,
    pub rate: &'a Rate,
    pub stop: &'a Stop,
    pub workers: &'a [u64],
    pub cores: u64,
}

/// What came of it.
pub struct Climbed {
    /// By number of workers.
    pub rungs: Vec<Rung>,
    /// Somebody stopped it.
    pub interrupted: bool,
    /// Whether what was set up was taken down. What was measured is worth telling either way.
    pub cleaned: Result<()>,
}

impl Climb<'_> {
    /// Runs it all.
    ///
    /// # Errors
    /// A `--setup` that fails, or a system that does not tell.
    pub fn climb(&self, output: Output) -> Result<Climbed> {
        let mut rungs: BTreeMap<u64, Rung> = self.workers.iter().map(|n| (*n, Rung::new(*n))).collect();
        let went =
            self.around("--setup", self.args.setup.as_ref()).and_then(|()| self.rounds(&mut rungs, output));
        // Also after a failure: what was set up is to be taken down.
        let cleaned = self.around("--cleanup", self.args.cleanup.as_ref());
        went?;
        Ok(Climbed { rungs: rungs.into_values().collect(), interrupted: self.stop.asked() > 0, cleaned })
    }

    fn rounds(&self, rungs: &mut BTreeMap<u64, Rung>, output: Output) -> Result<()> {
        let rounds = self.args.warmup + self.args.runs;
        let bar = bar(output, u64::from(rounds) * self.workers.len() as u64);
        for (round, order) in order::rounds(self.workers, rounds, self.args.seed).into_iter().enumerate() {
            let is_warmup = round < self.args.warmup as usize;
            for n in order {
                if self.stop.asked() > 0 {
                    return Ok(());
                }
                bar.set_message(format!("{n} workers{}", if is_warmup { ", warming up" } else { "" }));
                let rung = rungs.get_mut(&n).expect("a rung for each number");
                if rung.failure.is_none() {
                    self.run(rung, is_warmup)?;
                }
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// One run and what stands around it. What fails there is that number's failure: the others are still told.
    fn run(&self, rung: &mut Rung, is_warmup: bool) -> Result<()> {
        let n = rung.n;
        if let Err(error) = self.help("--prepare", self.args.prepare.as_ref(), Some(n)) {
            rung.failure = Some(Failure::around(&error));
            return Ok(());
        }
        if self.stop.asked() > 0 {
            return Ok(());
        }
        let busy = Busy::now(self.cores);
        let outcome = measure::measure(&mut self.subject.command(n)?, self.rate.wants_stdout(), self.stop)?;
        let others = |ran: &Ran| {
            let seen = ran.wall >= OTHERS_SEEN;
            busy.filter(|_| seen).zip(Busy::now(self.cores)).map(|(a, b)| a.others(b, ran.cost.cpu_s()))
        };
        match outcome {
            Outcome::Stopped => return Ok(()),
            Outcome::NotStarted(why) => rung.failure = Some(Failure { why, stderr: String::new() }),
            Outcome::Ran(ran) => match self.sample(&ran, n, others(&ran)) {
                Err(failure) => rung.failure = Some(failure),
                Ok(sample) if !is_warmup => rung.samples.push(sample),
                Ok(_) => {}
            },
        }
        if let Err(error) = self.help("--conclude", self.args.conclude.as_ref(), Some(n)) {
            // What the program itself did wrong came first.
            rung.failure.get_or_insert(Failure::around(&error));
        }
        Ok(())
    }

    fn sample(&self, ran: &Ran, n: u64, others: Option<f64>) -> Result<Sample, Failure> {
        if !ran.status.success() && !self.args.ignore_failure {
            return Err(Failure::ended(ran));
        }
        let (rate, work) = self.rate.of(ran, n).map_err(|why| Failure::silent(ran, why))?;
        Ok(Sample { rate, work, wall_s: ran.wall.as_secs_f64(), cost: ran.cost, others })
    }

    /// A command around all runs: once, or once for each number if it mentions it.
    fn around(&self, flag: &str, command: Option<&OsString>) -> Result<()> {
        match command {
            Some(text) if has(text, UNKNOWN) => {
                self.workers.iter().try_for_each(|n| self.help(flag, command, Some(*n)))
            }
            _ => self.help(flag, command, None),
        }
    }

    fn help(&self, flag: &str, command: Option<&OsString>, n: Option<u64>) -> Result<()> {
        let Some(text) = command else { return Ok(()) };
        let ran = helper(text, n).stdin(std::process::Stdio::null()).output();
        let ran = ran.with_context(|| format!("cannot start a shell for {flag}"))?;
        // Ctrl-C at the terminal ends it as well.
        if ran.status.success() || self.stop.asked() > 0 {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ran.stderr);
        let last = said.lines().last().map(|line| format!(": {line}")).unwrap_or_default();
        let with = n.map(|n| format!(" with {n} workers")).unwrap_or_default();
        Err(bad_usage(format!("the command of {flag} failed{with} ({}){last}", ran.status)))
    }
}

fn bar(output: Output, runs: u64) -> ProgressBar {
    if output != Output::Human || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(runs), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("run {pos} of {len}, {msg}, {eta} left");
    bar.set_style(style.expect("a constant template"));
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
