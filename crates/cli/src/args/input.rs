//! Where inputs come from.

use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where inputs come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Inputs")]
pub struct InputArgs {
    /// One task for each number: 1-100, 1-1000000:3
    #[arg(long, value_name = "FIRST-LAST[:STEP]")]
    pub array: Option<OsString>,
    /// Read inputs from FILE, one a line (- is stdin)
    #[arg(
        short = 'a',
        long = "each-line",
        visible_alias = "arg-file",
        value_name = "FILE",
        conflicts_with = "array"
    )]
    pub each_line: Option<PathBuf>,
    /// Inputs end with NUL instead of newline, as from find -print0
    #[arg(short = '0', long = "null", conflicts_with = "array")]
    pub null: bool,
}
