//! Sessions and their files.

use crate::dir::{Dir, array, claim, exchange, node};
use divvy_store::{Error, Store};

#[test]
fn a_session_lives_as_long_as_its_handle() {
    let dir = Dir::new();
    let (store, other) = (dir.open(), dir.open());
    let (mine, theirs) = (node(&store), node(&other));
    assert_ne!(mine, theirs);
    let file = store.session_file(theirs).unwrap();
    assert!(file.exists() && file.to_string_lossy().ends_with(&format!("store.node-{theirs}")));
    assert_eq!(store.gone().unwrap(), []);
    assert_eq!(other.gone().unwrap(), []);

    let job = array(&store, 100);
    let lease = exchange(&other, theirs, vec![], Some(claim(job, 40))).leases.remove(0);
    drop(other);
    assert!(!file.exists(), "a handle takes its files along");
    assert_eq!(store.gone().unwrap(), [theirs]);
    let expired = store.expire(5, theirs).unwrap();
    assert_eq!((expired.leases, expired.waiting, expired.dead), (1, 40, 0));
    assert_eq!(store.gone().unwrap(), []);
    assert_eq!(store.expire(5, theirs).unwrap().leases, 0);
    let late = store.exchange(6, theirs, &divvy_store::Exchange::default());
    assert!(matches!(late, Err(Error::NodeGone(id)) if id == theirs));

    let again = exchange(&store, mine, vec![], Some(claim(job, 40))).leases.remove(0);
    assert_eq!((again.fence.0, again.open.len()), (lease.fence.0 + 1, 5), "an eighth, under a higher fence");
    store.verify(true).unwrap();
}

/// A killed process leaves its file behind, with nobody's lock on it.
#[test]
fn a_file_without_a_lock_is_a_session_that_has_ended() {
    let dir = Dir::new();
    let store = dir.open();
    let other = dir.open();
    let dead = node(&other);
    let file = store.session_file(dead).unwrap();
    std::fs::write(&file, "pids of its tasks").unwrap();
    assert_eq!(store.gone().unwrap(), [], "writing into it is no end");
    // The name leads to another file from now on, as if the process had ended without a chance to clean up.
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "pids of its tasks").unwrap();
    assert_eq!(store.gone().unwrap(), [dead]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "pids of its tasks", "survivors can read it");
    store.expire(1, dead).unwrap();
    assert!(!file.exists());
}

#[test]
fn leaving_removes_the_file() {
    let dir = Dir::new();
    let store = dir.open();
    let node = node(&store);
    let file = store.session_file(node).unwrap();
    assert!(file.exists());
    store.leave(1, node).unwrap();
    store.leave(1, node).unwrap();
    assert!(!file.exists());
    assert_eq!(store.nodes().unwrap(), []);
}

#[test]
fn one_handle_may_have_several_sessions() {
    let dir = Dir::new();
    let store = dir.open();
    let (a, b) = (node(&store), node(&store));
    assert_eq!(store.nodes().unwrap().len(), 2);
    assert_eq!(store.gone().unwrap(), []);
    assert_eq!(dir.open().gone().unwrap(), []);
    store.leave(1, a).unwrap();
    assert_eq!(dir.open().gone().unwrap(), []);
    drop(store);
    assert_eq!(dir.open().gone().unwrap(), [b]);
}
