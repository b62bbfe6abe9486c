//! Everything that can go wrong, and how often it did.

use super::World;
use super::broken::Checked;
use super::host::Cause;
use super::queue::Event;
use std::fmt;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Something that a run may suffer. Each seed has its own selection.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($(#[$doc])* $name,)* }

        impl Fault {
            /// All of them.
            pub const ALL: &[Fault] = &[$(Fault::$name,)*];
        }
    };
}

faults! {
    /// An exchange never reaches the store.
    RequestLost,
    /// The store acted, but its answer is lost.
    ReplyLost,
    /// An exchange reaches the store twice, the second time later.
    Duplicate,
    /// A process reports, under its own session, what ran in the one before it: fences that are not its own.
    Stray,
    /// A message is overtaken by later ones.
    Late,
    /// The store refuses because others hold it.
    Busy,
    /// A sync takes much longer than usual.
    SlowDisk,
    /// The store forgets what it had not synced.
    Restart,
    /// A process is killed at any moment.
    Kill,
    /// A process stands still for a while.
    Pause,
    /// A process stands still until others take it for dead, then goes on.
    Zombie,
    /// A clock steps by up to an hour, either way.
    ClockJump,
    /// A node is told to stop while it has work.
    Stop,
    /// A stopping node's grace is over while tasks run.
    Grace,
    /// A node does not hear that the store changed.
    BellLost,
    /// A job is canceled.
    CancelJob,
    /// Some tasks are canceled.
    CancelTasks,
    /// Dead tasks get new attempts.
    Retry,
    /// An open job grows while it runs.
    Append,
    /// A finished job is forgotten while nodes may still speak of it.
    Forget,
    /// A task fails.
    Failing,
    /// A task kills its node.
    Deadly,
    /// A task outgrows its class.
    Outgrown,
    /// A job is paused.
    PauseJob,
    /// More tasks of a job are dead than may be.
    TooManyDead,
    /// A job waits for one that did not succeed, until somebody cancels it.
    Stuck,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

/// How often each fault happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally(pub [u32; Fault::ALL.len()]);

impl Default for Tally {
    fn default() -> Tally {
        Tally([0; Fault::ALL.len()])
    }
}

impl Tally {
    /// One more.
    pub(crate) fn count(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    /// How often this one happened.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u32 {
        self.0[fault as usize]
    }
}

impl World {
    /// Whether this fault may still happen in this run.
    pub(crate) fn may(&self, fault: Fault) -> bool {
        !self.is_calm() && self.plan.faults[fault as usize]
    }

    /// Whether a fault happens here and now, and counts it.
    pub(crate) fn strikes(&mut self, fault: Fault, p: f64) -> bool {
        let strikes = self.may(fault) && self.rng.faults.chance(p);
        if strikes {
            self.tally.count(fault);
        }
        strikes
    }

    /// Between any two events a process, a clock or the store may suffer something.
    pub(crate) fn suffer(&mut self) -> Checked {
        if self.is_calm() || !self.rng.faults.chance(self.plan.step_rate) {
            return Ok(());
        }
        let slot = self.rng.faults.below(self.hosts.len() as u64) as usize;
        let all = [Fault::Kill, Fault::Pause, Fault::Zombie, Fault::ClockJump, Fault::Stop, Fault::Restart];
        let fault = all[self.rng.faults.below(all.len() as u64) as usize];
        if !self.may(fault) {
            return Ok(());
        }
        let struck = match fault {
            Fault::Kill => self.kill(slot, Cause::Fault),
            Fault::Pause => self.pause(slot, false),
            Fault::Zombie => self.pause(slot, true),
            Fault::Stop => self.stop(slot)?,
            Fault::Restart => self.restart_store(),
            _ => self.jump_clock(slot),
        };
        if struck {
            self.tally.count(fault);
            self.trace.line(self.queue.now(), format_args!("-- {fault} {slot}"));
        }
        Ok(())
    }

    fn pause(&mut self, slot: usize, zombie: bool) -> bool {
        let now = self.queue.now();
        let detect_ns = 1 + self.rng.faults.below(self.plan.detect_ns);
        let extra_ns = 1 + self.rng.faults.below(self.plan.detect_ns);
        let host = &mut self.hosts[slot];
        let Some(session) = host.session.filter(|_| host.node.is_some() && host.paused_until <= now) else {
            return false;
        };
        host.paused_until = now + if zombie { detect_ns + extra_ns } else { extra_ns };
        if zombie {
            self.causes.insert(session, Cause::Fault);
            self.queue.after(detect_ns, Event::Detected(session));
        }
        true
    }

    /// A step of the store's clock, or of one process's reading of it: from milliseconds to an hour.
    fn jump_clock(&mut self, slot: usize) -> bool {
        let size = (3_600_000f64.ln() * self.rng.faults.unit()).exp() as i64;
        let by = if self.rng.faults.chance(0.5) { size } else { -size };
        if self.rng.faults.chance(0.5) {
            self.skew_ms += by
        } else {
            self.hosts[slot].skew_ms += by
        }
        true
    }
}
