//! Stdin in blocks, each the stdin of a task.

use clap::Args;
use std::ffi::OsString;

/// Stdin in blocks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Blocks of stdin")]
pub struct PipeArgs {
    /// Cut stdin into blocks of whole records; each block is the stdin of a task
    #[arg(long, visible_alias = "spreadstdin", conflicts_with_all = ["array", "each_line", "from_json"])]
    pub pipe: bool,
    /// The same for the file of -a, which is not copied: it must stay as it is until the job is done
    #[arg(hide_short_help = true, long, alias = "pipe-part", conflicts_with_all = ["pipe", "array", "from_json"])]
    pub pipepart: bool,
    /// Bytes in a block (k is 1000, K is 1024); a block holds at least one record. -N in --pipepart: N blocks a worker
    #[arg(
        long,
        visible_alias = "block-size",
        value_name = "SIZE",
        default_value = "1M",
        allow_hyphen_values = true
    )]
    pub block: OsString,
    /// Records end with STR
    #[arg(hide_short_help = true, long, value_name = "STR", allow_hyphen_values = true)]
    pub recend: Option<OsString>,
    /// Records start with STR
    #[arg(hide_short_help = true, long, value_name = "STR", allow_hyphen_values = true)]
    pub recstart: Option<OsString>,
    /// --recend and --recstart are regular expressions
    #[arg(hide_short_help = true, long, visible_alias = "regex")]
    pub regexp: bool,
    /// Leave out what --recend and --recstart match
    #[arg(hide_short_help = true, long, visible_alias = "rrs", alias = "removerecsep")]
    pub remove_rec_sep: bool,
    /// {} is a file that holds the block, and stdin is empty
    #[arg(hide_short_help = true, long)]
    pub cat: bool,
    /// The same as --cat: the file can be read at once and more than once
    #[arg(hide_short_help = true, long, conflicts_with = "cat")]
    pub fifo: bool,
    /// Accepted: any worker takes the next block, and each block is a task of its own
    #[arg(hide_short_help = true, long, alias = "roundrobin", alias = "round")]
    pub round_robin: bool,
}
