//! Every flag, once.
//!
//! `run.rs` is `divvy run`, in groups that other verbs may take over: `input.rs` is where inputs come from, with
//! `sources.rs` for those behind `:::`, `placeholders.rs` how the command shows them, `pipe.rs` stdin in blocks,
//! `policy.rs` how tasks may fail and be bounded, `keep.rs` what becomes of their output and is written down,
//! `plan.rs` what they wait for and take, `handler.rs` what runs them, `foreign.rs` what other programs have and divvy does not.
//! `scale.rs` is `divvy scale`, `verbs.rs` has the verbs around jobs, `mistakes.rs` the words for a command line that is none.
//!
//! `-h` shows what most people need; flags that hide there (`hide_short_help`) are in `--help`, the manual and the completions.

mod foreign;
mod handler;
mod input;
mod keep;
mod mapreduce;
mod mistakes;
mod pipe;
mod placeholders;
mod plan;
mod policy;
mod run;
mod scale;
mod sources;
mod stream;
mod verbs;

pub use foreign::ForeignArgs;
pub use handler::HandlerArgs;
pub use input::{InputArgs, PackArgs, SourceArgs};
pub use keep::{KeepArgs, LogArgs};
pub use mapreduce::{DataArgs, FieldArgs, GrepArgs, JoinArgs, MapReduceArgs, MapReduceProgram, Outer};
pub use mistakes::words as mistake;
pub use pipe::PipeArgs;
pub use placeholders::PlaceholderArgs;
pub use plan::{CapacityArg, PlanArgs};
pub use policy::PolicyArgs;
pub use run::RunArgs;
pub use scale::{
    AmdahlArgs, AskArgs, BatchArgs, CostsArgs, DrawArgs, HerdArgs, PathsArgs, QueueArgs, ScaleArgs,
    ScaleFitArgs, ScaleRunArgs, ScaleWhat, UslArgs,
};
pub use sources::{Source, split_sources};
pub use stream::{StreamArgs, hadoop_words};
pub use verbs::{
    BillArgs, CapacityArgs, CompletionsArgs, ExplainArgs, LogsArgs, ManArgs, RetryArgs, SubmitArgs, WaitArgs,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;

/// Divides work among workers and shows what the dividing costs.
#[derive(Debug, Parser)]
#[command(
    name = "divvy",
    version,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "EXAMPLES:\n  divvy run gzip -9 -k {} ::: *.log\n  find . -name '*.wav' | divvy run -j 2 flac {}\n  \
                  divvy run --array 1-1000000:3 ./sim {}\n  divvy resume\n  \
                  divvy submit --graph night.toml\n\n\
                  EXIT CODES:\n  0 all done; 1-100 that many tasks failed, 101 more (--halt: as GNU parallel has it);\n  \
                  123 a job waits for one that failed; 124 timed out (wait); 125 bad usage;\n  \
                  126 cannot go on: the store is unreachable, damaged or full, outputs cannot be kept,\n  \
                  or a handler does not start or keeps ending; 130 interrupted; 141 output closed\n\n\
                  ENVIRONMENT:\n  DIVVY_DIR    where jobs are kept (default: divvy in your XDG state directory)\n  \
                  DIVVY_STORE  the store itself, sqlite:PATH (default: sqlite:$DIVVY_DIR/divvy.db)\n  \
                  Tasks see DIVVY_JOB, DIVVY_TASK, DIVVY_INPUT, DIVVY_ATTEMPT, DIVVY_FENCE, DIVVY_SLOT."
)]
pub struct Cli {
    /// How to answer: for people, as JSON, or not at all but for errors
    // Behind the flags of each verb, which are what its help is read for.
    #[arg(long, value_enum, default_value = "human", global = true, display_order = 900)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text for people.
    Human,
    /// One JSON value.
    Json,
    /// Nothing but errors.
    Quiet,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a command for each input, durably
    Run(Box<RunArgs>),
    /// Map and reduce files: word counts, sorts, joins, your own programs
    #[command(name = "mapreduce", visible_alias = "mr")]
    MapReduce(Box<MapReduceArgs>),
    /// Store a job that runs in the background, and return at once
    Submit(Box<SubmitArgs>),
    /// Go on with a job that was interrupted or paused, here
    Resume(ResumeArgs),
    /// Lend this machine's workers to the jobs in the store
    Work(WorkArgs),
    /// List the jobs
    #[command(
        after_help = "STATES:\n  open      its inputs are still being read\n  waiting   for a node, or for other jobs\n  \
                      running   nodes have tasks of it\n  stopped   it was begun, and no node is there: `divvy resume JOB` goes on\n            \
                      (--output json: how it stood then, open, waiting or running)\n  \
                      paused, canceled, failed, done"
    )]
    Jobs,
    /// Show a job, or one task of it
    Show(ShowArgs),
    /// Say why a task is where it is, and what to do
    Explain(ExplainArgs),
    /// Print what the tasks of a submitted job have printed
    Logs(LogsArgs),
    /// Show the nodes and what they run
    Ps,
    /// Say what more workers would get done, and what would limit them
    Capacity(CapacityArgs),
    /// Wait until jobs have finished; exits like `divvy run`
    Wait(WaitArgs),
    /// Let jobs rest: what runs goes on, nothing new is started
    Pause(JobsArgs),
    /// Let paused jobs go on, without running them here
    Unpause(JobsArgs),
    /// Give dead tasks new attempts; `divvy resume` runs them
    Retry(RetryArgs),
    /// Cancel a job, or some tasks of it
    Cancel(TasksArgs),
    /// Forget finished jobs
    Forget(JobsArgs),
    /// Show where the worker time of a job went, or compare two
    Bill(BillArgs),
    /// Say how a program's throughput grows with workers, and what limits it
    Scale(Box<ScaleArgs>),
    /// Measure divvy itself on this machine
    Bench(BenchArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all verbs into a directory
    Man(ManArgs),
}

