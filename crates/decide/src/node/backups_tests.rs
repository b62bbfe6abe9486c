//! A node without work beside one that holds some.

use super::*;
use crate::config::Until;
use divvy_core::{Fence, Range};
use divvy_store::Reply;
use divvy_store::{Backup, Lease};

const JOB: JobId = JobId(1);
const MS: u64 = 1_000_000;

struct Idle {
    node: Node,
    rng: Rng,
    now: u64,
}

fn lease(fence: u64, taken: u32, tasks: std::ops::Range<u64>) -> Lease {
    Lease {
        job: JOB,
        fence: Fence(fence),
        open: Range::new(tasks.start, tasks.end).into(),
        attempts: 0,
        crashes: 0,
        quarantined: false,
        taken,
        class: 0,
        demand: Demand::new(),
    }
}

/// The store has nothing, and another node holds so many.
fn dry(backups: u64, hungry: u64) -> Reply {
    let view = JobView {
        job: JOB,
        claimable: 0,
        finished: false,
        open: false,
        record_bytes: 0,
        dead: 0,
        unfinished: backups,
        blocked: 0,
        paused: false,
        stuck: false,
        backups,
        classes: Vec::new(),
    };
    Reply { jobs: vec![view], hungry, ..Reply::default() }
}

impl Idle {
    fn new(until: Until) -> (Idle, u64) {
        let mut node = Node::new(Config::new(1, vec!["a".into()], until));
        let mut out = Vec::new();
        node.on_registered(0, &mut out);
        (Idle { node, rng: Rng::new(1), now: 0 }, asked(&out).expect("it claims").0)
    }

    /// It has run two tasks of 100 ms each, and is told that there is nothing more.
    fn after_work(reply: Reply) -> Idle {
        let (mut idle, id) = Idle::new(Until::Empty);
        idle.reply(id, Reply { leases: vec![lease(1, 0, 0..2)], ..Reply::default() });
        idle.now += 200 * MS;
        let (id, _) = asked(&idle.ran(1, 0..2, 200 * MS)).expect("it is told, and more asked for");
        assert_eq!(asked(&idle.reply(id, reply)), None);
        idle
    }

    fn ran(&mut self, fence: u64, tasks: std::ops::Range<u64>, run_ns: u64) -> Vec<Action> {
        let done = Range::new(tasks.start, tasks.end);
        let worked = Worked { done: done.into(), tasks: done.len(), run_ns, ..Worked::default() };
        self.tick(Tick { idle: 1, worked: vec![((JOB, Fence(fence)), worked)], ..Tick::default() })
    }

    fn tick(&mut self, tick: Tick) -> Vec<Action> {
        let mut out = Vec::new();
        self.node.on_tick(self.now, tick, &mut self.rng, &mut out);
        out
    }

    fn reply(&mut self, id: u64, reply: Reply) -> Vec<Action> {
        let mut out = Vec::new();
        self.node.on_reply(self.now, 0, id, Reply { workers: 2, ..reply }, &mut out);
        out
    }

    /// What it takes, and the exchange, when it has been idle for so long since `from`.
    fn asks_after(&mut self, from: u64, ns: u64) -> Option<(u64, Vec<Backup>)> {
        self.now = from + ns;
        let out = self.tick(Tick { idle: 1, ..Tick::default() });
        asked(&out).map(|(id, exchange)| (id, exchange.claim.map_or(Vec::new(), |claim| claim.backups)))
    }
}

fn asked(out: &[Action]) -> Option<(u64, Exchange)> {
    out.iter().find_map(|action| match action {
        Action::Exchange(id, exchange) => Some((*id, exchange.clone())),
        _ => None,
    })
}

#[test]
fn it_waits_for_as_long_as_doing_it_over_would_take() {
    let mut idle = Idle::after_work(dry(3, 0));
    let since = idle.now;
    assert_eq!(idle.node.wake_at(since), since + 300 * MS);
    assert_eq!(idle.asks_after(since, 299 * MS), None);
    let (_, backups) = idle.asks_after(since, 300 * MS).expect("it asks");
    assert_eq!(backups, [Backup { job: JOB, tasks: 3 }]);
}

