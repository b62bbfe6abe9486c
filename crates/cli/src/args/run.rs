//! `divvy run`.

use super::{InputArgs, KeepArgs, PlanArgs, PolicyArgs, ShowFlags, WorkersArg};
use clap::Args;
use std::ffi::OsString;

/// Run a command for each input.
#[derive(Debug, Args)]
#[command(
    override_usage = "divvy run [OPTIONS] COMMAND... ::: INPUT...\n       divvy run [OPTIONS] COMMAND... < INPUTS\n       \
                      divvy run [OPTIONS] --array FIRST-LAST[:STEP] COMMAND...\n       divvy run [OPTIONS] --graph FILE",
    after_help = "REPLACED IN THE COMMAND:\n  {} the input   {.} without extension   {/} base name   {//} directory\n  \
                  {/.} base name without extension   {#} task id   {%} worker slot\n\n\
                  A command of several words is run as it stands. A single word is split as a shell would, but is not\n\
                  run by a shell: for pipes, redirection or variables add --shell; what replaces {} is quoted then.\n\
                  Without {} the input becomes the last word (not for --array). A task's stdin is empty.\n\n\
                  The job is durable before the first task starts. Ctrl-C, a crash or a power cut lose nothing:\n\
                  `divvy resume` goes on."
)]
pub struct RunArgs {
    #[command(flatten)]
    pub workers: WorkersArg,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub policy: PolicyArgs,
    #[command(flatten)]
    pub keep: KeepArgs,
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Run the command, one string, in sh
    #[arg(long)]
    pub shell: bool,
    /// A name to find the job by
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub show: ShowFlags,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}
