//! Long seeded walks through all operations, with what the port shows held against a small book of its own.
//!
//! The book knows only what a caller can know: which leases were granted and with what, what was reported under
//! which of them, what was canceled. From that follow the counts that the store has to show, that no task is
//! completed twice, leased twice at a time or leased after its end, and, when all goes well in the end, that no
//! task was lost on the way.

use super::Case;
use super::given::{self, HANDLER, NOW, any, block, info, spec};
use crate::{
    Array, Claim, Exchange, Failed, Graph, Held, Input, JobSpec, Lease, NewJob, Policy, Progress, Reply,
    Report, Store, Want,
};
use divvy_core::{Demand, Fence, Intervals, JobId, Millis, NodeId, Range, Rng, Seq};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const CASES: &[Case] = super::cases!["random":
    a_random_walk_keeps_every_invariant,
];

fn a_random_walk_keeps_every_invariant(store: &dyn Store) {
    for seed in 0..6 {
        walk(store, seed, 250);
    }
}

/// Runs random operations on a store, checking after each, then lets everything end well. The store may have a
/// history; jobs and sessions of before are ended first.
///
/// # Panics
/// At the first broken rule. The same seed and number of steps on an equal store take the same way.
pub fn walk(store: &dyn Store, seed: u64, steps: u32) {
    let mut walk = Walk::new(store, seed);
    for _ in 0..steps {
        walk.step();
        walk.check();
    }
    walk.drain();
}

/// A job as its callers know it.
#[derive(Debug, Default)]
struct Book {
    policy: Policy,
    array: bool,
    open: bool,
    tail: Seq,
    fence: Fence,
    done: Intervals,
    canceled: Intervals,
    dead: BTreeSet<Seq>,
    /// Failed attempts of the tasks that are not dead.
    attempts: BTreeMap<Seq, u32>,
    stale: u64,
    paused: bool,
    graph: Graph,
}

/// A node: its session, and the leases that it has heard of.
struct Peer {
    id: NodeId,
    held: BTreeSet<Held>,
    /// Of before, to report late under.
    old: Vec<Held>,
}

struct Walk<'a> {
    store: &'a dyn Store,
    rng: Rng,
    now: Millis,
    jobs: BTreeMap<JobId, Book>,
    leases: BTreeMap<Held, (NodeId, Lease)>,
    peers: Vec<Peer>,
    last_exchange: Option<(NodeId, Exchange)>,
    /// Jobs of which a task has died in this step.
    died: BTreeSet<JobId>,
}

