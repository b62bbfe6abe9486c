//! A job's log: what its tasks printed, for whoever asks later.
//!
//! Each node that runs tasks of the job appends to a file of its own, `logs/JOB/NODE.log`, so that nobody waits for
//! anybody and a job of a million tasks makes a handful of files. A file is a row of frames: a header, then bytes of
//! one stream of one attempt. The frames of an attempt stand together. Node ids are never used twice, so a frame that
//! was cut by the end of its process is the last of its file.
//!
//! ```text
//! bytes     4      4      8      8         4         1
//!           len    sum    task   time ms   attempt   flags     then len bytes; all numbers little-endian
//! ```

use divvy_core::checksum::Sum;
use divvy_core::{JobId, NodeId};
use divvy_engine::Task;
use divvy_engine::process::Captured;
use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

const HEADER: usize = 29;
/// Most bytes in one frame; longer outputs take several.
const FRAME_BYTES_MAX: usize = 64 << 10;
const STDERR: u8 = 1;
/// The attempt failed and is made again.
const REPEATED: u8 = 2;

/// Where a node logs.
#[derive(Debug, Clone)]
pub struct Logs {
    dir: PathBuf,
    node: NodeId,
    /// What is logged is not printed as well.
    instead: bool,
}

impl Logs {
    /// The logs in this directory, as far as this node writes them. With `instead`, outputs go nowhere else.
    pub fn new(dir: PathBuf, node: NodeId, instead: bool) -> Logs {
        Logs { dir, node, instead }
    }

    /// This node's part of a job's log. `is_kept`: outputs are wanted elsewhere as well, in any case.
    pub fn of(&self, job: JobId, is_kept: bool) -> Log {
        let path = self.dir.join(job.to_string()).join(format!("{}.log", self.node));
        Log { path, instead: self.instead && !is_kept, tail: Mutex::default() }
    }
}

/// One node's part of one job's log. The file is made with the first output.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    instead: bool,
    tail: Mutex<Option<Tail>>,
}

#[derive(Debug)]
struct Tail {
    file: File,
    /// Where the next frame begins.
    end: u64,
    unsynced: bool,
}

impl Log {
    /// Keeps what an attempt printed. `repeated`: it failed and is made again.
    ///
    /// # Errors
    /// What the system says; then nothing of this output is kept.
    pub fn keep(&self, task: &Task<'_>, repeated: bool, output: &mut Captured) -> io::Result<()> {
        if output.stdout.is_empty() && output.stderr.is_empty() {
            return Ok(());
        }
        let mut tail = self.tail();
        let tail = match &mut *tail {
            Some(tail) => tail,
            none => none.insert(open(&self.path)?),
        };
        let flags = if repeated { REPEATED } else { 0 };
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
        let mut frames =
            Frames { tail: &tail.file, time, task: task.id, attempt: task.attempt, flags, len: 0 };
        let mut copy = || {
            output.stdout.copy_to(&mut frames)?;
            frames.flags |= STDERR;
            output.stderr.copy_to(&mut frames)
        };
        if let Err(error) = copy() {
            // Half an output would cut the log for all that come behind it.
            tail.file.set_len(tail.end)?;
            return Err(error);
        }
        tail.end += frames.len;
        tail.unsynced = true;
        if self.instead {
            *output = Captured::default();
        }
        Ok(())
    }

    /// Makes everything kept so far durable.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        // Synced outside the lock: workers go on writing meanwhile.
        let file = match &mut *self.tail() {
            Some(tail) if tail.unsynced => {
                tail.unsynced = false;
                tail.file.try_clone()?
            }
            _ => return Ok(()),
        };
        file.sync_data()
    }

    fn tail(&self) -> MutexGuard<'_, Option<Tail>> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> io::Result<Tail> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    let file = File::options().create(true).append(true).open(path)?;
    let end = file.metadata()?.len();
    Ok(Tail { file, end, unsynced: false })
}

/// Frames of one attempt, written as they fill.
struct Frames<'f> {
    tail: &'f File,
    task: u64,
    attempt: u32,
    time: u64,
    flags: u8,
    /// Bytes written so far.
    len: u64,
}

impl Write for Frames<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(FRAME_BYTES_MAX)];
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut frame = Vec::with_capacity(HEADER + bytes.len());
        frame.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(&self.task.to_le_bytes());
        frame.extend_from_slice(&self.time.to_le_bytes());
        frame.extend_from_slice(&self.attempt.to_le_bytes());
        frame.push(self.flags);
        frame.extend_from_slice(bytes);
        let sum = sum(&frame);
        frame[4..8].copy_from_slice(&sum.to_le_bytes());
        self.tail.write_all(&frame)?;
        self.len += frame.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Over everything behind the sum itself, and so over the length of the bytes.
fn sum(frame: &[u8]) -> u32 {
    Sum::of("log").bytes(&frame[8..]).finish()
}

/// Bytes of one stream of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The task's id.
    pub task: u64,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When the attempt had ended, milliseconds since 1970.
    pub time: u64,
    /// Standard error, not output.
    pub stderr: bool,
    /// The attempt failed and was made again.
    pub repeated: bool,
    /// What was printed.
    pub bytes: Vec<u8>,
}

/// Reads one node's part of a log, also while it grows.
#[derive(Debug)]
pub struct LogReader {
    file: BufReader<File>,
    /// Where the next frame begins.
    at: u64,
}

