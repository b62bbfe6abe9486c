//! Tables for [`super::records`], with sources that deliver exactly what a test wants.

use std::collections::VecDeque;
use std::io::{self, Read};

use super::records::{Batch, Limits, RecordReader, RecordsError, Separator};

/// Delivers one entry per `read`, split where the reader's buffer ends.
struct Source(VecDeque<io::Result<Vec<u8>>>);

impl Source {
    fn of(reads: &[&[u8]]) -> Self {
        Source(reads.iter().map(|read| Ok(read.to_vec())).collect())
    }

    fn in_pieces(text: &[u8], len: usize) -> Self {
        Source(text.chunks(len).map(|piece| Ok(piece.to_vec())).collect())
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(next) = self.0.pop_front() else { return Ok(0) };
        let mut bytes = next?;
        let len = bytes.len().min(buffer.len());
        let rest = bytes.split_off(len);
        buffer[..len].copy_from_slice(&bytes);
        if !rest.is_empty() {
            self.0.push_front(Ok(rest));
        }
        Ok(len)
    }
}

fn limits(batch_records_max: u32, batch_bytes_max: u32, record_bytes_max: u32) -> Limits {
    Limits { batch_records_max, batch_bytes_max, record_bytes_max }
}

fn batches<R: Read>(reader: &mut RecordReader<R>) -> Vec<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    let mut batch = Batch::default();
    while reader.next_batch(&mut batch).expect("no error") {
        assert_eq!(batch.iter().len(), batch.len());
        all.push(batch.iter().map(<[u8]>::to_vec).collect());
    }
    assert!(batch.is_empty());
    all
}

fn records(text: &[u8], separator: Separator) -> Vec<Vec<u8>> {
    batches(&mut RecordReader::new(text, separator, Limits::default())).concat()
}

#[test]
fn only_the_separator_is_removed() {
    for (text, expected) in [
        (b"".as_slice(), vec![]),
        (b"a", vec![b"a".as_slice()]),
        (b"a\n", vec![b"a"]),
        (b"a\nb", vec![b"a", b"b"]),
        (b"a\nb\n", vec![b"a", b"b"]),
        (b"\n", vec![b""]),
        (b"a\n\n", vec![b"a", b""]),
        (b"\n\na\n\nb\n", vec![b"", b"", b"a", b"", b"b"]),
        (b"a\r\nb\r\n", vec![b"a\r", b"b\r"]),
        (b"\r\n", vec![b"\r"]),
        (b" a b \n\t'q\" $(x)\n", vec![b" a b ", b"\t'q\" $(x)"]),
        (b"\xff\xfe\n\0\n-rf\n", vec![b"\xff\xfe", b"\0", b"-rf"]),
    ] {
        assert_eq!(records(text, Separator::Newline), expected, "{}", text.escape_ascii());
        let swapped: Vec<u8> = text
            .iter()
            .map(|b| [*b, 0, b'\n'][usize::from(*b == b'\n') + 2 * usize::from(*b == 0)])
            .collect();
        let expected: Vec<Vec<u8>> = expected
            .iter()
            .map(|record| record.iter().map(|b| if *b == 0 { b'\n' } else { *b }).collect())
            .collect();
        assert_eq!(records(&swapped, Separator::Nul), expected, "{}", swapped.escape_ascii());
    }
}

#[test]
fn however_the_bytes_arrive_the_records_are_the_same() {
    let text: Vec<u8> =
        (0..2000u32).flat_map(|n| [vec![b'x'; (n % 17) as usize], b"\n".to_vec()].concat()).collect();
    let whole = records(&text, Separator::Newline);
    assert_eq!(whole.len(), 2000);
    for len in [1, 2, 3, 7, 16, 17, 18, 1000] {
        for (most, bytes) in [(1, 1), (3, 1 << 20), (1000, 20), (1 << 20, 1 << 20)] {
            let source = Source::in_pieces(&text, len);
            let mut reader = RecordReader::new(source, Separator::Newline, limits(most, bytes, 16));
            let batches = batches(&mut reader);
            assert!(batches.iter().all(|batch| batch.len() <= most as usize));
            assert!(batches.iter().all(|batch| batch.len() == 1 || batch.concat().len() <= bytes as usize));
            assert_eq!(batches.concat(), whole, "pieces of {len}");
        }
    }
}

#[test]
fn a_batch_is_what_one_read_delivered() {
    let source = Source::of(&[b"a\nb\nc", b"c\n", b"d", b"d", b"d\ne\nf"]);
    let mut reader = RecordReader::new(source, Separator::Newline, Limits::default());
    let expected: [&[&[u8]]; 4] = [&[b"a", b"b"], &[b"cc"], &[b"ddd", b"e"], &[b"f"]];
    assert_eq!(batches(&mut reader), expected);
}