/// A text of clap's as it is meant to be read: see `scale.rs`.
pub fn without_joiners(text: &str) -> String {
    text.replace('\u{2060}', "")
}

/// Workers where nobody says how many: one for each core.
const WORKERS: &str = "100%";
/// `--grace` where nobody says.
pub const GRACE_SECONDS: u64 = 10;

/// How many workers.
#[derive(Debug, Clone, Args)]
pub struct WorkersArg {
    /// Workers: a number, 0 for as many as there may be, 50% of the cores, +1 or -1 core
    #[arg(
        short = 'j',
        long = "jobs",
        visible_alias = "workers",
        alias = "max-procs",
        short_alias = 'P',
        value_name = "N",
        default_value = WORKERS,
        allow_hyphen_values = true
    )]
    pub count: OsString,
}

impl Default for WorkersArg {
    fn default() -> WorkersArg {
        WorkersArg { count: WORKERS.into() }
    }
}

/// What to show while work runs and after it.
#[derive(Debug, Clone, Copy, Args)]
pub struct ShowFlags {
    /// Show progress even if stderr is no terminal: there a line now and then
    #[arg(long, visible_alias = "bar", visible_alias = "eta")]
    pub progress: bool,
    /// Show the bill at the end even if stderr is no terminal, or the run was shorter than a second
    #[arg(long)]
    pub bill: bool,
    /// Say what is set by what is measured, such as how many tasks are leased at once, and why: on stderr, when it has
    /// changed by more than half
    #[arg(long, hide_short_help = true)]
    pub explain_tuning: bool,
    /// On SIGTERM, let running tasks finish for so many seconds before they are ended and given back
    #[arg(long, value_name = "SECONDS", default_value_t = GRACE_SECONDS)]
    pub grace: u64,
}

/// Go on with a job.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub workers: WorkersArg,
    #[command(flatten)]
    pub capacity: CapacityArg,
    #[command(flatten)]
    pub show: ShowFlags,
    /// Which job: its number, or `last`
    #[arg(default_value = "last")]
    pub job: OsString,
}

/// Lend workers.
#[derive(Debug, Args)]
pub struct WorkArgs {
    #[command(flatten)]
    pub workers: WorkersArg,
    /// Leave when there is nothing to do
    #[arg(long)]
    pub until_empty: bool,
    #[command(flatten)]
    pub capacity: CapacityArg,
    #[command(flatten)]
    pub show: ShowFlags,
    /// How `divvy submit` starts it: without a terminal, with the worker's lock as stdin.
    #[arg(long, hide = true)]
    pub background: bool,
    /// Seconds without work after which it leaves then.
    #[arg(long, hide = true, default_value_t = 3)]
    pub linger: u64,
}

