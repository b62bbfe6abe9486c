//! From what the user typed to the job or tasks that are meant.

use crate::exit::bad_usage;
use crate::lang::selector::{self, JobSelector};
use anyhow::Result;
use divvy_core::{Intervals, JobId, Range};
use divvy_store::{JobInfo, JobSpec, Store};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The jobs a selector means, ascending. Ids that do not exist are an error unless they stand in a range.
///
/// # Errors
/// A malformed selector, a job that is not there, or whatever the store says.
pub fn jobs(store: &dyn Store, text: &OsStr) -> Result<Vec<JobInfo>> {
    let all = store.jobs()?;
    match JobSelector::parse(text.as_bytes()).map_err(bad_usage)? {
        JobSelector::All => Ok(all),
        JobSelector::Last => Ok(all.into_iter().next_back().into_iter().collect()),
        JobSelector::Ids(ranges) => {
            for range in ranges.iter().filter(|r| r.first == r.last) {
                if !all.iter().any(|job| job.id.0 == range.first) {
                    return Err(divvy_store::Error::NoJob(JobId(range.first)).into());
                }
            }
            Ok(all.into_iter().filter(|job| ranges.iter().any(|r| r.contains(job.id.0))).collect())
        }
    }
}

/// The one job a selector means.
///
/// # Errors
/// As [`jobs`], and if it means none or several.
pub fn job(store: &dyn Store, text: &OsStr) -> Result<JobInfo> {
    let mut jobs = jobs(store, text)?;
    match (jobs.pop(), jobs.is_empty()) {
        (Some(job), true) => Ok(job),
        (None, _) => Err(bad_usage("there are no jobs yet; `divvy run` makes one")),
        (Some(_), false) => {
            Err(bad_usage(format!("`{}` means several jobs: name one", text.to_string_lossy())))
        }
    }
}

/// The seqs of the task ids a selector means, as far as the job has them.
///
/// # Errors
/// A malformed selector.
pub fn tasks(job: &JobInfo, text: &OsStr) -> Result<Intervals> {
    let ranges = selector::parse_tasks(text.as_bytes()).map_err(bad_usage)?;
    let highest = job.tail.checked_sub(1).map_or(0, |seq| job.spec.id_of(seq));
    let mut set = Intervals::new();
    for range in ranges {
        let dense = range.step == job.spec.array.map_or(1, |a| a.step);
        let (first, last) = (job.spec.seq_of(range.first), job.spec.seq_of(range.last));
        match (first, last) {
            (Some(first), Some(last)) if dense => {
                set.insert(Range::new(first.min(job.tail), (last + 1).min(job.tail)));
            }
            _ => ids(&job.spec, range.first, range.last.min(highest), range.step)
                .for_each(|seq| set.insert(Range::new(seq, seq + 1))),
        }
    }
    set.remove(Range::new(job.tail, u64::MAX));
    Ok(set)
}

fn ids(spec: &JobSpec, first: u64, last: u64, step: u64) -> impl Iterator<Item = u64> + '_ {
    let count = last.checked_sub(first).map_or(0, |d| d / step + 1);
    (0..count).filter_map(move |n| spec.seq_of(first + n * step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_store::{Array, Counts, Progress};

    fn job(array: Option<Array>, tail: u64) -> JobInfo {
        let spec = JobSpec { array, ..JobSpec::new("x") };
        let (counts, progress) = (Counts::default(), Progress::Closed);
        JobInfo {
            id: JobId(1),
            spec,
            progress,
            canceled: false,
            paused: false,
            waits_for: vec![],
            tail,
            bytes: 0,
            counts,
            created: 0,
            producer: None,
            stale: 0,
        }
    }

    fn seqs(job: &JobInfo, text: &str) -> Vec<u64> {
        tasks(job, OsStr::new(text)).unwrap().iter().collect()
    }

    #[test]
    fn ids_become_seqs() {
        let list = job(None, 10);
        assert_eq!(seqs(&list, "1,3-4,9-30"), [0, 2, 3, 8, 9]);
        assert_eq!(seqs(&list, "2-8:3"), [1, 4, 7]);
        let array = job(Some(Array { first: 10, step: 5 }), 4);
        assert_eq!(seqs(&array, "10-25:5"), [0, 1, 2, 3]);
        assert_eq!(seqs(&array, "11-26"), [1, 2, 3], "ids between the steps are nobody's");
        assert!(seqs(&array, "40-50").is_empty());
    }
}
