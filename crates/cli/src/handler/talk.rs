//! A handler's process with what is on its way to it and from it: lines out, lines in.

use super::answer::Answer;
use super::beginning::Beginning;
use divvy_engine::Chunk;
use divvy_engine::process::{Captured, Had, Interest, Ready, Resident, Room};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Longest line that a handler may print, bytes. What is longer is no answer; large outputs belong into files.
pub const ANSWER_MAX: usize = 16 << 20;
/// Most of an unfinished line of its stderr that waits for its end; then it is passed on as it is.
const ERROR_LINE_MAX: usize = 64 << 10;
/// Bytes read before answers are looked at.
const READ_MAX: usize = 1 << 20;

/// A process and its buffers.
pub struct Talk {
    process: Resident,
    /// Tasks for it; written up to `written`.
    tasks: Vec<u8>,
    written: usize,
    /// What it printed; looked at up to `seen`, and no newline between there and `searched`.
    answers: Vec<u8>,
    seen: usize,
    searched: usize,
    errors: Vec<u8>,
    /// Bytes of the tasks that it holds. Exact while it holds one, and never too few.
    held_bytes: u64,
    /// At most so many tasks in an array; `None`: one a line.
    pub batch: Option<u32>,
    /// Each task's fence goes along: until it has spoken, since it may be about to ask for that, and then if it has.
    pub fence: bool,
    /// It has answered a task.
    pub has_answered: bool,
    /// It has printed a line.
    pub has_spoken: bool,
    /// Whether it is known how long it took to start.
    pub beginning: Beginning,
    /// It is the first of its worker.
    pub is_first: bool,
    /// What a task takes it, nanoseconds, as of late.
    pub task_ns: Option<f64>,
    /// Up to when that was measured.
    pub measured_ns: u64,
}

impl Talk {
    /// With a process that was started at this time, its worker's first or not.
    pub fn new(process: Resident, started_ns: u64, is_first: bool) -> Talk {
        Talk {
            process,
            tasks: Vec::new(),
            written: 0,
            answers: Vec::new(),
            seen: 0,
            searched: 0,
            errors: Vec::new(),
            held_bytes: 0,
            batch: None,
            fence: true,
            has_answered: false,
            has_spoken: false,
            beginning: Beginning::Starting(started_ns),
            is_first,
            task_ns: None,
            measured_ns: 0,
        }
    }

    /// The process.
    pub fn process(&mut self) -> &mut Resident {
        &mut self.process
    }

    /// Bytes that are to be written.
    pub fn unwritten(&self) -> usize {
        self.tasks.len() - self.written
    }

    /// Adds tasks to what is to be written.
    pub fn add(&mut self, tasks: impl FnOnce(&mut Vec<u8>)) {
        let before = self.tasks.len();
        tasks(&mut self.tasks);
        self.held_bytes += (self.tasks.len() - before) as u64;
    }

    /// It holds no task.
    pub fn on_idle(&mut self) {
        self.held_bytes = 0;
    }

    /// It has answered so many more tasks by now. Returns what each of them took.
    pub fn learn(&mut self, now_ns: u64, answered: u64) -> u64 {
        let each = now_ns.saturating_sub(self.measured_ns) as f64 / answered as f64;
        // What the first took, with the start of the process, does not tell what others will.
        if !matches!(self.beginning, Beginning::Starting(_)) {
            self.task_ns = Some(self.task_ns.map_or(each, |before| (before + each) / 2.0));
        }
        self.measured_ns = now_ns;
        each as u64
    }

    /// Whether it has read nothing of what it holds.
    pub fn has_read_nothing(&self) -> bool {
        self.process.unread() + self.unwritten() as u64 >= self.held_bytes
    }

