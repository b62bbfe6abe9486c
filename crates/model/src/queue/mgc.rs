//! M/G/c: random arrivals, any service times, c servers. No closed form is known for more than one server.

use super::Mmc;
use crate::error::{Error, require_not_negative};

/// A queue whose service times have the squared coefficient of variation `scv`: 0 if all are equal, 1 if exponential.
///
/// Exact with one server (Pollaczek and Khinchine). With more it is an approximation: between equal and exponential
/// times Cosmetatos' (1975) interpolation, which is good to a few percent; above, Allen and Cunneen's
/// `(1 + scv)/2` times the wait of M/M/c, which is right in heavy traffic and too high in light traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mgc {
    /// The same queue with exponential service times.
    pub exponential: Mmc,
    scv: f64,
}

impl Mgc {
    /// `arrival` per second; `service` mean seconds, with `scv = variance/mean^2`; at least one server.
    ///
    /// # Errors
    /// [`Error::Invalid`] for anything else.
    pub fn new(arrival: f64, service: f64, scv: f64, servers: u32) -> Result<Mgc, Error> {
        let scv = require_not_negative("the squared coefficient of variation", scv)?;
        Ok(Mgc { exponential: Mmc::new(arrival, service, servers)?, scv })
    }

    /// Mean seconds in the queue; infinite if overloaded.
    #[must_use]
    pub fn wait(&self) -> f64 {
        let exponential = self.exponential.wait();
        if self.exponential.is_overloaded() {
            f64::INFINITY
        } else if self.scv >= 1.0 {
            exponential * (1.0 + self.scv) / 2.0
        } else {
            exponential * (self.scv + (1.0 - self.scv) * self.share_when_equal())
        }
    }

    /// Mean seconds from coming to leaving.
    #[must_use]
    pub fn response(&self) -> f64 {
        self.wait() + self.exponential.service()
    }

    /// Mean number in the queue, those in service not counted.
    #[must_use]
    pub fn depth(&self) -> f64 {
        super::little(self.exponential.arrival(), self.wait())
    }

    /// The wait of M/D/c as a share of that of M/M/c: a half with one server, more with many idle ones.
    fn share_when_equal(&self) -> f64 {
        let (c, rho) = (f64::from(self.exponential.servers()), self.exponential.utilisation());
        let light = (1.0 - rho) * (c - 1.0) * ((4.0 + 5.0 * c).sqrt() - 2.0) / (16.0 * rho * c);
        // In very light traffic the correction leaves its range, and nothing waits anyway.
        (0.5 * (1.0 + light)).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Mean wait of a first-come-first-served queue, one customer after the other.
    fn simulated(arrival: f64, servers: usize, mut service: impl FnMut(&mut Rng) -> f64) -> f64 {
        let (mut rng, mut now, mut total) = (Rng::new(7), 0.0, 0.0);
        let mut free = vec![0.0f64; servers];
        let customers = 400_000;
        for _ in 0..customers {
            now += rng.exponential(1.0 / arrival);
            let first = (0..servers).min_by(|&a, &b| free[a].total_cmp(&free[b])).unwrap();
            let start = free[first].max(now);
            total += start - now;
            free[first] = start + service(&mut rng);
        }
        total / f64::from(customers)
    }

    #[test]
    fn one_server_is_exact() {
        let queue = |scv| Mgc::new(0.8, 1.0, scv, 1).unwrap().wait();
        for (scv, wait) in [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0), (4.0, 10.0)] {
            assert!((queue(scv) - wait).abs() < 1e-12, "{scv}: {}", queue(scv));
        }
    }

    #[test]
    fn equal_times_and_wild_ones_agree_with_simulation() {
        let equal = Mgc::new(3.4, 1.0, 0.0, 4).unwrap().wait();
        let measured = simulated(3.4, 4, |_| 1.0);
        assert!((equal / measured - 1.0).abs() < 0.05, "{equal} {measured}");
        // One in ten takes 5.5 times the mean, the rest a half: scv 2.25.
        let wild = Mgc::new(3.4, 1.0, 2.25, 4).unwrap().wait();
        let measured = simulated(3.4, 4, |rng| if rng.unit() < 0.1 { 5.5 } else { 0.5 });
        assert!((wild / measured - 1.0).abs() < 0.1, "{wild} {measured}");
    }

    #[test]
    fn overload_is_infinite_and_light_load_bounded() {
        assert_eq!(Mgc::new(5.0, 1.0, 0.0, 4).unwrap().wait(), f64::INFINITY);
        let light = Mgc::new(1e-3, 1.0, 0.0, 50).unwrap();
        assert!(light.wait() <= light.exponential.wait());
    }
}
