//! Which run files count, and which splits they cover: the truth of a map phase, shared by all its nodes.
//!
//! A file in the job's directory to which entries are only ever appended, under a lock. An entry says in one write
//! which run files there are and which splits they hold *all* records of. So a split's records count exactly once,
//! whoever dies when:
//!
//! * killed before the append: the files are nobody's, and the splits are run again;
//! * killed after it, but before the store has heard of it: the task runs again, finds itself covered, and is done;
//! * two at once, because one was slow or believed dead: the second append is refused, and what it holds is thrown away;
//! * two at once, where the second holds splits that nobody has covered beside all of those that the first does: it takes the
//!   first one's place. What an idle node has done over, split by split, does not cost a slow one all that it holds.
//!
//! A file that is found damaged or missing later is [voided](Manifest::void): its splits are no longer covered, and are
//! mapped again by whoever needs them.

use crate::skew::Skew;
use crate::{Error, Result};
use divvy_core::{Intervals, Range};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// A run file, as an entry names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRef {
    /// Its name within the job's directory.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The checksum of its footer, which has those of all else.
    pub check: u32,
}

/// What a worker has to say of splits that it has mapped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Commit {
    /// The splits, as ascending `(lo, hi)`.
    pub covers: Vec<(u64, u64)>,
    /// Where their records are, in the order of the splits.
    pub runs: Vec<RunRef>,
    /// What was counted while they were mapped.
    pub counters: BTreeMap<String, u64>,
    /// Records that were passed over because the program fails on them.
    pub bad: Vec<Bad>,
    /// Who has done it.
    pub effort: Effort,
}

/// What some tasks took, and of whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Effort {
    /// The process.
    pub pid: u32,
    /// Microseconds of each task, in the order in which they ran.
    pub took_us: Vec<u64>,
    /// How many of them were taken from a slow node.
    pub taken: u64,
}

/// A record that the program fails on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bad {
    /// The file that it is in.
    pub file: PathBuf,
    /// Its first byte there, or in the text of a packed file.
    pub at: u64,
    /// Its length.
    pub bytes: u64,
    /// What the program said.
    pub error: String,
}

#[derive(Debug, Serialize, Deserialize)]
enum Entry {
    Commit(Commit),
    /// The same in place of the entries of these numbers, which cover nothing else.
    Instead(Vec<u64>, Commit),
    /// The entry of this number counts no more.
    Void(u64),
    /// What was counted while a part of the output was made, and who made it.
    Part(u32, BTreeMap<String, u64>, Effort),
    /// Tasks that somebody else had done as well, and first.
    Twice(Effort),
    /// The output is about to appear: whoever still works on the job does so in vain.
    Over,
}

/// What a job has counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Report {
    /// By name.
    pub counters: BTreeMap<String, u64>,
    /// Records that were passed over because the program fails on them.
    pub bad: Vec<Bad>,
    /// How evenly the work was divided.
    pub skew: Skew,
}

/// What came of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Committed {
    /// It counts.
    Yes,
    /// These splits are covered already, so nothing was written.
    Overlaps(Intervals),
}

/// Adds to a counter.
pub(crate) fn count(counters: &mut BTreeMap<String, u64>, counter: &str, n: u64) {
    match counters.get_mut(counter) {
        Some(known) => *known += n,
        None => drop(counters.insert(counter.to_owned(), n)),
    }
}

/// The open manifest of a job.
pub struct Manifest {
    path: PathBuf,
    file: File,
    known: Mutex<Known>,
}

/// What has been read of it.
#[derive(Default)]
struct Known {
    /// Behind the last whole entry.
    end: u64,
    commits: Vec<Option<Commit>>,
    covered: Intervals,
    /// The last word on each part.
    parts: BTreeMap<u32, (BTreeMap<String, u64>, Effort)>,
    /// What was done in vain.
    twice: Vec<Effort>,
    over: bool,
}

/// Length and checksum before each entry.
const HEAD: usize = 8;

impl Manifest {
    /// Opens the manifest of a job's directory, or makes it.
    ///
    /// # Errors
    /// If it cannot be read or made.
    pub fn open(dir: &Path) -> Result<Manifest> {
        let path = dir.join("manifest");
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(Error::io("make", &path))?;
        let manifest = Manifest { path, file, known: Mutex::default() };
        manifest.refresh()?;
        Ok(manifest)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("nobody panics with the manifest in hand")
    }

