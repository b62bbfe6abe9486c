//! `divvy scale`: measuring how a program scales, and the arithmetic of dividing work.
//!
//! clap makes a new line of every `{n}`. A word joiner (U+2060) in it keeps it, and is taken out again where help is
//! printed: [`super::without_joiners`].

use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// How throughput grows with workers.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  \
                  divvy scale run -- ./bench --threads {\u{2060}n}             how does this program scale?\n  \
                  divvy scale fit measured.csv --png law.png           the same of what was measured elsewhere\n  \
                  divvy scale queue --arrival 1000/s --service 100ms   how many servers, how long a wait?\n  \
                  divvy scale batch --setup 5ms --item 1ms             how many tasks to take at once?\n  \
                  divvy scale costs --task 1ms                         what does coordinating cost here?\n\n\
                  UNITS:\n  \
                  TIME   20us, 100ms, 1.5s, 2m, 1h30m, 1d; a bare number is seconds\n  \
                  RATE   1000/s, 90/m, 5e6/h, 10/d; a bare number is per second\n  \
                  LIST   1,2,4 or 1-16 or 1-64:9 (from 1 to 64 by 9)\n  \
                  SHARE  between 0 and 1: 0.02 is 2 %\n\n\
                  docs/scale.md shows what each of them answers and how to read it.")]
pub struct ScaleArgs {
    /// What to find out.
    #[command(subcommand)]
    pub what: ScaleWhat,
}

/// What to find out.
#[derive(Debug, Subcommand)]
pub enum ScaleWhat {
    /// Run a program with 1, 2, 4, ... workers, and say how it scales and what limits it
    #[command(after_help = "EXAMPLES:\n  divvy scale run -- ./bench --threads {\u{2060}n}\n  \
                      divvy scale run --workers 1,2,4,8 --runs 5 --warmup 1 -- ./bench --threads {\u{2060}n}\n  \
                      divvy scale run --shell --work '{\u{2060}n}*1000' 'OMP_NUM_THREADS={\u{2060}n} ./sim --steps {\u{2060}n}000'\n  \
                      divvy scale run --rate-regex 'rate: ([0-9.]+)' --png scaling.png -- ./load -c {\u{2060}n}\n\n\
                      Every run is taken to do the same work, whatever the number of workers is: throughput is runs\n\
                      per second. --work says how much else it does, --rate-regex where the program says so itself.\n\
                      Give a run a second or more to do: starting and ending count. The order of the runs is mixed.\n\n\
                      EXIT CODES:\n  0 all were measured; 1-100 that many numbers of workers failed and are left out;\n  \
                      125 bad usage, or none succeeded; 130 interrupted: what was measured until then is told")]
    Run(Box<ScaleRunArgs>),
    /// Fit the laws to throughputs that were measured elsewhere
    #[command(after_help = "EXAMPLES:\n  divvy scale fit measured.csv\n  \
                      printf '1 98\\n2 190\\n4 340\\n8 540\\n' | divvy scale fit -\n  \
                      divvy scale fit measured.csv --machine small=1x@0.05 --machine big=10x@0.6 --power 1000\n  \
                      divvy scale fit measured.csv --output json | jq 'if .peak_n then .peak_n else .reason end'\n\n\
                      The file has a header with columns `n` and `x` (any others are passed over), or two bare\n\
                      columns: workers, and throughput in any unit. Commas, tabs, semicolons or spaces; # begins a\n\
                      comment. Repeats are several lines. Three numbers of workers make a law, six may prove a peak.")]
    Fit(ScaleFitArgs),
    /// Queues: how long tasks wait, and how many servers that takes
    Queue(QueueArgs),
    /// How many tasks to take at once, and what it costs to be off
    Batch(BatchArgs),
    /// Amdahl's and Gustafson's laws as a table
    Amdahl(AmdahlArgs),
    /// The universal scalability law as a table
    Usl(UslArgs),
    /// How many pairs N workers make
    Paths(PathsArgs),
    /// Measure what coordinating costs on this machine: locks, queues, fsync, round trips, processes
    Costs(CostsArgs),
    /// Find the bursts in a log of arrivals, and what jitter would do to them
    Herd(HerdArgs),
}

