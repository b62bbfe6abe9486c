//! `divvy mapreduce`: what its programs have in common, and each of them.

use super::{ShowFlags, StreamArgs, WorkersArg};
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;

/// Process data with two functions.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  divvy mapreduce wordcount books/ -o counts\n  \
                        divvy mapreduce grep -F 'out of memory' /var/log/app.log.*.gz\n  \
                        divvy mapreduce sort --memory 64M big.txt -o sorted --single\n  \
                        divvy mapreduce --mapper ./map.py --reducer ./reduce.py logs/ -o out\n\n\
                        Splits of the inputs are mapped, and parts of the output are made of what comes of them, as tasks: \n\
                        `divvy jobs` shows them, `divvy resume` goes on after a crash, and `divvy work` beside it helps.")]
pub struct MapReduceArgs {
    /// Which program.
    #[command(subcommand)]
    pub program: MapReduceProgram,
}

/// The programs.
#[derive(Debug, Subcommand)]
pub enum MapReduceProgram {
    /// Count words: whatever is between white space
    Wordcount(DataArgs),
    /// Count records by a field of theirs, such as the URLs of an access log
    CountBy(CountByArgs),
    /// Sort records in byte order, as `LC_ALL=C sort -s` does
    Sort(SortArgs),
    /// Print the records that match a pattern, in the order of the inputs
    Grep(GrepArgs),
    /// Put records of two sets of inputs side by side where a field is equal
    Join(JoinArgs),
    /// Explain each program in a few lines
    List,
    /// Run scripts in any language, as Hadoop streaming does; `stream` may be left out
    Stream(Box<StreamArgs>),
}

/// Where data comes from and goes to.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Files, directories, patterns; `-` or none for stdin. What is packed by gzip or zstd is unpacked
    #[arg(value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Where the output goes: a directory that is not there yet, or `-` for stdout
    #[arg(short = 'o', long = "out", value_name = "OUT", default_value = "-")]
    pub out: PathBuf,
    /// One file instead of a directory of parts
    #[arg(long)]
    pub single: bool,
    /// Records: lines, `nul` for such as end with a zero byte, or `fixed:N` for N bytes each
    #[arg(long, value_name = "FORM", default_value = "lines")]
    pub records: OsString,
    /// Memory that this process may use for it: 64M, 2G
    #[arg(long, value_name = "SIZE", default_value = "1G")]
    pub memory: OsString,
    /// Most bytes of intermediate data on disk
    #[arg(long, value_name = "SIZE")]
    pub disk: Option<OsString>,
    /// Where intermediate data is kept if the output is stdout (else it is beside the output)
    #[arg(long, value_name = "DIR")]
    pub temp_dir: Option<PathBuf>,
    /// Bytes of each split of the input
    #[arg(long, value_name = "SIZE")]
    pub split: Option<OsString>,
    /// Records of each split: what another program's option asks for.
    #[arg(skip)]
    pub split_records: Option<NonZeroU64>,
    /// Parts of the output
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub parts: Option<u32>,
    /// Pass over up to so many records that the program fails on, and list them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub skip_bad: u64,
    /// Starts of each task before the job has failed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub retries: u32,
    /// Print the plan and do nothing
    #[arg(long)]
    pub explain: bool,
    #[command(flatten)]
    pub workers: WorkersArg,
    #[command(flatten)]
    pub show: ShowFlags,
}

/// A field of each record.
#[derive(Debug, Args)]
pub struct FieldArgs {
    /// Which field, counted from 1; 0 is the whole record
    #[arg(short = 'k', long = "field", value_name = "N", default_value_t = 0)]
    pub number: usize,
    /// What is between fields: one character, or `\t`. Without it any white space
    #[arg(short = 't', long, value_name = "CHARACTER")]
    pub delimiter: Option<OsString>,
}

/// Counts by a field.
#[derive(Debug, Args)]
pub struct CountByArgs {
    #[command(flatten)]
    pub field: FieldArgs,
    #[command(flatten)]
    pub data: DataArgs,
}

/// Records in order.
#[derive(Debug, Args)]
pub struct SortArgs {
    #[command(flatten)]
    pub field: FieldArgs,
    /// Of records with equal keys only the first
    #[arg(short = 'u', long)]
    pub unique: bool,
    #[command(flatten)]
    pub data: DataArgs,
}

/// Records that match.
#[derive(Debug, Args)]
pub struct GrepArgs {
    /// What to look for: a regular expression
    pub pattern: String,
    /// The pattern is a text, not an expression
    #[arg(short = 'F', long = "fixed-strings")]
    pub fixed: bool,
    /// Capital letters match small ones
    #[arg(short = 'i', long)]
    pub ignore_case: bool,
    /// The records that do not match
    #[arg(short = 'v', long = "invert-match")]
    pub invert: bool,
    #[command(flatten)]
    pub data: DataArgs,
}

/// Records side by side.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The other inputs, on the right. Of a key their records have to fit into a quarter of a worker's memory
    #[arg(long, value_name = "INPUT", num_args = 1.., required = true)]
    pub with: Vec<PathBuf>,
    /// Which field has to be equal, counted from 1; 0 is the whole record
    #[arg(short = 'k', long = "field", value_name = "N", default_value_t = 1)]
    pub number: usize,
    /// Which field of the right inputs, if it is another
    #[arg(long = "with-field", value_name = "N")]
    pub with_number: Option<usize>,
    /// What is between fields: one character, or `\t`. Without it any white space
    #[arg(short = 't', long, value_name = "CHARACTER")]
    pub delimiter: Option<OsString>,
    /// Also the records without a match, beside an empty one
    #[arg(long, value_name = "SIDE")]
    pub outer: Option<Outer>,
    #[command(flatten)]
    pub data: DataArgs,
}

/// Whose records are kept without a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Outer {
    /// Those of the inputs
    Left,
    /// Those of `--with`
    Right,
    /// Those of both
    Full,
}
