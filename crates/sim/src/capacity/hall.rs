//! Nodes, a store and what happens to them, in virtual time.

use super::cores::{Cores, Run};
use super::grants::{Endless, Grants};
use super::host::Host;
use super::scene::{Crowd, Fsync, Scene, Work};
use super::server::{Asked, Server, even};
use crate::world::pool::Outcome;
use divvy_core::Rng;
use divvy_decide::{Action, Node};
use divvy_store::Observation;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// What happens, and to which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// It looks at its workers.
    Looks(usize),
    /// A task that nobody disturbs has ended, or comes to the section.
    Ends(Run),
    /// The task in the section has left it.
    Leaves,
    /// One that computes is through, if nothing has changed since.
    Computed(u64),
    /// The store is done with those that it serves.
    Served,
    /// Nodes come or go.
    Crowd,
    /// Others' load changes.
    Outside,
    /// The mood of fsyncs turns.
    Mood,
}

/// How nodes come and go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Plan {
    /// As the scene says, up to so many nodes.
    Seen(usize),
    /// So many all the time.
    Steady(usize),
    /// So many, and in one of each two blocks, by chance the first or the second, some fewer. Times in nanoseconds.
    Parked { nodes: usize, fewer: usize, block_ns: u64, outside_ns: u64 },
}

/// In how many steps nodes join, or how often as many of them swing.
const STEPS: usize = 12;
const SWINGS: usize = 40;
/// A step is at least so long, and at least so many mean task times.
const STEP_NS: f64 = 1.5e9;
const STEP_TASKS: f64 = 10.0;

/// When a round trip ended, how many workers there were, and what it held the store for.
pub(super) type Trip = (u64, u64, u64);

pub(super) struct Hall {
    scene: Scene,
    plan: Plan,
    /// A task's mean time.
    task_ns: f64,
    store: Box<dyn Grants>,
    server: Server,
    pub(super) hosts: Vec<Host>,
    /// Those of them that are there and stay.
    staying: Vec<usize>,
    workers: u64,
    cores: Option<Cores>,
    /// Who is in the section, and who waits before it.
    section: VecDeque<Run>,
    /// By their time, and of one time in the order in which they were planned.
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    planned: u64,
    steps: usize,
    rng: Rng,
    crowd: Rng,
    outside: Rng,
    /// Whether some are parked in this block.
    parks: bool,
    /// What held the store and how many workers there were then, if somebody wants to know.
    pub(super) watched: Option<Vec<Trip>>,
    pub(super) now: u64,
    pub(super) ended: u64,
}

impl Hall {
    /// A scene of so many workers seen.
    pub(super) fn new(scene: &Scene, seen: usize, plan: Plan, seed: u64) -> Hall {
        let store = Endless::new(scene.lease);
        Hall::on(Box::new(store), scene, seen, plan, seed)
    }

    pub(super) fn on(store: Box<dyn Grants>, scene: &Scene, seen: usize, plan: Plan, seed: u64) -> Hall {
        let (scene, cores) = (scene.sized(seen), scene.cores(seen));
        let mut rng = Rng::new(seed);
        let mut hall = Hall {
            task_ns: Scene::task_ns(seen),
            plan,
            store,
            server: Server::new(scene.hold, rng.fork()),
            hosts: Vec::new(),
            staying: Vec::new(),
            workers: 0,
            cores: (cores > 0.0).then(|| Cores::new(cores)),
            section: VecDeque::new(),
            events: BinaryHeap::new(),
            planned: 0,
            steps: 0,
            crowd: rng.fork(),
            outside: rng.fork(),
            parks: false,
            watched: None,
            rng,
            now: 0,
            ended: 0,
            scene,
        };
        hall.plan(0, Event::Crowd);
        hall.plan(0, Event::Outside);
        if scene.hold.fsync == Fsync::Moody {
            hall.plan(0, Event::Mood);
        }
        hall
    }

    /// How long what is to be seen takes.
    pub(super) fn lasts_ns(&self) -> u64 {
        let steps = if self.scene.crowd == Crowd::Swings { SWINGS } else { STEPS };
        steps as u64 * self.step_ns()
    }

    fn step_ns(&self) -> u64 {
        (STEP_TASKS * self.task_ns).max(STEP_NS) as u64
    }

    /// Goes on until then.
    pub(super) fn run_until(&mut self, end: u64) {
        while let Some(Reverse((at, _, event))) =
            self.events.peek().copied().filter(|Reverse((at, ..))| *at <= end)
        {
            self.events.pop();
            self.now = at;
            self.happens(event);
        }
        self.now = end;
    }

