//! How a command is ended before its time: which signals, and how long it may take over each.

use rustix::process::Signal;

/// Signals and, after each, how long to wait, nanoseconds. Whoever outlives the last wait is killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending(Vec<(Signal, u64)>);

impl Default for Ending {
    /// Two seconds to tidy up.
    fn default() -> Ending {
        Ending(vec![(Signal::TERM, 2_000_000_000)])
    }
}

impl Ending {
    /// Killed at once.
    pub(crate) const AT_ONCE: &Ending = &Ending(Vec::new());

    /// An ending by these steps.
    #[must_use]
    pub fn new(steps: Vec<(Signal, u64)>) -> Ending {
        Ending(steps)
    }
}

/// An ending under way.
#[derive(Debug)]
pub(crate) struct Steps<'a> {
    left: std::slice::Iter<'a, (Signal, u64)>,
    /// When the next signal is due; `None` after the last.
    at_ns: Option<u64>,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(ending: &'a Ending, now: u64) -> Steps<'a> {
        Steps { left: ending.0.iter(), at_ns: Some(now) }
    }

    /// The signal that is due by now, if one is. To be asked until there is none.
    pub(crate) fn due(&mut self, now: u64) -> Option<Signal> {
        let at = self.at_ns.filter(|at| *at <= now)?;
        let (signal, wait) = self.left.next().copied().unwrap_or((Signal::KILL, u64::MAX));
        self.at_ns = (signal != Signal::KILL).then(|| at.saturating_add(wait));
        Some(signal)
    }

    /// It is killed at once.
    pub(crate) fn skip(&mut self) -> Option<Signal> {
        self.at_ns.take().map(|_| Signal::KILL)
    }

    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.at_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_in_its_time_and_a_kill_at_the_end() {
        let ending = Ending::new(vec![(Signal::INT, 100), (Signal::TERM, 50)]);
        let mut steps = Steps::new(&ending, 1_000);
        assert_eq!((steps.due(1_000), steps.due(1_000)), (Some(Signal::INT), None));
        assert_eq!(steps.next_ns(), Some(1_100));
        assert_eq!((steps.due(1_120), steps.due(1_120)), (Some(Signal::TERM), None));
        assert_eq!((steps.due(1_150), steps.due(9_000)), (Some(Signal::KILL), None));
        assert_eq!((steps.next_ns(), steps.skip()), (None, None));
        assert_eq!(Steps::new(&ending, 0).skip(), Some(Signal::KILL));
    }
}
