//! Results as rows of one file, with GNU parallel's columns: `--results NAME.csv` or `.tsv`.
//!
//! Rows are synced before their tasks are reported done. A task that ended a moment before a crash runs again and has
//! two rows; `Seq` tells.

use super::joblog::Entry;
use super::recipe::Separator;
use divvy_engine::process::{Captured, Printed, Room};
use rustix::fs::FlockOperation;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const COLUMNS: [&str; 12] = [
    "Seq",
    "Host",
    "Starttime",
    "JobRuntime",
    "Send",
    "Receive",
    "Exitval",
    "Signal",
    "Command",
    "V1",
    "Stdout",
    "Stderr",
];

/// A table that is written.
#[derive(Debug)]
pub struct Table {
    /// `None`: rows are printed.
    file: Option<Mutex<File>>,
    separator: u8,
}

impl Table {
    /// Opens a table to go on with, and makes it if need be; `None` for one that is printed.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: Option<&Path>, separator: Separator) -> io::Result<Table> {
        let separator = match separator {
            Separator::Comma => b',',
            Separator::Tab => b'\t',
        };
        let mut table = Table { file: None, separator };
        if let Some(path) = path {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            if file.metadata()?.len() == 0 {
                file.write_all(&table.header())?;
            }
            table.file = Some(Mutex::new(file));
        }
        Ok(table)
    }

    /// The first line.
    pub fn header(&self) -> Vec<u8> {
        let mut line = COLUMNS.map(str::as_bytes).join(&self.separator);
        line.push(b'\n');
        line
    }

    /// Turns a task's output into its row: written to the file, so that nothing is left to print, or left to print.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, entry: &Entry, input: &[u8], output: &mut Captured, room: &Room) -> io::Result<()> {
        let mut row = self.row(entry, input, output, room)?;
        *output = Captured::default();
        match &self.file {
            None => output.stdout = row,
            Some(file) => {
                // A long row is several writes: one worker's, and one process's, at a time.
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                rustix::fs::flock(&*file, FlockOperation::LockExclusive)?;
                let written = row.copy_to(&mut *file);
                rustix::fs::flock(&*file, FlockOperation::Unlock)?;
                written?;
            }
        }
        Ok(())
    }

    fn row(&self, entry: &Entry, input: &[u8], output: &mut Captured, room: &Room) -> io::Result<Printed> {
        let Entry { id, printed, exit, signal, .. } = entry;
        let s = char::from(self.separator);
        let (started, run) = (entry.started(), entry.run.as_secs_f64());
        let numbers = format!("{id}{s}:{s}{started}{s}{run:.3}{s}0{s}{printed}{s}{exit}{s}{signal}");
        let mut row = Row { printed: Printed::default(), room };
        row.write_all(numbers.as_bytes())?;
        for field in [&entry.command[..], input] {
            self.field(&mut row, field)?;
        }
        for stream in [&mut output.stdout, &mut output.stderr] {
            self.stream(&mut row, stream)?;
        }
        row.write_all(b"\n")?;
        Ok(row.printed)
    }

    fn field(&self, row: &mut Row<'_>, bytes: &[u8]) -> io::Result<()> {
        row.write_all(&[self.separator])?;
        let is_plain = |byte: &u8| *byte > b' ' && *byte != 0x7f && ![self.separator, b'"'].contains(byte);
        if bytes.iter().all(is_plain) {
            return row.write_all(bytes);
        }
        row.write_all(b"\"")?;
        Doubled(row).write_all(bytes)?;
        row.write_all(b"\"")
    }

    /// A stream that fits into memory is quoted if it has to be, a longer one in any case.
    fn stream(&self, row: &mut Row<'_>, printed: &mut Printed) -> io::Result<()> {
        if printed.len() <= row.room.memory_max as u64 {
            let mut bytes = Vec::new();
            printed.copy_to(&mut bytes)?;
            return self.field(row, &bytes);
        }
        row.write_all(&[self.separator, b'"'])?;
        printed.copy_to(&mut Doubled(row))?;
        row.write_all(b"\"")
    }

    /// Makes all rows durable.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        // Not under the lock: workers may go on writing meanwhile.
        let file = file.lock().unwrap_or_else(PoisonError::into_inner).try_clone()?;
        file.sync_data()
    }
}

/// A row while it is made.
struct Row<'a> {
    printed: Printed,
    room: &'a Room,
}

impl Write for Row<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.printed.append(bytes, self.room).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes each quote twice.
struct Doubled<'a, 'r>(&'a mut Row<'r>);

impl Write for Doubled<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'"') {
            self.0.write_all(part)?;
            if part.ends_with(b"\"") {
                self.0.write_all(b"\"")?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_row_is_as_gnu_parallel_writes_it() {
        let room = |memory_max| Room { memory_max, spill: std::env::temp_dir() };
        let (started, run) = (Duration::from_millis(1_795_317_621_235), Duration::from_millis(3));
        let entry =
            Entry { id: 1, started, run, printed: 6, exit: 3, signal: 0, command: b"echo a,b".to_vec() };
        let row = |separator, memory_max| {
            let table = Table::open(None, separator).unwrap();
            let mut output = Captured::default();
            output.stdout.append(b"3\"1\n", &room(100)).unwrap();
            table.keep(&entry, b"a b", &mut output, &room(memory_max)).unwrap();
            let mut row = table.header();
            output.stdout.copy_to(&mut row).unwrap();
            String::from_utf8(row).unwrap()
        };
        let expected = "Seq,Host,Starttime,JobRuntime,Send,Receive,Exitval,Signal,Command,V1,Stdout,Stderr\n\
                        1,:,1795317621.235,0.003,0,6,3,0,\"echo a,b\",\"a b\",\"3\"\"1\n\",\n";
        assert_eq!(
            (row(Separator::Comma, 100).as_str(), row(Separator::Comma, 2).as_str()),
            (expected, expected)
        );
        assert!(row(Separator::Tab, 100).ends_with("\t\"echo a,b\"\t\"a b\"\t\"3\"\"1\n\"\t\n"));
    }
}
