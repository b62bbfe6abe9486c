//! The store as a program on a disk: group commit, slow syncs, restarts that forget what was not synced.
//!
//! A request is performed when it arrives; its answer waits for the sync that covers it. One sync runs at a time,
//! and what arrives meanwhile is the next one's batch. A restart puts back the state of the last sync, or, if one
//! was on its way, maybe that one's: some answers were never given, but none that was given is taken back.

use super::World;
use super::backend::Backend;
use super::broken::{Checked, ensure};
use super::fault::Fault;
use super::ledger::Ledger;
use super::net::{Answer, Request};
use super::queue::Event;

/// What a sync makes durable: the store, and the books on it.
pub(crate) struct State {
    pub(crate) backend: Backend,
    pub(crate) ledger: Ledger,
}

/// An answer that waits for a sync; and the request, to be said again if the store forgets it.
struct Pending {
    answer: Answer,
    again: Option<Request>,
}

/// The store's disk.
pub(crate) struct Disk {
    /// The state of the last sync, and of the one on its way. Kept only where restarts may happen.
    synced: Option<State>,
    syncing: Option<State>,
    performed: Vec<Pending>,
    /// Answers that the sync on its way will release.
    covered: Vec<Pending>,
    is_syncing: bool,
    /// How often the store started: a sync from before a restart never ends.
    boot: u32,
    pub(crate) is_up: bool,
    /// Most requests that anybody was told of as performed.
    acknowledged: u64,
    /// The bug of this name is planted.
    pub(crate) ack_before_sync: bool,
}

impl State {
    fn snapshot(&self) -> Option<State> {
        Some(State { backend: self.backend.snapshot()?, ledger: self.ledger.clone() })
    }
}

impl Disk {
    pub(crate) fn new(ack_before_sync: bool) -> Disk {
        Disk {
            synced: None,
            syncing: None,
            performed: Vec::new(),
            covered: Vec::new(),
            is_syncing: false,
            boot: 0,
            is_up: true,
            acknowledged: 0,
            ack_before_sync,
        }
    }
}

impl World {
    /// The state of an empty store is durable.
    pub(crate) fn format_disk(&mut self) {
        if self.may(Fault::Restart) {
            self.disk.synced = self.state.snapshot();
        }
    }

    /// An answer for when what it tells of is durable.
    pub(crate) fn answer_durably(&mut self, answer: Answer, again: Option<Request>) {
        if self.disk.ack_before_sync {
            self.disk.acknowledged = self.state.ledger.performed;
            self.disk.performed.push(Pending { answer: Answer::Left, again });
            self.answer(answer);
        } else {
            self.disk.performed.push(Pending { answer, again });
        }
        self.sync();
    }

    fn sync(&mut self) {
        if self.disk.is_syncing || self.disk.performed.is_empty() {
            return;
        }
        self.disk.is_syncing = true;
        self.disk.covered = std::mem::take(&mut self.disk.performed);
        if self.disk.synced.is_some() {
            self.disk.syncing = if self.may(Fault::Restart) { self.state.snapshot() } else { None };
        }
        let slow = self.strikes(Fault::SlowDisk, 0.01);
        let mean = if slow { self.plan.slow_sync_ns } else { self.plan.sync_ns };
        let ns = mean / 2 + self.rng.disk.below(mean.max(1));
        self.queue.after(ns, Event::Synced { boot: self.disk.boot });
    }

    pub(crate) fn on_synced(&mut self, boot: u32) {
        if boot != self.disk.boot {
            return;
        }
        self.disk.is_syncing = false;
        if let Some(state) = self.disk.syncing.take() {
            self.disk.acknowledged = self.disk.acknowledged.max(state.ledger.performed);
            self.disk.synced = Some(state);
        } else {
            self.disk.synced = None; // no restarts from here on
        }
        for pending in std::mem::take(&mut self.disk.covered) {
            self.answer(pending.answer);
        }
        self.sync();
    }

    /// The store dies and comes back with what was durable. Not where it could not be put back.
    pub(crate) fn restart_store(&mut self) -> bool {
        let half_way = self.rng.disk.chance(0.5);
        let disk = &mut self.disk;
        let Some(synced) = disk.synced.take().filter(|_| disk.is_up) else { return false };
        let kept = disk.syncing.take().filter(|_| half_way).unwrap_or(synced);
        disk.synced = kept.snapshot();
        self.state = kept;
        // Sessions that began durably but whose processes never heard of it.
        let begun = disk.covered.iter().filter_map(|pending| match pending.answer {
            Answer::Registered { node, .. } => Some(node),
            _ => None,
        });
        let orphans: Vec<_> = begun.filter(|node| self.state.ledger.sessions.contains_key(node)).collect();
        let orphans = orphans.into_iter().map(Event::Detected);
        (disk.is_up, disk.is_syncing) = (false, false);
        disk.boot += 1;
        orphans.for_each(|event| self.queue.after(self.plan.detect_ns, event));
        let mut forgotten = std::mem::take(&mut disk.covered);
        forgotten.append(&mut disk.performed);
        for request in forgotten.into_iter().filter_map(|pending| pending.again) {
            let ns = self.patience_ns();
            self.queue.after(ns, Event::Arrive(Box::new(request)));
        }
        let ns = self.rng.disk.below(self.plan.respawn_ns);
        self.queue.after(ns, Event::StoreUp);
        true
    }

    /// What is acknowledged is there after a restart.
    pub(crate) fn on_store_up(&mut self) -> Checked {
        self.disk.is_up = true;
        let (told, kept) = (self.disk.acknowledged, self.state.ledger.performed);
        ensure!(kept >= told, Durable, "{told} requests were acknowledged, {kept} survived the restart");
        Ok(())
    }
}
