//! The whole protocol at work: the nodes' own decisions, and a store that grants what they ask for.
//!
//! Beside [`super::run()`], where a rule sees all that waits, here a node sees what the store has told it, holds what it was
//! granted, and each exchange takes a round trip in which its room is free.

use super::{Amounts, Case, NODES, UNITS, demand};
use divvy_core::{Intervals, JobId, NodeId, Range, Rng, Seq};
use divvy_decide::{Action, Config, Node, Tick, Until, Worked};
use divvy_store::{Array, Class, Exchange, Held, Input, JobSpec, Needs, NewJob, NodeInfo, Reply, Store};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// An exchange takes so long.
pub(super) const ROUND_TRIP_NS: u64 = 1_000_000;

/// What happens, and to which node.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Ends(usize, Held, Seq),
    Arrives(usize, u64),
    Answered(usize, u64),
    Looks(usize),
}

/// Runs all tasks of a case and returns when the last has ended, in the case's units of time, of which each lasts
/// `unit_ns`.
pub(super) fn run(case: &Case, unit_ns: u64, store: &dyn Store) -> f64 {
    let job = store.submit(0, &new_job(case)).expect("a store in memory");
    let mut hall = Hall {
        case,
        unit_ns,
        store,
        hosts: (0..NODES).map(|nth| Host::new(store, nth, job)).collect(),
        events: BinaryHeap::new(),
        planned: 0,
        now: 0,
        last_end: 0,
        left: case.tasks.len(),
    };
    (0..NODES).for_each(|host| hall.tell(host, |node, now, _, out| node.on_registered(now, out)));
    while let Some(Reverse((at, _, event))) = hall.events.pop() {
        hall.now = at;
        hall.on(event);
        if hall.left == 0 {
            return hall.last_end as f64 / unit_ns as f64;
        }
    }
    panic!("{} tasks are left, and nothing happens any more", hall.left)
}

fn new_job(case: &Case) -> NewJob {
    let class = |amounts: &Amounts| Class { demand: demand(*amounts), more: None };
    let mut starts: Vec<(Seq, u32)> = Vec::new();
    for (seq, (class, _)) in (0..).zip(&case.tasks) {
        if starts.last().is_none_or(|(_, last)| *last as usize != *class) {
            starts.push((seq, *class as u32));
        }
    }
    let needs = Needs { classes: case.classes.iter().map(class).collect(), starts };
    let array = Some(Array { first: 1, step: 1 });
    let spec = JobSpec { array, needs, ..JobSpec::new("a") };
    NewJob { spec, input: Input::Array(case.tasks.len() as u64), paused: false }
}

struct Host {
    node: Node,
    id: NodeId,
    rng: Rng,
    workers: u32,
    free: Amounts,
    runs: BTreeMap<(Held, Seq), u64>,
    asked: Option<Exchange>,
    answer: Option<Reply>,
    looks_at: u64,
}

impl Host {
    fn new(store: &dyn Store, nth: usize, job: JobId) -> Host {
        let workers = UNITS as u32;
        let info = NodeInfo { name: nth.to_string(), pid: 1, workers };
        let cfg = Config::new(workers, vec!["a".into()], Until::Finished(job));
        Host {
            node: Node::new(Config { capacity: demand([UNITS; 3]), ..cfg }),
            id: store.register(0, &info).expect("a store in memory"),
            rng: Rng::new(nth as u64),
            workers,
            free: [UNITS; 3],
            runs: BTreeMap::new(),
            asked: None,
            answer: None,
            looks_at: u64::MAX,
        }
    }

    fn tick(&self, worked: Vec<(Held, Worked)>) -> Tick {
        Tick { worked, idle: self.workers - self.runs.len() as u32, ..Tick::default() }
    }
}

struct Hall<'a> {
    case: &'a Case,
    unit_ns: u64,
    store: &'a dyn Store,
    hosts: Vec<Host>,
    /// By their time, and of one time in the order in which they were planned.
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    planned: u64,
    now: u64,
    last_end: u64,
    left: usize,
}

