//! `divvy scale costs`: what coordinating costs on this machine.
//!
//! | file | measures |
//! |---|---|
//! | `memory.rs` | an atomic addition, locks that nobody or everybody wants |
//! | `hops.rs` | there and back to another thread: a channel, a pipe, loopback TCP |
//! | `system.rs` | a synced write, a process |
//!
//! Each is measured in many short stretches, of which the middle counts: one that another program has disturbed is
//! slower, and falls out of it.

mod hops;
mod memory;
mod system;

use super::ladder::Busy;
use super::numbers::{positive, share};
use crate::args::{CostsArgs, Output};
use crate::exit::Exit;
use crate::figures::{number, percent, time};
use crate::home;
use crate::jobs::answer;
use crate::table::Table;
use anyhow::{Context, Result};
use divvy_model::median;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::json;
use std::time::Instant;

/// What one act of coordination costs, seconds.
struct Cost {
    name: &'static str,
    what: &'static str,
    median: f64,
    low: f64,
    high: f64,
}

/// How often something is measured, and how many acts are in one stretch.
#[derive(Clone, Copy)]
struct Stretches {
    count: usize,
    acts: u32,
}

const FORMULA: &str = "a batch of b tasks of S seconds pays K once: overhead K/(b S), so b = K/(overhead S)";
const SOURCE: &str = "the fixed cost of a lot, Harris 1913, where holding costs nothing";

/// Measures all and tells.
///
/// # Errors
/// Bad usage, or what the system says.
pub fn costs(args: &CostsArgs, output: Output) -> Result<Exit> {
    let overhead = share("--overhead", args.overhead)?;
    let task = args.task.as_ref().map(|text| positive("--task", text)).transpose()?;
    let dir = home::dir()?;
    std::fs::create_dir_all(&dir)?;
    let cores = std::thread::available_parallelism()?.get() as u64;
    let (busy, own_s) = (Busy::now(cores), cpu_s()?);
    let contended = memory::lock_shared()?;
    let missing = contended.is_none().then_some(UNMET);
    let others = busy
        .zip(Busy::now(cores))
        .map(|(from, until)| Ok::<_, anyhow::Error>(from.others(until, cpu_s()? - own_s)));
    let others = others.transpose()?.filter(|others| *others >= OTHERS_SEEN);
    let mut costs = vec![memory::atomic(), memory::lock_alone()];
    costs.extend(contended);
    costs.extend([
        hops::channel()?,
        hops::pipe()?,
        hops::loopback()?,
        system::fsync(&dir)?,
        system::process()?,
    ]);
    let as_text = || {
        let notes = [missing.map(String::from), others.map(|others| disturbed(others, cores))];
        let notes: String = notes.into_iter().flatten().map(|note| format!("\n{note}\n")).collect();
        text(&costs, task, overhead) + &notes
    };
    let as_json = || {
        let mut out = as_json(&costs, task, overhead);
        out["missing"] = json!(missing);
        out["others_cores"] = json!(others);
        out
    };
    answer(output, as_text, as_json)?;
    Ok(Exit::Done)
}

/// Fewer processors than these in use by others are not worth a word.
const OTHERS_SEEN: f64 = 0.2;

const UNMET: &str = "lock contended could not be measured: threads that want a lock at once hardly ever ran at once, as on a machine \
                     that others use";

fn disturbed(others: f64, cores: u64) -> String {
    format!(
        "others used {} of {} processors meanwhile: what threads and processes wait for took longer than on a quiet machine",
        number(others),
        number(cores as f64)
    )
}

/// CPU time of this process.
fn cpu_s() -> Result<f64> {
    let usage =
        getrusage(UsageWho::RUSAGE_SELF).context("the system does not tell what this process took")?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

impl Cost {
    /// Of what some stretches took for each act.
    fn new(name: &'static str, what: &'static str, stretches: Vec<f64>) -> Cost {
        let low = stretches.iter().copied().fold(f64::INFINITY, f64::min);
        let high = stretches.iter().copied().fold(0.0, f64::max);
        Cost { name, what, median: median(stretches), low, high }
    }

    /// The shortest task that may pay it each time.
    fn worthwhile(&self, overhead: f64) -> f64 {
        self.median / overhead
    }

    /// How many shorter ones have to share it.
    fn batch(&self, overhead: f64, task: f64) -> f64 {
        (self.worthwhile(overhead) / task).ceil().max(1.0)
    }
}

impl Stretches {
    /// Seconds of an act, in each stretch.
    fn time(self, mut act: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
        // The first one finds everything cold.
        act()?;
        let stretch = |_| {
            let begun = Instant::now();
            for _ in 0..self.acts {
                act()?;
            }
            Ok(begun.elapsed().as_secs_f64() / f64::from(self.acts))
        };
        (0..self.count).map(stretch).collect()
    }
}

fn text(costs: &[Cost], task: Option<f64>, overhead: f64) -> String {
    let share = percent(overhead);
    let pays = format!("is {share} of");
    let mut head = vec!["", "middle", "lowest .. highest", pays.as_str()];
    let batch = task.map(|task| format!("tasks of {} at once", time(task)));
    head.extend(batch.as_deref());
    let mut table = Table::new(&head).words(&[0]);
    for cost in costs {
        let mut cells = vec![
            cost.name.into(),
            time(cost.median),
            format!("{} .. {}", time(cost.low), time(cost.high)),
            time(cost.worthwhile(overhead)),
        ];
        cells.extend(task.map(|task| number(cost.batch(overhead, task))));
        table.line(cells);
    }
    let mut legend = Table::new(&["", ""]).words(&[0, 1]);
    costs.iter().for_each(|cost| legend.line(vec![cost.name.into(), cost.what.into()]));
    format!(
        "what coordinating costs here\n\n{}\n  {FORMULA}\n  ({SOURCE})\n\n{}",
        table.text(),
        legend.text()
    )
}

fn as_json(costs: &[Cost], task: Option<f64>, overhead: f64) -> serde_json::Value {
    let of = |cost: &Cost| {
        let fields = json!({
            "seconds": cost.median,
            "low": cost.low,
            "high": cost.high,
            "task_seconds": cost.worthwhile(overhead),
            "batch": task.map(|task| cost.batch(overhead, task)),
        });
        (cost.name.replace(' ', "_"), fields)
    };
    let costs: serde_json::Map<_, _> = costs.iter().map(of).collect();
    json!({ "costs": costs, "overhead": overhead, "task_seconds": task, "formula": FORMULA, "source": SOURCE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_worth_it_for_tasks_fifty_times_as_long() {
        let cost = Cost::new("fsync", "", vec![3e-3, 1e-3, 2e-3]);
        assert_eq!((cost.median, cost.low, cost.high), (2e-3, 1e-3, 3e-3));
        assert!((cost.worthwhile(0.02) - 0.1).abs() < 1e-12);
        let json = as_json(&[cost], Some(0.004), 0.02);
        assert_eq!(json["costs"]["fsync"]["batch"], 25.0);
    }

    #[test]
    fn every_stretch_is_measured() {
        let mut acts = 0;
        let stretches = Stretches { count: 3, acts: 5 };
        let times = stretches.time(|| {
            acts += 1;
            Ok(())
        });
        assert_eq!((times.unwrap().len(), acts), (3, 16));
    }
}
