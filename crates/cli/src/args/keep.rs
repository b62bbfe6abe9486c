//! What becomes of what tasks print, and what is written down about them.

use clap::{ArgAction, Args};
use std::ffi::OsString;
use std::path::PathBuf;

/// What becomes of what tasks print.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output of tasks")]
pub struct KeepArgs {
    /// Print outputs in the order of the inputs
    #[arg(short = 'k', long)]
    pub keep_order: bool,
    /// Print a task's output when it has ended (the default)
    #[arg(hide_short_help = true, long, overrides_with_all = ["line_buffer", "ungroup"])]
    pub group: bool,
    /// Print whole lines as they come, from all tasks; with -k from the first that still runs
    #[arg(long, visible_alias = "lb", aliases = ["linebuffer", "line-buffered"], overrides_with_all = ["group", "ungroup"])]
    pub line_buffer: bool,
    /// Let tasks print by themselves: at once, mixed, untagged and in no order
    #[arg(hide_short_help = true, short = 'u', long, overrides_with_all = ["group", "line_buffer"])]
    pub ungroup: bool,
    /// Put the input and a tab in front of each line
    #[arg(long)]
    pub tag: bool,
    /// Put STR and a tab in front of each line; {} and the like are replaced
    #[arg(hide_short_help = true, long, value_name = "STR")]
    pub tagstring: Option<OsString>,
    /// Print each command on stdout, in front of its output
    #[arg(hide_short_help = true, short = 'v', action = ArgAction::Count)]
    pub show: u8,
    /// Print each command on stderr, when it starts
    #[arg(hide_short_help = true, short = 't', long)]
    pub verbose: bool,
    /// Keep outputs, durably, instead of printing them: in DIR/ID/stdout and DIR/ID/stderr; with {} and the like in the
    /// name in files of that name (.err, .seq), or below it if it ends in a slash; in rows of NAME.csv or NAME.tsv (- is
    /// stdout)
    #[arg(long, visible_alias = "res", value_name = "DIR|NAME", allow_hyphen_values = true)]
    pub results: Option<OsString>,
    /// Keep stdout in files and print their names
    #[arg(hide_short_help = true, long, aliases = ["output-as-files", "outputasfiles"])]
    pub files: bool,
    /// Where --files makes them [default: $TMPDIR]
    #[arg(hide_short_help = true, long, alias = "tmpdir", value_name = "DIR")]
    pub tempdir: Option<PathBuf>,
    /// Keep stdout in PATH, durably: %{TASK_ID}, %{JOB_ID}, %{INSTANCE_ID} are replaced; none throws it away
    #[arg(hide_short_help = true, long, value_name = "PATH", conflicts_with_all = ["results", "files"])]
    pub stdout: Option<OsString>,
    /// Keep stderr in PATH, in the same way
    #[arg(hide_short_help = true, long, value_name = "PATH", conflicts_with_all = ["results", "files"])]
    pub stderr: Option<OsString>,
    /// Also keep output in the job's log, for `divvy logs` (`divvy submit` always does)
    #[arg(hide_short_help = true, long)]
    pub log: bool,
}

/// What is written down about tasks, and how to go on from it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Job log")]
pub struct LogArgs {
    /// Write a line for each task that ended, as GNU parallel does; +FILE appends to what is there
    #[arg(long, alias = "jl", value_name = "FILE")]
    pub joblog: Option<OsString>,
    /// Skip the tasks that are in the job log, or whose outputs are below --results. `divvy resume` goes on with a job
    /// without any log
    #[arg(long)]
    pub resume: bool,
    /// Run the tasks again that failed by the job log, and skip the others in it
    #[arg(hide_short_help = true, long)]
    pub resume_failed: bool,
    /// Run again what failed by the job log; command and inputs come from there
    #[arg(hide_short_help = true, long)]
    pub retry_failed: bool,
}