    /// Reads what others have appended.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn refresh(&self) -> Result<()> {
        self.read_on(&mut self.known())
    }

    /// The splits that need no more mapping, as far as is known here.
    #[must_use]
    pub fn covers(&self, split: u64) -> bool {
        self.known().covered.contains(split)
    }

    /// How many splits are covered, as far as is known here.
    #[must_use]
    pub fn covered(&self) -> u64 {
        self.known().covered.len()
    }

    /// How many records are passed over in what is covered, as far as is known here.
    #[must_use]
    pub fn bad(&self) -> u64 {
        self.known().commits.iter().flatten().map(|commit| commit.bad.len() as u64).sum()
    }

    /// All that counts, by the first split that each covers.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn commits(&self) -> Result<Vec<Commit>> {
        self.refresh()?;
        let mut commits: Vec<Commit> = self.known().commits.iter().flatten().cloned().collect();
        commits.sort_by_key(|commit| commit.covers.first().copied());
        Ok(commits)
    }

    /// Appends, unless one of the splits is covered already by an entry that covers others too, or all of them are.
    ///
    /// # Errors
    /// If it cannot be written.
    ///
    /// # Panics
    /// If it covers nothing.
    pub fn commit(&self, commit: Commit) -> Result<Committed> {
        assert!(!commit.covers.is_empty(), "a commit covers something");
        let mut known = self.known();
        let _lock = self.lock(&mut known)?;
        let wants = intervals(&commit.covers);
        let twice = wants.intersect(&known.covered);
        if twice.is_empty() {
            self.append(&mut known, Entry::Commit(commit))?;
            return Ok(Committed::Yes);
        }
        match known.within(&wants) {
            Some(inside) if twice != wants => self.append(&mut known, Entry::Instead(inside, commit))?,
            _ => return Ok(Committed::Overlaps(twice)),
        }
        Ok(Committed::Yes)
    }

    /// Lets the entry that names this run count no more, if it does: somebody else may have seen to it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn void(&self, run: &str) -> Result<()> {
        let mut known = self.known();
        let _lock = self.lock(&mut known)?;
        let names_it = |commit: &Commit| commit.runs.iter().any(|r| r.name == run);
        match known.commits.iter().position(|c| c.as_ref().is_some_and(names_it)) {
            Some(at) => self.append(&mut known, Entry::Void(at as u64)),
            None => Ok(()),
        }
    }

    /// A part was made, and this was counted. Who said so of it before has made it in vain.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn part(&self, number: u32, counters: BTreeMap<String, u64>, effort: Effort) -> Result<()> {
        self.say(Entry::Part(number, counters, effort))
    }

    /// These tasks were done in vain.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn twice(&self, effort: Effort) -> Result<()> {
        self.say(Entry::Twice(effort))
    }

    /// The output is about to appear.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn end(&self) -> Result<()> {
        self.say(Entry::Over)
    }

    fn say(&self, entry: Entry) -> Result<()> {
        let mut known = self.known();
        let _lock = self.lock(&mut known)?;
        self.append(&mut known, entry)
    }

    /// Whether the output is there, or about to be. Known also when the manifest itself has been removed since.
    #[must_use]
    pub fn is_over(&self) -> bool {
        // What cannot be read tells nothing.
        let _ = self.refresh();
        self.known().over
    }

    /// What was counted in all that counts.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn report(&self) -> Result<Report> {
        self.refresh()?;
        let known = self.known();
        let mut report = Report::default();
        let commits = known.commits.iter().flatten();
        let parts = known.parts.values().map(|(counters, _)| counters);
        for counters in commits.clone().map(|commit| &commit.counters).chain(parts) {
            counters.iter().for_each(|(counter, n)| count(&mut report.counters, counter, *n));
        }
        for commit in commits {
            let spilled = commit.runs.iter().map(|run| run.bytes).sum();
            count(&mut report.counters, "spilled bytes", spilled);
            report.bad.extend(commit.bad.iter().cloned());
        }
        let map = known.commits.iter().flatten().map(|commit| &commit.effort);
        report.skew = Skew::of(map, known.parts.iter(), &known.twice);
        report.bad.sort_by(|a, b| (&a.file, a.at).cmp(&(&b.file, b.at)));
        Ok(report)
    }

    /// The lock that appends are made under, after all that others have appended was read. Closing the file lets go of it.
    fn lock(&self, known: &mut Known) -> Result<File> {
        let lock = File::open(&self.path).map_err(Error::io("lock", &self.path))?;
        lock.lock().map_err(Error::io("lock", &self.path))?;
        self.read_on(known)?;
        // What is behind the last whole entry was cut by the end of its writer.
        self.file.set_len(known.end).map_err(Error::io("write", &self.path))?;
        Ok(lock)
    }

    fn append(&self, known: &mut Known, entry: Entry) -> Result<()> {
        let body = postcard::to_stdvec(&entry).expect("an entry has nothing that cannot be written");
        let mut bytes = (body.len() as u32).to_le_bytes().to_vec();
        bytes.extend(crc32fast::hash(&body).to_le_bytes());
        bytes.extend(body);
        self.file.write_all_at(&bytes, known.end).map_err(Error::io("write", &self.path))?;
        known.end += bytes.len() as u64;
        known.take(entry);
        Ok(())
    }

    fn read_on(&self, known: &mut Known) -> Result<()> {
        let size = self.file.metadata().map_err(Error::io("read", &self.path))?.len();
        if size <= known.end {
            return Ok(());
        }
        let mut bytes = vec![0; (size - known.end) as usize];
        let mut read = 0;
        while read < bytes.len() {
            match self.file.read_at(&mut bytes[read..], known.end + read as u64) {
                // Somebody has cut what the end of a writer had left.
                Ok(0) => break,
                Ok(n) => read += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &self.path)(error)),
            }
        }
        let mut rest = &bytes[..read];
        while let Some((entry, len)) = first_entry(rest) {
            known.take(entry);
            known.end += len as u64;
            rest = &rest[len..];
        }
        Ok(())
    }
}

