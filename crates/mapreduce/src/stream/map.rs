//! The mapper: a process for each split.

use super::collect::{By, Collect, count_all};
use super::places::Places;
use super::surroundings::{Host, Phase, Task};
use super::talk::{End, Talk, Until};
use crate::input::Framing;
use crate::manifest::Bad;
use crate::program::{Failure, MapSplit, Mapper, Room};
use crate::spill::RunWriter;
use crate::{Error, Result};
use divvy_engine::Call;
use std::path::Path;
use std::sync::Arc;

/// One worker's mapper.
pub(super) struct Mapping {
    pub(super) host: Arc<Host>,
    pub(super) call: Call,
    collect: Collect,
}

impl Mapping {
    pub(super) fn new(host: &Arc<Host>, room: &Room) -> Result<Mapping> {
        let call = host.node.stop.call().map_err(Error::io("wait for a stop of", Path::new("the node")))?;
        let collect = Collect::new(&host.stream, room);
        Ok(Mapping { host: host.clone(), call, collect })
    }

    /// Uses the lines as they are.
    fn copy(&mut self, split: &mut MapSplit<'_>, task: &Task) -> Result<(), Failure> {
        let Mapping { host, call, collect } = self;
        let by = By { host, until: Until { call, is_ended: split.is_ended }, task };
        split.for_each_piece(|piece, _, sink| collect.add(piece, sink, &by))
    }

    /// Runs the script over all records that it is not known to fail on.
    fn run(&mut self, split: &mut MapSplit<'_>, task: &Task) -> Result<(), Failure> {
        let (host, call, collect) = (&*self.host, &self.call, &mut self.collect);
        let until = Until { call, is_ended: split.is_ended };
        let by = By { host, until, task };
        let script = host.stream.mapper.as_ref().expect("there is a script");
        let mut talk = Talk::start(host, script, task, until, false)?;
        let mut fed = Fed { to: split.split.lo, bad: split.bad, framing: split.framing };
        let mut places = Places::new(host.stream.places.as_ref(), split.framing);
        split.for_each_piece(|piece, offset, sink| {
            fed.each_good(piece, offset, |good, at| {
                talk.feed(places.put(good, at), &mut |lines| collect.add(lines, sink, &by))
            })
        })?;
        let unread = talk.unread();
        let mut sink = split.sink();
        match talk.finish(&mut |lines| collect.add(lines, &mut sink, &by))? {
            End::Well(counters) => {
                count_all(split, &counters);
                Ok(())
            }
            End::Failed(why) => {
                host.on_failed(task);
                let reached = fed.to - unread.min(fed.to - split.split.lo);
                Err(self.blame(split, task, why, fed.to, reached))
            }
        }
    }
}

/// How far a process has been fed.
pub(super) struct Fed<'b> {
    /// Behind the last byte of the file, or of its text, that it was given.
    pub(super) to: u64,
    pub(super) bad: &'b [Bad],
    pub(super) framing: Framing,
}

impl Fed<'_> {
    /// Gives the piece without the records that are known to be bad, and with an end behind the last line: what there
    /// is, and where it begins.
    pub(super) fn each_good(
        &mut self,
        piece: &[u8],
        offset: u64,
        mut give: impl FnMut(&[u8], u64) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let end = offset + piece.len() as u64;
        let mut at = 0;
        let mut bad: Vec<u64> =
            self.bad.iter().map(|bad| bad.at).filter(|at| (offset..end).contains(at)).collect();
        bad.sort_unstable();
        for bad in bad {
            let begin = (bad - offset) as usize;
            give(&piece[at..begin], offset + at as u64)?;
            at = self.framing.first_edge(&piece[begin..]).map_or(piece.len(), |edge| begin + edge);
        }
        self.to = end;
        give(&piece[at..], offset + at as u64)?;
        // The last line of a file may have no end, and there are programs that would not see it.
        if at < piece.len() && self.framing == Framing::Lines && !piece.ends_with(b"\n") {
            give(b"\n", end)?;
        }
        Ok(())
    }
}

/// What the script is told of a split.
fn task_of(split: &MapSplit<'_>) -> Task {
    let path = split.input.path.as_os_str();
    let length = (split.split.hi - split.split.lo).to_string();
    let begin = split.split.lo.to_string();
    let told = vec![
        ("mapreduce_map_input_file", path.into()),
        ("map_input_file", path.into()),
        ("mapreduce_map_input_start", begin.clone().into()),
        ("map_input_start", begin.into()),
        ("mapreduce_map_input_length", length.clone().into()),
        ("map_input_length", length.into()),
    ];
    Task { phase: Phase::Map, number: split.number, told }
}

impl Mapper for Mapping {
    fn map(&mut self, split: &mut MapSplit<'_>) -> Result<(), Failure> {
        let task = task_of(split);
        self.collect.begin(split.partition);
        match self.host.stream.mapper {
            Some(_) => self.run(split, &task)?,
            None => self.copy(split, &task)?,
        }
        let Mapping { host, call, collect } = self;
        let until = Until { call, is_ended: split.is_ended };
        collect.end(split, &By { host, until, task: &task })
    }

    fn is_empty(&self) -> bool {
        self.collect.is_empty()
    }

    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        self.collect.spill(run)
    }

    fn clear(&mut self) {
        self.collect.clear();
    }

    fn is_orderless(&self) -> bool {
        false
    }
}
