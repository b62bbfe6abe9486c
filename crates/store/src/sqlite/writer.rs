//! Group commit: one transaction, and one fsync, for all callers that wait.
//!
//! # Protocol
//!
//! There is one write connection and one *seat*. A caller puts its operation into the queue and leads if nobody
//! does, otherwise it sleeps. The leader takes what waits at that moment (it never waits for more), runs it in
//! the order of the queue in one transaction, commits, hands the seat to the first of those who came meanwhile,
//! and answers its group. So a lone caller pays no change of threads, and under load the group is what arrived
//! during the last fsync.
//!
//! States of a slot: `Queued -> Leads -> Done`, or `Queued -> Done`. Invariants: at most one slot leads; while the
//! queue is not empty somebody leads; a leader's own slot is the first of the group that it takes.
//!
//! A thread of its own for writing was the alternative: two more changes of threads for a lone caller, each of
//! which costs a scheduler's tick on a machine whose cores are busy with tasks.
//!
//! # When something goes wrong
//!
//! An operation that is refused before it wrote anything is answered, and the group goes on. After any other
//! error the transaction is rolled back and each operation of the group is run again in a transaction of its
//! own, so that the trouble is told to the one who has it. If a commit fails nobody is acknowledged.
//!
//! Observations that wait go with each group that writes something: one of their own would cost an fsync, and every
//! node would look what has changed. They are taken before they are written, so a group that fails with them
//! is run again without, and they are lost: the operations come first.

use super::errors::{Fault, engine, is_busy};
use super::observe::{self, Pending};
use super::op::{Answer, Op};
use super::session::Sessions;
use crate::{Error, Observation, Result};
use divvy_core::{Cost, Rng};
use rusqlite::Connection;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often and how long a writer sleeps while another process writes: a random time up to this bound, which
/// doubles up to the second.
const NAP_MIN: Duration = Duration::from_micros(50);
const NAP_MAX: Duration = Duration::from_millis(2);

/// The write connection, and the queue in front of it.
#[derive(Debug)]
pub(super) struct Writer {
    conn: Mutex<Connection>,
    path: PathBuf,
    busy: Duration,
    queue_max: usize,
    group_max: usize,
    seat: Mutex<Seat>,
    room: Condvar,
    pending: Pending,
}

#[derive(Debug, Default)]
struct Seat {
    queue: VecDeque<Arc<Slot>>,
    led: bool,
    /// When it was handed to one who waited for it: until that one leads, nobody is served.
    handed_at: Option<Instant>,
}

#[derive(Debug)]
struct Slot {
    op: Op,
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug)]
enum State {
    Queued,
    Leads,
    Done(Told),
}

/// An answer, and what it cost to give it.
type Told = Result<(Answer, Cost)>;

impl Slot {
    fn set(&self, state: State) {
        *lock(&self.state) = state;
        self.bell.notify_one();
    }

    /// Sleeps until this slot leads or is answered.
    fn turn(&self) -> Option<Told> {
        let mut state = lock(&self.state);
        loop {
            match std::mem::replace(&mut *state, State::Queued) {
                State::Queued => state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner),
                State::Leads => return None,
                State::Done(answer) => return Some(answer),
            }
        }
    }
}

