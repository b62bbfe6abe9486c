//! The claim half of an exchange: which tasks a node gets.

use super::bugs::Bug;
use super::event::Event;
use super::job::{Job, Lent, Waiting};
use super::{Bugs, Model};
use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Range, Seq};
use divvy_store::{Claim, Held};
use std::collections::BTreeMap;

/// What a claim may still be granted.
struct Room {
    tasks: u64,
    bytes: u64,
    leases: usize,
    isolated: usize,
    /// Only what waits before this task.
    below: Option<Seq>,
    /// Nothing was granted yet: the first lease has a task, however large.
    first: bool,
}

impl Room {
    fn is_full(&self) -> bool {
        self.tasks == 0 || self.leases == 0
    }

    fn take(&mut self, tasks: u64, bytes: u64) {
        self.tasks -= tasks;
        self.bytes = self.bytes.saturating_sub(bytes);
        self.leases -= 1;
        self.first = false;
    }
}

impl Model {
    /// The jobs that a claim is about, ascending.
    pub(super) fn asked_for(&self, claim: &Claim) -> Vec<JobId> {
        let only = claim.only.map(|only| self.with_forerunners(only));
        let asked = self.jobs.values().filter(|job| {
            only.as_ref().is_none_or(|only| only.contains(&job.id))
                && job.finished.is_none()
                && !self.rests(job)
                && claim.handlers.contains(&job.spec.handler)
                && wants_any(claim, job)
        });
        asked.map(|job| job.id).collect()
    }

    /// Grants leases, all of the first class of the first job that has any to grant, and says which.
    pub(super) fn on_claim(
        &mut self,
        now: Millis,
        node: NodeId,
        listed: &[Held],
        claim: &Claim,
    ) -> Vec<Held> {
        let held = &self.nodes[&node].holds;
        let (idle, bugs) = (held.is_empty(), self.bugs);
        let alone = held.iter().any(|(job, fence)| self.jobs[job].leases[fence].quarantined);
        if alone && !bugs.has(Bug::QuarantineIgnored) {
            return Vec::new();
        }
        // The reply that granted it was lost: the claim's bounds did not count it.
        if held.iter().any(|held| !listed.contains(held)) && !bugs.has(Bug::UnlistedIgnored) {
            return Vec::new();
        }
        for id in self.asked_for(claim) {
            let job = self.jobs.get_mut(&id).expect("asked for");
            let taken = job.leases.values().any(|l| l.node != node);
            if job.spec.policy.exclusive && taken && !bugs.has(Bug::ExclusiveIgnored) {
                continue;
            }
            let fences = job.grant(now, node, idle, claim, bugs);
            for fence in &fences {
                let tasks = job.leases[fence].open.clone();
                self.ledger.push(Event::Granted { job: id, fence: *fence, node, tasks });
                self.nodes.get_mut(&node).expect("it claims").holds.insert((id, *fence));
            }
            if !fences.is_empty() {
                return fences.into_iter().map(|fence| (id, fence)).collect();
            }
        }
        self.take(node, claim).into_iter().collect()
    }

    /// Whether a job lets tasks be taken from whoever holds them.
    pub(super) fn allows_backups(&self, job: &Job) -> bool {
        let (policy, needs) = (&job.spec.policy, &job.spec.needs);
        let allows = policy.backups && needs.classes.is_empty() && !policy.exclusive;
        allows || self.bugs.has(Bug::BackupUnasked)
    }

    /// The jobs of which a claim might take backups.
    pub(super) fn takeable(&self, claim: &Claim) -> Vec<JobId> {
        let only = claim.only.map(|only| self.with_forerunners(only));
        let selected = self.jobs.values().filter(|job| {
            only.as_ref().is_none_or(|only| only.contains(&job.id))
                && claim.handlers.contains(&job.spec.handler)
                && self.allows_backups(job)
                && !job.leases.is_empty()
                && !self.rests(job)
        });
        selected.map(|job| job.id).collect()
    }

