//! M/M/c: random arrivals, random service times, c servers, one queue.

use crate::error::{Error, require_positive};

/// Beyond this many servers the recursion takes seconds, and no queue has them.
const SERVERS_MAX: u32 = 100_000_000;

/// A queue with exponential times between arrivals, exponential service times and `servers` equal servers.
///
/// Everything about waiting is infinite if the work that comes is as much as the servers can do, or more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mmc {
    arrival: f64,
    service: f64,
    servers: u32,
    /// Probability that one who comes has to wait.
    waiting: f64,
}

impl Mmc {
    /// `arrival` per second, `service` mean seconds, at least one server.
    ///
    /// # Errors
    /// [`Error::Invalid`] for anything else.
    pub fn new(arrival: f64, service: f64, servers: u32) -> Result<Mmc, Error> {
        let load = offered(arrival, service)?;
        let must = "between 1 and 100 million";
        if servers == 0 || servers > SERVERS_MAX {
            return Err(Error::Invalid { what: "the number of servers", value: f64::from(servers), must });
        }
        let mut blocked = 1.0;
        for c in 1..=servers {
            blocked = erlang_b_step(load, blocked, c);
        }
        Ok(Mmc { arrival, service, servers, waiting: erlang_c(load, blocked, servers) })
    }

    /// Arrivals per second.
    #[must_use]
    pub fn arrival(&self) -> f64 {
        self.arrival
    }

    /// Mean seconds of service.
    #[must_use]
    pub fn service(&self) -> f64 {
        self.service
    }

    /// Number of servers.
    #[must_use]
    pub fn servers(&self) -> u32 {
        self.servers
    }

    /// How many servers the work that comes would keep busy without a break: `arrival * service` (Erlang).
    #[must_use]
    pub fn load(&self) -> f64 {
        self.arrival * self.service
    }

    /// Load per server; 1 and above is more than they can do.
    #[must_use]
    pub fn utilisation(&self) -> f64 {
        self.load() / f64::from(self.servers)
    }

    /// True if more comes than can be served, or exactly as much: the queue grows without end.
    #[must_use]
    pub fn is_overloaded(&self) -> bool {
        self.load() >= f64::from(self.servers)
    }

    /// Probability that one who comes has to wait (Erlang C).
    #[must_use]
    pub fn wait_probability(&self) -> f64 {
        self.waiting
    }

    /// Mean seconds in the queue, before service.
    #[must_use]
    pub fn wait(&self) -> f64 {
        mean_wait(self.waiting, self.load(), self.service, self.servers)
    }

    /// Mean seconds from coming to leaving.
    #[must_use]
    pub fn response(&self) -> f64 {
        self.wait() + self.service
    }

    /// Mean number in the queue, those in service not counted.
    #[must_use]
    pub fn depth(&self) -> f64 {
        super::little(self.arrival, self.wait())
    }

    /// The wait that the share `part` of all stays within (0.99: the 99th percentile), in seconds.
    ///
    /// Closed, for a first-come-first-served queue: `P(wait > t) = P(wait) exp(-(c/S - arrival) t)`.
    #[must_use]
    pub fn wait_quantile(&self, part: f64) -> f64 {
        if self.is_overloaded() {
            return f64::INFINITY;
        }
        let drain = f64::from(self.servers) / self.service - self.arrival;
        ((self.waiting / (1.0 - part)).ln() / drain).max(0.0)
    }
}

/// The fewest servers with which the mean wait is at most `target_wait` seconds.
///
/// # Errors
/// [`Error::Invalid`] if a quantity is not above zero, or if it takes more than 100 million servers.
pub fn servers_for(arrival: f64, service: f64, target_wait: f64) -> Result<u32, Error> {
    let load = offered(arrival, service)?;
    let target = require_positive("the target wait", target_wait)?;
    let mut blocked = 1.0;
    for c in 1..=SERVERS_MAX {
        blocked = erlang_b_step(load, blocked, c);
        if mean_wait(erlang_c(load, blocked, c), load, service, c) <= target {
            return Ok(c);
        }
    }
    Err(Error::Invalid {
        what: "arrival times service",
        value: load,
        must: "less than 100 million servers can do",
    })
}

fn offered(arrival: f64, service: f64) -> Result<f64, Error> {
    let arrival = require_positive("the arrival rate", arrival)?;
    let service = require_positive("the service time", service)?;
    Ok(arrival * service)
}

/// Erlang B for `c` servers from that for `c - 1`. Every term is positive and at most 1, so thousands of servers lose no
/// digits; the formula with powers and factorials overflows at 171.
fn erlang_b_step(load: f64, blocked: f64, c: u32) -> f64 {
    load * blocked / (f64::from(c) + load * blocked)
}

