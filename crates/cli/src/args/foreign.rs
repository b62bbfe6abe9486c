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
const WAITING: &str = "`divvy run` waits in any case, and `divvy wait` for a job that was submitted";
const TERMINAL: &str = "divvy opens no terminals for tasks: --line-buffer and --tag show who prints what";
const MEMORY: &str = "divvy suspends no tasks: --memfree SIZE ends the youngest and runs it again later";

const PERL: &str = "that is Perl, which divvy does not run: change the input inside the command";
const COLORS: &str = "divvy colors no outputs: --tag says whose they are";
const SPREAD: &str = "divvy hands records on in the order they come; sort or split the data first";
const CORES: &str = "nproc says how many cores there are, and -j takes numbers and shares of them";
const LIMITS: &str = "getconf ARG_MAX says it; -s sets less";
const PACKED: &str = "divvy does not compress outputs that wait: they lie beside the store, see DIVVY_DIR";
const SHEBANG: &str = "write a script that calls `divvy run` with \"$@\"";

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
    nothing("sshdelay").valued(),
    nothing("nokeeporder"),
    nothing("silent"),
    nothing("total-jobs").valued(),
    lacking("sshlogin", REMOTE).short('S').valued(),
    lacking("sshloginfile", REMOTE).valued(),
    lacking("slf", REMOTE).valued(),
    lacking("hostgroups", REMOTE),
    lacking("hgrp", REMOTE),
    lacking("filter-hosts", REMOTE),
    lacking("ssh", REMOTE).valued(),
    lacking("rsync-opts", REMOTE).valued(),
    lacking("record-env", REMOTE),
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
    lacking("sql-master", SQL).valued(),
    lacking("sql-worker", SQL).valued(),
    lacking("sql-and-worker", SQL).valued(),
    lacking("sqlmaster", SQL).valued(),
    lacking("sqlworker", SQL).valued(),
    lacking("sqlandworker", SQL).valued(),
    lacking("tmux", TERMINAL),
    lacking("tmuxpane", TERMINAL),
    lacking("tty", TERMINAL),
    lacking("open-tty", TERMINAL),
    lacking("latest-line", TERMINAL),
    lacking("ll", TERMINAL),
    lacking("parens", PERL).valued(),
    lacking("filter", PERL).valued(),
    lacking("color", COLORS),
    lacking("color-failed", COLORS),
    lacking("cf", COLORS),
    lacking("ctag", COLORS),
    lacking("ctagstring", COLORS).valued(),
    lacking("bin", SPREAD).valued(),
    lacking("shard", SPREAD).valued(),
    lacking("group-by", SPREAD).valued(),
    lacking(
        "tee",
        "divvy gives each block to one task: run `tee` and process substitution, or one job for each command",
    ),
    lacking("block-timeout", "divvy waits for a whole block: a smaller --block comes sooner").valued(),
    lacking("bt", "divvy waits for a whole block: a smaller --block comes sooner").valued(),
    lacking("csv", "--colsep , splits at every comma; convert what has commas in quotes first"),
    lacking("number-of-cpus", CORES),
    lacking("number-of-cores", CORES),
    lacking("number-of-sockets", CORES),
    lacking("number-of-threads", CORES),
    lacking("use-cpus-instead-of-cores", CORES),
    lacking("use-cores-instead-of-threads", CORES),
    lacking("use-sockets-instead-of-threads", CORES),
    lacking("max-line-length-allowed", LIMITS),
    lacking("show-limits", LIMITS),
    lacking("exit", "an input that does not fit on a command line fails its task, which is counted")
        .short('x'),
    lacking("minversion", "divvy's versions are not GNU parallel's: see divvy --version").valued(),
    lacking("profile", "keep flags in a shell function or alias").short('J').valued(),
    lacking("process-slot-var", "DIVVY_SLOT and PARALLEL_JOBSLOT hold the slot").valued(),
    lacking("session", "divvy remembers no variables: a task has those of the submission, and --env"),
    lacking("shebang", SHEBANG),
    lacking("hashbang", SHEBANG),
    lacking("shebang-wrap", SHEBANG),
    lacking("shell-completion", "divvy completions bash prints it").valued(),
    lacking("shellquote", "printf '%q ' does it in bash; divvy quotes inputs by itself"),
    lacking("shell-quote", "printf '%q ' does it in bash; divvy quotes inputs by itself"),
    lacking("template", "write the file inside the command, from {}").valued(),
    lacking("tmpl", "write the file inside the command, from {}").valued(),
    lacking("interactive", "divvy asks nothing while it runs: --dry-run prints the commands first")
        .short('p'),
    lacking("semaphore", SEMAPHORE),
    lacking("semaphore-name", SEMAPHORE).valued(),
    lacking("semaphore-timeout", SEMAPHORE).valued(),
    lacking("id", SEMAPHORE).valued(),
    lacking("wait", WAITING),
    lacking("semaphorename", SEMAPHORE).valued(),
    lacking("semaphoretimeout", SEMAPHORE).valued(),
    lacking("st", SEMAPHORE).valued(),
    lacking("fg", SEMAPHORE),
    lacking("bg", SEMAPHORE),
    lacking("embed", "divvy is one file: copy it beside the script"),
    lacking("memsuspend", MEMORY).valued(),
    lacking("limit", "divvy asks no program whether it may start a task: see --load, --memfree, --noswap")
        .valued(),
    lacking("compress", PACKED),
    lacking("compress-program", PACKED).valued(),
    lacking("decompress-program", PACKED).valued(),
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
            flag.long == "sshlogin"
                && matches
                    .get_many::<String>(flag.long)
                    .is_some_and(|mut hosts| hosts.all(|host| host == ":"))
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
