use super::*;
use crate::Splitters;
use divvy_core::Rng;
use std::collections::BTreeMap;

const AMPLE: usize = 1 << 30;

type Model = BTreeMap<Vec<u8>, u64>;

/// Keys of all kinds: empty, with zeros at the end, around the length that fits a slot, alike for long.
fn key(rng: &mut Rng) -> Vec<u8> {
    let len = [0, 1, 2, 7, 8, 9, 14, 15, 16, 17, 23, 24, 31, 40, 300][rng.below(15) as usize];
    let alike = if rng.chance(0.5) { len } else { rng.below(len as u64 + 1) as usize };
    let byte = |rng: &mut Rng| [0, b'a', b'b', 255][rng.below(4) as usize];
    let mut key = vec![b'x'; alike];
    key.extend((alike..len).map(|_| byte(rng)));
    if let Some(last) = key.last_mut() {
        *last = byte(rng);
    }
    key
}

fn drained(table: &mut Table<u64>) -> Vec<(Vec<u8>, u64)> {
    let mut all = Vec::new();
    table.drain_by_partition(&Splitters::new([]), |_, key, sum| all.push((key.to_vec(), sum)));
    assert!(table.is_empty());
    all
}

fn entries(model: Model) -> Vec<(Vec<u8>, u64)> {
    model.into_iter().collect()
}

#[test]
fn it_agrees_with_a_map_however_often_it_is_emptied() {
    let mut rng = Rng::new(1);
    let mut table = Table::new(AMPLE);
    for _ in 0..20 {
        let mut model = Model::new();
        for _ in 0..rng.below(20_000) {
            let (key, value) = (key(&mut rng), rng.below(100));
            table.add(&key, value).unwrap();
            *model.entry(key).or_default() += value;
        }
        assert_eq!(table.len(), model.len());
        model.iter().for_each(|(key, sum)| assert_eq!(table.get(key), Some(*sum)));
        assert_eq!(table.get(b"not in it"), None);
        assert_eq!(table.get(b"not in it, and too long for a slot"), None);
        assert_eq!(drained(&mut table), entries(model));
    }
}

#[test]
fn keys_that_differ_in_zeros_at_the_end_are_different() {
    let mut table = Table::new(AMPLE);
    let keys: Vec<_> = (0..40).map(|zeros| [&b"a"[..], &vec![0; zeros]].concat()).collect();
    for (key, value) in keys.iter().zip(1..) {
        table.add(key, value).unwrap();
    }
    table.add(b"", 99).unwrap();
    let expected: Vec<_> = [(vec![], 99)].into_iter().chain(keys.into_iter().zip(1..)).collect();
    assert_eq!(drained(&mut table), expected);
}

#[test]
fn a_key_may_be_huge() {
    let mut table = Table::new(AMPLE);
    let mut huge = vec![b'h'; 3 << 20];
    table.add(&huge, 1).unwrap();
    table.add(&huge, 1).unwrap();
    huge.push(0);
    table.add(&huge, 1).unwrap();
    assert_eq!((table.get(&huge[..3 << 20]), table.get(&huge)), (Some(2), Some(1)));
    let lens: Vec<_> = drained(&mut table).into_iter().map(|(key, sum)| (key.len(), sum)).collect();
    assert_eq!(lens, [(3 << 20, 2), ((3 << 20) + 1, 1)]);
}

#[test]
fn many_keys_that_are_alike_for_long_are_in_order() {
    let mut rng = Rng::new(2);
    for alike in [3, 8, 15, 16, 60, 1_000] {
        let mut table = Table::new(AMPLE);
        let mut model = Model::new();
        for _ in 0..3_000 {
            let mut key = vec![b'/'; alike];
            key.extend((0..rng.below(30)).map(|_| b"\0ab"[rng.below(3) as usize]));
            table.add(&key, 1).unwrap();
            *model.entry(key).or_default() += 1;
        }
        assert_eq!(drained(&mut table), entries(model), "{alike}");
    }
}

#[test]
fn partitions_come_in_order_and_hold_what_belongs_there() {
    let mut rng = Rng::new(3);
    let splitters = Splitters::new((0..20).map(|_| key(&mut rng)));
    let mut table = Table::new(AMPLE);
    let mut model = Model::new();
    for _ in 0..5_000 {
        let key = key(&mut rng);
        table.add(&key, 1).unwrap();
        *model.entry(key).or_default() += 1;
    }
    let expected: Vec<_> = model.into_iter().map(|(key, sum)| (splitters.of(&key), key, sum)).collect();
    let mut given = Vec::new();
    table.drain_by_partition(&splitters, |partition, key, sum| given.push((partition, key.to_vec(), sum)));
    assert_eq!(given, expected);
}

