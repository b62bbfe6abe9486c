//! What becomes of what tasks print.

use clap::Args;
use std::path::PathBuf;

/// What becomes of what tasks print.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output of tasks")]
pub struct KeepArgs {
    /// Print outputs in the order of the inputs
    #[arg(short = 'k', long)]
    pub keep_order: bool,
    /// Also keep each task's output in DIR/ID/stdout and DIR/ID/stderr, durably
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Also keep output in the job's log, for `divvy logs` (`divvy submit` always does)
    #[arg(long)]
    pub log: bool,
}