impl Hall<'_> {
    fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.events.push(Reverse((at, self.planned, event)));
    }

    fn on(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Ends(host, held, seq) => self.on_end(host, held, seq),
            Event::Arrives(host, trip) => {
                let node = &mut self.hosts[host];
                let asked = node.asked.take().expect("one trip at a time");
                node.answer = Some(self.store.exchange(now / 1_000_000, node.id, &asked).expect("sound"));
                self.plan(now + ROUND_TRIP_NS / 2, Event::Answered(host, trip));
            }
            Event::Answered(host, trip) => {
                let reply = self.hosts[host].answer.take().expect("it arrived");
                self.tell(host, |node, now, _, out| node.on_reply(now, now / 1_000_000, trip, reply, out));
            }
            Event::Looks(host) => {
                if self.hosts[host].looks_at <= now {
                    self.hosts[host].looks_at = u64::MAX;
                    let tick = self.hosts[host].tick(Vec::new());
                    self.tell(host, |node, now, rng, out| node.on_tick(now, tick, rng, out));
                }
            }
        }
    }

    /// A task has ended, and with it all others of this node that end now.
    fn on_end(&mut self, host: usize, held: Held, seq: Seq) {
        let node = &mut self.hosts[host];
        let now = self.now;
        if !node.runs.contains_key(&(held, seq)) {
            return; // told with another
        }
        let ended: Vec<(Held, Seq)> =
            node.runs.iter().filter(|(_, at)| **at <= now).map(|(run, _)| *run).collect();
        let mut worked: BTreeMap<Held, Worked> = BTreeMap::new();
        for (held, seq) in ended {
            node.runs.remove(&(held, seq));
            let (class, time) = self.case.tasks[seq as usize];
            (0..3).for_each(|r| node.free[r] += self.case.classes[class][r]);
            let told = worked.entry(held).or_default();
            let task = Range::new(seq, seq + 1);
            told.done.insert(task);
            told.ended.insert_all(&Intervals::from(task));
            told.run_ns += time * self.unit_ns;
            told.tasks += 1;
            self.left -= 1;
            self.last_end = now;
        }
        let tick = node.tick(worked.into_iter().collect());
        self.tell(host, |node, now, rng, out| node.on_tick(now, tick, rng, out));
    }

    fn tell(&mut self, host: usize, event: impl FnOnce(&mut Node, u64, &mut Rng, &mut Vec<Action>)) {
        let (now, mut out) = (self.now, Vec::new());
        let Host { node, rng, .. } = &mut self.hosts[host];
        event(node, now, rng, &mut out);
        for action in out {
            match action {
                Action::Run(held, seq) => self.start(host, held, seq),
                Action::Exchange(trip, exchange) => {
                    self.hosts[host].asked = Some(exchange);
                    self.plan(now + ROUND_TRIP_NS / 2, Event::Arrives(host, trip));
                }
                Action::Start(_) | Action::Retire(_) | Action::Tuned(_) | Action::End(_) => {}
                Action::Cut(..) | Action::Drop(..) | Action::Abandon(_) | Action::Register => {
                    panic!("nothing is lost: {action:?}")
                }
            }
        }
        let at = self.hosts[host].node.wake_at(now);
        if at < self.hosts[host].looks_at {
            self.hosts[host].looks_at = at;
            self.plan(at, Event::Looks(host));
        }
    }

    fn start(&mut self, host: usize, held: Held, seq: Seq) {
        let (class, time) = self.case.tasks[seq as usize];
        let node = &mut self.hosts[host];
        for (at, amount) in self.case.classes[class].into_iter().enumerate() {
            node.free[at] = node.free[at].checked_sub(amount).expect("more than the node has");
        }
        let end = self.now + time * self.unit_ns;
        node.runs.insert((held, seq), end);
        assert!(node.runs.len() <= node.workers as usize, "more tasks than workers");
        self.plan(end, Event::Ends(host, held, seq));
    }
}
