//! Packing and giving back, seen from outside: a reply with leases in, tasks to run out.

use super::*;
use crate::config::Until;
use divvy_core::demand::{CPUS, MEM};
use divvy_core::{Fence, Range, Seq};
use divvy_store::Reply;
use divvy_store::{ClassView, Lease};

/// A node and what it was last asked to do.
struct Seen {
    node: Node,
    rng: Rng,
    now: u64,
    runs: Vec<(u64, Seq)>,
    trip: Option<(u64, Exchange)>,
}

fn cpus(n: u64) -> Demand {
    Demand::new().with(CPUS, n * 1_000)
}

impl Seen {
    fn new(workers: u32, capacity: Demand) -> Seen {
        let cfg = Config { capacity, ..Config::new(workers, vec!["a".into()], Until::Stopped) };
        let mut seen = Seen { node: Node::new(cfg), rng: Rng::new(1), now: 0, runs: vec![], trip: None };
        let mut out = Vec::new();
        seen.node.on_registered(0, &mut out);
        seen.take(out);
        seen
    }

    fn take(&mut self, out: Vec<Action>) {
        for action in out {
            match action {
                Action::Run((_, fence), seq) => self.runs.push((fence.0, seq)),
                Action::Exchange(id, exchange) => self.trip = Some((id, exchange)),
                _ => {}
            }
        }
    }

    /// The tasks that were told to run since the last call, by fence.
    fn runs(&mut self) -> Vec<(u64, Seq)> {
        std::mem::take(&mut self.runs)
    }

    fn reply(&mut self, reply: Reply) {
        let (id, _) = self.trip.take().expect("something was asked");
        let mut out = Vec::new();
        self.now += 1_000_000;
        self.node.on_reply(self.now, 0, id, reply, &mut out);
        self.take(out);
    }

    fn grant(&mut self, leases: Vec<Lease>) {
        self.reply(Reply { leases, workers: 1, ..Reply::default() });
    }

    fn worked(&mut self, fence: u64, worked: Worked) {
        let tick = Tick { worked: vec![((JobId(1), Fence(fence)), worked)], ..Tick::default() };
        let mut out = Vec::new();
        self.now += 1_000_000;
        self.node.on_tick(self.now, tick, &mut self.rng, &mut out);
        self.take(out);
    }

    fn done(&mut self, fence: u64, seq: Seq) {
        let task = Intervals::from(Range::new(seq, seq + 1));
        self.worked(fence, Worked { done: task.clone(), ended: task, ..Worked::default() });
    }
}

fn lease(fence: u64, tasks: std::ops::Range<u64>, demand: Demand) -> Lease {
    Lease {
        job: JobId(1),
        fence: Fence(fence),
        open: Range::new(tasks.start, tasks.end).into(),
        attempts: 0,
        crashes: 0,
        quarantined: false,
        taken: 0,
        class: 0,
        demand,
    }
}

#[test]
fn no_more_starts_than_there_is_room_for() {
    let mut seen = Seen::new(9, cpus(4));
    seen.grant(vec![lease(1, 0..5, cpus(2))]);
    assert_eq!(seen.runs(), [(1, 0), (1, 1)]);
    seen.done(1, 1);
    assert_eq!((seen.runs(), seen.node.room().get(CPUS)), (vec![(1, 2)], 0));
}

#[test]
fn no_more_starts_than_there_are_workers() {
    let mut seen = Seen::new(2, cpus(9));
    seen.grant(vec![lease(1, 0..5, cpus(1))]);
    assert_eq!(seen.runs(), [(1, 0), (1, 1)]);
}

#[test]
fn the_best_fit_goes_first() {
    let mut seen = Seen::new(9, cpus(5).with(MEM, 100));
    seen.grant(vec![
        lease(1, 0..1, cpus(2)),
        lease(2, 1..2, cpus(4)),
        lease(3, 2..4, cpus(1).with(MEM, 60)),
        lease(4, 4..5, cpus(1)),
    ]);
    // The large one first, then one of memory into the core that is left; for its twin there is no memory.
    assert_eq!(seen.runs(), [(2, 1), (3, 2)]);
    seen.done(2, 1);
    assert_eq!(seen.runs(), [(1, 0), (4, 4)]);
}

/// A lost lease's process may still hold its memory.
#[test]
fn room_comes_back_when_a_task_has_ended_not_when_its_lease_is_lost() {
    let mut seen = Seen::new(9, cpus(4));
    seen.grant(vec![lease(1, 0..1, cpus(4))]);
    assert_eq!(seen.runs(), [(1, 0)]);
    let held = (JobId(1), Fence(1));
    // Something to say, so that there is an exchange to answer.
    seen.worked(1, Worked::default());
    let mut out = Vec::new();
    seen.now += 10_000_000_000;
    seen.node.on_changed(seen.now, &mut out);
    seen.take(out);
    let next = lease(2, 0..1, cpus(4));
    seen.reply(Reply { lost: vec![held], leases: vec![next], workers: 1, ..Reply::default() });
    assert_eq!(seen.runs(), []);
    let ended = Range::new(0, 1).into();
    seen.worked(1, Worked { ended, ..Worked::default() });
    assert_eq!(seen.runs(), [(2, 0)]);
}