#[test]
fn records_already_read_are_delivered_without_reading_on() {
    let mut source = Source::of(&[b"a\nb\nc\nd"]);
    source.0.push_back(Err(io::Error::other("must not be read yet")));
    let mut reader = RecordReader::new(source, Separator::Newline, limits(2, 100, 100));
    let mut batch = Batch::default();
    assert!(reader.next_batch(&mut batch).expect("the first two"));
    assert_eq!((batch.bytes.as_slice(), batch.ends.as_slice()), (b"ab".as_slice(), [1, 2].as_slice()));
    assert!(reader.next_batch(&mut batch).expect("the third"));
    assert_eq!((batch.len(), batch.get(0)), (1, b"c".as_slice()));
    assert!(matches!(reader.next_batch(&mut batch), Err(RecordsError::Read { record: 4, .. })));
    assert!(batch.is_empty());
}

#[test]
fn a_failed_read_loses_nothing() {
    let mut source = Source::of(&[b"a\nb"]);
    source.0.push_back(Err(io::ErrorKind::WouldBlock.into()));
    source.0.push_back(Err(io::ErrorKind::Interrupted.into()));
    source.0.push_back(Ok(b"b\n".to_vec()));
    let mut reader = RecordReader::new(source, Separator::Newline, Limits::default());
    let mut batch = Batch::default();
    assert!(reader.next_batch(&mut batch).expect("a"));
    let error = reader.next_batch(&mut batch).unwrap_err();
    assert!(error.to_string().starts_with("reading input record 2 failed: "), "{error}");
    assert!(reader.next_batch(&mut batch).expect("an interrupted read is tried again"));
    assert_eq!(batch.get(0), b"bb");
    assert!(!reader.next_batch(&mut batch).expect("the end"));
    assert!(!reader.next_batch(&mut batch).expect("still the end"));
}

#[test]
fn a_record_beyond_the_limit_is_an_error_with_its_number() {
    for text in [b"aa\nbbbb\nccccc\ndd\n".as_slice(), b"aa\nbbbb\nccccc", b"aa\nbbbb\ncccccccccccccccccccccc"]
    {
        for len in [1, 2, 3, 100] {
            let source = Source::in_pieces(text, len);
            let mut reader = RecordReader::new(source, Separator::Newline, limits(100, 100, 4));
            let mut batch = Batch::default();
            let mut good = 0;
            let error = loop {
                match reader.next_batch(&mut batch) {
                    Ok(more) => assert!(more),
                    Err(error) => break error,
                }
                good += batch.len();
            };
            assert!(matches!(error, RecordsError::TooLong { record: 3, record_bytes_max: 4 }), "{error:?}");
            assert_eq!(good, 2);
            assert!(reader.next_batch(&mut batch).is_err(), "it does not skip the record when asked again");
        }
    }
    let mut reader = RecordReader::new(b"aaaaa".as_slice(), Separator::Newline, limits(1, 1, 4));
    assert_eq!(
        reader.next_batch(&mut Batch::default()).unwrap_err().to_string(),
        "input record 1 is longer than 4 bytes: check what separates the records \
         (newlines, NUL bytes with -0, or what -d says), or raise the limit"
    );
}

#[test]
fn long_records_pass_up_to_the_limit() {
    let long = vec![b'x'; 3 << 20];
    let text = [b"a\n", long.as_slice(), b"\nb\n", long.as_slice()].concat();
    for piece in [65_536, 1 << 20, 100 << 20] {
        let source = Source::in_pieces(&text, piece);
        let mut reader = RecordReader::new(source, Separator::Newline, limits(10, 1000, 3 << 20));
        let all = batches(&mut reader).concat();
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [1, 3 << 20, 1, 3 << 20]);
    }
    let mut reader = RecordReader::new(text.as_slice(), Separator::Newline, limits(10, 1000, (3 << 20) - 1));
    let mut batch = Batch::default();
    assert!(reader.next_batch(&mut batch).expect("the first is short"));
    assert!(matches!(reader.next_batch(&mut batch), Err(RecordsError::TooLong { record: 2, .. })));
}

#[test]
fn limits_of_zero_still_make_progress() {
    let mut reader = RecordReader::new(b"a\n\nb\n".as_slice(), Separator::Newline, limits(0, 0, 1));
    let expected: [&[&[u8]]; 3] = [&[b"a"], &[b""], &[b"b"]];
    assert_eq!(batches(&mut reader), expected);
}

#[test]
fn a_separator_may_be_several_bytes() {
    let text = |bytes: &[u8]| Separator::Text(bytes.to_vec());
    assert_eq!(records(b"axxbxxxc\n", text(b"xx")), [b"a".as_slice(), b"b", b"xc\n"]);
    assert_eq!(records(b"a;b;", text(b";")), [b"a".as_slice(), b"b"]);
    assert_eq!(records(b"aba aab", text(b"ab")), [b"".as_slice(), b"a a"]);
    // Delivered byte by byte, it is found all the same.
    let slow = Source::in_pieces(b"oneENDtwoENEND", 1);
    let all = batches(&mut RecordReader::new(slow, text(b"END"), Limits::default())).concat();
    assert_eq!(all, [b"one".as_slice(), b"twoEN"]);
}
