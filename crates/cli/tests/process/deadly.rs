//! A task that takes its worker down every time: isolated, dead after the crash limit, the rest unharmed.

use crate::place::Place;

/// Restarts a worker until the job has finished, as a service manager would. Returns how often it died.
fn restart_until_finished(place: &Place, most: u32) -> u32 {
    let mut deaths = 0;
    loop {
        let ran = place.divvy(["work", "-j2", "--until-empty"]);
        match ran.signal {
            Some(9) => deaths += 1,
            _ => {
                ran.exits(0);
                return deaths;
            }
        }
        assert!(deaths <= most, "died {deaths} times");
    }
}

#[test]
fn one_deadly_task_dies_alone_after_the_crash_limit() {
    let place = Place::new();
    let script = "[ {} = 37 ] && kill -9 $PPID && sleep 600; echo {} >> done";
    let ran = place.divvy(["run", "-j2", "--crash-limit", "3", "--array", "1-100", "sh", "-c", script]);
    assert_eq!(ran.signal, Some(9));
    let deaths = restart_until_finished(&place, 30);
    let job = place.json(&["show", "1"]);
    assert_eq!((&job["done"], &job["dead"]), (&99.into(), &1.into()));
    let dead = &job["failed_tasks"][0];
    assert_eq!((&dead["task"], &dead["crashes"]), (&37.into(), &3.into()));
    assert!(dead["error"].as_str().unwrap().contains("took its node down 3 times"), "{dead}");
    // Those that ran when their worker died may have run again; none is missing and none was charged.
    let mut ids = place.lines("done");
    let redone = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), 99);
    assert!(redone - 99 <= 200, "{redone} runs, {deaths} deaths");
    place.expect_no_task_alive();
    place.divvy(["resume", "1"]).exits(1);
}

#[test]
fn several_deadly_tasks_die_and_no_other() {
    let place = Place::new();
    let script = "case {} in 5|6|40) kill -9 $PPID; sleep 600;; esac; echo {} >> done";
    place.divvy(["run", "-j2", "--crash-limit", "2", "--array", "1-60", "sh", "-c", script]);
    restart_until_finished(&place, 60);
    let job = place.json(&["show", "1"]);
    assert_eq!((&job["done"], &job["dead"]), (&57.into(), &3.into()));
    let dead: Vec<_> = job["failed_tasks"].as_array().unwrap().iter().map(|t| t["task"].as_u64()).collect();
    assert_eq!(dead, [Some(5), Some(6), Some(40)]);
}

#[test]
fn a_deadly_task_of_several_workers_leaves_one_alive_at_the_end() {
    let place = Place::new();
    let script = "[ {} = 3 ] && kill -9 $PPID && sleep 600; sleep 0.01; echo {} >> done";
    // Five at once: they take over from each other, and one is enough to finish.
    let run = place.start(["run", "-j1", "--crash-limit", "3", "--array", "1-60", "sh", "-c", script]);
    let work: Vec<_> = (0..4).map(|_| place.start(["work", "-j1"])).collect();
    run.end();
    let job = loop {
        place.divvy(["work", "--until-empty", "-j1"]);
        let job = place.json(&["show", "1"]);
        if job["state"] == "failed" {
            break job;
        }
    };
    drop(work);
    assert_eq!((&job["done"], &job["dead"]), (&59.into(), &1.into()));
    assert_eq!(job["failed_tasks"][0]["task"], 3);
}

#[test]
fn a_deadly_task_may_be_tried_again_by_hand() {
    let place = Place::new();
    let script = "[ -e mended ] || kill -9 $PPID; echo {} >> done";
    place.divvy(["run", "--crash-limit", "1", "sh", "-c", script, ":::", "a"]);
    restart_until_finished(&place, 5);
    assert_eq!(place.task("1", 1), "dead");
    place.write("mended", "");
    place.divvy(["retry", "1"]).exits(0);
    place.divvy(["resume"]).silent();
    assert_eq!((place.task("1", 1).as_str(), place.lines("done").last().unwrap().as_str()), ("done", "a"));
}
