//! Killed at random, again and again: every task is done, and only what a killed node had not reported runs twice.
//!
//! Each task appends its id and its node to a file. Of the lines with the same id all but the last are *redo*, and
//! belong to the node that wrote them. Beside the run a watcher notes, for each node, how long the file was when the
//! store last took a report of it, and the time before: whatever ended before a report was answered goes out with
//! the next one, so what is lost with a node ended after its last report but one. That bound needs no clock.

use crate::place::{Place, until};
use crate::started::Started;
use divvy_core::Rng;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Workers of each process.
const WORKERS: u64 = 2;
const RESUME: [&str; 2] = ["resume", "-j2"];
const HELP: [&str; 2] = ["work", "-j2"];

struct Plan {
    tasks: u64,
    kills: u64,
    /// Processes beside the one that resumes.
    helpers: usize,
    /// Lines between two kills, at most.
    gap: u64,
    crash_limit: u32,
    seed: u64,
}

/// What a killed node had run in vain, beside what it may have.
struct Redo {
    redone: u64,
    /// Lines since the last report that the watcher saw, and since the one before, plus the workers.
    since_last: u64,
    bound: u64,
}

#[test]
fn killed_at_random_nothing_is_lost_and_little_runs_twice() {
    run(&Plan { tasks: 500, kills: 10, helpers: 1, gap: 80, crash_limit: 5, seed: 1 });
}

#[test]
#[ignore = "the full measurement: cargo test --release -p divvy-cli --test process -- --ignored --nocapture chaos_full"]
fn chaos_full() {
    run(&Plan { tasks: 10_000, kills: 200, helpers: 2, gap: 100, crash_limit: 5, seed: 2 });
}

/// The figures alone, where no task can be condemned for the kills that it was near.
#[test]
#[ignore = "the full measurement without a crash limit, as chaos_full"]
fn chaos_uncharged() {
    run(&Plan { tasks: 10_000, kills: 200, helpers: 2, gap: 100, crash_limit: 1_000, seed: 2 });
}

fn run(plan: &Plan) {
    let place = Place::new();
    let mut rng = Rng::new(plan.seed);
    let array = format!("1-{}", plan.tasks);
    let limit = plan.crash_limit.to_string();
    let begin = [
        "run",
        "-j2",
        "--crash-limit",
        &limit,
        "--array",
        &array,
        "sh",
        "-c",
        "echo {} ${DIVVY_SESSION##*-} >> lines",
    ];
    // The first one runs the job, the others help.
    let mut processes = vec![place.start(begin)];
    until("the job is there", || place.has("lines"));
    let watcher = Watcher::start(&place);
    processes.extend((0..plan.helpers).map(|_| place.start(HELP)));
    let mut killed = BTreeMap::new();
    for kill in 0..plan.kills {
        let more = length(&place) + 1 + rng.below(plan.gap);
        // The job may be through before the last kill: then there is nothing left to kill.
        let mut over = false;
        until("more tasks have run, or all", || {
            over = processes[0].has_ended();
            over || length(&place) >= more
        });
        if over {
            eprintln!("the job was done after {kill} of {} kills", plan.kills);
            break;
        }
        // Not in step with anything that the tasks do.
        thread::sleep(Duration::from_micros(rng.below(3_000)));
        let whom = rng.below(plan.helpers as u64 + 2) as usize;
        let all = 0..plan.helpers + 1;
        let victims = if all.contains(&whom) { whom..whom + 1 } else { all };
        let processes = &mut processes[victims.clone()];
        processes.iter().for_each(|process| process.signal(Signal::KILL));
        killed.extend(processes.iter().filter_map(|process| watcher.marks_of(&place, process)));
        for (number, process) in victims.zip(processes) {
            let again = place.start(if number == 0 { RESUME } else { HELP });
            std::mem::replace(process, again).end();
        }
        intact(&place);
    }
    let last = processes.swap_remove(0).end();
    assert!(last.code == Some(0), "seed {}: {:?} {}", plan.seed, last.code, last.err());
    drop(processes);
    watcher.stop();
    let redos = check(plan, &place, &killed);
    tell(plan, &place, &redos);
}

/// SQLite's own look at its pages, and the program's at its rows.
fn intact(place: &Place) {
    let said: String = place.raw().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
    place.divvy(["show", "1"]).exits(0);
}

struct Line {
    offset: u64,
    id: u64,
    node: i64,
}

