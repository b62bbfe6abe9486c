//! What limits a program, in words: a sentence for each kind of limit, with what shows it and where to look.

use super::limit::{GOOD, Kind, Limit};
use super::study::Study;
use crate::figures::{number, percent, workers_of};

/// What limits it, what shows that, and where to look.
pub fn limited(limit: &Limit, study: &Study) -> String {
    let cores = study.sweep.as_ref().map_or(0, |sweep| sweep.cores);
    let most = workers_of(limit.most as f64);
    let waiting = percent(limit.shares.waiting);
    let used = tenths(limit.cores_used);
    match limit.kind {
        Kind::Parallel if limit.efficiency < GOOD => format!(
            "nothing limits the best runs up to {most}: they are {} efficient. Those in the middle are {}, so something \
             from outside came between. It is embarrassingly parallel so far; measure again, on a quiet machine, and with \
             more",
            percent(limit.of_processors),
            percent(limit.efficiency)
        ),
        Kind::Parallel => format!(
            "nothing limits it up to {most}: efficiency is {}. It is embarrassingly parallel so far; measure with more",
            percent(limit.efficiency)
        ),
        Kind::Io => format!(
            "I/O: a worker waits {} of its time, even alone, and more of them wait side by side: efficiency is {} with \
             {most}. Processors are no limit ({used} of {cores} in use): go beyond their number until throughput stops rising",
            percent(1.0 - limit.busy_alone),
            percent(limit.efficiency)
        ),
        Kind::IoLimit => format!(
            "I/O at its limit: a worker waits {} of its time, even alone, and {most} get no more out of what they wait \
             for (efficiency {}, {used} of {cores} processors in use): look at the disk, the network or the service \
             behind it; ask it for less, or for more at once",
            percent(1.0 - limit.busy_alone),
            percent(limit.efficiency)
        ),
        Kind::Lock => format!(
            "a lock: with {most} {waiting} of the worker-seconds are waiting, with {} voluntary context switches for \
             each worker while {used} of {cores} processors are in use. They wait for each other: hold the lock \
             shorter, split it, or hand out more work at a time",
            number(limit.switches.round())
        ),
        Kind::Serial => format!(
            "a serial part: with {most} {waiting} of the worker-seconds are waiting, in few long stretches ({} \
             voluntary context switches for each worker), while {used} of {cores} processors are in use. Something \
             is done by one worker while the others wait, at the beginning, at the end, or because the work is divided \
             unevenly: smaller pieces, or find that part",
            number(limit.switches.round())
        ),
        Kind::Contention => format!(
            "contention for processors' caches, memory or a spinning lock: the same work takes {} times the processor \
             time with {most}{}. Look for data that all workers write (counters, queues, reference counts), spinning, \
             and memory bandwidth",
            number(limit.cpu_growth),
            if limit.system_share > 0.5 {
                ", most of it in the system: page faults, system calls, futexes"
            } else {
                ""
            }
        ),
        Kind::Unknown if !limit.crowded => format!(
            "what limits it cannot be told: already {} wait {} of their time, and that may be for each other or for \
             something outside. Begin with one worker",
            workers_of(limit.fewest as f64),
            percent(1.0 - limit.busy_alone)
        ),
        Kind::Unknown => format!(
            "what limits it cannot be told: others used {} of {cores} processors meanwhile, so its waiting may be for \
             them. Measure on a quiet machine",
            tenths(limit.others)
        ),
        Kind::Cores => format!(
            "processors: {used} of {cores} are in use, so {most} do no more than {cores}. The program itself is \
             {}: more processors would be used",
            well_divided(study, cores)
        ),
    }
}

/// A number of processors.
pub fn tenths(cores: f64) -> String {
    number((cores * 10.0).round() / 10.0)
}

/// How well it divides as long as there are processors.
fn well_divided(study: &Study, cores: u64) -> String {
    let within = study.rows.iter().rfind(|row| row.n > 1.0 && row.n <= cores as f64);
    match within {
        Some(row) => format!("{} efficient with {}", percent(row.efficiency), workers_of(row.n)),
        None => "well divided".into(),
    }
}
