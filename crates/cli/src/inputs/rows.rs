//! Sources, read row by row: a row is the fields that one input of a source has.

use crate::exit::bad_usage;
use crate::lang::records::{Batch, RecordReader};
use anyhow::{Context, Result};
use regex::bytes::Regex;
use std::io::Read;
use std::sync::Arc;

/// The fields of one input; with several sources, of one combination.
pub type Row = Vec<Vec<u8>>;

/// Rows that come one after the other.
pub trait Rows: Send {
    /// Appends the next rows, as many as are at hand, at least one; `false`: there are none any more.
    ///
    /// # Errors
    /// What the source says.
    fn next(&mut self, into: &mut Vec<Row>) -> Result<bool>;
}

/// What is done to each record of a source.
#[derive(Debug, Default)]
pub struct Reading {
    /// Fields are what stands between matches.
    pub columns: Option<Regex>,
    /// White space is removed at the start of fields, and at their end.
    pub trim: (bool, bool),
    /// A record that ends its source.
    pub end: Option<Vec<u8>>,
    /// Records of white space are left out.
    pub skips_blank: bool,
}

/// One source.
pub struct SourceRows {
    from: From,
    name: String,
    reading: Arc<Reading>,
    /// Records to leave out at the start.
    skip: usize,
    /// Rows that were read behind the header.
    ready: Vec<Row>,
    has_ended: bool,
}

enum From {
    Words(Vec<Vec<u8>>),
    Reader(RecordReader<Box<dyn Read + Send>>),
}

impl SourceRows {
    /// The words of a command line.
    pub fn of_words(words: Vec<Vec<u8>>, reading: Arc<Reading>) -> SourceRows {
        SourceRows {
            from: From::Words(words),
            name: ":::".into(),
            reading,
            skip: 0,
            ready: Vec::new(),
            has_ended: false,
        }
    }

    /// A file or a pipe, and what to call it in messages.
    pub fn of_reader(
        reader: RecordReader<Box<dyn Read + Send>>,
        name: String,
        reading: Arc<Reading>,
    ) -> SourceRows {
        SourceRows { from: From::Reader(reader), name, reading, skip: 0, ready: Vec::new(), has_ended: false }
    }

    /// Whether all of it is there already.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.from, From::Words(_))
    }

    /// Leaves out the first record.
    pub fn skip_first(&mut self) {
        self.skip = 1;
    }

    /// Takes the first row for the names of the columns. None where there is no row.
    ///
    /// # Errors
    /// What the source says.
    pub fn take_header(&mut self) -> Result<Row> {
        let mut rows = Vec::new();
        if !self.next(&mut rows)? {
            return Ok(Row::new());
        }
        self.ready = rows.split_off(1);
        Ok(rows.remove(0))
    }

    /// All of it.
    ///
    /// # Errors
    /// What the source says.
    pub fn read_all(mut self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        while self.next(&mut rows)? {}
        Ok(rows)
    }

    fn take_all<'r>(&mut self, mut records: impl Iterator<Item = &'r [u8]>, into: &mut Vec<Row>) {
        while !self.has_ended
            && let Some(record) = records.next()
        {
            self.take(record, into);
        }
    }

    /// Takes a record, unless the source ends with it.
    fn take(&mut self, record: &[u8], into: &mut Vec<Row>) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.reading.end.as_deref() == Some(record) {
            self.has_ended = true;
        } else if !(self.reading.skips_blank && record.iter().all(u8::is_ascii_whitespace)) {
            into.push(self.reading.fields(record));
        }
    }
}

impl Rows for SourceRows {
    fn next(&mut self, into: &mut Vec<Row>) -> Result<bool> {
        let before = into.len();
        into.append(&mut self.ready);
        while !self.has_ended && into.len() == before {
            match &mut self.from {
                From::Words(words) => {
                    let words = std::mem::take(words);
                    self.take_all(words.iter().map(Vec::as_slice), into);
                    self.has_ended = true;
                }
                From::Reader(reader) => {
                    let mut batch = Batch::default();
                    let more = reader.next_batch(&mut batch);
                    self.has_ended = !more.with_context(|| format!("reading {}", self.name))?;
                    self.take_all(batch.iter(), into);
                }
            }
        }
        Ok(into.len() > before)
    }
}

impl Reading {
    fn fields(&self, record: &[u8]) -> Row {
        let trimmed = |field: &[u8]| self.trimmed(field).to_vec();
        match &self.columns {
            Some(columns) => columns.split(record).map(trimmed).collect(),
            None => vec![trimmed(record)],
        }
    }

    fn trimmed<'f>(&self, mut field: &'f [u8]) -> &'f [u8] {
        if self.trim.0 {
            field = field.trim_ascii_start();
        }
        if self.trim.1 {
            field = field.trim_ascii_end();
        }
        field
    }
}

/// A regular expression of the command line, over bytes.
///
/// # Errors
/// Bad usage, that names the flag.
pub fn regex(flag: &str, text: &[u8]) -> Result<Regex> {
    let text =
        std::str::from_utf8(text).map_err(|_| bad_usage(format!("{flag}: the expression is no UTF-8")))?;
    regex::bytes::RegexBuilder::new(text)
        .multi_line(true)
        .build()
        .map_err(|e| bad_usage(format!("{flag}: {e}\n(look-ahead and back-references are not supported)")))
}