/// A panic elsewhere leaves nothing half done behind these locks: the transaction is rolled back by the next
/// leader, the queue is changed in single steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    pub(super) fn new(
        conn: Connection,
        path: &Path,
        busy: Duration,
        queue_max: usize,
        group_max: usize,
    ) -> Writer {
        let (seat, room, pending) = (Mutex::default(), Condvar::new(), Pending::default());
        Writer { conn: Mutex::new(conn), path: path.into(), busy, queue_max, group_max, seat, room, pending }
    }

    /// Observations for the next group to take along.
    pub(super) fn observe(&self, seen: &[Observation]) {
        self.pending.add(seen);
    }

    /// Whether some have waited long enough for a commit that takes them along.
    pub(super) fn observations_are_late(&self) -> bool {
        self.pending.is_late()
    }

    /// Whether any wait.
    pub(super) fn has_observations(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The write connection, outside of any group.
    pub(super) fn conn(&self) -> MutexGuard<'_, Connection> {
        lock(&self.conn)
    }

    /// Runs an operation and returns when it is durable.
    pub(super) fn call(&self, op: Op, sessions: &Sessions) -> Told {
        let slot = Arc::new(Slot { op, state: Mutex::new(State::Queued), bell: Condvar::new() });
        let leads = {
            let mut seat = lock(&self.seat);
            while seat.queue.len() >= self.queue_max {
                seat = self.room.wait(seat).unwrap_or_else(PoisonError::into_inner);
            }
            seat.queue.push_back(slot.clone());
            !std::mem::replace(&mut seat.led, true)
        };
        if !leads && let Some(answer) = slot.turn() {
            return answer;
        }
        self.lead(sessions);
        slot.turn().expect("a leader's group holds its own slot")
    }

    fn lead(&self, sessions: &Sessions) {
        let (slots, handed_at) = {
            let mut seat = lock(&self.seat);
            let n = seat.queue.len().min(self.group_max);
            (seat.queue.drain(..n).collect(), seat.handed_at.take())
        };
        let handing = handed_at.map_or(Duration::ZERO, |at| at.elapsed());
        self.room.notify_all();
        let mut group = Group { writer: self, slots, answers: Vec::new() };
        let conn = lock(&self.conn);
        group.answers = self.run(&conn, &group.slots, sessions);
        for (_, cost) in group.answers.iter_mut().flatten() {
            cost.commit_ns += handing.as_nanos() as u64;
        }
        for (slot, answer) in group.slots.iter().zip(&group.answers) {
            if let (Some(node), Ok(_)) = (slot.op.ends(), answer) {
                sessions.end(node);
            }
        }
    }

    fn run(&self, conn: &Connection, slots: &[Arc<Slot>], sessions: &Sessions) -> Vec<Told> {
        self.together(conn, slots, sessions).unwrap_or_else(|| {
            let alone = slots.chunks(1).map(|slot| self.together(conn, slot, sessions));
            alone.flat_map(|answers| answers.expect("a group of one is always answered")).collect()
        })
    }

    /// Runs a group in one transaction. `None` if one of several operations failed halfway: nothing has happened.
    fn together(&self, conn: &Connection, slots: &[Arc<Slot>], sessions: &Sessions) -> Option<Vec<Told>> {
        let all = |e: &rusqlite::Error| Some(slots.iter().map(|_| Err(engine(e, &self.path))).collect());
        sessions.abandon();
        let retries = match self.begin(conn) {
            Ok(retries) => retries,
            Err(e) => return all(&e),
        };
        let mut answers: Vec<Told> = Vec::with_capacity(slots.len());
        let (begun, mut since) = (conn.total_changes(), Instant::now());
        while let Some(slot) = slots.get(answers.len()) {
            let before = conn.total_changes();
            let outcome = match Op::run_merged(conn, slots[answers.len()..].iter().map(|slot| &slot.op)) {
                Ok(merged) if merged.is_empty() => slot.op.run(conn, sessions).map(|answer| vec![answer]),
                merged => merged,
            };
            match outcome {
                Ok(done) => {
                    let work_ns = lap(&mut since) / done.len().max(1) as u64;
                    let cost = Cost { work_ns, ..Cost::default() };
                    answers.extend(done.into_iter().map(|answer| Ok((answer, cost))));
                }
                Err(Fault::Store(refusal)) if conn.total_changes() == before => answers.push(Err(refusal)),
                Err(fault) => {
                    sessions.abandon();
                    roll_back(conn);
                    return (slots.len() == 1).then(|| vec![Err(fault.told(&self.path))]);
                }
            }
        }
        let has_written = conn.total_changes() != begun;
        let is_asked = slots.iter().any(|slot| matches!(slot.op, Op::Observe));
        let seen = self.pending.take(has_written || is_asked);
        if !seen.is_empty() {
            // What this fails with is not the group's trouble, unless it has ended the whole transaction, as a full
            // disk does: then the commit fails too.
            let _ = observe::keep(conn, &seen);
        }
        // Without a change this only ends the transaction: no page is written, nothing is synced.
        match conn.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])) {
            Ok(_) => {
                sessions.confirm();
                let (commit_ns, group) = (lap(&mut since), slots.len() as u64);
                for (_, cost) in answers.iter_mut().flatten() {
                    (cost.commit_ns, cost.group, cost.retries) = (commit_ns, group, retries);
                }
                Some(answers)
            }
            Err(e) => {
                sessions.abandon();
                roll_back(conn);
                if seen.is_empty() { all(&e) } else { self.together(conn, slots, sessions) }
            }
        }
    }

    /// Starts a transaction, in competition with other processes, and says how often it was the others' turn. SQLite's own
    /// wait backs off to 100 ms, which leaves the file idle between short transactions.
    fn begin(&self, conn: &Connection) -> rusqlite::Result<u64> {
        roll_back(conn);
        let (start, mut nap, mut retries) = (Instant::now(), NAP_MIN, 0);
        loop {
            match conn.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([])) {
                Ok(_) => return Ok(retries),
                Err(e) if is_busy(&e) && start.elapsed() < self.busy => {
                    std::thread::sleep(jittered(nap));
                    nap = (nap * 2).min(NAP_MAX);
                    retries += 1;
                }
                Err(e) => return Err(e),
            }
        }
    }
}

/// Nanoseconds since the last lap.
fn lap(since: &mut Instant) -> u64 {
    let now = Instant::now();
    (now - std::mem::replace(since, now)).as_nanos() as u64
}

/// Ends a transaction that is still open: after an error, or after a panic of a former leader.
fn roll_back(conn: &Connection) {
    if !conn.is_autocommit() {
        // It fails only if SQLite has rolled back by itself.
        let _ = conn.execute_batch("ROLLBACK");
    }
}

/// A random part of a time, so that two processes do not meet again and again.
pub(super) fn jittered(nap: Duration) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seed = now.as_nanos() as u64 ^ (u64::from(std::process::id()) << 32);
    nap.mul_f64(Rng::new(seed).unit())
}

/// A leader's group. However the leader ends, the seat goes on and everybody is answered.
struct Group<'w> {
    writer: &'w Writer,
    slots: Vec<Arc<Slot>>,
    answers: Vec<Told>,
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        {
            let mut seat = lock(&self.writer.seat);
            match seat.queue.front().cloned() {
                Some(next) => {
                    seat.handed_at = Some(Instant::now());
                    next.set(State::Leads);
                }
                None => seat.led = false,
            }
        }
        let mut answers = self.answers.drain(..);
        for slot in &self.slots {
            let panicked = || {
                let why = "the operation panicked; it was not committed".into();
                Err(Error::Unreachable { path: self.writer.path.clone(), why })
            };
            slot.set(State::Done(answers.next().unwrap_or_else(panicked)));
        }
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
