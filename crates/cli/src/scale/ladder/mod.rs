//! `divvy scale run`: a program is run with several numbers of workers, and what that shows is told.
//!
//! | file | idea |
//! |---|---|
//! | `subject.rs` | the program, and how it is told the number |
//! | `order.rs` | who runs when |
//! | `measure.rs`, `tail.rs` | one run: time, processor time, switches, output |
//! | `rate.rs` | throughput from that |
//! | `rung.rs` | all runs with one number of workers |
//! | `others.rs` | what else the machine does meanwhile |
//! | `climb.rs` | all of it, from the first round to the last |
//! | `stop.rs` | Ctrl-C |

mod climb;
mod measure;
mod order;
mod others;
mod rate;
mod rung;
mod stop;
mod subject;
mod tail;

#[cfg(test)]
pub use measure::Cost;
pub use others::Busy;
pub use rung::{Rung, Sample, Typical};

use super::give;
use super::study::{Study, Sweep};
use super::workers::workers;
use crate::args::{Output, ScaleRunArgs};
use crate::exit::{Exit, bad_usage};
use anyhow::Result;
use climb::{Climb, Climbed};
use rate::Rate;
use stop::Stop;
use subject::Subject;

/// Measures, fits and tells.
///
/// # Errors
/// Bad usage; no run succeeded; files that cannot be written; a `--cleanup` that failed, after the study is told.
pub fn run(args: &ScaleRunArgs, output: Output) -> Result<Exit> {
    let cores = std::thread::available_parallelism()?.get() as u64;
    let workers = match &args.workers {
        Some(list) => workers(list)?,
        None => doubling(cores),
    };
    let subject = Subject::new(args)?;
    let rate = Rate::new(args, &workers)?;
    let machines = super::machines::asked(&args.ask)?;
    give::check(&args.draw)?;
    let stop = Stop::on_signals()?;
    let climb = Climb { args, subject: &subject, rate: &rate, stop: &stop, workers: &workers, cores };
    let climbed = climb.climb(output)?;
    if climbed.rungs.iter().all(|rung| rung.counted().is_empty()) {
        return match climbed.interrupted {
            true => Ok(Exit::Interrupted),
            false => Err(bad_usage(nothing(&climbed))),
        };
    }
    let exit = exit(&climbed);
    let sweep = Sweep {
        command: subject.text(),
        assumption: rate.assumption(),
        cores,
        seed: args.seed,
        interrupted: climbed.interrupted,
        asked: workers,
        rungs: climbed.rungs,
    };
    let study = Study::of_sweep(sweep, rate.unit(), args.seed).compare(machines, args.ask.power);
    give::give(&study, &args.draw, output)?;
    climbed.cleaned?;
    Ok(exit)
}

/// 1, 2, 4, ... to twice the cores, where it is seen that more do not help.
fn doubling(cores: u64) -> Vec<u64> {
    (0..).map(|power| 1 << power).take_while(|n| *n < 4 * cores && *n <= 4_096).collect()
}

fn nothing(climbed: &Climbed) -> String {
    let mut said = "no run succeeded, so there is nothing to tell".to_owned();
    // One is enough: they fail alike more often than not.
    if let Some((n, failure)) = climbed.rungs.iter().find_map(|rung| Some((rung.n, rung.failure.as_ref()?))) {
        said += &format!(": with {n} workers {}", failure.why);
        for line in failure.stderr.lines() {
            said += &format!("\n       {line}");
        }
    }
    if let Err(error) = &climbed.cleaned {
        said += &format!("\n       {error:#}");
    }
    said + "\n       run it by hand first; --ignore-failure counts runs that fail"
}

fn exit(climbed: &Climbed) -> Exit {
    let failed = climbed.rungs.iter().filter(|rung| rung.failure.is_some()).count();
    match (climbed.interrupted, failed) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Done,
        (false, failed) => Exit::Failed(failed as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::doubling;

    #[test]
    fn a_ladder_of_ones_own_goes_to_twice_the_cores() {
        assert_eq!(doubling(1), [1, 2]);
        assert_eq!(doubling(2), [1, 2, 4]);
        assert_eq!(doubling(6), [1, 2, 4, 8, 16]);
        assert_eq!(doubling(64).last(), Some(&128));
    }
}
