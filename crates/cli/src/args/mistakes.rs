//! What to say to a command line that is none: clap's findings in divvy's words, and the verbs of other programs.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Verbs that people know from elsewhere, and what they are called here.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["job", "list", "ls", "status", "stat", "queue", "info", "history"],
        "`divvy jobs` lists the jobs, `divvy show [JOB]` shows one",
    ),
    (
        &["task", "tasks"],
        "`divvy show [JOB]` lists the tasks that failed, `divvy show JOB TASK` and `divvy explain JOB TASK` tell \
         about one",
    ),
    (&["node", "nodes", "workers", "top"], "`divvy ps` shows the nodes and what they run"),
    (
        &["worker", "server", "start", "daemon", "alloc"],
        "there is no server to start: `divvy run` and `divvy submit` see to their workers, and `divvy work` lends more",
    ),
    (&["kill", "stop", "abort"], "`divvy cancel [JOB]` ends a job, `divvy pause [JOB]` lets it rest"),
    (&["rm", "remove", "delete", "clean", "purge"], "`divvy forget [JOBS]` removes finished jobs"),
    (&["log", "cat", "tail"], "`divvy logs [JOB]` prints what the tasks of submitted jobs printed"),
    (
        &["continue", "restart", "rerun"],
        "`divvy resume [JOB]` goes on, `divvy retry [JOB]` first takes back failures",
    ),
    (
        &["bill", "cost", "account"],
        "the bill comes at the end of `divvy run` and `divvy resume`, with --bill always",
    ),
    (&["parallel", "exec"], "`divvy run` runs a command for each input"),
    (&["version"], "`divvy --version` prints it"),
];

/// The whole message, with a newline at its end; `None` for what is help rather than a mistake.
pub fn words(error: &Error) -> Option<String> {
    use ErrorKind::{
        DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion, InvalidSubcommand,
    };
    match error.kind() {
        DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand => None,
        InvalidSubcommand => Some(format!("divvy: {}\n", no_verb(error))),
        _ => Some(shorter(&error.render().to_string())),
    }
}

fn no_verb(error: &Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(one)) => Some(one.clone()),
        Some(ContextValue::Strings(several)) => several.first().cloned(),
        _ => None,
    };
    let verb = text(ContextKind::InvalidSubcommand).unwrap_or_default();
    let here = ELSEWHERE.iter().find(|(verbs, _)| verbs.contains(&verb.as_str()));
    let hint = match (here, text(ContextKind::SuggestedSubcommand)) {
        (Some((_, here)), _) => (*here).to_owned(),
        (None, Some(similar)) => format!("`divvy {similar}` is meant? `divvy -h` lists the verbs"),
        (None, None) => {
            format!(
                "to run it for each input, `divvy run {verb} ... ::: INPUT...`; `divvy -h` lists the verbs"
            )
        }
    };
    format!("there is no verb `{verb}`: {hint}")
}

/// One line of usage is a reminder; all of them would push what is wrong off the screen.
fn shorter(rendered: &str) -> String {
    let (what, rest) = rendered.split_once("\n\nUsage: ").unwrap_or((rendered.trim_end(), ""));
    let mut out = format!("divvy: {}\n", what.strip_prefix("error: ").unwrap_or(what));
    let Some(usage) = rest.lines().next() else { return out };
    let is_verb = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    let verb: Vec<_> = usage.split_whitespace().take_while(is_verb).collect();
    if let Some(tip) = tip(what, &verb) {
        out += &format!("\n  tip: {tip}\n");
    }
    out += &format!("\nUsage: {usage}\n`{} --help` lists all flags\n", verb.join(" "));
    out
}

/// What clap cannot know.
fn tip(what: &str, verb: &[&str]) -> Option<&'static str> {
    let argument = what.strip_prefix("error: unexpected argument '");
    let is_number = argument.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match verb {
        ["divvy"] if argument.is_some_and(|rest| rest.starts_with('-')) => {
            Some("flags stand behind the verb, as in `divvy run -j 4`")
        }
        ["divvy", "logs"] if is_number => Some("a job's task is named by `--task ID`"),
        ["divvy", "retry" | "cancel"] if is_number => {
            Some("jobs are named one at a time, and a job's tasks by `--tasks IDS`: 7, 1-5, 1-100:2")
        }
        ["divvy", "run" | "submit"]
            if what.contains("'--handler <COMMAND>' cannot be used with '[COMMAND]") =>
        {
            Some(
                "the handler is one string, as in --handler 'python3 worker.py', and is told the input without a {}",
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::args::Cli;
    use clap::Parser;

    fn said(line: &str) -> String {
        let error = Cli::try_parse_from(line.split(' ')).expect_err("a mistake");
        super::words(&error).unwrap_or_default()
    }

    #[test]
    fn verbs_of_other_programs_lead_to_ours() {
        for (line, here) in [
            ("divvy status", "divvy jobs"),
            ("divvy job list", "divvy jobs"),
            ("divvy task explain 3 1", "divvy explain"),
            ("divvy kill 3", "divvy cancel"),
            ("divvy server start", "divvy submit"),
            ("divvy shwo", "`divvy show` is meant?"),
            ("divvy gzip -9", "divvy run gzip"),
        ] {
            let said = said(line);
            assert!(said.starts_with("divvy: there is no verb `") && said.contains(here), "{line}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }

    #[test]
    fn usage_is_one_line_and_names_the_verb() {
        let run = said("divvy run --wokers 2 true");
        assert!(
            run.starts_with("divvy: unexpected argument '--wokers'") && run.contains("--workers"),
            "{run}"
        );
        assert!(
            run.contains("\nUsage: divvy run [OPTIONS]")
                && run.ends_with("`divvy run --help` lists all flags\n"),
            "{run}"
        );
        assert_eq!(run.matches("[OPTIONS]").count(), 1, "{run}");
        assert!(said("divvy -j 4 run true").contains("behind the verb"));
        assert!(!said("divvy run -@ true").contains("behind the verb"));
        assert_eq!(said("divvy --help"), "");
    }

    #[test]
    fn usual_slips_have_a_tip() {
        assert!(said("divvy logs 14 2").contains("--task ID"));
        assert!(said("divvy retry 14 2").contains("--tasks IDS"));
        assert!(said("divvy run --handler python3 worker.py").contains("one string"));
        assert!(!said("divvy wait 14 2").contains("tip:"));
    }
}
