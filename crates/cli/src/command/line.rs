//! One task's command line.

use super::program::{Script, find};
use super::{Content, Recipe, Record, Step};
use crate::lang::placeholder::Input;
use crate::lang::shell::ShellTemplate;
use crate::lang::template::Template;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// A recipe, taken apart.
#[derive(Debug)]
pub struct Line {
    text: Text,
    /// Who reads a text.
    shell: String,
    record: Record,
    /// Where the program is, if its name does not depend on the input. Looked up once: a search of PATH for each
    /// of a million tasks is a million failed starts.
    program: Option<PathBuf>,
    /// That program has turned out to be a script without a `#!` line.
    is_script: AtomicBool,
    cwd: Option<PathBuf>,
    env: Option<Vec<(OsString, OsString)>>,
}

#[derive(Debug)]
enum Text {
    Words(Template),
    Shell(ShellTemplate),
    /// The input is the text.
    Given,
    /// Each task's record is its own command.
    PerTask,
}

impl Line {
    /// Takes a recipe apart and finds its program.
    ///
    /// # Errors
    /// A sentence: bad placeholders, a program or directory that is not there.
    pub fn new(recipe: &Recipe) -> Result<Line, String> {
        if !recipe.cwd().is_dir() {
            return Err(format!("its directory {} is not there", recipe.cwd().display()));
        }
        let shell = shell_of(recipe)?;
        if recipe.text.per_task {
            let (cwd, env) = (recipe.cwd().to_owned(), recipe.env.clone());
            let record = recipe.text.record.clone();
            let text = Text::PerTask;
            let (program, is_script, cwd, env) = (None, AtomicBool::new(false), Some(cwd), Some(env));
            return Ok(Line { text, shell, record, program, is_script, cwd, env });
        }
        let (text, name) = match &recipe.text {
            text if text.words.is_empty() => (Text::Given, Some(OsString::from(&shell))),
            text if text.shell => (shell_text(recipe)?, Some(OsString::from(&shell))),
            _ => words(recipe)?,
        };
        let program = name.map(|name| find(&name, recipe.cwd(), &recipe.env)).transpose()?;
        // Where nothing differs from this process nothing is set: a task costs less than half a millisecond, and
        // going to a directory and copying an environment are a part of it that can be measured.
        let here = std::env::current_dir().is_ok_and(|dir| dir == recipe.cwd());
        let cwd = (!here).then(|| recipe.cwd().to_owned());
        let same = std::env::vars_os().eq(recipe.env.iter().cloned());
        let env = (!same).then(|| recipe.env.clone());
        let (record, is_script) = (recipe.text.record.clone(), AtomicBool::new(false));
        Ok(Line { text, shell, record, program, is_script, cwd, env })
    }

