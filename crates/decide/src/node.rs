//! The node: when to claim, report, give back, stop.
//!
//! One exchange with the store is on its way at a time; everything that happens meanwhile goes out with the next.
//! The rules, in the order in which [`Node`] applies them:
//!
//! 1. Work is asked for when what waits here would last less than a few round trips, or a worker is idle.
//! 2. Reports ride with a claim if there is one, else go out after `report_every_ns`, or at once when nothing runs.
//! 3. If the store shows hungry nodes, half of what waits here is given back, if that is worth the trip.
//! 4. Leases that the store no longer has are dropped, and what still runs of them is no longer told.
//! 5. A stop gives back what has not started, waits for what has, reports, and ends.

use crate::backoff::full_jitter;
use crate::config::{Config, Until};
use crate::cost::Mean;
use crate::lent::Lent;
use crate::size::{Known, LEASE_MAX, lease_size};
use divvy_core::{Intervals, JobId, Millis, Rng, Seq, State};
use divvy_store::{Claim, Exchange, Failed, Held, JobView, Lease, Reply, Want};
use std::collections::BTreeMap;

/// What the node wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Run these tasks.
    Start(Lease),
    /// Take up to so many unstarted tasks, the last ones first, back from the workers; answer with
    /// [`Node::on_cut`], also if there were none.
    Cut(Held, u64),
    /// These tasks of the lease are no longer ours: stop them, and say nothing more of them.
    Drop(Held, Intervals),
    /// Nothing more will happen under this lease.
    Retire(Held),
    /// Carry this to the store; answer with [`Node::on_reply`] or [`Node::on_refused`] and this number.
    Exchange(u64, Exchange),
    /// The session has ended: begin a new one, then [`Node::on_registered`].
    Register,
    /// The node is through.
    End(End),
}

/// Why a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its job has finished, or there was nothing more to do.
    Finished,
    /// It was told to, and has given everything back.
    Stopped,
    /// The store refused for good; leases may still be held there.
    Refused,
}

/// Why an exchange has no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not now, or nobody knows whether it arrived: say it again.
    Again,
    /// The session has ended.
    Gone,
    /// It will not work later either.
    ForGood,
}

/// What workers did under one lease since the last tick.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Worked {
    /// Ended well.
    pub done: Intervals,
    /// Failed, with the error.
    pub failed: Vec<(Seq, String)>,
    /// Stopped without fault of theirs.
    pub stopped: Intervals,
    /// Worker-nanoseconds in the handler, over how many tasks.
    pub run_ns: u64,
    /// See `run_ns`.
    pub tasks: u64,
}

/// What the engine sees when it looks at its workers.
#[derive(Debug, Clone, Default)]
pub struct Tick {
    /// By lease.
    pub worked: Vec<(Held, Worked)>,
    /// Tasks not started, by lease; a lease that is not named has none.
    pub unstarted: Vec<(Held, u64)>,
    /// Workers that found nothing to do.
    pub idle: u32,
    /// Tasks that no worker has in its hands any more are still to be told of.
    pub in_hand: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Stopping,
    Ended,
}

