//! `grep`: the records that match, in the order of the inputs.

use super::Ready;
use crate::input::Framing;
use crate::program::{Failure, MapSplit, Mapper, Part, Program, Reducer, Room};
use crate::spill::{RunWriter, SegmentReader};
use crate::{Error, Result};
use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// The records that match a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grep {
    /// A regular expression, or the text itself.
    pub pattern: String,
    /// The pattern is a text.
    pub fixed: bool,
    /// Capital letters match small ones.
    pub ignore_case: bool,
    /// The records that do not match.
    pub invert: bool,
}

impl Ready for Grep {
    const KIND: &str = "grep";
}

impl Grep {
    /// Fails, with a sentence for people, if the pattern is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        Matcher::new(self).map(drop)
    }
}

impl Program for Grep {
    fn mapper(&self, room: &Room) -> Result<Box<dyn Mapper>> {
        let matcher = Matcher::new(self).map_err(|why| Error::Program { why })?;
        let held_max = room.memory / 4;
        Ok(Box::new(Lines {
            matcher,
            invert: self.invert,
            found: Vec::new(),
            parts: Vec::new(),
            held_max,
            count: 0,
        }))
    }

    fn reducer(&self, room: &Room) -> Result<Box<dyn Reducer>> {
        Ok(Box::new(InOrder { memory: room.memory }))
    }
}

/// What finds the pattern.
enum Matcher {
    /// A text: several times as fast as an expression.
    Text(Box<Finder<'static>>),
    Expression(Regex),
}

impl Matcher {
    fn new(grep: &Grep) -> Result<Matcher, String> {
        let is_plain = grep.fixed || regex::escape(&grep.pattern) == grep.pattern;
        if is_plain && !grep.ignore_case && !grep.pattern.is_empty() {
            return Ok(Matcher::Text(Box::new(Finder::new(&grep.pattern).into_owned())));
        }
        let text = if grep.fixed { regex::escape(&grep.pattern) } else { grep.pattern.clone() };
        let built = RegexBuilder::new(&text).multi_line(true).case_insensitive(grep.ignore_case).build();
        built.map(Matcher::Expression).map_err(|error| error.to_string())
    }

    /// Where the first match begins and ends.
    fn find(&self, bytes: &[u8]) -> Option<(usize, usize)> {
        match self {
            Matcher::Text(text) => text.find(bytes).map(|at| (at, at + text.needle().len())),
            Matcher::Expression(expression) => {
                expression.find(bytes).map(|found| (found.start(), found.end()))
            }
        }
    }
}

/// Maps splits to the records that match.
struct Lines {
    matcher: Matcher,
    invert: bool,
    found: Vec<u8>,
    /// Which partition what is found belongs to, from where on.
    parts: Vec<(u32, usize)>,
    held_max: usize,
    count: u64,
}

impl Lines {
    fn search(&mut self, piece: &[u8], framing: Framing) {
        if self.invert || framing.end_byte().is_none() {
            framing.records(piece).for_each(|record| self.keep_if(record, framing));
            return;
        }
        let mut rest = piece;
        // All records at once: most of them are never looked at one by one.
        while let Some((from, to)) = self.matcher.find(rest) {
            let lo = framing.last_edge(&rest[..from]).unwrap_or(0);
            let hi = framing.first_edge(&rest[from..]).map_or(rest.len(), |edge| from + edge);
            let record = framing.records(&rest[lo..hi]).next().unwrap_or(&[]);
            // A match that goes over the end of its record is none, but there may be another in it.
            if to <= lo + record.len() || self.matcher.find(record).is_some() {
                self.keep(record, framing);
            }
            rest = &rest[hi..];
            if rest.is_empty() {
                break;
            }
        }
    }

    fn keep_if(&mut self, record: &[u8], framing: Framing) {
        if self.matcher.find(record).is_some() != self.invert {
            self.keep(record, framing);
        }
    }

    fn keep(&mut self, record: &[u8], framing: Framing) {
        self.count += 1;
        self.found.extend_from_slice(record);
        self.found.extend(framing.end_byte().or((framing == Framing::Words).then_some(b'\n')));
    }
}

impl Mapper for Lines {
    fn map(&mut self, split: &mut MapSplit<'_>) -> Result<(), Failure> {
        let (framing, partition) = (split.framing, split.partition);
        self.parts.push((partition, self.found.len()));
        split.for_each_piece(|piece, _, sink| {
            self.search(piece, framing);
            sink.count("records that match", std::mem::take(&mut self.count));
            if self.found.len() > self.held_max {
                sink.spill(|run| self.spill(run))?;
                self.parts.push((partition, 0));
            }
            Ok(())
        })
    }

    fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        write_in_order(run, &self.found, &self.parts)?;
        self.clear();
        Ok(())
    }

    fn clear(&mut self) {
        self.found.clear();
        self.parts.clear();
        self.count = 0;
    }

    fn is_orderless(&self) -> bool {
        false
    }
}

/// Bytes that are written as one record.
const RECORD_BYTES: usize = 32 << 10;

/// Writes bytes as they are; `parts` says from where on they belong to which partition.
pub(crate) fn write_in_order(run: &mut RunWriter, bytes: &[u8], parts: &[(u32, usize)]) -> Result<()> {
    let mut last = None;
    for (at, (partition, from)) in parts.iter().enumerate() {
        let to = parts.get(at + 1).map_or(bytes.len(), |(_, next)| *next);
        if *from == to {
            continue;
        }
        if last != Some(*partition) {
            run.begin(*partition)?;
            last = Some(*partition);
        }
        bytes[*from..to].chunks(RECORD_BYTES).try_for_each(|chunk| run.push(&[], chunk))?;
    }
    Ok(())
}

/// Parts that are what the runs have, one after the other.
pub(crate) struct InOrder {
    pub(crate) memory: usize,
}

impl Reducer for InOrder {
    fn reduce(&mut self, part: &mut Part<'_>) -> Result<()> {
        for run in part.runs {
            if let Some(segment) = run.segment(part.number)? {
                let mut segment = SegmentReader::new(run, segment, self.memory / 2)?;
                while segment.advance()? {
                    part.out.write(segment.value())?;
                }
            }
        }
        Ok(())
    }
}
