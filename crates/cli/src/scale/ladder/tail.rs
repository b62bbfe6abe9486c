//! The end of what a program prints: all of it is read, so that the program never waits for us, and the last part kept.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes read at once.
const READ: usize = 64 << 10;

/// A pipe and the end of what came through it.
pub struct Tail {
    /// `None` where nothing is asked for, and at the pipe's end.
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
    most: usize,
}

impl Tail {
    /// Keeps the last so many bytes.
    pub fn new(pipe: Option<impl Into<OwnedFd>>, most: usize) -> Tail {
        Tail { pipe: pipe.map(Into::into), kept: Vec::new(), most }
    }

    /// What to wait for.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Takes what is there. Blocks if nothing is.
    pub fn read_once(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        let mut buffer = [0; READ];
        match rustix::io::read(pipe, &mut buffer) {
            Ok(0) => self.pipe = None,
            Ok(n) => self.keep(&buffer[..n]),
            Err(rustix::io::Errno::INTR) => {}
            // What it prints is no part of the measurement.
            Err(_) => self.pipe = None,
        }
    }

    /// Takes what is there by now. A process that left its group may hold the other end open, so this does not wait
    /// for the pipe's end.
    pub fn read_rest(&mut self) {
        let waiting = self.pipe.as_ref().and_then(|pipe| rustix::io::ioctl_fionread(pipe).ok());
        for _ in 0..waiting.unwrap_or(0).div_ceil(READ as u64) {
            self.read_once();
        }
    }

    /// The last bytes.
    pub fn into_kept(mut self) -> Vec<u8> {
        self.kept.drain(..self.kept.len().saturating_sub(self.most));
        self.kept
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        // Seldom, so that each byte is moved once or twice.
        if self.kept.len() > 2 * self.most {
            self.kept.drain(..self.kept.len() - self.most);
        }
    }
}
