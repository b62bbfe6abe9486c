//! What one worker has mapped and not committed yet.

use super::Work;
use crate::Result;
use crate::manifest::{Bad, Commit, Committed, Effort, count};
use crate::program::{Failure, IsEnded, MapSplit, Mapper, Runs};
use divvy_core::{Intervals, Range, Seq};
use divvy_engine::{Chunk, Detached, Told};
use std::collections::BTreeMap;
use std::time::Instant;

/// A worker's mapper, and the tasks whose records it holds. Their outcome is told when they are committed.
pub(super) struct Slot {
    /// Made when it is needed, and let go of when there is nothing more to map: the next phase needs its memory.
    mapper: Option<Box<dyn Mapper>>,
    runs: Runs,
    /// The buffer that splits are read into.
    buf: Vec<u8>,
    /// By lease.
    tasks: Vec<(Detached, Intervals)>,
    covers: Intervals,
    counters: BTreeMap<String, u64>,
    bad: Vec<Bad>,
    effort: Effort,
    /// When the oldest task that is not committed began.
    since: Option<Instant>,
}

/// Tasks are committed when the oldest has waited so long: that much work is lost with a process.
const COMMIT_AFTER_SECONDS: f64 = 2.0;

impl Slot {
    pub(super) fn new(work: &Work) -> Slot {
        Slot {
            mapper: None,
            runs: work.runs(),
            buf: Vec::new(),
            tasks: Vec::new(),
            covers: Intervals::new(),
            counters: BTreeMap::new(),
            bad: Vec::new(),
            effort: Effort::default(),
            since: None,
        }
    }

    /// Maps a split; its records are held together with those of the splits before it.
    pub(super) fn map(
        &mut self,
        work: &Work,
        number: u64,
        known_bad: &[Bad],
        is_ended: IsEnded<'_>,
    ) -> Result<(), Failure> {
        let (split, begun) = (work.plan.splits.get(number), Instant::now());
        self.since.get_or_insert(begun);
        let input = &work.plan.splits.files()[split.file];
        let mut split = MapSplit {
            number,
            partition: work.plan.part_of_split(number),
            input,
            split,
            framing: work.plan.framing,
            bad: known_bad,
            record_max: work.room().memory / 2,
            is_ended,
            buf: &mut self.buf,
            runs: &mut self.runs,
            counters: &mut self.counters,
        };
        let mapper = match &mut self.mapper {
            Some(mapper) => mapper,
            none => none.insert(work.program.mapper(&work.room())?),
        };
        let bytes = split.split.hi - split.split.lo;
        mapper.map(&mut split)?;
        count(&mut self.counters, "input bytes", bytes);
        self.bad.extend_from_slice(known_bad);
        self.covers.insert(Range::new(number, number + 1));
        self.effort.took_us.push(begun.elapsed().as_micros() as u64);
        Ok(())
    }

    /// This task waits for the next commit.
    pub(super) fn take(&mut self, chunk: &Chunk<'_>, seq: Seq) {
        self.effort.taken += u64::from(chunk.is_backup());
        let key = chunk.key(seq);
        match self.tasks.last_mut().filter(|(lease, _)| lease.key(seq) == key) {
            Some((_, tasks)) => tasks.insert(Range::new(seq, seq + 1)),
            None => self.tasks.push((chunk.hold(), Range::new(seq, seq + 1).into())),
        }
    }

    /// Whether this split's records may be held together with those that are.
    pub(super) fn goes_on_with(&self, split: u64) -> bool {
        self.mapper.as_ref().is_none_or(|mapper| mapper.is_orderless())
            || self.covers.hull().is_none_or(|hull| hull.hi == split)
    }

    /// Whether it is time to commit: more would be lost with the process than should be.
    pub(super) fn is_due(&self) -> bool {
        self.since.is_some_and(|since| since.elapsed().as_secs_f64() > COMMIT_AFTER_SECONDS)
    }

    /// Whether somebody else has been given a task whose records are held here.
    pub(super) fn has_lost_any(&self) -> bool {
        let lost = |lease: &Detached, tasks: &Intervals| tasks.iter().any(|seq| lease.is_dropped(seq));
        self.tasks.iter().any(|(lease, tasks)| lease.has_lost_any() && lost(lease, tasks))
    }

    pub(super) fn holds_nothing(&self) -> bool {
        self.covers.is_empty()
    }

    /// Writes down what is held, and tells the tasks' outcome.
    pub(super) fn commit(&mut self, work: &Work) -> Result<()> {
        if self.covers.is_empty() {
            return Ok(());
        }
        if let Some(mapper) = &mut self.mapper {
            if !mapper.is_empty() {
                self.runs.write(|run| mapper.spill(run))?;
            }
            mapper.clear();
        }
        let mut effort = std::mem::take(&mut self.effort);
        effort.pid = std::process::id();
        let commit = Commit {
            effort: effort.clone(),
            covers: self.covers.ranges().iter().map(|range| (range.lo, range.hi)).collect(),
            runs: self.runs.written.clone(),
            counters: std::mem::take(&mut self.counters),
            bad: std::mem::take(&mut self.bad),
        };
        match work.manifest.commit(commit)? {
            Committed::Yes => {
                self.runs.written.clear();
                self.tell(|tasks| Told { done: tasks, ..Told::default() });
            }
            // Somebody else has mapped some of these: all that is held together with them is of no use, and what is
            // not covered is given back, to be mapped again.
            Committed::Overlaps(twice) => {
                self.runs.discard();
                work.manifest.twice(effort)?;
                self.tell(|tasks| Told {
                    done: tasks.intersect(&twice),
                    stopped: tasks.minus(&twice),
                    ..Told::default()
                });
            }
        }
        self.forget();
        Ok(())
    }

    /// Commits, and lets go of the memory.
    pub(super) fn close(&mut self, work: &Work) -> Result<()> {
        self.commit(work)?;
        (self.mapper, self.buf) = (None, Vec::new());
        Ok(())
    }

    /// Throws away what is held. Its tasks are given back.
    pub(super) fn discard(&mut self) {
        self.runs.discard();
        if let Some(mapper) = &mut self.mapper {
            mapper.clear();
        }
        self.tell(|tasks| Told { stopped: tasks, ..Told::default() });
        self.forget();
    }

    fn tell(&mut self, told: impl Fn(Intervals) -> Told) {
        self.tasks.drain(..).for_each(|(lease, tasks)| lease.tell(told(tasks)));
    }

    fn forget(&mut self) {
        self.covers = Intervals::new();
        self.counters.clear();
        self.bad.clear();
        self.effort = Effort::default();
        self.since = None;
    }

    /// Whether it has nothing to commit and nothing to let go of.
    pub(super) fn is_closed(&self) -> bool {
        self.mapper.is_none() && self.covers.is_empty()
    }
}
