//! A process is lost: who is to blame, and whether another one is worth a try.

use super::TERM_NS;
use super::round::Round;
use super::talk::Talk;
use crate::command::name_of;
use divvy_core::Seq;
use divvy_engine::process::Captured;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Why a process is lost.
pub(super) enum Lost {
    /// It has ended by itself.
    Ended(ExitStatus),
    /// It did this.
    Did(String),
    /// It took too long.
    TimedOut,
    /// A task that it has was taken away, and there is no other way to end that.
    Unwanted,
}

impl Round<'_, '_, '_> {
    /// The process is of no use any more: who is to blame, and whether another one is worth a try.
    pub(super) fn on_lost(&mut self, mut talk: Talk, lost: Lost) {
        if let Lost::TimedOut = lost {
            talk.process().terminate();
            talk.wait_for_end(TERM_NS, |talk| self.job.pass_errors(talk, false));
        }
        talk.process().kill();
        // Reaped already if it ended by itself.
        let _ = talk.process().reap();
        self.job.pass_errors(&mut talk, true);
        let (did, guilty) = match lost {
            Lost::Unwanted => return self.hands.on_unread(),
            Lost::TimedOut => {
                let limit = self.job.timeout_ns.unwrap_or(0) as f64 / 1e9;
                // Whether it has read the task or not: it has had its time.
                let guilty = self.hands.on_end();
                return self.blame(guilty, format!("timed out after {limit} s"));
            }
            _ if talk.has_read_nothing() => {
                self.hands.on_unread();
                (what(lost), None)
            }
            _ => (what(lost), self.hands.on_end()),
        };
        self.blame(guilty, format!("the handler {did} while it ran this task"));
        if !talk.has_answered
            && let Some(barren) = self.job.on_barren(guilty.is_some())
        {
            let why = format!(
                "the handler ended {barren} times in a row before it had answered a task; the last one {did}"
            );
            self.job.on_useless(self.chunk, why);
        }
    }

    fn blame(&mut self, guilty: Option<Seq>, error: String) {
        if let Some(seq) = guilty {
            self.hand_over(seq, Captured::default(), Some(error));
        }
    }
}

/// What a process did that it is lost.
fn what(lost: Lost) -> String {
    let status = match lost {
        Lost::Ended(status) => status,
        Lost::Did(what) => return what,
        Lost::TimedOut | Lost::Unwanted => return "was ended".into(),
    };
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}{}", name_of(signal)),
        (None, None) => format!("ended with {status}"),
    }
}
