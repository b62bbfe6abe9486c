//! How evenly the work of a job was divided: what is told of it at the end.
//!
//! Two things keep workers waiting at the end of a phase. A part or split that is larger than the others is in the data:
//! more parts, or a combine, help. A task that took longer although it was not larger is in the machine: its process was slow.

use crate::manifest::Effort;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a job's tasks took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Skew {
    /// Of the splits.
    pub map: Times,
    /// Of the parts.
    pub reduce: Times,
    /// The parts of the output.
    pub parts: Sizes,
    /// Tasks that idle nodes took from slow ones, of those that count.
    pub taken: u64,
    /// Tasks that were done although somebody else had done them first, as far as those who did them could say so.
    pub twice: u64,
    /// Microseconds that they took, of those of all tasks.
    pub twice_us: u64,
    /// See `twice_us`.
    pub all_us: u64,
}

/// How long tasks took, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Times {
    /// How many there are.
    pub tasks: u64,
    /// Half of them took no longer.
    pub median_us: u64,
    /// The longest.
    pub longest_us: u64,
    /// The process that had it.
    pub pid: u32,
}

/// How large parts are, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sizes {
    /// How many there are.
    pub parts: u64,
    /// All of them together.
    pub bytes: u64,
    /// The largest.
    pub largest: u64,
    /// The number of that.
    pub number: u32,
}

type Made = (BTreeMap<String, u64>, Effort);

impl Skew {
    pub(crate) fn of<'a>(
        map: impl Iterator<Item = &'a Effort> + Clone,
        parts: impl Iterator<Item = (&'a u32, &'a Made)> + Clone,
        twice: &[Effort],
    ) -> Skew {
        let reduce = parts.clone().map(|(_, (_, effort))| effort);
        let all = || map.clone().chain(reduce.clone());
        let us = |effort: &Effort| effort.took_us.iter().sum::<u64>();
        let twice_us = twice.iter().map(us).sum();
        Skew {
            taken: all().map(|effort| effort.taken).sum(),
            twice: twice.iter().map(|effort| effort.took_us.len() as u64).sum(),
            twice_us,
            all_us: all().map(us).sum::<u64>() + twice_us,
            map: Times::of(map),
            reduce: Times::of(reduce),
            parts: Sizes::of(parts),
        }
    }
}

impl Times {
    fn of<'a>(efforts: impl Iterator<Item = &'a Effort>) -> Times {
        let mut times: Vec<(u64, u32)> =
            efforts.flat_map(|effort| effort.took_us.iter().map(|us| (*us, effort.pid))).collect();
        times.sort_unstable();
        let Some((longest_us, pid)) = times.last().copied() else { return Times::default() };
        Times { tasks: times.len() as u64, median_us: times[times.len() / 2].0, longest_us, pid }
    }
}

impl Sizes {
    fn of<'a>(parts: impl Iterator<Item = (&'a u32, &'a Made)>) -> Sizes {
        let mut sizes = Sizes::default();
        for (number, (counters, _)) in parts {
            let bytes = counters.get("output bytes").copied().unwrap_or(0);
            (sizes.parts, sizes.bytes) = (sizes.parts + 1, sizes.bytes + bytes);
            if bytes > sizes.largest {
                (sizes.largest, sizes.number) = (bytes, *number);
            }
        }
        sizes
    }
}
