//! Jobs that come after other jobs.
//!
//! What a job waits for is computed from the logs of the others whenever somebody asks: the flag in its own log only
//! says that it is worth asking. That others have succeeded never changes again, so a claim may take the flag off.

use super::books::Books;
use super::errors::Step;
use divvy_core::JobId;
use std::collections::BTreeSet;

/// Of the jobs that have to succeed before this one, those that have not, in the order in which it names them.
pub(super) fn waits_for(books: &mut Books<'_>, job: JobId) -> Step<Vec<JobId>> {
    let mut waits_for = Vec::new();
    if !books.must(job)?.waits {
        return Ok(waits_for);
    }
    for before in &books.job(job)?.spec.after {
        // One that is no longer there has succeeded, else it could not have been forgotten.
        if books.log(*before)?.is_some_and(|log| !log.succeeded()) {
            waits_for.push(*before);
        }
    }
    Ok(waits_for)
}

/// Whether nothing can be granted of a job yet. Takes note once all before it have succeeded, directly or not: one
/// without tasks has succeeded before those that it comes after.
pub(super) fn must_wait(books: &mut Books<'_>, job: JobId) -> Step<bool> {
    if !books.must(job)?.waits {
        return Ok(false);
    }
    let (mut waits, mut any) = (false, false);
    for before in &books.job(job)?.spec.after {
        if let Some(log) = books.log(*before)? {
            waits |= !log.succeeded();
            any |= log.waits;
        }
    }
    books.must(job)?.waits = waits || any;
    Ok(waits)
}

/// Whether a job waits, be it by way of others that wait, for one that ended without success.
pub(super) fn is_stuck(books: &mut Books<'_>, job: JobId) -> Step<bool> {
    if books.must(job)?.ended() {
        return Ok(false);
    }
    let (mut seen, mut next) = (BTreeSet::new(), vec![job]);
    while let Some(job) = next.pop() {
        for before in waits_for(books, job)? {
            if books.must(before)?.ended() {
                return Ok(true);
            }
            if seen.insert(before) {
                next.push(before);
            }
        }
    }
    Ok(false)
}

/// A job and those that it comes after, and they after others, as far as they may still have work. None if it is not
/// there.
pub(super) fn with_those_before(books: &mut Books<'_>, job: JobId) -> Step<BTreeSet<JobId>> {
    let (mut all, mut next) = (BTreeSet::new(), vec![job]);
    while let Some(job) = next.pop() {
        let waits = books.log(job)?.map(|log| log.waits);
        if waits.is_some() && all.insert(job) && waits == Some(true) {
            next.extend(&books.job(job)?.spec.after);
        }
    }
    Ok(all)
}

/// An unfinished job that comes after this one.
pub(super) fn follower(books: &mut Books<'_>, job: JobId) -> Step<Option<JobId>> {
    for other in books.live()? {
        if books.must(other)?.waits && books.job(other)?.spec.after.contains(&job) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}
