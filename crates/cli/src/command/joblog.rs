//! `--joblog`: a line for each task that ended, in GNU parallel's format, to look at and to resume by.
//!
//! A line is written when what the task printed has been printed, in one write, and synced before the task is reported
//! done. So whoever resumes by the log repeats at most tasks that ended a moment before a crash, and loses none.

use divvy_core::{Intervals, Range};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const HEADER: &str = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

/// What is written down of a task that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The task's id.
    pub id: u64,
    /// When it was started, since 1970.
    pub started: Duration,
    /// How long it ran.
    pub run: Duration,
    /// Bytes on its stdout.
    pub printed: u64,
    /// Exit code; -1 if it was ended for taking too long.
    pub exit: i32,
    /// Signal, or 0.
    pub signal: i32,
    /// What was run, as typed.
    pub command: Vec<u8>,
}

impl Entry {
    /// Seconds since 1970, as the log has them.
    pub fn started(&self) -> String {
        format!("{:.3}", self.started.as_secs_f64())
    }

    fn line(&self) -> Vec<u8> {
        let (started, run) = (self.started(), self.run.as_secs_f64());
        let Entry { id, printed, exit, signal, .. } = self;
        let mut line =
            format!("{id}\t:\t{started:>14}\t{run:10.3}\t0\t{printed}\t{exit}\t{signal}\t").into_bytes();
        // A line stays a line.
        line.extend(self.command.iter().map(|byte| if *byte == b'\n' { 0 } else { *byte }));
        line.push(b'\n');
        line
    }
}

/// The clock of the log.
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A log that is written.
#[derive(Debug)]
pub struct JobLog {
    file: File,
    unsynced: AtomicBool,
}

impl JobLog {
    /// Opens a log to go on with, and makes it if need be.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<JobLog> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        if file.metadata()?.len() == 0 {
            file.write_all(HEADER.as_bytes())?;
        }
        Ok(JobLog { file, unsynced: AtomicBool::new(false) })
    }

    /// Writes a line. Several processes may: a line is one append.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, entry: &Entry) -> io::Result<()> {
        (&self.file).write_all(&entry.line())?;
        self.unsynced.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes all lines durable.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        if !self.unsynced.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        match self.file.sync_data() {
            // A pipe or a terminal: nothing to sync.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }
}

/// Empties a log, or makes it.
///
/// # Errors
/// What the system says.
pub fn begin(path: &Path) -> io::Result<()> {
    File::create(path).and_then(|_| JobLog::open(path)).map(|_| ())
}

/// What a log says of the tasks in it: the last line of each task counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Ids of the tasks that ended well.
    pub well: Intervals,
    /// The commands of those that failed, by id.
    pub failed: BTreeMap<u64, Vec<u8>>,
}

/// Reads a log; one that is not there is empty. A last line without its end was being written when the machine failed:
/// it is cut off, so that the next line stands alone.
///
/// # Errors
/// A sentence, with the line that is no line of a job log.
pub fn read(path: &Path) -> Result<Past, String> {
    let fail = |error: io::Error| format!("cannot read {}: {error}", path.display());
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Past::default()),
        Err(error) => return Err(fail(error)),
    };
    let (mut reader, mut past, mut line, mut whole) = (BufReader::new(&file), Past::default(), Vec::new(), 0);
    for number in 1.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(fail)?;
        if line.pop() != Some(b'\n') {
            if read > 0 {
                cut(&file, whole).map_err(fail)?;
            }
            break;
        }
        whole += read as u64;
        if number > 1 || !line.starts_with(b"Seq\t") {
            let (id, well, command) = parse(&line)
                .ok_or_else(|| format!("line {number} of {} is no line of a job log", path.display()))?;
            past.add(id, well, command);
        }
    }
    Ok(past)
}

fn cut(mut file: &File, len: u64) -> io::Result<()> {
    file.set_len(len)?;
    file.seek(SeekFrom::End(0)).map(|_| ())
}

impl Past {
    fn add(&mut self, id: u64, well: bool, command: &[u8]) {
        let one = Range::new(id, id + 1);
        if well {
            self.failed.remove(&id);
            self.well.insert(one);
        } else {
            self.well.remove(one);
            let command = command.iter().map(|byte| if *byte == 0 { b'\n' } else { *byte });
            self.failed.insert(id, command.collect());
        }
    }

    /// The tasks that are not to run again: with `failed_again` those that ended well, else all.
    pub fn over(&self, failed_again: bool) -> Intervals {
        let mut over = self.well.clone();
        if !failed_again {
            self.failed.keys().for_each(|id| over.insert(Range::new(*id, id + 1)));
        }
        over
    }
}

/// Id, whether it ended well, and the command.
fn parse(line: &[u8]) -> Option<(u64, bool, &[u8])> {
    let mut fields = line.splitn(9, |byte| *byte == b'\t');
    let mut number = |skip| std::str::from_utf8(fields.nth(skip)?).ok()?.trim().parse::<i64>().ok();
    let (id, exit, signal) = (number(0)?, number(5)?, number(0)?);
    let id = u64::try_from(id).ok()?;
    Some((id, exit == 0 && signal == 0, fields.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u64, exit: i32, command: &str) -> Entry {
        let (started, run) = (Duration::from_millis(1_795_317_598_142), Duration::from_micros(5_400));
        Entry { id, started, run, printed: 2, exit, signal: 0, command: command.into() }
    }

    #[test]
    fn a_line_is_as_gnu_parallel_writes_it() {
        let line = String::from_utf8(entry(2, 1, "echo 1\nexit 1").line()).unwrap();
        assert_eq!(line, "2\t:\t1795317598.142\t     0.005\t0\t2\t1\t0\techo 1\0exit 1\n");
    }

    #[test]
    fn what_was_written_is_read_and_a_torn_line_is_cut_off() {
        let path = std::env::temp_dir().join(format!("divvy-joblog-{}", std::process::id()));
        begin(&path).unwrap();
        let log = JobLog::open(&path).unwrap();
        for (id, exit) in [(1, 0), (2, 3), (4, 0), (2, 0), (4, -1), (7, 1)] {
            log.write(&entry(id, exit, "a\tb\nc")).unwrap();
        }
        log.sync().unwrap();
        (&log.file).write_all(b"9\t:\t17953").unwrap();
        let past = read(&path).unwrap();
        assert_eq!(past.failed.keys().copied().collect::<Vec<_>>(), [4, 7]);
        assert_eq!(past.failed[&4], b"a\tb\nc");
        assert_eq!(past.over(true).iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(past.over(false).iter().collect::<Vec<_>>(), [1, 2, 4, 7]);
        JobLog::open(&path).unwrap().write(&entry(9, 0, "x")).unwrap();
        assert!(read(&path).unwrap().well.contains(9), "the next line stands alone");
        std::fs::write(&path, "Seq\tx\n1\t:\tgarbage\n").unwrap();
        assert!(read(&path).unwrap_err().starts_with("line 2 of "));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read(&path), Ok(Past::default()));
    }
}