/// Erlang C from Erlang B.
fn erlang_c(load: f64, blocked: f64, servers: u32) -> f64 {
    let free = 1.0 - load / f64::from(servers);
    if free <= 0.0 { 1.0 } else { blocked / (free + (1.0 - free) * blocked) }
}

fn mean_wait(waiting: f64, load: f64, service: f64, servers: u32) -> f64 {
    let spare = f64::from(servers) - load;
    if spare <= 0.0 { f64::INFINITY } else { waiting * service / spare }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, relative: f64) {
        assert!((a / b - 1.0).abs() <= relative, "{a} is not {b}");
    }

    #[test]
    fn one_server_is_the_textbook() {
        // W = S rho/(1 - rho): .1, .4, .9, 1.9, 9.9, 99.9 s behind a server of 100 ms.
        for (rho, wait) in [(0.5, 0.1), (0.8, 0.4), (0.9, 0.9), (0.95, 1.9), (0.99, 9.9), (0.999, 99.9)] {
            let queue = Mmc::new(rho * 10.0, 0.1, 1).unwrap();
            near(queue.wait(), wait, 1e-9);
            near(queue.depth(), rho * rho / (1.0 - rho), 1e-9);
            near(queue.wait_probability(), rho, 1e-12);
        }
    }

    #[test]
    fn two_servers_by_hand() {
        // rho = 2/3: p0 = 1/5, C = 8/15.
        let queue = Mmc::new(4.0, 1.0 / 3.0, 2).unwrap();
        near(queue.wait_probability(), 8.0 / 15.0, 1e-12);
        near(queue.wait(), 8.0 / 15.0 / 3.0 / (2.0 - 4.0 / 3.0), 1e-12);
    }

    #[test]
    fn pooling_kills_the_wait() {
        let queue = Mmc::new(1_000.0, 0.1, 102).unwrap();
        assert_eq!((queue.wait() * 1e3).round(), 39.0);
        assert_eq!(queue.depth().round(), 39.0);
        assert_eq!((Mmc::new(1_000.0, 0.1, 106).unwrap().wait() * 1e3).round(), 7.0);
    }

    #[test]
    fn one_server_of_100_ms_cannot_serve_1000_a_second() {
        let queue = Mmc::new(1_000.0, 0.1, 1).unwrap();
        assert!(queue.is_overloaded());
        assert_eq!([queue.wait(), queue.depth(), queue.wait_quantile(0.5)], [f64::INFINITY; 3]);
        assert_eq!(Mmc::new(1_000.0, 0.1, 100).unwrap().wait(), f64::INFINITY);
        assert!(Mmc::new(1_000.0, 0.1, 101).unwrap().wait().is_finite());
    }

    #[test]
    fn the_fewest_servers_are_the_fewest() {
        for target in [1e-6, 0.007, 0.05, 1.0, 1e9] {
            let servers = servers_for(1_000.0, 0.1, target).unwrap();
            assert!(Mmc::new(1_000.0, 0.1, servers).unwrap().wait() <= target);
            assert!(Mmc::new(1_000.0, 0.1, servers - 1).unwrap().wait() > target);
        }
    }

    #[test]
    fn thousands_of_servers_lose_no_digits() {
        // Halfin and Whitt: with beta = (1 - rho) sqrt(c) fixed, C tends to 1/(1 + beta Phi(beta)/phi(beta)), .2234 at 1.
        let c = 1_000_000u32;
        let load = f64::from(c) - f64::from(c).sqrt();
        let queue = Mmc::new(load, 1.0, c).unwrap();
        near(queue.wait_probability(), 0.2234, 2e-3);
    }

    #[test]
    fn a_quantile_leaves_the_share_beyond_it() {
        let queue = Mmc::new(90.0, 0.1, 10).unwrap();
        let t = queue.wait_quantile(0.99);
        near(queue.wait_probability() * (-(10.0 / 0.1 - 90.0) * t).exp(), 0.01, 1e-9);
        assert_eq!(Mmc::new(1.0, 0.1, 10).unwrap().wait_quantile(0.5), 0.0);
    }

    #[test]
    fn what_is_no_queue_is_refused() {
        for (arrival, service, servers) in
            [(0.0, 0.1, 1), (-1.0, 0.1, 1), (f64::NAN, 0.1, 1), (1.0, f64::INFINITY, 1), (1.0, 0.1, 0)]
        {
            assert!(matches!(Mmc::new(arrival, service, servers), Err(Error::Invalid { .. })));
        }
        assert!(servers_for(1.0, 1.0, 0.0).is_err());
    }
}
