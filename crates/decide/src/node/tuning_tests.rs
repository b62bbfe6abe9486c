//! What a node tells of its settings.

use super::*;
use crate::config::Until;
use crate::tuned::{Bound, Knob, Tuned, Why};
use divvy_core::{Fence, Range};
use divvy_store::Lease;
use divvy_store::Reply;

const MS: u64 = 1_000_000;
const JOB: JobId = JobId(1);

struct Told {
    node: Node,
    rng: Rng,
    now: u64,
    tuned: Vec<Tuned>,
    trip: u64,
    done: u64,
}

impl Told {
    fn new() -> Told {
        let cfg = Config::new(2, vec!["a".into()], Until::Stopped);
        let mut told =
            Told { node: Node::new(cfg), rng: Rng::new(1), now: 0, tuned: vec![], trip: 0, done: 0 };
        let mut out = Vec::new();
        told.node.on_registered(0, &mut out);
        told.take(out);
        told
    }

    fn take(&mut self, out: Vec<Action>) {
        for action in out {
            match action {
                Action::Exchange(id, _) => self.trip = id,
                Action::Tuned(tuned) => self.tuned.push(tuned),
                _ => {}
            }
        }
    }

    /// The claim is answered after `trip_ns` with `tasks`, which then take a millisecond each and leave the workers idle.
    fn round(&mut self, trip_ns: u64, tasks: u64) -> Vec<Tuned> {
        self.now += trip_ns;
        let range = Range::new(self.done, self.done + tasks);
        self.done += tasks;
        let fence = Fence(self.trip);
        let lease = Lease {
            job: JOB,
            fence,
            open: range.into(),
            attempts: 0,
            crashes: 0,
            quarantined: false,
            taken: 0,
            class: 0,
            demand: Demand::new(),
        };
        let view = JobView {
            job: JOB,
            claimable: 1 << 40,
            finished: false,
            open: false,
            record_bytes: 0,
            dead: 0,
            unfinished: 1 << 40,
            blocked: 0,
            paused: false,
            stuck: false,
            backups: 0,
            classes: vec![],
        };
        let reply = Reply { leases: vec![lease], jobs: vec![view], workers: 2, ..Reply::default() };
        let mut out = Vec::new();
        self.node.on_reply(self.now, 0, self.trip, reply, &mut out);
        self.take(out);
        self.now += tasks * MS / 2;
        let worked = Worked { done: range.into(), run_ns: tasks * MS, tasks, ..Worked::default() };
        let tick = Tick { worked: vec![((JOB, fence), worked)], idle: 2, ..Tick::default() };
        let mut out = Vec::new();
        self.node.on_tick(self.now, tick, &mut self.rng, &mut out);
        self.take(out);
        std::mem::take(&mut self.tuned)
    }
}

#[test]
fn a_size_is_told_with_its_reason_when_it_has_changed_and_not_again() {
    let mut told = Told::new();
    let size = |by| Why::Size { by, task_ns: Some(MS), round_trip_ns: MS };
    let first = told.round(MS, 2);
    assert_eq!(first, [Tuned { what: Knob::Lease(JOB), from: 0, to: 128, why: size(Bound::Trust) }]);
    let second = told.round(MS, 128);
    assert_eq!(second, [Tuned { what: Knob::Lease(JOB), from: 128, to: 500, why: size(Bound::Target) }]);
    assert_eq!(told.round(MS, 500), [], "it stays as it is");
}

#[test]
fn reports_follow_the_round_trip_up_to_a_bound() {
    let mut told = Told::new();
    let report = |told: Vec<Tuned>| told.into_iter().find(|tuned| tuned.what == Knob::ReportEvery);
    assert_eq!(report(told.round(MS, 2)), None);
    assert_eq!(report(told.round(20 * MS, 2)), None, "one slow trip says little");
    // The mean of 1, 21 and 20 ms, and a fiftieth of the time for it.
    let slower = report(told.round(20 * MS, 2)).unwrap();
    assert_eq!((slower.from, slower.to / MS), (100 * MS, 700));
    let bounded = (0..3).filter_map(|_| report(told.round(60_000 * MS, 2))).last().unwrap();
    assert_eq!(bounded.to, 5_000 * MS);
    assert!(matches!(bounded.why, Why::Reports { round_trip_ns } if round_trip_ns > 30_000 * MS));
    let faster = (0..30).filter_map(|_| report(told.round(MS, 2))).last().unwrap();
    assert!(faster.to < 150 * MS, "and back again, but for what is not worth a word: {faster}");
}
