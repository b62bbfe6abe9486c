//! What is measured: many small nodes on one store, and something that limits them, or nothing.

use super::section::Hold;
use divvy_core::Rng;
use divvy_engine::{Function, Handler, Task};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) const KIND: &str = "capacity";

/// How the nodes reach the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handles {
    /// All through one handle, as threads of one program do: what waits together is committed together.
    Shared,
    /// Each through its own, as processes do: they compete for the file's lock.
    Own,
}

/// What a task does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    /// Sleeps for so many milliseconds, from and to.
    Sleeps(f64, f64),
    /// Sleeps for so many milliseconds, from and to, and then for so many in a section that one task at a time may enter.
    Queues(f64, f64, f64),
    /// Keeps a core busy for so many milliseconds.
    Computes(f64),
}

/// One system.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) shown: &'static str,
    pub(super) handles: Handles,
    pub(super) hold: Option<Hold>,
    pub(super) work: Work,
    /// Workers of each node.
    pub(super) workers: u32,
    /// Most tasks in a lease.
    pub(super) lease: u64,
    /// Nodes that are seen.
    pub(super) seen: usize,
}

const fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}

const fn hold(base_us: u64, each_us: u64, busy: bool, silent: bool) -> Option<Hold> {
    Some(Hold { base: us(base_us), each: us(each_us), busy, silent })
}

/// A node of one worker whose tasks sleep for 20 ms, in leases of one.
const PLAIN: Scene = Scene {
    name: "plain",
    shown: "nothing added, one handle",
    handles: Handles::Shared,
    hold: None,
    work: Work::Sleeps(20.0, 20.0),
    workers: 1,
    lease: 1,
    seen: 6,
};

/// All of them.
pub(super) const SCENES: [Scene; 9] = [
    PLAIN,
    Scene { name: "plain-own", shown: "nothing added, a handle each", handles: Handles::Own, ..PLAIN },
    Scene {
        name: "fixed",
        shown: "a section of 2 ms in the store",
        hold: hold(2_000, 0, false, false),
        seen: 5,
        ..PLAIN
    },
    Scene {
        name: "fixed-busy",
        shown: "a busy section of 1 ms, leases of 4 tasks of 5 to 15 ms",
        hold: hold(1_000, 0, true, false),
        work: Work::Sleeps(5.0, 15.0),
        lease: 4,
        ..PLAIN
    },
    Scene {
        name: "growing",
        shown: "0.5 ms and 0.2 ms a worker",
        hold: hold(500, 200, false, false),
        ..PLAIN
    },
    Scene {
        name: "growing-two",
        shown: "0.5 ms and 0.1 ms a worker, nodes of two, leases of 4 tasks of 10 to 20 ms",
        hold: hold(500, 100, false, false),
        work: Work::Sleeps(10.0, 20.0),
        workers: 2,
        lease: 4,
        seen: 4,
        ..PLAIN
    },
    Scene {
        name: "blind",
        shown: "a section of 2 ms that the store does not tell of",
        hold: hold(2_000, 0, false, true),
        seen: 5,
        ..PLAIN
    },
    Scene {
        name: "handler",
        shown: "a section of 2 ms in tasks of 5 to 20 ms",
        work: Work::Queues(5.0, 20.0, 2.0),
        ..PLAIN
    },
    Scene {
        name: "cpu",
        shown: "tasks of 5 ms that compute, leases of 2",
        work: Work::Computes(5.0),
        lease: 2,
        seen: 2,
        ..PLAIN
    },
];

impl Scene {
    /// Cores that all its nodes share.
    ///
    /// # Errors
    /// If the system does not tell.
    pub(super) fn cores(&self) -> std::io::Result<u32> {
        Ok(std::thread::available_parallelism()?.get() as u32)
    }
}

/// The handler of a scene, and how many tasks have ended.
pub(super) fn handler(work: Work) -> (Arc<dyn Handler>, Arc<AtomicU64>) {
    let (ended, seat) = (Arc::new(AtomicU64::default()), Mutex::new(()));
    let count = ended.clone();
    let run = move |task: Task<'_>| -> Result<(), std::convert::Infallible> {
        match work {
            Work::Sleeps(from, to) => std::thread::sleep(between(task, from, to)),
            Work::Queues(from, to, queued) => {
                std::thread::sleep(between(task, from, to));
                let _turn = seat.lock().unwrap_or_else(PoisonError::into_inner);
                std::thread::sleep(ms(queued));
            }
            Work::Computes(time) => compute(ms(time)),
        }
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    (Arc::new(Function::new(KIND, run)), ended)
}

/// A time that is the same in every run of the task.
fn between(task: Task<'_>, from: f64, to: f64) -> Duration {
    ms(from + Rng::new(task.seq).unit() * (to - from))
}

fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1e3)
}

/// Keeps a core busy until this thread has had so much of its time, however many share it.
fn compute(time: Duration) {
    let used = || Duration::from_nanos(divvy_engine::cpu::thread_ns());
    let end = used() + time;
    while used() < end {
        let turn = Instant::now();
        while turn.elapsed() < us(20) {
            std::hint::spin_loop();
        }
    }
}
