//! Outputs in files: below a directory by task id, or under names made of the input, the durable copy.
//!
//! Files appear whole: they are written under another name and renamed. They are synced once per report, before it
//! goes out: a few one by one, many by syncing the file systems they are on, which costs what everybody else has left
//! unsynced there as well.

use super::outlet::Printout;
use super::recipe::{Place, Stream as To};
use crate::lang::placeholder::Input;
use crate::lang::spelling::Spelling;
use crate::lang::template::Template;
use divvy_engine::process::{Captured, Printed, Room, Stream};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Most files that are synced one by one; they stay open until then.
const ONE_BY_ONE_MAX: usize = 64;

/// Which attempt an output is of, as far as names of files need to know.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// The job.
    pub job: u64,
    /// The task: its input, id and slot.
    pub input: Input<'a>,
    /// The attempt, from 1.
    pub attempt: u32,
}

/// Where outputs are kept.
#[derive(Debug)]
pub struct Results {
    naming: Naming,
    /// Print the names of the files in place of what is in them.
    names: bool,
    unsynced: Mutex<Unsynced>,
}

#[derive(Debug)]
enum Naming {
    Dir(PathBuf),
    Named(PathBuf, Template),
    Temp(PathBuf),
    Apart(PathBuf, [To; 2]),
}

/// Files that a power cut could still take.
#[derive(Debug)]
enum Unsynced {
    Few(Vec<File>),
    /// One of each file system, by its device.
    Many(BTreeMap<u64, File>),
}

impl Default for Unsynced {
    fn default() -> Unsynced {
        Unsynced::Few(Vec::new())
    }
}

impl Unsynced {
    fn add(&mut self, kept: File) -> io::Result<()> {
        match self {
            Unsynced::Few(files) if files.len() < ONE_BY_ONE_MAX => files.push(kept),
            Unsynced::Few(files) => {
                let all = std::mem::take(files).into_iter().chain([kept]);
                let by_device = all.map(|file| Ok((file.metadata()?.dev(), file)));
                *self = Unsynced::Many(by_device.collect::<io::Result<_>>()?);
            }
            Unsynced::Many(devices) => {
                devices.entry(kept.metadata()?.dev()).or_insert(kept);
            }
        }
        Ok(())
    }
}

impl Results {
    /// Gets ready to keep outputs in this place; `None` if it is no place of files.
    ///
    /// # Errors
    /// A sentence.
    pub fn open(place: &Place, names: bool, spelling: &Spelling) -> Result<Option<Results>, String> {
        let make = |dir: &OsString| {
            let dir = PathBuf::from(dir);
            fs::create_dir_all(&dir).map_err(|e| format!("cannot make {}: {e}", dir.display()))?;
            Ok::<_, String>(dir)
        };
        let naming = match place {
            Place::Printed | Place::Table(..) => return Ok(None),
            Place::Dir(dir) => Naming::Dir(make(dir)?),
            Place::Temp(dir) => Naming::Temp(make(dir)?),
            Place::Named(base, name) => {
                let name = Template::new(&[name], spelling, false).map_err(|e| e.to_string())?;
                Naming::Named(base.into(), name)
            }
            Place::Apart(base, streams) => Naming::Apart(base.into(), streams.clone()),
        };
        Ok(Some(Results { naming, names, unsynced: Mutex::default() }))
    }

    /// Whether a stream need not be captured at all.
    pub fn discards(&self, stream: Stream) -> bool {
        matches!(&self.naming, Naming::Apart(_, streams) if streams[stream as usize] == To::Nowhere)
    }

