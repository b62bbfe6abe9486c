//! What a seed is: how many nodes, how fast a disk, which faults. Drawn once, before anything happens.

use super::Planted;
use super::fault::Fault;
use super::net::Net;
use super::work::{Mix, full_capacity, log_uniform};
use divvy_core::Rng;
use divvy_decide::{Config, Until};

/// The conditions of a run. Times in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// What the process in each slot is like.
    pub(crate) slots: Vec<Config>,
    pub(crate) faults: [bool; Fault::ALL.len()],
    /// Probability that something strikes between two events.
    pub(crate) step_rate: f64,
    pub(crate) net: Net,
    /// Mean time of a sync, and of a slow one.
    pub(crate) sync_ns: u64,
    pub(crate) slow_sync_ns: u64,
    /// Longest wait for an answer.
    pub(crate) timeout_ns: u64,
    /// Longest time until the end of a session is known.
    pub(crate) detect_ns: u64,
    /// Longest time until a process is replaced.
    pub(crate) respawn_ns: u64,
    /// Time from a change of the store to a node's hearing of it.
    pub(crate) bell_ns: u64,
    /// What a stopping node is granted.
    pub(crate) grace_ns: u64,
    /// Mean time between two things that the client does.
    pub(crate) client_ns: u64,
    /// The client submits when fewer tasks than these are unfinished.
    pub(crate) low_water: u64,
    pub(crate) mix: Mix,
    /// Workers take the middle of the largest range now and then, as after a steal.
    pub(crate) steals: bool,
    /// A dropped task's worker is free at once; else only when the task has ended.
    pub(crate) kills_dropped: bool,
    /// Run the real SQLite beside the model.
    pub(crate) twin: bool,
}

impl Plan {
    /// The conditions of a seed.
    pub(crate) fn draw(rng: &mut Rng, twin: bool, bug: Option<Planted>) -> Plan {
        let mut faults = [false; Fault::ALL.len()];
        faults.iter_mut().for_each(|f| *f = rng.chance(0.45));
        // SQLite in memory cannot forget what it had not synced.
        faults[Fault::Restart as usize] &= !twin;
        let base = config(rng, bug);
        let slots = (0..1 + rng.below(8)).map(|nth| slot(rng, &base, nth)).collect();
        Plan {
            slots,
            faults,
            step_rate: log_uniform(rng, 0.01, 0.06),
            net: Net {
                latency_ns: log_uniform(rng, 2e4, 3e6) as u64,
                late_ns: log_uniform(rng, 1e6, 1e9) as u64,
                rate: log_uniform(rng, 0.01, 0.15),
            },
            sync_ns: log_uniform(rng, 5e4, 5e6) as u64,
            slow_sync_ns: log_uniform(rng, 1e7, 2e9) as u64,
            timeout_ns: log_uniform(rng, 1e7, 1e9) as u64,
            detect_ns: log_uniform(rng, 1e6, 1e9) as u64,
            respawn_ns: log_uniform(rng, 1e6, 1e9) as u64,
            bell_ns: log_uniform(rng, 1e6, 2e7) as u64,
            grace_ns: log_uniform(rng, 1e3, 1e7) as u64,
            client_ns: log_uniform(rng, 5e6, 2e8) as u64,
            low_water: 10 + rng.below(150),
            mix: Mix {
                tasks_max: 20 + rng.below(200),
                failing: faults[Fault::Failing as usize],
                deadly: faults[Fault::Deadly as usize],
                outgrowing: faults[Fault::Outgrown as usize],
            },
            steals: rng.chance(0.5),
            kills_dropped: rng.chance(0.5),
            twin,
        }
    }

    /// No faults, and whatever else the caller sets.
    pub(crate) fn quiet(slots: Vec<Config>, latency_ns: u64) -> Plan {
        Plan {
            slots,
            faults: [false; Fault::ALL.len()],
            step_rate: 0.0,
            net: Net { latency_ns, late_ns: 1, rate: 0.0 },
            sync_ns: 0,
            slow_sync_ns: 0,
            timeout_ns: 10_000_000_000,
            detect_ns: 1_000_000_000,
            respawn_ns: 1_000_000_000,
            bell_ns: 1_000_000,
            grace_ns: 1_000_000_000,
            client_ns: 1_000_000_000,
            low_water: 0,
            mix: Mix { tasks_max: 1, failing: false, deadly: false, outgrowing: false },
            steals: true,
            kills_dropped: true,
            twin: false,
        }
    }
}

/// What all nodes of a seed have in common.
fn config(rng: &mut Rng, bug: Option<Planted>) -> Config {
    let mut cfg = Config::new(1, vec!["a".to_owned(), "b".to_owned()], Until::Stopped);
    cfg.lease_target_ns = log_uniform(rng, 2e6, 2.5e8) as u64;
    cfg.overhead_max = log_uniform(rng, 0.02, 0.5);
    cfg.report_every_ns = log_uniform(rng, 5e6, 1e8) as u64;
    cfg.dry_claim_ns = log_uniform(rng, 1e6, 2e7) as u64;
    cfg.dry_poll_ns = log_uniform(rng, 1e8, 1e9) as u64;
    cfg.leases_max = if rng.chance(0.5) { 1 + rng.below(6) as usize } else { 48 };
    cfg.bytes_max = if rng.chance(0.3) { 1 + rng.below(500) } else { 16 << 20 };
    cfg.retry_ms = (1 + rng.below(50), 50 + rng.below(1_000));
    cfg.refused_ns = (1_000_000 + rng.below(10_000_000), 100_000_000);
    cfg.bug = bug.and_then(|planted| match planted {
        Planted::Node(bug) => Some(bug),
        Planted::Store(_) => None,
    });
    cfg
}

/// The first slot serves every job until it is stopped and has room for every task, so that every job has somebody; the others may differ.
fn slot(rng: &mut Rng, base: &Config, nth: u64) -> Config {
    let mut cfg = base.clone();
    cfg.workers = 1 + rng.below(4) as u32;
    cfg.capacity = full_capacity();
    if nth > 0 && rng.chance(0.4) {
        for (name, most) in full_capacity().iter() {
            cfg.capacity = cfg.capacity.with(name, rng.below(most + 1));
        }
    }
    if nth > 0 && rng.chance(0.2) {
        cfg.handlers.swap_remove(rng.below(2) as usize);
    }
    if nth > 0 && rng.chance(0.15) {
        cfg.until = Until::Empty;
    }
    cfg
}
