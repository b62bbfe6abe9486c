//! `divvy run`.

use super::{
    ForeignArgs, HandlerArgs, InputArgs, KeepArgs, LogArgs, PlanArgs, PolicyArgs, ShowFlags, WorkersArg,
};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Run a command for each input.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    override_usage = "divvy run [OPTIONS] COMMAND... ::: INPUT... [::: INPUT...]...\n       \
                      divvy run [OPTIONS] COMMAND... :::: FILE...\n       \
                      divvy run [OPTIONS] COMMAND... < INPUTS\n       \
                      divvy run [OPTIONS] --array FIRST-LAST[:STEP] COMMAND...\n       \
                      divvy run [OPTIONS] --pipe COMMAND... < DATA\n       \
                      divvy run [OPTIONS] --handler COMMAND ::: INPUT...\n       \
                      divvy run [OPTIONS] --graph FILE\n       \
                      divvy run [OPTIONS] < COMMANDS",
    after_help = "EXAMPLES:\n  divvy run gzip -9 -k {} ::: *.log\n  \
                  find . -name '*.wav' -print0 | divvy run -0 -j 2 flac {}\n  \
                  divvy run --shell 'sort {} | uniq -c > {.}.counts' ::: *.csv\n  \
                  divvy run -k --tag ping -c 1 :::: hosts.txt\n  \
                  divvy run echo {1} at {2} ::: red blue ::: 10 20\n  \
                  divvy run --retries 3 --timeout 90s --results out --array 1-1000 ./sim {}\n\n\
                  REPLACED IN THE COMMAND:\n  {} the input   {.} without extension   {/} base name\n  \
                  {//} directory   {/.} base name without extension\n  {#} task id   {%} worker slot\n  \
                  {2} {2.} {2/} ... of the second source, column or input; {-1} of the last\n\n\
                  SOURCES:\n  ::: a b ::: 1 2    all combinations: a 1, a 2, b 1, b 2\n  \
                  ::: a b :::+ 1 2   one of each together: a 1, b 2\n  \
                  :::: and ::::+     the same with the lines of files\n\n\
                  A command of several words is run as it stands. A single word is split as a\n\
                  shell would, but is not run by a shell: for pipes, redirection, variables or\n\
                  shell functions add --shell; what replaces {} is quoted then. Without any of\n\
                  these the input becomes the last word (not for --array). A task's stdin is\n\
                  empty. Without a command each input is a command line, run by sh.\n\n\
                  The job is durable before the first task starts. Ctrl-C, --halt, a crash or a\n\
                  power cut lose nothing: `divvy resume` goes on, without a job log.\n\n\
                  alias parallel='divvy run --shell' makes command lines of GNU parallel mean\n\
                  the same here."
)]
pub struct RunArgs {
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
    #[command(flatten)]
    pub workers: WorkersArg,
    /// Run the command, one string, in sh, or in the sh, dash or bash that PARALLEL_SHELL names
    #[arg(long)]
    pub shell: bool,
    /// Print the commands and run nothing
    #[arg(long, alias = "dryrun")]
    pub dry_run: bool,
    /// Run tasks in DIR, which is made if it is not there
    #[arg(long, visible_alias = "workdir", alias = "wd", value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// Set a variable for the tasks; a bare NAME says what is so anyway, that they see yours
    #[arg(hide_short_help = true, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<OsString>,
    /// A name to find the job by
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub show: ShowFlags,
    // Those have headings, under which whatever follows would stand.
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub policy: PolicyArgs,
    #[command(flatten)]
    pub keep: KeepArgs,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub handler: HandlerArgs,
    #[command(flatten)]
    pub plan: PlanArgs,
    #[command(flatten)]
    pub foreign: ForeignArgs,
}
