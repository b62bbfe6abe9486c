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
//! 6. Tasks that take something of the node start when there is room, the best fit first: of what is here, and, where a
//!    round trip is short beside a task, of all that the store has.
//! 7. Who has had nothing to do for as long as the idle nodes would need for all that a slow one holds takes some of that.
//!
//! | file | idea |
//! |---|---|
//! | `mod.rs` | the state, and what each event does to it |
//! | `claims.rs` | what to ask for, and when |
//! | `backups.rs` | when to take tasks that another node holds |
//! | `replies.rs` | what the store's answers do |
//! | `shelf.rs` | tasks that wait for room |
//! | `returns.rs` | what goes back unstarted |
//! | `tuning.rs` | telling what was set by measurements |
//! | `planted.rs` | bugs on purpose, for the simulator to find |

mod backups;
#[cfg(test)]
mod backups_tests;
mod claims;
#[cfg(feature = "planted")]
mod planted;
mod replies;
mod returns;
mod shelf;
#[cfg(test)]
mod shelf_tests;
#[cfg(test)]
mod stuck_tests;
mod tuning;
#[cfg(test)]
mod tuning_tests;

use crate::backoff::full_jitter;
use crate::config::Config;
use crate::cost::{Mean, Trips};
use crate::event::{Action, End, Failure, Tick, Worked};
use crate::lent::Lent;
use divvy_core::{Demand, Intervals, JobId, Rng, State};
use divvy_store::{Claim, Exchange, Failed, Held, JobView};
use shelf::Taking;
use std::collections::{BTreeMap, BTreeSet};

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
    /// What it claims may be of all that is waited for here.
    asks_all: bool,
    /// It would take tasks from others.
    takes: bool,
}

#[derive(Debug, Clone, Default)]
struct Job {
    view: Option<JobView>,
    /// Since when the store has shown nothing of it but what others hold and this node might take.
    held_since: Option<u64>,
    /// By class: how many younger tasks were started here before the oldest in the store, since it was last somebody's
    /// turn.
    passes: Vec<u64>,
    task_ns: Mean,
    /// Tasks that the mean comes from.
    seen: u64,
    /// The size of leases that was last told of, 0 if none was.
    told_size: u64,
}

/// Most jobs that are remembered as unable to run here: each is named in every claim.
const UNABLE_MAX: usize = 100;

