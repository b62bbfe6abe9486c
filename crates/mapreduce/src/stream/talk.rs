//! A process that is fed and heard at once, by one thread: none of its pipes ever blocks us, so neither side can wait for
//! the other while both pipes are full.

use super::said::Said;
use super::spec::Script;
use super::surroundings::{Host, Task};
use crate::program::{Failure, IsEnded};
use crate::{Error, Result};
use divvy_engine::process::{Had, Interest, Resident};
use divvy_engine::{Call, StopLevel};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Bytes that each pipe holds, where the system allows it: the process and we wait for each other less often.
const PIPE_BYTES: usize = 1 << 20;
/// Between SIGTERM and SIGKILL for a process that is ended.
const TERM_NS: u64 = 2_000_000_000;
/// How long a task goes on at most before it is asked again whether it is of use: a call wakes us when it was taken away or
/// the node stops, but nobody calls when another node was first.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// The longest line that a process may print.
const LINE_MAX: usize = 256 << 20;

/// What takes what a process prints: whole lines.
pub(super) type Take<'t> = dyn FnMut(&[u8]) -> Result<(), Failure> + 't;

/// When a process is to end before its time.
#[derive(Clone, Copy)]
pub(super) struct Until<'h> {
    /// Wakes whoever waits for the process, so that he asks.
    pub(super) call: &'h Call,
    /// Its task is of no use any more.
    pub(super) is_ended: IsEnded<'h>,
}

/// A process between its pipes. Dropped it is killed.
pub(super) struct Talk<'h> {
    host: &'h Host,
    script: &'h Script,
    /// The task's name; none if its words are not passed on, since it is run to find out something.
    shown: Option<String>,
    process: Resident,
    until: Until<'h>,
    asked_at: Instant,
    printed: Vec<u8>,
    said: Said,
    /// Nobody reads what it is fed any more.
    deaf: bool,
    /// It will print nothing more.
    mute: bool,
    exited: bool,
    pace: Pace,
}

/// How long we look away from a process.
///
/// Programs print 4 or 8 KiB at a time. Who waits for that is woken by each of them, and switching between the two costs
/// more than the work: up to three times what printing to nowhere costs. So we look away for a while, in which about a
/// quarter of a pipe goes by, and wait only where nothing has gone by at all.
struct Pace {
    /// Bytes that a pipe holds.
    pipe: usize,
    nap_ns: u64,
    read: usize,
    written: usize,
}

impl Pace {
    const LEAST_NS: u64 = 250_000;
    const MOST_NS: u64 = 8_000_000;

    fn new(pipe: usize) -> Pace {
        Pace { pipe, nap_ns: 0, read: 0, written: 0 }
    }

    /// How long to look away, by what has gone by since the last time.
    fn nap(&mut self) -> Option<u64> {
        let most = self.read.max(self.written);
        (self.read, self.written) = (0, 0);
        if most > self.pipe / 2 {
            self.nap_ns /= 2;
        } else if most < self.pipe / 8 {
            self.nap_ns = (self.nap_ns * 2).clamp(Pace::LEAST_NS, Pace::MOST_NS);
        }
        (most > 0 && self.nap_ns >= Pace::LEAST_NS).then_some(self.nap_ns)
    }
}

/// How a process ended.
pub(super) enum End {
    /// Well, with these counters.
    Well(BTreeMap<String, u64>),
    /// Not well: why, for people.
    Failed(String),
}

