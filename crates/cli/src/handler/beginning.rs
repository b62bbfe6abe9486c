//! When a process was ready: what of the time until its first answer was its start, and no task's.
//!
//! A process that announces itself says so: all before is `spawn`. Of one that does not, nobody can tell its start from its first
//! tasks until it has answered others: what the first took beyond the longest of the next few is put down to the start
//! then. Too little rather than too much: a task that happens to be long is not called a start.

use divvy_engine::Chunk;

/// Tasks behind the first answer after which it is decided.
const TASKS: u64 = 3;

/// How far a process has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Beginning {
    /// It has said nothing since it was started, at this time.
    Starting(u64),
    /// It has answered a task, without an announcement.
    Answered {
        /// From its start until then.
        first_ns: u64,
        /// Tasks that it answered then.
        tasks: u64,
        /// Of the answers since then, the longest time of a task.
        longest_ns: u64,
        /// Tasks that they were for.
        answered: u64,
    },
    /// What there was to tell is told.
    Told,
}

impl Beginning {
    /// It has announced itself, and answered nothing yet. Returns how long it took.
    fn on_hello(&mut self, now_ns: u64) -> u64 {
        match std::mem::replace(self, Beginning::Told) {
            Beginning::Starting(since_ns) => now_ns.saturating_sub(since_ns),
            Beginning::Answered { .. } | Beginning::Told => 0,
        }
    }

    /// It has answered so many tasks, which took `each_ns`. Returns how much of its first answer's time was its start, if that
    /// is known by now.
    fn on_answers(&mut self, now_ns: u64, tasks: u64, each_ns: u64) -> Option<u64> {
        match self {
            Beginning::Starting(since_ns) => {
                let first_ns = now_ns.saturating_sub(*since_ns);
                *self = Beginning::Answered { first_ns, tasks, longest_ns: 0, answered: 0 };
                None
            }
            Beginning::Answered { first_ns, tasks: first, longest_ns, answered } => {
                (*longest_ns, *answered) = ((*longest_ns).max(each_ns), *answered + tasks);
                let start_ns = first_ns.saturating_sub(first.saturating_mul(*longest_ns));
                let is_known = *answered >= TASKS;
                if is_known {
                    *self = Beginning::Told;
                }
                is_known.then_some(start_ns)
            }
            Beginning::Told => None,
        }
    }
}

/// Puts the start of a process that has announced itself where it belongs.
pub(super) fn on_hello(beginning: &mut Beginning, chunk: &mut Chunk<'_>, now_ns: u64) {
    let start_ns = beginning.on_hello(now_ns);
    chunk.started(start_ns);
    chunk.leave_out(start_ns, 0);
}

/// The same for one that has answered tasks. `is_first`: it is its worker's first. The start of the others is what the
/// tasks cost there each time: a handler that ends after each.
pub(super) fn on_answers(
    beginning: &mut Beginning,
    chunk: &mut Chunk<'_>,
    is_first: bool,
    now_ns: u64,
    (tasks, each_ns): (u64, u64),
) {
    if let (Beginning::Starting(since_ns), true) = (*beginning, is_first) {
        chunk.leave_out(now_ns.saturating_sub(since_ns), tasks);
    }
    if let Some(start_ns) = beginning.on_answers(now_ns, tasks, each_ns) {
        chunk.started(start_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_ends_the_start() {
        let mut beginning = Beginning::Starting(100);
        assert_eq!(beginning.on_hello(2_100), 2_000);
        assert_eq!((beginning.on_hello(3_000), beginning.on_answers(3_000, 1, 900)), (0, None), "once");
    }

    #[test]
    fn without_one_the_next_answers_tell() {
        let mut beginning = Beginning::Starting(0);
        let told = [(2_000, 2, 1_000), (2_100, 1, 100), (2_250, 1, 150), (2_300, 1, 50), (2_400, 1, 100)];
        let told = told.map(|(now, tasks, each)| beginning.on_answers(now, tasks, each));
        assert_eq!(told, [None, None, None, Some(2_000 - 2 * 150), None]);
    }

    #[test]
    fn a_first_task_like_the_others_is_no_start() {
        let mut beginning = Beginning::Starting(0);
        assert_eq!(
            [100, 200, 300, 400].map(|now| beginning.on_answers(now, 1, 100)),
            [None, None, None, Some(0)]
        );
    }
}
