//! No room, no permission: it stops, says so, and goes on when it can.
//!
//! A small disk of one's own takes a mount, which not everybody may do: then these tests say so and pass.

use crate::place::{Place, until};
use rustix::process::Signal;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// A small file system where the place keeps its store.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    pub(crate) fn below(place: &Place, size: &str) -> Option<SmallDisk> {
        fs::create_dir(place.state()).unwrap();
        let size = format!("size={size}");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(place.state()).output();
        if mount.is_ok_and(|done| done.status.success()) {
            return Some(SmallDisk(place.state()));
        }
        eprintln!("skipped: mounting a small file system is not permitted here");
        None
    }

    /// Leaves no room.
    fn fill(&self) {
        let mut ballast = File::create(self.0.join("ballast")).unwrap();
        while ballast.write_all(&[1; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }

    pub(crate) fn remount(&self, how: &str) {
        let done =
            Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_job_and_it_goes_on_when_there_is_room() {
    let place = Place::new();
    let Some(disk) = SmallDisk::below(&place, "3m") else { return };
    let script = "until [ -e go ]; do >begun{}; sleep 0.01; done; echo {} >> done";
    let run = place.start(["run", "-j2", "--crash-limit", "1", "--array", "1-2000", "sh", "-c", script]);
    until("two tasks run", || place.has("begun1") && place.has("begun2"));
    disk.fill();
    place.write("go", "");
    run.end().refused(126, &["disk is full", "make room", "divvy resume 1"]);
    place.expect_no_task_alive();
    // Still full, also of what the end of the first has freed: still the same answer, and no harm.
    disk.fill();
    assert_eq!(place.divvy(["resume"]).code, Some(126));
    disk.make_room();
    // The slower the tasks, the more commits they are told in: before the log is taken over it alone may have 4 MB.
    disk.remount("size=64m");
    place.divvy(["resume"]).silent();
    assert_eq!((place.count("1", "done"), place.count("1", "dead")), (2_000, 0));
    let mut ids = place.lines("done");
    ids.dedup();
    assert_eq!(ids.len(), 2_000);
}

#[test]
fn a_submission_that_finds_no_room_is_no_job() {
    let place = Place::new();
    let Some(disk) = SmallDisk::below(&place, "2m") else { return };
    place.divvy(["run", "true", ":::", "x"]).silent();
    disk.fill();
    let list: String = (0..100_000).map(|n| format!("{n}\n")).collect();
    let ran = place.piped(list, ["run", "true"]);
    ran.refused(126, &["disk is full"]);
    disk.make_room();
    place.divvy(["run", "echo", ":::", "x"]).exits(0);
}

#[test]
fn a_disk_too_full_for_a_tasks_output_charges_nothing() {
    let place = Place::new();
    let Some(disk) = SmallDisk::below(&place, "6m") else { return };
    let args = ["run", "-j1", "head", "-c", "20000000", ":::", "/dev/zero"];
    let said = {
        let ran = place.divvy(args);
        assert!(ran.code.is_some_and(|code| code >= 126), "{:?}: {}", ran.code, ran.err());
        ran.err()
    };
    assert!(said.contains("No space left") && said.contains("divvy resume 1"), "{said}");
    assert_eq!((place.count("1", "dead"), place.count("1", "ready")), (0, 1));
    disk.remount("size=60m");
    assert_eq!(place.divvy(["resume"]).silent().len(), 20_000_000);
}

#[test]
fn a_full_disk_for_results_charges_nothing() {
    let place = Place::new();
    let Some(disk) = SmallDisk::below(&place, "2m") else { return };
    // The results on the small disk, the store elsewhere.
    let store = format!("sqlite:{}", place.path("jobs.db").display());
    disk.fill();
    let divvy = |args: &[&str]| place.spawn(place.command(args).env("DIVVY_STORE", &store)).end();
    let ran = divvy(&["run", "-j1", "--results", "state/r", "head", "-c", "100000", ":::", "/dev/zero"]);
    assert!(ran.code.is_some_and(|code| code >= 125), "{:?}", ran.code);
    assert!(ran.err().contains("No space left"), "{}", ran.err());
    disk.make_room();
    if divvy(&["resume"]).code != Some(0) {
        // Refused before anything was stored, as a directory that cannot be made.
        divvy(&["run", "--results", "state/r", "head", "-c", "100000", ":::", "/dev/zero"]).exits(0);
    }
    assert_eq!(fs::metadata(place.path("state/r/1/stdout")).unwrap().len(), 100_000);
}

#[test]
fn a_read_only_file_system_is_said() {
    let place = Place::new();
    let Some(disk) = SmallDisk::below(&place, "3m") else { return };
    disk.remount("ro");
    place.divvy(["run", "true", ":::", "x"]).refused(126, &["cannot write", "divvy.db"]);
    disk.remount("rw");
    let script = "test -e go || { >begun; exec sleep 600; }";
    let run = place.start(["run", "sh", "-c", script, "_", ":::", "x"]);
    until("it runs", || place.has("begun"));
    run.end_by(Signal::KILL);
    disk.remount("ro");
    place.divvy(["resume"]).refused(126, &["cannot write", "divvy.db"]);
    disk.remount("rw");
    place.write("go", "");
    place.divvy(["resume"]).silent();
}

#[test]
fn a_directory_without_permission_is_said() {
    let place = Place::new();
    fs::create_dir(place.state()).unwrap();
    fs::set_permissions(place.state(), fs::Permissions::from_mode(0o555)).unwrap();
    let refused = File::create(place.state().join("probe")).is_err();
    let ran = place.divvy(["run", "true", ":::", "x"]);
    if refused {
        ran.refused(126, &["cannot write", "divvy.db"]);
    } else {
        eprintln!("skipped: this user may write everywhere");
    }
}
