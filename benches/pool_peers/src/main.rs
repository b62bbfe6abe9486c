//! The pool beside its peers: one process, the same tasks, in turns.
//!
//! `cargo run --release -p pool_peers -- [-j THREADS] [--rounds 9] [--only TEXT] [--divvy-and TEXT,TEXT] [--json]`
//!
//! Each round runs every contestant once, in an order drawn anew each time, so that nobody always runs behind the same
//! neighbour and whatever else the machine does meets all alike. A case's figure is `best peer / divvy`, of medians; and the same of the rounds themselves, since a
//! slow minute slows both halves of a pair. `x bound` is the time over the lower bound: the same tasks in a plain loop
//! on one thread, divided by the threads.

mod contestants;
mod work;

use contestants::Contestant;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use work::{Job, Pattern};

struct Args {
    threads: usize,
    rounds: usize,
    only: String,
    peers: String,
    json: bool,
}

struct Case {
    name: String,
    job: Job,
}

/// Between runs, so that the threads of whoever ran last have gone to sleep and the next begins with sleeping threads.
const SETTLE: Duration = Duration::from_millis(2);

/// Seconds, one for each round.
struct Times {
    name: &'static str,
    secs: Vec<f64>,
}

impl Times {
    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.secs.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    fn median(&self) -> f64 {
        self.sorted()[self.secs.len() / 2]
    }

    /// What a quarter of the rounds stay below: where the machine is shared, the rounds that were disturbed less.
    fn quartile(&self) -> f64 {
        self.sorted()[self.secs.len() / 4]
    }
}

fn main() -> ExitCode {
    let args = match parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(problem) => {
            eprintln!("pool_peers: {problem}");
            return ExitCode::from(125);
        }
    };
    let mut contestants = contestants::all(args.threads);
    contestants.retain(|c| c.name() == "divvy" || args.peers.split(',').any(|peer| c.name().contains(peer)));
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.name.contains(&args.only)).collect();
    let mut worst: Option<(f64, String)> = None;
    for case in &cases {
        let ratio = report(case, &args, &measure(case, &args, &mut contestants));
        if worst.as_ref().is_none_or(|(least, _)| ratio < *least) {
            worst = Some((ratio, case.name.clone()));
        }
    }
    if let (Some((ratio, name)), false) = (worst, args.json) {
        println!("least best-peer/divvy: {ratio:.3} in {name:?} (goal: at least 0.97)");
    }
    ExitCode::SUCCESS
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut args = Args { threads, rounds: 9, only: String::new(), peers: String::new(), json: false };
    while let Some(word) = words.next() {
        if word == "--json" {
            args.json = true;
            continue;
        }
        let value = words.next().ok_or(format!("{word} is unknown or wants a value"))?;
        let number = || value.parse().ok().filter(|&n| n > 0).ok_or(format!("{word} wants a number above 0"));
        match word.as_str() {
            "-j" => args.threads = number()?,
            "--rounds" => args.rounds = number()?,
            "--only" => args.only = value,
            "--divvy-and" => args.peers = value,
            _ => return Err(format!("unknown argument {word}")),
        }
    }
    Ok(args)
}

fn cases() -> Vec<Case> {
    let per_ns = work::turns_per_ns();
    let turns = |ns: u64| (ns as f64 * per_ns).round() as u64;
    let mut cases = Vec::new();
    for (what, n, pattern) in [
        ("even", 1_000_000, Pattern::Even),
        ("1 % long, scattered", 100_000, Pattern::Scattered),
        ("1 % long, at the end", 100_000, Pattern::AtEnd),
    ] {
        for (short, ns) in [("empty", 0), ("10 ns", 10), ("100 ns", 100), ("1 us", 1_000)] {
            // An empty task takes about a nanosecond, of which a thousand make a long one.
            let job = Job { n, pattern, short: turns(ns), long: turns(1_000 * ns.max(1)) };
            cases.push(Case { name: format!("{n} {what}, {short}"), job });
        }
    }
    cases
}

/// The first entry is the plain loop, then the contestants in order, `divvy` first.
fn measure(case: &Case, args: &Args, contestants: &mut [Box<dyn Contestant>]) -> Vec<Times> {
    let mut all = vec![Times { name: "plain loop", secs: Vec::new() }];
    all.extend(contestants.iter().map(|c| Times { name: c.name(), secs: Vec::new() }));
    // Round 0 warms up caches, allocators and the clock, and is not counted.
    for round in 0..=args.rounds {
        let mut keep = |entry: usize, run: &mut dyn FnMut()| {
            let begun = Instant::now();
            run();
            let secs = begun.elapsed().as_secs_f64();
            if round > 0 {
                all[entry].secs.push(secs);
            }
        };
        keep(0, &mut || (0..case.job.n).for_each(|i| case.job.task(i)));
        for at in work::shuffled(contestants.len(), round as u64) {
            std::thread::sleep(SETTLE);
            keep(at + 1, &mut || contestants[at].run(case.job));
        }
    }
    all
}

/// Prints the case, and returns best peer / divvy.
fn report(case: &Case, args: &Args, all: &[Times]) -> f64 {
    let bound = all[0].sorted()[0] / args.threads as f64;
    let ours = &all[1];
    let peers = all[2..].iter().filter(|times| !times.name.starts_with("divvy"));
    let Some(best) = peers.min_by(|a, b| a.median().total_cmp(&b.median())) else { return f64::INFINITY };
    let ratio = best.median() / ours.median();
    let quartiles = best.quartile() / ours.quartile();
    let rounds = best.secs.iter().zip(&ours.secs).map(|(peer, ours)| peer / ours).collect();
    let paired = Times { name: "paired", secs: rounds };
    if args.json {
        let entries: Vec<String> = all.iter().map(|times| json(times, bound)).collect();
        println!(
            r#"{{"bench":"pool_peers","case":{:?},"threads":{},"rounds":{},"best_peer":{:?},"ratio":{ratio:.4},"ratio_paired":{:.4},"ratio_quartiles":{quartiles:.4},"entries":[{}]}}"#,
            case.name,
            args.threads,
            args.rounds,
            best.name,
            paired.median(),
            entries.join(",")
        );
        return ratio;
    }
    println!("{} on {} threads, {} rounds", case.name, args.threads, args.rounds);
    println!(
        "  {:<20} {:>10} {:>10} {:>10} {:>10} {:>8}",
        "", "median ms", "min", "quartile", "max", "x bound"
    );
    for times in all {
        let (name, sorted, median) = (times.name, times.sorted(), times.median());
        let (min, quartile, max) = (sorted[0] * 1e3, times.quartile() * 1e3, sorted[sorted.len() - 1] * 1e3);
        let (ms, over) = (median * 1e3, median / bound);
        println!("  {name:<20} {ms:>10.3} {min:>10.3} {quartile:>10.3} {max:>10.3} {over:>8.2}");
    }
    println!(
        "  best peer ({}) / divvy: {ratio:.3}; by rounds {:.3}; quartiles {:.3}\n",
        best.name,
        paired.median(),
        quartiles
    );
    ratio
}

fn json(times: &Times, bound: f64) -> String {
    let (sorted, median) = (times.sorted(), times.median());
    let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
    let name = times.name;
    format!(
        r#"{{"name":{name:?},"median_s":{median:.9},"min_s":{min:.9},"quartile_s":{:.9},"max_s":{max:.9},"x_bound":{:.4}}}"#,
        times.quartile(),
        median / bound
    )
}
