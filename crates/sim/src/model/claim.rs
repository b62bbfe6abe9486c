//! The claim half of an exchange: which tasks a node gets.

use super::bugs::Bug;
use super::event::Event;
use super::job::{Job, Lent, Waiting};
use super::{Bugs, Model};
use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Range};
use divvy_store::{Claim, Held};

/// What a claim may still be granted.
struct Room {
    tasks: u64,
    bytes: u64,
    leases: usize,
    isolated: usize,
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
        let all = self.jobs.values();
        let asked = all.filter(|job| {
            claim.only.is_none_or(|only| only == job.id)
                && job.finished.is_none()
                && claim.handlers.contains(&job.spec.handler)
                && wanted(claim, job.id) > 0
        });
        asked.map(|job| job.id).collect()
    }

    /// Grants leases, all of the first job that has any to grant, and says which.
    pub(super) fn on_claim(&mut self, now: Millis, node: NodeId, claim: &Claim) -> Vec<Held> {
        let held = &self.nodes[&node].holds;
        let (idle, bugs) = (held.is_empty(), self.bugs);
        let alone = held.iter().any(|(job, fence)| self.jobs[job].leases[fence].quarantined);
        if alone && !bugs.has(Bug::QuarantineIgnored) {
            return Vec::new();
        }
        for id in self.asked_for(claim) {
            let job = self.jobs.get_mut(&id).expect("asked for");
            let taken = job.leases.values().any(|l| l.node != node);
            if job.spec.policy.exclusive && taken && !bugs.has(Bug::ExclusiveIgnored) {
                continue;
            }
            let mut room = Room {
                tasks: wanted(claim, id),
                bytes: claim.bytes_max,
                leases: claim.leases_max,
                isolated: claim.isolated_max,
                first: true,
            };
            let mut fences = job.grant_waiting(now, node, idle, &mut room, bugs);
            let alone = fences.iter().any(|fence| job.leases[fence].quarantined);
            if !alone {
                fences.extend(job.grant_head(node, &mut room, bugs));
            }
            for fence in &fences {
                let tasks = job.leases[fence].open.clone();
                self.ledger.push(Event::Granted { job: id, fence: *fence, node, tasks });
                self.nodes.get_mut(&node).expect("it claims").holds.insert((id, *fence));
            }
            if !fences.is_empty() {
                return fences.into_iter().map(|fence| (id, fence)).collect();
            }
        }
        Vec::new()
    }
}

fn wanted(claim: &Claim, job: JobId) -> u64 {
    claim.wants.iter().find(|w| w.job == job).map_or(claim.want_new, |w| w.tasks)
}

/// 0 stands for no limit.
fn limit(n: u64) -> u64 {
    if n == 0 { u64::MAX } else { n }
}

impl Job {
    fn grant_waiting(
        &mut self,
        now: Millis,
        node: NodeId,
        idle: bool,
        room: &mut Room,
        bugs: Bugs,
    ) -> Vec<Fence> {
        let due = |w: &&Waiting| w.due <= now || bugs.has(Bug::DueIgnored);
        let candidates: Vec<Waiting> = self.waiting.values().filter(due).cloned().collect();
        let mut fences = Vec::new();
        for w in candidates {
            let suspect = self.is_suspect(w.crashes) && !bugs.has(Bug::QuarantineIgnored);
            if suspect && !(idle && fences.is_empty()) {
                continue;
            }
            let isolated = w.part == 1 || w.crashes > 0;
            if isolated && room.isolated == 0 {
                continue;
            }
            let part = if bugs.has(Bug::EighthsIgnored) { 0 } else { w.part };
            let each = self.record_bytes();
            let fit = room.bytes.checked_div(each).unwrap_or(u64::MAX).max(u64::from(room.first));
            let most = limit(part).min(limit(self.spec.policy.range_max)).min(fit).min(room.tasks);
            let n = if room.is_full() { 0 } else { w.range.len().min(most) };
            if n == 0 {
                continue;
            }
            let mid = w.range.lo + n;
            self.waiting.remove(&w.range.lo);
            if mid < w.range.hi && !bugs.has(Bug::RemainderDropped) {
                self.wait(Waiting { range: Range::new(mid, w.range.hi), ..w.clone() });
            }
            room.take(n, n * each);
            room.isolated -= usize::from(isolated);
            let granted = Intervals::from(Range::new(w.range.lo, mid));
            fences.push(self.lend(
                Lent {
                    node,
                    open: granted.clone(),
                    granted,
                    attempts: w.attempts,
                    crashes: w.crashes,
                    quarantined: suspect,
                    cut: false,
                    error: w.error,
                },
                bugs,
            ));
            if suspect {
                break;
            }
        }
        fences
    }

    fn grant_head(&mut self, node: NodeId, room: &mut Room, bugs: Bugs) -> Option<Fence> {
        // Where all is canceled there is no lease to be had, and the head stays.
        while !room.is_full() && !self.untouched().is_empty() {
            let most = room.tasks.min(limit(self.spec.policy.range_max)).min(self.tail - self.head);
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
            let granted = open.clone();
            let lent = Lent {
                node,
                open,
                granted,
                attempts: 0,
                crashes: 0,
                quarantined: false,
                cut: false,
                error: None,
            };
            return Some(self.lend(lent, bugs));
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