    /// Keeps a task's output, in place of one from an earlier attempt, and leaves in the printout what is to be printed.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, of: &Of<'_>, printout: &mut Printout) -> io::Result<()> {
        let mut output = std::mem::take(&mut printout.output);
        let stdout = match &self.naming {
            Naming::Dir(dir) => self.both(dir.join(of.input.id.to_string()), &mut output)?,
            Naming::Named(base, name) => self.named(base, name, of, &mut output)?,
            Naming::Temp(dir) => {
                // Nobody else's: the directory may be anybody's, the name says whose the file is.
                let name = format!("divvy-{}-{}-{}", std::process::id(), of.job, of.input.id);
                let path = dir.join(name);
                self.put(&path, &mut output.stdout)?;
                printout.output.stderr = output.stderr;
                path
            }
            Naming::Apart(base, streams) => {
                for (to, stream) in streams.iter().zip([Stream::Out, Stream::Err]) {
                    match to {
                        To::Printed => {
                            *printout.output.stream(stream) = std::mem::take(output.stream(stream))
                        }
                        To::Nowhere => {}
                        To::File(name) => {
                            self.put(&base.join(hyperqueue(name, of)), output.stream(stream))?
                        }
                    }
                }
                return Ok(());
            }
        };
        if self.names {
            printout.head.extend_from_slice(stdout.as_os_str().as_bytes());
            printout.head.push(b'\n');
        }
        Ok(())
    }

    /// Two files in a directory; the path of the first.
    fn both(&self, dir: PathBuf, output: &mut Captured) -> io::Result<PathBuf> {
        let stdout = dir.join("stdout");
        self.put(&stdout, &mut output.stdout)?;
        // The last one: where it is, the task has ended.
        self.put(&dir.join("stderr"), &mut output.stderr)?;
        Ok(stdout)
    }

    /// Three files, as GNU parallel names them.
    fn named(&self, base: &Path, name: &Template, of: &Of<'_>, output: &mut Captured) -> io::Result<PathBuf> {
        let name = name.render(&of.input).join(&b' ');
        let mut seq = Printed::default();
        let room = Room { memory_max: 64, spill: PathBuf::new() };
        seq.append(of.input.id.to_string().as_bytes(), &room)?;
        let dir = base.join(OsString::from_vec(name.clone()));
        if name.ends_with(b"/") {
            self.put(&dir.join("seq"), &mut seq)?;
            return self.both(dir, output);
        }
        let with = |end: &[u8]| base.join(OsString::from_vec([&name, end].concat()));
        self.put(&with(b".seq"), &mut seq)?;
        self.put(&dir, &mut output.stdout)?;
        self.put(&with(b".err"), &mut output.stderr)?;
        Ok(dir)
    }

    /// Writes a file whole.
    fn put(&self, path: &Path, printed: &mut Printed) -> io::Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let mut file = File::create(&part)?;
        printed.copy_to(&mut file)?;
        fs::rename(part, path)?;
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner).add(file)
    }

    /// Makes everything kept so far durable.
    ///
    /// # Errors
    /// What the system says; then nothing may be reported done, now or later.
    pub fn sync(&self) -> io::Result<()> {
        // Taken before the sync: what is kept meanwhile is for the next one.
        let unsynced = std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(PoisonError::into_inner));
        match unsynced {
            Unsynced::Few(files) => files.iter().try_for_each(File::sync_all),
            Unsynced::Many(devices) => devices.values().try_for_each(|file| Ok(rustix::fs::syncfs(file)?)),
        }
    }
}

/// The tasks whose outputs are all below a directory, by id.
///
/// # Errors
/// What the system says; a directory that is not there holds nothing.
pub fn kept_in(dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
        ids.extend(id.filter(|_| entry.path().join("stderr").exists()));
    }
    Ok(ids)
}

/// A name with HyperQueue's placeholders filled in.
fn hyperqueue(name: &[u8], of: &Of<'_>) -> OsString {
    let values = [
        ("%{JOB_ID}", of.job),
        ("%{TASK_ID}", of.input.id),
        // There the first attempt is 0.
        ("%{INSTANCE_ID}", u64::from(of.attempt.saturating_sub(1))),
    ];
    let (mut out, mut rest) = (Vec::new(), name);
    while let Some(first) = rest.first() {
        match values.iter().find(|(word, _)| rest.starts_with(word.as_bytes())) {
            Some((word, value)) => {
                let _ = write!(out, "{value}");
                rest = &rest[word.len()..];
            }
            None => {
                out.push(*first);
                rest = &rest[1..];
            }
        }
    }
    OsString::from_vec(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_hyperqueues_words() {
        let of = Of { job: 7, input: Input { fields: &[b"x"], id: 12, slot: 1 }, attempt: 2 };
        let name = hyperqueue(b"job-%{JOB_ID}/%{TASK_ID}.%{INSTANCE_ID}.%{X}{}", &of);
        assert_eq!(name, "job-7/12.1.%{X}{}");
    }
}
