//! What a run amounts to.

use crate::error::{Error, Result};
use divvy_core::JobId;
use divvy_engine::Usage;
use divvy_store::{JobInfo, Progress};

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All tasks of the job have ended.
    Finished,
    /// This node was told to stop; the job is not finished.
    Stopped,
    /// The job was canceled.
    Canceled,
}

/// A job after a run of it. The counts are the whole job's, whoever ran its tasks and when; the account is of this run.
#[derive(Debug, Clone, Copy)]
#[must_use = "a run may end before its job, and tasks may have failed: `into_result` says so"]
pub struct Summary {
    /// The job.
    pub job: JobId,
    /// Why the run ended.
    pub end: End,
    /// Tasks.
    pub tasks: u64,
    /// Tasks that ended well.
    pub done: u64,
    /// Tasks that used up their attempts. [`Divvy::dead`](crate::Divvy::dead) lists them.
    pub dead: u64,
    /// Tasks that were canceled.
    pub canceled: u64,
    /// Where this run's worker-seconds went.
    pub usage: Usage,
}

impl Summary {
    pub(crate) fn new(info: &JobInfo, ended: divvy_decide::End, usage: Usage) -> Summary {
        let end = match ended {
            _ if info.canceled => End::Canceled,
            divvy_decide::End::Finished => End::Finished,
            // The stop came while the last tasks ran, and they ended well.
            _ if matches!(info.progress, Progress::Finished(_)) => End::Finished,
            divvy_decide::End::Stopped | divvy_decide::End::Refused => End::Stopped,
        };
        let counts = info.counts;
        Summary {
            job: info.id,
            end,
            tasks: info.tail,
            done: counts.done,
            dead: counts.dead,
            canceled: counts.canceled,
            usage,
        }
    }

    /// Whether every task ended well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.end == End::Finished && self.done == self.tasks
    }

    /// An error if the job is not finished. Dead tasks are none: look at [`dead`](Summary::dead).
    ///
    /// # Errors
    /// [`Error::Stopped`], [`Error::Canceled`].
    pub fn into_result(self) -> Result<Summary> {
        match self.end {
            End::Finished => Ok(self),
            End::Stopped => Err(Error::Stopped(self.job)),
            End::Canceled => Err(Error::Canceled(self.job)),
        }
    }
}
