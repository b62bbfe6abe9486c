//! What a system costs, as far as levels show it, and what follows for any number of workers.
//!
//! # The network
//!
//! A node asks for its next lease while it still works on the last, so a round trip costs its workers nothing until it
//! takes longer than the work that is left. Up to there throughput is that of the workers; from there on all nodes stand at
//! the store, and throughput is the store's. So this is a closed network whose stations overlap: throughput is the least
//! of what workers, cores and store get done alone, and only near the crossing of two a little less.
//!
//! | station | rate in tasks per second |
//! |---|---|
//! | workers | `n / (task + between)` |
//! | cores | `cores / cpu` |
//! | store | `tasks of a lease / (work(n) + commit(n)/group)`, the group being what waits together |

use super::hidden::{Hidden, Section};
use super::line::{Line, Mean, Means};
use super::seen::{Level, Moments, Seen};
use crate::mva::SHARE_WRITTEN;
use crate::rng::Rng;

/// What sets the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The workers: more of them get more done.
    Workers,
    /// The cores.
    Cores,
    /// The store: claims and reports.
    Store,
}

/// The coefficients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Costs {
    /// A task's time.
    pub(super) task: Line,
    /// What passes between two tasks of a worker while nothing is short.
    pub(super) between: Line,
    /// CPU time for a task.
    pub(super) cpu: Line,
    /// What a round trip usually holds the store for, alone, and what stalls come to beside it.
    pub(super) work: Line,
    pub(super) work_beyond: Line,
    /// And together with its group.
    pub(super) commit: Line,
    pub(super) commit_beyond: Line,
    /// Nodes share groups.
    pub(super) grouped: bool,
    /// Nodes are processes that look again and again whether the store is free.
    pub(super) contended: bool,
    /// The most tasks that a round trip brings; infinite where leases grow with its price, so that the store never limits.
    pub(super) lease: f64,
    /// The fewest it brings where the store limits. Less than `lease` if tasks are long: then a worker takes one when it has
    /// nothing left, unless round trips have become long, too.
    pub(super) lease_least: f64,
    /// What tasks wait for inside of themselves, if there is such a thing.
    pub(super) section: Section,
    pub(super) cores: f64,
    /// Cores that others kept busy.
    pub(super) others: f64,
    pub(super) node: f64,
}

/// Above this a group was of more than one node.
const ALONE: f64 = 1.001;
/// Retries for a round trip above which nodes are processes that compete.
const CONTENDED: f64 = 0.001;
/// How sharp the knee between two stations is. Where both would get the same done, together they get 7 % less, which is
/// what was measured with sections of 1 ms and tasks of 20 ms.
const KNEE: f64 = 10.0;
/// The work, in seconds, that a lease is made for where nothing else bounds it.
const LEASE_S: f64 = 0.25;
/// Rounds after which a task's time without want of cores has settled.
const SETTLED: usize = 60;

impl Costs {
    pub(super) fn of(seen: &Seen) -> (Costs, Hidden) {
        let levels = &seen.levels;
        let means = |of: &dyn Fn(&Level) -> Moments| -> Means {
            let mean = |level: &Level| {
                let Moments { count, mean, variance } = of(level);
                Mean { n: level.workers, value: mean, count, variance }
            };
            Means::of(levels.iter().map(mean).collect())
        };
        let trips: f64 = levels.iter().map(|level| level.trips).sum();
        let of_a_trip =
            |of: fn(&Level) -> f64| levels.iter().map(|level| level.trips * of(level)).sum::<f64>() / trips;
        let grouped = of_a_trip(|level| level.group) > ALONE;
        let commit = means(&|level| level.commit);
        let task = means(&|level| level.task);
        let (tasks, node) = (of_a_trip(|level| level.tasks), seen.node.max(1.0));
        let lease = seen.lease_max.unwrap_or(f64::INFINITY);
        let is_long = Line::flat(&task).at(0.0) >= LEASE_S;
        let mut costs = Costs {
            task: Line::flat(&task),
            between: Line::default(),
            cpu: Line::flat(&means(&|level| Moments { count: level.trips, mean: level.cpu, variance: 0.0 })),
            work: Line::growing(&means(&|level| level.work)),
            work_beyond: Line::flat(&means(&|level| level.work_beyond)),
            commit: if grouped { Line::flat(&commit) } else { Line::growing(&commit) },
            commit_beyond: Line::flat(&means(&|level| level.commit_beyond)),
            grouped,
            contended: of_a_trip(|level| level.retries) > CONTENDED,
            lease,
            lease_least: if is_long { tasks.max(node).min(lease) } else { lease },
            section: Section::default(),
            cores: seen.cores,
            others: others(levels),
            node,
        };
        costs.between = costs.between_tasks(levels);
        // The mean of all times has those in it that were long for want of cores, and how long these would have been otherwise
        // goes by the mean.
        for _ in 0..SETTLED {
            costs.task = Line::flat(&Means::of(costs.tasks_alone(levels)));
        }
        let hidden = Hidden::of(costs.tasks_alone(levels));
        let (task, section) = hidden.likeliest();
        (Costs { task, section, ..costs }, hidden)
    }

