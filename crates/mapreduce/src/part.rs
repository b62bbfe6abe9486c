//! A part of the output being written: whole under its name, or not there at all.

use crate::{Error, Result};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes that are written at a time.
const WRITE_BYTES: usize = 256 << 10;

/// Writes a part under another name until it is whole. Dropped before [`PartWriter::finish`] it removes the file.
pub struct PartWriter {
    file: File,
    number: u32,
    path: PathBuf,
    to: PathBuf,
    buf: Vec<u8>,
    written: u64,
    finished: bool,
}

/// The name of a part.
#[must_use]
pub fn part_name(number: u32) -> String {
    format!("part-{number:05}")
}

impl PartWriter {
    /// The most bytes of memory that one needs.
    pub const MEMORY: usize = 2 * WRITE_BYTES;

    /// A part of this number in a directory.
    ///
    /// # Errors
    /// If its file cannot be made.
    pub fn create(dir: &Path, number: u32) -> Result<PartWriter> {
        let to = dir.join(part_name(number));
        // Two nodes may write the same part, if one was believed dead.
        let path = dir.join(format!(".{}.{}", part_name(number), std::process::id()));
        let file = File::create(&path).map_err(Error::io("make", &path))?;
        let buf = Vec::with_capacity(WRITE_BYTES);
        Ok(PartWriter { file, number, path, to, buf, written: 0, finished: false })
    }

    /// A part of the same number in a directory of this name beside it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn beside(&self, name: &str) -> Result<PartWriter> {
        let parent = self.to.parent().unwrap_or(Path::new("/")).join(name);
        std::fs::create_dir_all(&parent).map_err(Error::io("make", &parent))?;
        PartWriter::create(&parent, self.number)
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// If they cannot be written.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if self.buf.len() + bytes.len() > WRITE_BYTES {
            self.flush()?;
            if bytes.len() >= WRITE_BYTES {
                self.written += bytes.len() as u64;
                return self.file.write_all(bytes).map_err(Error::io("write", &self.path));
            }
        }
        self.buf.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.written += self.buf.len() as u64;
        self.file.write_all(&self.buf).map_err(Error::io("write", &self.path))?;
        self.buf.clear();
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written + self.buf.len() as u64
    }

    /// Gives the part its name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        std::fs::rename(&self.path, &self.to).map_err(Error::io("name", &self.to))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for PartWriter {
    fn drop(&mut self) {
        if !self.finished {
            // There is nobody left to tell; what stays behind goes with the directory.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
