//! What was written is read, and whatever else is in the file is found.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::testing::{Dir, Random};
use super::*;
use crate::{Error, Result};

type Pair = (Vec<u8>, Vec<u8>);
type Parts = Vec<(u32, Vec<Pair>)>;

fn write(path: &Path, partitions: u32, packing: Packing, disk: &Arc<Disk>, parts: &Parts) -> Result<RunInfo> {
    let mut run = RunWriter::create(path, partitions, packing, disk)?;
    for (partition, records) in parts {
        run.begin(*partition)?;
        for (key, value) in records {
            if value.is_empty() { run.push_bytes(key)? } else { run.push(key, value)? }
        }
    }
    run.finish()
}

/// Everything, read in as little memory as possible.
fn read(path: &Path, check: Option<u32>, buffer_max: usize) -> Result<Parts> {
    let run = Arc::new(RunReader::open(path, check)?);
    let mut parts = Vec::new();
    for partition in 0..run.partitions() {
        let Some(segment) = run.segment(partition)? else { continue };
        let mut reader = SegmentReader::new(&run, segment, buffer_max)?;
        let mut records = Vec::new();
        while reader.advance()? {
            records.push((reader.key().to_vec(), reader.value().to_vec()));
        }
        assert!(!reader.advance()?, "the end stays the end");
        assert_eq!(records.len() as u64, segment.records);
        parts.push((partition, records));
    }
    Ok(parts)
}

fn parts(random: &mut Random, partitions: u32, records: u64, len_max: u64, is_packable: bool) -> Parts {
    let bytes = |random: &mut Random, len: u64| {
        if is_packable { vec![random.below(4) as u8; len as usize] } else { random.bytes(len as usize) }
    };
    let mut part = |partition| {
        let count = 1 + random.below(records);
        let record = |_| {
            let (key, value) = (random.below(len_max), random.below(len_max));
            (bytes(random, key), bytes(random, value))
        };
        (partition, (0..count).map(record).collect())
    };
    // Every third one is empty.
    (0..partitions).filter(|partition| partition % 3 != 1).map(&mut part).collect()
}

#[test]
fn what_was_written_is_read() {
    let dir = Dir::new();
    let disk = Arc::new(Disk::unlimited());
    let mut random = Random(1);
    for (len_max, is_packable) in
        [(1, true), (40, false), (40, true), (3_000, false), (200_000, true), (200_000, false)]
    {
        let parts = parts(&mut random, 10, 200_000 / len_max + 2, len_max, is_packable);
        let path = dir.path("a.run");
        for packing in [Packing::Never, Packing::Half, Packing::Tenth] {
            let before = disk.used();
            let info = write(&path, 10, packing, &disk, &parts).unwrap();
            assert_eq!(info.bytes, fs::metadata(&path).unwrap().len());
            assert_eq!(info.bytes, disk.used() - before);
            let payload =
                parts.iter().flat_map(|part| &part.1).map(|(key, value)| (key.len() + value.len()) as u64);
            assert_eq!(info.payload, payload.sum());
            if packing != Packing::Never && is_packable && len_max > 10 {
                assert!(info.bytes < info.payload);
            }
            assert!(read(&path, Some(info.check), 1 << 20).unwrap() == parts);
            assert!(read(&path, None, 1 << 30).unwrap() == parts);
        }
    }
}

#[test]
fn a_run_of_lines_is_hardly_larger_than_their_file() {
    let dir = Dir::new();
    let mut random = Random(4);
    for len in [1, 10, 63, 64, 99, 1_000] {
        let parts = vec![(0, (0..200_000 / len).map(|_| (random.bytes(len), Vec::new())).collect())];
        let info =
            write(&dir.path("a.run"), 1, Packing::Never, &Arc::new(Disk::unlimited()), &parts).unwrap();
        let file = info.payload + info.records;
        assert!(info.bytes * 100 <= file * 102, "{} bytes for {file} in lines of {len}", info.bytes);
    }
}

#[test]
fn a_run_without_records_or_partitions() {
    let dir = Dir::new();
    let disk = Arc::new(Disk::unlimited());
    let path = dir.path("a.run");
    for partitions in [0, 1, 10_000] {
        write(&path, partitions, Packing::Half, &disk, &Vec::new()).unwrap();
        assert_eq!(read(&path, None, 1 << 20).unwrap(), Vec::new());
    }
    let mut run = RunWriter::create(&path, 3, Packing::Half, &disk).unwrap();
    (0..3).for_each(|partition| run.begin(partition).unwrap());
    assert_eq!(run.finish().unwrap().segments, []);
    assert_eq!(read(&path, None, 1 << 20).unwrap(), Vec::new());
}

