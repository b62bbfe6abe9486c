//! How many items to take at once, when taking costs something and holding does too.
//!
//! Taking a batch of b costs K, so K/b per item. An item that is held and not yet begun costs h per second, and b items of
//! S seconds each are held for bS/2 on average. The sum `K/(S b) + h b/2` per second is least at `b* = sqrt(2K/(S h))`,
//! and flat around it. (The often quoted `sqrt(setup * holding)` grows with what holding costs, and has no unit.)

use crate::error::{Error, require_not_negative, require_positive};

/// What taking, working and holding cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    setup: f64,
    item: f64,
    holding: f64,
}

impl Costs {
    /// `setup` seconds for each batch (K), `item` seconds of work for each item (S), and what a second of holding an
    /// item costs in worker-seconds (h; 0 if nobody waits for it): see [`holding`].
    ///
    /// # Errors
    /// [`Error::Invalid`] unless the first two are above zero and the third is not below.
    pub fn new(setup: f64, item: f64, holding: f64) -> Result<Costs, Error> {
        Ok(Costs {
            setup: require_positive("the setup time", setup)?,
            item: require_positive("the time of an item", item)?,
            holding: require_not_negative("the cost of holding", holding)?,
        })
    }

    /// The size at which the costs are least, `sqrt(2K/(S h))`: infinite if holding costs nothing.
    #[must_use]
    pub fn best(self) -> f64 {
        (2.0 * self.setup / (self.item * self.holding)).sqrt()
    }

    /// What a batch of `size` costs over the best one, 1 at the best: `(b/b* + b*/b)/2`.
    #[must_use]
    pub fn relative(self, size: f64) -> f64 {
        off_the_best(size / self.best())
    }

    /// The smallest batch at which taking costs at most the share `overhead` of the work: `K/(overhead * S)`.
    #[must_use]
    pub fn floor(self, overhead: f64) -> f64 {
        self.setup / (overhead * self.item)
    }

    /// Seconds that `size` items take, in one batch.
    #[must_use]
    pub fn batch_time(self, size: f64) -> f64 {
        self.setup + size * self.item
    }

    /// Items per second of one worker with batches of `size`.
    #[must_use]
    pub fn rate(self, size: f64) -> f64 {
        size / self.batch_time(size)
    }

    /// The size to use: the best one, raised and lowered to `limits`.
    #[must_use]
    pub fn advise(self, limits: &Limits) -> Advice {
        let hides = limits.round_trip > 0.0;
        let floors = [
            (Bound::Overhead, self.floor(limits.overhead)),
            // Where nothing has to be hidden, one at a time is no bound but simply the least there is.
            (Bound::RoundTrip, if hides { (limits.round_trip / self.item).ceil() + 1.0 } else { 0.0 }),
        ];
        let ceilings = [
            (Bound::Latency, limits.latency / self.item),
            (Bound::Lease, limits.lease / 4.0 / self.item),
            (Bound::Fairness, limits.remaining / (2.0 * limits.workers)),
        ];
        let (mut bound, mut size) = (Bound::Best, self.best());
        if size.is_infinite() {
            // Holding is free: nothing asks for more than what makes the overhead small.
            (bound, size) = floors[0];
        }
        for (name, least) in floors {
            if size < least {
                (bound, size) = (name, least);
            }
        }
        for (name, most) in ceilings {
            if size > most {
                (bound, size) = (name, most);
            }
        }
        Advice { size: size.round().clamp(1.0, 1e15) as u64, bound }
    }
}

/// What a size that is `ratio` times the best costs, relative to it: a factor of two either way is 25 % more.
#[must_use]
pub fn off_the_best(ratio: f64) -> f64 {
    (ratio + 1.0 / ratio) / 2.0
}

/// What holding an item for a second costs, in worker-seconds: `w (1 + f T) + f S`.
///
/// `worth` (w) of a second that the item is late; `crashes` (f) of the holder per second, each of which delays the item by
/// the lease's `lease` seconds (T) and repeats `item` seconds of finished, unreported work (S).
#[must_use]
pub fn holding(worth: f64, crashes: f64, lease: f64, item: f64) -> f64 {
    worth * (1.0 + crashes * lease) + crashes * item
}

/// What else bounds the size of a batch; by default nothing but an overhead of 2 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The share of the work that taking may cost.
    pub overhead: f64,
    /// Seconds from asking for a batch to having it, to be hidden behind the work on the one before.
    pub round_trip: f64,
    /// Seconds that the last item of a batch may wait for those before it.
    pub latency: f64,
    /// Seconds that a lease lasts without being renewed; a batch should take a quarter of it.
    pub lease: f64,
    /// Items that are left in all.
    pub remaining: f64,
    /// Workers that share them.
    pub workers: f64,
}

