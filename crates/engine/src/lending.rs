//! The leases in the workers' hands: which of the pool's feeds belong to which.
//!
//! A lease whose tasks take nothing of the node is one feed. The others are fed task by task, as the node's decisions
//! find room for them; such a feed is remembered until its task has ended, also if its lease is gone by then.

use crate::due::Tried;
use crate::error::Result;
use crate::lent::Lent;
use crate::worker::{Leases, Worker};
use divvy_core::{Intervals, Range, Seq};
use divvy_decide::{Config, Worked};
use divvy_pool::Pool;
use divvy_store::Held;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// The pool, and what it was fed.
pub(crate) struct Lending {
    pool: Pool,
    leases: Arc<Leases>,
    held: BTreeMap<Held, Loan>,
    /// The feeds of one task each.
    singles: BTreeMap<(Held, Seq), u64>,
    /// Tasks of lost leases that were taken back from the workers before they started.
    never_ran: Vec<(Held, Intervals)>,
    /// Retired leases of which tasks may still run: gone when no worker, and nobody else, has them in its hands.
    strays: BTreeMap<Held, Weak<Lent>>,
    next_tag: u64,
}

struct Loan {
    lent: Arc<Lent>,
    /// The feed of the whole lease, unless it is fed task by task.
    tag: Option<u64>,
}

impl Lending {
    /// Starts the workers.
    pub(crate) fn start(
        config: &Config,
        leases: Arc<Leases>,
        make: impl FnMut(usize) -> Worker,
    ) -> Result<Lending> {
        let workers = config.workers as usize;
        let config = divvy_pool::Config {
            workers,
            // A lease is one feed, or as many as there are workers for its tasks; a dropped one may linger until its
            // last chunk has ended.
            feeds_max: 2 * (config.leases_max + workers),
            ..divvy_pool::Config::default()
        };
        let pool = Pool::start(config, make)?;
        let (held, singles, never_ran) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Ok(Lending { pool, leases, held, singles, never_ran, strays: BTreeMap::new(), next_tag: 0 })
    }

    /// A lease has come.
    pub(crate) fn lend(&mut self, lent: Lent) -> Result<()> {
        let (key, hull, lent) = (lent.key(), lent.hull(), Arc::new(lent));
        let by_task = !lent.lease.demand.is_empty();
        self.held.insert(key, Loan { lent: lent.clone(), tag: None });
        if !by_task {
            let tag = self.feed(lent, hull)?;
            self.held.entry(key).and_modify(|loan| loan.tag = Some(tag));
        }
        Ok(())
    }

    /// There is room for this task.
    pub(crate) fn run(&mut self, key: Held, seq: Seq) -> Result<()> {
        let lent = self.held.get(&key).expect("only tasks of held leases are told to run").lent.clone();
        let tag = self.feed(lent, Range::new(seq, seq + 1))?;
        self.singles.insert((key, seq), tag);
        Ok(())
    }

    fn feed(&mut self, lent: Arc<Lent>, range: Range) -> Result<u64> {
        self.next_tag += 1;
        let (order, grain) = (lent.runner.order(), lent.runner.grain());
        self.leases.insert(self.next_tag, lent);
        match grain {
            None => self.pool.feed(self.next_tag, range.lo..range.hi, order)?,
            Some(grain) => self.pool.feed_in(grain, self.next_tag, range.lo..range.hi, order)?,
        }
        Ok(self.next_tag)
    }

    /// Takes up to `n` unstarted tasks of a lease back, from the high end.
    pub(crate) fn cut(&mut self, key: Held, n: u64) -> Intervals {
        let Some(loan) = self.held.get(&key) else { return Intervals::new() };
        let lent = loan.lent.clone();
        let back = match loan.tag {
            Some(tag) => take_back(&self.pool, tag, n).intersect(&lent.lease.open),
            None => self.cut_singles(key, n),
        };
        lent.runner.on_returned(&back);
        back
    }

    fn cut_singles(&mut self, key: Held, n: u64) -> Intervals {
        let mut back = Intervals::new();
        for seq in self.fed_of(key).into_iter().rev() {
            if back.len() >= n {
                break;
            }
            let tag = self.singles[&(key, seq)];
            let cut = take_back(&self.pool, tag, 1);
            if !cut.is_empty() {
                self.forget(key, seq);
                back.insert_all(&cut);
            }
        }
        back
    }