#[derive(Debug, Clone, Copy)]
struct Trip {
    id: u64,
    sent_ns: u64,
    claims: bool,
    /// Leases of which tasks were unfinished when it was sent. What a claim is refused with none of them, it is not
    /// refused for what is held.
    open: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Job {
    view: Option<JobView>,
    task_ns: Mean,
    /// Tasks that the mean comes from.
    seen: u64,
}

/// A node's whole state.
#[derive(Debug, Clone)]
pub struct Node {
    cfg: Config,
    phase: Phase,
    held: BTreeMap<Held, Lent>,
    jobs: BTreeMap<JobId, Job>,
    trip: Option<Trip>,
    trips: u64,
    round_trip: Mean,
    workers_all: u64,
    idle: u32,
    /// Another node has found nothing to do.
    hungry: bool,
    /// The last claim found nothing.
    dry: bool,
    /// It found nothing although nothing ran here, and nothing comes due later either.
    empty: bool,
    /// Nothing was said to the store since it had nothing for this node, neither now nor due later.
    quiet: bool,
    /// Leases that were open when a claim found nothing: it may have been for them.
    refused_with: usize,
    /// No claim before this time, unless one of those has ended.
    claim_at: u64,
    claimed_at: u64,
    /// When the last exchange went out.
    sent_at: u64,
    /// When the number of unstarted tasks last changed.
    moved_at: u64,
    /// At this time the store is asked what became of what is held.
    ask_at: u64,
    /// Unsent reports go out at this time.
    report_at: u64,
    /// Something given back should not wait for `report_at`.
    urgent: bool,
    /// No exchange before this time, after so many refusals in a row.
    again_at: u64,
    refused: u32,
}

impl Node {
    /// A node that has not registered yet.
    ///
    /// # Panics
    /// If [`Config::validate`] finds anything.
    #[must_use]
    pub fn new(cfg: Config) -> Node {
        assert!(cfg.validate().is_empty(), "{:?}", cfg.validate());
        Node {
            phase: Phase::Running,
            held: BTreeMap::new(),
            jobs: BTreeMap::new(),
            trip: None,
            trips: 0,
            round_trip: Mean::default(),
            workers_all: u64::from(cfg.workers),
            idle: cfg.workers,
            hungry: false,
            dry: false,
            empty: false,
            refused_with: 0,
            quiet: false,
            claim_at: 0,
            claimed_at: 0,
            sent_at: 0,
            moved_at: 0,
            ask_at: u64::MAX,
            report_at: u64::MAX,
            urgent: false,
            again_at: 0,
            refused: 0,
            cfg,
        }
    }

    /// The session has begun.
    pub fn on_registered(&mut self, now: u64, out: &mut Vec<Action>) {
        self.step(now, out);
    }

    /// The engine looked at its workers.
    pub fn on_tick(&mut self, now: u64, tick: Tick, rng: &mut Rng, out: &mut Vec<Action>) {
        if self.phase == Phase::Ended {
            return;
        }
        for (key, worked) in tick.worked {
            self.on_worked(now, key, worked, rng);
        }
        let before = self.unstarted();
        self.held.values_mut().for_each(|lent| lent.unstarted = 0);
        for (key, unstarted) in tick.unstarted {
            if let Some(lent) = self.held.get_mut(&key) {
                lent.unstarted = unstarted.min(lent.open.len());
            }
        }
        if self.unstarted() != before {
            self.moved_at = now;
        }
        self.idle = tick.idle;
        if self.phase == Phase::Stopping && self.idle == self.cfg.workers && !tick.in_hand {
            // Nothing runs and nothing will: a task that nobody has told of by now runs again elsewhere.
            self.held.values_mut().filter(|lent| lent.unstarted == 0).for_each(Lent::give_up);
        }
        self.step(now, out);
    }

    fn on_worked(&mut self, now: u64, key: Held, worked: Worked, rng: &mut Rng) {
        if worked.tasks > 0 {
            let mean = worked.run_ns as f64 / worked.tasks as f64;
            let job = self.jobs.entry(key.0).or_default();
            job.task_ns.observe(mean);
            job.seen += worked.tasks;
        }
        let retry_ms = self.cfg.retry_ms;
        // A dropped lease's workers may still hand in what they ended: it no longer counts.
        let Some(lent) = self.held.get_mut(&key) else { return };
        lent.on_done(&worked.done);
        lent.on_back(&worked.stopped);
        for (seq, error) in worked.failed {
            let retry_ms = full_jitter(retry_ms.0, retry_ms.1, lent.lease.attempts, rng);
            lent.on_failed(Failed { seq, error, retry_ms });
        }
        if lent.has_unsent() {
            // Counted from the last exchange: whoever looks only this often must not wait once more to tell.
            self.report_at = self.report_at.min(now.max(self.sent_at + self.report_every()));
        }
    }

    /// The workers gave these unstarted tasks back.
    pub fn on_cut(&mut self, now: u64, key: Held, back: &Intervals, out: &mut Vec<Action>) {
        if let Some(lent) = self.held.get_mut(&key) {
            #[cfg(feature = "planted")]
            let keeps = self.cfg.bug == Some(crate::Bug::KeepsWhatItGaveBack);
            #[cfg(feature = "planted")]
            let open = lent.open.clone();
            lent.on_back(back);
            #[cfg(feature = "planted")]
            if keeps {
                lent.open = open;
                lent.on_done(back);
            }
            self.urgent |= !back.is_empty();
        }
        self.step(now, out);
    }