    /// Takes tasks from the node that has been granted nothing for the longest time.
    fn take(&mut self, node: NodeId, claim: &Claim) -> Option<Held> {
        if claim.leases_max == 0 || claim.below.is_some() {
            return None;
        }
        let takeable = self.takeable(claim);
        let wanted = claim.backups.iter().filter(|wanted| takeable.contains(&wanted.job));
        let (id, holder) = wanted.into_iter().find_map(|wanted| {
            let holder = self.jobs[&wanted.job].holder(node).filter(|(_, tasks)| *tasks <= wanted.tasks);
            holder.map(|(fence, _)| (wanted.job, fence))
        })?;
        let (job, bugs) = (self.jobs.get_mut(&id).expect("it has a holder"), self.bugs);
        let mut lent = job.leases[&holder].clone();
        let bytes = claim.bytes_max.checked_div(job.record_bytes()).unwrap_or(u64::MAX).max(1);
        let n = lent.open.len().div_ceil(2).min(limit(job.spec.policy.range_max)).min(bytes);
        let tasks = lent.open.split_off(lent.open.len() - n);
        let (attempts, error) = (lent.attempts, lent.error.clone());
        let taken = lent.taken + u32::from(!bugs.has(Bug::BackupsForgotten));
        let backup = Lent { attempts, error, taken, ..Lent::new(node, lent.class, tasks.clone()) };
        if !bugs.has(Bug::BackupCopies) {
            job.leases.insert(holder, Lent { cut: true, ..lent });
        }
        let fence = job.lend(backup, bugs);
        self.ledger.push(Event::Granted { job: id, fence, node, tasks });
        self.nodes.get_mut(&node).expect("it claims").holds.insert((id, fence));
        self.end_leases(id);
        Some((id, fence))
    }
}

/// Whether any tasks of a job are wanted.
fn wants_any(claim: &Claim, job: &Job) -> bool {
    let mut named = claim.wants.iter().filter(|w| w.job == job.id).peekable();
    match named.peek() {
        Some(_) => named.any(|w| w.class < job.spec.needs.classes() && w.tasks > 0),
        None => claim.want_new > 0,
    }
}

/// Tasks that are wanted of a class: of a job that is named at all, only the named ones.
fn wanted(claim: &Claim, job: JobId, class: u32) -> u64 {
    let mut named = claim.wants.iter().filter(|w| w.job == job).peekable();
    match named.peek() {
        Some(_) => named.find(|w| w.class == class).map_or(0, |w| w.tasks),
        None => claim.want_new,
    }
}

/// 0 stands for no limit.
fn limit(n: u64) -> u64 {
    if n == 0 { u64::MAX } else { n }
}

impl Job {
    /// Leases of the first class that fits and has any to grant.
    fn grant(&mut self, now: Millis, node: NodeId, idle: bool, claim: &Claim, bugs: Bugs) -> Vec<Fence> {
        let n = self.spec.needs.classes();
        let named: Vec<u32> = claim.wants.iter().filter(|w| w.job == self.id).map(|w| w.class).collect();
        let is_named = !named.is_empty();
        let classes = if is_named { named } else { (0..n).collect() };
        let ahead = if is_named && !self.spec.policy.exclusive { self.ahead() } else { Vec::new() };
        for class in classes.into_iter().filter(|class| *class < n) {
            let fits = self.spec.needs.demand(class).fits(&claim.capacity);
            if !fits && !bugs.has(Bug::CapacityIgnored) {
                continue;
            }
            let mut room = Room {
                tasks: wanted(claim, self.id, class),
                bytes: claim.bytes_max,
                leases: claim.leases_max,
                isolated: claim.isolated_max,
                below: claim.below,
                first: true,
            };
            let mut fences = self.grant_waiting(now, node, class, idle, &mut room, bugs);
            let alone = fences.iter().any(|fence| self.leases[fence].quarantined);
            if fences.is_empty() && !room.is_full() && claim.below.is_none() {
                self.reach(class, &ahead);
            }
            if !alone && claim.below.is_none() {
                fences.extend(self.grant_head(node, class, &mut room, bugs));
            }
            if !fences.is_empty() {
                return fences;
            }
        }
        Vec::new()
    }

