//! Results as a stream.

use super::{Done, Inner};
use crate::error::Result;
use crate::handle::Handle;
use crate::summary::Summary;
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The results of a run, as a [`Stream`]. From [`Results::into_stream`](crate::Results::into_stream); the items are the
/// same, and so is when they count as taken. Dropping it early stops the run, without waiting for that.
pub struct ResultStream<Out> {
    inner: Inner<Out>,
}

impl<Out> ResultStream<Out> {
    pub(super) fn new(inner: Inner<Out>) -> ResultStream<Out> {
        ResultStream { inner }
    }

    /// The next result; as `StreamExt::next`, without needing that trait. Safe to cancel: no result is lost.
    pub async fn next(&mut self) -> Option<Result<Done<Out>>> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    /// To stop, cancel and watch the run.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.inner.handle.clone()
    }

    /// What the run amounts to, once all results are taken.
    #[must_use]
    pub fn summary(&self) -> Option<&Summary> {
        self.inner.summary.as_ref()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Done<Out>>>> {
        while !self.inner.is_over {
            if let Some(item) = self.inner.next_of_current() {
                return Poll::Ready(Some(item));
            }
            match self.inner.channel.poll_take(cx.waker()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(taken) => {
                    if let Some(item) = self.inner.on_taken(taken) {
                        return Poll::Ready(Some(item));
                    }
                }
            }
        }
        Poll::Ready(None)
    }
}

// Nothing in it is pinned.
impl<Out> Unpin for ResultStream<Out> {}

impl<Out> Stream for ResultStream<Out> {
    type Item = Result<Done<Out>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}

impl<Out> Drop for ResultStream<Out> {
    fn drop(&mut self) {
        self.inner.close();
    }
}
