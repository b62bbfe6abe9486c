//! Where inputs come from, and how many make a task.

use super::{PipeArgs, PlaceholderArgs};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// What makes no sense where inputs are no lines of text: better said than ignored.
const NOT_OF_A_LINE: [&str; 16] = [
    "null",
    "delimiter",
    "colsep",
    "header",
    "skip_first_line",
    "trim",
    "eof",
    "link",
    "shuf",
    "max_args",
    "max_replace_args",
    "max_lines",
    "one_line",
    "repeat",
    "many",
    "xargs",
];

/// Inputs, and what they become.
#[derive(Debug, Args)]
pub struct InputArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub pack: PackArgs,
    #[command(flatten)]
    pub placeholders: PlaceholderArgs,
    #[command(flatten)]
    pub pipe: PipeArgs,
}

/// Where inputs come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Inputs")]
pub struct SourceArgs {
    /// One task for each number: 1-100, 1-1000000:3
    #[arg(
        long,
        value_name = "FIRST-LAST[:STEP]",
        conflicts_with_all = NOT_OF_A_LINE,
        conflicts_with_all = ["each_line", "from_json"]
    )]
    pub array: Option<OsString>,
    /// Read inputs from FILE, one a line (- is stdin); several are combined as after :::
    #[arg(short = 'a', long = "each-line", visible_alias = "arg-file", value_name = "FILE")]
    pub each_line: Vec<PathBuf>,
    /// One task for each element of the JSON array in FILE (- is stdin); the input is the element's JSON text
    #[arg(hide_short_help = true, long, value_name = "FILE", conflicts_with_all = NOT_OF_A_LINE, conflicts_with = "each_line")]
    pub from_json: Option<PathBuf>,
    /// Inputs end with NUL instead of newline, as from find -print0
    #[arg(short = '0', long = "null", conflicts_with = "delimiter")]
    pub null: bool,
    /// Inputs end with STR instead of newline: ';' or '\t', \n, \0, \x2c
    #[arg(hide_short_help = true, short = 'd', long, value_name = "STR", allow_hyphen_values = true)]
    pub delimiter: Option<OsString>,
    /// Cut each input into columns where REGEX matches: {1} {2} are the columns
    #[arg(short = 'C', long, value_name = "REGEX", allow_hyphen_values = true)]
    pub colsep: Option<OsString>,
    /// The first input of each source (with -C, its columns) names it: {name}. With --pipe: what REGEX matches at the
    /// start is a header, repeated in front of every block. `:` is the first line
    #[arg(hide_short_help = true, long, value_name = "REGEX|:", allow_hyphen_values = true)]
    pub header: Option<OsString>,
    /// Leave out the first line
    #[arg(hide_short_help = true, long)]
    pub skip_first_line: bool,
    /// Remove white space: l(eft), r(ight), lr, or n(one); lr where -C is given
    #[arg(hide_short_help = true, long, value_name = "n|l|r|lr|rl", value_parser = ["n", "l", "r", "lr", "rl"])]
    pub trim: Option<String>,
    /// Stop reading a source at an input that is STR
    #[arg(hide_short_help = true, short = 'E', long = "eof", value_name = "STR", allow_hyphen_values = true)]
    pub eof: Option<OsString>,
    /// Leave out inputs that are empty or only white space
    #[arg(hide_short_help = true, short = 'r', long)]
    pub no_run_if_empty: bool,
    /// Take one input of each source together, instead of all combinations; short sources start over
    #[arg(long, visible_alias = "xapply")]
    pub link: bool,
    /// Run in random order
    #[arg(hide_short_help = true, long)]
    pub shuf: bool,
    /// Write STR instead of :::
    #[arg(hide_short_help = true, long, value_name = "STR", allow_hyphen_values = true)]
    pub arg_sep: Option<OsString>,
    /// Write STR instead of ::::
    #[arg(hide_short_help = true, long, value_name = "STR", allow_hyphen_values = true)]
    pub arg_file_sep: Option<OsString>,
}

/// How many inputs make a task.
#[derive(Debug, Args)]
#[command(next_help_heading = "Several inputs for one task")]
pub struct PackArgs {
    /// Give N inputs to each task
    #[arg(short = 'n', long, value_name = "N")]
    pub max_args: Option<usize>,
    /// The same, as {1} {2} ...; 0: a task for each input, which does not see it. With --pipe: records in a block
    #[arg(hide_short_help = true, short = 'N', long, value_name = "N", conflicts_with = "max_args")]
    pub max_replace_args: Option<usize>,
    /// Give N lines to each task; a line that ends in a blank goes on in the next. With --pipe: lines in a record
    #[arg(hide_short_help = true, short = 'L', long, value_name = "N", conflicts_with_all = ["max_args", "one_line"])]
    pub max_lines: Option<usize>,
    /// The same as -L 1
    #[arg(hide_short_help = true, short = 'l')]
    pub one_line: bool,
    /// Give each task as many inputs as fit, shared out among the workers; a word with {} comes once for each
    #[arg(short = 'X', conflicts_with = "many")]
    pub repeat: bool,
    /// The same, but a word with {} stays one word
    #[arg(hide_short_help = true, short = 'm')]
    pub many: bool,
    /// The same as -m, but not shared out: each task takes all that fit
    #[arg(hide_short_help = true, long)]
    pub xargs: bool,
    /// Longest command line, in bytes, that -X, -m and --xargs may make
    #[arg(hide_short_help = true, short = 's', long, value_name = "BYTES")]
    pub max_chars: Option<usize>,
}
