//! What a job has done and its bill does not hold, and the other way round: said, so that nobody takes a part for the whole.

use crate::jobs::count;
use divvy_store::{JobInfo, Observation, Progress};

/// How the tasks that nodes told of in observations compare with those that the store counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missing {
    /// Tasks that are done.
    pub done: u64,
    /// Of those, such as no node has told of, at least: of one that took several attempts each that was told of counts.
    pub untold: u64,
    /// Tasks that had ended well, but were told so when the job had been canceled already, or another node had their lease.
    pub too_late: u64,
    /// Whether any of the jobs was canceled.
    canceled: bool,
    /// Whether more may be told of them.
    running: bool,
}

impl Missing {
    /// Takes in a job, and what was seen of it.
    pub fn add(&mut self, job: &JobInfo, seen: &[Observation]) {
        let told: u64 = seen.iter().map(|seen| seen.tasks).sum();
        self.done += job.counts.done;
        self.untold += job.counts.done.saturating_sub(told);
        self.too_late += job.stale;
        self.canceled |= job.canceled;
        self.running |= !matches!(job.progress, Progress::Finished(_));
    }

    /// In words; nothing if nothing is missing.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if self.untold > 0 {
            let why = match self.running {
                true => "nodes tell about once a second, and one that was killed does not",
                false => "their nodes were killed before they told of them, or have not told yet",
            };
            let are = if self.untold == 1 { "is" } else { "are" };
            out += &format!("  {} of the {} tasks done {are} not in it: {why}\n", self.untold, self.done);
        }
        if self.too_late > 0 {
            let why = match self.canceled {
                true => "the job was canceled before that, and they count as canceled",
                false => "another node had their lease by then",
            };
            out += &format!(
                "  {} ended well and could not be told in time: {why}\n",
                count(self.too_late, "task")
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(done: u64, untold: u64, too_late: u64, canceled: bool, running: bool) -> String {
        Missing { done, untold, too_late, canceled, running }.text()
    }

    #[test]
    fn only_what_is_missing_is_said() {
        assert_eq!(told(40, 0, 0, false, false), "");
        assert!(
            told(40, 12, 0, false, false)
                .contains("12 of the 40 tasks done are not in it: their nodes were killed")
        );
        assert!(
            told(40, 1, 0, false, true)
                .contains("1 of the 40 tasks done is not in it: nodes tell about once")
        );
        assert!(
            told(38, 0, 78, true, false)
                .contains("78 tasks ended well and could not be told in time: the job was")
        );
        assert!(told(38, 0, 2, false, false).contains("another node"));
    }
}
