//! Packed inputs: each is one split, since nobody can begin in its middle.

use crate::{Error, Result};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Codec {
    /// Not at all.
    Plain,
    /// By gzip; several members, one after the other, are one text.
    Gzip,
    /// By zstd; the same of its frames.
    Zstd,
}

impl Codec {
    /// What its first bytes say it is, since names lie.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of(path: &Path) -> Result<Codec> {
        let mut first = Vec::new();
        let file = File::open(path).map_err(Error::io("read", path))?;
        file.take(4).read_to_end(&mut first).map_err(Error::io("read", path))?;
        Ok(match first.as_slice() {
            [0x1f, 0x8b, ..] => Codec::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Codec::Zstd,
            _ => Codec::Plain,
        })
    }

    /// The text of a packed file; `None` if it is not packed.
    ///
    /// # Errors
    /// If it does not begin as it should.
    pub fn unpack(self, file: File) -> std::io::Result<Option<Box<dyn Read + Send>>> {
        Ok(match self {
            Codec::Plain => None,
            Codec::Gzip => Some(Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(file)))),
            Codec::Zstd => Some(Box::new(Frames::new(BufReader::new(file))?)),
        })
    }
}

/// The frames of a zstd file, one after the other.
struct Frames {
    /// `None` at the end of the file.
    frame: Option<Frame>,
}

impl Frames {
    fn new(source: BufReader<File>) -> std::io::Result<Frames> {
        Ok(Frames { frame: next_frame(source)? })
    }
}

impl Read for Frames {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        while let Some(frame) = &mut self.frame {
            let n = frame.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            self.frame = self.frame.take().map_or(Ok(None), |ended| next_frame(ended.into_inner()))?;
        }
        Ok(0)
    }
}

/// What frames begin with that hold no text: there for whoever wrote them.
const SKIPPED: std::ops::RangeInclusive<u32> = 0x184d_2a50..=0x184d_2a5f;

type Frame = StreamingDecoder<BufReader<File>, FrameDecoder>;

fn next_frame(mut source: BufReader<File>) -> std::io::Result<Option<Frame>> {
    loop {
        let ahead = source.fill_buf()?;
        let Some(magic) = ahead.first_chunk().map(|magic| u32::from_le_bytes(*magic)) else {
            // Fewer than four bytes can only be none, or the rest of a buffer: let the decoder say what is missing.
            return if ahead.is_empty() { Ok(None) } else { begin(source) };
        };
        if !SKIPPED.contains(&magic) {
            return begin(source);
        }
        let mut head = [0; 8];
        source.read_exact(&mut head)?;
        let len = u32::from_le_bytes(head[4..].try_into().expect("four bytes"));
        std::io::copy(&mut (&mut source).take(len.into()), &mut std::io::sink())?;
    }
}

fn begin(source: BufReader<File>) -> std::io::Result<Option<Frame>> {
    StreamingDecoder::new(source).map(Some).map_err(std::io::Error::other)
}