impl LogReader {
    /// Reads a file from its beginning.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<LogReader> {
        Ok(LogReader { file: BufReader::with_capacity(FRAME_BYTES_MAX, File::open(path)?), at: 0 })
    }

    /// The next frame; `None` if no whole one is there yet.
    ///
    /// # Errors
    /// What the system says; `InvalidData` for bytes that were not written as they are.
    pub fn next(&mut self) -> io::Result<Option<Frame>> {
        let mut header = [0; HEADER];
        let whole = self.file.read_exact(&mut header);
        let len = u32::from_le_bytes(header[..4].try_into().expect("four bytes")) as usize;
        if whole.is_ok() && !(1..=FRAME_BYTES_MAX).contains(&len) {
            return Err(self.damaged());
        }
        let mut frame = header.to_vec();
        frame.resize(HEADER + len, 0);
        match whole.and_then(|()| self.file.read_exact(&mut frame[HEADER..])) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
                // What is there of it is read again when the rest has come.
                self.file.seek(SeekFrom::Start(self.at))?;
                return Ok(None);
            }
            Err(e) => return Err(e),
        }
        let four = |from: usize| u32::from_le_bytes(frame[from..from + 4].try_into().expect("four bytes"));
        let eight = |from: usize| u64::from_le_bytes(frame[from..from + 8].try_into().expect("eight bytes"));
        if sum(&frame) != four(4) {
            return Err(self.damaged());
        }
        self.at += frame.len() as u64;
        let (task, time, attempt, flags) = (eight(8), eight(16), four(24), frame[28]);
        let (stderr, repeated) = (flags & STDERR != 0, flags & REPEATED != 0);
        frame.drain(..HEADER);
        Ok(Some(Frame { task, attempt, time, stderr, repeated, bytes: frame }))
    }

    fn damaged(&self) -> io::Error {
        io::Error::new(ErrorKind::InvalidData, format!("damaged from byte {} on", self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_engine::process::Room;

    fn task(id: u64, attempt: u32) -> Task<'static> {
        Task { job: JobId(7), seq: id - 1, id, input: &[], attempt }
    }

    fn captured(out: &[u8], err: &[u8]) -> Captured {
        let mut captured = Captured::default();
        let room = Room { memory_max: 1 << 20, spill: std::env::temp_dir() };
        captured.stdout.append(out, &room).unwrap();
        captured.stderr.append(err, &room).unwrap();
        captured
    }

    fn place(name: &str) -> (PathBuf, Log, PathBuf) {
        let dir = std::env::temp_dir().join(format!("divvy-log-{}-{name}", std::process::id()));
        let log = Logs::new(dir.clone(), NodeId(3), true).of(JobId(7), false);
        let path = dir.join("7/3.log");
        (dir, log, path)
    }

    fn all(reader: &mut LogReader) -> Vec<Frame> {
        std::iter::from_fn(|| reader.next().unwrap()).collect()
    }

    #[test]
    fn what_was_printed_comes_back_by_task_attempt_and_stream() {
        let (dir, log, path) = place("back");
        log.keep(&task(1, 1), true, &mut Captured::default()).unwrap();
        assert!(!path.exists(), "who prints nothing makes no file");
        let long: Vec<u8> = (0..150_000u32).map(|n| n as u8).collect();
        let mut output = captured(&long, b"oops");
        log.keep(&task(0xab_cdef_0123, 2), true, &mut output).unwrap();
        assert!(output.stdout.is_empty(), "logged instead of printed");
        log.sync().unwrap();
        let mut reader = LogReader::open(&path).unwrap();
        let frames = all(&mut reader);
        let out: Vec<u8> = frames.iter().filter(|f| !f.stderr).flat_map(|f| f.bytes.clone()).collect();
        assert_eq!((frames.len(), out == long), (4, true));
        let last = frames.last().unwrap();
        assert_eq!((last.task, last.attempt, last.repeated), (0xab_cdef_0123, 2, true));
        assert_eq!((last.stderr, &last.bytes[..], last.time > 1 << 40), (true, &b"oops"[..], true));
        log.keep(&task(2, 1), false, &mut captured(b"more", b"")).unwrap();
        let more = all(&mut reader);
        assert_eq!((more.len(), more[0].task, more[0].repeated), (1, 2, false));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_frame_that_is_being_written_is_waited_for_and_damage_is_named() {
        let (dir, log, path) = place("torn");
        log.keep(&task(1, 1), false, &mut captured(b"one", b"two")).unwrap();
        let bytes = fs::read(&path).unwrap();
        let first = HEADER + 3;
        for cut in first..bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            let mut reader = LogReader::open(&path).unwrap();
            assert_eq!(all(&mut reader).len(), 1, "{cut}");
            fs::write(&path, &bytes).unwrap();
            assert_eq!(all(&mut reader)[0].bytes, b"two", "{cut}");
        }
        for flipped in first..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[flipped] ^= 1;
            fs::write(&path, &wrong).unwrap();
            let mut reader = LogReader::open(&path).unwrap();
            assert_eq!(reader.next().unwrap().unwrap().bytes, b"one");
            // A longer frame may just not be there yet.
            assert!(!matches!(reader.next(), Ok(Some(_))), "{flipped}");
        }
        fs::remove_dir_all(dir).unwrap();
    }
}
