//! Futures under way, in slots that are used again: a task needs no allocation of its own.

use super::inbox::Inbox;
use divvy_core::Seq;
use divvy_engine::{Detached, panic_message};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// As many as were ever under way at once, which the limit bounds.
pub(super) struct Slots<Fut> {
    slots: Vec<Slot<Fut>>,
    free: Vec<usize>,
}

struct Slot<Fut> {
    future: Pin<Box<Option<Fut>>>,
    task: Option<(Arc<Detached>, Seq)>,
    nudge: Arc<Nudge>,
    waker: Waker,
}

/// Wakes one slot. It outlives the slot's futures: a late wake of an earlier one polls the present one once in vain.
struct Nudge {
    slot: usize,
    /// It is in the driver's inbox already.
    queued: AtomicBool,
    inbox: Arc<Inbox>,
}

impl Wake for Nudge {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.inbox.wake(self.slot);
        }
    }
}

/// What a future gave, or the message of its panic: then it is gone like any other.
pub(super) type Landed<T> = Result<T, String>;

impl<Fut> Slots<Fut> {
    pub(super) fn new() -> Slots<Fut> {
        Slots { slots: Vec::new(), free: Vec::new() }
    }

    pub(super) fn under_way(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl<Fut: Future> Slots<Fut> {
    /// Begins a task: polls it once, and keeps it if that was not enough.
    pub(super) fn begin(
        &mut self,
        inbox: &Arc<Inbox>,
        from: &Arc<Detached>,
        seq: Seq,
        future: Fut,
    ) -> Option<Landed<Fut::Output>> {
        let at = self.free.pop().unwrap_or_else(|| {
            let nudge = Arc::new(Nudge {
                slot: self.slots.len(),
                queued: AtomicBool::new(false),
                inbox: inbox.clone(),
            });
            let waker = Waker::from(nudge.clone());
            self.slots.push(Slot { future: Box::pin(None), task: None, nudge, waker });
            self.slots.len() - 1
        });
        let slot = &mut self.slots[at];
        slot.future.set(Some(future));
        match slot.poll() {
            Poll::Ready(output) => {
                self.free.push(at);
                Some(output)
            }
            Poll::Pending => {
                slot.task = Some((from.clone(), seq));
                None
            }
        }
    }

    /// Polls a slot that was woken.
    pub(super) fn go_on(&mut self, at: usize) -> Option<(Arc<Detached>, Seq, Landed<Fut::Output>)> {
        let slot = &mut self.slots[at];
        // Before the poll: a wake during it counts again.
        slot.nudge.queued.store(false, Ordering::Release);
        let Poll::Ready(output) = slot.poll() else { return None };
        let (from, seq) = slot.task.take()?;
        self.free.push(at);
        Some((from, seq, output))
    }

    /// Drops the futures of tasks that have ended from outside, and says which.
    pub(super) fn drop_ended(&mut self) -> Vec<(Arc<Detached>, Seq)> {
        let mut ended = Vec::new();
        for (at, slot) in self.slots.iter_mut().enumerate() {
            if let Some((from, seq)) = slot.task.take_if(|(from, seq)| from.is_ended(*seq)) {
                slot.clear();
                self.free.push(at);
                ended.push((from, seq));
            }
        }
        ended
    }
}

impl<Fut: Future> Slot<Fut> {
    fn poll(&mut self) -> Poll<Landed<Fut::Output>> {
        let Some(future) = self.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let mut cx = Context::from_waker(&self.waker);
        let polled = match catch_unwind(AssertUnwindSafe(|| future.poll(&mut cx))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(format!("panicked: {}", panic_message(&*panic)))),
        };
        if polled.is_ready() {
            self.clear();
        }
        polled
    }

    /// Drops the future, whose drop is the user's code.
    fn clear(&mut self) {
        // The slot is empty afterwards in either case; the panic itself has been reported by its hook.
        let _ = catch_unwind(AssertUnwindSafe(|| self.future.set(None)));
    }
}
