//! The `divvy` program: reads the command line and the environment, picks the store, and shows what happens.
//!
//! | folder or file | idea |
//! |---|---|
//! | `args/` | every flag, once: help, usage errors |
//! | `lang/` | the texts users type: commands, placeholders, arrays, selectors, records |
//! | `flags.rs` | what flags mean in a recipe |
//! | `home.rs` | where jobs are kept |
//! | `inputs/` | where a job's inputs come from, and what they become |
//! | `command/` | the handler that runs commands: what a job records, starting, output |
//! | `handler/` | the handler that keeps processes and feeds them: `docs/handlers.md` |
//! | `session/` | a node in the foreground: signals, progress, the bill |
//! | `dry_run.rs` | `divvy run --dry-run` |
//! | `run.rs`, `resume.rs`, `work.rs`, `jobs.rs`, `bench/` | one file for each verb |
//!
//! Only this crate reads the environment, writes to the terminal, and uses `anyhow`.
#![forbid(unsafe_code)]
#![allow(unreachable_pub)] // a binary: nothing here is reachable from elsewhere

mod args;
mod bench;
mod command;
mod dry_run;
mod exit;
mod flags;
mod handler;
mod home;
mod inputs;
mod jobs;
mod lang;
mod resume;
mod run;
mod select;
mod session;
mod work;

use args::{Cli, Verb};
use clap::Parser;
use divvy_engine::SystemClock;
use std::process::ExitCode;

fn main() -> ExitCode {
    // First, so that start-up is in the account.
    let clock = SystemClock::start();
    let (words, sources) = args::split_sources(std::env::args_os());
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let output = cli.output;
    let done = match cli.verb {
        Verb::Run(args) => run::run(&args, sources, output, clock),
        _ if sources.is_some() => Err(exit::bad_usage("`:::` belongs to `divvy run`")),
        Verb::Work(args) => work::work(&args, output, clock),
        Verb::Resume(args) => resume::resume(&args, output, clock),
        Verb::Jobs => jobs::list(output),
        Verb::Show(args) => jobs::show(&args, output),
        Verb::Wait(args) => jobs::wait(&args, output),
        Verb::Cancel(args) => jobs::cancel(&args, output),
        Verb::Retry(args) => jobs::retry(&args, output),
        Verb::Forget(args) => jobs::forget(&args, output),
        Verb::Bench(args) => bench::bench(&args, output, clock),
    };
    exit::of(done, output)
}