    /// Writes what there is room for. False: it reads no more.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self) -> io::Result<bool> {
        if self.unwritten() == 0 {
            return Ok(true);
        }
        let Some(n) = self.process.write(&self.tasks[self.written..])? else { return Ok(false) };
        self.written += n;
        if self.unwritten() == 0 {
            self.tasks.clear();
            self.written = 0;
        }
        Ok(true)
    }

    /// Waits for it.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&self, chunk: &Chunk<'_>, interest: Interest, at_most_ns: Option<u64>) -> io::Result<Ready> {
        self.process.wait(chunk, interest, at_most_ns)
    }

    /// Reads what it has printed, up to a bound. False at the end of its stdout.
    ///
    /// # Errors
    /// What the system says, and a line that is too long.
    pub fn read(&mut self) -> io::Result<bool> {
        self.answers.drain(..self.seen);
        self.searched -= self.seen;
        self.seen = 0;
        let before = self.answers.len();
        loop {
            match self.process.read(&mut self.answers)? {
                Had::Bytes(_) if self.answers.len() - before < READ_MAX => {}
                Had::Bytes(_) | Had::Nothing => return Ok(true),
                Had::End => return Ok(false),
            }
        }
    }

    /// Hands every whole line that was read to `each`, with room for what it says, until it refuses one.
    ///
    /// # Errors
    /// What `each` says, or that the unfinished line is too long.
    pub fn lines(
        &mut self,
        mut each: impl for<'b> FnMut(&mut Talk, &'b [u8], &mut Vec<Answer<'b>>) -> Result<(), String>,
    ) -> Result<(), String> {
        // Out of the way, so that what is done about a line may change everything else.
        let answers = std::mem::take(&mut self.answers);
        let (mut said, mut room) = (Ok(()), Vec::new());
        while let Some(len) = memchr::memchr(b'\n', &answers[self.searched..]) {
            let end = self.searched + len;
            let line = &answers[self.seen..end];
            (self.seen, self.searched) = (end + 1, end + 1);
            said = each(self, line.strip_suffix(b"\r").unwrap_or(line), &mut room);
            if said.is_err() {
                break;
            }
        }
        drop(room);
        self.answers = answers;
        said?;
        self.searched = self.answers.len();
        if self.answers.len() - self.seen > ANSWER_MAX {
            return Err(format!("it printed a line of more than {} MiB", ANSWER_MAX >> 20));
        }
        Ok(())
    }

    /// Waits for its end at most so long, dropping what it still answers. Whether it has ended.
    pub fn wait_for_end(&mut self, at_most_ns: u64, mut errors: impl FnMut(&mut Talk)) -> bool {
        let until = Instant::now() + Duration::from_nanos(at_most_ns);
        loop {
            self.answers.clear();
            (self.seen, self.searched) = (0, 0);
            let is_open = self.read().unwrap_or(false);
            errors(self);
            let left = until.saturating_duration_since(Instant::now());
            if self.process.wait_alone(is_open, left.as_nanos() as u64) {
                return true;
            }
            if left.is_zero() {
                return false;
            }
        }
    }

    /// Reads its stderr, and gives the whole lines; at its end (`last`) also what is left of one.
    pub fn errors(&mut self, last: bool) -> Option<Captured> {
        // As much as a pipe holds: a process that prints without end must not keep us here.
        for _ in 0..READ_MAX >> 16 {
            if !matches!(self.process.read_errors(&mut self.errors), Ok(Had::Bytes(_))) {
                break;
            }
        }
        let whole = memchr::memrchr(b'\n', &self.errors).map_or(0, |at| at + 1);
        let long = self.errors.len() - whole > ERROR_LINE_MAX;
        let n = if last || long { self.errors.len() } else { whole };
        if n == 0 {
            return None;
        }
        let mut output = Captured::default();
        let mut lines: Vec<u8> = self.errors.drain(..n).collect();
        if !lines.ends_with(b"\n") {
            lines.push(b'\n');
        }
        // Always in memory: the bounds above hold it small.
        let room = Room { memory_max: usize::MAX, spill: PathBuf::new() };
        output.stderr.append(&lines, &room).ok()?;
        Some(output)
    }
}