    /// The store answered. `wall` is the store's time of the exchange. An answer to an earlier one is ignored.
    pub fn on_reply(&mut self, now: u64, wall: Millis, id: u64, reply: Reply, out: &mut Vec<Action>) {
        let Some(trip) = self.take_trip(id) else { return };
        self.refused = 0;
        self.round_trip.observe(now.saturating_sub(trip.sent_ns) as f64);
        self.workers_all = reply.workers.max(u64::from(self.cfg.workers));
        self.hungry = reply.hungry > 0;
        self.held.values_mut().for_each(Lent::on_confirmed);
        self.on_taken(&reply, out);
        self.on_views(&reply.jobs);
        if trip.claims {
            self.on_claimed(now, wall, trip.open, &reply);
        }
        let granted = !reply.leases.is_empty();
        for lease in reply.leases {
            (self.idle, self.moved_at) = (0, now);
            let (key, lent) = ((lease.job, lease.fence), Lent::new(lease.clone()));
            #[cfg(feature = "planted")]
            let lent = self.planted_lease(lent);
            self.held.insert(key, lent);
            out.push(Action::Start(lease));
        }
        self.retire_settled(out);
        if self.phase == Phase::Running {
            // What was granted just now has had no time to start: giving it back would go round for ever.
            if reply.hungry > 0 && !granted {
                self.give_back(out);
            }
            if self.is_through() {
                return self.end(End::Finished, out);
            }
        } else {
            // A lease that arrives after the stop goes back unstarted.
            self.cut_all(out);
        }
        self.step(now, out);
    }

    /// The exchange has no reply.
    pub fn on_refused(&mut self, now: u64, id: u64, why: Refusal, rng: &mut Rng, out: &mut Vec<Action>) {
        if self.take_trip(id).is_none() {
            return;
        }
        #[cfg(feature = "planted")]
        if self.cfg.bug == Some(crate::Bug::ForgetsUnanswered) {
            self.held.values_mut().for_each(Lent::on_confirmed);
        }
        self.held.values_mut().for_each(Lent::on_unanswered);
        match why {
            Refusal::Again => {
                let (base, cap) = self.cfg.refused_ns;
                self.again_at = now + full_jitter(base, cap, self.refused, rng);
                self.refused += 1;
                self.step(now, out);
            }
            Refusal::Gone => {
                for (key, lent) in std::mem::take(&mut self.held) {
                    out.push(Action::Drop(key, lent.open));
                    out.push(Action::Retire(key));
                }
                self.idle = self.cfg.workers;
                (self.dry, self.empty, self.claim_at) = (false, false, now);
                self.refused_with = 0;
                match self.phase {
                    Phase::Running => out.push(Action::Register),
                    Phase::Stopping | Phase::Ended => self.end(End::Stopped, out),
                }
            }
            Refusal::ForGood => self.end(End::Refused, out),
        }
    }

    /// Somebody changed the store: there may be work, or what is held here was canceled. The latter nobody would
    /// notice while long tasks keep all workers busy, so it is asked, as often as reports go out.
    pub fn on_changed(&mut self, now: u64, out: &mut Vec<Action>) {
        if self.dry {
            self.claim_at = self.claim_at.min((self.claimed_at + self.cfg.dry_claim_ns).max(now));
        }
        if !self.held.is_empty() {
            self.ask_at = self.ask_at.min((self.sent_at + self.report_every()).max(now));
        }
        self.step(now, out);
    }

    /// Stop: start nothing more, give back what has not started, end when what runs has ended.
    pub fn on_stop(&mut self, now: u64, out: &mut Vec<Action>) {
        if self.phase == Phase::Running {
            self.phase = Phase::Stopping;
            self.cut_all(out);
            self.step(now, out);
        }
    }

    /// When to look at the workers again, if nothing happens before.
    #[must_use]
    pub fn wake_at(&self, now: u64) -> u64 {
        if self.trip.is_some() || self.phase == Phase::Ended {
            return u64::MAX;
        }
        let report = if self.has_unsent() { self.report_at } else { u64::MAX };
        let claim = match self.waiting_ns() {
            // The same conditions as for a claim: looking earlier than one can be made is looking in vain.
            Some(waiting) if self.may_claim() => match self.idle {
                // Nothing is claimed ahead, and whoever runs dry rings the bell.
                0 if self.hungry || !self.is_short() => u64::MAX,
                0 => match waiting.saturating_sub(self.ahead_ns()) {
                    0 => self.claim_at,
                    // Foretold once: what takes longer than that would be foretold again and again.
                    left => Some(self.moved_at + left).filter(|at| *at > now).unwrap_or(u64::MAX),
                },
                _ => self.claim_at,
            },
            _ => u64::MAX,
        };
        // A stop that holds nothing ends as soon as it may: nobody rings for it.
        let idle = self.held.is_empty() && self.phase != Phase::Stopping;
        let look = if idle { u64::MAX } else { now + self.report_every() };
        // A millisecond apart at least: whoever runs dry earlier rings the bell.
        report.min(claim).min(look).min(self.ask_at).max(self.again_at).max(now + 1_000_000)
    }

