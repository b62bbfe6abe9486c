//! What a driver is to look at. Written by workers, wakers and the coordinator; read by the driver alone.

use divvy_core::Range;
use divvy_engine::Detached;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// Consecutive tasks of a lease.
pub(super) type Portion = (Arc<Detached>, Range);

/// Bounded by what the limit allows: a task is in one portion or one slot, and a slot is woken once until it is polled.
#[derive(Default)]
pub(super) struct Inbox(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    news: News,
    closed: bool,
    /// The driver, unless it has been woken since it last looked.
    driver: Option<Waker>,
}

/// Everything since the last look.
#[derive(Default)]
pub(super) struct News {
    pub(super) portions: Vec<Portion>,
    /// Slots whose futures were woken.
    pub(super) woken: Vec<usize>,
    /// Tasks may have ended from outside.
    pub(super) look: bool,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Inside)) {
        let mut inside = self.lock();
        change(&mut inside);
        let driver = inside.driver.take();
        drop(inside);
        driver.into_iter().for_each(Waker::wake);
    }

    pub(super) fn hand_over(&self, from: Arc<Detached>, tasks: Range) {
        self.change(|inside| inside.news.portions.push((from, tasks)));
    }

    pub(super) fn wake(&self, slot: usize) {
        self.change(|inside| inside.news.woken.push(slot));
    }

    pub(super) fn look(&self) {
        self.change(|inside| inside.news.look = true);
    }

    /// No more tasks will come.
    pub(super) fn close(&self) {
        self.change(|inside| inside.closed = true);
    }

    /// Swaps what there is for `empty` ones, and wakes the driver at the next change. Says whether no more will come.
    pub(super) fn take(&self, empty: &mut News, driver: &Waker) -> bool {
        let inside = &mut *self.lock();
        std::mem::swap(&mut inside.news, empty);
        inside.driver = Some(driver.clone());
        inside.closed
    }
}
