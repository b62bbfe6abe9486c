//! The world: nodes, workers, a store on a disk, a network, clients and everything that can go wrong, in virtual
//! time on one thread, wholly determined by a seed.
//!
//! The nodes are the real [`divvy_decide::Node`]; the store is the model, in some seeds with the real SQLite beside
//! it. A run has a phase of faults, then a calm in which everything has to end within a bound, then every node is
//! stopped. The promises are checked after every step that could break them: [`broken::Invariant`] names them, the
//! ledger holds each of the store's answers against books of its own, and the hosts know what truly ran.

mod backend;
pub mod broken;
mod client;
mod disk;
mod end;
pub mod fault;
mod host;
mod ledger;
mod net;
mod perform;
mod plan;
pub mod policy;
pub(crate) mod pool;
mod queue;
mod runs;
mod store;
mod trace;
pub mod work;

use backend::Backend;
use broken::{Broken, Checked, Invariant};
use client::Client;
use disk::{Disk, State};
use divvy_core::{JobId, Millis, NodeId, Rng};
use end::Stage;
use fault::Tally;
use host::{Cause, Host};
use ledger::Ledger;
use net::Answer;
use plan::Plan;
use queue::{Event, Place, Queue};
use runs::Runs;
use std::collections::BTreeMap;
use std::rc::Rc;
use trace::Trace;
use work::JobPlan;

use crate::model::{Bug as StoreBug, Bugs};

/// A bug on purpose, in the node or in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// In the node's decisions.
    Node(divvy_decide::Bug),
    /// In the store.
    Store(StoreBug),
}

/// What to run apart from the seed.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Events before faults stop.
    pub events: u64,
    /// A bug to plant.
    pub bug: Option<Planted>,
    /// Print everything that happens.
    pub trace: bool,
    /// One seed in so many has the real SQLite beside the model; 0 for none.
    pub twin_every: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { events: 1_000, bug: None, trace: false, twin_every: 100 }
    }
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Events, those without an effect left out.
    pub events: u64,
    /// Equal for equal histories.
    pub hash: u64,
    /// Faults that happened.
    pub tally: Tally,
    /// Nanoseconds that passed in the world.
    pub virtual_ns: u64,
    /// Whether SQLite ran beside the model.
    pub twin: bool,
    /// The promise that was broken, if one was.
    pub broken: Option<Broken>,
}

/// One stream of randomness per concern, so that a change of one does not shift the others.
struct Rngs {
    net: Rng,
    disk: Rng,
    faults: Rng,
    client: Rng,
}

/// Everything there is.
pub(crate) struct World {
    plan: Plan,
    stage: Stage,
    queue: Queue,
    rng: Rngs,
    state: State,
    disk: Disk,
    hosts: Vec<Host>,
    client: Client,
    /// What truly ran.
    runs: Runs,
    /// Every job's nature, also of those that the store forgot.
    plans: BTreeMap<JobId, Rc<JobPlan>>,
    /// Why sessions were lost.
    causes: BTreeMap<NodeId, Cause>,
    /// How far the store's clock is off, and its highest reading so far.
    skew_ms: i64,
    wall_max: Millis,
    tally: Tally,
    trace: Trace,
    events: u64,
    /// When the last task had ended, as the store knew it.
    drained_at: Option<u64>,
}

/// Runs one seed.
#[must_use]
pub fn run(seed: u64, options: &Options) -> Outcome {
    let mut rng = Rng::new(seed);
    let twin = options.bug.is_none() && options.twin_every > 0 && seed.is_multiple_of(options.twin_every);
    let plan = Plan::draw(&mut rng.fork(), twin, options.bug);
    let mut world = World::new(&mut rng, plan, options);
    let broken = world.live(options.events).err();
    Outcome {
        events: world.events,
        hash: world.trace.hash(),
        tally: world.tally,
        virtual_ns: world.queue.now(),
        twin,
        broken,
    }
}

