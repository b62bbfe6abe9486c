//! Results, as the program takes them.

mod channel;
mod gate;
#[cfg(feature = "tokio")]
mod stream;

pub(crate) use channel::{Batch, Channel, Item};
#[cfg(feature = "tokio")]
pub use stream::ResultStream;

use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::summary::{End, Summary};
use channel::Taken;
use divvy_core::Range;
use divvy_engine::{Detached, Told};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most time between two tellings of what was taken, while results are taken. What is not told at a crash runs again.
const TELL_EVERY: Duration = Duration::from_millis(20);

/// A task that ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<Out> {
    /// The task's id: an array's number, else the record's place, counting from 1.
    pub task: u64,
    /// The attempt that it took.
    pub attempt: u32,
    /// What its handler returned.
    pub output: Out,
}

/// The results of a run, as a blocking iterator. From [`Run::results`](crate::Run::results).
///
/// Each item is a task that ended well, or [`Error::Dead`] for one that used up its attempts; iteration goes on after
/// that. Any other error is the last item: the node failed ([`Error::Store`]), was stopped ([`Error::Stopped`]), or the job was canceled
/// ([`Error::Canceled`]). So results that end without such an error are complete.
///
/// A result counts as taken when the next one is asked for, and only then is its task done. What was not taken when the
/// program crashes, or when this is dropped, runs again after a resume: every task's result is seen *at least once*.
///
/// Dropping it early stops the run: it waits for the tasks that are just running.
pub struct Results<Out> {
    /// `None` only when a stream took over.
    inner: Option<Inner<Out>>,
    /// The node's thread.
    node: Option<JoinHandle<()>>,
}

/// What the iterator and the stream have in common.
struct Inner<Out> {
    channel: Arc<Channel<Out>>,
    handle: Handle,
    current: Option<Current<Out>>,
    summary: Option<Summary>,
    is_over: bool,
}

/// The batch in the reader's hands.
struct Current<Out> {
    from: Arc<Detached>,
    items: std::vec::IntoIter<Item<Out>>,
    /// The result that was given last: taken when the next one is asked for.
    given: Option<(u64, Option<String>)>,
    /// Taken and not told yet: consecutive tasks, and the rest.
    run: Range,
    told: Told,
    /// Results in both.
    untold: usize,
    told_at: Instant,
}

impl<Out> Current<Out> {
    fn new(batch: Batch<Out>) -> Current<Out> {
        Current {
            from: batch.from,
            items: batch.items.into_iter(),
            given: None,
            run: Range::default(),
            told: Told::default(),
            untold: 0,
            told_at: Instant::now(),
        }
    }

    /// The result that was given last is in safe hands.
    fn take_given(&mut self) {
        let Some((seq, error)) = self.given.take() else { return };
        self.untold += 1;
        match error {
            Some(error) => self.told.failed.push((seq, error)),
            None if seq == self.run.hi => self.run.hi += 1,
            None => {
                self.told.done.insert(self.run);
                self.run = Range::new(seq, seq + 1);
            }
        }
    }

    /// Tells of all that was taken, and returns how many results that were.
    fn tell(&mut self) -> usize {
        self.told.done.insert(std::mem::take(&mut self.run));
        let told = std::mem::take(&mut self.told);
        if !told.is_empty() {
            self.from.tell(told);
        }
        self.told_at = Instant::now();
        std::mem::take(&mut self.untold)
    }

    fn next(&mut self) -> Option<Result<Done<Out>>> {
        let Item { seq, attempt, ended } = self.items.next()?;
        let (job, task) = (self.from.key(seq).lease.0, self.from.id(seq));
        Some(match ended {
            Ok(output) => {
                self.given = Some((seq, None));
                Ok(Done { task, attempt, output })
            }
            Err(error) => {
                self.given = Some((seq, Some(error.clone())));
                Err(Error::Dead { job, task, attempts: attempt, error })
            }
        })
    }
}

impl<Out> Inner<Out> {
    fn new(channel: Arc<Channel<Out>>, handle: Handle) -> Inner<Out> {
        Inner { channel, handle, current: None, summary: None, is_over: false }
    }

    /// The next result of the batch in hand; `None` when another batch is needed.
    fn next_of_current(&mut self) -> Option<Result<Done<Out>>> {
        let current = self.current.as_mut()?;
        current.take_given();
        let next = current.next();
        if next.is_none() || current.told_at.elapsed() >= TELL_EVERY {
            let told = current.tell();
            self.channel.told(told);
        }
        if next.is_none() {
            self.current = None;
        }
        next
    }

    /// A batch has come, or the end.
    fn on_taken(&mut self, taken: Taken<Out>) -> Option<Result<Done<Out>>> {
        let end = match taken {
            Taken::Batch(batch) => {
                self.current = Some(Current::new(batch));
                return None;
            }
            Taken::Over(end) => end,
        };
        self.is_over = true;
        match end? {
            Err(error) => Some(Err(error)),
            Ok(summary) => {
                self.summary = Some(summary);
                match summary.end {
                    End::Finished => None,
                    End::Stopped => Some(Err(Error::Stopped(summary.job))),
                    End::Canceled => Some(Err(Error::Canceled(summary.job))),
                }
            }
        }
    }

    /// Nothing more will be taken: the run stops, without grace.
    fn close(&mut self) {
        // What was given last may be why nobody goes on: it does not count as taken.
        if let Some(mut current) = self.current.take() {
            let told = current.tell();
            self.channel.told(told);
        }
        self.channel.close();
        if !self.is_over {
            self.handle.stop_now();
        }
    }
}

impl<Out> Results<Out> {
    pub(crate) fn new(channel: Arc<Channel<Out>>, handle: Handle, node: JoinHandle<()>) -> Results<Out> {
        Results { inner: Some(Inner::new(channel, handle)), node: Some(node) }
    }

    fn inner(&self) -> &Inner<Out> {
        self.inner.as_ref().expect("whoever takes it consumes the results")
    }

    /// To stop, cancel and watch the run.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.inner().handle.clone()
    }

    /// What the run amounts to, once all results are taken.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        self.inner().summary.as_ref()
    }

    /// The same results as a [`Stream`](futures_core::Stream).
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn into_stream(mut self) -> ResultStream<Out> {
        ResultStream::new(self.inner.take().expect("whoever takes it consumes the results"))
    }
}

impl<Out> Iterator for Results<Out> {
    type Item = Result<Done<Out>>;

    fn next(&mut self) -> Option<Result<Done<Out>>> {
        let inner = self.inner.as_mut()?;
        while !inner.is_over {
            if let Some(item) = inner.next_of_current() {
                return Some(item);
            }
            let taken = inner.channel.take();
            if let Some(item) = inner.on_taken(taken) {
                return Some(item);
            }
        }
        None
    }
}

impl<Out> std::iter::FusedIterator for Results<Out> {}

impl<Out> Drop for Results<Out> {
    fn drop(&mut self) {
        let Some(inner) = &mut self.inner else { return };
        inner.close();
        if let Some(node) = self.node.take() {
            // Its panic, a bug of this crate, was reported by its own thread.
            let _ = node.join();
        }
    }
}
