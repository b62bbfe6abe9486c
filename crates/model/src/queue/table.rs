//! The table everybody should have seen once: what the last percents of utilisation cost.

use super::Mmc;
use crate::Error;

/// The utilisations of [`table`].
const UTILISATIONS: [f64; 7] = [0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999];

/// Servers at a given utilisation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Share of the servers that is busy.
    pub utilisation: f64,
    /// Arrivals per second that make it so.
    pub arrival: f64,
    /// Mean seconds in the queue.
    pub wait: f64,
    /// Mean seconds from coming to leaving.
    pub response: f64,
    /// Mean number in the queue.
    pub depth: f64,
}

/// Waits and depths of `servers` servers with a mean service time of `service` seconds, from half busy to 99.9 %.
///
/// # Errors
/// [`Error::Invalid`] as for [`Mmc::new`].
pub fn table(service: f64, servers: u32) -> Result<Vec<Row>, Error> {
    UTILISATIONS
        .iter()
        .map(|&utilisation| {
            let queue = Mmc::new(utilisation * f64::from(servers) / service, service, servers)?;
            Ok(Row {
                utilisation,
                arrival: queue.arrival(),
                wait: queue.wait(),
                response: queue.response(),
                depth: queue.depth(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrivals_are_those_the_servers_can_take() {
        let rows = table(0.1, 1).unwrap();
        // One server of 100 ms takes ten a second at most: a table that says "at 1000 a second" is wrong.
        assert!(rows.iter().all(|row| row.arrival < 10.0));
        let last = rows.last().unwrap();
        assert!((last.wait - 99.9).abs() < 1e-6 && (last.depth - 998.0).abs() < 0.1, "{last:?}");
        assert!(table(0.1, 0).is_err() && table(0.0, 1).is_err());
    }
}
