//! The conformance suite of the port: what [`Store`]'s documentation says, as cases that every adapter has to pass.
//!
//! A case gets an empty store and is named for the rule that it checks. An adapter's test is one line,
//! `conformance::run(&|| Box::new(MyStore::empty()))`. Times are passed in, and a few cases let an hour pass that
//! way: a store with a clock of its own needs one that can be moved.

pub mod random;

mod after;
mod cancel_retry;
mod claims;
mod classes;
mod given;
mod graph;
mod life;
mod loss;
mod observe;
mod pause;
mod replies;
mod reports;
mod sharing;

use crate::Store;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A rule's name, and the check of it on an empty store.
pub type Case = (&'static str, fn(&dyn Store));

/// Makes a module's list of cases. One that is not listed is dead code, of which the compiler warns.
macro_rules! cases {
    ($theme:literal: $($case:ident),* $(,)?) => {
        &[$((concat!($theme, "::", stringify!($case)), $case as fn(&dyn $crate::Store))),*]
    };
}
use cases;

/// All cases, by theme.
pub const CASES: &[&[Case]] = &[
    life::CASES,
    claims::CASES,
    classes::CASES,
    replies::CASES,
    reports::CASES,
    loss::CASES,
    cancel_retry::CASES,
    after::CASES,
    sharing::CASES,
    graph::CASES,
    pause::CASES,
    observe::CASES,
    random::CASES,
];

/// The names of the cases that fail, each tried on a new store.
#[must_use]
pub fn failures(fresh: &dyn Fn() -> Box<dyn Store>) -> Vec<&'static str> {
    let fails = |(_, case): &&Case| {
        let attempt = || {
            let store = fresh();
            case(&*store);
            given::sound(&*store);
        };
        catch_unwind(AssertUnwindSafe(attempt)).is_err()
    };
    CASES.iter().copied().flatten().filter(fails).map(|(name, _)| *name).collect()
}

/// Runs every case on a store of its own.
///
/// # Panics
/// If a case fails. All are run first; the message names those that failed, the output above it says why.
pub fn run(fresh: &dyn Fn() -> Box<dyn Store>) {
    let failed = failures(fresh);
    assert!(failed.is_empty(), "{} cases failed: {failed:#?}", failed.len());
}
