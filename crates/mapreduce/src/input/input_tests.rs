//! Every record is read once, whatever the splits.

use super::*;
use divvy_core::Rng;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::Path;

fn file_of(dir: &Path, name: &str, bytes: &[u8]) -> InputFile {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    InputFile::look(&path).unwrap()
}

fn scratch(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("divvy-input-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// All records of all splits, in order.
fn read(files: Vec<InputFile>, framing: Framing, split_bytes: u64) -> Vec<Vec<u8>> {
    let splits = Splits::new(files, framing, split_bytes);
    let (mut records, mut buf) = (Vec::new(), Vec::new());
    for number in 0..splits.count() {
        let split = splits.get(number);
        let input = &splits.files()[split.file];
        let mut pieces = Pieces::open(input, split, framing, &mut buf, usize::MAX / 4).unwrap();
        while pieces.advance().unwrap() {
            records.extend(framing.records(pieces.piece()).map(<[u8]>::to_vec));
        }
        pieces.check().unwrap();
    }
    records
}

#[test]
fn every_record_belongs_to_one_split() {
    let dir = scratch("edges");
    let framings =
        [Framing::Lines, Framing::Nul, Framing::Words, Framing::Fixed(NonZeroU32::new(7).unwrap())];
    for seed in 0..300 {
        let mut rng = Rng::new(seed);
        let len = rng.below(400) as usize;
        let text: Vec<u8> = (0..len).map(|_| b"abc \n\0\t\x0b"[rng.below(8) as usize]).collect();
        let file = file_of(&dir, "text", &text);
        for framing in framings {
            let expected: Vec<_> = framing.records(&text).map(<[u8]>::to_vec).collect();
            let bytes = 1 + rng.below(40);
            assert_eq!(
                read(vec![file.clone()], framing, bytes),
                expected,
                "seed {seed}, {framing:?}, splits of {bytes}"
            );
        }
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn records_longer_than_a_piece_are_read_whole() {
    let dir = scratch("long");
    let mut text = vec![b'x'; 3 * PIECE_BYTES + 17];
    text.push(b'\n');
    text.extend_from_slice(b"short\n");
    text.extend(vec![b'y'; 2 * PIECE_BYTES]);
    let file = file_of(&dir, "long", &text);
    let expected: Vec<_> = Framing::Lines.records(&text).map(<[u8]>::to_vec).collect();
    for bytes in [100_000, 1 << 20, 64 << 20] {
        assert!(read(vec![file.clone()], Framing::Lines, bytes) == expected, "splits of {bytes}");
    }
    let mut buf = Vec::new();
    let split = Splits::new(vec![file.clone()], Framing::Lines, 1 << 30).get(0);
    let mut pieces = Pieces::open(&file, split, Framing::Lines, &mut buf, PIECE_BYTES).unwrap();
    assert!(matches!(pieces.advance(), Err(crate::Error::TooLarge { .. })));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn packed_files_are_read_as_their_text() {
    let dir = scratch("packed");
    let text: Vec<u8> = (0..50_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    let (first, second) = text.split_at(text.len() / 3);
    let mut packed = Vec::new();
    for member in [first, second] {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(member).unwrap();
        packed.extend(gz.finish().unwrap());
    }
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let mut frames = ruzstd::encoding::compress_to_vec(first, level);
    // A frame to be passed over.
    frames.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    frames.extend(ruzstd::encoding::compress_to_vec(second, level));
    let files = [file_of(&dir, "a.bin", &packed), file_of(&dir, "b.bin", &frames)];
    assert_eq!([files[0].codec, files[1].codec], [Codec::Gzip, Codec::Zstd]);
    let expected: Vec<_> = Framing::Lines.records(&text).map(<[u8]>::to_vec).collect();
    for file in files {
        assert!(read(vec![file.clone()], Framing::Lines, 1_000) == expected, "{:?}", file.codec);
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_file_that_changes_is_noticed() {
    let dir = scratch("changed");
    let file = file_of(&dir, "text", b"one\ntwo\n");
    let split = Splits::new(vec![file.clone()], Framing::Lines, 100).get(0);
    let mut buf = Vec::new();
    let mut pieces = Pieces::open(&file, split, Framing::Lines, &mut buf, 1_000).unwrap();
    assert!(pieces.advance().unwrap());
    assert_eq!(pieces.piece(), b"one\ntwo\n");
    std::fs::OpenOptions::new().append(true).open(&file.path).unwrap().write_all(b"three\n").unwrap();
    assert!(matches!(pieces.check(), Err(crate::Error::Changed { .. })));
    assert!(matches!(file.open(), Err(crate::Error::Changed { .. })));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn directories_and_patterns_give_their_files_in_order() {
    let dir = scratch("expand");
    std::fs::create_dir_all(dir.join("sub")).unwrap();
    for name in ["b.txt", "a.txt", "_SUCCESS", ".hidden", "sub/c.txt"] {
        file_of(&dir, name, b"x\n");
    }
    let names = |words: &[std::path::PathBuf]| -> Vec<String> {
        let files = expand(words).unwrap();
        files.iter().map(|f| f.path.strip_prefix(&dir).unwrap().display().to_string()).collect()
    };
    assert_eq!(names(std::slice::from_ref(&dir)), ["a.txt", "b.txt", "sub/c.txt"]);
    assert_eq!(names(&[dir.join("b.txt"), dir.join("*.txt")]), ["b.txt", "a.txt", "b.txt"]);
    let none = dir.join("no*");
    assert!(matches!(expand([&none]), Err(crate::Error::NoInput { path }) if path == none));
    std::fs::remove_dir_all(dir).unwrap();
}
