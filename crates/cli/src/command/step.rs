//! A task of a graph: its record holds its own command.

use super::program::find;
use super::typed::typed_template;
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One task's command, as its record has it. Nothing is replaced in it: it is written out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Step {
    /// What people call it.
    pub name: Option<String>,
    /// The words, or with `shell` the one text.
    pub words: Vec<Vec<u8>>,
    /// Run by `sh -c`.
    pub shell: bool,
    /// Variables beside those of the job.
    pub env: Vec<(OsString, OsString)>,
    /// Where it runs, if not where the job does. Absolute.
    pub cwd: Option<OsString>,
}

impl Step {
    /// Bytes for the task's record.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("plain data in memory")
    }

    /// Reads what [`Step::encode`] wrote.
    ///
    /// # Errors
    /// A sentence.
    pub fn decode(record: &[u8]) -> Result<Step, String> {
        postcard::from_bytes(record).map_err(|_| "its command is not readable".into())
    }

    /// The command as a person would type it.
    pub fn shown(&self) -> String {
        match (self.shell, self.words.as_slice()) {
            (true, [text]) => String::from_utf8_lossy(text).into_owned(),
            (_, words) => typed_template(words),
        }
    }

    /// The words that are run.
    pub fn line(&self) -> Vec<Vec<u8>> {
        match self.shell {
            true => [b"sh".to_vec(), b"-c".to_vec()].into_iter().chain(self.words.first().cloned()).collect(),
            false => self.words.clone(),
        }
    }

    /// A command ready to start in this directory and environment, but for its streams and the variables of the task.
    ///
    /// # Errors
    /// A sentence: a program or directory that is not there.
    pub fn command(&self, cwd: &Path, env: &[(OsString, OsString)]) -> Result<Command, String> {
        let cwd = self.cwd.as_ref().map_or_else(|| cwd.to_owned(), PathBuf::from);
        if !cwd.is_dir() {
            return Err(format!("its directory {} is not there", cwd.display()));
        }
        let mut all = env.to_vec();
        all.extend(self.env.iter().cloned());
        let words = self.line();
        let (name, args) = words.split_first().ok_or("it has no command")?;
        let name = OsStr::from_bytes(name);
        let mut command = Command::new(find(name, &cwd, &all)?);
        command.arg0(name).args(args.iter().map(|word| OsStr::from_bytes(word))).current_dir(&cwd);
        command.env_clear().envs(all);
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(words: &[&str]) -> Step {
        Step { words: words.iter().map(|w| w.as_bytes().to_vec()).collect(), ..Step::default() }
    }

    #[test]
    fn a_record_comes_back_and_damage_is_named() {
        let full = Step {
            name: Some("a".into()),
            env: vec![("A".into(), "1".into())],
            cwd: Some("/".into()),
            shell: true,
            ..step(&["echo x"])
        };
        assert_eq!(Step::decode(&full.encode()), Ok(full));
        assert!(Step::decode(&[0xff]).is_err());
    }

    #[test]
    fn a_task_s_own_variables_and_directory_come_before_those_of_the_job() {
        let env = [("PATH".into(), "/nowhere".into()), ("B".into(), "job".into())];
        let own = Step {
            env: vec![("PATH".into(), "/usr/bin:/bin".into()), ("B".into(), "own".into())],
            cwd: Some("/usr".into()),
            shell: true,
            ..step(&["echo $B $PWD"])
        };
        let said = own.command(Path::new("/"), &env).unwrap().output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "own /usr\n");
        let lost = step(&["sh"]).command(Path::new("/"), &env).unwrap_err();
        assert!(lost.contains("command not found: sh (PATH is /nowhere)"), "{lost}");
        let nowhere = Step { cwd: Some("/not/there".into()), ..step(&["sh"]) };
        assert!(nowhere.command(Path::new("/"), &env).unwrap_err().contains("/not/there is not there"));
    }
}
