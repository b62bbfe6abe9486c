//! The sorter and the merge against the standard library's stable sort, within budgets that are far too small.

use std::sync::Arc;

use super::*;
use crate::Splitters;
use crate::spill::testing::{Dir, Random};
use crate::spill::{Disk, Packing, RunReader, RunWriter};

type Pair = (Vec<u8>, Vec<u8>);

/// Records of few different keys, many empty, some with zeros at the end, some that agree in many bytes.
fn records(random: &mut Random, count: usize, value_max: u64) -> Vec<Pair> {
    let record = |_| {
        let key = match random.below(6) {
            0 => Vec::new(),
            1 => vec![0; random.below(20) as usize],
            2 => format!("key {}", random.below(40)).into_bytes(),
            3 => [&[b'x'; 90][..], random.below(30).to_string().as_bytes()].concat(),
            4 => random.bytes(3),
            _ => random.bytes(12),
        };
        let len = random.below(value_max + 1) as usize;
        (key, random.bytes(len))
    };
    (0..count).map(record).collect()
}

fn splitters(random: &mut Random, partitions: u32) -> Splitters {
    Splitters::sampled(records(random, 100, 0).into_iter().map(|record| record.0).collect(), partitions)
}

struct Runs {
    dir: Dir,
    disk: Arc<Disk>,
    runs: Vec<Arc<RunReader>>,
}

impl Runs {
    fn new() -> Runs {
        Runs { dir: Dir::new(), disk: Arc::new(Disk::unlimited()), runs: Vec::new() }
    }

    fn add(&mut self, splitters: &Splitters, write: impl FnOnce(&mut RunWriter)) {
        let path = self.dir.path(&format!("{}.run", self.runs.len()));
        let mut run = RunWriter::create(&path, splitters.partitions(), Packing::Half, &self.disk).unwrap();
        write(&mut run);
        self.runs.push(Arc::new(RunReader::own(&run.finish().unwrap(), &self.disk).unwrap()));
    }

    /// Everything in a sorter of this budget, and out of it whenever it is full.
    fn sort(&mut self, records: &[Pair], splitters: &Splitters, budget: usize) {
        let mut sorter = Sorter::new(budget);
        for (key, value) in records {
            if sorter.push(key, value).unwrap() == Pushed::Full {
                self.add(splitters, |run| sorter.spill(splitters, run).unwrap());
                assert_eq!(sorter.push(key, value).unwrap(), Pushed::Ok);
            }
            assert!(sorter.peak() <= budget);
        }
        self.add(splitters, |run| sorter.spill(splitters, run).unwrap());
        assert!(sorter.peak() <= budget);
    }

    /// All records of all partitions, one after the other.
    fn merged(&self, splitters: &Splitters, budget: usize) -> Vec<Pair> {
        let spare = Spare { dir: self.dir.path(""), disk: self.disk.clone(), packing: Packing::Half };
        let mut merger = Merger::new(budget);
        let mut all = Vec::new();
        for partition in 0..splitters.partitions() {
            let mut merge = merger.merge(Input::of(&self.runs, partition).unwrap(), &spare).unwrap();
            while let Some((key, value)) = merge.next_record().unwrap() {
                assert_eq!(splitters.of(key), partition);
                all.push((key.to_vec(), value.to_vec()));
            }
            assert!(!merge.advance().unwrap(), "the end stays the end");
        }
        assert!(merger.peak() <= budget);
        all
    }
}

fn stable(mut records: Vec<Pair>) -> Vec<Pair> {
    records.sort_by(|a, b| a.0.cmp(&b.0));
    records
}

#[test]
fn what_is_merged_is_what_a_stable_sort_makes() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let count = [0, 1, 2, 100, 3_000][seed as usize % 5];
        let records = records(&mut random, count, [0, 3, 200][seed as usize % 3]);
        let partitions = 1 + random.below(20) as u32;
        let splitters = splitters(&mut random, partitions);
        let mut runs = Runs::new();
        runs.sort(&records, &splitters, 500 + random.below(100_000) as usize);
        assert_eq!(runs.merged(&splitters, Merger::BUDGET_MIN), stable(records), "seed {seed}");
    }
}

#[test]
fn many_runs_and_little_memory_take_many_passes() {
    let mut random = Random(1);
    // Segments of more than a block, so that a buffer is a block.
    let records = records(&mut random, 20_000, 3_000);
    let splitters = Splitters::new([]);
    let mut runs = Runs::new();
    runs.sort(&records, &splitters, 200_000);
    assert!(runs.runs.len() > 100);
    let spilled = runs.disk.written();
    assert_eq!(runs.merged(&splitters, Merger::BUDGET_MIN), stable(records));
    let passes = (runs.disk.written() - spilled) as f64 / spilled as f64;
    assert!(passes > 2.0, "three at a time are merged: {passes}");
    assert_eq!(runs.disk.used(), spilled, "intermediate runs are removed");
}

#[test]
fn thousands_of_small_segments_are_merged_at_once() {
    let mut random = Random(2);
    let records = records(&mut random, 10_000, 20);
    let splitters = Splitters::new([]);
    let mut runs = Runs::new();
    for few in records.chunks(10) {
        runs.sort(few, &splitters, 100_000);
    }
    let spilled = runs.disk.written();
    assert_eq!(runs.merged(&splitters, 4 << 20), stable(records));
    assert_eq!(runs.disk.written(), spilled);
}