/// A small file with blocks that are packed, blocks that are not, and a chain.
fn small(dir: &Dir, disk: &Arc<Disk>) -> (RunInfo, Parts) {
    let mut random = Random(2);
    let mut parts = parts(&mut random, 3, 3, 20, false);
    // First, since after a block that cannot be packed none is tried for a while.
    parts[0].1.insert(0, (vec![b'a'; BLOCK_BYTES], vec![b'b'; 100]));
    parts[1].1.push((vec![b'a'; 300], vec![b'b'; 100]));
    let info = write(&dir.path("small.run"), 3, Packing::Half, disk, &parts).unwrap();
    (info, parts)
}

fn is_damaged(read: &Result<Parts>) -> bool {
    matches!(read, Err(Error::Damaged { .. }))
}

#[test]
fn every_flipped_byte_is_found() {
    let dir = Dir::new();
    let (info, parts) = small(&dir, &Arc::new(Disk::unlimited()));
    let good = fs::read(&info.path).unwrap();
    assert!(good.len() < 3_000, "small, so that all of it can be tried: {}", good.len());
    assert_eq!(read(&info.path, None, 1 << 20).unwrap(), parts);
    // In place: some file systems write a file that is replaced to the disk at once.
    let file = fs::File::options().write(true).open(&info.path).unwrap();
    for at in 0..good.len() {
        for flip in [1, 0x80, 0xff] {
            file.write_all_at(&[good[at] ^ flip], at as u64).unwrap();
            let read = read(&info.path, None, 1 << 20);
            assert!(is_damaged(&read), "byte {at} ^ {flip}: {read:?}");
        }
        file.write_all_at(&good[at..=at], at as u64).unwrap();
    }
}

#[test]
fn every_truncation_and_growth_is_found() {
    let dir = Dir::new();
    let (info, _) = small(&dir, &Arc::new(Disk::unlimited()));
    let good = fs::read(&info.path).unwrap();
    let file = fs::File::options().write(true).open(&info.path).unwrap();
    let put = |bytes: &[u8], at: usize| file.write_all_at(bytes, at as u64).unwrap();
    let is_found =
        |why: &str, len: usize| assert!(is_damaged(&read(&info.path, None, 1 << 20)), "{why} {len}");
    for longer in [b"x", &good[..]] {
        put(longer, good.len());
        is_found("longer by", longer.len());
        file.set_len(good.len() as u64).unwrap();
    }
    assert!(read(&info.path, None, 1 << 20).is_ok());
    for len in (0..good.len()).rev() {
        file.set_len(len as u64).unwrap();
        is_found("cut to", len);
        // As if what is missing were from the middle.
        let end = len.min(100);
        put(&good[good.len() - end..], len - end);
        is_found("with its end cut to", len);
        put(&good[len - end..len], len - end);
    }
}

#[test]
fn a_file_cut_short_while_it_is_read_is_damaged() {
    let dir = Dir::new();
    let (info, _) = small(&dir, &Arc::new(Disk::unlimited()));
    let run = Arc::new(RunReader::open(&info.path, None).unwrap());
    let segment = run.segment(2).unwrap().unwrap();
    let mut reader = SegmentReader::new(&run, segment, 1 << 20).unwrap();
    fs::File::options().write(true).open(&info.path).unwrap().set_len(segment.offset + 20).unwrap();
    assert!(matches!(reader.advance(), Err(Error::Damaged { .. })));
    assert!(matches!(run.segment(2), Err(Error::Damaged { .. })));
}

#[test]
fn another_run_and_foreign_blocks_are_found() {
    let dir = Dir::new();
    let disk = Arc::new(Disk::unlimited());
    let make = |name: &str, key: &[u8]| {
        let parts = vec![(0, vec![(key.to_vec(), Vec::new())])];
        write(&dir.path(name), 1, Packing::Never, &disk, &parts).unwrap()
    };
    let (one, other) = (make("one.run", b"one"), make("other.run", b"two"));
    assert!(read(&one.path, Some(one.check), 1 << 20).is_ok());
    assert!(is_damaged(&read(&one.path, Some(other.check), 1 << 20)));
    // A block with a right checksum, but from elsewhere.
    let (mut bytes, foreign) = (fs::read(&one.path).unwrap(), fs::read(&other.path).unwrap());
    bytes[8..8 + HEADER + 5].copy_from_slice(&foreign[8..8 + HEADER + 5]);
    fs::write(&one.path, bytes).unwrap();
    assert!(is_damaged(&read(&one.path, None, 1 << 20)));
}

