//! How tasks may fail, and what bounds them.

use clap::Args;
use std::ffi::OsString;

/// How tasks may fail, and what bounds them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Failures and limits")]
pub struct PolicyArgs {
    /// Start a task at most N times in all
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub retries: u32,
    /// End a task that takes longer: seconds, or 500ms, 2m, 1h30m
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<OsString>,
    /// A task that takes its worker down with it N times is dead
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub crash_limit: u32,
}
