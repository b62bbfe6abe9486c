//! What mappers print: sorted, and combined if there is a combiner, until it is written down.

use super::aggregate;
use super::keys::Keys;
use super::lines::{self, Cutter};
use super::spec::{Reduction, Stream};
use super::surroundings::{Host, Task};
use super::talk::{End, Talk, Until};
use crate::input::PIECE_BYTES;
use crate::manifest::count;
use crate::program::{Failure, MapSplit, Room, Sink};
use crate::ready::grep::write_in_order;
use crate::sort::{Pushed, Sorter};
use crate::spill::RunWriter;
use crate::{Result, Splitters};
use std::sync::Arc;

/// Bytes of lines that a combiner is fed with at a time.
const FEED_BYTES: usize = 64 << 10;

/// Lines that wait for being written.
pub(super) enum Collect {
    /// Sorted.
    Sorted(Box<Sorted>),
    /// As they come: there is no reduction.
    InOrder {
        /// The output of some splits.
        lines: Vec<u8>,
        /// Which part it belongs to, from where on.
        parts: Vec<(u32, usize)>,
        /// Bytes.
        most: usize,
        /// How lines are written anew, if they are.
        anew: Option<Anew>,
    },
}

/// Lines in the order of their keys.
pub(super) struct Sorted {
    keys: Keys,
    cutter: Cutter,
    /// What mappers printed.
    sorter: Sorter,
    /// What combiners made of it.
    combined: Option<Sorter>,
    splitters: Arc<Splitters>,
    /// Values of equal keys become fewer when they are written down.
    folds: bool,
}

/// Lines of the output that are not written as they were printed.
#[derive(Debug, Clone)]
pub(super) struct Anew {
    cutter: Cutter,
    separator: Vec<u8>,
}

impl Anew {
    pub(super) fn new(stream: &Stream) -> Option<Anew> {
        let (form, separator) = stream.output.as_ref()?;
        Some(Anew { cutter: Cutter::new(form), separator: separator.clone() })
    }

    /// Appends the lines; one without a value gets a separator as well.
    pub(super) fn write(&self, lines: &[u8], to: &mut Vec<u8>) {
        let _ = lines::each(lines, |line| {
            let (key, value) = self.cutter.cut(line);
            for part in [key, &self.separator, value.unwrap_or_default(), b"\n"] {
                to.extend_from_slice(part);
            }
            Ok::<_, ()>(())
        });
    }
}

impl Collect {
    pub(super) fn new(stream: &Stream, room: &Room) -> Collect {
        let memory = room.memory.saturating_sub(PIECE_BYTES + RunWriter::MEMORY);
        if stream.reduction == Reduction::None {
            let anew = Anew::new(stream);
            return Collect::InOrder { lines: Vec::new(), parts: Vec::new(), most: memory / 4, anew };
        }
        // Combining makes it less; how much less is not known.
        let share = if stream.combiner.is_some() { memory / 3 * 2 } else { memory };
        Collect::Sorted(Box::new(Sorted {
            keys: Keys::new(stream),
            cutter: Cutter::new(&stream.map_output),
            sorter: Sorter::new(share),
            combined: stream.combiner.as_ref().map(|_| Sorter::new(memory - share)),
            splitters: room.splitters.clone(),
            // Where the order is one of fields, values have something in front of them.
            folds: stream.reduction == Reduction::Aggregate && stream.order.is_empty(),
        }))
    }

    /// A split begins, whose output belongs to this part if there is no reduction.
    pub(super) fn begin(&mut self, part: u32) {
        if let Collect::InOrder { lines, parts, .. } = self {
            parts.push((part, lines.len()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Collect::InOrder { lines, .. } => lines.is_empty(),
            Collect::Sorted(sorted) => sorted.is_empty(),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Collect::InOrder { lines, parts, .. } => {
                lines.clear();
                parts.clear();
            }
            Collect::Sorted(sorted) => {
                sorted.sorter.clear();
                sorted.combined.iter_mut().for_each(Sorter::clear);
            }
        }
    }

    pub(super) fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        match self {
            Collect::InOrder { lines, parts, .. } => write_in_order(run, lines, parts)?,
            Collect::Sorted(sorted) => sorted.spill(run)?,
        }
        self.clear();
        Ok(())
    }

    /// Takes lines of a mapper.
    pub(super) fn add(&mut self, more: &[u8], sink: &mut Sink<'_>, by: &By<'_>) -> Result<(), Failure> {
        match self {
            Collect::Sorted(sorted) => sorted.add(more, sink, by),
            Collect::InOrder { lines, parts, most, anew } => {
                match anew {
                    Some(anew) => anew.write(more, lines),
                    None => lines.extend_from_slice(more),
                }
                if lines.len() > *most {
                    sink.spill(|run| write_in_order(run, lines, parts))?;
                    let part = parts.last().expect("a split has begun").0;
                    lines.clear();
                    parts.clear();
                    parts.push((part, 0));
                }
                Ok(())
            }
        }
    }

    /// A split has ended: what is to be combined is.
    pub(super) fn end(&mut self, split: &mut MapSplit<'_>, by: &By<'_>) -> Result<(), Failure> {
        match self {
            Collect::Sorted(sorted) if sorted.combined.is_some() => sorted.combine(&mut split.sink(), by),
            _ => Ok(()),
        }
    }
}

/// Who runs the combiner, and for which task.
pub(super) struct By<'h> {
    pub(super) host: &'h Host,
    pub(super) until: Until<'h>,
    pub(super) task: &'h Task,
}

