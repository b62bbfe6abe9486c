//! `--line-buffer`: whole lines as they come, from all tasks; in order, from the first task that still runs.

use super::order::Gate;
use super::outlet::Outlet;
use divvy_engine::process::{Captured, Room, Stream};
use divvy_engine::{Stop, StopLevel};
use std::io;
use std::sync::{Mutex, PoisonError};

/// The longest line that is kept together; a longer one is printed in parts, and others may come between.
const LINE_MAX: usize = 1 << 20;
/// How often a task that waits for its turn looks whether it has come.
pub const LOOK_EVERY_NS: u64 = 100_000_000;

/// What one task prints while it runs.
pub struct Lines<'a, T> {
    pub outlet: &'a Outlet,
    pub stop: &'a Stop,
    pub tag: Option<&'a [u8]>,
    /// Whose turn it is to print; `None`: everybody's.
    pub gate: Option<&'a Mutex<Gate<T>>>,
    pub seq: u64,
    /// What has not been printed yet; the caller prints what is left at the end.
    pub left: &'a mut Captured,
    pub room: &'a Room,
    /// Lines without their ends, by stream.
    pub begun: [Vec<u8>; 2],
}

impl<T> Lines<'_, T> {
    /// Bytes have come.
    ///
    /// # Errors
    /// If they cannot be kept.
    pub fn printed(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (whole, rest) = bytes.split_at(end);
        let begun = &mut self.begun[stream as usize];
        if whole.is_empty() {
            begun.extend_from_slice(rest);
            if begun.len() <= LINE_MAX {
                return Ok(());
            }
            let part = std::mem::take(begun);
            return self.put(stream, &part);
        }
        let mut lines = std::mem::take(begun);
        lines.extend_from_slice(whole);
        begun.extend_from_slice(rest);
        self.put(stream, &lines)
    }

    fn put(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        if !self.catch_up() {
            return self.left.stream(stream).append(bytes, self.room);
        }
        self.told(self.outlet.print_part(stream, self.tag, bytes).is_ok());
        Ok(())
    }

    /// Prints what waits if the turn has come; whether it has.
    pub fn catch_up(&mut self) -> bool {
        let is_turn =
            |gate: &Mutex<Gate<T>>| gate.lock().unwrap_or_else(PoisonError::into_inner).is_turn(self.seq);
        if !self.gate.is_none_or(is_turn) {
            return false;
        }
        if !self.left.is_empty() {
            let output = std::mem::take(self.left);
            let mut printout =
                super::Printout { tag: self.tag.map(<[u8]>::to_vec), head: Vec::new(), output };
            self.told(self.outlet.print([&mut printout].into_iter()).is_ok());
        }
        true
    }

    /// Whether something waits for the turn.
    pub fn waits(&self) -> bool {
        self.gate.is_some() && !self.left.is_empty()
    }

    /// What cannot be printed stops the node: the task runs again when somebody reads.
    fn told(&self, printed: bool) {
        if !printed {
            self.stop.ask(StopLevel::End);
        }
    }

    /// The task has ended: its last lines may have no ends.
    ///
    /// # Errors
    /// If they cannot be kept.
    pub fn end(&mut self) -> io::Result<()> {
        for stream in [Stream::Out, Stream::Err] {
            let begun = std::mem::take(&mut self.begun[stream as usize]);
            self.left.stream(stream).append(&begun, self.room)?;
        }
        Ok(())
    }
}
