//! Reduce tasks: a part of the output each.

use super::{Work, repair};
use crate::manifest::{Effort, count};
use crate::part::{Ended, PartWriter, part_name};
use crate::program::{IsEnded, Part, Reducer};
use crate::spill::RunReader;
use crate::{Error, Result};
use divvy_core::Range;
use divvy_engine::{Chunk, Order, Runner};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub(super) fn open(work: Work) -> Result<Arc<dyn Runner>> {
    let reducers = (0..work.workers).map(|_| Ok(Mutex::new(work.program.reducer(&work.room())?)));
    let reducers = reducers.collect::<Result<_>>()?;
    let runs = Mutex::new(None);
    Ok(Arc::new(Reduce { work, reducers, runs }))
}

struct Reduce {
    work: Work,
    /// One for each worker.
    reducers: Vec<Mutex<Box<dyn Reducer>>>,
    /// All runs, opened once; `None` before that, and after one was found damaged.
    runs: Mutex<Option<Arc<Vec<Arc<RunReader>>>>>,
}

/// So often a part is begun anew because a run was found damaged; a disk that damages more is no place to work.
const REPAIRS_MAX: u32 = 8;

impl Reduce {
    fn runs(&self, is_ended: IsEnded<'_>) -> Result<Arc<Vec<Arc<RunReader>>>> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runs) = &*runs {
            return Ok(runs.clone());
        }
        let opened = Arc::new(repair::open_all(&self.work, is_ended)?);
        *runs = Some(opened.clone());
        Ok(opened)
    }

    fn part(&self, chunk: &Chunk<'_>, number: u32) -> Result<()> {
        let (dir, making) = (self.work.parts_dir(), self.work.making_dir());
        let (to, begun) = (dir.join(part_name(number)), Instant::now());
        if to.exists() {
            return Ok(());
        }
        let ended = ended(chunk, number, &to);
        let is_ended: IsEnded<'_> = &*ended;
        let worker = chunk.worker();
        let mut reducer = self.reducers[worker].lock().unwrap_or_else(PoisonError::into_inner);
        let mut repairs = 0;
        loop {
            let runs = self.runs(is_ended)?;
            let mut out = PartWriter::create(&dir, &making, number, ended.clone())?;
            let mut counters = BTreeMap::new();
            let mut part = Part { number, runs: &runs, out: &mut out, is_ended, counters: &mut counters };
            match reducer.reduce(&mut part) {
                Ok(()) => {
                    count(&mut counters, "output bytes", out.written());
                    let took_us = begun.elapsed().as_micros() as u64;
                    let taken = chunk.is_backup().into();
                    let effort = Effort { pid: std::process::id(), took_us: vec![took_us], taken };
                    if to.exists() {
                        return self.work.manifest.twice(effort);
                    }
                    // Counted first: a part that is there is not made again.
                    self.work.manifest.part(number, counters, effort)?;
                    return out.finish();
                }
                Err(Error::Damaged { path, .. }) if repairs < REPAIRS_MAX => {
                    repairs += 1;
                    repair::make_anew(&self.work, &path, is_ended)?;
                    *self.runs.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                Err(Error::Stopped) if to.exists() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether a part is made in vain: nobody wants it any more, or somebody else has it too, and was first.
fn ended(chunk: &Chunk<'_>, number: u32, to: &Path) -> Ended {
    let (lease, shared, to) = (chunk.hold(), chunk.is_backup(), to.to_owned());
    Arc::new(move || {
        let seq = number.into();
        lease.is_ended(seq) || ((shared || lease.is_dropped(seq)) && to.exists())
    })
}

impl Runner for Reduce {
    fn order(&self) -> Order {
        Order::Spread
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let range = chunk.range();
        for seq in range.lo..range.hi {
            if chunk.is_over(seq) {
                return chunk.stopped_all(Range::new(seq, range.hi));
            }
            match self.part(chunk, seq as u32) {
                Ok(()) => chunk.done(seq),
                Err(error @ (Error::TooLarge { .. } | Error::Program { .. })) => {
                    chunk.failed(seq, error.to_string())
                }
                Err(error) => {
                    self.work.give_up(&error);
                    return chunk.stopped_all(Range::new(seq, range.hi));
                }
            }
        }
    }

    fn before_report(&self) -> Result<(), String> {
        self.work.check()
    }
}