    /// What a worker without work waits for.
    #[must_use]
    pub fn waiting_for(&self) -> State {
        match (self.phase, self.trip) {
            (Phase::Stopping | Phase::Ended, _) => State::Parked,
            (_, Some(trip)) if !trip.claims => State::Report,
            _ if !self.dry => State::Claim,
            _ if self.jobs.values().filter_map(|j| j.view).any(|v| v.unfinished > 0) => State::Starved,
            _ => State::Idle,
        }
    }

    /// Whether tasks that are not here by now will not come here: the store has none for this node, now or due
    /// later, and knows all that happened here.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet && !self.has_unsent()
    }

    /// Leases held, for the metrics.
    #[must_use]
    pub fn leases(&self) -> usize {
        self.held.len()
    }

    /// Unfinished tasks of a held lease.
    #[must_use]
    pub fn open(&self, key: Held) -> Option<&Intervals> {
        self.held.get(&key).map(|lent| &lent.open)
    }

    /// Sends what is to be sent, or ends.
    fn step(&mut self, now: u64, out: &mut Vec<Action>) {
        if self.trip.is_some() || self.phase == Phase::Ended || now < self.again_at {
            return;
        }
        if self.phase == Phase::Stopping && self.held.is_empty() {
            return self.end(End::Stopped, out);
        }
        let claim = self.wants_claim(now).then(|| self.claim());
        if claim.is_some() || self.wants_report(now) || now >= self.ask_at {
            self.send(now, claim, out);
        }
    }

    fn send(&mut self, now: u64, claim: Option<Claim>, out: &mut Vec<Action>) {
        self.trips += 1;
        self.trip =
            Some(Trip { id: self.trips, sent_ns: now, claims: claim.is_some(), open: self.open_leases() });
        if claim.is_some() {
            self.claimed_at = now;
        }
        (self.report_at, self.urgent) = (u64::MAX, false);
        (self.sent_at, self.ask_at, self.quiet) = (now, u64::MAX, false);
        let held = self.held.keys().copied().collect();
        let reports = self.held.values_mut().filter_map(Lent::send).collect();
        let exchange = Exchange { held, reports, claim };
        #[cfg(feature = "planted")]
        let exchange = self.planted_exchange(exchange);
        out.push(Action::Exchange(self.trips, exchange));
    }

    fn wants_report(&self, now: u64) -> bool {
        self.has_unsent() && (now >= self.report_at || self.urgent || self.is_alone())
    }

    fn wants_claim(&self, now: u64) -> bool {
        // What stood against the last claim may have been a lease that has ended since.
        let freed = self.open_leases() < self.refused_with;
        let may = self.may_claim() && (now >= self.claim_at || freed);
        may && match self.waiting_ns() {
            // Asking early pays only if the round trip it hides is not small beside a task, and nobody else waits
            // for what would be taken: it would go back and forth.
            Some(waiting) => self.idle > 0 || (!self.hungry && waiting < self.ahead_ns() && self.is_short()),
            // Work waits here, and nobody knows for how long: the first tasks will tell.
            None => false,
        }
    }

    /// Whether there is room for another lease.
    fn may_claim(&self) -> bool {
        self.phase == Phase::Running && self.held.len() < self.cfg.leases_max && !self.has_quarantine()
    }

    fn claim(&self) -> Claim {
        let only = match self.cfg.until {
            Until::Finished(job) => Some(job),
            Until::Stopped | Until::Empty => None,
        };
        let wants = self.jobs.iter().filter_map(|(job, known)| {
            let view = known.view.filter(|v| v.claimable > 0)?;
            Some(Want { job: *job, tasks: self.size(known, view.claimable) })
        });
        Claim {
            only,
            handlers: self.cfg.handlers.clone(),
            wants: wants.collect(),
            want_new: u64::from(self.cfg.workers),
            bytes_max: self.cfg.bytes_max.saturating_sub(self.bytes()),
            leases_max: self.cfg.leases_max - self.held.len(),
            isolated_max: (self.cfg.workers as usize).saturating_sub(self.open_leases()),
        }
    }

