//! What limits a program, from what its runs took of the machine.
//!
//! With n workers a run of `t` seconds is paid with `n t` worker-seconds. They went into the processor time that the
//! work takes with the fewest workers, into more processor time than that, or into waiting. Which of these grows with n
//! tells what kind of limit it is, and needs no knowledge of the program.

use super::ladder::Typical;

/// Below this share of what the processors allow something limits.
pub const GOOD: f64 = 0.8;
/// Below this efficiency more workers that wait for something outside get little more out of it.
const GROWS: f64 = 0.5;
/// The processors are full when so much of them is used.
pub const FULL: f64 = 0.9;
/// A worker that is on a processor less than this, alone, waits for something else than other workers.
const BUSY: f64 = 0.5;
/// More switches than these for each worker are hand-offs; fewer come with starting workers and waiting for their end.
const SWITCHES: f64 = 10.0;
/// Processor time for a unit of work that has grown so much has grown.
const GROWN: f64 = 1.25;
/// Others that use so much of all processors disturb, if nothing is left over.
const CROWD: f64 = 0.1;
/// And if workers were taken off a processor more often than this, each.
const TAKEN_OFF: f64 = 5.0;

/// What keeps more workers from doing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing so far.
    Parallel,
    /// Workers wait for something outside: a disk, a network, a clock. With more of them throughput grows on.
    Io,
    /// The same, and throughput no longer grows: what they wait for is at its limit.
    IoLimit,
    /// They wait for each other, again and again.
    Lock,
    /// They wait for each other in a few long stretches.
    Serial,
    /// The same work takes more processor time with more of them.
    Contention,
    /// All processors are used.
    Cores,
    /// Waiting for each other, or for other programs that had the machine, cannot be told from waiting for something
    /// outside: the machine was busy, or no worker was seen alone.
    Unknown,
}

impl Kind {
    /// One word, for JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Parallel => "parallel",
            Kind::Io => "io",
            Kind::IoLimit => "io-limit",
            Kind::Lock => "lock",
            Kind::Serial => "serial",
            Kind::Contention => "contention",
            Kind::Cores => "cores",
            Kind::Unknown => "unknown",
        }
    }
}

/// Where the worker-seconds of a unit of work went, as shares of what was paid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// The processor time it takes with the fewest workers.
    pub work: f64,
    /// More processor time than that.
    pub more: f64,
    /// Not on a processor.
    pub waiting: f64,
}

/// A limit and what shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Which.
    pub kind: Kind,
    /// The fewest workers that were measured.
    pub fewest: u64,
    /// The most.
    pub most: u64,
    /// Throughput for each worker with the most, over that with the fewest.
    pub efficiency: f64,
    /// The same of the best runs, where no more workers count than there are processors.
    pub of_processors: f64,
    /// Where the worker-seconds went with the most.
    pub shares: Shares,
    /// Processors in use with the most, by the program.
    pub cores_used: f64,
    /// The same by others.
    pub others: f64,
    /// Whether others took what the program may have waited for.
    pub crowded: bool,
    /// The part of the time that a worker was on a processor with the fewest.
    pub busy_alone: f64,
    /// Processor time for a unit of work with the most, over that with the fewest.
    pub cpu_growth: f64,
    /// The system's part of that growth.
    pub system_share: f64,
    /// Voluntary context switches for each worker with the most, beyond those with the fewest.
    pub switches: f64,
}

/// What limits, by the rungs in order of workers; `None` for fewer than two.
pub fn limit(rungs: &[Typical], cores: u64) -> Option<Limit> {
    let [first, .., last] = rungs else { return None };
    let capped = |of: &Typical| of.n.min(cores) as f64;
    let of_processors = last.rate_best / first.rate_best * capped(first) / capped(last);
    let facts = Limit {
        of_processors,
        // Who has a processor all the time can be on it half of that, if two share it.
        busy_alone: first.cpu_s / (capped(first) * first.wall_s),
        crowded: is_crowded(first, cores) || is_crowded(last, cores),
        ..facts(first, last)
    };
    Some(Limit { kind: kind(&facts, cores), ..facts })
}

