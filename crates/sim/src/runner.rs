//! Many seeds on several threads, and what they came to.

use crate::world::broken::{Broken, Invariant};
use crate::world::fault::{Fault, Tally};
use crate::world::{Options, Outcome, Planted, run};
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::time::Instant;

/// Which seeds to run, and how.
#[derive(Debug, Clone, Copy)]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// On how many threads.
    pub threads: usize,
    /// What each run has in common.
    pub options: Options,
    /// Say on stderr how far it is.
    pub progress: bool,
}

/// What a campaign came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Seeds that ran to their end.
    pub seeds: u64,
    /// Events in them.
    pub events: u64,
    /// The fewest events of a seed.
    pub events_min: u64,
    /// Seeds with SQLite beside the model.
    pub twins: u64,
    /// Seeds in which each fault happened.
    pub suffered: Tally,
    /// Nanoseconds that passed in all worlds.
    pub virtual_ns: u128,
    /// How long it took.
    pub seconds: f64,
    /// The lowest seed that broke a promise, of those that ran before the campaign stopped.
    pub broken: Option<(u64, Broken)>,
}

impl Summary {
    fn add(&mut self, outcome: &Outcome) {
        self.events_min = if self.seeds == 0 { outcome.events } else { self.events_min.min(outcome.events) };
        self.seeds += 1;
        self.events += outcome.events;
        self.twins += u64::from(outcome.twin);
        self.virtual_ns += u128::from(outcome.virtual_ns);
        let happened = Fault::ALL.iter().filter(|fault| outcome.tally.of(**fault) > 0);
        happened.for_each(|fault| self.suffered.count(*fault));
    }

    fn merge(&mut self, other: Summary) {
        self.events_min = match (self.seeds, other.seeds) {
            (0, _) => other.events_min,
            (_, 0) => self.events_min,
            _ => self.events_min.min(other.events_min),
        };
        self.seeds += other.seeds;
        self.events += other.events;
        self.twins += other.twins;
        self.virtual_ns += other.virtual_ns;
        self.suffered.0.iter_mut().zip(other.suffered.0).for_each(|(all, more)| *all += more);
        let first = |b: &(u64, Broken)| b.0;
        self.broken = self.broken.take().into_iter().chain(other.broken).min_by_key(first);
    }
}

/// Runs a campaign until its end or until a promise is broken.
#[must_use]
pub fn campaign(campaign: &Campaign) -> Summary {
    let start = Instant::now();
    let (next, stop) = (AtomicU64::new(campaign.from), AtomicBool::new(false));
    let all = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..campaign.threads.max(1) {
            scope.spawn(|| {
                let mine = seeds(campaign, &next, &stop);
                all.lock().expect("no thread panics: runs are caught").merge(mine);
            });
        }
    });
    let mut summary = all.into_inner().expect("no thread panics: runs are caught");
    summary.seconds = start.elapsed().as_secs_f64();
    summary
}

fn seeds(campaign: &Campaign, next: &AtomicU64, stop: &AtomicBool) -> Summary {
    let mut mine = Summary::default();
    // Relaxed: the counter hands out seeds, the flag saves work; results travel by the mutex.
    while !stop.load(Ordering::Relaxed) {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        let done = seed - campaign.from;
        if done >= campaign.seeds {
            break;
        }
        if campaign.progress && done > 0 && done.is_multiple_of(10_000) {
            eprintln!("{done} seeds");
        }
        let outcome = guarded(seed, &campaign.options);
        if let Some(broken) = outcome.broken {
            stop.store(true, Ordering::Relaxed);
            mine.broken = Some((seed, broken));
            break;
        }
        mine.add(&outcome);
    }
    mine
}

/// Runs one seed; an assertion that fails in the code under test is a broken promise too.
#[must_use]
pub fn guarded(seed: u64, options: &Options) -> Outcome {
    // Where the assertion was that this thread's run broke; `None` while it runs none.
    thread_local!(static PLACE: RefCell<Option<String>> = const { RefCell::new(None) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let guarded = PLACE.with_borrow_mut(|at| at.as_mut().map(|at| *at = place).is_some());
            if !guarded {
                before(info);
            }
        }));
    });
    PLACE.set(Some(String::new()));
    let outcome = catch_unwind(AssertUnwindSafe(|| run(seed, options)));
    let place = PLACE.take().unwrap_or_default();
    outcome.unwrap_or_else(|panic| {
        let why = format!("{} at {place}", words(panic.as_ref()));
        let broken = Some(Broken { invariant: Invariant::Assertion, why });
        Outcome { events: 0, hash: 0, tally: Tally::default(), virtual_ns: 0, twin: false, broken }
    })
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

/// How many seeds it takes to find a planted bug, and what finds it. `None` if the limit is reached before.
#[must_use]
pub fn hunt(bug: Planted, limit: u64, events: u64) -> Option<(u64, Broken)> {
    let options = Options { events, bug: Some(bug), trace: false, twin_every: 0 };
    (0..limit).find_map(|seed| guarded(seed, &options).broken.map(|broken| (seed + 1, broken)))
}