/// What is drawn and written beside the answer.
#[derive(Debug, Clone, Default, Args)]
pub struct DrawArgs {
    /// Draw the chart as an SVG file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Draw the chart as a PNG file
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Write what was measured as CSV, a line for each run; `divvy scale fit` reads it
    #[arg(long, value_name = "FILE")]
    pub export_csv: Option<PathBuf>,
    /// Write the table as Markdown
    #[arg(long, value_name = "FILE")]
    pub export_markdown: Option<PathBuf>,
    /// Write what --output json prints
    #[arg(long, value_name = "FILE")]
    pub export_json: Option<PathBuf>,
}

/// What the law is asked.
#[derive(Debug, Clone, Default, Args)]
pub struct AskArgs {
    /// A machine to compare with others under the law: how fast it is beside what was measured, and its price for an
    /// hour or anything else, as in small=1x@0.05
    #[arg(long, value_name = "NAME=SPEEDx@PRICE")]
    pub machine: Vec<String>,
    /// How many of what was measured they are to be worth [default: the most that were measured]
    #[arg(long, value_name = "N", requires = "machine")]
    pub power: Option<f64>,
}

/// Measure how a program scales.
#[derive(Debug, Args)]
pub struct ScaleRunArgs {
    /// How many workers to try, in any order: 1,2,4,8 or 1-16 or 1-64:9 [default: powers of two, to twice the cores]
    #[arg(short = 'j', long = "workers", visible_alias = "jobs", value_name = "LIST")]
    pub workers: Option<OsString>,
    /// How often each number of workers is run; the middle of the runs is what counts
    #[arg(short = 'r', long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub runs: u32,
    /// Runs of each number of workers before them that do not count
    #[arg(short = 'w', long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub warmup: u32,
    #[arg(
        short = 'p',
        long,
        value_name = "CMD",
        help = "A shell command before each run; {\u{2060}n} is replaced in it"
    )]
    pub prepare: Option<OsString>,
    #[arg(
        short = 'C',
        long,
        value_name = "CMD",
        help = "A shell command after each run; {\u{2060}n} is replaced in it"
    )]
    pub conclude: Option<OsString>,
    #[arg(
        short = 's',
        long,
        value_name = "CMD",
        help = "A shell command before all runs; with {\u{2060}n} in it, once for each number of workers"
    )]
    pub setup: Option<OsString>,
    #[arg(
        short = 'c',
        long,
        value_name = "CMD",
        help = "A shell command after all runs, also if some have failed; {\u{2060}n} as for --setup"
    )]
    pub cleanup: Option<OsString>,
    /// Count runs that end with an exit code other than 0 as well
    #[arg(short = 'i', long)]
    pub ignore_failure: bool,
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "rate_regex",
        help = "How much one run does, in any unit: a number, or arithmetic with {\u{2060}n}, as in {\u{2060}n}*1000. \
                Throughput is this by the seconds of a run [default: 1, one run]"
    )]
    pub work: Option<OsString>,
    /// Take the throughput from what the program prints on stdout: the first group of the first match, as in
    /// 'rate: ([0-9.]+)'
    #[arg(long, value_name = "RE")]
    pub rate_regex: Option<String>,
    /// Give the command to sh: for pipes, variables and redirections
    #[arg(long)]
    pub shell: bool,
    /// What the order of the runs and the intervals are drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub draw: DrawArgs,
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND",
        help = "The program, with {\u{2060}n} where it is told how many workers to use; it may also read DIVVY_N"
    )]
    pub command: Vec<OsString>,
}

