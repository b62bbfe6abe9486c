//! The `divvy` program: reads the command line and the environment, picks the store, and shows what happens.
//!
//! | folder or file | idea |
//! |---|---|
//! | `args/` | every flag, once: help, usage errors |
//! | `lang/` | the texts users type: commands, placeholders, arrays, selectors, records |
//! | `flags.rs` | what flags mean in a recipe |
//! | `home.rs` | where jobs are kept |
//! | `inputs/`, `graph/` | where a job's inputs come from, and what they become, or its tasks that wait for each other |
//! | `plan.rs`, `needs.rs`, `after.rs` | a job before it is stored; what its tasks take; what it waits for |
//! | `command/` | the handler that runs commands: what a job records, starting, output |
//! | `handler/` | the handler that keeps processes and feeds them: `docs/handlers.md` |
//! | `session/` | a node: signals, progress, its capacity |
//! | `bill/` | where worker time went: at the end of a run, and `divvy bill` |
//! | `capacity/` | `divvy capacity`: what more workers would get done |
//! | `mapreduce/` | `divvy mapreduce`: plans a job and gives out what came of it |
//! | `scale/` | `divvy scale`: how throughput grows with workers |
//! | `background.rs` | the node that runs what was submitted |
//! | `figures.rs`, `table.rs` | how numbers, times and shares look, and tables of them |
//! | `dry_run.rs` | `divvy run --dry-run` |
//! | `run.rs`, `submit.rs`, `resume.rs`, `work.rs`, `jobs/`, `bench/`, `completions.rs` | one file for each verb |
//!
//! Only this crate reads the environment, writes to the terminal, and uses `anyhow`.
#![forbid(unsafe_code)]
#![allow(unreachable_pub)] // a binary: nothing here is reachable from elsewhere

mod after;
mod args;
mod background;
mod bench;
mod bill;
mod capacity;
mod command;
mod completions;
mod dry_run;
mod exit;
mod figures;
mod flags;
mod graph;
mod handler;
mod home;
mod inputs;
mod jobs;
mod lang;
mod mapreduce;
mod needs;
mod plan;
mod resume;
mod run;
mod scale;
mod select;
mod session;
mod submit;
mod table;
mod work;

use args::{Cli, Verb};
use clap::Parser;
use divvy_engine::SystemClock;
use std::process::ExitCode;

fn main() -> ExitCode {
    // First, so that start-up is in the account.
    let clock = SystemClock::start();
    let (words, sources) = args::split_sources(args::hadoop_words(std::env::args_os()).into_iter());
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let output = cli.output;
    let done = match cli.verb {
        Verb::Run(args) => run::run(&args, sources, output, clock),
        Verb::Submit(args) => submit::submit(&args, sources, output, clock),
        _ if sources.is_some() => Err(exit::bad_usage("`:::` belongs to `divvy run` and `divvy submit`")),
        Verb::MapReduce(args) => mapreduce::mapreduce(&args, output, clock),
        Verb::Work(args) => work::work(&args, output, clock),
        Verb::Resume(args) => resume::resume(&args, output, clock),
        Verb::Jobs => jobs::list(output),
        Verb::Show(args) => jobs::show(&args, output),
        Verb::Explain(args) => jobs::explain(&args, output),
        Verb::Logs(args) => jobs::logs(&args, output),
        Verb::Ps => jobs::ps(output),
        Verb::Capacity(args) => capacity::capacity(&args, output),
        Verb::Wait(args) => jobs::wait(&args, output),
        Verb::Pause(args) => jobs::pause(&args, output),
        Verb::Unpause(args) => jobs::unpause(&args, output),
        Verb::Cancel(args) => jobs::cancel(&args, output),
        Verb::Retry(args) => jobs::retry(&args, output),
        Verb::Forget(args) => jobs::forget(&args, output),
        Verb::Bill(args) => bill::bill(&args, output),
        Verb::Scale(args) => scale::scale(&args, output),
        Verb::Bench(args) => bench::bench(&args, output, clock),
        Verb::Completions(args) => completions::completions(&args),
        Verb::Man(args) => completions::man(&args),
    };
    exit::of(done, output)
}
