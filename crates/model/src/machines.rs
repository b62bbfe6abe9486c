//! Are ten big machines cheaper than a thousand small ones? A law, and what the machines cost.
//!
//! The law says what n machines lose to each other. It is taken to be the same for machines of any speed, as long as
//! nothing else limits them: n machines of speed s do `s X(n)`. That is right where coordination is done by the machines,
//! and is faster on faster ones. Where they share something that is not (a database elsewhere), none get past what
//! that can do, which is the law's own roof: [`Fleet::bounded`].

use crate::error::{Error, require_positive};
use crate::law::Curve;

/// A kind of machine that can be had.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// What to call it.
    pub name: String,
    /// Throughput of one, over that of one of those the law was measured on.
    pub speed: f64,
    /// What one costs for as long as one wants, in any currency.
    pub price: f64,
}

impl Machine {
    /// A machine.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless speed and price are above zero.
    pub fn new(name: impl Into<String>, speed: f64, price: f64) -> Result<Machine, Error> {
        let speed = require_positive("the speed of a machine", speed)?;
        Ok(Machine { name: name.into(), speed, price: require_positive("the price of a machine", price)? })
    }

    /// `n` of them under `curve`.
    #[must_use]
    pub fn fleet(&self, curve: Curve, n: u32) -> Fleet {
        let throughput = self.speed * curve.throughput(f64::from(n));
        let cost = self.price * f64::from(n);
        Fleet { n, throughput, bounded: throughput.min(curve.roof()), cost, unit_cost: cost / throughput }
    }

    /// The fewest that reach `throughput` under `curve`; None if no number up to `n_max` does.
    #[must_use]
    pub fn fleet_for(&self, curve: Curve, throughput: f64, n_max: u32) -> Option<Fleet> {
        // Throughput rises up to the law's peak, if it has one: search there.
        let peak = if let Curve::Usl(usl) = curve { usl.peak() } else { None };
        let top = peak.map_or(n_max, |peak| best_whole(curve, peak).min(n_max));
        let reaches = |n: u32| self.speed * curve.throughput(f64::from(n)) >= throughput;
        if top == 0 || !reaches(top) {
            return None;
        }
        let (mut below, mut n) = (0, top);
        while n - below > 1 {
            let middle = below.midpoint(n);
            if reaches(middle) { n = middle } else { below = middle }
        }
        Some(self.fleet(curve, n))
    }
}

/// The better one of the two whole numbers beside a peak.
fn best_whole(curve: Curve, peak: f64) -> u32 {
    let below = peak.floor().max(1.0);
    (if curve.throughput(below + 1.0) > curve.throughput(below) { below + 1.0 } else { below }) as u32
}

/// So many machines of one kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fleet {
    /// How many.
    pub n: u32,
    /// What they get done.
    pub throughput: f64,
    /// What they get done if what they share does not get faster with them: at most the law's roof.
    pub bounded: f64,
    /// What they cost.
    pub cost: f64,
    /// What they cost for one unit of throughput.
    pub unit_cost: f64,
}

impl Fleet {
    /// What they cost for one unit of [`Fleet::bounded`] throughput.
    #[must_use]
    pub fn bounded_unit_cost(&self) -> f64 {
        self.cost / self.bounded
    }
}

/// What each kind of machine makes of the same nominal power, `power` times one machine of speed 1: a thousand small ones or
/// ten that are a hundred times as fast. Cheapest throughput first, with the place of the kind in `machines`.
///
/// A kind of which less than half a machine would be that much is left out.
#[must_use]
pub fn equal_power(curve: Curve, machines: &[Machine], power: f64) -> Vec<(usize, Fleet)> {
    let fleet = |(place, machine): (usize, &Machine)| {
        let n = (power / machine.speed).round();
        (n >= 1.0).then(|| (place, machine.fleet(curve, n.min(f64::from(u32::MAX)) as u32)))
    };
    by_unit_cost(machines.iter().enumerate().filter_map(fleet).collect())
}