/// Fit the laws to a file.
#[derive(Debug, Args)]
pub struct ScaleFitArgs {
    /// What the random part of the intervals is drawn from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub ask: AskArgs,
    #[command(flatten)]
    pub draw: DrawArgs,
    /// The measurements, workers and throughput; - is stdin
    pub file: PathBuf,
}

/// A queue and its servers.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  divvy scale queue --arrival 1000/s --service 100ms\n  \
                  divvy scale queue --arrival 1000/s --service 100ms --servers 102\n  \
                  divvy scale queue --arrival 90/m --service 2s --cv 0.5 --target-wait 500ms\n\n\
                  A RATE is per s, m, h or d, a TIME in us, ms, s, m, h or d; bare: per second, seconds.\n\
                  Tasks are taken to arrive independently of each other. With --cv 1 the formula is exact (M/M/c),\n\
                  otherwise an approximation (M/G/c). --output json has all times in seconds.")]
pub struct QueueArgs {
    /// How many tasks come on average: 1000/s, 90/m, 5e6/h
    #[arg(long, value_name = "RATE")]
    pub arrival: OsString,
    /// How long a server takes for one on average: 100ms, 20us, 2s
    #[arg(long, value_name = "TIME")]
    pub service: OsString,
    /// How many servers there are [default: the fewest that reach the target]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub servers: Option<u64>,
    /// The mean wait before service that is wanted: 50ms [default: a tenth of --service]
    #[arg(long, value_name = "TIME")]
    pub target_wait: Option<OsString>,
    /// How much service times vary: standard deviation / mean (0: all alike, 1: exponential)
    #[arg(long, value_name = "CV", default_value_t = 1.0)]
    pub cv: f64,
}

/// Batches of tasks.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  divvy scale batch --setup 5ms --item 1ms\n  \
                  divvy scale batch --setup 5ms --item 1ms --overhead 0.02 --latency 2s\n  \
                  divvy scale batch --setup 200us --item 50us --tasks 1000000 --workers 64\n\n\
                  A TIME is in ns, us, ms, s, m, h or d; a bare number is seconds. `> ` marks the size to take.\n\
                  `divvy scale costs` measures what --setup may be on this machine.")]
pub struct BatchArgs {
    /// What a batch costs, however many are in it: 5ms
    #[arg(long, value_name = "TIME")]
    pub setup: OsString,
    /// How long one task takes: 1ms
    #[arg(long, value_name = "TIME")]
    pub item: OsString,
    /// What a task that is held but not begun costs, in worker-seconds for each second; 0 if it costs nothing
    #[arg(long, value_name = "COST", default_value_t = 0.01)]
    pub holding: f64,
    /// Take at least so many that taking costs no more than this share of the work: 0.02 is 2 % [default: no bound;
    /// 0.02 where --holding is 0]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub overhead: Option<f64>,
    /// The longest that the last task of a batch may wait for those before it: 2s [default: no bound]
    #[arg(long, value_name = "TIME")]
    pub latency: Option<OsString>,
    /// How many tasks there are in all: near their end batches get smaller [default: without end]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub tasks: Option<u64>,
    /// How many workers share them [default: 1]
    #[arg(short = 'j', long, visible_alias = "jobs", value_name = "COUNT", requires = "tasks", value_parser = clap::value_parser!(u64).range(1..))]
    pub workers: Option<u64>,
}

/// The rows of a law's table.
#[derive(Debug, Args)]
pub struct LawRows {
    /// For how many workers: 1,2,4 or 1-64:9
    #[arg(
        short = 'j',
        long = "workers",
        visible_alias = "jobs",
        value_name = "LIST",
        default_value = "1,2,4,8,16,32,64,128,256,512,1024"
    )]
    pub workers: OsString,
}

/// Amdahl's law.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES:\n  divvy scale amdahl --serial 0.05\n  divvy scale amdahl --serial 0.05 --workers 10,100,1000\n\n\
                  `speedup` is of a fixed amount of work (Amdahl), `scaled` of work that grows with the workers\n\
                  (Gustafson), both over one worker."
)]
pub struct AmdahlArgs {
    /// The share of the work that only one worker can do at a time, 0 to 1: 0.05 is 5 %
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub serial: f64,
    #[command(flatten)]
    pub rows: LawRows,
}