/// A node's whole state.
#[derive(Debug, Clone)]
pub struct Node {
    cfg: Config,
    phase: Phase,
    held: BTreeMap<Held, Lent>,
    /// Leases that this node has no more, and of which tasks still run here. The store is asked about them as about those that are
    /// held: their tasks go on until they end, or their job does.
    strays: BTreeSet<Held>,
    /// What the node has and no task takes.
    room: Demand,
    /// What tasks take, also those whose lease was lost.
    taking: BTreeMap<Held, Taking>,
    jobs: BTreeMap<JobId, Job>,
    /// Jobs that cannot run here; at most [`UNABLE_MAX`], the oldest are tried again.
    unable: BTreeSet<JobId>,
    trip: Option<Trip>,
    trips: u64,
    round_trip: Trips,
    workers_all: u64,
    idle: u32,
    /// Room has come back since the last claim went out.
    grew: bool,
    /// Other nodes that have found nothing to do.
    hungry: u64,
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
    /// The time between reports that was last told of.
    told_report_every: u64,
    /// No exchange before this time, after so many refusals in a row.
    again_at: u64,
    refused: u32,
    /// Without work of its own since.
    bored_at: Option<u64>,
    /// Nothing is taken from others before this time.
    asked_again_at: u64,
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
            strays: BTreeSet::new(),
            room: cfg.capacity.clone(),
            taking: BTreeMap::new(),
            jobs: BTreeMap::new(),
            unable: BTreeSet::new(),
            trip: None,
            trips: 0,
            round_trip: Trips::default(),
            workers_all: u64::from(cfg.workers),
            idle: cfg.workers,
            grew: false,
            hungry: 0,
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
            told_report_every: cfg.report_every_ns,
            again_at: 0,
            refused: 0,
            bored_at: None,
            asked_again_at: 0,
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
        self.note_strays(now, tick.strays);
        self.idle = tick.idle;
        self.note_bored(now);
        if self.phase == Phase::Stopping && self.idle == self.cfg.workers && !tick.in_hand {
            // Nothing runs and nothing will: a task that nobody has told of by now runs again elsewhere.
            self.held.values_mut().filter(|lent| lent.unstarted == 0).for_each(Lent::give_up);
        }
        self.step(now, out);
    }

    /// Those that are new may have been canceled before anybody looked for them.
    fn note_strays(&mut self, now: u64, strays: Vec<Held>) {
        let strays: BTreeSet<_> = strays.into_iter().collect();
        if !strays.is_subset(&self.strays) {
            self.ask_soon(now);
        }
        self.strays = strays;
    }

    fn ask_soon(&mut self, now: u64) {
        self.ask_at = self.ask_at.min((self.sent_at + self.report_every()).max(now));
    }

    fn on_worked(&mut self, now: u64, key: Held, worked: Worked, rng: &mut Rng) {
        if worked.tasks > 0 {
            let mean = worked.run_ns as f64 / worked.tasks as f64;
            let job = self.jobs.entry(key.0).or_default();
            job.task_ns.observe(mean);
            job.seen += worked.tasks;
        }
        if !worked.ended.is_empty() {
            self.on_ended(key, &worked.ended);
            // There is room now for what was not asked for before.
            self.grew = true;
            self.claim_at = self.claim_at.min(now);
        }
        if !worked.done.is_empty() && self.view(key.0).is_some_and(|view| view.blocked > 0) {
            // What is done may be what others of the job wait for.
            self.claim_at = now;
        }
        let retry_ms = self.cfg.retry_ms;
        // A dropped lease's workers may still hand in what they ended: it no longer counts.
        let Some(lent) = self.held.get_mut(&key) else { return };
        lent.on_done(&worked.done);
        lent.on_back(&worked.stopped);
        for Failure { seq, error, outgrown } in worked.failed {
            let retry_ms = full_jitter(retry_ms.0, retry_ms.1, lent.lease.attempts, rng);
            lent.on_failed(Failed { seq, error, retry_ms, outgrown });
        }
        if lent.has_unsent() {
            // Counted from the last exchange: whoever looks only this often must not wait once more to tell.
            self.report_at = self.report_at.min(now.max(self.sent_at + self.report_every()));
        }
    }

    /// The workers gave these unstarted tasks back.
    pub fn on_cut(&mut self, now: u64, key: Held, back: &Intervals, out: &mut Vec<Action>) {
        self.on_ended(key, back);
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

    /// The job of this lease, which was just started, cannot run here: the lease goes back, and no more of the job is
    /// asked for.
    pub fn on_unable(&mut self, now: u64, key: Held, out: &mut Vec<Action>) {
        if self.unable.len() >= UNABLE_MAX {
            self.unable.pop_first();
        }
        self.unable.insert(key.0);
        if let Some(lent) = self.held.get_mut(&key) {
            lent.give_up();
            lent.unstarted = 0;
            self.urgent = true;
        }
        self.idle = self.cfg.workers;
        self.step(now, out);
    }

    /// Somebody changed the store: there may be work, or what is held or runs here was canceled. The latter nobody would
    /// notice while long tasks keep all workers busy, so it is asked, as often as reports go out.
    pub fn on_changed(&mut self, now: u64, out: &mut Vec<Action>) {
        if self.dry {
            self.claim_at = self.claim_at.min((self.claimed_at + self.cfg.dry_claim_ns).max(now));
        }
        if !self.held.is_empty() || !self.strays.is_empty() {
            self.ask_soon(now);
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
                0 if self.hungry > 0 || !self.is_short() => u64::MAX,
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
        let take = self.take_at().unwrap_or(u64::MAX);
        report.min(claim).min(take).min(look).min(self.ask_at).max(self.again_at).max(now + 1_000_000)
    }

    /// What a worker without work waits for.
    #[must_use]
    pub fn waiting_for(&self) -> State {
        match (self.phase, self.trip) {
            (Phase::Stopping | Phase::Ended, _) => State::Parked,
            (_, Some(trip)) if !trip.claims => State::Report,
            _ if !self.dry => State::Claim,
            _ if self.jobs.values().filter_map(|j| j.view.as_ref()).any(|v| self.is_elsewhere(v)) => {
                State::Starved
            }
            _ => State::Idle,
        }
    }

    /// Whether a job has tasks that are not in the hands of this node's workers: others hold them, they are due
    /// later, or they wait for other tasks.
    fn is_elsewhere(&self, view: &JobView) -> bool {
        let here =
            self.held.iter().filter(|((job, _), _)| *job == view.job).map(|(_, lent)| lent.unconfirmed());
        view.blocked > 0 || view.unfinished > here.sum()
    }

    /// Whether tasks that are not here by now will not come here: the store has none for this node, now or due
    /// later, and knows all that happened here.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet && !self.has_unsent() && self.held.values().all(|lent| lent.shelf.is_empty())
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
        self.start_shelved(now >= self.again_at, out);
        if self.trip.is_some() || self.phase == Phase::Ended || now < self.again_at {
            return;
        }
        if self.phase == Phase::Stopping && self.held.is_empty() {
            return self.end(End::Stopped, out);
        }
        let claim = self.wants_claim(now).then(|| self.claim(now));
        if claim.is_some() || self.wants_report(now) || now >= self.ask_at {
            self.send(now, claim, out);
        }
    }

    fn send(&mut self, now: u64, claim: Option<Claim>, out: &mut Vec<Action>) {
        self.trips += 1;
        self.trip = Some(Trip {
            id: self.trips,
            sent_ns: now,
            claims: claim.is_some(),
            open: self.open_leases(),
            asks_all: claim.as_ref().is_some_and(|claim| self.asks_all(claim)),
            takes: claim.as_ref().is_some_and(|claim| !claim.backups.is_empty()),
        });
        if claim.is_some() {
            (self.claimed_at, self.grew) = (now, false);
        }
        (self.report_at, self.urgent) = (u64::MAX, false);
        (self.sent_at, self.ask_at, self.quiet) = (now, u64::MAX, false);
        self.tell_tuned(claim.as_ref(), out);
        let held = self.held.keys().chain(&self.strays).copied().collect();
        let reports = self.held.values_mut().filter_map(Lent::send).collect();
        let exchange = Exchange { held, reports, claim };
        #[cfg(feature = "planted")]
        let exchange = self.planted_exchange(exchange);
        out.push(Action::Exchange(self.trips, exchange));
    }

    fn wants_report(&self, now: u64) -> bool {
        self.has_unsent() && (now >= self.report_at || self.urgent || self.is_alone() || self.frees_blocked())
    }

    /// Whether a worker is idle while what was not reported yet may be what other tasks wait for.
    fn frees_blocked(&self) -> bool {
        let blocks = |job| self.view(job).is_some_and(|view| view.blocked > 0);
        self.idle > 0 && self.held.iter().any(|(key, lent)| lent.has_unsent() && blocks(key.0))
    }

    fn end(&mut self, end: End, out: &mut Vec<Action>) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            out.push(Action::End(end));
        }
    }

    fn view(&self, job: JobId) -> Option<&JobView> {
        self.jobs.get(&job).and_then(|job| job.view.as_ref())
    }

    fn has_unsent(&self) -> bool {
        self.held.values().any(Lent::has_unsent)
    }

    /// Nothing that is held still runs or waits to run.
    fn is_alone(&self) -> bool {
        self.open_leases() == 0
    }

    fn holds_one_job(&self) -> bool {
        let mut jobs = self.held.keys().map(|(job, _)| job);
        jobs.next().is_none_or(|first| jobs.all(|job| job == first))
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
        let bytes_of =
            |(key, lent): (&Held, &Lent)| lent.open.len() * self.view(key.0).map_or(0, |v| v.record_bytes);
        self.held.iter().map(bytes_of).sum()
    }

    /// Reports are rarer where the store is slow, so that they too stay within `overhead_max`.
    fn report_every(&self) -> u64 {
        let (least, most) = (self.cfg.report_every_ns, self.cfg.report_every_max_ns);
        ((self.round_trip_ns() / self.cfg.overhead_max) as u64).clamp(least, most)
    }
}
