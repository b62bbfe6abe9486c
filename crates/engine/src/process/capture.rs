//! What a task prints: in memory while it is little, in an unnamed file when it is much.

use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

/// One stream's bytes.
#[derive(Debug, Default)]
pub struct Printed {
    memory: Vec<u8>,
    file: Option<File>,
}

impl Printed {
    /// Appends what a pipe has for us, up to a buffer full. `Ok(0)` at its end.
    pub(crate) fn read_from(
        &mut self,
        pipe: &OwnedFd,
        buffer: &mut [u8],
        memory_max: usize,
        spill: &Path,
    ) -> io::Result<usize> {
        let n = rustix::io::read(pipe, &mut *buffer)?;
        self.append(&buffer[..n], memory_max, spill)?;
        Ok(n)
    }

    /// Appends bytes; beyond `memory_max` everything goes to a file in the directory `spill`.
    ///
    /// # Errors
    /// If that file cannot be written.
    pub fn append(&mut self, bytes: &[u8], memory_max: usize, spill: &Path) -> io::Result<()> {
        if self.file.is_none() && self.memory.len() + bytes.len() > memory_max {
            let mut file = unnamed(spill)?;
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

    /// Whether nothing was printed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.file.is_none()
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
        let dir = std::env::temp_dir();
        let mut printed = Printed::default();
        let mut all = Vec::new();
        for n in 0..1_000u32 {
            let bytes = n.to_le_bytes();
            printed.append(&bytes, 1_000, &dir).unwrap();
            all.extend_from_slice(&bytes);
        }
        assert!(printed.memory.capacity() <= 1_000 && printed.file.is_some());
        for _ in 0..2 {
            let mut copy = Vec::new();
            printed.copy_to(&mut copy).unwrap();
            assert_eq!(copy, all);
        }
    }
}
