//! An observation as bytes: sections of numbers, each behind its tag and length.
//!
//! A reader skips sections that it does not know and leaves at their defaults those that are missing, and the same
//! within a section: numbers are only ever added at the end. So fields can be added without a new format of the
//! store, and programs of different age read each other's rows.

use super::{Observation, Presence, Spread};
use divvy_core::codec::{Truncated, put_u64, take_u64};
use divvy_core::{Account, Histogram, State, Toll};

/// `until, workers, offered, cpu, tasks, exchanges, queued, nodes`.
const COUNTS: u64 = 1;
/// Nanoseconds by state, in the order of [`State::ALL`].
const ACCOUNT: u64 = 2;
/// `workers, sum, sum of squares`, the latter two by the bits of a float. Under 3 these were counted from a node's
/// beginning, and do not add up.
const SPREAD: u64 = 7;
/// Bucket and count, in turns.
const RUN: u64 = 4;
const WAIT: u64 = 5;
/// How many sums a level has, then those of each level. (6 was the same without the first number.)
const TOLL: u64 = 9;
/// `node, worker, awake`, where there is such a thing.
const MERGED: u64 = 8;

impl Observation {
    /// All but the job, the node and the beginning, which are the row's key.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let Observation { until, workers, offered_ns, cpu_ns, tasks, exchanges, queued, nodes, .. } = *self;
        put(&mut out, COUNTS, &[until, workers, offered_ns, cpu_ns, tasks, exchanges, queued, nodes]);
        put(&mut out, ACCOUNT, &State::ALL.map(|state| self.account.get(state)));
        let Spread { workers, sum, squares } = self.spread;
        put(&mut out, SPREAD, &[workers, sum.to_bits(), squares.to_bits()]);
        for (tag, histogram) in [(RUN, &self.run), (WAIT, &self.wait)] {
            let numbers: Vec<u64> = histogram.buckets().flat_map(|(at, n)| [at.into(), n]).collect();
            put(&mut out, tag, &numbers);
        }
        put(&mut out, TOLL, &self.toll.numbers());
        if let Some(Presence { node_ms, worker_ms, awake_ms }) = self.merged {
            put(&mut out, MERGED, &[node_ms, worker_ms, awake_ms]);
        }
        out
    }

    /// Takes in what [`Observation::encode`] wrote, be it of an older or a newer program.
    ///
    /// # Errors
    /// [`Truncated`] if the bytes are not sections of numbers.
    pub fn decode(&mut self, mut bytes: &[u8]) -> Result<(), Truncated> {
        while !bytes.is_empty() {
            let (tag, numbers) = take(&mut bytes)?;
            let at = |n: usize| numbers.get(n).copied().unwrap_or(0);
            match tag {
                COUNTS => {
                    (self.until, self.workers, self.offered_ns, self.cpu_ns) = (at(0), at(1), at(2), at(3));
                    (self.tasks, self.exchanges, self.queued) = (at(4), at(5), at(6));
                    self.nodes = at(7);
                }
                ACCOUNT => {
                    self.account = Account::default();
                    State::ALL.into_iter().zip(&numbers).for_each(|(state, ns)| self.account.add(state, *ns));
                }
                SPREAD => {
                    let (sum, squares) = (f64::from_bits(at(1)), f64::from_bits(at(2)));
                    self.spread = Spread { workers: at(0), sum, squares };
                }
                RUN => self.run = histogram(&numbers),
                WAIT => self.wait = histogram(&numbers),
                TOLL => self.toll = Toll::of_numbers(&numbers),
                MERGED => {
                    self.merged = Some(Presence { node_ms: at(0), worker_ms: at(1), awake_ms: at(2) });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn histogram(numbers: &[u64]) -> Histogram {
    Histogram::from_buckets(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])))
}

fn put(out: &mut Vec<u8>, tag: u64, numbers: &[u64]) {
    put_u64(out, tag);
    put_u64(out, numbers.len() as u64);
    numbers.iter().for_each(|n| put_u64(out, *n));
}

fn take(bytes: &mut &[u8]) -> Result<(u64, Vec<u64>), Truncated> {
    let tag = take_u64(bytes)?;
    let len = take_u64(bytes)?;
    let numbers = (0..len).map(|_| take_u64(bytes)).collect::<Result<_, _>>()?;
    Ok((tag, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::toll::{Habits, Trip};

    fn full() -> Observation {
        let mut seen =
            Observation { until: 7, workers: 2, offered_ns: 9, cpu_ns: 3, ..Observation::default() };
        (seen.tasks, seen.exchanges, seen.queued, seen.nodes) = (5, 6, u64::MAX, 4);
        seen.merged = Some(Presence { node_ms: 11, worker_ms: 12, awake_ms: 13 });
        State::ALL.into_iter().zip(1..).for_each(|(state, ns)| seen.account.add(state, ns));
        seen.spread = Spread { workers: 2, sum: 1.5, squares: 2.25 };
        seen.run.record(1_000, 4);
        seen.wait.record(u64::MAX, 1);
        seen.toll.pay(&Trip { workers: 3, total_ns: 8, ..Trip::default() }, &mut Habits::default());
        seen
    }

    fn read(bytes: &[u8]) -> Result<Observation, Truncated> {
        let mut seen = Observation::default();
        seen.decode(bytes).map(|()| seen)
    }

    #[test]
    fn every_field_survives() {
        assert_eq!(read(&full().encode()), Ok(full()));
        assert_eq!(read(&Observation::default().encode()), Ok(Observation::default()));
    }

    #[test]
    fn a_newer_record_is_read_as_far_as_it_is_known() {
        let mut bytes = full().encode();
        put(&mut bytes, 99, &[1, 2, 3]);
        assert_eq!(read(&bytes), Ok(full()));
        let mut longer = Vec::new();
        put(&mut longer, SPREAD, &[2, 1.5f64.to_bits(), 2.25f64.to_bits(), 77]);
        assert_eq!(read(&longer).unwrap().spread, full().spread);
    }

    #[test]
    fn an_older_record_leaves_out_what_was_not_there() {
        let mut bytes = Vec::new();
        put(&mut bytes, COUNTS, &[7, 2]);
        let seen = read(&bytes).unwrap();
        assert_eq!((seen.until, seen.workers, seen.tasks, seen.run), (7, 2, 0, Histogram::default()));
    }

    #[test]
    fn what_ends_early_is_refused() {
        let bytes = full().encode();
        assert_eq!(read(&bytes[..bytes.len() - 1]), Err(Truncated));
        assert_eq!(read(&[1, 200, 1, 0]), Err(Truncated));
    }
}