    /// From the levels at which neither store nor cores were busy.
    fn between_tasks(&self, levels: &[Level]) -> Line {
        let calm = |level: &&Level| level.rate() < CALM * self.bound(level.workers);
        let between = |level: &Level| Mean {
            n: level.workers,
            value: level.own / level.tasks - level.task.mean,
            count: level.trips * level.tasks,
            variance: 0.0,
        };
        Line::flat(&Means::of(levels.iter().filter(calm).map(between).collect())).no_less_than(0.0)
    }

    /// What cores and store get done alone.
    fn bound(&self, n: f64) -> f64 {
        self.cores_rate().min(self.store_rate(n))
    }

    fn cores_rate(&self) -> f64 {
        if self.cores > 0.0 && self.cpu.at(0.0) > 0.0 { self.cores / self.cpu.at(0.0) } else { f64::INFINITY }
    }

    fn workers_rate(&self, n: f64) -> f64 {
        let alone = self.task.at(n) + self.between.at(n);
        n / (alone + self.section.wait(n, alone)).max(f64::MIN_POSITIVE)
    }

    pub(super) fn store_rate(&self, n: f64) -> f64 {
        let group = if self.grouped { (SHARE_WRITTEN * n / self.node).max(1.0) } else { 1.0 };
        let of = |usual: &Line, beyond: &Line| usual.at(n).max(0.0) + beyond.at(n).max(0.0);
        let hold = of(&self.work, &self.work_beyond) + of(&self.commit, &self.commit_beyond) / group;
        if hold > 0.0 { self.lease / hold } else { f64::INFINITY }
    }

    /// How many times as long tasks take with so many workers, for want of cores.
    fn slowed_by_cores(&self, n: f64) -> f64 {
        (self.workers_rate(n) / self.cores_rate()).max(1.0)
    }

    /// Seconds that each worker adds to what a round trip holds the store for, as far as that stands out.
    pub(super) fn growth(&self) -> f64 {
        self.work.slope + self.commit.slope
    }

    /// The number of workers with the highest throughput, if it falls beyond.
    pub(super) fn peak(&self) -> Option<f64> {
        let grows = self.lease.is_finite() && self.growth() > 0.0;
        // Rising as far as workers or cores decide, falling beyond: looked for by thirds, in steps that grow with it.
        let (mut low, mut high) = (0.0f64, super::PEAK_MAX.ln());
        while grows && high - low > 1e-3 {
            let third = (high - low) / 3.0;
            let (a, b) = (low + third, high - third);
            if self.throughput(a.exp()) < self.throughput(b.exp()) { low = a } else { high = b }
        }
        grows.then(|| low.exp())
    }

    /// Tasks per second.
    pub(super) fn throughput(&self, n: f64) -> f64 {
        let rates = [self.workers_rate(n), self.cores_rate(), self.store_rate(n)];
        rates.map(|rate| rate.powf(-KNEE)).iter().sum::<f64>().powf(-1.0 / KNEE)
    }

    /// What sets it.
    pub(super) fn limit(&self, n: f64) -> Limit {
        let (workers, cores, store) = (self.workers_rate(n), self.cores_rate(), self.store_rate(n));
        match () {
            () if workers <= cores && workers <= store => Limit::Workers,
            () if cores <= store => Limit::Cores,
            () => Limit::Store,
        }
    }

    /// Task times, without what they take longer for want of cores.
    fn tasks_alone(&self, levels: &[Level]) -> Vec<Mean> {
        let mean = |level: &Level| {
            let slowed = self.slowed_by_cores(level.workers);
            let Moments { count, mean, variance } = level.task;
            Mean { n: level.workers, value: mean / slowed, count, variance: variance / slowed.powi(2) }
        };
        levels.iter().map(mean).collect()
    }

    /// Other coefficients that might be the true ones.
    pub(super) fn drawn(&self, hidden: &Hidden, rng: &mut Rng) -> Costs {
        let (task, section) = hidden.drawn(rng);
        let lease = if rng.unit() < 0.5 { self.lease_least } else { self.lease };
        let mut draw = |line: &Line| line.drawn(rng);
        Costs {
            task,
            section,
            lease,
            between: draw(&self.between),
            cpu: draw(&self.cpu),
            work: draw(&self.work),
            work_beyond: draw(&self.work_beyond),
            commit: draw(&self.commit),
            commit_beyond: draw(&self.commit_beyond),
            ..*self
        }
    }
}

/// Cores that other programs kept busy, each level counting by how long it was seen.
fn others(levels: &[Level]) -> f64 {
    let seconds: f64 = levels.iter().map(Level::seconds).sum();
    let by_others = |level: &Level| (level.busy - level.rate() * level.cpu).max(0.0);
    levels.iter().map(|level| level.seconds() * by_others(level)).sum::<f64>() / seconds
}

/// Below this share of what cores and store get done, what passes between tasks is not for want of them.
const CALM: f64 = 0.6;