impl<'h> Talk<'h> {
    /// Starts a script for a task.
    pub(super) fn start(
        host: &'h Host,
        script: &'h Script,
        task: &Task,
        until: Until<'h>,
        hushed: bool,
    ) -> Result<Talk<'h>, Failure> {
        until.check()?;
        let process = Resident::start_alone(&mut host.command(script, task))
            .map_err(|error| Failure::Program(format!("cannot start `{}`: {error}", script.text)))?;
        let pace = Pace::new(process.widen(PIPE_BYTES));
        let printed = Vec::with_capacity(PIPE_BYTES);
        let said = Said::default();
        Ok(Talk {
            host,
            script,
            shown: (!hushed).then(|| task.name()),
            process,
            until,
            asked_at: Instant::now(),
            printed,
            said,
            deaf: false,
            mute: false,
            exited: false,
            pace,
        })
    }

    /// Gives it all of these bytes, unless it does not want to read them; `take` gets what it prints meanwhile.
    pub(super) fn feed(&mut self, mut bytes: &[u8], take: &mut Take<'_>) -> Result<(), Failure> {
        while !bytes.is_empty() && !self.deaf && !self.exited {
            match self.process.write(bytes).map_err(|error| self.broken(error))? {
                Some(n) => {
                    self.pace.written += n;
                    bytes = &bytes[n..];
                }
                // Who has read enough may end well.
                None => self.deaf = true,
            }
            if !bytes.is_empty() && !self.deaf {
                self.turn(true, take)?;
            }
        }
        Ok(())
    }

    /// Bytes that it was given and has not read.
    pub(super) fn unread(&self) -> u64 {
        self.process.unread()
    }

    /// Says that nothing more will come, and waits for its end.
    pub(super) fn finish(mut self, take: &mut Take<'_>) -> Result<End, Failure> {
        self.process.close_stdin();
        while !self.exited {
            self.turn(false, take)?;
        }
        // What it left behind in its group would hold its pipes open.
        self.process.kill();
        while !self.mute && self.listen(take)? {}
        if !self.printed.is_empty() {
            self.printed.push(b'\n');
            take(&self.printed)?;
        }
        self.hear(true)?;
        let status = self.process.reap().map_err(|error| self.broken(error))?;
        if status.success() || (self.host.stream.any_exit && status.code().is_some()) {
            return Ok(End::Well(std::mem::take(&mut self.said.counters)));
        }
        Ok(End::Failed(self.why(status)))
    }

    /// Waits until there is something to do but feeding, and does it.
    fn turn(&mut self, write: bool, take: &mut Take<'_>) -> Result<(), Failure> {
        let nap = self.pace.nap();
        let interest = Interest { write: write && nap.is_none(), read: !self.mute && nap.is_none() };
        let at_most = nap.unwrap_or(ASK_EVERY.as_nanos() as u64);
        let ready = self.process.wait_with(self.until.call, interest, Some(at_most));
        let ready = ready.map_err(|error| self.broken(error))?;
        if ready.called || self.asked_at.elapsed() >= ASK_EVERY {
            self.end_if_asked()?;
            self.asked_at = Instant::now();
        }
        self.exited |= ready.exited;
        self.listen(take)?;
        self.hear(false)
    }

    /// Reads what it prints; whether there was anything.
    fn listen(&mut self, take: &mut Take<'_>) -> Result<bool, Failure> {
        let from = self.printed.len();
        match self.process.read(&mut self.printed).map_err(|error| self.broken(error))? {
            Had::Nothing => return Ok(false),
            Had::End => {
                self.mute = true;
                return Ok(false);
            }
            Had::Bytes(n) => self.pace.read += n,
        }
        match memchr::memrchr(b'\n', &self.printed[from..]) {
            Some(at) => {
                let whole = from + at + 1;
                take(&self.printed[..whole])?;
                self.printed.drain(..whole);
            }
            None if self.printed.len() > LINE_MAX => {
                let bytes = self.printed.len() as u64;
                return Err(Error::TooLarge { what: "a line that a script prints", bytes }.into());
            }
            None => {}
        }
        Ok(true)
    }

    /// Reads what it says on stderr. `end`: all of it.
    fn hear(&mut self, end: bool) -> Result<(), Failure> {
        let (host, hushed) = (self.host, self.shown.is_none());
        let pass = |words: &[u8]| {
            if !hushed {
                (host.node.words)(words);
            }
        };
        while let Had::Bytes(_) =
            self.process.read_errors(&mut self.said.heard).map_err(|error| self.broken(error))?
        {
            self.said.sort_out(false, &pass);
        }
        if end {
            self.said.sort_out(true, &pass);
        }
        if let (Some(task), Some(status)) = (&self.shown, self.said.new_status()) {
            (host.node.status)(task, status);
        }
        Ok(())
    }

    fn end_if_asked(&self) -> Result<()> {
        let asked = self.until.check();
        if asked.is_err() && self.until.call.level() < StopLevel::Kill {
            self.process.terminate();
            let _ = self.process.wait_alone(false, TERM_NS);
        }
        asked
    }

    fn broken(&self, source: std::io::Error) -> Failure {
        Error::Io { what: "talk to", path: PathBuf::from(&self.script.text), source }.into()
    }

    fn why(&self, status: ExitStatus) -> String {
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended in an unknown way".into(),
        };
        let last = self.said.last().map(|last| format!("; it said:\n  {last}")).unwrap_or_default();
        let status = self.said.status().map(|status| format!(" at \"{status}\"")).unwrap_or_default();
        format!("`{}` {how}{status}{last}", self.script.text)
    }
}

impl Drop for Talk<'_> {
    fn drop(&mut self) {
        if let (Some(task), Some(_)) = (&self.shown, self.said.status()) {
            (self.host.node.status)(task, "");
        }
    }
}

impl Until<'_> {
    /// Fails if it is to end.
    fn check(&self) -> Result<()> {
        if (self.is_ended)() { Err(Error::Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::{Form, Reduction, Stream};
    use super::super::surroundings::{Node, Phase};
    use super::*;
    use divvy_engine::Stop;
    use std::cell::Cell;
    use std::sync::Arc;

    fn host(stop: &Stop) -> Host {
        let stream = Stream {
            mapper: None,
            combiner: None,
            reduction: Reduction::Identity,
            dir: "/".into(),
            env: std::env::vars_os().filter(|(name, _)| name == "PATH").collect(),
            job: "job_1".into(),
            map_output: Form::default(),
            places: None,
            reduce_input: b"\t".to_vec(),
            output: None,
            parts: 1,
            key_separator: b"\t".to_vec(),
            order: Vec::new(),
            partition: Vec::new(),
            finds_bad: false,
            any_exit: false,
        };
        let (words, status) = (Arc::new(|_: &[u8]| {}), Arc::new(|_: &str, _: &str| {}));
        Host::new(stream, Node { stop: stop.clone(), session: None, words, status })
    }

    /// Nobody calls when another node is first with the task: a script that neither reads nor prints has to be asked for.
    #[test]
    fn a_silent_script_ends_when_its_task_has_become_useless() {
        let stop = Stop::default();
        let (host, call) = (host(&stop), stop.call().unwrap());
        let script = Script { words: vec!["sleep".into(), "1000".into()], text: "sleep 1000".into() };
        let task = Task { phase: Phase::Map, number: 0, told: Vec::new() };
        let asked = Cell::new(0);
        // Of use when it is started, and never after.
        let is_ended = || asked.replace(asked.get() + 1) > 0;
        let until = Until { call: &call, is_ended: &is_ended };
        let talk = Talk::start(&host, &script, &task, until, true).ok().unwrap();
        assert!(matches!(talk.finish(&mut |_| Ok(())), Err(Failure::Machine(Error::Stopped))));
        assert_eq!(asked.get(), 2);
    }
}
