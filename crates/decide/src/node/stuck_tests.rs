//! A node that may tell nothing of what it has run, because a task before it is to come again.

use super::*;
use crate::config::Until;
use divvy_core::Millis;
use divvy_core::{Fence, Range};
use divvy_store::Lease;
use divvy_store::Reply;

const LEASES_MAX: usize = 3;
const WALL: Millis = 1_000_000;

struct Stuck {
    node: Node,
    rng: Rng,
    now: u64,
}

fn lease(fence: u64, tasks: std::ops::Range<u64>, attempts: u32) -> Lease {
    Lease {
        job: JobId(1),
        fence: Fence(fence),
        open: Range::new(tasks.start, tasks.end).into(),
        attempts,
        crashes: 0,
        quarantined: false,
        taken: 0,
        class: 0,
        demand: Demand::new(),
    }
}

fn asked(out: Vec<Action>) -> Option<(u64, Exchange)> {
    out.into_iter().find_map(|action| match action {
        Action::Exchange(id, exchange) => Some((id, exchange)),
        _ => None,
    })
}

impl Stuck {
    /// All leases are held, and all tasks have run; the first has failed, and the others are told behind it.
    fn new() -> (Stuck, Exchange, u64) {
        let cfg = Config { leases_max: LEASES_MAX, ..Config::new(1, vec!["a".into()], Until::Stopped) };
        let (mut node, mut out) = (Node::new(cfg), Vec::new());
        node.on_registered(0, &mut out);
        let (id, _) = asked(out).expect("it claims");
        let mut stuck = Stuck { node, rng: Rng::new(1), now: 0 };
        let leases = (0..LEASES_MAX as u64).map(|n| lease(n + 1, 2 * n..2 * n + 2, 0)).collect();
        assert!(stuck.reply(id, Reply { leases, ..Reply::default() }).is_none(), "there is enough to do");
        let failure = Failure { seq: 0, error: "no".into(), outgrown: false };
        let failed = Worked { failed: vec![failure], tasks: 6, run_ns: 6_000_000, ..Worked::default() };
        let (id, exchange) =
            stuck.tick(vec![((JobId(1), Fence(1)), failed)]).expect("it is told, and more asked for");
        (stuck, exchange, id)
    }

    fn tick(&mut self, worked: Vec<(Held, Worked)>) -> Option<(u64, Exchange)> {
        self.now += 1_000_000;
        let mut out = Vec::new();
        self.node.on_tick(self.now, Tick { idle: 1, worked, ..Tick::default() }, &mut self.rng, &mut out);
        asked(out)
    }

    fn reply(&mut self, id: u64, reply: Reply) -> Option<(u64, Exchange)> {
        let mut out = Vec::new();
        self.node.on_reply(self.now, WALL, id, Reply { workers: 1, ..reply }, &mut out);
        asked(out)
    }
}

/// The node held as many leases as it may, and so never claimed the one task that all of them waited for.
#[test]
fn a_node_whose_outcomes_wait_for_a_retry_claims_that_however_much_it_holds() {
    let (mut stuck, exchange, id) = Stuck::new();
    let claim = exchange.claim.expect("it claims");
    assert_eq!((claim.below, claim.leases_max, claim.want_new), (Some(1), 1, 0));
    assert_eq!(claim.wants.iter().map(|want| (want.job, want.tasks)).collect::<Vec<_>>(), [(JobId(1), 1)]);
    let due = Reply { next_due: Some(WALL + 500), ..Reply::default() };
    assert_eq!(stuck.reply(id, due), None);
    assert!(!stuck.node.is_quiet(), "nobody is to give the task up");
    stuck.now += 400_000_000;
    assert!(stuck.tick(vec![]).is_none_or(|(_, exchange)| exchange.claim.is_none()), "too early");
    stuck.now += 100_000_000;
    let (id, exchange) = stuck.tick(vec![]).expect("it is due");
    assert_eq!(exchange.claim.map(|claim| claim.below), Some(Some(1)));
    let retry = Reply { leases: vec![lease(9, 0..1, 1)], ..Reply::default() };
    assert_eq!(stuck.reply(id, retry), None);
    assert_eq!(stuck.node.leases(), LEASES_MAX + 1);
    let done = |fence: u64, tasks: std::ops::Range<u64>| {
        let done = Range::new(tasks.start, tasks.end).into();
        ((JobId(1), Fence(fence)), Worked { done, ..Worked::default() })
    };
    let told = vec![done(9, 0..1), done(1, 1..2), done(2, 2..4), done(3, 4..6)];
    let (_, exchange) = stuck.tick(told).expect("all are told");
    assert_eq!((exchange.reports.len(), exchange.claim), (4, None));
}

#[test]
fn a_task_that_is_gone_is_waited_for_no_longer() {
    let (mut stuck, _, id) = Stuck::new();
    assert_eq!(stuck.reply(id, Reply::default()), None);
    assert!(stuck.node.is_quiet());
}
