//! The account: every worker is always in exactly one state, and the seconds add up.
//!
//! A worker stamps the clock once per transition: the end of one state is the start of the next. What does not
//! add up to `workers x wall time` is called *unaccounted* and is a bug of divvy, not of the user.

/// What a worker can be doing; `docs/account.md` says when it is in which, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub enum State {
    /// In the user's handler.
    Run,
    /// Starting a process for the handler.
    Spawn,
    /// Waiting for a lease that has been asked for.
    Claim,
    /// Handing over results: writing a task's output, waiting for a completion to be recorded.
    Report,
    /// Looking for work in other workers' slots.
    Steal,
    /// Waiting for a lock that another worker holds.
    Lock,
    /// Kept from starting by a bound (backpressure).
    HeldBack,
    /// There is no work.
    Idle,
    /// There is work, but not here: another node holds it, or it is not due yet.
    Starved,
    /// Not taking part: before the first claim, while paused, after the last task.
    Parked,
}

impl State {
    /// All states, in the order in which they are shown.
    pub const ALL: [State; 10] = [
        State::Run,
        State::Spawn,
        State::Claim,
        State::Report,
        State::Steal,
        State::Lock,
        State::HeldBack,
        State::Idle,
        State::Starved,
        State::Parked,
    ];

    /// The word for it in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            State::Run => "run",
            State::Spawn => "spawn",
            State::Claim => "claim",
            State::Report => "report",
            State::Steal => "steal",
            State::Lock => "lock",
            State::HeldBack => "held back",
            State::Idle => "idle",
            State::Starved => "starved",
            State::Parked => "parked",
        }
    }
}

/// Worker-nanoseconds by state, of one worker or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    nanos: [u64; State::ALL.len()],
}

impl Account {
    /// Puts `nanos` down to `state`.
    pub fn add(&mut self, state: State, nanos: u64) {
        self.nanos[state as usize] += nanos;
    }

    /// Adds another account to this one.
    pub fn merge(&mut self, other: &Account) {
        for state in State::ALL {
            self.add(state, other.get(state));
        }
    }

    /// What was put down to `state` since `earlier`, an account of the same worker.
    #[must_use]
    pub fn since(&self, earlier: &Account) -> Account {
        let mut diff = Account::default();
        for state in State::ALL {
            diff.add(state, self.get(state) - earlier.get(state));
        }
        diff
    }

    /// What `now`, a later reading of the same account, has more, by state; from here on this is that reading. Where
    /// it has less, because it was read without waiting for its writer, nothing is told until it has caught up.
    #[must_use]
    pub fn catch_up(&mut self, now: &Account) -> Account {
        let mut more = Account::default();
        for state in State::ALL {
            more.add(state, now.get(state).saturating_sub(self.get(state)));
        }
        self.merge(&more);
        more
    }

    /// Puts up to so many nanoseconds of one state down to another, and returns how many.
    pub fn shift(&mut self, from: State, to: State, at_most_ns: u64) -> u64 {
        let ns = self.take(from, at_most_ns);
        self.add(to, ns);
        ns
    }

    /// Takes up to so many nanoseconds out of a state, and returns how many.
    pub fn take(&mut self, from: State, at_most_ns: u64) -> u64 {
        let ns = at_most_ns.min(self.get(from));
        self.nanos[from as usize] -= ns;
        ns
    }

    /// A share `part / whole` of each state, rounded down.
    #[must_use]
    pub fn share(&self, part: u64, whole: u64) -> Account {
        let mut share = Account::default();
        for state in State::ALL {
            let nanos = u128::from(self.get(state)) * u128::from(part) / u128::from(whole.max(1));
            share.add(state, u64::try_from(nanos).unwrap_or(u64::MAX));
        }
        share
    }

    /// Nanoseconds in `state`.
    #[must_use]
    pub fn get(&self, state: State) -> u64 {
        self.nanos[state as usize]
    }

    /// Seconds in `state`.
    #[must_use]
    pub fn seconds(&self, state: State) -> f64 {
        self.get(state) as f64 / 1e9
    }

    /// Nanoseconds in all states together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.nanos.iter().sum()
    }

    /// Coordination overhead: `(claim + report + steal + lock) / run`, 0 while nothing has run. Good below 0.05,
    /// bad above 0.20.
    #[must_use]
    pub fn overhead(&self) -> f64 {
        let coordination = [State::Claim, State::Report, State::Steal, State::Lock];
        let spent: u64 = coordination.iter().map(|s| self.get(*s)).sum();
        ratio(spent as f64, self.get(State::Run) as f64)
    }

    /// `1 - sum / (workers x wall)`: the share of worker time that no state explains. Above 0.01 is a bug of divvy.
    #[must_use]
    pub fn unaccounted(&self, workers: usize, wall_nanos: u64) -> f64 {
        1.0 - ratio(self.total() as f64, workers as f64 * wall_nanos as f64)
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_follow_their_definitions() {
        let mut account = Account::default();
        account.add(State::Run, 800);
        account.add(State::Claim, 20);
        account.add(State::Steal, 20);
        account.add(State::Idle, 150);
        assert_eq!(account.total(), 990);
        assert!((account.overhead() - 0.05).abs() < 1e-12);
        assert!((account.unaccounted(2, 500) - 0.01).abs() < 1e-12);
        assert_eq!(account.since(&account).total(), 0);
        assert!(Account::default().overhead() == 0.0);
        assert_eq!((account.share(1, 2).total(), account.share(1, 2).get(State::Idle)), (495, 75));
        assert_eq!(account.share(0, 0).total(), 0);
    }
}
