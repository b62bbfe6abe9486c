//! What happened, as a number to compare and as lines to read.

use super::queue::Event;
use divvy_core::Millis;
use divvy_store::Reply;
use std::fmt::Arguments;

/// The history so far.
pub(crate) struct Trace {
    hash: u64,
    print: bool,
}

impl Trace {
    pub(crate) fn new(print: bool) -> Trace {
        Trace { hash: 0xcbf2_9ce4_8422_2325, print }
    }

    /// Equal for equal histories.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// A line for people. It is put together only if somebody reads it.
    pub(crate) fn line(&mut self, now: u64, line: Arguments<'_>) {
        if self.print {
            println!("{:>14.6} ms  {line}", now as f64 / 1e6);
        }
    }

    pub(crate) fn event(&mut self, now: u64, event: &Event) {
        let (kind, more) = match event {
            Event::Spawn(at) => (1, at.slot as u64),
            Event::Wake(at) => (2, at.slot as u64),
            Event::Ended { at, worker, run } => (3, (at.slot as u64) << 48 | (*worker as u64) << 40 | run),
            Event::Changed(at) => (4, at.slot as u64),
            Event::Grace(at) => (5, at.slot as u64),
            Event::Timeout { trip, .. } => (6, *trip),
            Event::Arrive(_) => (7, 0),
            Event::Synced { boot } => (8, u64::from(*boot)),
            Event::StoreUp => (9, 0),
            Event::Deliver(_) => (10, 0),
            Event::Detected(node) => (11, node.0),
            Event::Client => (12, 0),
            Event::Bell(at) => (13, at.slot as u64),
        };
        self.mix(now);
        self.mix(kind << 60 ^ more);
        self.line(now, format_args!("{event:?}"));
    }

    /// The store's answer to an exchange.
    pub(crate) fn reply(&mut self, now: Millis, reply: &Reply) {
        self.mix(now ^ reply.workers << 48 ^ reply.hungry << 56);
        for lease in &reply.leases {
            self.mix(lease.job.0 << 32 ^ lease.fence.0);
            self.mix(lease.open.len());
        }
        reply.jobs.iter().for_each(|view| self.mix(view.unfinished << 32 ^ view.claimable));
    }

    /// FNV-1a by words, with a rotation that lets the high half reach the low one.
    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }
}