fn check(plan: &Plan, place: &Place, killed: &BTreeMap<i64, Marks>) -> Vec<Redo> {
    let text = place.read("lines");
    let (mut last, mut lines, mut offset) = (BTreeMap::new(), Vec::new(), 0);
    for line in text.lines() {
        let (id, node) = line.split_once(' ').unwrap();
        let line_of = Line { offset, id: id.parse().unwrap(), node: node.parse().unwrap() };
        last.insert(line_of.id, offset);
        lines.push(line_of);
        offset += line.len() as u64 + 1;
    }
    assert!(last.keys().copied().eq(1..=plan.tasks), "every task ran, and nothing else");
    let job = place.json(&["show", "1"]);
    assert_eq!((&job["state"], &job["done"]), (&"done".into(), &plan.tasks.into()), "{job}");

    let redone: Vec<_> = lines.iter().filter(|line| last[&line.id] != line.offset).collect();
    for Line { id, node, .. } in &redone {
        assert!(killed.contains_key(node), "task {id} ran again although node {node} was never killed");
    }
    let of = |node, from| lines.iter().filter(|line| line.node == node && line.offset >= from).count() as u64;
    let redos = killed.iter().map(|(&node, &[last, before])| Redo {
        redone: redone.iter().filter(|line| line.node == node).count() as u64,
        since_last: of(node, last) + WORKERS,
        bound: of(node, before) + WORKERS,
    });
    let redos: Vec<_> = redos.collect();
    for redo in &redos {
        assert!(redo.redone <= redo.bound, "{} ran again, {} may", redo.redone, redo.bound);
    }
    redos
}

fn tell(plan: &Plan, place: &Place, redos: &[Redo]) {
    let mean = |of: fn(&Redo) -> u64| redos.iter().map(of).sum::<u64>() as f64 / redos.len().max(1) as f64;
    let max = |of: fn(&Redo) -> u64| redos.iter().map(of).max().unwrap_or(0);
    let lines = place.read("lines").lines().count() as u64;
    eprintln!(
        "{} tasks, {} kills of {} nodes, seed {}: {} runs too many, {} stale completions; redo per node \
         killed: mean {:.1}, max {}; running + run since its last report: mean {:.1}, max {}; since the one before \
         (the bound): mean {:.1}, max {}; beyond the last report: {} of {}",
        plan.tasks,
        plan.kills,
        redos.len(),
        plan.seed,
        lines - plan.tasks,
        place.count("1", "stale_completions"),
        mean(|r| r.redone),
        max(|r| r.redone),
        mean(|r| r.since_last),
        max(|r| r.since_last),
        mean(|r| r.bound),
        max(|r| r.bound),
        redos.iter().filter(|r| r.redone > r.since_last).count(),
        redos.len(),
    );
}

fn length(place: &Place) -> u64 {
    place.read("lines").lines().count() as u64
}

/// The file's length before a node's last report, and before the one before.
type Marks = [u64; 2];

/// A node's leases, by fence: what is open.
type Leases = BTreeMap<i64, Vec<u8>>;

/// What was seen of a node.
#[derive(Default)]
struct Seen {
    pid: u32,
    leases: Leases,
    marks: Marks,
}

type Nodes = Arc<Mutex<BTreeMap<i64, Seen>>>;

struct Watcher {
    nodes: Nodes,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watcher {
    fn start(place: &Place) -> Watcher {
        let (nodes, over) = (Nodes::default(), Arc::new(AtomicBool::new(false)));
        let (conn, file) = (place.raw(), place.path("lines"));
        let (into, end) = (nodes.clone(), over.clone());
        let thread = thread::spawn(move || watch(&conn, &file, &into, &end));
        Watcher { nodes, over, thread }
    }

    /// The node of a process that was just killed, and its marks; `None` if it had not come so far.
    fn marks_of(&self, place: &Place, killed: &Started) -> Option<(i64, Marks)> {
        let pid = killed.pid().as_raw_nonzero().get() as u32;
        // The watcher may not have seen it, and survivors bury it soon: one of the two knows.
        let row = "SELECT max(node) FROM node WHERE pid = ?1";
        let row: Option<i64> = place.raw().query_row(row, [pid], |row| row.get(0)).unwrap();
        let nodes = self.nodes.lock().unwrap();
        let node =
            row.or_else(|| nodes.iter().rev().find(|(_, seen)| seen.pid == pid).map(|(node, _)| *node))?;
        Some((node, nodes.get(&node).map_or([0; 2], |seen| seen.marks)))
    }

    fn stop(self) {
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

fn watch(conn: &rusqlite::Connection, file: &Path, nodes: &Nodes, over: &AtomicBool) {
    let sql = "SELECT node, pid, fence, open FROM node LEFT JOIN lease USING (node) ORDER BY node, fence";
    let mut statement = conn.prepare(sql).unwrap();
    let mut earlier = 0;
    while !over.load(Ordering::Relaxed) {
        // Before the look at the store: what is seen changed there was committed after this.
        // A test that has failed takes its files along.
        let Ok(length) = fs::metadata(file).map(|meta| meta.len()) else { return };
        let mut now: BTreeMap<i64, (u32, Leases)> = BTreeMap::new();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (_, leases) = now.entry(row.get(0).unwrap()).or_insert((row.get(1).unwrap(), Leases::new()));
            if let Some(fence) = row.get(2).unwrap() {
                leases.insert(fence, row.get(3).unwrap());
            }
        }
        let mut nodes = nodes.lock().unwrap();
        for (node, (pid, leases)) in now {
            let seen = nodes.entry(node).or_default();
            // A claim adds leases; a report takes something from those there are.
            let reported = seen.leases.iter().any(|(fence, open)| leases.get(fence) != Some(open));
            let marks = if reported { [earlier, seen.marks[0]] } else { seen.marks };
            *seen = Seen { pid, leases, marks };
        }
        drop(nodes);
        earlier = length;
        thread::sleep(Duration::from_millis(1));
    }
}