    fn grant_waiting(
        &mut self,
        now: Millis,
        node: NodeId,
        class: u32,
        idle: bool,
        room: &mut Room,
        bugs: Bugs,
    ) -> Vec<Fence> {
        let due = |w: &&Waiting| w.class == class && (w.due <= now || bugs.has(Bug::DueIgnored));
        let is_below = |w: &&Waiting| room.below.is_none_or(|below| w.range.lo < below);
        let candidates: Vec<Waiting> = self.waiting.values().filter(due).filter(is_below).cloned().collect();
        let mut fences = Vec::new();
        let mut joined = false;
        for w in &candidates {
            if (self.family.is_some() || self.spec.needs.classes() > 1) && w.is_free() {
                if !joined {
                    joined = true;
                    fences.extend(self.grant_joined(node, &candidates, room, bugs));
                }
                continue;
            }
            let suspect = self.is_suspect(w.crashes) && !bugs.has(Bug::QuarantineIgnored);
            if suspect && !(idle && fences.is_empty()) {
                continue;
            }
            let isolated = w.part == 1 || w.crashes > 0;
            if isolated && room.isolated == 0 {
                continue;
            }
            let part = if bugs.has(Bug::EighthsIgnored) { 0 } else { w.part };
            let n = self.fit(w.range.len().min(limit(part)), room);
            if n == 0 {
                continue;
            }
            let tasks = self.take_waiting(w, n, bugs);
            room.take(n, n * self.record_bytes());
            room.isolated -= usize::from(isolated);
            let lent = Lent {
                attempts: w.attempts,
                crashes: w.crashes,
                quarantined: suspect,
                error: w.error.clone(),
                ..Lent::new(node, class, tasks)
            };
            fences.push(self.lend(lent, bugs));
            if suspect {
                break;
            }
        }
        fences
    }

    /// The lowest of all these tasks that wait with nothing charged, as one lease: the tasks of a graph, and those that
    /// were set aside, wait one by one, and a lease each would cost more than they do.
    fn grant_joined(
        &mut self,
        node: NodeId,
        candidates: &[Waiting],
        room: &mut Room,
        bugs: Bugs,
    ) -> Option<Fence> {
        let free: Vec<&Waiting> = candidates.iter().filter(|w| w.is_free()).collect();
        let n = self.fit(free.iter().map(|w| w.range.len()).sum(), room);
        let mut tasks = Intervals::new();
        for w in &free {
            let some = w.range.len().min(n - tasks.len());
            if some > 0 {
                tasks.insert_all(&self.take_waiting(w, some, bugs));
            }
        }
        if n == 0 {
            return None;
        }
        room.take(n, n * self.record_bytes());
        Some(self.lend(Lent::new(node, free[0].class, tasks), bugs))
    }

    /// How many of so many waiting tasks fit into one lease.
    fn fit(&self, tasks: u64, room: &Room) -> u64 {
        let bytes = room.bytes.checked_div(self.record_bytes()).unwrap_or(u64::MAX);
        let most = limit(self.spec.policy.range_max).min(bytes.max(u64::from(room.first))).min(room.tasks);
        if room.is_full() { 0 } else { tasks.min(most) }
    }

    /// Takes the lowest tasks of a waiting range; the rest of it waits on.
    fn take_waiting(&mut self, w: &Waiting, n: u64, bugs: Bugs) -> Intervals {
        let mid = w.range.lo + n;
        self.waiting.remove(&w.range.lo);
        if mid < w.range.hi && !bugs.has(Bug::RemainderDropped) {
            self.wait(Waiting { range: Range::new(mid, w.range.hi), ..w.clone() });
        }
        Intervals::from(Range::new(w.range.lo, mid))
    }

