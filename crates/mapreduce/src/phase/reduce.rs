//! Reduce tasks: a part of the output each.

use super::{Work, repair};
use crate::manifest::count;
use crate::part::{PartWriter, part_name};
use crate::program::{IsEnded, Part, Reducer};
use crate::spill::RunReader;
use crate::{Error, Result};
use divvy_core::Range;
use divvy_engine::{Chunk, Order, Runner};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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

    fn part(&self, worker: usize, number: u32, is_ended: IsEnded<'_>) -> Result<()> {
        let dir = self.work.parts_dir();
        if dir.join(part_name(number)).exists() {
            return Ok(());
        }
        let mut reducer = self.reducers[worker].lock().unwrap_or_else(PoisonError::into_inner);
        let mut repairs = 0;
        loop {
            let runs = self.runs(is_ended)?;
            let mut out = PartWriter::create(&dir, number)?;
            let mut counters = BTreeMap::new();
            let mut part = Part { number, runs: &runs, out: &mut out, is_ended, counters: &mut counters };
            match reducer.reduce(&mut part) {
                Ok(()) => {
                    // Counted first: a part that is there is not made again.
                    count(&mut counters, "output bytes", out.written());
                    self.work.manifest.part(number, counters)?;
                    return out.finish();
                }
                Err(Error::Damaged { path, .. }) if repairs < REPAIRS_MAX => {
                    repairs += 1;
                    repair::make_anew(&self.work, &path, is_ended)?;
                    *self.runs.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                Err(error) => return Err(error),
            }
        }
    }
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
            match self.part(chunk.worker(), seq as u32, &|| chunk.is_ended(seq)) {
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
