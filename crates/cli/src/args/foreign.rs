//! Flags of GNU parallel that mean nothing here, or that divvy does not have.
//!
//! Scripts that carry the first kind run as they are; the second kind is refused with what there is instead, which
//! says more than that the flag is unknown.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

/// The flags that were given.
#[derive(Debug, Clone)]
pub struct ForeignArgs {
    /// A sentence about the first one that divvy does not have.
    pub refused: Option<String>,
}

/// One such flag.
struct Foreign {
    long: &'static str,
    short: Option<char>,
    takes_value: bool,
    /// `None`: it means nothing here.
    refused: Option<&'static str>,
}

const REMOTE: &str =
    "divvy runs tasks on this machine; nodes that share a store divide a job: start `divvy work` on each";
const SQL: &str =
    "divvy keeps every job in its own database (DIVVY_STORE): see `divvy show` and `divvy resume`";
const SEMAPHORE: &str = "divvy has no semaphores: give all commands to one `divvy run -j N`";
const TERMINAL: &str = "divvy opens no terminals for tasks: --line-buffer and --tag show who prints what";
const MEMORY: &str = "divvy suspends no tasks: --memfree SIZE ends the youngest and runs it again later";

/// All of them.
const FLAGS: &[Foreign] = &[
    nothing("will-cite"),
    nothing("bibtex"),
    nothing("citation"),
    nothing("plain"),
    nothing("no-notice"),
    nothing("gnu"),
    nothing("no-keep-order"),
    nothing("ssh-delay").valued(),
    nothing("total-jobs").valued(),
    lacking("sshlogin", REMOTE).short('S').valued(),
    lacking("sshloginfile", REMOTE).valued(),
    lacking("slf", REMOTE).valued(),
    lacking("hostgroups", REMOTE),
    lacking("transfer", REMOTE),
    lacking("transferfile", REMOTE).valued(),
    lacking("tf", REMOTE).valued(),
    lacking("return", REMOTE).valued(),
    lacking("trc", REMOTE).valued(),
    lacking("cleanup", REMOTE),
    lacking("basefile", REMOTE).valued(),
    lacking("bf", REMOTE).valued(),
    lacking("onall", REMOTE),
    lacking("nonall", REMOTE),
    lacking("controlmaster", REMOTE).short('M'),
    lacking("sql", SQL).valued(),
    lacking("sqlmaster", SQL).valued(),
    lacking("sqlworker", SQL).valued(),
    lacking("sqlandworker", SQL).valued(),
    lacking("tmux", TERMINAL),
    lacking("tmuxpane", TERMINAL),
    lacking("interactive", "divvy asks nothing while it runs: --dry-run prints the commands first")
        .short('p'),
    lacking("semaphore", SEMAPHORE),
    lacking("semaphorename", SEMAPHORE).valued(),
    lacking("semaphoretimeout", SEMAPHORE).valued(),
    lacking("st", SEMAPHORE).valued(),
    lacking("fg", SEMAPHORE),
    lacking("bg", SEMAPHORE),
    lacking("embed", "divvy is one file: copy it beside the script"),
    lacking("memsuspend", MEMORY).valued(),
    lacking("limit", "divvy asks no program whether it may start a task: see --load, --memfree, --noswap")
        .valued(),
    lacking(
        "compress",
        "divvy does not compress outputs that wait: they lie beside the store, see DIVVY_DIR",
    ),
];

const fn nothing(long: &'static str) -> Foreign {
    Foreign { long, short: None, takes_value: false, refused: None }
}

const fn lacking(long: &'static str, instead: &'static str) -> Foreign {
    Foreign { long, short: None, takes_value: false, refused: Some(instead) }
}

impl Foreign {
    const fn short(self, short: char) -> Foreign {
        Foreign { short: Some(short), ..self }
    }

    const fn valued(self) -> Foreign {
        Foreign { takes_value: true, ..self }
    }

    fn arg(&self) -> Arg {
        // Repeated as often as one likes.
        let action = if self.takes_value { ArgAction::Append } else { ArgAction::Count };
        let arg = Arg::new(self.long).long(self.long).action(action).hide(true);
        match self.short {
            Some(short) => arg.short(short),
            None => arg,
        }
    }
}

impl Args for ForeignArgs {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(Foreign::arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        ForeignArgs::augment_args(command)
    }
}

impl FromArgMatches for ForeignArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<ForeignArgs, Error> {
        let given = |flag: &&Foreign| matches.value_source(flag.long) == Some(ValueSource::CommandLine);
        // `-S :` is this machine.
        let is_here = |flag: &&Foreign| {
            let mut values = matches.get_many::<String>(flag.long).into_iter().flatten();
            flag.long == "sshlogin" && values.all(|value| value == ":")
        };
        let refused = FLAGS.iter().filter(given).filter(|flag| !is_here(flag));
        let refused = refused.filter_map(|flag| Some((flag.long, flag.refused?))).next();
        Ok(ForeignArgs { refused: refused.map(|(flag, instead)| format!("there is no --{flag}: {instead}")) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = ForeignArgs::from_arg_matches(matches)?;
        Ok(())
    }
}
