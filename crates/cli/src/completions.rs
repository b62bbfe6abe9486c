//! `divvy completions` and `divvy man`: made from the one definition of the flags, so that they never differ from it.

use crate::args::{Cli, CompletionsArgs, ManArgs, without_joiners};
use crate::exit::Exit;
use crate::jobs::print;
use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use std::path::Path;

/// The program's name, as completions and pages have it.
const NAME: &str = "divvy";

/// Prints completions for a shell.
///
/// # Errors
/// What the system says.
pub fn completions(args: &CompletionsArgs) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    print(&without_joiners(&String::from_utf8(script).context("a script of valid text")?))?;
    Ok(Exit::Done)
}

/// Prints the main page, or writes all pages into a directory.
///
/// # Errors
/// What the system says.
pub fn man(args: &ManArgs) -> Result<Exit> {
    let mut command = Cli::command();
    command.build();
    match &args.dir {
        None => print(&page(&command, NAME)?)?,
        Some(dir) => {
            std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
            write_pages(&command, NAME, dir)?;
        }
    }
    Ok(Exit::Done)
}

/// A page for a command and each below it: `divvy.1`, `divvy-run.1`, `divvy-bench-noop.1`.
fn write_pages(command: &Command, name: &str, dir: &Path) -> Result<()> {
    let path = dir.join(format!("{name}.1"));
    std::fs::write(&path, page(command, name)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help");
    for verb in verbs {
        write_pages(verb, &format!("{name}-{}", verb.get_name()), dir)?;
    }
    Ok(())
}

fn page(command: &Command, name: &str) -> Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name).render(&mut page)?;
    Ok(without_joiners(&String::from_utf8(page).context("a page of valid text")?))
}