/// It used to end, with exit code 0, when the store changed just before the last lease of its job ended.
#[test]
fn a_node_does_not_end_because_it_was_told_nothing() {
    let cfg = Config::new(1, vec!["a".into()], Until::Finished(JobId(1)));
    let mut node = Node::new(cfg);
    let mut out = Vec::new();
    node.on_registered(0, &mut out);
    let Some(Action::Exchange(id, _)) = out.pop() else { panic!("it asks for work") };
    let leases = vec![lease(1, 0..1, Demand::new())];
    node.on_reply(1_000_000, 0, id, Reply { leases, workers: 1, ..Reply::default() }, &mut out);
    node.on_changed(2_000_000, &mut out);
    out.clear();
    // It asks what became of what it holds, and is told that it is lost.
    node.on_changed(10_000_000_000, &mut out);
    let asked = out.iter().find_map(|action| match action {
        Action::Exchange(id, exchange) => Some((*id, exchange.claim.is_some())),
        _ => None,
    });
    let Some((id, false)) = asked else { panic!("it asks without a claim: {out:?}") };
    out.clear();
    let lost = vec![(JobId(1), Fence(1))];
    node.on_reply(10_001_000_000, 0, id, Reply { lost, workers: 1, ..Reply::default() }, &mut out);
    assert!(!out.iter().any(|action| matches!(action, Action::End(_))), "{out:?}");
}

#[test]
fn what_a_paused_job_has_not_started_goes_back() {
    let mut seen = Seen::new(9, cpus(1));
    seen.grant(vec![lease(1, 0..3, cpus(1))]);
    assert_eq!(seen.runs(), [(1, 0)]);
    seen.now += 10_000_000_000;
    let mut out = Vec::new();
    seen.node.on_changed(seen.now, &mut out);
    seen.take(out);
    let paused = JobView {
        job: JobId(1),
        claimable: 0,
        finished: false,
        open: false,
        record_bytes: 0,
        dead: 0,
        unfinished: 3,
        blocked: 0,
        paused: true,
        stuck: false,
        backups: 0,
        classes: vec![],
    };
    seen.reply(Reply { jobs: vec![paused], workers: 1, ..Reply::default() });
    let (_, exchange) = seen.trip.clone().expect("what goes back is told at once");
    assert_eq!(exchange.reports[0].back, Range::new(1, 3).into());
    seen.done(1, 0);
    assert_eq!(seen.runs(), []);
}

/// A job of long tasks of these classes, with so many cores each, all claimable; the oldest has waited longest.
fn job_of(cores: &[u64]) -> JobView {
    let class = |(nth, n): (u64, &u64)| ClassView { demand: cpus(*n), claimable: 99, oldest: Some(nth) };
    JobView {
        job: JobId(1),
        claimable: 99 * cores.len() as u64,
        finished: false,
        open: false,
        record_bytes: 0,
        dead: 0,
        unfinished: 1_000,
        blocked: 0,
        paused: false,
        stuck: false,
        backups: 0,
        classes: (0..).zip(cores).map(class).collect(),
    }
}

fn of_class(class: u32, lease: Lease) -> Lease {
    Lease { class, ..lease }
}

impl Seen {
    fn wants(&self) -> Vec<(u32, u64)> {
        let (_, exchange) = self.trip.as_ref().expect("it asks");
        exchange.claim.iter().flat_map(|c| &c.wants).map(|want| (want.class, want.tasks)).collect()
    }
}

#[test]
fn a_claim_names_what_fits_best_first() {
    let mut seen = Seen::new(9, cpus(8));
    let view = || vec![job_of(&[1, 2, 5, 9])];
    let first = of_class(2, lease(1, 100..101, cpus(5)));
    seen.reply(Reply { leases: vec![first], jobs: view(), workers: 1, ..Reply::default() });
    assert_eq!((seen.runs(), seen.wants()), (vec![(1, 100)], vec![(1, 1), (0, 1)]), "three cores are left");
    // The room comes back while the claim is under way: what was granted for less starts, then more is asked for.
    seen.done(1, 100);
    seen.node.idle = 9;
    let second = of_class(1, lease(2, 200..201, cpus(2)));
    seen.reply(Reply { leases: vec![second], jobs: view(), workers: 1, ..Reply::default() });
    assert_eq!((seen.runs(), seen.wants()), (vec![(2, 200)], vec![(2, 1), (1, 1), (0, 1)]));
}

#[test]
fn what_waits_in_the_store_is_not_passed_over_for_ever() {
    let mut seen = Seen::new(9, cpus(8));
    let view = || vec![job_of(&[8, 4])];
    let small = |nth: u64| of_class(1, lease(nth, 100 + nth..101 + nth, cpus(4)));
    seen.reply(Reply { leases: vec![small(1), small(2)], jobs: view(), workers: 1, ..Reply::default() });
    for nth in 3..3 + crate::pack::PASSES_MAX {
        seen.done(nth - 2, 98 + nth);
        seen.node.idle = 9;
        seen.reply(Reply { leases: vec![small(nth)], jobs: view(), workers: 1, ..Reply::default() });
        if seen.wants() == [(0, 1)] {
            return;
        }
    }
    panic!("the large ones wait for ever");
}
