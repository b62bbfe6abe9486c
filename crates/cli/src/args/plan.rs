//! What a job waits for and what its tasks take, and what a node has for them.

use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// What a job waits for, and what its tasks take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Order and resources")]
pub struct PlanArgs {
    /// Run the tasks that FILE describes, each after those it waits for (- is stdin): see docs/graphs.md
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cpus", "mem", "resource"])]
    pub graph: Option<PathBuf>,
    /// Start when these jobs have succeeded: 7, 1-5, last; may be repeated
    #[arg(hide_short_help = true, long, value_name = "JOBS")]
    pub after: Vec<OsString>,
    /// Cores that a task takes of its node: 2, 0.5
    #[arg(long, value_name = "N")]
    pub cpus: Option<OsString>,
    /// Memory that a task takes of its node; of several sizes the next for one that needed more: 1G,2G,4G
    #[arg(long, value_name = "SIZE[,SIZE...]")]
    pub mem: Option<OsString>,
    /// What else a task takes of its node: gpu=1; may be repeated
    #[arg(hide_short_help = true, long, value_name = "NAME=N")]
    pub resource: Vec<OsString>,
    #[command(flatten)]
    pub capacity: CapacityArg,
}

/// What a node has for its tasks.
#[derive(Debug, Clone, Default, Args)]
pub struct CapacityArg {
    /// What this node has for its tasks: cpus=8,mem=16G,gpu=2 (default: this machine's cores and memory)
    #[arg(long, value_name = "NAME=N,...", help_heading = "Order and resources")]
    pub capacity: Option<OsString>,
}