/// Show a job.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Which job: its number, or `last`
    #[arg(default_value = "last")]
    pub job: OsString,
    /// One of its tasks: an id, or a name in a graph
    #[arg(value_name = "TASK")]
    pub given_task: Option<OsString>,
    /// The same; so a task of the last job can be named
    #[arg(long, value_name = "TASK", conflicts_with = "given_task")]
    pub task: Option<OsString>,
}

/// Jobs.
#[derive(Debug, Args)]
pub struct JobsArgs {
    /// Which jobs: 7, 1-5, 1,3,5-8, last, all
    #[arg(default_value = "last")]
    pub jobs: OsString,
}

/// Tasks of a job.
#[derive(Debug, Args)]
pub struct TasksArgs {
    /// Which job: its number, or `last`
    #[arg(default_value = "last")]
    pub job: OsString,
    /// Only these tasks, by id: 7, 1-5, 1-100:2
    #[arg(long, value_name = "IDS")]
    pub tasks: Option<OsString>,
}

/// Measure divvy.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure.
    #[command(subcommand)]
    pub what: BenchWhat,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum BenchWhat {
    /// The engine alone: tasks that do nothing, in a store of their own on your disk
    Noop(NoopArgs),
    /// A graph of tasks that do nothing: layers of `--width`, each task after 1 to 3 of the layer before
    Graph(GraphArgs),
    /// What is predicted of more workers, against what is measured with them
    Capacity(CapacityBenchArgs),
}

/// Predictions, and what is measured.
#[derive(Debug, Args)]
pub struct CapacityBenchArgs {
    /// Only these systems, by name, separated by commas
    #[arg(long, value_name = "NAMES")]
    pub only: Option<String>,
    /// How long each number of nodes is seen
    #[arg(long, value_name = "MS", default_value_t = 2_000)]
    pub step_ms: u64,
    /// How long each measurement lasts
    #[arg(long, value_name = "MS", default_value_t = 3_000)]
    pub measure_ms: u64,
    /// How often to try again what was disturbed by others on this machine
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub tries: u32,
    /// How often to go through all of it
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub rounds: u32,
    /// Print what was seen
    #[arg(long)]
    pub verbose: bool,
}

/// A graph of tasks that do nothing.
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// How many tasks
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub tasks: u64,
    /// How many in a layer
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub width: u64,
    /// Which random graph
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub workers: WorkersArg,
    /// What an acknowledged write survives
    #[arg(long, value_enum, default_value = "fsync")]
    pub durability: DurabilityArg,
}

/// Tasks that do nothing.
#[derive(Debug, Args)]
pub struct NoopArgs {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub tasks: u64,
    /// Give each a record of so many bytes; without it the job is an array, which stores no records
    #[arg(long, value_name = "BYTES")]
    pub payload: Option<u32>,
    #[command(flatten)]
    pub workers: WorkersArg,
    /// What an acknowledged write survives
    #[arg(long, value_enum, default_value = "fsync")]
    pub durability: DurabilityArg,
    /// Keep no account of the workers' time: what is left is what the account costs
    #[arg(long, hide = true)]
    pub no_account: bool,
    /// Do something in each task: so many rounds of arithmetic, a few instructions each
    #[arg(long, hide = true, value_name = "ROUNDS", default_value_t = 0)]
    pub work: u64,
}

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DurabilityArg {
    /// Power loss.
    Fsync,
    /// The end of the process, not power loss.
    Process,
    /// Nothing is promised.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_flags_holds() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn help_says_how_the_number_of_workers_is_written() {
        let error = Cli::try_parse_from(["divvy", "scale", "run", "--help"]).unwrap_err();
        let help = without_joiners(&error.render().to_string());
        assert!(help.contains("./bench --threads {n}") && help.contains("as in {n}*1000"), "{help}");
    }

    #[test]
    fn flags_end_where_the_command_begins() {
        for flags in
            [&["--retries", "3", "-j2"][..], &["-j", "2", "--retries=3"], &["-k", "-j2", "--retries", "3"]]
        {
            let line = ["divvy", "run"].iter().chain(flags).chain(&["ls", "-j", "9", ":::", "-x", "--help"]);
            let (words, sources) = split_sources(line.map(OsString::from));
            let Verb::Run(run) = Cli::try_parse_from(words).unwrap().verb else { panic!("not run") };
            assert_eq!((run.workers.count.to_str(), run.policy.retries), (Some("2"), 3));
            assert_eq!(run.command, ["ls", "-j", "9"]);
            assert_eq!(sources.unwrap()[0].words, ["-x", "--help"]);
        }
    }
}
