//! Stopping by degrees, from a signal handler's thread or anywhere.

use crate::bell::Bell;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How urgently to stop. Degrees only rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum StopLevel {
    /// Go on.
    Run = 0,
    /// Start nothing more, let running tasks finish however long they take.
    Finish = 1,
    /// Start nothing more, let running tasks finish within the grace time.
    Drain = 2,
    /// End running tasks by the job's signals, uncharged.
    End = 3,
    /// Kill running tasks.
    Kill = 4,
}

/// A handle to stop a node; clones stop the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    level: AtomicU8,
    bell: Bell,
    /// What waits in the kernel for a task's process, one for each worker.
    pokes: Mutex<Vec<Arc<Poke>>>,
}

/// Wakes one worker that waits for a process.
#[derive(Debug)]
pub(crate) struct Poke(pub(crate) rustix::fd::OwnedFd);

impl Poke {
    fn new() -> rustix::io::Result<Poke> {
        use rustix::event::{EventfdFlags, eventfd};
        eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).map(Poke)
    }

    pub(crate) fn wake(&self) {
        // The counter is full only if the worker has been woken already.
        let _ = rustix::io::write(self.0.as_fd(), &1u64.to_ne_bytes());
    }

    pub(crate) fn clear(&self) {
        // Nothing to read means that nobody woke us meanwhile.
        let _ = rustix::io::read(self.0.as_fd(), &mut [0u8; 8]);
    }
}

impl Stop {
    /// Asks for at least this degree.
    pub fn ask(&self, level: StopLevel) {
        self.0.level.fetch_max(level as u8, Ordering::Relaxed);
        self.wake_workers();
        self.0.bell.ring();
    }

    /// The degree asked for so far.
    #[must_use]
    #[inline] // looked at for every task
    pub fn level(&self) -> StopLevel {
        match self.0.level.load(Ordering::Relaxed) {
            0 => StopLevel::Run,
            1 => StopLevel::Finish,
            2 => StopLevel::Drain,
            3 => StopLevel::End,
            _ => StopLevel::Kill,
        }
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.0.bell
    }

    pub(crate) fn poke(&self) -> rustix::io::Result<Arc<Poke>> {
        let poke = Arc::new(Poke::new()?);
        self.0.pokes.lock().unwrap_or_else(PoisonError::into_inner).push(poke.clone());
        Ok(poke)
    }

    /// A place where a stop is heard by somebody who waits for a process and is no worker.
    ///
    /// # Errors
    /// If the system has nothing left to wait with.
    pub fn call(&self) -> std::io::Result<Call> {
        Ok(Call { poke: self.poke()?, stop: self.clone() })
    }

    pub(crate) fn wake_workers(&self) {
        let pokes = self.0.pokes.lock().unwrap_or_else(PoisonError::into_inner);
        pokes.iter().for_each(|poke| poke.wake());
    }
}

/// Woken by every degree of a stop, until it is dropped.
#[derive(Debug)]
pub struct Call {
    pub(crate) poke: Arc<Poke>,
    stop: Stop,
}

impl Call {
    /// The degree asked for so far.
    #[must_use]
    pub fn level(&self) -> StopLevel {
        self.stop.level()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut pokes = self.stop.0.pokes.lock().unwrap_or_else(PoisonError::into_inner);
        pokes.retain(|poke| !Arc::ptr_eq(poke, &self.poke));
    }
}