    /// All that nodes have told, also what they were still to tell.
    pub(super) fn observations(mut self) -> Vec<Observation> {
        let now = self.now;
        self.hosts.iter_mut().filter(|host| host.node.is_some()).for_each(|host| host.observe(now));
        self.hosts.into_iter().flat_map(|host| host.notes.told).collect()
    }

    fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.events.push(Reverse((at, self.planned, event)));
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Looks(host) => self.on_look(host),
            Event::Ends(run) => match self.scene.work {
                Work::Queues(us) => self.enter(run, us),
                Work::Sleeps | Work::Computes(_) => self.on_end(run),
            },
            Event::Leaves => self.leave_section(),
            Event::Computed(epoch) => self.on_computed(epoch),
            Event::Served => self.on_served(),
            Event::Crowd => self.on_crowd(),
            Event::Outside => self.on_outside(),
            Event::Mood => {
                let lasts = self.server.turn();
                self.plan(self.now + lasts, Event::Mood);
            }
        }
    }

    fn on_look(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        host.planned = u64::MAX;
        if host.node.is_some() && host.looks_at <= self.now {
            self.look(at);
        } else {
            self.plan_look(at);
        }
    }

    /// The node looks at its workers.
    fn look(&mut self, at: usize) {
        let tick = self.hosts[at].tick();
        let now = self.now;
        self.tell(at, |host, out| {
            let Host { node, rng, .. } = host;
            node.as_mut().expect("it is there").on_tick(now, tick, rng, out);
        });
    }

    fn plan_look(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        if host.looks_at < host.planned {
            host.planned = host.looks_at;
            let when = host.looks_at.max(self.now);
            self.plan(when, Event::Looks(at));
        }
    }

    fn tell(&mut self, at: usize, event: impl FnOnce(&mut Host, &mut Vec<Action>)) {
        let mut out = Vec::new();
        event(&mut self.hosts[at], &mut out);
        let mut actions = VecDeque::from(out);
        while let Some(action) = actions.pop_front() {
            let mut more = Vec::new();
            self.perform(at, action, &mut more);
            actions.extend(more);
        }
        let host = &mut self.hosts[at];
        host.looks_at = host.wake_at(self.now);
        self.plan_look(at);
    }

    fn perform(&mut self, at: usize, action: Action, more: &mut Vec<Action>) {
        let now = self.now;
        match action {
            Action::Start(lease) => {
                assert!(self.hosts[at].pool.start(&lease), "started twice");
                self.hosts[at].waits = true;
                self.employ(at);
            }
            Action::Exchange(trip, exchange) => {
                self.hosts[at].is_told = true;
                self.server.waits.push_back(Asked { host: at, trip, sent: now, exchange });
                self.serve();
            }
            Action::Cut(held, n) => {
                let host = &mut self.hosts[at];
                let back = host.pool.cut(held, n);
                host.node.as_mut().expect("it asks").on_cut(now, held, &back, more);
            }
            Action::Retire(held) => assert!(self.hosts[at].pool.retire(held), "retired while at work"),
            Action::Tuned(_) => {}
            Action::End(_) => {
                let host = &mut self.hosts[at];
                assert!(host.is_stopping, "the job does not end");
                host.observe(now);
                host.node = None;
                self.workers -= u64::from(host.workers);
                self.store.leave(host.id);
            }
            Action::Run(..) | Action::Drop(..) | Action::Abandon(_) | Action::Register => {
                panic!("nothing is lost, and no task needs room: {action:?}")
            }
        }
    }

    /// Gives idle workers what waits.
    fn employ(&mut self, at: usize) {
        while let Some(worker) = self.hosts[at].pool.idle() {
            let Some(running) = self.hosts[at].pool.next(self.now, worker, None) else { return };
            self.begin((at, worker, running.run));
        }
    }

    fn begin(&mut self, run: Run) {
        let ns = (even(&mut self.rng) * self.task_ns) as u64;
        let Some(cores) = &mut self.cores else {
            let section = if let Work::Queues(us) = self.scene.work { us * 1e3 } else { 0.0 };
            let alone = ns.saturating_sub(section as u64);
            return self.plan(self.now + alone, Event::Ends(run));
        };
        cores.start(self.now, run, ns);
        self.plan_cores();
    }

    fn on_end(&mut self, (at, worker, run): Run) {
        let host = &mut self.hosts[at];
        assert!(host.pool.running(worker, run).is_some(), "a task that nobody runs");
        host.pool.end(self.now, worker, Outcome::Done);
        self.ended += 1;
        self.employ(at);
        // Who runs dry rings, as in the engine; whoever does not is looked at when the node wants to.
        let host = &self.hosts[at];
        if host.node.is_some() && host.pool.idle().is_some() {
            self.look(at);
        }
    }

    fn plan_cores(&mut self) {
        let cores = self.cores.as_mut().expect("there are cores");
        if let Some(next) = cores.next() {
            let epoch = cores.epoch;
            self.plan(next, Event::Computed(epoch));
        }
    }

    fn on_computed(&mut self, epoch: u64) {
        if self.cores.as_ref().is_none_or(|cores| cores.epoch != epoch) {
            return;
        }
        while let Some(run) = self.cores.as_mut().and_then(|cores| cores.ended(self.now)) {
            self.on_end(run);
        }
        self.plan_cores();
    }

    fn enter(&mut self, run: Run, us: f64) {
        self.section.push_back(run);
        if self.section.len() == 1 {
            self.plan(self.now + (us * 1e3) as u64, Event::Leaves);
        }
    }

    fn leave_section(&mut self) {
        let run = self.section.pop_front().expect("somebody is in it");
        if let (Work::Queues(us), false) = (self.scene.work, self.section.is_empty()) {
            self.plan(self.now + (us * 1e3) as u64, Event::Leaves);
        }
        self.on_end(run);
    }

    fn serve(&mut self) {
        if let Some(lasts) = self.server.serve(self.workers) {
            self.plan(self.now + lasts, Event::Served);
        }
    }

    /// Those that were served get their answers.
    fn on_served(&mut self) {
        let now = self.now;
        let served = std::mem::take(&mut self.server.served);
        let answered: Vec<_> = served
            .into_iter()
            .map(|(asked, cost)| {
                let id = self.hosts[asked.host].id;
                (self.store.exchange(now / 1_000_000, id, &asked.exchange), asked, cost)
            })
            .collect();
        // The next are served while these hear of it.
        self.serve();
        for (reply, Asked { host: at, trip, sent, exchange }, cost) in answered {
            if let Some(watched) = &mut self.watched {
                watched.push((now, reply.workers, cost.work_ns + cost.commit_ns));
            }
            let cpu_ns = self.cores.as_mut().map_or((0, 0), |cores| cores.used_ns(now, at));
            self.hosts[at].on_trip(&exchange, &reply, Some(cost), (sent, now), cpu_ns);
            self.tell(at, |host, out| {
                let node: &mut Node = host.node.as_mut().expect("it waits for this");
                node.on_reply(now, now / 1_000_000, trip, reply, out);
            });
        }
    }

    /// Others' load, where it does not change with the workers that are there.
    fn on_outside(&mut self) {
        let lasts = match self.plan {
            Plan::Seen(_) => return,
            Plan::Steady(_) => self.step_ns(),
            Plan::Parked { outside_ns, .. } => outside_ns,
        };
        self.server.outside = share(&mut self.outside);
        self.plan(self.now + lasts, Event::Outside);
    }

    /// Nodes come or go.
    fn on_crowd(&mut self) {
        self.steps += 1;
        let mut lasts = self.step_ns();
        let there = match self.plan {
            Plan::Steady(nodes) => nodes,
            Plan::Seen(nodes) if self.scene.crowd == Crowd::Joins => {
                (nodes * self.steps).div_ceil(STEPS).min(nodes)
            }
            Plan::Seen(nodes) => {
                self.server.outside = share(&mut self.outside);
                (nodes as f64 * self.server.outside).round() as usize
            }
            Plan::Parked { nodes, fewer, block_ns, .. } => {
                lasts = block_ns;
                let is_first = self.steps % 2 == 1;
                self.parks = if is_first { self.crowd.chance(0.5) } else { !self.parks };
                if self.parks { nodes - fewer } else { nodes }
            }
        };
        while self.staying.len() < there {
            self.join();
        }
        while self.staying.len() > there {
            let nth = self.crowd.below(self.staying.len() as u64) as usize;
            let at = self.staying.swap_remove(nth);
            self.stop(at);
        }
        self.plan(self.now + lasts, Event::Crowd);
    }

    fn join(&mut self) {
        let workers = self.scene.workers as u32;
        let id = self.store.join(workers);
        self.workers += u64::from(workers);
        let at = self.hosts.len();
        self.hosts.push(Host::new(id, workers, self.now, self.rng.fork()));
        self.staying.push(at);
        let now = self.now;
        self.tell(at, |host, out| host.node.as_mut().expect("new").on_registered(now, out));
    }

    fn stop(&mut self, at: usize) {
        self.hosts[at].is_stopping = true;
        let now = self.now;
        self.tell(at, |host, out| host.node.as_mut().expect("it stays").on_stop(now, out));
    }
}

/// A share of what there is that is busy.
fn share(rng: &mut Rng) -> f64 {
    0.15 + 0.7 * rng.unit()
}
