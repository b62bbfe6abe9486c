//! Which handler runs the tasks, where it is not a command for each.

use clap::Args;
use std::ffi::OsString;

/// Which handler runs the tasks, where it is not a command for each.
#[derive(Debug, Args)]
#[command(next_help_heading = "Handlers")]
pub struct HandlerArgs {
    /// Keep one process of COMMAND for each worker and feed it tasks as lines of JSON, in place of a command for each
    /// task; COMMAND is one string, split as a shell would
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["shell", "command"])]
    pub handler: Option<OsString>,
}