    fn fed_of(&self, key: Held) -> Vec<Seq> {
        self.singles.range((key, 0)..=(key, u64::MAX)).map(|((_, seq), _)| *seq).collect()
    }

    fn forget(&mut self, key: Held, seq: Seq) {
        if let Some(tag) = self.singles.remove(&(key, seq)) {
            self.pool.retire(tag);
            self.leases.remove(tag);
        }
    }

    /// These tasks are no longer ours. Whether the lease is here at all.
    pub(crate) fn drop_tasks(&self, key: Held, tasks: &Intervals) -> bool {
        let Some(loan) = self.held.get(&key) else { return false };
        loan.lent.drop_tasks(tasks);
        loan.lent.runner.on_returned(tasks);
        loan.lent.runner.on_ended();
        true
    }

    /// How often the tasks of a lease had failed, and been lost, before it.
    pub(crate) fn tried(&self, key: Held) -> Option<Tried> {
        self.held.get(&key).map(|loan| Tried::before(&loan.lent.lease))
    }

    /// Nobody wants what is still running of this lease.
    pub(crate) fn abandon(&mut self, key: Held) {
        let stray = || self.strays.get(&key).and_then(Weak::upgrade);
        if let Some(lent) = self.held.get(&key).map(|loan| loan.lent.clone()).or_else(stray) {
            lent.abandon();
            lent.runner.on_ended();
        }
        self.strays.remove(&key);
    }

    /// Retired leases of which tasks may still run.
    pub(crate) fn strays(&mut self) -> Vec<Held> {
        self.strays.retain(|_, lent| lent.strong_count() > 0);
        self.strays.keys().copied().collect()
    }

    /// Nothing more will happen under this lease. Whether it was the last of its job.
    pub(crate) fn retire(&mut self, key: Held) -> bool {
        let Some(loan) = self.held.remove(&key) else { return false };
        if let Some(tag) = loan.tag {
            self.pool.cut(tag, u64::MAX);
            self.pool.retire(tag);
            self.leases.remove(tag);
        }
        let unstarted = self.cut_singles(key, u64::MAX);
        if !unstarted.is_empty() {
            self.never_ran.push((key, unstarted));
        }
        if loan.lent.may_stray() {
            self.strays.insert(key, Arc::downgrade(&loan.lent));
        }
        !self.held.keys().any(|(job, _)| *job == key.0)
    }

    /// Completes what the workers left in their mailboxes: which tasks take nothing of the node any more.
    pub(crate) fn settle(&mut self, worked: &mut Vec<(Held, Worked)>) {
        for (key, worked) in worked.iter() {
            worked.ended.iter().for_each(|seq| self.forget(*key, seq));
        }
        let never_ran = self.never_ran.drain(..);
        worked.extend(never_ran.map(|(key, ended)| (key, Worked { ended, ..Worked::default() })));
    }

    /// Tasks that no worker has taken, by lease; leases without any are left out.
    pub(crate) fn unstarted(&self) -> Vec<(Held, u64)> {
        let waiting = |tag: u64| self.pool.unstarted_of(tag);
        let of = |key: Held, loan: &Loan| match loan.tag {
            Some(tag) => waiting(tag),
            None => self.fed_of(key).iter().map(|seq| waiting(self.singles[&(key, *seq)])).sum(),
        };
        self.held.iter().map(|(key, loan)| (*key, of(*key, loan))).filter(|(_, n)| *n > 0).collect()
    }

    /// Workers that found nothing to do.
    pub(crate) fn idle_workers(&self) -> u32 {
        self.pool.idle_workers() as u32
    }

    /// Ends the workers when they have ended what they run.
    pub(crate) fn close(&mut self) {
        self.pool.stop();
        // A panicking worker is a bug that its own thread has reported.
        let _ = self.pool.join();
        self.held.clear();
        self.leases.clear();
    }
}

fn take_back(pool: &Pool, tag: u64, n: u64) -> Intervals {
    pool.cut(tag, n).into_iter().map(|r| Range::new(r.start, r.end)).collect()
}
