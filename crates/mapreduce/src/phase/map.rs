//! Map tasks: a split each.

use super::Work;
use super::slot::Slot;
use crate::manifest::Bad;
use crate::program::Failure;
use crate::{Error, Result};
use divvy_core::{Range, Seq};
use divvy_engine::{Chunk, Order, Runner, TaskKey};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) fn open(work: Work) -> Result<Arc<dyn Runner>> {
    let slots = (0..work.workers).map(|_| Mutex::new(Slot::new(&work))).collect();
    Ok(Arc::new(Map {
        slots,
        started: AtomicU64::new(work.manifest.covered()),
        bad: Mutex::default(),
        work: Arc::new(work),
    }))
}

struct Map {
    work: Arc<Work>,
    /// One for each worker.
    slots: Vec<Mutex<Slot>>,
    /// Splits that were covered before or have begun here: when these are all, each worker commits at once.
    started: AtomicU64,
    /// Records that the program fails on, by split, as far as is known here.
    bad: Mutex<BTreeMap<u64, Vec<Bad>>>,
}

impl Map {
    fn slot(&self, worker: usize) -> MutexGuard<'_, Slot> {
        // A panic of the program is caught where it is called.
        self.slots[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Maps a split and says whether to go on.
    fn task(&self, chunk: &mut Chunk<'_>, slot: &mut Slot, seq: Seq) -> Result<()> {
        // Others may have mapped it, above all if it was taken from them.
        self.work.manifest.refresh()?;
        if self.work.manifest.covers(seq) {
            chunk.done(seq);
            return Ok(());
        }
        // What was taken is committed by itself, split by split: whoever has it too may have more, and take its place.
        if !slot.goes_on_with(seq) || chunk.is_backup() {
            slot.commit(&self.work)?;
        }
        let started = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        loop {
            let known = self.bad_of(seq);
            match slot.map(&self.work, seq, &known, &self.is_ended(chunk, slot, seq)) {
                Ok(()) => break,
                Err(Failure::Machine(Error::Stopped)) if self.work.manifest.covers(seq) => {
                    slot.discard();
                    chunk.done(seq);
                    return Ok(());
                }
                Err(failure) => {
                    // What is held has part of the split's records in it.
                    slot.discard();
                    match failure {
                        Failure::Machine(error @ (Error::Changed { .. } | Error::TooLarge { .. })) => {
                            chunk.failed(seq, error.to_string());
                            return Ok(());
                        }
                        Failure::Machine(error) => return Err(error),
                        Failure::Program(error) => {
                            chunk.failed(seq, error);
                            return Ok(());
                        }
                        Failure::Bad(bad) => {
                            if let Err(error) = self.learn(seq, bad) {
                                chunk.failed(seq, error);
                                return Ok(());
                            }
                        }
                    }
                }
            }
        }
        slot.take(chunk, seq);
        if started >= self.work.plan.splits.count() {
            slot.close(&self.work)?;
        } else if slot.is_due() || slot.has_lost_any() || chunk.is_backup() {
            slot.commit(&self.work)?;
        }
        Ok(())
    }

    /// Whether a split is mapped in vain: nobody wants it any more, or somebody else has it too, and was first. The latter is
    /// not asked where more than that would be thrown away.
    fn is_ended(&self, chunk: &Chunk<'_>, slot: &Slot, seq: Seq) -> impl Fn() -> bool + use<> {
        let (lease, alone, shared) = (chunk.hold(), slot.holds_nothing(), chunk.is_backup());
        let work = self.work.clone();
        move || {
            let rivals = alone && (shared || lease.is_dropped(seq));
            lease.is_ended(seq) || (rivals && work.manifest.refresh().is_ok() && work.manifest.covers(seq))
        }
    }

    fn bad_of(&self, split: u64) -> Vec<Bad> {
        let bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        bad.get(&split).cloned().unwrap_or_default()
    }

    /// Remembers a record to be passed over, if there may be one more.
    fn learn(&self, split: u64, bad: Bad) -> Result<(), String> {
        let mut known = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        let elsewhere = self.work.manifest.bad();
        let here: usize = known
            .iter()
            .filter(|(split, _)| !self.work.manifest.covers(**split))
            .map(|(_, bad)| bad.len())
            .sum();
        if elsewhere + here as u64 >= self.work.plan.skip_bad {
            let Bad { file, at, bytes, error } = bad;
            let hint = if self.work.plan.skip_bad == 0 {
                "--skip-bad N passes over up to N such records".to_owned()
            } else {
                format!("more than --skip-bad {} records fail", self.work.plan.skip_bad)
            };
            return Err(format!(
                "the program fails on the record of {bytes} bytes at byte {at} of {}: {error}; {hint}",
                file.display()
            ));
        }
        known.entry(split).or_default().push(bad);
        Ok(())
    }
}

impl Runner for Map {
    fn order(&self) -> Order {
        Order::Spread
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let (mut slot, range) = (self.slot(chunk.worker()), chunk.range());
        for seq in range.lo..range.hi {
            if chunk.is_over(seq) {
                return chunk.stopped_all(Range::new(seq, range.hi));
            }
            if let Err(error) = self.task(chunk, &mut slot, seq) {
                slot.discard();
                self.work.give_up(&error);
                return chunk.stopped_all(Range::new(seq, range.hi));
            }
        }
    }

    fn on_quiet(&self) -> Option<Vec<TaskKey>> {
        // Writing may take a while: all workers' parts at once.
        std::thread::scope(|scope| {
            for worker in (0..self.slots.len()).filter(|worker| !self.slot(*worker).is_closed()) {
                scope.spawn(move || {
                    let mut slot = self.slot(worker);
                    if let Err(error) = slot.close(&self.work) {
                        slot.discard();
                        self.work.give_up(&error);
                    }
                });
            }
        });
        Some(Vec::new())
    }

    fn before_report(&self) -> Result<(), String> {
        self.work.check()
    }
}