    fn size(&self, job: &Job, claimable: u64) -> u64 {
        let known = Known {
            task_ns: job.task_ns.get(),
            seen: job.seen,
            round_trip_ns: self.round_trip_ns(),
            claimable,
            workers: u64::from(self.cfg.workers),
            workers_all: self.workers_all,
            idle: u64::from(self.idle),
        };
        lease_size(self.cfg.lease_target_ns, self.cfg.overhead_max, &known)
    }

    /// Leases and tasks that the store no longer has for this node.
    fn on_taken(&mut self, reply: &Reply, out: &mut Vec<Action>) {
        for (key, open) in &reply.open {
            let Some(lent) = self.held.get_mut(key) else { continue };
            let taken = lent.open.minus(open);
            if !taken.is_empty() {
                lent.open.remove_all(&taken);
                lent.unstarted = lent.unstarted.min(lent.open.len());
                out.push(Action::Drop(*key, taken));
            }
        }
        for key in &reply.lost {
            let Some(lent) = self.held.remove(key) else { continue };
            #[cfg(feature = "planted")]
            if self.planted_borrow(*key, &lent) {
                continue;
            }
            if !lent.open.is_empty() {
                out.push(Action::Drop(*key, lent.open));
            }
            out.push(Action::Retire(*key));
        }
    }

    fn on_views(&mut self, views: &[JobView]) {
        for view in views {
            self.jobs.entry(view.job).or_default().view = Some(*view);
        }
        // What is remembered is bounded by what is held and what was just heard of.
        let held = &self.held;
        self.jobs.retain(|id, job| {
            let seen = views.iter().any(|v| v.job == *id);
            if !seen {
                job.view = None;
            }
            let live = job.view.is_some_and(|v| !v.finished);
            live || held.keys().any(|(held_job, _)| held_job == id)
        });
    }

    fn on_claimed(&mut self, now: u64, wall: Millis, open: usize, reply: &Reply) {
        self.dry = reply.leases.is_empty();
        self.quiet = self.dry && reply.next_due.is_none();
        self.empty = self.quiet && open == 0;
        self.refused_with = if self.dry { open } else { 0 };
        self.claim_at = if self.dry {
            let due = reply.next_due.map(|due| now + due.saturating_sub(wall).max(1) * 1_000_000);
            due.unwrap_or(u64::MAX).min(now + self.cfg.dry_poll_ns)
        } else {
            now
        };
    }

    /// Half of what waits here, newest leases first, if moving it saves more than the trips cost:
    /// `A - B > 2c/S` with an idle thief (`B = 0`). DESIGN.md, "Formulas".
    fn give_back(&mut self, out: &mut Vec<Action>) {
        let waiting = self.waiting_ns().unwrap_or(u64::MAX);
        if (waiting as f64) < 2.0 * self.round_trip_ns() {
            return;
        }
        let mut left = self.unstarted().div_ceil(2);
        for (key, lent) in self.held.iter().rev() {
            let view = self.jobs.get(&key.0).and_then(|job| job.view);
            if view.is_some_and(|v| v.claimable > 0) {
                continue; // the hungry have only not heard of it yet
            }
            let n = lent.unstarted.min(left);
            left -= n;
            if n > 0 {
                out.push(Action::Cut(*key, n));
            }
        }
    }

    fn cut_all(&self, out: &mut Vec<Action>) {
        let cuts = self.held.iter().filter(|(_, lent)| lent.unstarted > 0);
        out.extend(cuts.map(|(key, _)| Action::Cut(*key, LEASE_MAX)));
        #[cfg(feature = "planted")]
        if self.cfg.bug == Some(crate::Bug::LeavesEarly) {
            out.push(Action::End(End::Stopped));
        }
    }

    fn retire_settled(&mut self, out: &mut Vec<Action>) {
        self.held.retain(|key, lent| {
            let settled = lent.is_settled();
            if settled {
                out.push(Action::Retire(*key));
            }
            !settled
        });
    }