/// A text whose words are [`key`]s, less those bytes that are white.
fn text(rng: &mut Rng, words: u64) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..words {
        let end = if rng.chance(0.1) { 1 + rng.below(100) as usize } else { 1 };
        text.extend(key(rng));
        text.extend(vec![b" \n"[rng.below(2) as usize]; end]);
    }
    text
}

fn count(text: &[u8], model: &mut Model) {
    for word in text.split(|byte| divvy_scan::is_white(*byte)).filter(|word| !word.is_empty()) {
        *model.entry(word.to_vec()).or_default() += 1;
    }
}

#[test]
fn words_are_counted_like_one_by_one() {
    let mut rng = Rng::new(4);
    let mut table = Table::new(AMPLE);
    for words in [0, 1, 63, 64, 65, 1_000, 30_000] {
        let text = text(&mut rng, words);
        let mut model = Model::new();
        count(&text, &mut model);
        assert_eq!(table.add_words(&text, 1), text.len());
        assert_eq!(drained(&mut table), entries(model), "{words}");
    }
}

#[test]
fn the_budget_is_kept_and_nothing_is_lost_or_counted_twice() {
    let mut rng = Rng::new(5);
    for budget in [2_000, 20_000, 100_000, 300_000] {
        let mut table = Table::new(budget);
        let text = text(&mut rng, 20_000);
        let (mut model, mut sums) = (Model::new(), Model::new());
        count(&text, &mut model);
        let (mut rest, mut emptied) = (&text[..], 0);
        loop {
            rest = &rest[table.add_words(rest, 1)..];
            assert!(table.bytes() <= budget, "{} of {budget}", table.bytes());
            emptied += 1;
            assert!(rest.is_empty() || !table.is_empty(), "no word is too large");
            drained(&mut table).into_iter().for_each(|(key, sum)| *sums.entry(key).or_default() += sum);
            assert!(table.bytes() <= budget, "{} of {budget}", table.bytes());
            if rest.is_empty() {
                break;
            }
        }
        assert!(emptied > 1 || budget >= 100_000, "{budget}");
        assert_eq!(entries(sums), entries(model), "{budget}");
    }
}

#[test]
fn a_key_that_does_not_fit_an_empty_table_is_refused_and_changes_nothing() {
    let mut table = Table::new(50_000);
    assert_eq!(table.add(&vec![1; 100_000], 1), Err(Full));
    assert!(table.is_empty());
    table.add(b"small", 1).unwrap();
    assert_eq!(table.add(&vec![1; 100_000], 1), Err(Full));
    assert_eq!(drained(&mut table), [(b"small".to_vec(), 1)]);
    assert_eq!(Table::<u64>::new(0).add(b"", 1), Err(Full));
}

#[test]
fn a_table_that_was_full_holds_more_the_next_time() {
    let mut table = Table::new(1 << 20);
    let mut fill = || {
        let full = (0u64..).find(|n| table.add(format!("number {n}").as_bytes(), 1).is_err());
        drained(&mut table);
        full.unwrap()
    };
    let (first, second, third) = (fill(), fill(), fill());
    assert!(second > first && second * 24 > (1 << 20) / 10 * 7, "{first} {second}");
    assert_eq!(second, third);
}

#[test]
fn a_sorted_view_that_is_never_dropped_leaves_an_empty_table() {
    let mut table = Table::new(AMPLE);
    table.add(b"a", 1).unwrap();
    std::mem::forget(table.sorted());
    assert!(table.is_empty());
    table.add(b"b", 2).unwrap();
    assert_eq!(drained(&mut table), [(b"b".to_vec(), 2)]);
}

#[test]
fn other_values_combine_as_they_say() {
    let (mut least, mut most, mut keys) = (Table::new(AMPLE), Table::new(AMPLE), Table::new(AMPLE));
    for value in [5, 3, 9] {
        least.add(b"k", Min(value)).unwrap();
        most.add(b"k", Max(value)).unwrap();
        keys.add(b"k", ()).unwrap();
    }
    assert_eq!((least.get(b"k"), most.get(b"k"), keys.len()), (Some(Min(3)), Some(Max(9)), 1));
}
