//! What each round trip to the store cost this node, noted while ordinary work goes on.
//!
//! Only trips of a node that had work are noted: one that found nothing says how long nothing took.

use divvy_core::Toll;
use divvy_core::toll::{Cost, Habits, Trip};
use divvy_decide::Worked;
use divvy_store::{Exchange, Reply};

/// The toll, and what has gathered since the last round trip.
#[derive(Debug, Default)]
pub(crate) struct Paying {
    workers: u64,
    toll: Toll,
    habits: Habits,
    /// When the last noted trip ended; `None` if there was none, or it found nothing to do.
    ended_ns: Option<u64>,
    ran: u64,
    run_ns: u64,
    /// Of the node, and of the machine.
    cpu_ns: (u64, u64),
}

impl Paying {
    /// Of a node with so many workers.
    pub(crate) fn of(workers: u64) -> Paying {
        Paying { workers, ..Paying::default() }
    }

    /// The toll since this was last asked.
    pub(crate) fn since_last(&mut self) -> Toll {
        std::mem::take(&mut self.toll)
    }

    /// Workers have run tasks.
    pub(crate) fn on_worked<'a>(&mut self, worked: impl Iterator<Item = &'a Worked>) {
        for worked in worked {
            self.ran += worked.tasks;
            self.run_ns += worked.run_ns;
        }
    }

    /// A round trip has ended. `cpu_ns` is what the node has used since it began, and the machine.
    pub(crate) fn on_trip(
        &mut self,
        exchange: &Exchange,
        reply: &Reply,
        cost: Option<Cost>,
        (sent_ns, ended_ns): (u64, u64),
        cpu_ns: (u64, u64),
    ) {
        let (ran, run_ns) = (std::mem::take(&mut self.ran), std::mem::take(&mut self.run_ns));
        let cpu_before = std::mem::replace(&mut self.cpu_ns, cpu_ns);
        let found = exchange.claim.is_none() || !reply.leases.is_empty();
        let ended_before = std::mem::replace(&mut self.ended_ns, found.then_some(ended_ns));
        let Some(before) = ended_before.filter(|_| found && reply.hungry == 0) else { return };
        let told = |report: &divvy_store::Report| report.done.len() + report.failed.len() as u64;
        let trip = Trip {
            workers: reply.workers,
            own: self.workers,
            total_ns: ended_ns.saturating_sub(sent_ns),
            gap_ns: sent_ns.saturating_sub(before),
            cost,
            tasks: exchange.reports.iter().map(told).sum(),
            ran,
            run_ns,
            cpu_ns: cpu_ns.0.saturating_sub(cpu_before.0),
            busy_ns: cpu_ns.1.saturating_sub(cpu_before.1),
        };
        self.toll.pay(&trip, &mut self.habits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::toll::Sum;
    use divvy_core::{Demand, Fence, Intervals, JobId, Range};
    use divvy_store::{Claim, Lease, Report};

    fn claim() -> Exchange {
        let claim = Claim {
            only: None,
            handlers: vec![],
            capacity: Demand::new(),
            wants: vec![],
            want_new: 1,
            bytes_max: 1,
            leases_max: 1,
            isolated_max: 1,
            below: None,
            backups: vec![],
        };
        let report = Report { done: Range::new(0, 3).into(), ..Report::default() };
        Exchange { reports: vec![report], claim: Some(claim), ..Exchange::default() }
    }

    fn reply(granted: bool) -> Reply {
        let lease = Lease {
            job: JobId(1),
            fence: Fence(1),
            open: Intervals::new(),
            attempts: 0,
            crashes: 0,
            quarantined: false,
            taken: 0,
            class: 0,
            demand: Demand::new(),
        };
        Reply { workers: 4, leases: if granted { vec![lease] } else { vec![] }, ..Reply::default() }
    }

    #[test]
    fn a_trip_is_noted_with_what_happened_since_the_one_before() {
        let mut paying = Paying::of(2);
        paying.on_trip(&claim(), &reply(true), None, (10, 20), (5, 7));
        assert_eq!(paying.toll.levels().count(), 0, "nobody knows what came before the first");
        let worked = Worked { run_ns: 70, tasks: 7, ..Worked::default() };
        paying.on_worked([&worked, &worked].into_iter());
        paying.on_trip(&claim(), &reply(true), Some(Cost::default()), (50, 90), (25, 37));
        let level = *paying.toll.levels().next().unwrap();
        let sums = [
            Sum::Trips,
            Sum::Workers,
            Sum::Total,
            Sum::Gap,
            Sum::Told,
            Sum::Tasks,
            Sum::Ran,
            Sum::Run,
            Sum::Cpu,
            Sum::Busy,
            Sum::Own,
        ];
        assert_eq!(sums.map(|sum| level.get(sum)), [1, 4, 40, 30, 1, 3, 14, 140, 20, 30, 2 * 70]);
    }

    #[test]
    fn trips_that_find_nothing_are_not_noted_nor_is_the_time_after_them() {
        let mut paying = Paying::of(2);
        paying.on_trip(&claim(), &reply(true), None, (0, 1), (0, 0));
        paying.on_trip(&claim(), &reply(false), None, (2, 3), (0, 0));
        paying.on_trip(&claim(), &reply(true), None, (900, 901), (0, 0));
        assert_eq!(paying.toll.levels().count(), 0);
        paying.on_trip(&Exchange::default(), &reply(false), None, (902, 903), (0, 0));
        assert_eq!(paying.toll.levels().count(), 1, "a report asks for nothing");
    }
}