impl Default for Limits {
    fn default() -> Limits {
        let none = f64::INFINITY;
        Limits { overhead: 0.02, round_trip: 0.0, latency: none, lease: none, remaining: none, workers: 1.0 }
    }
}

/// What decided about the size of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Nothing: it is the size at which the costs are least.
    Best,
    /// Raised, so that taking costs a small enough share.
    Overhead,
    /// Raised, so that the next batch is there in time.
    RoundTrip,
    /// Lowered, so that no item waits too long.
    Latency,
    /// Lowered, so that a batch is done well before its lease ends.
    Lease,
    /// Lowered, so that the workers end together: half of an equal share of what is left.
    Fairness,
}

/// A size and what decided about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// Items in a batch, at least 1.
    pub size: u64,
    /// What decided.
    pub bound: Bound,
}

/// The size that group commit finds by itself: what arrives at `rate` per second during a flush of `flush` seconds.
///
/// No timer is needed: a batch is whatever came while the last one was written. At most `size_max/flush` per second go
/// through, if batches are bounded.
#[must_use]
pub fn group_commit(rate: f64, flush: f64) -> f64 {
    (rate * flush).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_size_is_the_best_and_flat() {
        let costs = Costs::new(0.005, 1.0, 0.01).unwrap();
        assert!((costs.best() - 1.0).abs() < 1e-12);
        let total = |b: f64| 0.005 / b + 0.01 * b / 2.0;
        for b in [0.3, 0.5, 2.0, 3.0] {
            assert!((costs.relative(b) - total(b) / total(costs.best())).abs() < 1e-12);
        }
        assert_eq!(off_the_best(2.0), 1.25);
        assert_eq!((off_the_best(3.0) * 100.0).round(), 167.0);
    }

    #[test]
    fn sizes_for_a_server_far_and_near() {
        let best = |setup, item| Costs::new(setup, item, 0.01).unwrap().best().round();
        assert_eq!([1e-4, 1e-3, 1e-2, 1e-1].map(|item| best(0.005, item)), [100.0, 32.0, 10.0, 3.0]);
        assert_eq!([1e-4, 1e-3, 1e-2, 1e-1].map(|item| best(0.0002, item)), [20.0, 6.0, 2.0, 1.0]);
    }

    #[test]
    fn dearer_holding_makes_smaller_batches() {
        let best = |h| Costs::new(0.005, 0.001, h).unwrap().best();
        assert!((best(0.01) / best(0.04) - 2.0).abs() < 1e-12);
        assert_eq!(best(0.0), f64::INFINITY);
        assert!((holding(0.01, 0.001, 30.0, 2.0) - 0.0123).abs() < 1e-12);
    }

    #[test]
    fn a_thousand_rows_at_once_are_a_thousand_times_fewer_setups() {
        let costs = Costs::new(0.05, 1e-9, 0.0).unwrap();
        assert!((1e6 / costs.rate(1.0) / 3600.0 - 13.9).abs() < 0.02);
        assert!((1e6 / costs.rate(1_000.0) - 50.0).abs() < 0.01);
    }

    #[test]
    fn each_limit_can_decide() {
        let costs = Costs::new(0.005, 0.001, 0.01).unwrap();
        let none = Limits { overhead: f64::INFINITY, ..Limits::default() };
        let bound = |limits: Limits| costs.advise(&limits);
        assert_eq!(bound(none), Advice { size: 32, bound: Bound::Best });
        assert_eq!(bound(Limits::default()), Advice { size: 250, bound: Bound::Overhead });
        assert_eq!(
            bound(Limits { round_trip: 0.0995, ..none }),
            Advice { size: 101, bound: Bound::RoundTrip }
        );
        assert_eq!(bound(Limits { latency: 0.01, ..none }), Advice { size: 10, bound: Bound::Latency });
        assert_eq!(bound(Limits { lease: 0.08, ..none }), Advice { size: 20, bound: Bound::Lease });
        let last = Limits { remaining: 80.0, workers: 8.0, ..none };
        assert_eq!(bound(last), Advice { size: 5, bound: Bound::Fairness });
        assert_eq!(bound(Limits { remaining: 1.0, ..last }).size, 1);
        let free = Costs::new(0.005, 0.001, 0.0).unwrap().advise(&Limits::default());
        assert_eq!(free, Advice { size: 250, bound: Bound::Overhead });
        // b* is 0.01: one at a time, and nothing has raised it.
        let cheap = Costs::new(1e-6, 1.0, 0.02).unwrap().advise(&Limits::default());
        assert_eq!(cheap, Advice { size: 1, bound: Bound::Best });
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Costs::new(0.0, 1.0, 0.0).is_err());
        assert!(Costs::new(1.0, f64::NAN, 0.0).is_err());
        assert!(Costs::new(1.0, 1.0, -1.0).is_err());
        assert_eq!([0.0, 100.0].map(|rate| group_commit(rate, 0.1)), [1.0, 10.0]);
    }
}
