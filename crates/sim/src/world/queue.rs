//! Virtual time: what happens when.

use super::net::{Answer, Request};
use divvy_core::NodeId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A process: a slot, and which of its lives. What is meant for an earlier life is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) slot: usize,
    pub(crate) life: u32,
}

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// A process begins.
    Spawn(Place),
    /// A node asked to look at its workers now.
    Wake(Place),
    /// A worker that was freed looks for work.
    Bell(Place),
    /// A task comes to its end.
    Ended { at: Place, worker: usize, run: u64 },
    /// A node hears that the store changed.
    Changed(Place),
    /// A stopping node's time is up: what runs is stopped.
    Grace(Place),
    /// A node no longer waits for an answer.
    Timeout { at: Place, trip: u64 },
    /// A request reaches the store.
    Arrive(Box<Request>),
    /// A sync of the store's disk is through, unless it restarted meanwhile.
    Synced { boot: u32 },
    /// The store is back.
    StoreUp,
    /// An answer reaches a process.
    Deliver(Box<Answer>),
    /// It becomes known that a session has ended.
    Detected(NodeId),
    /// The client does its next thing.
    Client,
}

struct Entry {
    at: u64,
    /// Events of one moment happen in the order in which they were planned.
    nth: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        (self.at, self.nth) == (other.at, other.nth)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> std::cmp::Ordering {
        (self.at, self.nth).cmp(&(other.at, other.nth))
    }
}

/// The clock and all that is to come.
#[derive(Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    planned: u64,
    now: u64,
}

impl Queue {
    /// Nanoseconds since the world began.
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn at(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.heap.push(Reverse(Entry { at: at.max(self.now), nth: self.planned, event }));
    }

    pub(crate) fn after(&mut self, ns: u64, event: Event) {
        self.at(self.now.saturating_add(ns), event);
    }

    /// Moves the clock to the next event.
    pub(crate) fn pop(&mut self) -> Option<Event> {
        let Reverse(entry) = self.heap.pop()?;
        self.now = entry.at;
        Some(entry.event)
    }
}
