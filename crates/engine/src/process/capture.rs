//! What a task prints: in memory while it is little, in an unnamed file when it is much.

use super::watch::Stream;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// One stream's bytes.
#[derive(Debug, Default)]
pub struct Printed {
    memory: Vec<u8>,
    file: Option<File>,
    len: u64,
}

/// How much of what a task prints may be kept where.
#[derive(Debug, Clone)]
pub struct Room {
    /// Output per stream that is kept in memory; more goes to a file in `spill`.
    pub memory_max: usize,
    /// See `memory_max`.
    pub spill: PathBuf,
}

impl Printed {
    /// Appends bytes; beyond what fits into memory everything goes to a file.
    ///
    /// # Errors
    /// If that file cannot be written.
    pub fn append(&mut self, bytes: &[u8], room: &Room) -> io::Result<()> {
        self.len += bytes.len() as u64;
        if self.file.is_none() && self.memory.len() + bytes.len() > room.memory_max {
            let mut file = unnamed(&room.spill)?;
            file.write_all(&self.memory)?;
            self.file = Some(file);
            self.memory = Vec::new();
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => {
                self.memory.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was printed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies everything.
    ///
    /// # Errors
    /// What the writer says, or the file.
    pub fn copy_to(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match &mut self.file {
            None => out.write_all(&self.memory),
            Some(file) => {
                file.rewind()?;
                io::copy(file, out).map(|_| ())
            }
        }
    }
}

/// A task's two streams.
#[derive(Debug, Default)]
pub struct Captured {
    /// Standard output.
    pub stdout: Printed,
    /// Standard error.
    pub stderr: Printed,
}

impl Captured {
    /// Whether neither stream has anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stdout.is_empty() && self.stderr.is_empty()
    }

    /// One of the two.
    pub fn stream(&mut self, stream: Stream) -> &mut Printed {
        match stream {
            Stream::Out => &mut self.stdout,
            Stream::Err => &mut self.stderr,
        }
    }
}

/// A file without a name: it goes with its last handle, however the program ends.
fn unnamed(dir: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(dir, flags, Mode::RUSR | Mode::WUSR)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_goes_to_a_file_and_comes_back_whole() {
        let room = Room { memory_max: 1_000, spill: std::env::temp_dir() };
        let mut printed = Printed::default();
        let mut all = Vec::new();
        for n in 0..1_000u32 {
            let bytes = n.to_le_bytes();
            printed.append(&bytes, &room).unwrap();
            all.extend_from_slice(&bytes);
        }
        assert!(printed.memory.capacity() <= 1_000 && printed.file.is_some());
        for _ in 0..2 {
            let mut copy = Vec::new();
            printed.copy_to(&mut copy).unwrap();
            assert_eq!((&copy, printed.len()), (&all, all.len() as u64));
        }
    }
}