#[test]
fn those_who_are_idle_together_wait_together() {
    let mut idle = Idle::after_work(dry(3, 2));
    let since = idle.now;
    assert_eq!(idle.asks_after(since, 99 * MS), None);
    assert_eq!(idle.asks_after(since, 100 * MS).map(|(_, backups)| backups[0].tasks), Some(3));
}

#[test]
fn what_it_took_is_no_work_of_its_own() {
    let mut idle = Idle::after_work(dry(3, 0));
    let since = idle.now;
    let (id, _) = idle.asks_after(since, 300 * MS).expect("it asks");
    idle.reply(id, Reply { leases: vec![lease(9, 1, 5..6)], ..dry(2, 0) });
    idle.tick(Tick { idle: 0, ..Tick::default() });
    idle.now += 100 * MS;
    let (_, exchange) = asked(&idle.ran(9, 5..6, 100 * MS)).expect("it is told");
    assert_eq!(exchange.claim.map(|claim| claim.backups), Some(vec![Backup { job: JOB, tasks: 4 }]));
}

#[test]
fn it_does_not_leave_while_others_hold_what_it_may_take() {
    let (mut idle, id) = Idle::new(Until::Empty);
    let out = idle.reply(id, dry(1, 0));
    assert!(!out.contains(&Action::End(End::Finished)), "{out:?}");
    let unknown = Config::new(1, Vec::new(), Until::Empty).unknown_task_ns;
    let (id, backups) =
        idle.asks_after(0, unknown).expect("of a job of which nothing is known, it waits long");
    assert_eq!(backups.len(), 1);
    let out = idle.reply(id, dry(0, 0));
    assert!(out.contains(&Action::End(End::Finished)), "{out:?}");
}

#[test]
fn an_hour_without_any_job_is_no_reason_to_take_what_has_just_begun() {
    let (mut idle, id) = Idle::new(Until::Stopped);
    idle.reply(id, Reply::default());
    idle.now += 3_600_000 * MS;
    let mut out = Vec::new();
    idle.node.on_changed(idle.now, &mut out);
    out.extend(idle.tick(Tick { idle: 1, ..Tick::default() }));
    let (id, _) = asked(&out).expect("it looks what there is");
    let out = idle.reply(id, dry(1, 0));
    assert_eq!(asked(&out), None);
    let (since, unknown) = (idle.now, Config::new(1, Vec::new(), Until::Stopped).unknown_task_ns);
    assert_eq!(idle.asks_after(since, unknown - MS).map_or(vec![], |(_, backups)| backups), []);
}

#[test]
fn what_was_taken_and_still_runs_here_ends_with_its_job() {
    let mut idle = Idle::after_work(dry(1, 0));
    let stray = (JOB, Fence(1));
    // Its lease is retired, and a worker is still at it.
    let runs = || Tick { strays: vec![stray], ..Tick::default() };
    assert_eq!(asked(&idle.tick(runs())), None);
    idle.now += idle.node.report_every();
    let (id, exchange) = asked(&idle.tick(runs())).expect("nobody may have changed the store since");
    assert_eq!(exchange.held, [stray]);
    let lost = Reply { lost: vec![stray], ..Reply::default() };
    let out = idle.reply(id, Reply { lost: lost.lost.clone(), ..dry(1, 0) });
    assert!(!out.contains(&Action::Abandon(stray)), "its job goes on: {out:?}");
    let mut out = idle.tick(runs());
    assert_eq!(asked(&out), None, "nothing has changed");
    idle.now += idle.node.report_every();
    idle.node.on_changed(idle.now, &mut out);
    let (id, _) = asked(&out).expect("it may have been canceled");
    assert!(idle.reply(id, lost).contains(&Action::Abandon(stray)));
}
