//! Jobs as the world knows them: which of their tasks take how long, fail, or kill their node.
//!
//! Everything about a task follows from its job's seed and its seq, so nothing is stored per task.

use divvy_core::{Rng, Seq};
use divvy_store::{Array, Block, Input, JobSpec, NewJob, Policy};

/// How the times of a job's tasks are distributed around their mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Times {
    /// All the same.
    Constant,
    /// Between nothing and twice the mean.
    Uniform,
    /// Exponential.
    Exponential,
    /// A share of them takes so many times longer than the others.
    Rare(f64, f64),
    /// The last share of the log takes so many times longer than the others.
    SlowEnd(f64, f64),
    /// Pareto with this shape, which has to be above 1.
    Pareto(f64),
}

/// How a job comes into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Array,
    Closed,
    Open,
}

/// What a task is going to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) run_ns: u64,
    /// Attempts that fail before one does not.
    pub(crate) fails: u32,
    /// Whether it takes its node down whenever it runs.
    pub(crate) deadly: bool,
}

/// A job: its spec, and the nature of its tasks.
#[derive(Debug, Clone)]
pub(crate) struct JobPlan {
    pub(crate) spec: JobSpec,
    pub(crate) kind: Kind,
    /// Tasks at submission.
    pub(crate) tasks: u64,
    /// Bytes of each record; 0 for an array.
    pub(crate) record_len: u64,
    /// Records in a block.
    pub(crate) block_len: u64,
    pub(crate) times: Times,
    pub(crate) mean_ns: f64,
    /// Probability that a task fails at least once, and that it is deadly.
    pub(crate) failing: f64,
    pub(crate) deadly: f64,
    pub(crate) seed: u64,
}

/// What a seed's jobs are like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    pub(crate) tasks_max: u64,
    pub(crate) failing: bool,
    pub(crate) deadly: bool,
}

impl JobPlan {
    /// A job like any other of this seed.
    pub(crate) fn draw(rng: &mut Rng, mix: Mix) -> JobPlan {
        let tasks = log_uniform(rng, 1.0, mix.tasks_max as f64) as u64;
        let kind = [Kind::Array, Kind::Closed, Kind::Open][rng.below(3) as usize];
        let max_attempts = 1 + rng.below(4) as u32;
        let crash_limit = 1 + rng.below(5) as u32;
        let range_max = if rng.chance(0.25) { 1 + rng.below(20) } else { 0 };
        let policy = Policy {
            max_attempts,
            crash_limit,
            max_fails: None,
            range_max,
            exclusive: rng.chance(0.15),
            retention_ms: rng.below(2_000),
        };
        let times = match rng.below(5) {
            0 => Times::Constant,
            1 => Times::Uniform,
            2 => Times::Exponential,
            3 => Times::Rare(0.01, 1000.0),
            _ => Times::SlowEnd(0.02, 100.0),
        };
        let failing = if mix.failing && rng.chance(0.7) { 0.3 * rng.unit() } else { 0.0 };
        let deadly = if mix.deadly && rng.chance(0.3) { 1.0 / (tasks.max(20)) as f64 } else { 0.0 };
        let spec = JobSpec {
            policy,
            array: (kind == Kind::Array).then_some(Array { first: 1, step: 1 }),
            ..JobSpec::new(["a", "b"][rng.below(2) as usize])
        };
        JobPlan {
            spec,
            kind,
            tasks,
            record_len: if kind == Kind::Array { 0 } else { 1 + rng.below(64) },
            block_len: 1 + rng.below(40),
            times,
            mean_ns: log_uniform(rng, 5e4, 5e6),
            failing,
            deadly,
            seed: rng.bits(),
        }
    }

    /// What the task at `seq` is going to be. `tail` is the log's length when it was first looked at; only the
    /// slow end depends on it.
    pub(crate) fn task(&self, seq: Seq) -> Work {
        let mut rng = Rng::new(self.seed ^ seq.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let factor = match self.times {
            Times::Constant => 1.0,
            Times::Uniform => 2.0 * rng.unit(),
            Times::Exponential => rng.exponential(1.0),
            Times::Rare(share, times) => {
                if rng.chance(share) {
                    times
                } else {
                    1.0
                }
            }
            Times::SlowEnd(share, times) => {
                if seq as f64 >= self.tasks as f64 * (1.0 - share) {
                    times
                } else {
                    1.0
                }
            }
            Times::Pareto(shape) => (1.0 - rng.unit()).powf(-1.0 / shape) * (shape - 1.0) / shape,
        };
        let fails = rng.chance(self.failing);
        let deadly = rng.chance(self.deadly);
        Work {
            run_ns: (self.mean_ns * factor) as u64 + 1,
            fails: if fails { 1 + rng.below(u64::from(self.spec.policy.max_attempts) + 1) as u32 } else { 0 },
            deadly,
        }
    }

    /// The job as it is submitted.
    pub(crate) fn new_job(&self) -> NewJob {
        let input = match self.kind {
            Kind::Array => Input::Array(self.tasks),
            Kind::Closed => Input::Closed(self.blocks(self.tasks)),
            Kind::Open => Input::Open(self.blocks(self.tasks), None),
        };
        NewJob { spec: self.spec.clone(), input }
    }

    /// So many records, packed.
    pub(crate) fn blocks(&self, tasks: u64) -> Vec<Block> {
        let len = self.record_len as u32;
        let mut blocks = Vec::new();
        let mut left = tasks;
        while left > 0 {
            let n = left.min(self.block_len) as u32;
            let ends: Vec<u32> = (1..=n).map(|nth| nth * len).collect();
            blocks.push(Block::pack(&vec![b'x'; (n * len) as usize], &ends));
            left -= u64::from(n);
        }
        blocks
    }
}

/// A number whose logarithm is uniform.
pub(crate) fn log_uniform(rng: &mut Rng, lo: f64, hi: f64) -> f64 {
    (lo.ln() + (hi / lo).ln() * rng.unit()).exp()
}
