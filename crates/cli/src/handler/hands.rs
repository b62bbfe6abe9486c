//! Which tasks of a chunk are in the hands of a handler's process, which are still to be sent, and who is to blame
//! when the process ends.
//!
//! A task is *fresh* until it is sent, *held* until it is answered. When the process ends with one task in its hands,
//! that one is guilty. With several nobody can tell: all become *suspects*, and are sent again one by one, so that the
//! next end has one culprit. So an innocent task is started twice at most, and is charged for neither.

use divvy_core::{Intervals, Range, Seq};

/// The tasks of a chunk that are not ended yet.
#[derive(Debug, Clone)]
pub struct Hands {
    fresh: Range,
    suspects: Intervals,
    held: Intervals,
    /// How many that is: answers out of order leave many intervals.
    held_count: u64,
    /// What is held is a suspect: nothing goes beside it.
    alone: bool,
}

impl Hands {
    /// All fresh.
    pub fn new(chunk: Range) -> Hands {
        Hands {
            fresh: chunk,
            suspects: Intervals::new(),
            held: Intervals::new(),
            held_count: 0,
            alone: false,
        }
    }

    /// Whether nothing is left to be sent or answered.
    pub fn is_empty(&self) -> bool {
        !self.has_unsent() && self.held.is_empty()
    }

    /// Whether something was never sent.
    pub fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Whether anything is left to be sent.
    pub fn has_unsent(&self) -> bool {
        !self.fresh.is_empty() || !self.suspects.is_empty()
    }

    /// Sent and not answered.
    pub fn held(&self) -> &Intervals {
        &self.held
    }

    /// How many are sent and not answered.
    pub fn held_count(&self) -> u64 {
        self.held_count
    }

    /// The next task to send, while fewer than `window` are held. A suspect goes alone.
    pub fn next(&mut self, window: u64) -> Option<Seq> {
        if self.held_count > 0 && (self.alone || self.held_count >= window || !self.suspects.is_empty()) {
            return None;
        }
        let seq = match self.suspects.first() {
            Some(seq) => {
                self.suspects.remove(one(seq));
                self.alone = true;
                seq
            }
            None if self.fresh.is_empty() => return None,
            None => {
                self.fresh.lo += 1;
                self.alone = false;
                self.fresh.lo - 1
            }
        };
        self.held.insert(one(seq));
        self.held_count += 1;
        Some(seq)
    }

    /// A held task was answered, or is not to be waited for. False if it is not held.
    pub fn release(&mut self, seq: Seq) -> bool {
        let held = self.held.contains(seq);
        if held {
            self.held.remove(one(seq));
            self.held_count -= 1;
        }
        held
    }

    /// All held tasks from the first to the last were answered; `None` if one of those two is not held.
    pub fn release_all(&mut self, first: Seq, last: Seq) -> Option<Intervals> {
        if !self.held.contains(first) || !self.held.contains(last) {
            return None;
        }
        let answered = self.held.intersect(&Range::new(first, last + 1).into());
        self.held.remove(Range::new(first, last + 1));
        self.held_count -= answered.len();
        Some(answered)
    }

    /// The process has ended before it looked at what it holds: nobody is to blame.
    pub fn on_unread(&mut self) {
        let held = self.take_held();
        self.suspects.insert_all(&held);
    }

    /// The process has ended while it held tasks: the guilty one, if that is known.
    pub fn on_end(&mut self) -> Option<Seq> {
        let held = self.take_held();
        if held.len() == 1 {
            return held.first();
        }
        self.suspects.insert_all(&held);
        None
    }

    /// Takes back what was never sent, for good. Suspects stay: who else got them would get them beside others, and
    /// never know the guilty one.
    pub fn take_fresh(&mut self) -> Range {
        let fresh = self.fresh;
        self.fresh.lo = self.fresh.hi;
        fresh
    }

    /// Takes back what is not sent, for good.
    pub fn take_unsent(&mut self) -> Intervals {
        let mut unsent = std::mem::take(&mut self.suspects);
        unsent.insert(self.take_fresh());
        unsent
    }

    /// Takes back what is held.
    pub fn take_held(&mut self) -> Intervals {
        self.held_count = 0;
        std::mem::take(&mut self.held)
    }
}

fn one(seq: Seq) -> Range {
    Range::new(seq, seq + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(hands: &mut Hands, window: u64) -> Vec<Seq> {
        std::iter::from_fn(|| hands.next(window)).collect()
    }

    #[test]
    fn the_window_bounds_what_is_held() {
        let mut hands = Hands::new(Range::new(10, 15));
        assert_eq!(sent(&mut hands, 3), [10, 11, 12]);
        assert!(hands.release(11) && !hands.release(11) && !hands.release(13));
        assert_eq!(sent(&mut hands, 3), [13]);
        assert_eq!(hands.release_all(10, 13).unwrap().iter().collect::<Vec<_>>(), [10, 12, 13]);
        assert_eq!(sent(&mut hands, 9), [14]);
        assert_eq!(hands.release_all(13, 14), None, "13 has been answered");
        assert!(!hands.is_empty() && hands.release(14) && hands.is_empty());
    }

    #[test]
    fn the_guilty_one_is_found_among_several_and_the_rest_goes_on() {
        let mut hands = Hands::new(Range::new(0, 6));
        assert_eq!(sent(&mut hands, 4), [0, 1, 2, 3]);
        assert!(hands.release(0));
        assert_eq!(hands.on_end(), None, "one of three");
        assert_eq!(sent(&mut hands, 4), [1], "alone");
        assert!(hands.release(1));
        assert_eq!(sent(&mut hands, 4), [2]);
        assert_eq!(hands.on_end(), Some(2));
        assert_eq!(sent(&mut hands, 4), [3]);
        hands.on_unread();
        assert_eq!(sent(&mut hands, 4), [3], "not to blame: it was not looked at");
        assert!(hands.release(3));
        assert_eq!(sent(&mut hands, 4), [4, 5]);
        assert_eq!((hands.take_unsent(), hands.take_held().len()), (Intervals::new(), 2));
        assert!(hands.is_empty());
    }

    #[test]
    fn what_is_not_sent_can_be_taken_back() {
        let mut hands = Hands::new(Range::new(0, 6));
        assert_eq!(sent(&mut hands, 2), [0, 1]);
        assert_eq!(hands.on_end(), None);
        assert_eq!(hands.clone().take_unsent(), Range::new(0, 6).into());
        assert_eq!(hands.take_fresh(), Range::new(2, 6));
        assert!(!hands.has_fresh() && hands.has_unsent());
        assert_eq!(sent(&mut hands, 2), [0], "a suspect goes alone, here");
    }
}
