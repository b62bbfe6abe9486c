//! One task's command line.

use super::{Recipe, Step};
use crate::lang::placeholder::Input;
use crate::lang::shell::ShellTemplate;
use crate::lang::template::Template;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A recipe, taken apart.
#[derive(Debug)]
pub struct Line {
    text: Text,
    /// Where the program is, if its name does not depend on the input. Looked up once: a search of PATH for each
    /// of a million tasks is a million failed starts.
    program: Option<PathBuf>,
    cwd: Option<PathBuf>,
    env: Option<Vec<(OsString, OsString)>>,
}

#[derive(Debug)]
enum Text {
    Words(Template),
    Shell(ShellTemplate),
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
        if recipe.text.per_task {
            let (cwd, env) = (recipe.cwd().to_owned(), recipe.env.clone());
            return Ok(Line { text: Text::PerTask, program: None, cwd: Some(cwd), env: Some(env) });
        }
        let (text, name) = if recipe.text.shell { shell(recipe)? } else { words(recipe)? };
        let program = name.map(|name| find(&name, recipe.cwd(), &recipe.env)).transpose()?;
        // Where nothing differs from this process nothing is set: a task costs less than half a millisecond, and
        // going to a directory and copying an environment are a part of it that can be measured.
        let here = std::env::current_dir().is_ok_and(|dir| dir == recipe.cwd());
        let cwd = (!here).then(|| recipe.cwd().to_owned());
        let same = std::env::vars_os().eq(recipe.env.iter().cloned());
        let env = (!same).then(|| recipe.env.clone());
        Ok(Line { text, program, cwd, env })
    }

    /// What a task is told as its input: its record, or of a task of a graph its name.
    pub fn told<'r>(&self, record: &'r [u8]) -> std::borrow::Cow<'r, [u8]> {
        match self.text {
            Text::PerTask => {
                let name = Step::decode(record).ok().and_then(|step| step.name);
                name.unwrap_or_default().into_bytes().into()
            }
            Text::Words(_) | Text::Shell(_) => record.into(),
        }
    }

    /// A command ready to start, but for its streams and the variables of the task.
    ///
    /// # Errors
    /// A sentence, if this input does not fit the command.
    pub fn command(&self, input: &Input<'_>) -> Result<Command, String> {
        let words = match &self.text {
            Text::Words(template) => template.render(input),
            Text::Shell(template) => {
                vec![b"sh".to_vec(), b"-c".to_vec(), template.render(input).map_err(|e| e.to_string())?]
            }
            Text::PerTask => {
                let (cwd, env) = (self.cwd.as_deref(), self.env.as_deref());
                return Step::decode(input.input)?
                    .command(cwd.unwrap_or(Path::new("/")), env.unwrap_or_default());
            }
        };
        let mut words = words.into_iter().map(OsString::from_vec);
        let name = words.next().unwrap_or_default();
        use std::os::unix::process::CommandExt;
        let mut command = match &self.program {
            Some(path) => Command::new(path),
            None => Command::new(&name),
        };
        command.arg0(&name).args(words);
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if let Some(env) = &self.env {
            command.env_clear().envs(env.iter().map(|(name, value)| (name, value)));
        }
        Ok(command)
    }
}

fn shell(recipe: &Recipe) -> Result<(Text, Option<OsString>), String> {
    let mut template = ShellTemplate::new(&recipe.text.words.join(&b' ')).map_err(|e| e.to_string())?;
    if recipe.text.append_input && !template.uses_input() {
        template.append_input().map_err(|e| e.to_string())?;
    }
    Ok((Text::Shell(template), Some("sh".into())))
}

fn words(recipe: &Recipe) -> Result<(Text, Option<OsString>), String> {
    let mut template = Template::new(&recipe.text.words).map_err(|e| e.to_string())?;
    if recipe.text.append_input && !template.uses_input() {
        template.append_input();
    }
    // The same name for two very different inputs is the same name for all.
    let name = |input: &[u8], id| template.render(&Input { input, id, slot: id as u32 }).into_iter().next();
    let (first, second) = (name(b"a.b", 1), name(b"c/d", 2));
    let fixed = first.filter(|first| Some(first) == second.as_ref());
    Ok((Text::Words(template), fixed.map(OsString::from_vec)))
}

/// The program that a name means, by the job's own directory and PATH. Of several variables of a name the last counts.
pub(super) fn find(name: &OsStr, cwd: &Path, env: &[(OsString, OsString)]) -> Result<PathBuf, String> {
    let shown = name.to_string_lossy();
    if name.as_bytes().contains(&b'/') {
        let path = cwd.join(name);
        return if is_program(&path) { Ok(path) } else { Err(why_not(&path, &shown)) };
    }
    let path = env.iter().rfind(|(var, _)| var == "PATH").map(|(_, value)| value.as_os_str());
    let path = path.unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
    let places = std::env::split_paths(path).map(|dir| cwd.join(dir).join(name));
    let found = places.into_iter().find(|place| is_program(place));
    found.ok_or_else(|| format!("command not found: {shown} (PATH is {})", path.to_string_lossy()))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn why_not(path: &Path, shown: &str) -> String {
    if path.exists() {
        format!("{shown} cannot be run: it is no executable file (chmod +x?)")
    } else {
        format!("command not found: {shown}")
    }
}
