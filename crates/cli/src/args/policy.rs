//! How tasks may fail, and what bounds them.

use clap::Args;
use std::ffi::OsString;

/// How tasks may fail, and what bounds them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Failures and limits")]
pub struct PolicyArgs {
    /// Start a task at most N times in all
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = starts)]
    pub retries: u32,
    /// End a task that takes longer: seconds, or 500ms, 2m, 1h30m; 200% of the median so far, after three
    #[arg(long, visible_alias = "time-limit", value_name = "TIME")]
    pub timeout: Option<OsString>,
    /// End a task by these signals, with milliseconds between them: TERM,200,KILL,25 [default: TERM,2000]
    #[arg(hide_short_help = true, long, alias = "term-seq", value_name = "SIGNAL,MS,...")]
    pub termseq: Option<String>,
    /// Stop before all have run: now or soon (running ones may finish), at so many failed, succeeded or done tasks,
    /// as in now,fail=1 soon,fail=10% now,success=1; what was not run stays for `divvy resume`
    #[arg(long, visible_alias = "halt-on-error", value_name = "WHEN,WHAT=N", allow_hyphen_values = true)]
    pub halt: Option<OsString>,
    /// Cancel the rest when more than N tasks have failed
    #[arg(hide_short_help = true, long, value_name = "N")]
    pub max_fails: Option<u64>,
    /// A task that takes its worker down with it N times is dead
    #[arg(hide_short_help = true, long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub crash_limit: u32,
    /// Lend at most N tasks with one round trip to the store [default: what takes the node a quarter second, and more where
    /// round trips are slow]
    #[arg(hide_short_help = true, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub lease_max: Option<u64>,
    /// Leave so much time between two starts
    #[arg(hide_short_help = true, long, value_name = "TIME")]
    pub delay: Option<OsString>,
    /// Start no task while so many processes run on this machine: a number, or 80% of the cores
    #[arg(hide_short_help = true, long, value_name = "MAX")]
    pub load: Option<String>,
    /// Start no task while less memory is free: 500M, 1.5G; below half of it the youngest task is put back
    #[arg(hide_short_help = true, long, value_name = "SIZE")]
    pub memfree: Option<String>,
    /// Start no task while the machine swaps
    #[arg(hide_short_help = true, long)]
    pub noswap: bool,
    /// Run tasks at this niceness
    #[arg(hide_short_help = true, long, value_name = "N", allow_hyphen_values = true, value_parser = clap::value_parser!(i32).range(-20..20))]
    pub nice: Option<i32>,
}

/// A number of starts.
fn starts(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(0) => Err("it counts all starts of a task, the first one too: 1 or more".into()),
        Ok(n) => Ok(n),
        Err(_) => Err("it is a number of starts: 1 or more".into()),
    }
}