    /// What a task gets of its record.
    ///
    /// # Errors
    /// A sentence, if it cannot be read.
    pub fn content<'a>(&self, record: &'a [u8]) -> Result<Content<'a>, String> {
        if let Text::PerTask = self.text {
            return told(record);
        }
        self.record.read(record).map_err(|e| format!("cannot read its input: {e}"))
    }

    /// What a task gets of its record as arguments.
    ///
    /// # Errors
    /// A sentence, if it cannot be read.
    pub fn arguments<'a>(&self, record: &'a [u8]) -> Result<Content<'a>, String> {
        if let Text::PerTask = self.text {
            return told(record);
        }
        self.record.arguments(record).map_err(|e| format!("cannot read its input: {e}"))
    }

    /// One task's words, by its record and what it gets of it.
    ///
    /// # Errors
    /// A sentence, if this input does not fit the command.
    pub fn words(&self, record: &[u8], input: &Input<'_>) -> Result<Vec<Vec<u8>>, String> {
        let text = match &self.text {
            Text::Words(template) => return Ok(template.render(input)),
            Text::Shell(template) => template.render(input).map_err(|e| e.to_string())?,
            Text::Given => input.fields.join(&b' '),
            Text::PerTask => return Ok(Step::decode(record)?.line()),
        };
        Ok(vec![self.shell.as_bytes().to_vec(), b"-c".to_vec(), text])
    }

    /// A command of these words, ready to start, but for its streams and the variables of the task.
    ///
    /// # Errors
    /// A sentence, if a task that has a command of its own cannot be started.
    pub fn command(&self, record: &[u8], words: Vec<Vec<u8>>) -> Result<Command, String> {
        if let Text::PerTask = self.text {
            let (cwd, env) = (self.cwd.as_deref(), self.env.as_deref());
            return Step::decode(record)?.command(cwd.unwrap_or(Path::new("/")), env.unwrap_or_default());
        }
        let mut words = words.into_iter().map(OsString::from_vec);
        let name = words.next().unwrap_or_default();
        let mut command = match &self.program {
            Some(path) if self.is_script.load(Ordering::Relaxed) => Script(path).command(),
            Some(path) => named(path, &name),
            None => Command::new(&name),
        };
        command.args(words);
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if let Some(env) = &self.env {
            command.env_clear().envs(env.iter().map(|(name, value)| (name, value)));
        }
        Ok(command)
    }

    /// A command that the system refused to run for want of a format, as `sh` runs it: every shell, `xargs`, `find` and
    /// GNU parallel run a script without a `#!` line so. Nothing where it is no script. The command's streams are not
    /// taken over.
    pub fn as_script(&self, refused: &Command) -> Option<Command> {
        let cwd = refused
            .get_current_dir()
            .map_or_else(|| std::env::current_dir().unwrap_or_default(), Path::to_owned);
        let all: Vec<_>;
        let env = match &self.env {
            Some(env) => env,
            None => {
                all = std::env::vars_os().collect();
                &all
            }
        };
        let path = find(refused.get_program(), &cwd, env).ok()?;
        let mut command = Script::read(&path)?.command();
        command.args(refused.get_args()).current_dir(cwd);
        if self.env.is_some() {
            command.env_clear();
        }
        for (name, value) in refused.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if self.program.as_deref() == Some(&path) {
            self.is_script.store(true, Ordering::Relaxed);
        }
        Some(command)
    }
}

/// A command that is told its own name as it was typed.
fn named(path: &Path, name: &OsStr) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(path);
    command.arg0(name);
    command
}

/// What a task of a graph is told as its input: its name.
fn told(record: &[u8]) -> Result<Content<'static>, String> {
    Ok(Content::named(Step::decode(record)?.name.unwrap_or_default().into_bytes()))
}

/// The shell that reads a text: the one that `PARALLEL_SHELL` names; else bash where bash has exported functions, which
/// no other shell knows; else `sh`.
fn shell_of(recipe: &Recipe) -> Result<String, String> {
    let named = recipe.env.iter().find(|(name, _)| name == "PARALLEL_SHELL").map(|(_, path)| path);
    if let Some(path) = named {
        let base = Path::new(path).file_name().and_then(OsStr::to_str).unwrap_or_default();
        return match (path.to_str(), ["sh", "dash", "bash"].contains(&base)) {
            (Some(path), true) => Ok(path.to_owned()),
            // What replaces {} is quoted for those.
            _ => Err(format!("PARALLEL_SHELL: tasks are run by sh, dash or bash, not by {}", path.display())),
        };
    }
    let is_function = |(name, _): &(OsString, OsString)| name.as_bytes().starts_with(b"BASH_FUNC_");
    let needs_bash =
        recipe.env.iter().any(is_function) && find(OsStr::new("bash"), recipe.cwd(), &recipe.env).is_ok();
    Ok(if needs_bash { "bash" } else { "sh" }.to_owned())
}

fn shell_text(recipe: &Recipe) -> Result<Text, String> {
    let text = &recipe.text;
    let template = ShellTemplate::new(&text.words.join(&b' '), &text.spelling, text.repeat);
    let mut template = template.map_err(|e| e.to_string())?;
    if text.append_input && !template.has_placeholder() {
        template.append_input().map_err(|e| e.to_string())?;
    }
    Ok(Text::Shell(template))
}

fn words(recipe: &Recipe) -> Result<(Text, Option<OsString>), String> {
    let text = &recipe.text;
    let mut template = Template::new(&text.words, &text.spelling, text.repeat).map_err(|e| e.to_string())?;
    if text.append_input && !template.has_placeholder() {
        template.append_input();
    }
    // The same name for two very different inputs is the same name for all.
    let name = |field: &[u8], id| {
        template.render(&Input { fields: &[field, field], id, slot: id as u32 }).into_iter().next()
    };
    let (first, second) = (name(b"a.b", 1), name(b"c/d", 2));
    let fixed = first.filter(|first| Some(first) == second.as_ref());
    Ok((Text::Words(template), fixed.map(OsString::from_vec)))
}
