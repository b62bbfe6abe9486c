//! The store as a server in virtual time: who waits, who is served, and for how long.

use super::scene::{Fsync, Hold};
use divvy_core::Rng;
use divvy_core::toll::Cost;
use divvy_store::Exchange;
use std::collections::VecDeque;

/// An exchange on its way.
pub(super) struct Asked {
    pub(super) host: usize,
    pub(super) trip: u64,
    pub(super) sent: u64,
    pub(super) exchange: Exchange,
}

pub(super) struct Server {
    hold: Hold,
    rng: Rng,
    pub(super) waits: VecDeque<Asked>,
    pub(super) served: Vec<(Asked, Cost)>,
    /// Fsyncs take so many times as long at present.
    mood: f64,
    /// How busy others keep it, from 0 to 1.
    pub(super) outside: f64,
}

/// While fsyncs are slow.
const SLOW: f64 = 3.0;
/// Seconds for which they are, and are not; from and to.
const SLOW_S: (f64, f64) = (2.0, 5.0);
const FAST_S: (f64, f64) = (4.0, 10.0);

impl Server {
    pub(super) fn new(hold: Hold, rng: Rng) -> Server {
        Server { hold, rng, waits: VecDeque::new(), served: Vec::new(), mood: 1.0, outside: 0.0 }
    }

    /// Begins with whom it serves next, if there is anybody and nobody is served; says how long that takes, in nanoseconds.
    pub(super) fn serve(&mut self, workers: u64) -> Option<u64> {
        if !self.served.is_empty() || self.waits.is_empty() {
            return None;
        }
        let group = if self.hold.shares { self.waits.len() } else { 1 };
        let commit_ns = self.commit();
        let mut all = commit_ns;
        for asked in self.waits.drain(..group).collect::<Vec<_>>() {
            let work_ns = self.work(workers);
            all += work_ns;
            self.served.push((asked, Cost { work_ns, commit_ns, group: group as u64, retries: 0 }));
        }
        Some(all)
    }

    fn slowed(&self) -> f64 {
        1e3 * (1.0 + self.hold.outside * self.outside)
    }

    fn work(&mut self, workers: u64) -> u64 {
        let Hold { base, each, .. } = self.hold;
        (even(&mut self.rng) * (base + each * workers as f64) * self.slowed()) as u64
    }

    fn commit(&mut self) -> u64 {
        let drawn = match self.hold.fsync {
            Fsync::Even => even(&mut self.rng),
            Fsync::Tailed | Fsync::Moody => (normal(&mut self.rng) - 0.5).exp(),
        };
        (drawn * self.mood * self.hold.commit * self.slowed()) as u64
    }

    /// The mood turns; says for how long, in nanoseconds.
    pub(super) fn turn(&mut self) -> u64 {
        let was_fast = self.mood == 1.0;
        self.mood = if was_fast { SLOW } else { 1.0 };
        let (from, to) = if was_fast { SLOW_S } else { FAST_S };
        ((from + self.rng.unit() * (to - from)) * 1e9) as u64
    }
}

/// From half to one and a half.
pub(super) fn even(rng: &mut Rng) -> f64 {
    0.5 + rng.unit()
}

/// Standard normal, by Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * (1.0 - rng.unit()).ln()).sqrt() * (std::f64::consts::TAU * rng.unit()).cos()
}