/// Whether a run had to share the processors, and none was free.
fn is_crowded(run: &Typical, cores: u64) -> bool {
    let cores = cores as f64;
    let is_taken_off = run.involuntary >= TAKEN_OFF * run.n as f64;
    is_taken_off && run.others >= CROWD * cores && run.others + run.cpu_s / run.wall_s >= FULL * cores
}

/// What shows the limit, all but what depends on the processors there are.
fn facts(first: &Typical, last: &Typical) -> Limit {
    let paid = |of: &Typical| of.n as f64 * of.wall_s / of.work;
    let (cpu_first, cpu_last) = (first.cpu_s / first.work, last.cpu_s / last.work);
    let more = (cpu_last - cpu_first).max(0.0);
    let share = |seconds: f64| (seconds / paid(last)).clamp(0.0, 1.0);
    let system_more = (last.sys_s / last.work - first.sys_s / first.work).max(0.0);
    let switches = last.voluntary - first.voluntary * last.work / first.work;
    Limit {
        kind: Kind::Parallel,
        fewest: first.n,
        most: last.n,
        efficiency: last.rate / last.n as f64 / (first.rate / first.n as f64),
        of_processors: 0.0,
        shares: Shares {
            work: share(cpu_first.min(cpu_last)),
            more: share(more),
            waiting: share(paid(last) - cpu_last),
        },
        cores_used: last.cpu_s / last.wall_s,
        others: last.others.max(first.others),
        crowded: false,
        busy_alone: 0.0,
        cpu_growth: cpu_last / cpu_first,
        system_share: if more > 0.0 { (system_more / more).min(1.0) } else { 0.0 },
        switches: (switches / last.n as f64).max(0.0),
    }
}

