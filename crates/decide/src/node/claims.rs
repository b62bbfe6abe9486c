//! What to ask for, and when.

use super::shelf::Place;
use super::{Job, Node, Phase};
use crate::config::Until;
use crate::pack::{Choice, PASSES_MAX, score};
use crate::size::{Known, Sized, lease_size};
use divvy_core::{Demand, JobId};
use divvy_store::{Claim, ClassView, JobView, Want};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Of tasks that last this many round trips and more, the node takes what fits best each time there is room. Room is
/// free for up to one round trip then, at most 2 % of the time; what a node loses that has to choose among the few
/// classes that it has in stock is more (`divvy-sim packing`).
const PICKS_FROM: f64 = 50.0;

/// And of this many round trips for each worker, since they ask one after the other.
const PICKS_EACH: f64 = 4.0;

impl Node {
    pub(super) fn wants_claim(&self, now: u64) -> bool {
        // What stood against the last claim may have been a lease that has ended since.
        let freed = self.open_leases() < self.refused_with;
        if self.take_at().is_some_and(|at| at <= now) {
            return true;
        }
        let may = self.may_claim() && (now >= self.claim_at || freed);
        may && match self.waiting_ns() {
            // Asking early pays only if the round trip it hides is not small beside a task, and nobody else waits
            // for what would be taken: it would go back and forth.
            Some(waiting) => {
                self.idle > 0 || (self.hungry == 0 && waiting < self.ahead_ns() && self.is_short())
            }
            // Work waits here, and nobody knows for how long: the first tasks will tell.
            None => false,
        }
    }

    /// Whether there is room for another lease, or nothing else helps.
    pub(super) fn may_claim(&self) -> bool {
        let has_room = self.held.len() < self.cfg.leases_max || self.is_stuck();
        self.phase == Phase::Running && has_room && !self.has_quarantine()
    }

    /// Whether all that is held has run, and yet not a lease can be told to its end: the outcomes are told in order, and
    /// one that comes before them is not here. It may wait for another attempt for longer than it took to run all these.
    pub(super) fn is_stuck(&self) -> bool {
        let has_run = self.idle == self.cfg.workers && self.unstarted() == 0;
        self.held.len() == self.cfg.leases_max && has_run && self.open_leases() > 0
    }

    /// The claim of a node that is stuck: one lease more, and only of what comes before all that it holds of a job, each
    /// job in turn. What is granted runs, and then this node tells all of them, or is stuck as before.
    fn claim_missing(&self) -> Option<Claim> {
        let jobs: BTreeSet<JobId> = self.held.keys().map(|(job, _)| *job).collect();
        let job = *jobs.iter().nth(self.trips as usize % jobs.len().max(1))?;
        let of_job = self.held.iter().filter(|((held, _), _)| *held == job);
        let below = of_job.filter_map(|(_, lent)| lent.open.first()).min()?;
        let classes = self.view(job).map_or(1, |view| view.classes.len().max(1));
        let wants = (0..classes as u32).map(|class| Want { job, class, tasks: 1 }).collect();
        let few = Claim { wants, want_new: 0, leases_max: 1, isolated_max: 1, ..self.claim_more() };
        Some(Claim { below: Some(below), ..few })
    }

    pub(super) fn claim(&self, now: u64) -> Claim {
        let missing = if self.is_stuck() { self.claim_missing() } else { None };
        missing.unwrap_or_else(|| Claim { backups: self.backups(now), ..self.claim_more() })
    }

    fn claim_more(&self) -> Claim {
        let only = match self.cfg.until {
            Until::Finished(job) => Some(job),
            Until::Stopped | Until::Empty => None,
        };
        Claim {
            only,
            handlers: self.cfg.handlers.clone(),
            capacity: self.cfg.capacity.clone(),
            wants: self.wants(),
            want_new: u64::from(self.cfg.workers),
            bytes_max: self.cfg.bytes_max.saturating_sub(self.bytes()),
            leases_max: self.cfg.leases_max.saturating_sub(self.held.len()),
            isolated_max: (self.cfg.workers as usize).saturating_sub(self.open_leases()),
            below: None,
            backups: Vec::new(),
        }
    }

    fn wants(&self) -> Vec<Want> {
        let known = self.jobs.iter().flat_map(|(job, known)| self.wants_of(*job, known));
        known.chain(self.unable.iter().map(|job| Want { job: *job, class: 0, tasks: 0 })).collect()
    }