    /// Sets aside what stands before the next run of this class, if that is within reach.
    fn reach(&mut self, class: u32, ahead: &[(Range, u32)]) {
        let Some(at) = ahead.iter().position(|(_, of)| *of == class) else { return };
        for (run, of) in &ahead[..at] {
            for piece in self.untouched().intersect(&(*run).into()).ranges() {
                self.wait(Waiting::uncharged(*piece, *of));
            }
        }
        self.head = ahead[at].0.lo;
    }

    /// Where the run of one class that begins at the head ends.
    fn run_end(&self) -> Seq {
        self.spec.needs.run_end(self.head).min(self.tail)
    }

    /// Passes over runs that are canceled from the head to their end, unless all is.
    fn pass_canceled_runs(&mut self) {
        let Some(first) = self.untouched().first() else { return };
        while self.run_end() <= first {
            self.head = self.run_end();
        }
    }

    fn grant_head(&mut self, node: NodeId, class: u32, room: &mut Room, bugs: Bugs) -> Option<Fence> {
        self.pass_canceled_runs();
        if self.spec.needs.class_of(self.head) != class {
            return None;
        }
        let end = self.run_end();
        // Where all is canceled there is no lease to be had, and the head stays.
        while !room.is_full() && !self.untouched().is_empty() {
            let most = room.tasks.min(limit(self.spec.policy.range_max)).min(end - self.head);
            let (hi, bytes) = self.fit_blocks(self.head + most, room);
            if hi == self.head {
                return None;
            }
            let range = Intervals::from(Range::new(self.head, hi));
            let open = if bugs.has(Bug::HeadIgnoresCanceled) {
                range.clone()
            } else {
                range.minus(&self.canceled.set)
            };
            self.head = hi;
            if open.is_empty() {
                continue;
            }
            if bugs.has(Bug::HeadOneTooFar) {
                self.head = (hi + 1).min(self.tail);
            }
            room.take(open.len(), bytes);
            return Some(self.lend(Lent::new(node, class, open), bugs));
        }
        None
    }

    /// How far a lease from the head to `hi` at most may go, by whole blocks, and how many bytes that is.
    fn fit_blocks(&self, hi: u64, room: &Room) -> (u64, u64) {
        if self.blocks.is_empty() {
            return (hi, 0);
        }
        let (mut end, mut bytes) = (self.head, 0);
        for (first, block) in self.blocks_of(Range::new(self.head, hi)) {
            if bytes + block.record_bytes() > room.bytes {
                break;
            }
            bytes += block.record_bytes();
            end = (first + block.count()).min(hi);
        }
        if end == self.head && room.first { (self.head + 1, room.bytes) } else { (end, bytes) }
    }

    /// The lease that a backup would be taken from: of each other node's newest ones the oldest; and all tasks that its node
    /// holds of the job, four times as many for each time that they were taken.
    pub(super) fn holder(&self, asker: NodeId) -> Option<(Fence, u64)> {
        let mut nodes: BTreeMap<NodeId, (Fence, u64)> = BTreeMap::new();
        for (fence, lent) in self.leases.iter().filter(|(_, lent)| lent.node != asker && lent.crashes == 0) {
            let (newest, tasks) = nodes.entry(lent.node).or_default();
            let weighed = lent.open.len().saturating_mul(4u64.saturating_pow(lent.taken));
            (*newest, *tasks) = (*fence, tasks.saturating_add(weighed));
        }
        nodes.into_values().min()
    }

    fn lend(&mut self, lent: Lent, bugs: Bugs) -> Fence {
        let last = match bugs.has(Bug::FenceReused) {
            true => self.leases.keys().next_back().copied().unwrap_or_default(),
            false => self.fence,
        };
        let fence = Fence(last.0 + 1);
        self.fence = self.fence.max(fence);
        self.grants += 1;
        self.leases.insert(fence, lent);
        fence
    }

    /// Whether a task with this charge runs only on a node that has nothing else: with the next loss it may die.
    pub(super) fn is_suspect(&self, crashes: u32) -> bool {
        crashes >= 1 && crashes + 1 >= self.spec.policy.crash_limit
    }
}