fn kind(facts: &Limit, cores: u64) -> Kind {
    let (cores, most) = (cores as f64, facts.most as f64);
    let is_good = facts.of_processors >= GOOD;
    let waits_alone = facts.busy_alone < BUSY;
    if waits_alone && facts.fewest > 1 && !is_good {
        // Several wait, and it may well be for each other.
        return if facts.switches < SWITCHES { Kind::Unknown } else { Kind::Lock };
    }
    if waits_alone && !facts.crowded {
        return if facts.efficiency >= GROWS { Kind::Io } else { Kind::IoLimit };
    }
    if !waits_alone && is_good {
        let is_full = most > cores && facts.efficiency < GOOD;
        return if is_full { Kind::Cores } else { Kind::Parallel };
    }
    let has_grown = facts.cpu_growth >= GROWN;
    // More workers than processors wait for one, whatever else they do: that is no waiting for each other.
    if facts.cores_used >= FULL * cores && most > cores {
        return if has_grown { Kind::Contention } else { Kind::Cores };
    }
    // Others make a program wait, but not compute more, nor hand over more often: these two are seen in any crowd.
    let is_more = if facts.crowded { has_grown } else { facts.shares.more >= facts.shares.waiting };
    if !is_good && is_more {
        Kind::Contention
    } else if !is_good && facts.switches >= SWITCHES {
        Kind::Lock
    } else if facts.crowded {
        Kind::Unknown
    } else {
        Kind::Serial
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Typical = Typical {
        n: 1,
        rate: 1.0,
        rate_best: 1.0,
        wall_s: 1.0,
        work: 1.0,
        cpu_s: 1.0,
        sys_s: 0.0,
        voluntary: 2.0,
        involuntary: 5.0,
        others: 0.0,
    };

    fn kind_of(first: Typical, last: Typical, cores: u64) -> Kind {
        limit(&[first, last], cores).unwrap().kind
    }

    /// The same work on `n` workers in `wall_s`.
    fn run(n: u64, wall_s: f64, cpu_s: f64, voluntary: f64) -> Typical {
        Typical { n, rate: 1.0 / wall_s, rate_best: 1.0 / wall_s, wall_s, cpu_s, voluntary, ..ALONE }
    }

    #[test]
    fn each_kind_shows_in_its_own_way() {
        assert_eq!(kind_of(ALONE, run(4, 0.27, 1.02, 6.0), 4), Kind::Parallel);
        assert_eq!(kind_of(ALONE, run(8, 0.5, 1.0, 10.0), 2), Kind::Cores);
        // Starting and ending leaves some of them unused.
        assert_eq!(kind_of(ALONE, run(4, 0.6, 1.0, 10.0), 2), Kind::Cores);
        assert_eq!(kind_of(ALONE, run(4, 1.0, 1.05, 900.0), 4), Kind::Lock);
        // On two processors as well: it uses one of them.
        assert_eq!(kind_of(ALONE, run(4, 1.0, 1.05, 900.0), 2), Kind::Lock);
        assert_eq!(kind_of(ALONE, run(4, 0.7, 1.0, 9.0), 4), Kind::Serial);
        assert_eq!(kind_of(ALONE, run(4, 1.0, 3.9, 9.0), 4), Kind::Contention);
        assert_eq!(kind_of(ALONE, run(8, 1.0, 3.9, 9.0), 4), Kind::Contention);
    }

    #[test]
    fn a_slow_run_among_good_ones_is_no_limit() {
        let last = Typical { rate_best: 1.9, ..run(2, 0.65, 1.0, 4.0) };
        assert_eq!(kind_of(ALONE, last, 2), Kind::Parallel);
    }

    #[test]
    fn who_waits_alone_waits_for_something_outside() {
        let alone = Typical { cpu_s: 0.05, ..ALONE };
        assert_eq!(kind_of(alone, run(8, 0.13, 0.06, 80.0), 2), Kind::Io);
        assert_eq!(kind_of(alone, run(8, 0.8, 0.06, 80.0), 2), Kind::IoLimit);
    }

    #[test]
    fn several_that_wait_may_wait_for_each_other() {
        let four = Typical { wall_s: 1.0, ..run(4, 1.0, 1.0, 400.0) };
        assert_eq!(kind_of(four, run(8, 1.0, 1.0, 420.0), 8), Kind::Unknown);
        assert_eq!(kind_of(four, run(8, 1.0, 1.0, 900.0), 8), Kind::Lock);
        // On two processors four workers that compute have half of one each.
        assert_eq!(kind_of(run(4, 0.5, 1.0, 8.0), run(8, 0.5, 1.0, 16.0), 2), Kind::Cores);
    }

    #[test]
    fn what_others_take_is_no_fault_of_the_program() {
        let crowded = |run: Typical| Typical { others: 1.5, involuntary: 500.0, ..run };
        let alone = crowded(Typical { wall_s: 3.0, rate: 1.0 / 3.0, rate_best: 1.0 / 3.0, ..ALONE });
        assert_eq!(kind_of(alone, crowded(run(2, 2.6, 1.0, 4.0)), 2), Kind::Unknown);
        assert_eq!(kind_of(alone, crowded(run(2, 2.6, 1.0, 400.0)), 2), Kind::Lock);
        assert_eq!(kind_of(alone, crowded(run(2, 3.2, 1.6, 4.0)), 2), Kind::Contention);
    }

    #[test]
    fn shares_add_up_to_what_was_paid() {
        let found = limit(&[ALONE, run(4, 1.0, 1.5, 900.0)], 4).unwrap();
        let Shares { work, more, waiting } = found.shares;
        assert!((work - 0.25).abs() < 1e-9 && (more - 0.125).abs() < 1e-9 && (waiting - 0.625).abs() < 1e-9);
        assert!((found.efficiency - 0.25).abs() < 1e-9 && (found.cpu_growth - 1.5).abs() < 1e-9);
        assert!(limit(&[ALONE], 4).is_none());
    }

    #[test]
    fn work_that_grows_with_the_workers_is_counted_by_its_unit() {
        let last = Typical { rate: 4.0, rate_best: 4.0, work: 4.0, cpu_s: 4.0, ..run(4, 1.0, 4.0, 8.0) };
        assert_eq!(kind_of(ALONE, last, 4), Kind::Parallel);
    }
}
