//! Outcomes on their way to the coordinator.

use divvy_decide::Worked;
use divvy_store::Held;
use std::sync::{Mutex, PoisonError};

/// What became of tasks since the coordinator last looked. One entry a lease, so it is as small as the list of leases.
#[derive(Debug, Default)]
pub(crate) struct Mailbox(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    worked: Vec<(Held, Worked)>,
    /// Nothing else will wake the coordinator soon.
    ring: bool,
}

impl Mailbox {
    /// Adds to what is known of each lease. True if the coordinator should be rung for: it may be asleep, and no
    /// worker is busy that would wake it.
    pub(crate) fn put<'a>(&self, told: impl IntoIterator<Item = (Held, &'a mut Worked)>) -> bool {
        let inside = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (held, told) in told {
            let worked = entry(&mut inside.worked, held);
            worked.done.insert_all(&told.done);
            worked.stopped.insert_all(&told.stopped);
            worked.failed.append(&mut told.failed);
            worked.ended.insert_all(&told.ended);
            worked.run_ns += told.run_ns;
            worked.tasks += told.tasks;
        }
        inside.ring
    }

    /// Everything that was put since the last look, and whether to ring for what is put from now on. Both under one
    /// lock, so that nothing is put in between that nobody hears of.
    pub(crate) fn collect(&self, into: &mut Vec<(Held, Worked)>, ring: bool) {
        let inside = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        into.append(&mut inside.worked);
        inside.ring = ring;
    }
}

/// The newest leases are looked at first: they are the ones that workers are at.
fn entry(worked: &mut Vec<(Held, Worked)>, held: Held) -> &mut Worked {
    let at = worked.iter().rposition(|(known, _)| *known == held).unwrap_or_else(|| {
        worked.push((held, Worked::default()));
        worked.len() - 1
    });
    &mut worked[at].1
}