/// The first entry and its length, if it is whole.
fn first_entry(bytes: &[u8]) -> Option<(Entry, usize)> {
    let len = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let check = u32::from_le_bytes(bytes.get(4..HEAD)?.try_into().ok()?);
    let body = bytes.get(HEAD..HEAD + len)?;
    if crc32fast::hash(body) != check {
        return None;
    }
    Some((postcard::from_bytes(body).ok()?, HEAD + len))
}

fn intervals(covers: &[(u64, u64)]) -> Intervals {
    covers.iter().map(|(lo, hi)| Range::new(*lo, *hi)).collect()
}

impl Known {
    /// The entries that cover any of these splits; `None` if one of them covers others as well. Those may have been reported as
    /// done, and have to stay covered.
    fn within(&self, wants: &Intervals) -> Option<Vec<u64>> {
        let mut inside = Vec::new();
        for (at, commit) in self.commits.iter().enumerate() {
            let Some(covers) = commit.as_ref().map(|commit| intervals(&commit.covers)) else { continue };
            if wants.covers(&covers) {
                inside.push(at as u64);
            } else if !wants.intersect(&covers).is_empty() {
                return None;
            }
        }
        Some(inside)
    }

    fn void(&mut self, at: u64) -> Option<Commit> {
        let voided = self.commits.get_mut(at as usize).and_then(Option::take)?;
        self.covered.remove_all(&intervals(&voided.covers));
        Some(voided)
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Commit(commit) => {
                commit.covers.iter().for_each(|(lo, hi)| self.covered.insert(Range::new(*lo, *hi)));
                self.commits.push(Some(commit));
            }
            Entry::Instead(inside, commit) => {
                let voided: Vec<Commit> = inside.iter().filter_map(|at| self.void(*at)).collect();
                self.twice.extend(voided.into_iter().map(|commit| commit.effort));
                self.take(Entry::Commit(commit));
            }
            Entry::Void(at) => {
                self.void(at);
                // Entries are numbered with those that are no commits.
                self.commits.push(None);
            }
            Entry::Part(number, counters, effort) => {
                // Two that do not see each other's, or one that died before its part had its name: either way it was made twice.
                let before = self.parts.insert(number, (counters, effort));
                self.twice.extend(before.map(|(_, effort)| effort));
                self.commits.push(None);
            }
            Entry::Twice(effort) => {
                self.twice.push(effort);
                self.commits.push(None);
            }
            Entry::Over => {
                self.over = true;
                self.commits.push(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("divvy-manifest-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn commit(name: &str, covers: &[(u64, u64)]) -> Commit {
        let run = RunRef { name: name.into(), bytes: 7, check: 9 };
        Commit { covers: covers.to_vec(), runs: vec![run], ..Commit::default() }
    }

    #[test]
    fn a_split_counts_once() {
        let dir = scratch("once");
        let (ours, theirs) = (Manifest::open(&dir).unwrap(), Manifest::open(&dir).unwrap());
        assert_eq!(ours.commit(commit("a", &[(0, 3), (5, 6)])).unwrap(), Committed::Yes);
        assert!(!theirs.covers(5), "nobody has told them yet");
        let twice = theirs.commit(commit("b", &[(2, 4)])).unwrap();
        assert_eq!(twice, Committed::Overlaps(Range::new(2, 3).into()));
        assert_eq!(theirs.commit(commit("c", &[(3, 5)])).unwrap(), Committed::Yes);
        let names: Vec<_> = ours.commits().unwrap().iter().map(|c| c.runs[0].name.clone()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(ours.covered(), 6);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_holds_more_takes_the_place_of_what_was_done_over() {
        let dir = scratch("instead");
        let (slow, idle) = (Manifest::open(&dir).unwrap(), Manifest::open(&dir).unwrap());
        let names = || -> Vec<_> {
            idle.commits().unwrap().iter().map(|commit| commit.runs[0].name.clone()).collect()
        };
        for (name, split) in [("a", 3), ("b", 5)] {
            assert_eq!(idle.commit(commit(name, &[(split, split + 1)])).unwrap(), Committed::Yes);
        }
        assert_eq!(slow.commit(commit("c", &[(2, 6)])).unwrap(), Committed::Yes);
        assert_eq!((names(), idle.covered()), (vec!["c".into()], 4));
        // All of it was done over: of no use to anybody.
        let twice = slow.commit(commit("d", &[(2, 4)])).unwrap();
        assert_eq!(twice, Committed::Overlaps(Range::new(2, 4).into()));
        // What covers anything else stays: its splits may have been reported.
        assert_eq!(idle.commit(commit("e", &[(7, 9)])).unwrap(), Committed::Yes);
        let twice = slow.commit(commit("f", &[(6, 8)])).unwrap();
        assert_eq!(twice, Committed::Overlaps(Range::new(7, 8).into()));
        assert_eq!(names(), ["c", "e"]);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_part_that_was_made_twice_is_counted_for_one_and_in_vain_for_the_other() {
        let dir = scratch("part");
        let manifest = Manifest::open(&dir).unwrap();
        let effort = |pid, us| Effort { pid, took_us: vec![us], taken: 0 };
        let counters = || BTreeMap::from([("words".to_owned(), 5)]);
        manifest.part(0, counters(), effort(7, 100)).unwrap();
        manifest.part(0, counters(), effort(8, 30)).unwrap();
        let Report { skew, counters, .. } = Manifest::open(&dir).unwrap().report().unwrap();
        assert_eq!(counters, BTreeMap::from([("words".to_owned(), 5)]));
        assert_eq!((skew.reduce.tasks, skew.reduce.longest_us, skew.reduce.pid), (1, 30, 8));
        assert_eq!((skew.twice, skew.twice_us, skew.all_us), (1, 100, 130));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_is_voided_may_be_covered_again() {
        let dir = scratch("void");
        let (ours, theirs) = (Manifest::open(&dir).unwrap(), Manifest::open(&dir).unwrap());
        assert_eq!(ours.commit(commit("a", &[(0, 2)])).unwrap(), Committed::Yes);
        assert_eq!(ours.commit(commit("b", &[(2, 4)])).unwrap(), Committed::Yes);
        theirs.void("a").unwrap();
        // Somebody else has seen to it.
        ours.void("a").unwrap();
        assert_eq!(ours.covered(), 2);
        assert_eq!(ours.commit(commit("c", &[(0, 2)])).unwrap(), Committed::Yes);
        let again = Manifest::open(&dir).unwrap();
        let names: Vec<_> = again.commits().unwrap().iter().map(|c| c.runs[0].name.clone()).collect();
        assert_eq!(names, ["c", "b"]);
        again.void("b").unwrap();
        assert!(again.covers(1) && !again.covers(2));
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn an_entry_that_was_cut_is_nobodys() {
        let dir = scratch("cut");
        let whole = {
            let manifest = Manifest::open(&dir).unwrap();
            assert_eq!(manifest.commit(commit("a", &[(0, 2)])).unwrap(), Committed::Yes);
            let first = manifest.known().end;
            assert_eq!(manifest.commit(commit("b", &[(2, 4)])).unwrap(), Committed::Yes);
            first..manifest.known().end
        };
        let bytes = std::fs::read(dir.join("manifest")).unwrap();
        for len in whole.start..whole.end {
            std::fs::write(dir.join("manifest"), &bytes[..len as usize]).unwrap();
            let manifest = Manifest::open(&dir).unwrap();
            assert_eq!(manifest.covered(), 2);
            assert_eq!(manifest.commit(commit("c", &[(2, 4)])).unwrap(), Committed::Yes);
            assert_eq!(Manifest::open(&dir).unwrap().covered(), 4);
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
}