impl<'a> Walk<'a> {
    fn new(store: &'a dyn Store, seed: u64) -> Walk<'a> {
        for (node, _) in store.nodes().unwrap() {
            store.leave(NOW, node).unwrap();
        }
        for job in store.jobs().unwrap() {
            store.cancel(NOW, job.id, None).unwrap();
            store.forget(job.id).unwrap();
        }
        let (jobs, leases, peers) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let (rng, died) = (Rng::new(seed), BTreeSet::new());
        Walk { store, rng, now: NOW, jobs, leases, peers, last_exchange: None, died }
    }

    fn step(&mut self) {
        self.now += self.rng.below(40);
        match self.rng.below(100) {
            0..=7 => self.submit(),
            8..=13 => self.append(),
            14..=19 => self.register(),
            20..=73 => self.exchange(),
            74..=77 => self.say_again(),
            78..=80 => self.leave(),
            81..=87 => self.expire(),
            88..=92 => self.cancel(),
            93..=96 => self.retry(),
            97 => self.forget(),
            98 => self.pause(),
            _ => self.look(),
        }
    }

    fn some_job(&mut self) -> Option<JobId> {
        let nth = self.rng.below(self.jobs.len() as u64) as usize;
        self.jobs.keys().nth(nth).copied()
    }

    /// A few ranges below `end`.
    fn some_tasks(&mut self, end: Seq) -> Intervals {
        let mut tasks = Intervals::new();
        for _ in 0..=self.rng.below(3) {
            let lo = self.rng.below(end + 1);
            tasks.insert(Range::new(lo, lo + self.rng.below(6)));
        }
        tasks
    }

    fn submit(&mut self) {
        if self.jobs.len() >= 5 {
            return;
        }
        let policy = Policy {
            max_attempts: 1 + self.rng.below(3) as u32,
            crash_limit: 1 + self.rng.below(4) as u32,
            max_fails: self.rng.chance(0.3).then(|| self.rng.below(6)),
            range_max: self.rng.below(4) * 3,
            exclusive: self.rng.chance(0.2),
            retention_ms: self.rng.below(2_000),
        };
        let (n, producer) = (self.rng.below(60), self.peers.last().map(|peer| peer.id));
        let input = match self.rng.below(4) {
            0 => Input::Array(n),
            1 => Input::Closed(self.some_blocks()),
            2 => self.some_graph(),
            _ => Input::Open(self.some_blocks(), producer),
        };
        let array = matches!(input, Input::Array(_)).then_some(Array { first: 1, step: 1 });
        let tail = match &input {
            Input::Array(n) => *n,
            Input::Closed(blocks) | Input::Open(blocks, _) | Input::Graph(blocks, _) => {
                blocks.iter().map(crate::Block::count).sum()
            }
        };
        let open = matches!(input, Input::Open(..));
        let graph = if let Input::Graph(_, graph) = &input { graph.clone() } else { Graph::default() };
        let new = NewJob { spec: JobSpec { array, ..spec(policy.clone()) }, input };
        let job = self.store.submit(self.now, &new).unwrap();
        let book = Book { policy, array: array.is_some(), open, tail, graph, ..Book::default() };
        assert!(self.jobs.insert(job, book).is_none(), "{job} was given out before");
    }

    fn some_blocks(&mut self) -> Vec<crate::Block> {
        (0..self.rng.below(4)).map(|_| block(1 + self.rng.below(12), self.rng.below(50) as usize)).collect()
    }

    /// Each task waits for some of those before it.
    fn some_graph(&mut self) -> Input {
        let blocks = self.some_blocks();
        let tasks = blocks.iter().map(crate::Block::count).sum::<u64>();
        let parents = (0..tasks)
            .map(|task| (0..self.rng.below(4).min(task)).map(|_| self.rng.below(task)).collect())
            .collect();
        Input::Graph(blocks, Graph::new(parents).unwrap())
    }

    fn append(&mut self) {
        let (Some(job), blocks) = (self.some_job(), self.some_blocks()) else { return };
        let close = self.rng.chance(0.3);
        let result = self.store.append(self.now, job, &blocks, close);
        let book = self.jobs.get_mut(&job).expect("it is known");
        if !book.open {
            return assert!(matches!(result, Err(crate::Error::Conflict { .. })), "{result:?}");
        }
        let hi = book.tail + blocks.iter().map(crate::Block::count).sum::<u64>();
        assert_eq!(result.unwrap(), Range::new(book.tail, hi));
        (book.tail, book.open) = (hi, !close);
    }

    fn register(&mut self) {
        if self.peers.len() < 4 {
            let id = self.store.register(self.now, &info(1 + self.rng.below(4) as u32)).unwrap();
            self.peers.push(Peer { id, held: BTreeSet::new(), old: Vec::new() });
        }
    }

    fn exchange(&mut self) {
        if self.peers.is_empty() {
            return self.register();
        }
        let at = self.rng.below(self.peers.len() as u64) as usize;
        let exchange = self.some_exchange(at);
        let node = self.peers[at].id;
        let reply = self.perform(node, &exchange);
        self.last_exchange = Some((node, exchange));
        if self.rng.chance(0.15) {
            return; // The reply is lost: the node has heard nothing.
        }
        let peer = &mut self.peers[at];
        for lost in reply.lost {
            peer.held.remove(&lost);
            peer.old.push(lost);
        }
        peer.held.extend(reply.leases.iter().map(given::name));
    }

    fn some_exchange(&mut self, at: usize) -> Exchange {
        let held: Vec<Held> = self.peers[at].held.iter().copied().collect();
        let mut reports = Vec::new();
        for name in held.iter().chain(&self.peers[at].old.clone()) {
            if self.rng.chance(0.5) {
                reports.push(self.some_report(*name));
            }
        }
        // Now and then about a lease that somebody else may have.
        if let Some(name) = self.leases.keys().next().copied().filter(|_| self.rng.chance(0.1)) {
            reports.push(self.some_report(name));
        }
        let claim = self.rng.chance(0.7).then(|| self.some_claim());
        Exchange { held, reports, claim }
    }

    fn some_report(&mut self, (job, fence): Held) -> Report {
        let tail = self.jobs.get(&job).map_or(10, |book| book.tail);
        let open = self.leases.get(&(job, fence)).map(|(_, lease)| lease.open.clone()).unwrap_or_default();
        let mut report = Report { job, fence, ..Report::default() };
        match self.rng.below(5) {
            0 => report.done = open.clone(),
            1 => report.back = open.clone(),
            _ => {
                (report.done, report.back) = (self.some_tasks(tail), self.some_tasks(tail));
                report.done.insert_all(&self.some_tasks(tail).intersect(&open));
            }
        }
        if self.rng.chance(0.4) {
            let seqs = open.iter().step_by(3).take(3).chain([self.rng.below(tail + 1)]).collect::<Vec<_>>();
            for seq in seqs {
                let retry_ms = self.rng.below(3) * 50;
                report.failed.push(Failed { seq, error: "no luck".into(), retry_ms, outgrown: false });
            }
        }
        report
    }

    fn some_claim(&mut self) -> Claim {
        let job = self.some_job();
        let mut wants = Vec::new();
        for job in self.jobs.keys() {
            if self.rng.chance(0.3) {
                wants.push(Want { job: *job, class: 0, tasks: self.rng.below(20) });
            }
        }
        Claim {
            only: job.filter(|_| self.rng.chance(0.3)),
            handlers: vec!["none".into(), HANDLER.into()],
            capacity: Demand::new(),
            wants,
            want_new: self.rng.below(30),
            bytes_max: if self.rng.chance(0.3) { self.rng.below(600) } else { u64::MAX },
            leases_max: self.rng.below(6) as usize,
            isolated_max: self.rng.below(4) as usize,
        }
    }

    /// The exchange, and the book's idea of it: what is reported, then what is granted.
    fn perform(&mut self, node: NodeId, exchange: &Exchange) -> Reply {
        exchange.reports.iter().for_each(|report| self.book_report(node, report));
        self.give_up();
        let reply = self.store.exchange(self.now, node, exchange).unwrap();
        let listed: BTreeSet<Held> = exchange.held.iter().copied().collect();
        let mine = |held: &Held| self.leases.get(held).is_some_and(|(owner, _)| *owner == node);
        let lost: Vec<Held> = exchange.held.iter().copied().filter(|held| !mine(held)).collect();
        assert_eq!(reply.lost, lost);
        for (held, open) in &reply.open {
            assert!(listed.contains(held), "{held:?} is not listed");
            assert_eq!(open, &self.leases[held].1.open, "what is open of {held:?}");
        }
        let unheard: Vec<&Lease> = self
            .leases
            .values()
            .filter(|(o, l)| *o == node && !listed.contains(&given::name(l)))
            .map(|(_, l)| l)
            .collect();
        let known = |lease: &&Lease| self.leases.contains_key(&given::name(lease));
        let again: Vec<&Lease> = reply.leases.iter().filter(known).collect();
        assert_eq!(again, unheard, "granted again is what the node has not heard of");
        let fresh: Vec<Lease> = reply.leases.iter().filter(|lease| !known(lease)).cloned().collect();
        assert!(unheard.is_empty() || fresh.is_empty(), "{fresh:?} beside {unheard:?}");
        self.book_grants(node, exchange.claim.as_ref(), fresh);
        reply
    }

    fn book_report(&mut self, node: NodeId, report: &Report) {
        let Some(book) = self.jobs.get_mut(&report.job) else { return };
        let name = (report.job, report.fence);
        let Some((_, lease)) = self.leases.get_mut(&name).filter(|(owner, _)| *owner == node) else {
            book.stale += report.done.len();
            return;
        };
        let done = lease.open.intersect(&report.done);
        assert_eq!(book.done.intersect(&done), Intervals::new(), "completed twice");
        book.done.insert_all(&done);
        lease.open.remove_all(&done);
        for Failed { seq, .. } in &report.failed {
            if lease.open.contains(*seq) {
                lease.open.remove(Range::new(*seq, seq + 1));
                let attempts = book.attempts.entry(*seq).or_default();
                *attempts += 1;
                assert_eq!(*attempts, lease.attempts + 1, "of task {seq}");
                if *attempts == book.policy.max_attempts {
                    book.dead.insert(*seq);
                    self.died.insert(report.job);
                }
            }
        }
        lease.open.remove_all(&report.back);
        self.leases.retain(|_, (_, lease)| !lease.open.is_empty());
    }

    fn book_grants(&mut self, node: NodeId, claim: Option<&Claim>, fresh: Vec<Lease>) {
        let Some(first) = fresh.first() else { return };
        let claim = claim.expect("nothing new without a claim");
        let book = &self.jobs[&first.job];
        let wanted =
            claim.wants.iter().find(|want| want.job == first.job).map_or(claim.want_new, |want| want.tasks);
        assert!(!book.paused, "it is paused");
        assert!(claim.only.is_none_or(|only| only == first.job));
        assert!(fresh.len() <= claim.leases_max && fresh.iter().all(|lease| lease.job == first.job));
        assert!(fresh.iter().map(|lease| lease.open.len()).sum::<u64>() <= wanted);
        let others = || self.leases.values().filter(|(owner, _)| *owner != node).map(|(_, lease)| lease.job);
        assert!(!book.policy.exclusive || others().all(|job| job != first.job), "it is exclusive");
        let had = self.leases.values().filter(|(owner, _)| *owner == node).count();
        let alone = |lease: &Lease| !lease.quarantined || had + fresh.len() == 1;
        let mine = self.leases.values().filter(|(owner, _)| *owner == node).map(|(_, lease)| lease);
        assert!(fresh.iter().all(alone) && mine.into_iter().all(|lease| !lease.quarantined), "{fresh:?}");
        for lease in fresh {
            self.book_grant(node, lease);
        }
    }

    fn book_grant(&mut self, node: NodeId, lease: Lease) {
        let book = self.jobs.get_mut(&lease.job).expect("a lease of a known job");
        assert!(lease.fence > book.fence, "{lease:?}: the fence before was {}", book.fence);
        book.fence = lease.fence;
        let hull = lease.open.hull().expect("never empty");
        assert!(hull.hi <= book.tail, "{lease:?} beyond {}", book.tail);
        let max = book.policy.range_max;
        assert!(max == 0 || lease.open.len() <= max);
        let mut ended = book.done.clone();
        ended.insert_all(&book.canceled);
        assert_eq!(book.blocked().intersect(&lease.open), Intervals::new(), "leased before a parent is done");
        book.dead.iter().for_each(|seq| ended.insert(Range::new(*seq, seq + 1)));
        assert_eq!(ended.intersect(&lease.open), Intervals::new(), "leased after its end");
        for (held, (_, other)) in self.leases.iter().filter(|(held, _)| held.0 == lease.job) {
            assert_eq!(other.open.intersect(&lease.open), Intervals::new(), "leased twice, see {held:?}");
        }
        let charged = lease.open.iter().filter_map(|seq| book.attempts.get(&seq).copied()).max().unwrap_or(0);
        assert_eq!(lease.attempts, charged, "{lease:?}");
        assert!(lease.open.len() == 1 || (lease.attempts, lease.crashes) == (0, 0));
        assert!(lease.crashes < book.policy.crash_limit);
        self.leases.insert(given::name(&lease), (node, lease));
    }

    /// The last exchange once more, as it was, as if its reply had been lost.
    fn say_again(&mut self) {
        let Some((node, exchange)) = self.last_exchange.take() else { return };
        if self.peers.iter().any(|peer| peer.id == node) {
            self.perform(node, &exchange);
        }
    }

    fn leave(&mut self) {
        if let Some(peer) = self.peers.pop() {
            self.store.leave(self.now, peer.id).unwrap();
            self.leases.retain(|_, (owner, _)| *owner != peer.id);
        }
    }

    fn expire(&mut self) {
        if self.peers.is_empty() {
            return;
        }
        let peer = self.peers.swap_remove(self.rng.below(self.peers.len() as u64) as usize);
        let (lost, kept) =
            std::mem::take(&mut self.leases).into_iter().partition(|(_, (o, _))| *o == peer.id);
        self.leases = kept;
        let lost: BTreeMap<Held, (NodeId, Lease)> = lost;
        let expired = self.store.expire(self.now, peer.id).unwrap();
        assert_eq!(expired.leases, lost.len() as u64);
        let open: u64 = lost.values().map(|(_, lease)| lease.open.len()).sum();
        assert_eq!(expired.waiting + expired.dead, open);
        let mut died = 0;
        for (_, lease) in lost.values() {
            let book = self.jobs.get_mut(&lease.job).expect("it had a lease");
            let charged = lease.crashes + 1;
            let limit = book.policy.crash_limit;
            if lease.open.len() == 1 && charged == limit && (lease.quarantined || limit == 1) {
                book.dead.extend(lease.open.first());
                self.died.insert(lease.job);
                died += 1;
            }
        }
        assert_eq!(expired.dead, died);
        self.give_up();
    }

    fn cancel(&mut self) {
        let Some(job) = self.some_job() else { return };
        let tail = self.jobs[&job].tail;
        let whole = self.rng.chance(0.1);
        let chosen = if whole { Intervals::from(Range::new(0, tail)) } else { self.some_tasks(tail) };
        let n = self.store.cancel(self.now, job, (!whole).then_some(&chosen)).unwrap();
        let taken = if self.jobs[&job].finished() { Intervals::new() } else { self.take_out(job, &chosen) };
        assert_eq!(n, taken.len(), "what has not ended");
        self.jobs.get_mut(&job).expect("it is known").open &= !whole;
    }

    /// Cancels what has not ended of these tasks, in the book.
    fn take_out(&mut self, job: JobId, tasks: &Intervals) -> Intervals {
        let book = self.jobs.get_mut(&job).expect("it is known");
        let mut taken = tasks.intersect(&Range::new(0, book.tail).into());
        taken.remove_all(&book.done);
        taken.remove_all(&book.canceled);
        book.dead.iter().for_each(|seq| taken.remove(Range::new(*seq, seq + 1)));
        book.canceled.insert_all(&taken);
        self.leases
            .iter_mut()
            .filter(|(held, _)| held.0 == job)
            .for_each(|(_, (_, l))| l.open.remove_all(&taken));
        self.leases.retain(|_, (_, lease)| !lease.open.is_empty());
        taken
    }

    /// Cancels the jobs of which too many tasks are dead, in the book.
    fn give_up(&mut self) {
        for job in std::mem::take(&mut self.died) {
            let book = self.jobs.get_mut(&job).expect("a task of it died");
            if book.policy.max_fails.is_some_and(|max| book.dead.len() as u64 > max) {
                book.open = false;
                let all = Range::new(0, book.tail).into();
                self.take_out(job, &all);
            }
        }
    }

    fn pause(&mut self) {
        let Some(job) = self.some_job() else { return };
        let paused = self.rng.chance(0.5);
        self.store.pause(self.now, job, paused).unwrap();
        let book = self.jobs.get_mut(&job).expect("it is known");
        if !book.finished() {
            book.paused = paused;
        }
    }

    fn retry(&mut self) {
        let Some(job) = self.some_job() else { return };
        let chosen = self.some_tasks(self.jobs[&job].tail);
        let chosen = self.rng.chance(0.5).then_some(&chosen);
        let n = self.store.retry(self.now, job, chosen).unwrap();
        let book = self.jobs.get_mut(&job).expect("it is known");
        let taken: Vec<Seq> =
            book.dead.iter().copied().filter(|seq| chosen.is_none_or(|set| set.contains(*seq))).collect();
        assert_eq!(n, taken.len() as u64);
        for seq in taken {
            book.dead.remove(&seq);
            book.attempts.remove(&seq);
        }
    }

    fn forget(&mut self) {
        for job in self.store.sweep(self.now).unwrap() {
            let book = self.jobs.remove(&job).expect("it is known");
            assert_eq!(book.done.len(), book.tail, "only successes are swept");
        }
        let Some(job) = self.some_job() else { return };
        let finished = self.jobs[&job].finished();
        assert_eq!(self.store.forget(job).is_ok(), finished);
        if finished {
            self.jobs.remove(&job);
        }
    }

    /// Reads that change nothing.
    fn look(&mut self) {
        given::sound(self.store);
        let Some(job) = self.some_job() else { return };
        let book = &self.jobs[&job];
        let dead: Vec<Seq> = self.store.dead(job, 0, usize::MAX).unwrap().iter().map(|d| d.seq).collect();
        assert_eq!(dead, book.dead.iter().copied().collect::<Vec<_>>());
        let seq = self.rng.below(book.tail + 2);
        let state = self.store.task(job, seq).unwrap().map(|task| task.state);
        let lent = self.leases.iter().find(|(held, (_, l))| held.0 == job && l.open.contains(seq));
        let lent =
            lent.map(|((_, fence), (node, _))| crate::TaskState::Running { node: *node, fence: *fence });
        assert_eq!(state.is_none(), seq >= book.tail);
        assert_eq!(state == Some(crate::TaskState::Done), book.done.contains(seq));
        assert_eq!(state == Some(crate::TaskState::Canceled), book.canceled.contains(seq));
        assert_eq!(state == Some(crate::TaskState::Dead), book.dead.contains(&seq));
        let blocked = matches!(state, Some(crate::TaskState::Blocked { .. }));
        assert_eq!(blocked, book.blocked().contains(seq));
        assert_eq!(state.filter(|s| matches!(s, crate::TaskState::Running { .. })), lent);
        if !book.array && book.tail > 0 {
            let lo = self.rng.below(book.tail);
            let records = self.store.read(job, Range::new(lo, book.tail)).unwrap();
            assert!(records.get(book.tail - 1).iter().all(|byte| *byte == b'x'));
        }
    }

    /// What the store shows of every job, against the book.
    fn check(&self) {
        let shown = self.store.jobs().unwrap();
        let ids: Vec<JobId> = shown.iter().map(|job| job.id).collect();
        assert_eq!(ids, self.jobs.keys().copied().collect::<Vec<_>>());
        for job in shown {
            let (book, c) = (&self.jobs[&job.id], job.counts);
            let running =
                self.leases.values().filter(|(_, l)| l.job == job.id).map(|(_, l)| l.open.len()).sum();
            let ended = (book.done.len(), book.dead.len() as u64, book.canceled.len());
            assert_eq!((c.done, c.dead, c.canceled), ended, "job {}: {c:?}", job.id);
            assert_eq!((c.running, job.stale, job.tail), (running, book.stale, book.tail), "job {}", job.id);
            assert_eq!(c.ready + c.retrying, book.unfinished() - running, "counts conserve: {c:?}");
            assert_eq!((c.blocked, job.paused), (book.blocked().len(), book.paused), "job {}", job.id);
            let finished = matches!(job.progress, Progress::Finished(_));
            assert_eq!(finished, book.finished(), "{job:?}");
            assert_eq!(job.progress == Progress::Open, book.open);
        }
    }

    /// Faults stop: every job is closed and goes on, one new node does what is left, and everything ends.
    fn drain(mut self) {
        while !self.peers.is_empty() {
            if self.rng.chance(0.5) { self.expire() } else { self.leave() }
        }
        for (job, book) in &mut self.jobs {
            if std::mem::take(&mut book.open) {
                self.store.append(self.now, *job, &[], true).unwrap();
            }
            if !book.finished() && std::mem::take(&mut book.paused) {
                self.store.pause(self.now, *job, false).unwrap();
            }
        }
        self.check();
        let rounds_max = 20 + self.jobs.values().map(Book::unfinished).sum::<u64>();
        self.register();
        let node = self.peers[0].id;
        for _ in 0..rounds_max {
            if self.jobs.values().all(|book| book.unfinished() == 0) {
                break;
            }
            self.now += 100;
            let held: Vec<Held> = self.leases.keys().copied().collect();
            let done = |(name, (_, lease)): (&Held, &(NodeId, Lease))| Report {
                job: name.0,
                fence: name.1,
                done: lease.open.clone(),
                ..Report::default()
            };
            let reports = self.leases.iter().map(done).collect();
            self.perform(node, &Exchange { held, reports, claim: Some(any(1_000)) });
            self.check();
        }
        for (job, book) in &self.jobs {
            assert_eq!(book.unfinished(), 0, "job {job} is stuck: {:?}", self.store.job(*job).unwrap());
        }
        self.store.leave(self.now, node).unwrap();
        given::sound(self.store);
    }
}

impl Book {
    /// Tasks with a parent that is not done.
    fn blocked(&self) -> Intervals {
        let waits = |task: &Seq| self.graph.parents(*task).iter().any(|parent| !self.done.contains(*parent));
        let waiting = (0..self.graph.len()).filter(|task| waits(task) && !self.canceled.contains(*task));
        waiting.map(|task| Range::new(task, task + 1)).collect()
    }

    /// Without the blocked.
    fn unfinished(&self) -> u64 {
        let ended = self.done.len() + self.canceled.len() + self.dead.len() as u64;
        self.tail - ended - self.blocked().len()
    }

    fn finished(&self) -> bool {
        !self.open && self.unfinished() == 0
    }
}
