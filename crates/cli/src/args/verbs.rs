//! The verbs around jobs: `submit`, `wait`, `explain`, `logs`, `capacity`, `bill`, and what is made of the flags themselves.

use super::{RunArgs, TasksArgs};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Store a job that runs in the background.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    override_usage = "divvy submit [OPTIONS] COMMAND... ::: INPUT...\n       divvy submit [OPTIONS] COMMAND... < INPUTS\n       \
                      divvy submit [OPTIONS] --array FIRST-LAST[:STEP] COMMAND...\n       divvy submit [OPTIONS] --graph FILE",
    after_help = "The command is read as by `divvy run`: see there for what {} stands for. The job\n\
                  is durable when this returns. A worker in the background runs it and leaves\n\
                  when there is nothing left to do; it is started if none is there. -j,\n\
                  --capacity and --grace are for the one that is started: one that is there\n\
                  keeps its own. What tasks print is kept for `divvy logs`."
)]
pub struct SubmitArgs {
    /// Store the job and pause it at once: `divvy unpause` lets it go
    #[arg(long)]
    pub hold: bool,
    /// Start no background worker: whoever runs `divvy work` or `divvy resume` takes it. Reading inputs pauses while
    /// more than a gigabyte of them waits
    #[arg(long)]
    pub no_start: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Wait for jobs.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Which jobs: 7, 1-5, 1,3,5-8, last, all
    #[arg(default_value = "last")]
    pub jobs: OsString,
    /// Wait no longer than this: seconds, or 500ms, 2m, 1h30m; then exit with 124. The jobs go on
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<OsString>,
}

/// Give dead tasks new attempts.
#[derive(Debug, Args)]
pub struct RetryArgs {
    #[command(flatten)]
    pub tasks: TasksArgs,
    /// Only tasks that failed; others are never retried, so this may be left out
    #[arg(long)]
    pub failed: bool,
}

/// Explain a task.
#[derive(Debug, Args)]
#[command(override_usage = "divvy explain [OPTIONS] [JOB] TASK")]
pub struct ExplainArgs {
    /// Which job (default: last), and which of its tasks: an id, or a name in a graph
    #[arg(value_name = "JOB TASK", num_args = 1..=2, required = true)]
    pub what: Vec<OsString>,
}

/// Print logs.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Which job: its number, or `last`
    #[arg(default_value = "last")]
    pub job: OsString,
    /// Only these tasks, by id: 7, 1-5, 1-100:2
    #[arg(long, visible_alias = "tasks", value_name = "IDS")]
    pub task: Option<OsString>,
    /// Go on until the job has finished
    #[arg(short = 'f', long)]
    pub follow: bool,
    /// Only what was printed on standard output
    #[arg(long, conflicts_with = "stderr")]
    pub stdout: bool,
    /// Only what was printed on standard error
    #[arg(long)]
    pub stderr: bool,
    /// Put the task's id and a tab before each line
    #[arg(long)]
    pub tag: bool,
    /// Also attempts that failed and were made again
    #[arg(long)]
    pub attempts: bool,
}

/// Tell what more workers would get done.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES:\n  divvy capacity\n  divvy capacity 7 --output json\n\n\
                  Nothing is tried out: while nodes work they note what their round trips to the store\n\
                  cost and how many workers there were then. What cannot be known from that is not\n\
                  said, and why. docs/capacity.md says how to read it.")]
pub struct CapacityArgs {
    /// Of which job: its number, or `last`
    #[arg(default_value = "last")]
    pub job: OsString,
}

/// Show bills.
#[derive(Debug, Args)]
#[command(
    after_help = "EXAMPLES:\n  divvy bill\n  divvy bill 7 --over-time\n  divvy bill 7 9 --price 0.10/h\n  divvy bill last --output json\n\n\
                  docs/account.md says what the states and figures mean."
)]
pub struct BillArgs {
    /// Which job: its number, or `last`; a second one to compare with. Of a map-reduce any of its jobs [default: last]
    #[arg(value_name = "JOB", num_args = 0..=2)]
    pub jobs: Vec<OsString>,
    /// Also how it changed as time went by, at most 24 stretches of it
    #[arg(long)]
    pub over_time: bool,
    /// What one worker costs, in any currency: 0.10/h, or for /s, /m, /d
    #[arg(long, value_name = "PRICE", allow_hyphen_values = true)]
    pub price: Option<OsString>,
}

/// Print completions.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Print manual pages.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write divvy.1 and a page for each verb into this directory
    pub dir: Option<PathBuf>,
}
