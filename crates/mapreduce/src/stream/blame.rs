//! Which record a mapper fails on: parts of the split are run again, alone, until the part is one record.
//!
//! The record is mostly near the place up to which the process had read. So the search begins with a little in front of
//! that place, and takes eight times as much as long as that does not fail.

use super::map::{Fed, Mapping};
use super::places::Places;
use super::surroundings::Task;
use super::talk::{End, Talk, Until};
use crate::input::{Codec, Framing, Split};
use crate::manifest::Bad;
use crate::program::{Failure, MapSplit};

/// Bytes in front of the place that was reached, at first: processes read ahead by about so much.
const NEAR: u64 = 64 << 10;

/// A part of a file, or of its text: the records that begin in it.
#[derive(Debug, Clone, Copy)]
struct Window {
    lo: u64,
    hi: u64,
}

/// What came of running a window.
struct Probe {
    /// Why it failed, if it did.
    failed: Option<String>,
    /// How many records it had, two for more.
    records: u32,
    /// Where the first begins, and its bytes.
    first: (u64, u64),
}

impl Mapping {
    /// Why this attempt failed, and on which record if that is asked for and can be found. `fed` is how far the process
    /// was fed, `reached` how far it had read.
    pub(super) fn blame(
        &self,
        split: &mut MapSplit<'_>,
        task: &Task,
        why: String,
        fed: u64,
        reached: u64,
    ) -> Failure {
        if !self.host.stream.finds_bad {
            return Failure::Program(why);
        }
        match self.find(split, task, fed, reached) {
            Ok(Some(bad)) => Failure::Bad(bad),
            Ok(None) => Failure::Program(why),
            Err(failure) => failure,
        }
    }

    fn find(
        &self,
        split: &mut MapSplit<'_>,
        task: &Task,
        fed: u64,
        reached: u64,
    ) -> Result<Option<Bad>, Failure> {
        let begin = if split.input.codec == Codec::Plain { split.split.lo } else { 0 };
        // Who fails on nothing at all fails on no record.
        if self.probe(split, task, Window { lo: begin, hi: begin })?.failed.is_some() {
            return Ok(None);
        }
        let mut near = NEAR;
        loop {
            let window = Window { lo: reached.saturating_sub(near).max(begin), hi: fed };
            if self.probe(split, task, window)?.failed.is_some() {
                return self.halve(split, task, window);
            }
            if window.lo == begin {
                return Ok(None);
            }
            near *= 8;
        }
    }

    /// Looks in the first half, and if that does well in the other one.
    fn halve(&self, split: &mut MapSplit<'_>, task: &Task, window: Window) -> Result<Option<Bad>, Failure> {
        let Window { mut lo, mut hi } = window;
        while lo < hi {
            let mid = lo + (hi - lo) / 2;
            // The last byte of all is a half of its own.
            let half = Window { lo, hi: if mid == lo { hi } else { mid } };
            let probe = self.probe(split, task, half)?;
            match probe.failed {
                Some(error) if probe.records == 1 => {
                    let (at, bytes) = probe.first;
                    return Ok(Some(Bad { file: split.input.path.clone(), at, bytes, error }));
                }
                Some(_) => hi = half.hi,
                None => lo = half.hi,
            }
        }
        // Together they fail, alone they do not.
        Ok(None)
    }

    /// Runs the script over the records of a window, and throws away what it prints.
    fn probe(&self, split: &mut MapSplit<'_>, task: &Task, window: Window) -> Result<Probe, Failure> {
        let whole = split.split;
        if split.input.codec == Codec::Plain {
            split.split = Split { lo: window.lo, hi: window.hi, ..whole };
        }
        let probed = self.probe_within(split, task, window);
        split.split = whole;
        probed
    }

    fn probe_within(&self, split: &mut MapSplit<'_>, task: &Task, window: Window) -> Result<Probe, Failure> {
        let script = self.host.stream.mapper.as_ref().expect("a script has failed");
        let framing = split.framing;
        let until = Until { call: &self.call, is_ended: split.is_ended };
        let mut talk = Talk::start(&self.host, script, task, until, true)?;
        let mut fed = Fed { to: 0, bad: split.bad, framing };
        let mut found = Probe { failed: None, records: 0, first: (0, 0) };
        let mut places = Places::new(self.host.stream.places.as_ref(), framing);
        if window.lo < window.hi {
            split.for_each_piece(|piece, offset, _| {
                let from = edge_at(piece, offset, window.lo, framing);
                let to = edge_at(piece, offset, window.hi, framing);
                fed.each_good(&piece[from..to.max(from)], offset + from as u64, |good, at| {
                    found.note(good, at, framing);
                    talk.feed(places.put(good, at), &mut |_| Ok(()))
                })
            })?;
        }
        if let End::Failed(why) = talk.finish(&mut |_| Ok(()))? {
            found.failed = Some(why);
        }
        Ok(found)
    }
}

impl Probe {
    fn note(&mut self, good: &[u8], at: u64, framing: Framing) {
        for record in framing.records(good).take(2) {
            // What ends the last line of a file was not there.
            if self.records == 1 && at == self.first.0 + self.first.1 {
                continue;
            }
            if self.records == 0 {
                self.first = (at, record.len() as u64);
            }
            self.records += 1;
        }
    }
}

/// The first record of the piece that begins at this place or behind it.
fn edge_at(piece: &[u8], offset: u64, place: u64, framing: Framing) -> usize {
    let Some(before) = place.checked_sub(offset + 1) else { return 0 };
    let before = usize::try_from(before).unwrap_or(usize::MAX).min(piece.len());
    framing.first_edge(&piece[before..]).map_or(piece.len(), |edge| before + edge)
}