    fn wants_of(&self, job: JobId, known: &Job) -> Vec<Want> {
        if self.unable.contains(&job) {
            return Vec::new();
        }
        let Some(view) = &known.view else { return Vec::new() };
        if view.classes.is_empty() {
            let tasks = (view.claimable > 0).then(|| self.size(known, view.claimable, self.cfg.workers));
            return tasks.map(|tasks| Want { job, class: 0, tasks }).into_iter().collect();
        }
        let mut wants = match self.picks(job, known) {
            true => self.picked(job, known, view),
            false => self.stock(job, known, view),
        };
        if wants.is_empty() {
            // A job that is not named at all would have the size for new ones.
            wants.push(Want { job, class: 0, tasks: 0 });
        }
        wants
    }

    /// Whether it pays to ask the store each time there is room, for what fits best then: it has tasks of several
    /// classes, and a round trip is short beside them. Else enough is asked for to last.
    pub(super) fn picks(&self, id: JobId, job: &Job) -> bool {
        let Some(view) = &job.view else { return false };
        let several = view.classes.iter().filter(|class| class.claimable > 0).nth(1).is_some();
        let trips = PICKS_FROM.max(PICKS_EACH * f64::from(self.cfg.workers));
        let is_long = |task_ns: f64| task_ns >= trips * self.round_trip_ns();
        several && !self.unable.contains(&id) && job.task_ns.get().is_none_or(is_long)
    }

    /// What there is room for now, the best fit first; or, if room is to be kept free for a task, that one.
    fn picked(&self, job: JobId, known: &Job, view: &JobView) -> Vec<Want> {
        match self.next(true) {
            (Choice::KeepFree(_), Some(Place::Store(id, class))) if id == job => {
                return vec![Want { job, class, tasks: 1 }];
            }
            (Choice::KeepFree(_), _) => return Vec::new(),
            _ => {}
        }
        let fitting = view.classes.iter().zip(0..).filter(|(class, _)| self.could_start(&class.demand));
        let mut wants: Vec<(u32, u64)> = fitting
            .map(|(class, nth)| (nth, self.want(job, known, nth, class)))
            .filter(|(_, tasks)| *tasks > 0)
            .collect();
        self.order(known, view, &mut wants);
        // More than one of the first only, as the others are asked for in its place; and none of a claim's room is taken
        // twice.
        let most = wants.first().map_or(0, |(class, tasks)| (*tasks).min(self.in_a_row(known, view, *class)));
        let wants = wants.into_iter().zip(std::iter::once(most).chain(std::iter::repeat(1)));
        wants.map(|((class, _), tasks)| Want { job, class, tasks }).collect()
    }

    /// How many tasks of this class would be started one after the other before another class fits better.
    fn in_a_row(&self, known: &Job, view: &JobView, class: u32) -> u64 {
        let chosen = &view.classes[class as usize];
        let most = if known.passes[class as usize] >= PASSES_MAX { 1 } else { chosen.claimable };
        let (mut room, mut tasks) = (self.room.clone(), 1);
        room.take(&chosen.demand, 1);
        let score = |room: &Demand, class: &ClassView| score(room, &self.cfg.capacity, &class.demand);
        while tasks < most.min(self.free_workers()) && chosen.demand.fits(&room) {
            let here = score(&room, chosen);
            let others = view.classes.iter().filter(|other| other.claimable > 0 && other.demand.fits(&room));
            if others.into_iter().any(|other| score(&room, other) > here) {
                break;
            }
            room.take(&chosen.demand, 1);
            tasks += 1;
        }
        tasks
    }

    /// Of every class as much as lasts a while; first what there is room for now.
    fn stock(&self, job: JobId, known: &Job, view: &JobView) -> Vec<Want> {
        let classes = view.classes.iter().zip(0..);
        let mut wants: Vec<(u32, u64)> =
            classes.map(|(class, nth)| (nth, self.want(job, known, nth, class))).collect();
        self.order(known, view, &mut wants);
        wants.into_iter().map(|(class, tasks)| Want { job, class, tasks }).collect()
    }