/// What each kind of machine costs that is to reach the same `throughput`, with at most `n_max` machines. Cheapest first;
/// kinds that cannot reach it are left out.
#[must_use]
pub fn equal_throughput(
    curve: Curve,
    machines: &[Machine],
    throughput: f64,
    n_max: u32,
) -> Vec<(usize, Fleet)> {
    let fleet =
        |(place, machine): (usize, &Machine)| Some((place, machine.fleet_for(curve, throughput, n_max)?));
    let mut fleets: Vec<(usize, Fleet)> = machines.iter().enumerate().filter_map(fleet).collect();
    fleets.sort_by(|a, b| a.1.cost.total_cmp(&b.1.cost));
    fleets
}

fn by_unit_cost(mut fleets: Vec<(usize, Fleet)>) -> Vec<(usize, Fleet)> {
    fleets.sort_by(|a, b| a.1.unit_cost.total_cmp(&b.1.unit_cost));
    fleets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usl::Usl;

    const USL: Curve = Curve::Usl(Usl { alpha: 0.02, beta: 2e-4, lambda: 10.0 });

    fn offers() -> [Machine; 2] {
        [Machine::new("small", 1.0, 0.05).unwrap(), Machine::new("big", 100.0, 4.0).unwrap()]
    }

    #[test]
    fn ten_big_ones_beat_a_thousand_small_ones() {
        let fleets = equal_power(USL, &offers(), 1_000.0);
        let [(1, big), (0, small)] = fleets[..] else { panic!("{fleets:?}") };
        assert_eq!((big.n, small.n), (10, 1_000));
        assert_eq!((big.cost, small.cost), (40.0, 50.0));
        // Ten lose a sixth to each other; a thousand are slower than seventy.
        assert!((big.throughput / (10.0 * 1_000.0) - 0.835).abs() < 0.01, "{big:?}");
        assert!(small.throughput < USL.throughput(70.0));
        assert!(small.unit_cost > 100.0 * big.unit_cost);
        // If what they share stays as it is, nobody gets past what seventy small ones do.
        assert!((big.bounded - USL.throughput(70.0)).abs() < 1e-9);
        assert!((big.bounded_unit_cost() - 40.0 / USL.throughput(70.0)).abs() < 1e-9);
    }

    #[test]
    fn without_coordination_the_price_decides() {
        let linear = Curve::Linear { lambda: 10.0 };
        let [small, big] = offers();
        let dear = Machine { price: 6.0, ..big };
        let fleets = equal_power(linear, &[small, dear], 1_000.0);
        assert_eq!(fleets.iter().map(|fleet| fleet.0).collect::<Vec<_>>(), [0, 1]);
        assert!(fleets[0].1.bounded == fleets[0].1.throughput);
    }

    #[test]
    fn the_fewest_that_reach_a_throughput() {
        let [small, big] = offers();
        let at_most = USL.throughput(70.0);
        let fleet = small.fleet_for(USL, 150.0, 10_000).unwrap();
        assert!(fleet.throughput >= 150.0 && small.fleet(USL, fleet.n - 1).throughput < 150.0);
        assert_eq!(small.fleet_for(USL, at_most, 10_000).unwrap().n, 70);
        assert_eq!(small.fleet_for(USL, at_most + 0.01, 10_000), None);
        assert_eq!(small.fleet_for(USL, 150.0, 3), None);
        let fleets = equal_throughput(USL, &[small, big], at_most + 0.01, 10_000);
        assert_eq!(fleets.iter().map(|fleet| (fleet.0, fleet.1.n)).collect::<Vec<_>>(), [(1, 1)]);
    }

    #[test]
    fn free_and_idle_machines_are_refused() {
        assert!(Machine::new("free", 1.0, 0.0).is_err() && Machine::new("idle", 0.0, 1.0).is_err());
        assert!(equal_power(USL, &offers(), 10.0).iter().all(|fleet| fleet.0 == 0));
    }
}
