//! What becomes of a task that failed or was lost: the arithmetic, apart from any table.
//!
//! A range that is lost with its node comes back in eighths, and those in eighths, down to single tasks. So a
//! task that kills its node is isolated after a few losses, and no neighbour is charged for it.

use crate::job::Policy;

/// Most ranges of a job that wait when a claim sets runs aside to reach a class behind them. So many rows a job may
/// cost, and so many are looked through for a claim; a class whose next task is farther away has to wait until others
/// are leased. With 512 classes in random order a node still finds, of nearly all, a task among so many.
pub const AHEAD_MAX: u64 = 4_096;

/// How a lost lease comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterLoss {
    /// Its unfinished tasks wait again, at most `part` of them in one lease.
    Waits {
        /// Most tasks per lease.
        part: u64,
        /// The charge that the task carries from now on.
        crashes: u32,
    },
    /// The task is dead: it took its node down once too often.
    Dies {
        /// What it is charged with.
        crashes: u32,
    },
}

/// The fate of a lost lease with `open` unfinished tasks that carried `crashes`.
///
/// Only a task that was alone in its lease is charged. It dies only if, the last time, its node ran nothing else
/// (`quarantined`), so that a long task beside a deadly one can be charged but never condemned for it.
#[must_use]
pub fn after_loss(policy: &Policy, open: u64, crashes: u32, quarantined: bool) -> AfterLoss {
    if open > 1 {
        return AfterLoss::Waits { part: open.div_ceil(8), crashes };
    }
    let crashes = crashes + 1;
    if crashes >= policy.crash_limit && (quarantined || policy.crash_limit == 1) {
        return AfterLoss::Dies { crashes };
    }
    AfterLoss::Waits { part: 1, crashes }
}

/// Whether a waiting range is being isolated: a task that was lost alone, or the last step before that.
#[must_use]
pub fn is_isolated(part: u64, crashes: u32) -> bool {
    part == 1 || crashes > 0
}

/// Whether a waiting task with this charge may run only on a node that holds nothing else.
#[must_use]
pub fn needs_quarantine(policy: &Policy, crashes: u32) -> bool {
    crashes > 0 && crashes + 1 >= policy.crash_limit
}

/// Whether a task is dead after its `attempts`-th failed attempt.
#[must_use]
pub fn dies_after_failure(policy: &Policy, attempts: u32) -> bool {
    attempts >= policy.max_attempts
}

/// Tasks as a node counts them that thinks about taking them from another: four times as many for each time that they were
/// taken already. A task may be long rather than its nodes slow, and would never end if each gave it up after the same time.
#[must_use]
pub fn weighed(tasks: u64, taken: u32) -> u64 {
    tasks.saturating_mul(4u64.saturating_pow(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A deadly task in a range of a million, on a node that dies each time it starts it.
    #[test]
    fn a_deadly_task_is_found_and_dies_alone() {
        let policy = Policy::default();
        let (mut open, mut crashes, mut losses) = (1_000_000u64, 0, 0);
        loop {
            losses += 1;
            assert!(losses < 20);
            match after_loss(&policy, open, crashes, needs_quarantine(&policy, crashes)) {
                AfterLoss::Waits { part, crashes: c } => (open, crashes) = (part, c),
                AfterLoss::Dies { crashes } => break assert_eq!(crashes, policy.crash_limit),
            }
        }
        assert_eq!(losses, 7 + 5, "seven eighths down from a million, then five alone");
    }

    #[test]
    fn a_bystander_is_never_condemned() {
        let policy = Policy::default();
        let fate = after_loss(&policy, 1, 40, false);
        assert_eq!(fate, AfterLoss::Waits { part: 1, crashes: 41 });
    }
}
