//! The reducer: a process for each part.

use super::aggregate;
use super::collect::{Anew, put_line};
use super::keys::Keys;
use super::spec::{Reduction, Script};
use super::surroundings::{Host, Phase, Task};
use super::talk::{End, Talk, Until};
use crate::merging::Merging;
use crate::part::PartWriter;
use crate::program::{Failure, Part, Reducer, Room};
use crate::sort::Merge;
use crate::table::Table;
use crate::{Error, Result};
use divvy_engine::Call;
use std::path::Path;
use std::sync::Arc;

/// Bytes of lines that a process is fed with at a time.
const FEED_BYTES: usize = 64 << 10;

/// One worker's reducer.
pub(super) struct Reducing {
    host: Arc<Host>,
    call: Call,
    keys: Keys,
    anew: Option<Anew>,
    /// The different values of one key, where they are counted.
    table: Table<i64>,
    merging: Merging,
}

impl Reducing {
    pub(super) fn new(host: &Arc<Host>, room: &Room) -> Result<Reducing> {
        let call = host.node.stop.call().map_err(Error::io("wait for a stop of", Path::new("the node")))?;
        // What a table holds is taken out into a list, beside it, of a third of a slot for each value.
        let counted = if host.stream.reduction == Reduction::Aggregate { room.memory / 3 } else { 0 };
        Ok(Reducing {
            keys: Keys::new(&host.stream),
            anew: Anew::new(&host.stream),
            host: host.clone(),
            call,
            table: Table::new(counted / 4 * 3),
            merging: Merging::new(room, PartWriter::MEMORY + counted),
        })
    }
}

impl Reducer for Reducing {
    fn reduce(&mut self, part: &mut Part<'_>) -> Result<()> {
        let Reducing { host, call, keys, anew, table, merging } = self;
        let until = Until { call, is_ended: part.is_ended };
        let merge = merging.part(part)?;
        if host.stream.reduction == Reduction::Aggregate {
            let separator = host.stream.output.as_ref().map_or(&b"\t"[..], |(_, separator)| separator);
            return aggregate::reduce(keys, separator, table, merge, part);
        }
        let out = Output { anew, part, buf: Vec::new() };
        match &host.stream.reduction {
            Reduction::Script(script) => run(host, until, script, keys, merge, out),
            _ => copy(&host.stream.reduce_input, keys, merge, out),
        }
    }
}

/// Where the lines of a part go.
struct Output<'a, 'p> {
    anew: &'a Option<Anew>,
    part: &'a mut Part<'p>,
    buf: Vec<u8>,
}

impl Output<'_, '_> {
    fn write(&mut self, lines: &[u8]) -> Result<()> {
        let Some(anew) = self.anew else { return self.part.out.write(lines) };
        self.buf.clear();
        anew.write(lines, &mut self.buf);
        self.part.out.write(&self.buf)
    }
}

/// The sorted lines are the output.
fn copy(separator: &[u8], keys: &Keys, mut merge: Merge<'_>, mut out: Output<'_, '_>) -> Result<()> {
    let mut line = Vec::new();
    while let Some((key, value)) = merge.next_record()? {
        let (key, value) = keys.pulled(key, value);
        line.clear();
        put_line(key, separator, value, &mut line);
        out.write(&line)?;
    }
    Ok(())
}

/// A script makes the output of the sorted lines.
fn run(
    host: &Host,
    until: Until<'_>,
    script: &Script,
    keys: &Keys,
    mut merge: Merge<'_>,
    mut out: Output<'_, '_>,
) -> Result<()> {
    let task = Task { phase: Phase::Reduce, number: out.part.number.into(), told: Vec::new() };
    let fed = (|| {
        let mut talk = Talk::start(host, script, &task, until, false)?;
        let mut lines = Vec::with_capacity(2 * FEED_BYTES);
        let mut take = |lines: &[u8]| Ok(out.write(lines)?);
        while let Some((key, value)) = merge.next_record()? {
            let (key, value) = keys.pulled(key, value);
            put_line(key, &host.stream.reduce_input, value, &mut lines);
            if lines.len() >= FEED_BYTES {
                talk.feed(&lines, &mut take)?;
                lines.clear();
            }
        }
        talk.feed(&lines, &mut take)?;
        talk.finish(&mut take)
    })();
    match fed {
        Ok(End::Well(counters)) => {
            counters.iter().for_each(|(counter, n)| out.part.count(counter, *n));
            Ok(())
        }
        Ok(End::Failed(why)) => {
            host.on_failed(&task);
            Err(Error::Program { why })
        }
        Err(Failure::Program(why)) => Err(Error::Program { why }),
        Err(Failure::Machine(error)) => Err(error),
        Err(Failure::Bad(bad)) => Err(Error::Program { why: bad.error }),
    }
}
