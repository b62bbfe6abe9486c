//! Long seeded walks through all operations, with what the port shows held against a small book of its own.
//!
//! The book knows only what a caller can know: which leases were granted and with what, what was reported under
//! which of them, what was canceled. From that follow the counts that the store has to show, that no task is
//! completed twice, leased twice at a time or leased after its end, and, when all goes well in the end, that no
//! task was lost on the way.

use super::Case;
use super::given::{self, HANDLER, NOW, any, block, info, spec};
use crate::{
    Array, BLOCKERS_SHOWN, Backup, Claim, Class, Error, Exchange, Failed, Graph, Held, Input, JobSpec,
    JobView, Lease, Needs, NewJob, Policy, Progress, Reply, Report, Store, TaskState, Want,
};
use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Range, Rng, Seq};
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
    needs: Needs,
    /// The classes of the tasks that have outgrown the one in which they began.
    grown: BTreeMap<Seq, u32>,
    after: Vec<JobId>,
    /// What each task waits for, in a job with a graph.
    parents: Vec<Vec<Seq>>,
    paused: bool,
    canceled_whole: bool,
    /// A task died since the last time that somebody looked whether too many have.
    has_died: bool,
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
}

impl<'a> Walk<'a> {
    fn new(store: &'a dyn Store, seed: u64) -> Walk<'a> {
        for (node, _) in store.nodes().unwrap() {
            store.leave(NOW, node).unwrap();
        }
        let jobs = store.jobs().unwrap();
        for job in &jobs {
            store.cancel(NOW, job.id, None).unwrap();
        }
        jobs.iter().for_each(|job| store.forget(job.id).unwrap());
        let (jobs, leases, peers) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Walk { store, rng: Rng::new(seed), now: NOW, jobs, leases, peers, last_exchange: None }
    }

    fn step(&mut self) {
        self.now += self.rng.below(40);
        match self.rng.below(100) {
            0..=7 => self.submit(),
            8..=13 => self.append(),
            14..=19 => self.register(),
            20..=70 => self.exchange(),
            71..=73 => self.pause(),
            74..=77 => self.say_again(),
            78..=80 => self.leave(),
            81..=87 => self.expire(),
            88..=92 => self.cancel(),
            93..=96 => self.retry(),
            97 => self.forget(),
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
        if self.jobs.len() >= 7 {
            return;
        }
        let policy = Policy {
            max_attempts: 1 + self.rng.below(3) as u32,
            crash_limit: 1 + self.rng.below(4) as u32,
            max_fails: self.rng.chance(0.2).then(|| self.rng.below(4)),
            range_max: self.rng.below(4) * 3,
            exclusive: self.rng.chance(0.2),
            backups: self.rng.chance(0.5),
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
        let parents = match &input {
            Input::Graph(_, graph) => (0..tail).map(|seq| graph.parents(seq).to_vec()).collect(),
            _ => Vec::new(),
        };
        let (needs, after) = (self.some_needs(tail), self.some_after());
        let paused = self.rng.chance(0.1);
        let spec = JobSpec { array, needs: needs.clone(), after: after.clone(), ..spec(policy.clone()) };
        let result = self.store.submit(self.now, &NewJob { spec, input, paused });
        if after.iter().any(|before| !self.jobs.contains_key(before)) {
            return assert!(matches!(result, Err(Error::NoJob(_))), "{result:?}");
        }
        let (job, array) = (result.unwrap(), array.is_some());
        let book = Book { policy, array, open, tail, needs, after, parents, ..Book::default() };
        let book = Book { paused: paused && !book.is_finished(), ..book };
        assert!(self.jobs.insert(job, book).is_none(), "{job} was given out before");
    }

    /// Tasks of which most wait for a few that come before them, or for a few that come after them.
    fn some_graph(&mut self) -> Input {
        let blocks = self.some_blocks();
        let n: u64 = blocks.iter().map(crate::Block::count).sum();
        let (back, wide) = (self.rng.chance(0.3), self.rng.chance(0.1));
        let place = |seq: Seq| if back { n - 1 - seq } else { seq };
        let mut parents = vec![Vec::new(); n as usize];
        for seq in 1..n {
            let most = if wide { seq } else { 3 };
            let list = (0..self.rng.below(most + 1)).map(|_| place(self.rng.below(seq))).collect();
            parents[place(seq) as usize] = list;
        }
        Input::Graph(blocks, Graph::new(parents).expect("each waits for earlier ones"))
    }

    fn some_needs(&mut self, tail: Seq) -> Needs {
        let n = if self.rng.chance(0.5) { 0 } else { 1 + self.rng.below(3) as u32 };
        let class = |class| Class {
            demand: given::cpus(1 + self.rng.below(3)),
            more: (class + 1 < n && self.rng.chance(0.7)).then_some(class + 1),
        };
        let classes = (0..n).map(class).collect();
        let mut starts = BTreeMap::new();
        if n > 0 && self.rng.chance(0.7) {
            for at in 0..self.rng.below(5) {
                let from = if at == 0 { 0 } else { self.rng.below(tail + 1) };
                starts.insert(from, self.rng.below(n.into()) as u32);
            }
        }
        Needs { classes, starts: starts.into_iter().collect() }
    }

    /// One or two jobs of which, now and then, one is not there.
    fn some_after(&mut self) -> Vec<JobId> {
        let mut after = Vec::new();
        for _ in 0..2 {
            after.extend(self.some_job().filter(|_| self.rng.chance(0.2)));
        }
        after.extend(self.rng.chance(0.03).then_some(JobId(1 << 40)));
        after
    }

    fn pause(&mut self) {
        let (Some(job), paused) = (self.some_job(), self.rng.chance(0.5)) else { return };
        self.store.pause(self.now, job, paused).unwrap();
        let book = self.jobs.get_mut(&job).expect("it is known");
        if !book.is_finished() {
            book.paused = paused;
        }
    }

    fn some_blocks(&mut self) -> Vec<crate::Block> {
        (0..self.rng.below(4)).map(|_| block(1 + self.rng.below(12), self.rng.below(50) as usize)).collect()
    }

    fn append(&mut self) {
        let (Some(job), blocks) = (self.some_job(), self.some_blocks()) else { return };
        let close = self.rng.chance(0.3);
        let result = self.store.append(self.now, job, &blocks, close);
        let book = self.jobs.get_mut(&job).expect("it is known");
        if !book.open {
            return assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
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
                let (retry_ms, outgrown) = (self.rng.below(3) * 50, self.rng.chance(0.3));
                report.failed.push(Failed { seq, error: "no luck".into(), retry_ms, outgrown });
            }
        }
        report
    }

    fn some_claim(&mut self) -> Claim {
        let job = self.some_job();
        let mut wants = Vec::new();
        for job in self.jobs.keys() {
            let down = self.rng.chance(0.5);
            for nth in (0..3).filter(|_| self.rng.chance(0.2)).collect::<Vec<_>>() {
                let class = if down { 2 - nth } else { nth };
                wants.push(Want { job: *job, class, tasks: self.rng.below(20) });
            }
        }
        let tasks = self.rng.below(20);
        let mut backups: Vec<Backup> = self.jobs.keys().map(|job| Backup { job: *job, tasks }).collect();
        backups.retain(|_| self.rng.chance(0.5));
        Claim {
            only: job.filter(|_| self.rng.chance(0.3)),
            handlers: vec!["none".into(), HANDLER.into()],
            capacity: given::cpus(self.rng.below(5)),
            wants,
            want_new: self.rng.below(30),
            bytes_max: if self.rng.chance(0.3) { self.rng.below(600) } else { u64::MAX },
            leases_max: self.rng.below(6) as usize,
            isolated_max: self.rng.below(4) as usize,
            below: self.rng.chance(0.1).then(|| self.rng.below(40)),
            backups,
        }
    }

    /// The exchange, and the book's idea of it: what is reported, then what is granted.
    fn perform(&mut self, node: NodeId, exchange: &Exchange) -> Reply {
        exchange.reports.iter().for_each(|report| self.book_report(node, report));
        self.book_too_many_dead();
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
        reply.jobs.iter().for_each(|view| self.check_view(view));
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
        for Failed { seq, outgrown, .. } in &report.failed {
            if lease.open.contains(*seq) {
                lease.open.remove(Range::new(*seq, seq + 1));
                if let Some(more) = book.needs.more(lease.class).filter(|_| *outgrown) {
                    book.grown.insert(*seq, more);
                    continue;
                }
                let attempts = book.attempts.entry(*seq).or_default();
                *attempts += 1;
                assert_eq!(*attempts, lease.attempts + 1, "of task {seq}");
                if *attempts == book.policy.max_attempts {
                    book.dead.insert(*seq);
                    book.has_died = true;
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
        let mut named = claim.wants.iter().filter(|want| want.job == first.job).peekable();
        let wanted = match named.peek() {
            None => claim.want_new,
            Some(_) => named.find(|want| want.class == first.class).map_or(0, |want| want.tasks),
        };
        let taken = claim.backups.iter().filter(|backup| backup.job == first.job).map(|backup| backup.tasks);
        let wanted = if first.taken > 0 { taken.max().unwrap_or(0) } else { wanted };
        assert!(first.taken == 0 || fresh.len() == 1, "a backup comes alone: {fresh:?}");
        assert!(claim.only.is_none_or(|only| self.with_those_before(only).contains(&first.job)));
        assert!(!book.paused && self.waits_for(book).is_empty(), "{first:?} of a job that rests");
        assert!(first.demand.fits(&claim.capacity) && first.demand == book.needs.demand(first.class));
        assert!(fresh.iter().all(|l| l.class == first.class && l.demand == first.demand), "{fresh:?}");
        assert!(fresh.len() <= claim.leases_max && fresh.iter().all(|lease| lease.job == first.job));
        assert!(fresh.iter().map(|lease| lease.open.len()).sum::<u64>() <= wanted);
        let is_below = |lease: &Lease| claim.below.is_none_or(|below| lease.open.first() < Some(below));
        assert!(fresh.iter().all(is_below), "{fresh:?} is not all below {:?}", claim.below);
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

    /// The upper half, at most, of what another node holds is taken from it.
    fn book_backup(&mut self, node: NodeId, lease: &Lease) {
        let book = &self.jobs[&lease.job];
        assert!(book.policy.backups && !book.policy.exclusive && book.needs.classes.is_empty(), "{lease:?}");
        let of_job = self.leases.iter_mut().filter(|(held, _)| held.0 == lease.job);
        let mut holders = of_job.filter(|(_, (_, theirs))| theirs.open.covers(&lease.open));
        let (_, (holder, theirs)) = holders.next().expect("it is taken from somebody");
        assert_ne!(*holder, node, "from itself: {lease:?}");
        assert!(lease.open.len() <= theirs.open.len().div_ceil(2), "{lease:?} of {theirs:?}");
        theirs.open.remove_all(&lease.open);
        assert!(theirs.open.hull().is_none_or(|rest| Some(rest.hi) <= lease.open.first()), "{lease:?}");
        self.leases.retain(|_, (_, lease)| !lease.open.is_empty());
    }

    fn book_grant(&mut self, node: NodeId, lease: Lease) {
        if lease.taken > 0 {
            self.book_backup(node, &lease);
        }
        let book = self.jobs.get_mut(&lease.job).expect("a lease of a known job");
        assert!(lease.fence > book.fence, "{lease:?}: the fence before was {}", book.fence);
        book.fence = lease.fence;
        let hull = lease.open.hull().expect("never empty");
        assert!(hull.hi <= book.tail, "{lease:?} beyond {}", book.tail);
        let max = book.policy.range_max;
        assert!(max == 0 || lease.open.len() <= max);
        let mut ended = book.done.clone();
        ended.insert_all(&book.canceled);
        book.dead.iter().for_each(|seq| ended.insert(Range::new(*seq, seq + 1)));
        assert_eq!(ended.intersect(&lease.open), Intervals::new(), "leased after its end");
        for (held, (_, other)) in self.leases.iter().filter(|(held, _)| held.0 == lease.job) {
            assert_eq!(other.open.intersect(&lease.open), Intervals::new(), "leased twice, see {held:?}");
        }
        for seq in lease.open.iter() {
            assert_eq!(book.class_of(seq), lease.class, "of {seq} in {lease:?}");
            assert_eq!(book.blockers(seq), Vec::<Seq>::new(), "{seq} is leased before its parents are done");
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
                book.has_died = true;
                died += 1;
            }
        }
        assert_eq!(expired.dead, died);
        self.book_too_many_dead();
    }

    /// Jobs of which more tasks are dead than may be are canceled, if one died.
    fn book_too_many_dead(&mut self) {
        for (job, book) in &mut self.jobs {
            let too_many = book.policy.max_fails.is_some_and(|max| book.dead.len() as u64 > max);
            if !std::mem::take(&mut book.has_died) || !too_many || book.is_finished() {
                continue;
            }
            let rest = book.take_out(&Range::new(0, book.tail).into());
            (book.open, book.canceled_whole) = (false, true);
            Self::take_from(&mut self.leases, *job, &rest);
        }
    }

    fn take_from(leases: &mut BTreeMap<Held, (NodeId, Lease)>, job: JobId, tasks: &Intervals) {
        let of_job = leases.iter_mut().filter(|(held, _)| held.0 == job);
        of_job.for_each(|(_, (_, lease))| lease.open.remove_all(tasks));
        leases.retain(|_, (_, lease)| !lease.open.is_empty());
    }

    fn cancel(&mut self) {
        let Some(job) = self.some_job() else { return };
        let tail = self.jobs[&job].tail;
        let whole = self.rng.chance(0.1);
        let chosen = if whole { Intervals::from(Range::new(0, tail)) } else { self.some_tasks(tail) };
        let n = self.store.cancel(self.now, job, (!whole).then_some(&chosen)).unwrap();
        let book = self.jobs.get_mut(&job).expect("it is known");
        if book.is_finished() {
            return assert_eq!(n, 0, "a finished job stays as it is");
        }
        let taken = book.take_out(&chosen);
        assert_eq!(n, taken.len(), "what has not ended");
        book.open &= !whole;
        book.canceled_whole |= whole;
        Self::take_from(&mut self.leases, job, &taken);
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
            book.grown.remove(&seq);
        }
    }

    fn forget(&mut self) {
        for job in self.store.sweep(self.now).unwrap() {
            let book = self.jobs.remove(&job).expect("it is known");
            assert_eq!(book.done.len(), book.tail, "only successes are swept");
        }
        let Some(job) = self.some_job() else { return };
        let waits = |book: &Book| !book.is_finished() && book.after.contains(&job);
        let (finished, succeeded) = (self.jobs[&job].is_finished(), self.jobs[&job].succeeded());
        let may = finished && (succeeded || !self.jobs.values().any(waits));
        assert_eq!(self.store.forget(job).is_ok(), may);
        if may {
            self.jobs.remove(&job);
        }
    }

    /// Of the jobs that come before this one, those that have not succeeded.
    fn waits_for(&self, book: &Book) -> Vec<JobId> {
        let waits = |job: &&JobId| self.jobs.get(job).is_some_and(|before| !before.succeeded());
        book.after.iter().filter(waits).copied().collect()
    }

    fn is_stuck(&self, book: &Book) -> bool {
        let hopeless = |job: &JobId| self.jobs[job].is_finished() || self.is_stuck(&self.jobs[job]);
        !book.is_finished() && self.waits_for(book).iter().any(hopeless)
    }

    fn with_those_before(&self, job: JobId) -> BTreeSet<JobId> {
        let before = self.jobs.get(&job).into_iter().flat_map(|book| &book.after);
        before.flat_map(|before| self.with_those_before(*before)).chain([job]).collect()
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
        let blocked = book.blocked().contains(seq).then(|| TaskState::Blocked { by: book.blockers(seq) });
        assert_eq!(state.clone().filter(|s| matches!(s, TaskState::Blocked { .. })), blocked);
        let lent = self.leases.iter().find(|(held, (_, l))| held.0 == job && l.open.contains(seq));
        let lent = lent.map(|((_, fence), (node, _))| TaskState::Running { node: *node, fence: *fence });
        assert_eq!(state.is_none(), seq >= book.tail);
        assert_eq!(state == Some(TaskState::Done), book.done.contains(seq));
        assert_eq!(state == Some(TaskState::Canceled), book.canceled.contains(seq));
        assert_eq!(state == Some(TaskState::Dead), book.dead.contains(&seq));
        assert_eq!(state.filter(|s| matches!(s, TaskState::Running { .. })), lent);
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
        let mut held: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        for (node, lease) in self.leases.values() {
            let (leases, tasks) = held.entry((*node, lease.job)).or_default();
            (*leases, *tasks) = (*leases + 1, *tasks + lease.open.len());
        }
        let holdings = self.store.holdings().unwrap();
        let shown_held = holdings.iter().map(|h| ((h.node, h.job), (h.leases, h.tasks)));
        assert!(shown_held.eq(held), "{holdings:?}");
        for job in shown {
            let (book, c) = (&self.jobs[&job.id], job.counts);
            let running =
                self.leases.values().filter(|(_, l)| l.job == job.id).map(|(_, l)| l.open.len()).sum();
            let ended = (book.done.len(), book.dead.len() as u64, book.canceled.len());
            assert_eq!((c.done, c.dead, c.canceled), ended, "job {}: {c:?}", job.id);
            assert_eq!((c.running, job.stale, job.tail), (running, book.stale, book.tail), "job {}", job.id);
            assert_eq!(c.blocked, book.blocked().len(), "job {}: {c:?}", job.id);
            assert_eq!(c.ready + c.retrying, book.unfinished() - running, "counts conserve: {c:?}");
            let finished = matches!(job.progress, Progress::Finished(_));
            assert_eq!(finished, book.is_finished(), "{job:?}");
            assert_eq!(job.progress == Progress::Open, book.open);
            assert_eq!((job.paused, job.canceled), (book.paused, book.canceled_whole), "{job:?}");
            assert_eq!(job.waits_for, self.waits_for(book), "{job:?}");
        }
    }

    /// How a reply shows a job, against the book.
    fn check_view(&self, view: &JobView) {
        let book = &self.jobs[&view.job];
        let shown = (view.unfinished, view.blocked, view.dead, view.finished, view.open);
        let dead = book.dead.len() as u64;
        let truth = (book.unfinished(), book.blocked().len(), dead, book.is_finished(), book.open);
        assert_eq!(shown, truth, "{view:?}");
        assert_eq!((view.paused, view.stuck), (book.paused, self.is_stuck(book)), "{view:?}");
        let rests = book.paused || !self.waits_for(book).is_empty();
        assert!(view.claimable == 0 || !rests, "{view:?}");
        let demands: Vec<_> = view.classes.iter().map(|class| class.demand.clone()).collect();
        let needs = book.needs.classes.iter().map(|class| class.demand.clone());
        assert_eq!(demands, needs.collect::<Vec<_>>());
        let sum: u64 = view.classes.iter().map(|class| class.claimable).sum();
        assert!(view.classes.is_empty() || sum == view.claimable, "{view:?}");
        assert!(
            view.classes.iter().all(|class| (class.claimable == 0) == class.oldest.is_none()),
            "{view:?}"
        );
    }

    /// Faults stop: every job is closed and goes on, one new node does what is left, and everything ends but what waits
    /// for jobs that did not succeed.
    fn drain(mut self) {
        while !self.peers.is_empty() {
            if self.rng.chance(0.5) { self.expire() } else { self.leave() }
        }
        for (job, book) in &mut self.jobs {
            if std::mem::take(&mut book.open) {
                self.store.append(self.now, *job, &[], true).unwrap();
            }
            if std::mem::take(&mut book.paused) {
                self.store.pause(self.now, *job, false).unwrap();
                let finished = matches!(self.store.job(*job).unwrap().progress, Progress::Finished(_));
                book.paused = finished; // it stays as it is
            }
        }
        self.check();
        let rounds_max = 20 + self.jobs.values().map(Book::unfinished).sum::<u64>();
        self.register();
        let node = self.peers[0].id;
        for _ in 0..rounds_max {
            if self.jobs.values().all(|book| book.is_finished() || self.is_stuck(book)) {
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
            let claim = Some(Claim { capacity: given::cpus(4), ..any(1_000) });
            self.perform(node, &Exchange { held, reports, claim });
            self.check();
        }
        for (job, book) in &self.jobs {
            let ended = book.is_finished() || self.is_stuck(book);
            assert!(ended, "job {job} does not end: {:?}", self.store.job(*job).unwrap());
        }
        self.store.leave(self.now, node).unwrap();
        given::sound(self.store);
    }
}

impl Book {
    /// What is neither done, canceled nor dead.
    fn not_ended(&self) -> Intervals {
        let mut rest = Intervals::from(Range::new(0, self.tail)).minus(&self.done).minus(&self.canceled);
        self.dead.iter().for_each(|seq| rest.remove(Range::new(*seq, seq + 1)));
        rest
    }

    /// The first of a task's parents that are not done.
    fn blockers(&self, seq: Seq) -> Vec<Seq> {
        let parents = self.parents.get(seq as usize).into_iter().flatten();
        parents.copied().filter(|parent| !self.done.contains(*parent)).take(BLOCKERS_SHOWN).collect()
    }

    fn blocked(&self) -> Intervals {
        if self.parents.is_empty() {
            return Intervals::new();
        }
        let blocked = |seq: &Seq| !self.blockers(*seq).is_empty();
        self.not_ended().iter().filter(blocked).map(|seq| Range::new(seq, seq + 1)).collect()
    }

    fn unfinished(&self) -> u64 {
        self.not_ended().len() - self.blocked().len()
    }

    fn is_finished(&self) -> bool {
        !self.open && self.unfinished() == 0
    }

    fn succeeded(&self) -> bool {
        self.is_finished() && self.done.len() == self.tail
    }

    fn class_of(&self, seq: Seq) -> u32 {
        self.grown.get(&seq).copied().unwrap_or_else(|| self.needs.class_of(seq))
    }

    /// Cancels what has not ended of these, and says what that is.
    fn take_out(&mut self, tasks: &Intervals) -> Intervals {
        let taken = self.not_ended().intersect(tasks);
        self.canceled.insert_all(&taken);
        taken
    }
}
