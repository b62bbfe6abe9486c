//! Jobs as the world knows them: which of their tasks take how long, fail, or kill their node.
//!
//! Everything about a task follows from its job's seed and its seq, so nothing is stored per task.

use divvy_core::{Demand, Rng, Seq};
use divvy_store::{Array, Block, Class, Graph, Input, JobSpec, Needs, NewJob, Policy};

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
    /// Tasks that wait for others.
    Graph,
}

/// What a task is going to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) run_ns: u64,
    /// Attempts that fail before one does not.
    pub(crate) fails: u32,
    /// Whether it takes its node down whenever it runs.
    pub(crate) deadly: bool,
    /// The lowest class in which it does not outgrow what it has; `u32::MAX` for none.
    pub(crate) fits: u32,
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
    /// Probability that a task outgrows the class in which it begins.
    pub(crate) outgrowing: f64,
    /// Empty unless it has one.
    pub(crate) graph: Graph,
    pub(crate) seed: u64,
}

/// What a node has that has room for every task.
pub(crate) fn full_capacity() -> Demand {
    Demand::new().with("cpus", 4).with("gpu", 2).with("mem", 8)
}

/// What a seed's jobs are like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    pub(crate) tasks_max: u64,
    pub(crate) failing: bool,
    pub(crate) deadly: bool,
    pub(crate) outgrowing: bool,
}

impl JobPlan {
    /// A job like any other of this seed.
    pub(crate) fn draw(rng: &mut Rng, mix: Mix) -> JobPlan {
        let tasks = log_uniform(rng, 1.0, mix.tasks_max as f64) as u64;
        let kind = [Kind::Array, Kind::Closed, Kind::Open, Kind::Graph][rng.below(4) as usize];
        let max_attempts = 1 + rng.below(4) as u32;
        let crash_limit = 1 + rng.below(5) as u32;
        let range_max = if rng.chance(0.25) { 1 + rng.below(20) } else { 0 };
        let policy = Policy {
            max_attempts,
            crash_limit,
            max_fails: rng.chance(0.15).then(|| rng.below(4)),
            range_max,
            exclusive: rng.chance(0.15),
            backups: rng.chance(0.3),
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
        let needs = if rng.chance(0.4) { some_needs(rng, tasks) } else { Needs::default() };
        let outgrowing = if mix.outgrowing && rng.chance(0.7) { 0.3 * rng.unit() } else { 0.0 };
        let graph = if kind == Kind::Graph { some_graph(rng, tasks) } else { Graph::default() };
        let spec = JobSpec {
            policy,
            needs,
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
            outgrowing,
            graph,
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
        let mut fits = self.spec.needs.class_of(seq);
        while rng.chance(self.outgrowing) {
            // Who outgrows the last class as well fits nowhere.
            fits = self.spec.needs.more(fits).unwrap_or(if self.outgrowing > 0.2 { u32::MAX } else { fits });
        }
        Work {
            fits,
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
            Kind::Graph => Input::Graph(self.blocks(self.tasks), self.graph.clone()),
        };
        NewJob { spec: self.spec.clone(), input, paused: false }
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

/// Two or three classes over one to three resources, in runs; the larger ones take what outgrew the smaller ones.
fn some_needs(rng: &mut Rng, tasks: u64) -> Needs {
    let (n, resources) = (2 + rng.below(2) as u32, 1 + rng.below(3) as usize);
    let all = full_capacity();
    let mut classes = Vec::new();
    for class in 0..n {
        let mut demand = Demand::new();
        for (name, most) in all.iter().take(resources) {
            demand = demand.with(name, rng.below(most + 1));
        }
        let more = (class + 1 < n && rng.chance(0.8)).then_some(class + 1);
        classes.push(Class { demand, more });
    }
    let mut starts = vec![(0, rng.below(n.into()) as u32)];
    // A few long runs, or many short ones, so that there is something to set aside.
    let (runs, longest) = if rng.chance(0.5) { (rng.below(4), tasks) } else { (rng.below(tasks), 3) };
    for _ in 0..runs {
        let from = starts[starts.len() - 1].0 + 1 + rng.below(longest);
        starts.push((from, rng.below(n.into()) as u32));
    }
    Needs { classes, starts }
}

/// Each task waits for a few of those just before it, or for some of all before it.
fn some_graph(rng: &mut Rng, tasks: u64) -> Graph {
    let (near, most) = (rng.chance(0.5), 1 + rng.below(4));
    let parents = (0..tasks).map(|seq| {
        let from = if near { seq.saturating_sub(8) } else { 0 };
        let n = if seq == 0 { 0 } else { rng.below(most + 1) };
        (0..n).map(|_| from + rng.below(seq - from)).collect()
    });
    Graph::new(parents.collect()).expect("each waits for earlier ones")
}

/// A number whose logarithm is uniform.
pub(crate) fn log_uniform(rng: &mut Rng, lo: f64, hi: f64) -> f64 {
    (lo.ln() + (hi / lo).ln() * rng.unit()).exp()
}
