//! Where `async` handlers run, and waiting for a node without blocking.

use super::Async;
use crate::error::{Error, Result};
use crate::feed::spawn;
use crate::handle::Handle;
use crate::node::JobNode;
use crate::summary::Summary;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::{Builder, Handle as Tokio, Runtime as Own};
use tokio::sync::oneshot;

/// The library's own runtime, made when it is first needed: a program that has one never gets another.
#[derive(Default)]
pub(crate) struct Runtime(Mutex<Option<Own>>);

impl Runtime {
    /// The one that was asked for, the one we are in, or our own.
    pub(crate) fn handle(&self, bounds: &Async) -> Result<Tokio> {
        let there = bounds.runtime.clone().or_else(|| Tokio::try_current().ok());
        there.map_or_else(|| self.own(), Ok)
    }

    fn own(&self) -> Result<Tokio> {
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = &*own {
            return Ok(own.handle().clone());
        }
        let made = Builder::new_multi_thread().thread_name("divvy-async").enable_all().build();
        let made = made.map_err(|e| Error::Start(format!("no tokio runtime: {e}")))?;
        Ok(own.insert(made).handle().clone())
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let own = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // Not by its own drop, which may not wait where an `async` function drops the last handle.
        own.into_iter().for_each(Own::shutdown_background);
    }
}

/// A node that runs on a thread of its own. Dropped early, it is stopped.
pub(crate) struct Started {
    handle: Handle,
    ended: oneshot::Receiver<Result<Summary>>,
    is_over: bool,
}

impl Started {
    pub(crate) fn new(node: JobNode, handle: Handle) -> Result<Started> {
        let (tell, ended) = oneshot::channel();
        // If nobody listens any more, it was stopped for that.
        spawn("divvy-node", move || drop(tell.send(node.run())))?;
        Ok(Started { handle, ended, is_over: false })
    }

    pub(crate) async fn finished(mut self) -> Result<Summary> {
        let ended = (&mut self.ended).await;
        self.end(ended)
    }

    pub(crate) fn finished_blocking(mut self) -> Result<Summary> {
        let (_, never) = oneshot::channel();
        let ended = std::mem::replace(&mut self.ended, never).blocking_recv();
        self.end(ended)
    }

    fn end(
        &mut self,
        ended: std::result::Result<Result<Summary>, oneshot::error::RecvError>,
    ) -> Result<Summary> {
        self.is_over = true;
        ended.map_err(|_| Error::Start("the node's thread panicked, which is a bug".into()))?
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if !self.is_over {
            self.handle.stop_now();
        }
    }
}