    fn is_through(&self) -> bool {
        match self.cfg.until {
            Until::Stopped => false,
            Until::Empty => self.empty && self.held.is_empty(),
            // A job that is gone from the replies was forgotten by somebody: there is nothing left to do.
            Until::Finished(job) => {
                self.held.is_empty()
                    && self.trips > 0
                    && self.jobs.get(&job).and_then(|j| j.view).is_none_or(|v| v.finished)
            }
        }
    }

    fn end(&mut self, end: End, out: &mut Vec<Action>) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            out.push(Action::End(end));
        }
    }

    fn take_trip(&mut self, id: u64) -> Option<Trip> {
        #[cfg(feature = "planted")]
        if self.cfg.bug == Some(crate::Bug::TakesAnyReply) {
            return self.trip.take();
        }
        self.trip.take_if(|trip| trip.id == id)
    }

    fn has_unsent(&self) -> bool {
        self.held.values().any(Lent::has_unsent)
    }

    /// Nothing that is held still runs or waits to run.
    fn is_alone(&self) -> bool {
        self.open_leases() == 0
    }

    fn open_leases(&self) -> usize {
        self.held.values().filter(|lent| !lent.open.is_empty()).count()
    }

    fn has_quarantine(&self) -> bool {
        self.held.values().any(|lent| lent.lease.quarantined)
    }

    fn unstarted(&self) -> u64 {
        self.held.values().map(|lent| lent.unstarted).sum()
    }

    /// Bytes of the records held, by their mean size.
    fn bytes(&self) -> u64 {
        let bytes_of = |(key, lent): (&Held, &Lent)| {
            let view = self.jobs.get(&key.0).and_then(|job| job.view);
            lent.open.len() * view.map_or(0, |v| v.record_bytes)
        };
        self.held.iter().map(bytes_of).sum()
    }

    /// How long what waits here will last; `None` if it is not known.
    fn waiting_ns(&self) -> Option<u64> {
        let mut work = 0.0;
        for (key, lent) in self.held.iter().filter(|(_, lent)| lent.unstarted > 0) {
            work += lent.unstarted as f64 * self.jobs.get(&key.0)?.task_ns.get()?;
        }
        Some((work / f64::from(self.cfg.workers)) as u64)
    }

    /// Whether tasks are known to be so short that a round trip is not small beside them.
    fn is_short(&self) -> bool {
        let held = |id: &JobId| self.held.keys().any(|(job, _)| job == id);
        let mut times = self.jobs.iter().filter(|(id, _)| held(id)).map(|(_, job)| job.task_ns.get());
        times.all(|time| time.is_some_and(|time| time < 100.0 * self.round_trip_ns()))
    }

    fn ahead_ns(&self) -> u64 {
        (4.0 * self.round_trip_ns()) as u64
    }

    fn round_trip_ns(&self) -> f64 {
        self.round_trip.get().unwrap_or(1e6)
    }

    /// Reports are rarer where the store is slow, so that they too stay within `overhead_max`.
    fn report_every(&self) -> u64 {
        self.cfg.report_every_ns.max((self.round_trip_ns() / self.cfg.overhead_max) as u64)
    }
}

/// Bugs on purpose, each small and each one somebody might really make.
#[cfg(feature = "planted")]
impl Node {
    fn planted_lease(&self, mut lent: Lent) -> Lent {
        if self.cfg.bug == Some(crate::Bug::ReportsBeforeTheEnd) {
            let all = lent.open.clone();
            lent.on_done(&all);
            lent.open = all;
        }
        lent
    }

    fn planted_exchange(&self, mut exchange: Exchange) -> Exchange {
        match self.cfg.bug {
            Some(crate::Bug::DropsFailures) if exchange.claim.is_some() => {
                exchange.reports.iter_mut().for_each(|r| r.failed.clear());
            }
            Some(crate::Bug::Hoards) => {
                if let Some(claim) = &mut exchange.claim {
                    claim.leases_max = usize::MAX;
                    claim.wants.iter_mut().for_each(|w| w.tasks = u64::MAX);
                }
            }
            _ => {}
        }
        exchange
    }

    fn planted_borrow(&mut self, lost: Held, lent: &Lent) -> bool {
        let other = self.held.iter_mut().find(|(key, _)| key.0 == lost.0);
        match other {
            Some((_, other)) if self.cfg.bug == Some(crate::Bug::BorrowsAFence) => {
                other.on_done(&lent.open);
                true
            }
            _ => false,
        }
    }
}