impl World {
    fn new(rng: &mut Rng, plan: Plan, options: &Options) -> World {
        let bug = match options.bug {
            Some(Planted::Store(bug)) => Some(bug),
            _ => None,
        };
        let hosts = plan.slots.iter().map(|cfg| Host::new(cfg.clone(), rng.fork())).collect();
        let backend =
            if plan.twin { Backend::twin() } else { Backend::model(bug.map_or(Bugs::NONE, Bugs::only)) };
        let mut trace = Trace::new(options.trace);
        trace.line(0, format_args!("{plan:#?}"));
        let mut world = World {
            plan,
            stage: Stage::Faults,
            queue: Queue::default(),
            rng: Rngs { net: rng.fork(), disk: rng.fork(), faults: rng.fork(), client: rng.fork() },
            state: State { backend, ledger: Ledger::default() },
            disk: Disk::new(bug == Some(StoreBug::AckBeforeSync)),
            hosts,
            client: Client::default(),
            runs: Runs::default(),
            plans: BTreeMap::new(),
            causes: BTreeMap::new(),
            skew_ms: 0,
            wall_max: 0,
            tally: Tally::default(),
            trace,
            events: 0,
            drained_at: None,
        };
        world.format_disk();
        for slot in 0..world.hosts.len() {
            let at = world.place(slot);
            world.queue.at(0, Event::Spawn(at));
        }
        world
    }

    /// Lets things happen until everything has ended.
    fn live(&mut self, faults_until: u64) -> Checked {
        self.queue.at(0, Event::Client);
        while self.stage != Stage::Over {
            let Some(event) = self.queue.pop() else {
                return Err(Broken {
                    invariant: Invariant::Drains,
                    why: "nothing is left to happen".to_owned(),
                });
            };
            if self.on_event(event)? {
                self.events += 1;
                self.suffer()?;
            }
            self.advance(faults_until)?;
        }
        Ok(())
    }

    /// False if the event was meant for somebody who is no more, or came too late to matter.
    fn on_event(&mut self, event: Event) -> Checked<bool> {
        if let Some(at) = event.place() {
            let host = &self.hosts[at.slot];
            if host.life != at.life {
                self.on_stale(event);
                return Ok(false);
            }
            if host.paused_until > self.queue.now() {
                self.queue.at(host.paused_until, event);
                return Ok(false);
            }
        }
        self.trace.event(self.queue.now(), &event);
        match event {
            Event::Spawn(at) => self.on_spawn(at),
            Event::Wake(at) => return self.on_wake(at),
            Event::Bell(at) => return self.on_bell(at),
            Event::Ended { at, worker, run } => return self.on_ended(at, worker, run),
            Event::Changed(at) => return self.on_changed(at),
            Event::Grace(at) => return self.on_grace(at),
            Event::Timeout { at, trip } => return self.on_refused(at, trip, divvy_decide::Refusal::Again),
            Event::Arrive(request) => self.on_arrive(*request)?,
            Event::Synced { boot } => self.on_synced(boot),
            Event::StoreUp => self.on_store_up()?,
            Event::Deliver(answer) => self.on_deliver(*answer)?,
            Event::Detected(node) => self.send(net::Request::Expire { node }),
            Event::Client => return Ok(self.on_client()),
        }
        Ok(true)
    }

    fn on_deliver(&mut self, answer: Answer) -> Checked {
        match answer {
            Answer::Reply { at, trip, wall, reply } => self.on_reply(at, trip, wall, reply),
            Answer::Registered { at, node } => self.on_registered(at, node),
            Answer::Errand => {
                self.client.is_waiting = false;
                Ok(())
            }
            Answer::Left | Answer::Expired => Ok(()),
        }
    }

    /// A session that was begun for a process that is no more will be missed by nobody but the store.
    fn on_stale(&mut self, event: Event) {
        if let Event::Deliver(answer) = event
            && let Answer::Registered { node, .. } = *answer
        {
            self.queue.after(self.plan.detect_ns, Event::Detected(node));
        }
    }

    /// A reading of the store's clock, by a process or by the store itself.
    fn wall(&mut self, slot: Option<usize>) -> Millis {
        const EPOCH: i64 = 1_700_000_000_000;
        let skew = self.skew_ms + slot.map_or(0, |slot| self.hosts[slot].skew_ms);
        let wall = (EPOCH + skew) as u64 + self.queue.now() / 1_000_000;
        self.wall_max = self.wall_max.max(wall);
        wall
    }
}

impl Event {
    /// Whom it is meant for, if it is a process.
    fn place(&self) -> Option<Place> {
        match self {
            Event::Spawn(at) | Event::Wake(at) | Event::Bell(at) => Some(*at),
            Event::Changed(at) | Event::Grace(at) => Some(*at),
            Event::Ended { at, .. } | Event::Timeout { at, .. } => Some(*at),
            Event::Deliver(answer) => match **answer {
                Answer::Reply { at, .. } | Answer::Registered { at, .. } => Some(at),
                _ => None,
            },
            _ => None,
        }
    }
}