#[test]
fn a_quota_ends_the_run_and_leaves_nothing() {
    let dir = Dir::new();
    let disk = Arc::new(Disk::new(1_000_000));
    let mut random = Random(3);
    let parts = parts(&mut random, 4, 20, 60_000, false);
    let path = dir.path("a.run");
    let problem = write(&path, 4, Packing::Half, &disk, &parts).unwrap_err();
    assert!(problem.is_full(), "{problem}");
    assert!(problem.to_string().contains("limit of 1000000 bytes"), "{problem}");
    assert_eq!(disk.used(), 0);
    assert!(!path.exists());
    assert!(disk.written() > 0 && disk.peak() <= 1_000_000);
}

#[test]
fn a_full_disk_is_called_full() {
    let disk = Arc::new(Disk::unlimited());
    let dir = Dir::new();
    // Every write to this device fails as if the disk were full; the link is what the writer removes.
    std::os::unix::fs::symlink("/dev/full", dir.path("a.run")).unwrap();
    let parts = vec![(0, vec![(vec![1; 10], vec![])])];
    let problem = write(&dir.path("a.run"), 1, Packing::Never, &disk, &parts).unwrap_err();
    assert!(problem.is_full(), "{problem}");
    assert_eq!(disk.used(), 0);
}

#[test]
fn a_run_that_is_dropped_is_removed() {
    let dir = Dir::new();
    let disk = Arc::new(Disk::unlimited());
    let path = dir.path("a.run");
    let mut run = RunWriter::create(&path, 1, Packing::Never, &disk).unwrap();
    run.begin(0).unwrap();
    run.push(&[1; 400_000], &[]).unwrap();
    assert!(disk.used() > 0 && path.exists());
    drop(run);
    assert!(disk.used() == 0 && !path.exists());

    let info = write(&path, 1, Packing::Never, &disk, &Vec::new()).unwrap();
    let run = RunReader::own(&info, &disk).unwrap();
    assert_eq!(disk.used(), info.bytes);
    drop(run);
    assert!(disk.used() == 0 && !path.exists());
}

#[test]
fn a_record_that_does_not_fit_the_buffer_is_too_large() {
    let dir = Dir::new();
    let (info, _) = small(&dir, &Arc::new(Disk::unlimited()));
    let run = Arc::new(RunReader::open(&info.path, None).unwrap());
    let segment = run.segment(0).unwrap().unwrap();
    assert!(segment.chain_max as usize > BLOCK_BYTES);
    let reader = SegmentReader::new(&run, segment, 2 * BLOCK_BYTES + 2 * HEADER);
    assert!(matches!(reader, Err(Error::TooLarge { .. })));
}

#[test]
#[should_panic(expected = "ascending")]
fn partitions_ascend() {
    let dir = Dir::new();
    let mut run =
        RunWriter::create(&dir.path("a.run"), 2, Packing::Never, &Arc::new(Disk::unlimited())).unwrap();
    run.begin(1).unwrap();
    run.push(b"a", b"").unwrap();
    run.begin(0).unwrap();
}

#[test]
fn a_run_that_is_not_held_open_is_read_all_the_same_and_missed_when_it_is_gone() {
    let (dir, disk, mut random) = (Dir::new(), Arc::new(Disk::new(u64::MAX)), Random(12));
    let (path, expected) = (dir.path("run"), parts(&mut random, 7, 400, 600, false));
    let info = write(&path, 7, Packing::default(), &disk, &expected).unwrap();
    // So many workers that nothing is left. Other tests, which this may reach, only open more often.
    leave_room_for(usize::MAX);
    let run = RunReader::open(&path, Some(info.check)).unwrap();
    let read = read(&path, Some(info.check), 1 << 20);
    leave_room_for(1);
    assert_eq!(read.unwrap(), expected);
    fs::remove_file(&path).unwrap();
    assert!(matches!(run.segment(0), Err(Error::Damaged { why: "it is gone", .. })));
}