/// The universal scalability law.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  divvy scale usl --alpha 0.05 --beta 0.001\n  \
                  divvy scale usl --alpha 0.02 --beta 0.0002 --lambda 1800 --workers 1-64:9\n\n\
                  `divvy scale run` and `fit` find these three numbers for a program or its measurements.")]
pub struct UslArgs {
    /// Contention: what grows with the workers (they wait for one thing), 0 to 1: 0.05
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub alpha: f64,
    /// Coherency: what grows with their pairs (they tell each other), 0 or above: 0.001
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub beta: f64,
    /// What one worker does alone, in any unit: `x` in the table is in it
    #[arg(long, value_name = "THROUGHPUT", default_value_t = 1.0)]
    pub lambda: f64,
    #[command(flatten)]
    pub rows: LawRows,
}

/// Pairs of workers.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  divvy scale paths\n  divvy scale paths --workers 10\n\n\
                  `pairs` is how many there are, `share` their part of pairs and workers together: how much of what\n\
                  there is to do would be telling each other, if that took as long as one's own work.")]
pub struct PathsArgs {
    /// For how many workers: 1,2,4 or 1-64:9
    #[arg(
        short = 'j',
        long = "workers",
        visible_alias = "jobs",
        value_name = "LIST",
        default_value = "1,2,5,10,20,50,100,1000"
    )]
    pub workers: OsString,
}

/// What coordinating costs here.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  divvy scale costs\n  divvy scale costs --task 1ms --overhead 0.05\n\n\
                  It takes some seconds, and measures the disk that jobs are kept on (DIVVY_DIR). It says how\n\
                  long a task has to be to pay each cost by itself; with --task also how many have to share it.")]
pub struct CostsArgs {
    /// How long one task takes, to say what each cost means for it: 1ms
    #[arg(long, value_name = "TIME")]
    pub task: Option<OsString>,
    /// The share of the work that coordinating may cost: 0.02 is 2 %
    #[arg(long, value_name = "SHARE", value_parser = share, default_value_t = 0.02)]
    pub overhead: f64,
}

/// Bursts of arrivals.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES:\n  divvy scale herd access.log\n  divvy scale herd access.log --window 100ms --capacity 200/s\n  \
                  journalctl -u web -o short-iso | divvy scale herd -\n\n\
                  A TIME is in us, ms, s, m, h or d, a RATE per s, m, h or d; bare: seconds, per second.\n\
                  Jitter is full jitter: each arrival is delayed by a random time, evenly from 0 to so much."
)]
pub struct HerdArgs {
    /// The stretch of time over which arrivals are counted
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub window: OsString,
    /// One more span of jitter to try [default: 1 to 300 windows are tried]
    #[arg(long, value_name = "TIME")]
    pub jitter: Option<OsString>,
    /// What can be served, as in 200/s: says how far to spread the largest burst
    #[arg(long, value_name = "RATE")]
    pub capacity: Option<OsString>,
    /// The log: lines with a time (seconds or milliseconds since 1970, ISO 8601, or [10/Oct/2000:13:55:36 +0000]);
    /// - is stdin
    pub log: PathBuf,
}

/// A share as people write one: 0.05 or 5%.
fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim_end(), 100.0));
    let value: f64 = number.parse().map_err(|_| "this is no share: write 0.05 or 5%".to_owned())?;
    Ok(value / unit)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_share_may_be_in_percent() {
        assert_eq!(["0.05", "5%", "5 %"].map(|text| share(text).unwrap()), [0.05; 3]);
        for text in ["", "%", "five", "5%%"] {
            assert!(share(text).unwrap_err().contains("0.05 or 5%"), "{text}");
        }
    }
}
