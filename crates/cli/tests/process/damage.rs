//! A store that cannot be used is named, and left as it is.

use crate::place::{Place, until};
use rustix::process::Signal;

/// A place with a job that was killed while it ran.
fn killed() -> Place {
    let place = Place::new();
    let script = "test -e go && exit 0; >begun-{}; exec sleep 600";
    let run = place.start(["run", "-j1", "sh", "-c", script, ":::", "one", "two", "three"]);
    until("a task runs", || place.has("begun-one"));
    assert_eq!(run.end_by(Signal::KILL).signal, Some(9));
    place
}

#[test]
fn a_directory_below_a_file_cannot_be() {
    let place = Place::new();
    place.write("state", "");
    place.divvy(["run", "true", ":::", "x"]).refused(126, &["state", "DIVVY_DIR says where jobs are kept"]);
    place.divvy(["jobs"]).refused(126, &["state"]);
}

#[test]
fn a_file_of_something_else_is_refused_and_kept() {
    let place = Place::new();
    std::fs::create_dir(place.state()).unwrap();
    let garbage = "not a database, but long enough to look like a header of one ".repeat(200);
    place.write("state/divvy.db", &garbage);
    place.divvy(["run", "true", ":::", "x"]).refused(126, &["divvy.db", "no divvy store"]);
    assert_eq!(place.read("state/divvy.db"), garbage);

    let other = Place::new();
    std::fs::create_dir(other.state()).unwrap();
    other.raw().execute_batch("CREATE TABLE mine (x)").unwrap();
    other.divvy(["jobs"]).refused(126, &["another program"]);
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let place = killed();
    let ours: u32 = place.raw().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    place.raw().pragma_update(None, "user_version", 99).unwrap();
    for verb in ["jobs", "resume", "work", "show"] {
        place.divvy([verb]).refused(126, &["format 99", "newer divvy"]);
    }
    place.raw().pragma_update(None, "user_version", ours).unwrap();
    place.divvy(["jobs"]).silent();
}

#[test]
fn a_flipped_bit_in_a_block_is_named_and_nothing_is_skipped() {
    let place = killed();
    // "two" becomes "twn".
    let flip = "UPDATE block SET payload = CAST(replace(CAST(payload AS TEXT), 'two', 'twn') AS BLOB)";
    assert_eq!(place.raw().execute(flip, []).unwrap(), 1);
    place.write("go", "");
    place.divvy(["resume"]).refused(126, &["damaged", "block", "job 1", "checksum", "divvy resume 1"]);
    assert_eq!((place.count("1", "done"), place.count("1", "dead")), (0, 0));
    let back = "UPDATE block SET payload = CAST(replace(CAST(payload AS TEXT), 'twn', 'two') AS BLOB)";
    assert_eq!(place.raw().execute(back, []).unwrap(), 1);
    place.divvy(["resume"]).silent();
    assert_eq!(place.count("1", "done"), 3);
}

#[test]
fn a_flipped_bit_in_a_state_row_is_named() {
    for (set, back, named) in [
        ("UPDATE log SET head = head + 1", "UPDATE log SET head = head - 1", "log"),
        ("UPDATE job SET max_attempts = 5", "UPDATE job SET max_attempts = 1", "job"),
        ("UPDATE lease SET node = 9 WHERE fence = 1", "UPDATE lease SET node = 1 WHERE fence = 1", "lease"),
    ] {
        let place = killed();
        assert_eq!(place.raw().execute(set, []).unwrap(), 1, "{set}");
        place.divvy(["resume"]).refused(126, &["damaged", named, "job 1"]);
        place.divvy(["work", "--until-empty"]).refused(126, &["damaged", named]);
        assert_eq!(place.raw().execute(back, []).unwrap(), 1);
        place.write("go", "");
        place.divvy(["resume"]).silent();
    }
}