impl Sorted {
    fn is_empty(&self) -> bool {
        self.sorter.is_empty() && self.combined.as_ref().is_none_or(Sorter::is_empty)
    }

    /// Writes down what mappers printed, or what combiners made of all of it.
    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        let Sorted { keys, sorter, combined, splitters, folds, .. } = self;
        let sorter = combined.as_mut().unwrap_or(sorter);
        if !*folds {
            return sorter.spill(splitters, run);
        }
        sorter.spill_combined(splitters, run, |key, folded, value| {
            aggregate::fold(keys.pulled(key, &[]).0, folded, value)
        })
    }

    fn add(&mut self, more: &[u8], sink: &mut Sink<'_>, by: &By<'_>) -> Result<(), Failure> {
        lines::each(more, |line| {
            let (key, value) = self.cutter.cut(line);
            let value = value.unwrap_or_default();
            if self.keys.push(key, value, &mut self.sorter)? == Pushed::Full {
                if self.combined.is_some() {
                    self.combine(sink, by)?;
                } else {
                    sink.spill(|run| self.spill(run))?;
                }
                let _ = self.keys.push(key, value, &mut self.sorter)?;
            }
            Ok(())
        })
    }

    /// Lets the combiner make less of what there is.
    fn combine(&mut self, sink: &mut Sink<'_>, by: &By<'_>) -> Result<(), Failure> {
        if self.sorter.is_empty() {
            return Ok(());
        }
        let stream = &by.host.stream;
        let script = stream.combiner.as_ref().expect("there is a combiner");
        let mut talk = Talk::start(by.host, script, by.task, by.until, false)?;
        let Sorted { keys, cutter, sorter, combined, splitters, .. } = self;
        let combined = combined.as_mut().expect("there is a combiner");
        // Its output is sorted anew: nobody says that it prints keys in the order in which it gets them.
        let mut take_keys = Keys::new(stream);
        let mut take = |lines: &[u8]| {
            lines::each(lines, |line| {
                let (key, value) = cutter.cut(line);
                let value = value.unwrap_or_default();
                if take_keys.push(key, value, combined)? == Pushed::Full {
                    sink.spill(|run| combined.spill(splitters, run))?;
                    let _ = take_keys.push(key, value, combined)?;
                }
                Ok(())
            })
        };
        let mut lines = Vec::with_capacity(2 * FEED_BYTES);
        sorter.drain(|key, value| {
            let (key, value) = keys.pulled(key, value);
            put_line(key, &stream.reduce_input, value, &mut lines);
            if lines.len() >= FEED_BYTES {
                talk.feed(&lines, &mut take)?;
                lines.clear();
            }
            Ok::<_, Failure>(())
        })?;
        talk.feed(&lines, &mut take)?;
        match talk.finish(&mut take)? {
            End::Failed(why) => Err(Failure::Program(format!("the combiner {why}"))),
            End::Well(counters) => {
                counters.iter().for_each(|(counter, n)| sink.count(counter, *n));
                Ok(())
            }
        }
    }
}

/// A line of a key and a value.
#[inline]
pub(super) fn put_line(key: &[u8], separator: &[u8], value: &[u8], to: &mut Vec<u8>) {
    to.extend_from_slice(key);
    to.extend_from_slice(separator);
    to.extend_from_slice(value);
    to.push(b'\n');
}

/// Adds what a process has counted to what its split has.
pub(super) fn count_all(split: &mut MapSplit<'_>, counters: &std::collections::BTreeMap<String, u64>) {
    counters.iter().for_each(|(counter, n)| count(split.counters, counter, *n));
}
