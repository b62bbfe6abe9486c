//! The suite that every adapter passes, on a file and in memory.

use crate::dir::{Dir, quick};
use divvy_store::sqlite::Sqlite;
use divvy_store::{Store, conformance};
use std::cell::RefCell;

#[test]
fn in_memory() {
    conformance::run(&|| Box::new(Sqlite::in_memory().unwrap()));
}

#[test]
fn on_a_file() {
    let dirs = RefCell::new(Vec::new());
    conformance::run(&|| {
        let dir = Dir::new();
        let store: Box<dyn Store> = Box::new(Sqlite::open(dir.file(), &quick()).unwrap());
        dirs.borrow_mut().push(dir);
        store
    });
}
