//! The tokio task that polls one worker's futures.

use super::inbox::{Inbox, News};
use super::limit::Limit;
use super::slots::{Landed, Slots};
use crate::calls::Ended;
use crate::results::{Batch, Channel, Item};
use divvy_core::{Range, Seq};
use divvy_engine::{Detached, Told};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

/// One of them for each worker and job.
pub(super) struct Driver<Out, Fut, B> {
    inbox: Arc<Inbox>,
    limit: Arc<Limit>,
    channel: Option<Arc<Channel<Out>>>,
    begin: B,
    slots: Slots<Fut>,
    news: News,
    /// What landed in this turn, by lease.
    landed: Vec<Tidings<Out>>,
    /// Results for which there was no room yet. Their tasks still count as under way.
    waiting: VecDeque<Batch<Out>>,
    /// Results in `waiting`.
    held: usize,
}

/// What became of a lease's tasks in this turn.
struct Tidings<Out> {
    from: Arc<Detached>,
    told: Told,
    /// Consecutive tasks that are done; more of them are in `told`.
    run: Range,
    items: Vec<Item<Out>>,
    tasks: usize,
}

impl<Out, Fut, B> Driver<Out, Fut, B>
where
    Fut: Future<Output = (u32, Ended<Out>)>,
    B: Fn(&Arc<Detached>, Seq) -> Fut,
{
    pub(super) fn new(
        inbox: Arc<Inbox>,
        limit: Arc<Limit>,
        channel: Option<Arc<Channel<Out>>>,
        begin: B,
    ) -> Driver<Out, Fut, B> {
        Driver {
            inbox,
            limit,
            channel,
            begin,
            slots: Slots::new(),
            news: News::default(),
            landed: Vec::new(),
            waiting: VecDeque::new(),
            held: 0,
        }
    }

    /// Until no more tasks come and none is under way.
    pub(super) async fn run(mut self) {
        std::future::poll_fn(|cx| self.turn(cx)).await;
    }

    /// One look at everything there is. Each future is polled at most once, so that a turn is bounded and other tokio
    /// tasks get theirs: who is woken meanwhile wakes the driver for another turn.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let closed = self.inbox.take(&mut self.news, cx.waker());
        let mut news = std::mem::take(&mut self.news);
        if std::mem::take(&mut news.look) {
            self.drop_ended();
        }
        for at in news.woken.drain(..) {
            if let Some((from, seq, landed)) = self.slots.go_on(at) {
                self.land(&from, seq, landed);
            }
        }
        for (from, tasks) in news.portions.drain(..) {
            (tasks.lo..tasks.hi).for_each(|seq| self.begin(&from, seq));
        }
        // Its room is used again.
        self.news = news;
        self.tell(cx);
        if closed && self.slots.under_way() == 0 && self.waiting.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn begin(&mut self, from: &Arc<Detached>, seq: Seq) {
        if from.is_ended(seq) {
            return self.tidings(from).told.stopped.insert(Range::new(seq, seq + 1));
        }
        let future = (self.begin)(from, seq);
        if let Some(landed) = self.slots.begin(&self.inbox, from, seq, future) {
            self.land(from, seq, landed);
        }
    }

    fn drop_ended(&mut self) {
        for (from, seq) in self.slots.drop_ended() {
            self.tidings(&from).told.stopped.insert(Range::new(seq, seq + 1));
        }
    }

    /// What is to be told of this lease; the task at hand is counted.
    fn tidings(&mut self, from: &Arc<Detached>) -> &mut Tidings<Out> {
        let lease = from.key(0).lease;
        let at =
            self.landed.iter().rposition(|known| known.from.key(0).lease == lease).unwrap_or_else(|| {
                let (told, run) = (Told::default(), Range::default());
                self.landed.push(Tidings { from: from.clone(), told, run, items: Vec::new(), tasks: 0 });
                self.landed.len() - 1
            });
        let tidings = &mut self.landed[at];
        tidings.tasks += 1;
        tidings
    }

    fn land(&mut self, from: &Arc<Detached>, seq: Seq, landed: Landed<(u32, Ended<Out>)>) {
        let wants = self.channel.is_some();
        let (attempt, ended) = landed.unwrap_or_else(|panic| (from.task(seq).attempt, Err(panic)));
        let tidings = self.tidings(from);
        match ended {
            // It gave up because it was asked to: no fault of its own.
            Err(_) if from.is_ended(seq) => tidings.told.stopped.insert(Range::new(seq, seq + 1)),
            Err(error) if !wants || !from.is_last_attempt() => tidings.told.failed.push((seq, error)),
            Err(error) => tidings.items.push(Item { seq, attempt, ended: Err(error) }),
            Ok(Some(output)) => tidings.items.push(Item { seq, attempt, ended: Ok(output) }),
            Ok(None) if seq == tidings.run.hi => tidings.run.hi += 1,
            Ok(None) => {
                tidings.told.done.insert(tidings.run);
                tidings.run = Range::new(seq, seq + 1);
            }
        }
    }

    /// Tells of what needs no reader, and hands the results over. Their tasks are no longer under way then.
    fn tell(&mut self, cx: &mut Context<'_>) {
        let mut over = 0;
        let mut landed = std::mem::take(&mut self.landed);
        for Tidings { from, mut told, run, items, tasks } in landed.drain(..) {
            told.done.insert(run);
            over += tasks - items.len();
            self.held += items.len();
            if !told.is_empty() {
                from.tell(told);
            }
            self.waiting.extend(batches(&from, items));
        }
        self.landed = landed;
        over += self.put(cx);
        if over > 0 {
            // Last: until then the node waits for these tasks.
            self.limit.release(over);
        }
    }

    /// Hands over results while there is room, and says how many.
    fn put(&mut self, cx: &mut Context<'_>) -> usize {
        let Some(channel) = &self.channel else { return 0 };
        let mut over = 0;
        // In order, the first is the one whose turn it may be: if there is no room for it, there is none for the others.
        self.waiting.make_contiguous().sort_unstable_by_key(Batch::first);
        while let Some(batch) = self.waiting.pop_front() {
            let n = batch.items.len();
            if let Some(batch) = channel.try_put(batch, cx.waker()) {
                self.waiting.push_front(batch);
                break;
            }
            over += n;
        }
        self.held -= over;
        over
    }
}

/// Results in batches of consecutive tasks.
fn batches<Out>(from: &Arc<Detached>, mut items: Vec<Item<Out>>) -> Vec<Batch<Out>> {
    items.sort_unstable_by_key(|item| item.seq);
    let mut batches: Vec<Batch<Out>> = Vec::new();
    for item in items {
        match batches.last_mut() {
            Some(batch) if batch.follows(item.seq) => batch.items.push(item),
            _ => batches.push(Batch { from: from.clone(), items: vec![item] }),
        }
    }
    batches
}

impl<Out, Fut, B> Drop for Driver<Out, Fut, B> {
    /// The runtime may be shut down at any time. Whoever waits for what was under way here is told so.
    fn drop(&mut self) {
        self.inbox.take(&mut self.news, std::task::Waker::noop());
        let handed_over: u64 = self.news.portions.iter().map(|(_, tasks)| tasks.len()).sum();
        let under_way = self.slots.under_way() + self.held + handed_over as usize;
        if under_way > 0 {
            self.limit.break_off(under_way);
        }
    }
}
