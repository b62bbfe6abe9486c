//! `divvy-sim`: runs seeds, hunts planted bugs, compares policies.

use divvy_sim::planted::ALL;
use divvy_sim::runner::{Campaign, Summary, campaign, guarded, hunt};
use divvy_sim::world::fault::Fault;
use divvy_sim::world::{Options, Planted};
use std::process::{Command, ExitCode};

const USAGE: &str =
    "usage: divvy-sim [--seeds N] [--from SEED] [-j THREADS] [--events N] [--bug NAME] [--trace]
       divvy-sim bugs      hunt every planted bug
       divvy-sim policy    makespan against the lower bound, by how task times are distributed
       divvy-sim packing [--tasks N]    makespan against the lower bound, by how the next task is chosen
       divvy-sim capacity [--only SCENES] [--most N] [--seeds N] [--from SEED]
                           the capacity oracle against simulations of 10 to 10 000 workers; --most: workers seen at the most;
                           --seeds is 1 here
       divvy-sim parking [--from SEED]    whether parking workers at random shows what each adds to a round trip";

struct Args {
    campaign: Campaign,
    verb: Option<String>,
    tasks: u64,
    /// As said, if it was.
    seeds: Option<u64>,
    only: Option<String>,
    most: Option<usize>,
}

fn parse() -> Result<Args, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let options = Options::default();
    let campaign = Campaign { from: 0, seeds: 1_000, threads, options, progress: true };
    let mut args = Args { campaign, verb: None, tasks: 100_000, seeds: None, only: None, most: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64, String> {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse().map_err(|_| format!("{word} {value}: not a number"))
        };
        let run = &mut args.campaign;
        match word.as_str() {
            "--seeds" => args.seeds = Some(number()?),
            "--from" => run.from = number()?,
            "-j" => run.threads = number()? as usize,
            "--events" => run.options.events = number()?,
            "--trace" => run.options.trace = true,
            "--bug" => {
                let name = words.next().ok_or("--bug needs a name")?;
                run.options.bug = Some(Planted::of(&name).ok_or_else(|| format!("no bug is called {name}"))?);
            }
            "--tasks" => args.tasks = number()?,
            "--most" => args.most = Some(number()? as usize),
            "--only" => args.only = Some(words.next().ok_or("--only needs names")?),
            "bugs" | "policy" | "packing" | "capacity" | "parking" => args.verb = Some(word),
            "-h" | "--help" => args.verb = Some("--help".into()),
            _ => return Err(format!("{word}: unknown")),
        }
    }
    args.campaign.seeds = args.seeds.unwrap_or(args.campaign.seeds);
    Ok(args)
}

fn main() -> ExitCode {
    match parse() {
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            ExitCode::from(125)
        }
        Ok(Args { campaign, verb: None, .. }) => seeds(&campaign),
        Ok(Args { campaign, verb: Some(verb), .. }) if verb == "bugs" => bugs(campaign.options.events),
        Ok(Args { verb: Some(verb), .. }) if verb == "--help" => {
            println!("{USAGE}\n\nscenes of capacity:\n{}", divvy_sim::capacity::scenes());
            ExitCode::SUCCESS
        }
        Ok(Args { campaign, seeds, only, most, verb: Some(verb), .. }) if verb == "capacity" => {
            match divvy_sim::capacity::run(campaign.from, seeds.unwrap_or(1), only.as_deref(), most) {
                Ok(()) => ExitCode::SUCCESS,
                Err(why) => {
                    eprintln!("{why}");
                    ExitCode::from(125)
                }
            }
        }
        Ok(Args { campaign, verb: Some(verb), .. }) if verb == "parking" => {
            print!("{}", divvy_sim::capacity::parking::table(campaign.from));
            ExitCode::SUCCESS
        }
        Ok(Args { tasks, verb: Some(verb), .. }) if verb == "packing" => {
            print!("{}", divvy_sim::packing::table(tasks as usize));
            ExitCode::SUCCESS
        }
        Ok(_) => {
            print!("{}", divvy_sim::world::policy::table());
            ExitCode::SUCCESS
        }
    }
}

fn seeds(run: &Campaign) -> ExitCode {
    if run.options.trace {
        let mut broken = None;
        for seed in run.from..run.from + run.seeds {
            broken = broken.or(guarded(seed, &run.options).broken.map(|broken| (seed, broken)));
        }
        return verdict(&run.options, &Summary { broken, ..Summary::default() });
    }
    let summary = campaign(run);
    print(&summary);
    verdict(&run.options, &summary)
}

fn print(summary: &Summary) {
    let Summary { seeds, events, events_min, twins, seconds, .. } = summary;
    let rate = *events as f64 / seconds;
    let hours = summary.virtual_ns as f64 / 3.6e12;
    println!("{seeds} seeds, {events} events (at least {events_min} a seed), {rate:.0} events/s");
    println!("{seconds:.1} s here, {hours:.0} h in the worlds; SQLite beside the model in {twins} seeds");
    println!("share of seeds in which it happened:");
    for fault in Fault::ALL {
        let share = 100.0 * f64::from(summary.suffered.of(*fault)) / (*seeds).max(1) as f64;
        println!("  {fault:<12} {share:>5.1} %");
    }
}

fn verdict(options: &Options, summary: &Summary) -> ExitCode {
    let Some((seed, broken)) = &summary.broken else { return ExitCode::SUCCESS };
    let bug = options.bug.map(|bug| format!(" --bug {}", bug.name())).unwrap_or_default();
    let events = options.events;
    println!("seed {seed} at {} breaks {broken}", commit());
    println!("replay: divvy-sim --from {seed} --seeds 1 --events {events}{bug} --trace");
    ExitCode::FAILURE
}

/// A seed means a history only together with the code that ran it.
fn commit() -> String {
    let git = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let hash = git.ok().filter(|out| out.status.success()).and_then(|out| String::from_utf8(out.stdout).ok());
    hash.map_or_else(|| format!("version {}", env!("CARGO_PKG_VERSION")), |h| format!("commit {}", h.trim()))
}

fn bugs(events: u64) -> ExitCode {
    println!("{:<24} {:<6} {:>6} {:>6}  found by", "bug", "side", "seeds", "limit");
    let mut missed = 0;
    for entry in ALL {
        let (name, side, limit) = (entry.bug.name(), entry.bug.side(), entry.limit);
        match hunt(entry.bug, limit, events) {
            Some((seeds, broken)) => {
                let what: String = broken.why.chars().take(60).collect();
                println!("{name:<24} {side:<6} {seeds:>6} {limit:>6}  {:?}: {what}", broken.invariant);
            }
            None => {
                missed += 1;
                println!("{name:<24} {side:<6} {:>6} {limit:>6}  NOT FOUND", "-");
            }
        }
    }
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
