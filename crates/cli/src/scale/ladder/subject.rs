//! The program that is measured, for any number of workers: `{n}` in its words, `DIVVY_N` in its environment.

use crate::args::ScaleRunArgs;
use crate::exit::bad_usage;
use crate::lang::arithmetic::UNKNOWN;
use crate::lang::{spelling::Spelling, words};
use anyhow::Result;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Command;

/// How the program learns of the number of workers if no word tells it.
const VARIABLE: &str = "DIVVY_N";
/// Larger files are not read for the variable's name.
const PROGRAM_MAX: u64 = 256 << 20;

/// What is run.
#[derive(Debug)]
pub struct Subject {
    words: Vec<OsString>,
    shell: bool,
}

impl Subject {
    /// Takes the command from the arguments.
    ///
    /// # Errors
    /// Bad usage: nothing in it depends on the number of workers, or it cannot be read.
    pub fn new(args: &ScaleRunArgs) -> Result<Subject> {
        let subject = Subject { words: args.command.clone(), shell: args.shell };
        let mut texts = subject.words.iter().chain(&args.prepare);
        let tells =
            |text: &OsString| has(text, UNKNOWN) || has(text, VARIABLE) || is_file_with(text, VARIABLE);
        if !texts.any(tells) {
            return Err(bad_usage(format!(
                "nothing tells the program how many workers to use: put {UNKNOWN} where the number belongs, as in \
                 `divvy scale run -- ./bench --threads {UNKNOWN}`; {VARIABLE} in its environment has the number too, as in \
                 `divvy scale run --shell './bench --threads ${VARIABLE}'`"
            )));
        }
        // What cannot be split is found before anything runs.
        subject.command(1)?;
        Ok(subject)
    }

    /// The command for so many workers.
    ///
    /// # Errors
    /// Bad usage: it is one text that only a shell could read.
    pub fn command(&self, n: u64) -> Result<Command> {
        let words = self.words.iter().map(|word| filled(word, n));
        let mut command = if self.shell {
            shell(&words.collect::<Vec<_>>().join(OsStr::new(" ")))
        } else {
            let words = split(words.collect())?;
            let mut command = Command::new(&words[0]);
            command.args(&words[1..]);
            command
        };
        command.env(VARIABLE, n.to_string());
        Ok(command)
    }

    /// How it was given, for people.
    pub fn text(&self) -> String {
        self.words.join(OsStr::new(" ")).to_string_lossy().into_owned()
    }
}

/// A shell's command for so many workers, as `--prepare` and its like have it.
pub fn helper(text: &OsStr, n: Option<u64>) -> Command {
    let Some(n) = n else { return shell(text) };
    let mut command = shell(&filled(text, n));
    command.env(VARIABLE, n.to_string());
    command
}

fn shell(text: &OsStr) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(text);
    command
}

/// Whether a text mentions something.
pub fn has(text: &OsStr, what: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), what.as_bytes()).is_some()
}

/// Whether a word names a program or script that mentions something: it is one that reads the variable.
fn is_file_with(word: &OsStr, what: &str) -> bool {
    let is_path = word.as_bytes().contains(&b'/');
    let paths = std::env::var_os("PATH").filter(|_| !is_path).unwrap_or_default();
    let mut places = std::env::split_paths(&paths).map(|dir| dir.join(word)).chain([word.into()]);
    places.any(|path| {
        let is_small = std::fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() <= PROGRAM_MAX);
        let mentions = |bytes: Vec<u8>| memchr::memmem::find(&bytes, what.as_bytes()).is_some();
        is_small && std::fs::read(&path).is_ok_and(mentions)
    })
}

fn filled(text: &OsStr, n: u64) -> OsString {
    let number = n.to_string();
    let (mut rest, mut out) = (text.as_bytes(), Vec::with_capacity(text.len()));
    while let Some(at) = memchr::memmem::find(rest, UNKNOWN.as_bytes()) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(number.as_bytes());
        rest = &rest[at + UNKNOWN.len()..];
    }
    out.extend_from_slice(rest);
    OsString::from_vec(out)
}

/// A command in one text is split as a shell would split it, as `divvy run` does.
fn split(words: Vec<OsString>) -> Result<Vec<OsString>> {
    match &words[..] {
        [one] if one.as_bytes().iter().any(u8::is_ascii_whitespace) => {
            let split = words::split(one.as_bytes(), &Spelling::default());
            let split =
                split.map_err(|error| bad_usage(format!("{error}; `--shell` gives the text to sh")))?;
            Ok(split.into_iter().map(OsString::from_vec).collect())
        }
        _ => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(given: &[&str], shell: bool, n: u64) -> Vec<String> {
        let subject = Subject { words: given.iter().map(OsString::from).collect(), shell };
        let command = subject.command(n).unwrap();
        let words = [command.get_program()].into_iter().chain(command.get_args());
        words.map(|word| word.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_number_stands_wherever_it_is_named() {
        assert_eq!(words(&["b", "-t{n}", "x{n}y{n}", "{m}"], false, 12), ["b", "-t12", "x12y12", "{m}"]);
        assert_eq!(words(&["b -t {n} 'a {n}'"], false, 3), ["b", "-t", "3", "a 3"]);
        assert_eq!(words(&["b -t {n} | wc"], true, 3), ["sh", "-c", "b -t 3 | wc"]);
        assert_eq!(words(&["my prog", "{n}"], false, 3), ["my prog", "3"]);
    }

    #[test]
    fn what_only_a_shell_reads_is_refused_with_the_way_out() {
        let subject = Subject { words: vec!["b {n} | wc".into()], shell: false };
        assert!(subject.command(2).unwrap_err().to_string().contains("--shell"));
    }
}