    /// Whose turn it is first, then by how well they fit into the room there is, then the oldest.
    fn order(&self, known: &Job, view: &JobView, wants: &mut [(u32, u64)]) {
        let rank = |class: u32| {
            let (at, class) = (class as usize, &view.classes[class as usize]);
            let overdue = if known.passes[at] >= PASSES_MAX { known.passes[at] } else { 0 };
            let fits = self.could_start(&class.demand);
            let score = if fits { score(&self.room, &self.cfg.capacity, &class.demand) } else { -1.0 };
            (overdue, score, class.oldest.unwrap_or(u64::MAX))
        };
        wants.sort_by_cached_key(|(class, _)| {
            let (overdue, score, oldest) = rank(*class);
            (Reverse(overdue), Reverse((score * 1e9) as i64), oldest)
        });
    }

    /// Whether what a claim asks for may be of all that is waited for here: of any job that is held, if it is for what is
    /// missing.
    pub(super) fn asks_all(&self, claim: &Claim) -> bool {
        if claim.below.is_some() { self.holds_one_job() } else { self.wants_all(claim) }
    }

    /// Whether a claim wants some of all that the store has shown and that may ever run here.
    fn wants_all(&self, claim: &Claim) -> bool {
        let wanted: BTreeSet<(JobId, u32)> =
            claim.wants.iter().filter(|want| want.tasks > 0).map(|want| (want.job, want.class)).collect();
        self.jobs.iter().filter(|(id, _)| !self.unable.contains(id)).all(|(id, job)| {
            let classes = job.view.iter().flat_map(|view| &view.classes).zip(0..);
            let mut open = classes.filter(|(c, _)| c.claimable > 0 && c.demand.fits(&self.cfg.capacity));
            open.all(|(_, class)| wanted.contains(&(*id, class)))
        })
    }

    /// Tasks of a class that may take something of the node. As long as some of it wait on the shelf, what is missing
    /// is room, not tasks.
    fn want(&self, job: JobId, known: &Job, class: u32, view: &ClassView) -> u64 {
        let fits = self.at_once(&view.demand);
        let shelved = self
            .held
            .iter()
            .any(|((held, _), lent)| *held == job && lent.lease.class == class && !lent.shelf.is_empty());
        // What could not start now is not taken from nodes that have nothing to do: it would go back and forth.
        let spare = self.hungry > 0 && !self.could_start(&view.demand);
        // One that shows nothing may have something by the time the claim arrives: its reports come first.
        if fits == 0 || shelved || spare {
            0
        } else {
            self.size(known, view.claimable.max(fits.into()), fits)
        }
    }

    /// How many tasks of this demand the node can run side by side.
    pub(super) fn at_once(&self, demand: &Demand) -> u32 {
        demand.times(&self.cfg.capacity).min(self.cfg.workers.into()) as u32
    }

    /// The lease size for so many workers.
    fn size(&self, job: &Job, claimable: u64, workers: u32) -> u64 {
        self.sized(job, claimable, workers).tasks
    }

    pub(super) fn sized(&self, job: &Job, claimable: u64, workers: u32) -> Sized {
        let known = Known {
            task_ns: job.task_ns.get(),
            seen: job.seen,
            round_trip_ns: self.round_trip_ns(),
            claimable,
            workers: u64::from(workers),
            workers_all: self.workers_all,
            idle: u64::from(self.idle.min(workers)),
        };
        lease_size(self.cfg.lease_target_ns, self.cfg.overhead_max, &known)
    }

    /// How long what waits for a worker here will last; `None` if it is not known.
    pub(super) fn waiting_ns(&self) -> Option<u64> {
        let mut work = 0.0;
        for (key, lent) in self.held.iter().filter(|(_, lent)| lent.unstarted > 0) {
            work += lent.unstarted as f64 * self.jobs.get(&key.0)?.task_ns.get()?;
        }
        Some((work / f64::from(self.cfg.workers)) as u64)
    }

    /// Whether tasks are known to be so short that a round trip is not small beside them.
    pub(super) fn is_short(&self) -> bool {
        let held = |id: &JobId| self.held.keys().any(|(job, _)| job == id);
        let mut times = self.jobs.iter().filter(|(id, _)| held(id)).map(|(_, job)| job.task_ns.get());
        times.all(|time| time.is_some_and(|time| time < 100.0 * self.round_trip_ns()))
    }

    pub(super) fn ahead_ns(&self) -> u64 {
        (4.0 * self.round_trip_ns()) as u64
    }

    pub(super) fn round_trip_ns(&self) -> f64 {
        self.round_trip.get().unwrap_or(1e6)
    }
}
