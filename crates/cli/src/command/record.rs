//! What a task's record holds, and what a task gets of it: arguments, or a stdin.

use divvy_core::codec::{put_bytes, put_u64, take_bytes, take_u64};
use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;

/// What the records of a job hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Record {
    /// One input, bare.
    #[default]
    Bytes,
    /// Fields, each behind its length.
    Fields,
    /// A block of data, bare.
    Data(Block),
    /// Where in a file a block of data is: offset and length. The file's first bytes are a header of this length.
    Part {
        /// The file.
        file: OsString,
        /// Length of the header.
        header_len: u64,
        /// What the task gets of it.
        block: Block,
    },
}

/// How a task gets a block of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Block {
    /// As its stdin.
    Stdin,
    /// As a file whose name is its input.
    File,
}

/// Fields as one record.
pub fn encode_fields<F: AsRef<[u8]>>(fields: &[F], into: &mut Vec<u8>) {
    fields.iter().for_each(|field| put_bytes(into, field.as_ref()));
}

/// A part of a file as one record.
pub fn encode_part(offset: u64, len: u64, into: &mut Vec<u8>) {
    put_u64(into, offset);
    put_u64(into, len);
}

/// What one task gets.
#[derive(Debug)]
pub struct Content<'a> {
    fields: Fields<'a>,
    data: Option<(File, Block)>,
}

#[derive(Debug)]
enum Fields<'a> {
    /// No allocation for the common case.
    One(&'a [u8]),
    Many(Vec<&'a [u8]>),
    Own(Vec<u8>),
}

impl Record {
    /// Reads one task's record.
    ///
    /// # Errors
    /// Bytes that are no such record, a file that cannot be read, or no memory for a block.
    pub fn read<'a>(&self, bytes: &'a [u8]) -> io::Result<Content<'a>> {
        match self {
            Record::Bytes => Ok(Content { fields: Fields::One(bytes), data: None }),
            Record::Fields => {
                let fields = fields(bytes).ok_or_else(|| io::Error::other("its record holds no fields"))?;
                Ok(Content { fields: Fields::Many(fields), data: None })
            }
            Record::Data(block) => {
                let mut data = memory()?;
                data.write_all(bytes)?;
                Ok(Content::of(data, *block))
            }
            Record::Part { file, header_len, block } => {
                let mut bytes = bytes;
                let numbers = take_u64(&mut bytes).and_then(|offset| Ok((offset, take_u64(&mut bytes)?)));
                let (offset, len) =
                    numbers.map_err(|_| io::Error::other("its record is no part of a file"))?;
                let mut data = memory()?;
                let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", file.display()));
                let mut file = File::open(file).map_err(named)?;
                copy(&mut file, 0, *header_len, &mut data)?;
                copy(&mut file, offset, len, &mut data)?;
                Ok(Content::of(data, *block))
            }
        }
    }
}

impl Record {
    /// What one task gets as arguments, without making a block of data that comes besides.
    ///
    /// # Errors
    /// Bytes that are no such record.
    pub fn arguments<'a>(&self, bytes: &'a [u8]) -> io::Result<Content<'a>> {
        match self {
            Record::Bytes | Record::Fields => self.read(bytes),
            Record::Data(_) | Record::Part { .. } => {
                Ok(Content { fields: Fields::Many(Vec::new()), data: None })
            }
        }
    }
}

fn fields(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        fields.push(take_bytes(&mut bytes).ok()?);
    }
    Some(fields)
}

/// A file in memory. A task reads it at its own pace, so nobody has to feed a pipe while the task runs; it can seek
/// in it, and what it does not read goes away with it.
fn memory() -> io::Result<File> {
    Ok(File::from(memfd_create(c"divvy-block", MemfdFlags::CLOEXEC)?))
}

fn copy(file: &mut File, offset: u64, len: u64, into: &mut File) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    let copied = io::copy(&mut file.take(len), into)?;
    if copied == len { Ok(()) } else { Err(io::Error::other("the file has become shorter since it was cut")) }
}

impl<'a> Content<'a> {
    /// Only a name, as its one field.
    pub fn named(name: Vec<u8>) -> Content<'a> {
        Content { fields: Fields::Own(name), data: None }
    }

    fn of(data: File, block: Block) -> Content<'a> {
        let fields = match block {
            Block::Stdin => Fields::One(b""),
            // It has no name of its own, but this one holds as long as the task runs, for every process of the user.
            Block::File => {
                Fields::Own(format!("/proc/{}/fd/{}", std::process::id(), data.as_raw_fd()).into_bytes())
            }
        };
        Content { fields, data: Some((data, block)) }
    }

    /// Hands the fields over.
    pub fn with_fields<T>(&self, f: impl FnOnce(&[&[u8]]) -> T) -> T {
        match &self.fields {
            Fields::One(field) => f(&[field]),
            Fields::Many(fields) => f(fields),
            Fields::Own(field) => f(&[field]),
        }
    }

    /// The task's input as one text; a block of data is none.
    pub fn variable(&self) -> Option<Cow<'_, [u8]>> {
        match &self.fields {
            _ if self.data.is_some() => None,
            Fields::One(field) => Some(Cow::Borrowed(field)),
            Fields::Many(fields) => Some(Cow::Owned(fields.join(&b' '))),
            Fields::Own(field) => Some(Cow::Borrowed(field)),
        }
    }

    /// The task's stdin; `None`: it is empty.
    pub fn stdin(&self) -> Option<&File> {
        self.data.as_ref().filter(|(_, block)| *block == Block::Stdin).map(|(data, _)| data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields_of(record: &Record, bytes: &[u8]) -> Vec<Vec<u8>> {
        let content = record.read(bytes).unwrap();
        content.with_fields(|fields| fields.iter().map(|field| field.to_vec()).collect())
    }

    #[test]
    fn any_fields_come_back() {
        let long = vec![0xff; 300];
        for fields in [&[][..], &[b"".as_slice()], &[b"", b""], &[b"a b", b"\0\n", &long]] {
            let mut record = Vec::new();
            encode_fields(fields, &mut record);
            assert_eq!(fields_of(&Record::Fields, &record), fields);
            assert_eq!(Record::Fields.read(&record).unwrap().variable().unwrap(), fields.join(&b' '));
            assert_eq!(fields_of(&Record::Bytes, &record), [record]);
        }
        assert!(Record::Fields.read(&[3, b'a']).is_err());
    }

    #[test]
    fn a_block_is_a_stdin_or_a_named_file() {
        let content = Record::Data(Block::Stdin).read(b"a\nb").unwrap();
        assert!(content.with_fields(|fields| fields == [b""]) && content.variable().is_none());
        let mut stdin = content.stdin().unwrap();
        stdin.rewind().unwrap();
        assert_eq!(io::read_to_string(stdin).unwrap(), "a\nb");

        let content = Record::Data(Block::File).read(b"a\nb").unwrap();
        assert!(content.stdin().is_none());
        let path = content.with_fields(|fields| String::from_utf8(fields[0].to_vec()).unwrap());
        assert_eq!(std::fs::read_to_string(path).unwrap(), "a\nb");
    }
}