#[test]
fn no_more_is_merged_first_than_needed() {
    let mut random = Random(3);
    let records = records(&mut random, 20_000, 1_000);
    let splitters = Splitters::new([]);
    let mut runs = Runs::new();
    runs.sort(&records, &splitters, 300_000);
    let spilled = runs.disk.written();
    // Room for the buffers of all but a few.
    let budget = (runs.runs.len() - 3) * (64 << 10);
    assert_eq!(runs.merged(&splitters, budget), stable(records));
    let again = runs.disk.written() - spilled;
    assert!(again > 0 && again < spilled / 2, "{again} of {spilled} bytes were written twice");
}

#[test]
fn records_larger_than_blocks_and_buffers() {
    let mut random = Random(4);
    let mut all = records(&mut random, 500, 100);
    for len in [65_000, 65_503, 65_504, 65_505, 200_000, 1_000_000] {
        let key = random.below(500) as usize;
        all.insert(key, (random.bytes(len), b"large key".to_vec()));
        all.insert(key, (b"key 7".to_vec(), random.bytes(len)));
    }
    let splitters = splitters(&mut random, 4);
    let mut runs = Runs::new();
    runs.sort(&all, &splitters, 1_100_000);
    assert_eq!(runs.merged(&splitters, 3 << 20), stable(all.clone()));
    let mut sorter = Sorter::new(1_000_000);
    let (key, value) = all.iter().find(|record| record.0.len() == 1_000_000).unwrap();
    assert!(matches!(sorter.push(key, value), Err(crate::Error::TooLarge { bytes: 1_000_030.., .. })));
    let spare = Spare { dir: runs.dir.path(""), disk: runs.disk.clone(), packing: Packing::Never };
    let mut merger = Merger::new(Merger::BUDGET_MIN);
    let merged = (0..splitters.partitions())
        .map(|partition| merger.merge(Input::of(&runs.runs, partition).unwrap(), &spare).map(|_| ()))
        .find_map(Result::err);
    assert!(matches!(merged, Some(crate::Error::TooLarge { .. })));
}

#[test]
fn groups_have_their_values_in_the_order_of_the_input() {
    let mut random = Random(5);
    let records = records(&mut random, 2_000, 5);
    let splitters = Splitters::new([]);
    let mut runs = Runs::new();
    runs.sort(&records, &splitters, 5_000);
    let spare = Spare { dir: runs.dir.path(""), disk: runs.disk.clone(), packing: Packing::Half };
    let mut merger = Merger::new(1 << 20);
    let merge = merger.merge(Input::of(&runs.runs, 0).unwrap(), &spare).unwrap();
    let mut groups = Groups::new(merge).unwrap();
    let expected = stable(records);
    for (n, expected) in expected.chunk_by(|a, b| a.0 == b.0).enumerate() {
        let mut group = groups.next_group().unwrap().expect("as many groups as keys");
        assert_eq!(group.key(), expected[0].0);
        // Some reducers want the first values only, some want none.
        for (_, value) in expected.iter().take([usize::MAX, 1, 0][n % 3]) {
            assert_eq!(group.next_value().unwrap(), Some(&value[..]));
        }
        if n % 3 == 0 {
            assert_eq!(group.next_value().unwrap(), None);
            assert_eq!(group.next_value().unwrap(), None);
        }
    }
    assert!(groups.next_group().unwrap().is_none());
    assert!(groups.next_group().unwrap().is_none());
}

#[test]
fn equal_keys_are_folded_on_the_way_out() {
    let mut random = Random(6);
    let records = records(&mut random, 2_000, 2);
    let splitters = splitters(&mut random, 3);
    let mut runs = Runs::new();
    let mut sorter = Sorter::new(1 << 20);
    for (key, value) in &records {
        assert_eq!(sorter.push(key, value).unwrap(), Pushed::Ok);
    }
    let combine = |_: &[u8], folded: &mut Vec<u8>, value: &[u8]| {
        folded.extend_from_slice(value);
        true
    };
    runs.add(&splitters, |run| sorter.spill_combined(&splitters, run, combine).unwrap());
    assert!(sorter.is_empty());
    let expected: Vec<Pair> = stable(records)
        .chunk_by(|a, b| a.0 == b.0)
        .map(|equal| (equal[0].0.clone(), equal.iter().flat_map(|record| record.1.clone()).collect()))
        .collect();
    assert_eq!(runs.merged(&splitters, 1 << 20), expected);
}

#[test]
fn lines_of_a_buffer_are_sorted_where_they_are() {
    let mut random = Random(7);
    let lines: Vec<_> = records(&mut random, 5_000, 0).into_iter().map(|record| record.0).collect();
    let buf = lines.concat();
    let mut index = Index::with_capacity(10);
    let mut at = 0;
    for line in &lines {
        index.push(&buf, at..at + line.len());
        at += line.len();
    }
    index.sort(&buf);
    let mut sorted = lines.clone();
    sorted.sort();
    assert!(index.keys(&buf).eq(sorted.iter().map(|line| &line[..])));
    let splitters = splitters(&mut random, 7);
    let mut runs = Runs::new();
    runs.add(&splitters, |run| index.spill(&buf, &splitters, run).unwrap());
    let merged = runs.merged(&splitters, 1 << 20);
    assert_eq!(merged, sorted.into_iter().map(|line| (line, Vec::new())).collect::<Vec<_>>());
}

#[test]
fn large_records_after_small_ones_get_the_memory_back() {
    let mut sorter = Sorter::new(10_000);
    while sorter.push(b"", b"").unwrap() == Pushed::Ok {}
    assert!(sorter.len() > 400);
    sorter.clear();
    assert_eq!(sorter.push(&[1; 9_000], b"").unwrap(), Pushed::Ok);
    assert_eq!(sorter.len(), 1);
    assert!(sorter.peak() <= 10_000);
}
