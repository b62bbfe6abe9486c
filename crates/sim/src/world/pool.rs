//! The workers of one simulated process and the tasks that wait for them.

use divvy_core::{Demand, Intervals, Range, Rng, Seq};
use divvy_decide::{Failure, Tick, Worked};
use divvy_store::{Held, Lease};

/// Workers, and what waits for them.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// In the order in which they were started.
    lent: Vec<Lent>,
    workers: Vec<Option<Running>>,
    runs: u64,
    /// Tasks that took something of the node and do no longer, since the last tick; also of leases that are gone.
    ended: Vec<(Held, Seq)>,
}

#[derive(Debug)]
struct Lent {
    held: Held,
    waiting: Intervals,
    attempts: u32,
    class: u32,
    /// What each of its tasks takes of the node; where it is not nothing, each waits to be told to run.
    demand: Demand,
    /// Since the last tick.
    worked: Worked,
}

/// A task that a worker runs.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) run: u64,
    pub(crate) held: Held,
    pub(crate) seq: Seq,
    pub(crate) attempts: u32,
    pub(crate) class: u32,
    demand: Demand,
    from: u64,
    /// Its end will be told.
    told: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed,
    Outgrown,
    Stopped,
}

impl Pool {
    pub(crate) fn new(workers: u32) -> Pool {
        Pool { workers: (0..workers).map(|_| None).collect(), ..Pool::default() }
    }

    /// False if it was started before.
    pub(crate) fn start(&mut self, lease: &Lease) -> bool {
        let held = (lease.job, lease.fence);
        if self.lent.iter().any(|l| l.held == held) {
            return false;
        }
        let (attempts, class, demand) = (lease.attempts, lease.class, lease.demand.clone());
        let takes = !demand.is_empty();
        let waiting = if takes { Intervals::new() } else { lease.open.clone() };
        self.lent.push(Lent { held, waiting, attempts, class, demand, worked: Worked::default() });
        true
    }

    /// There is room for this task. False if it is of no lease that was started.
    pub(crate) fn run(&mut self, held: Held, seq: Seq) -> bool {
        let lent = self.lent.iter_mut().find(|l| l.held == held && !l.demand.is_empty());
        lent.map(|lent| lent.waiting.insert(Range::new(seq, seq + 1))).is_some()
    }

    /// Takes up to `n` waiting tasks back, the last ones first.
    pub(crate) fn cut(&mut self, held: Held, n: u64) -> Intervals {
        let Some(lent) = self.lent.iter_mut().find(|l| l.held == held) else { return Intervals::new() };
        let keep = lent.waiting.len().saturating_sub(n);
        lent.waiting.split_off(keep)
    }

    /// Tasks that are no longer this node's. Returns the workers that run any of them.
    pub(crate) fn drop_tasks(&mut self, held: Held, tasks: &Intervals) -> Vec<usize> {
        if let Some(lent) = self.lent.iter_mut().find(|l| l.held == held) {
            let gone = lent.waiting.intersect(tasks);
            lent.waiting.remove_all(&gone);
            if !lent.demand.is_empty() {
                self.ended.extend(gone.iter().map(|seq| (held, seq)));
            }
        }
        let mut hit = Vec::new();
        for (nth, running) in self.workers.iter_mut().enumerate() {
            if let Some(r) = running.as_mut().filter(|r| r.held == held && tasks.contains(r.seq)) {
                r.told = false;
                hit.push(nth);
            }
        }
        hit
    }

    /// Forgets a lease. False if any of its tasks waits or runs here to be told.
    pub(crate) fn retire(&mut self, held: Held) -> bool {
        let idle = self.lent.iter().all(|l| l.held != held || l.waiting.is_empty());
        let runs = self.workers.iter().flatten().any(|r| r.held == held && r.told);
        self.lent.retain(|l| l.held != held);
        idle && !runs
    }

    /// The leases of which tasks wait, run, or ended.
    pub(crate) fn held(&self) -> Vec<Held> {
        self.lent.iter().map(|l| l.held).collect()
    }

    /// An idle worker.
    pub(crate) fn idle(&self) -> Option<usize> {
        self.workers.iter().position(Option::is_none)
    }

    /// Gives a worker its next task: the lowest of the first lease that has one, or now and then, where workers
    /// steal from each other, the middle of a range.
    pub(crate) fn next(&mut self, now: u64, worker: usize, steals: Option<&mut Rng>) -> Option<Running> {
        let lent = self.lent.iter_mut().find(|l| !l.waiting.is_empty())?;
        let low = lent.waiting.ranges()[0];
        let stolen = steals.is_some_and(|rng| rng.chance(0.2));
        let seq = if stolen { low.lo + low.len() / 2 } else { low.lo };
        lent.waiting.remove(Range::new(seq, seq + 1));
        self.runs += 1;
        let running = Running {
            run: self.runs,
            held: lent.held,
            seq,
            attempts: lent.attempts,
            class: lent.class,
            demand: lent.demand.clone(),
            from: now,
            told: true,
        };
        self.workers[worker] = Some(running.clone());
        Some(running)
    }

    /// What a worker runs, if it is still that run.
    pub(crate) fn running(&self, worker: usize, run: u64) -> Option<Running> {
        self.workers[worker].clone().filter(|r| r.run == run)
    }

    /// A worker's run is over.
    pub(crate) fn end(&mut self, now: u64, worker: usize, outcome: Outcome) {
        let Some(r) = self.workers[worker].take() else { return };
        if !r.demand.is_empty() {
            self.ended.push((r.held, r.seq));
        }
        let lent = self.lent.iter_mut().find(|l| l.held == r.held);
        let Some(lent) = lent.filter(|_| r.told) else { return };
        let task = Range::new(r.seq, r.seq + 1);
        match outcome {
            Outcome::Done => lent.worked.done.insert(task),
            Outcome::Failed | Outcome::Outgrown => {
                let (error, outgrown) = ("failed".to_owned(), outcome == Outcome::Outgrown);
                lent.worked.failed.push(Failure { seq: r.seq, error, outgrown });
            }
            Outcome::Stopped => lent.worked.stopped.insert(task),
        }
        lent.worked.run_ns += now - r.from;
        lent.worked.tasks += 1;
    }

    /// What all tasks take that run now, also those whose end nobody will hear of.
    pub(crate) fn taken(&self) -> Demand {
        let mut taken = Demand::new();
        self.workers.iter().flatten().for_each(|r| taken.put(&r.demand, 1));
        taken
    }

    /// Workers whose runs will be told.
    pub(crate) fn busy(&self) -> Vec<usize> {
        let busy = self.workers.iter().enumerate().filter(|(_, r)| r.as_ref().is_some_and(|r| r.told));
        busy.map(|(nth, _)| nth).collect()
    }

    /// What the engine sees when it looks, once.
    pub(crate) fn look(&mut self) -> Tick {
        let mut tick =
            Tick { idle: self.workers.iter().filter(|w| w.is_none()).count() as u32, ..Tick::default() };
        let took = self.ended.drain(..);
        let ended = |seq| Worked { ended: Range::new(seq, seq + 1).into(), ..Worked::default() };
        tick.worked.extend(took.map(|(held, seq)| (held, ended(seq))));
        for lent in &mut self.lent {
            if lent.worked != Worked::default() {
                tick.worked.push((lent.held, std::mem::take(&mut lent.worked)));
            }
            if !lent.waiting.is_empty() {
                tick.unstarted.push((lent.held, lent.waiting.len()));
            }
        }
        tick
    }
}
