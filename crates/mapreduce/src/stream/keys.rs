//! Keys as run files have them: the number of the part, the fields that are compared, the key itself.

use super::fields::KeySpec;
use super::order;
use super::spec::Stream;
use crate::Result;
use crate::sort::{Pushed, Sorter};
use crate::spill::{put_varint, varint};

/// What makes keys of run files.
#[derive(Debug)]
pub(super) struct Keys {
    parts: u32,
    /// Bytes that the number of a part has: as few as there may be, since sorting looks at the first eight.
    width: usize,
    separator: Vec<u8>,
    order: Vec<KeySpec>,
    partition: Vec<KeySpec>,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Keys {
    pub(super) fn new(stream: &Stream) -> Keys {
        let parts = stream.parts.max(1);
        Keys {
            parts,
            width: (u32::BITS - (parts - 1).leading_zeros()).div_ceil(8) as usize,
            separator: stream.key_separator.clone(),
            order: stream.order.clone(),
            partition: stream.partition.clone(),
            key: Vec::new(),
            value: Vec::new(),
        }
    }

    /// Where the parts begin, all but the first.
    pub(super) fn edges(&self) -> impl Iterator<Item = Vec<u8>> {
        (1..self.parts).map(|part| part.to_be_bytes()[4 - self.width..].to_vec())
    }

    /// Puts a record into a sorter.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8], sorter: &mut Sorter) -> Result<Pushed> {
        if self.width == 0 && self.order.is_empty() {
            return sorter.push(key, value);
        }
        self.key.clear();
        if self.width > 0 {
            let part = self.part(key);
            self.key.extend_from_slice(&part.to_be_bytes()[4 - self.width..]);
        }
        if self.order.is_empty() {
            self.key.extend_from_slice(key);
            return sorter.push(&self.key, value);
        }
        let Keys { order, separator, .. } = self;
        order.iter().for_each(|spec| order::encode(spec, spec.of(key, separator), &mut self.key));
        // Where the key itself begins is in front of the value: behind the key it would take part in the order.
        self.value.clear();
        put_varint(&mut self.value, self.key.len() as u32);
        self.value.extend_from_slice(value);
        self.key.extend_from_slice(key);
        sorter.push(&self.key, &self.value)
    }

    /// The record that was put in.
    #[inline]
    pub(super) fn pulled<'r>(&self, key: &'r [u8], value: &'r [u8]) -> (&'r [u8], &'r [u8]) {
        if self.order.is_empty() {
            return (&key[self.width..], value);
        }
        let mut at = 0;
        let begin = varint(value, &mut at).expect("it was put in front");
        (&key[begin..], &value[at..])
    }

    fn part(&self, key: &[u8]) -> u32 {
        let hash = if self.partition.is_empty() {
            hash(SEED, key)
        } else {
            let fields = self.partition.iter().map(|spec| spec.of(key, &self.separator));
            fields.fold(SEED, hash)
        };
        ((u128::from(mixed(hash)) * u128::from(self.parts)) >> 64) as u32
    }
}

/// FNV-1a: short, the same everywhere and for ever, and with [`mixed`] behind it good enough to divide by.
const SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn hash(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Spreads what differs in the low bits over all of them.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::fields::parse_specs;
    use super::*;
    use crate::Splitters;

    fn keys(parts: u32, order: &str, partition: &str) -> Keys {
        let specs = |text| parse_specs(text).unwrap();
        Keys {
            parts,
            width: (u32::BITS - (parts - 1).leading_zeros()).div_ceil(8) as usize,
            separator: b"\t".to_vec(),
            order: specs(order),
            partition: specs(partition),
            key: Vec::new(),
            value: Vec::new(),
        }
    }

    fn pulled(keys: &mut Keys, records: &[(&str, &str)]) -> Vec<(u32, String, String)> {
        let mut sorter = Sorter::new(1 << 20);
        for (key, value) in records {
            assert_eq!(keys.push(key.as_bytes(), value.as_bytes(), &mut sorter).unwrap(), Pushed::Ok);
        }
        let splitters = Splitters::new(keys.edges());
        assert_eq!(splitters.partitions(), keys.parts);
        let mut all = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let taken = sorter.drain(|key, value| {
            let (raw, plain) = keys.pulled(key, value);
            all.push((splitters.of(key), text(raw), text(plain)));
            Ok::<_, ()>(())
        });
        taken.unwrap();
        all
    }

    #[test]
    fn what_is_put_in_comes_out_in_its_part_and_order() {
        for parts in [1, 2, 255, 256, 257, 70_000] {
            let records = [("b\t2", "v"), ("a\t10", ""), ("a\t9", "w"), ("a\t10", "x")];
            let all = pulled(&mut keys(parts, "-k1,1 -k2,2n", "-k1,1"), &records);
            let of_a: Vec<_> = all.iter().filter(|(_, key, _)| key.starts_with('a')).collect();
            assert!(of_a.iter().all(|(part, ..)| *part == of_a[0].0), "one field, one part");
            let of_a: Vec<_> = of_a.iter().map(|(_, key, value)| (key.as_str(), value.as_str())).collect();
            assert_eq!(of_a, [("a\t9", "w"), ("a\t10", ""), ("a\t10", "x")]);
        }
    }

    #[test]
    fn keys_are_divided_evenly_and_always_alike() {
        let mut counts = [0; 7];
        let keys = keys(7, "", "");
        (0..70_000u32).for_each(|n| counts[keys.part(n.to_string().as_bytes()) as usize] += 1);
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        assert_eq!(["the", "of", "and", ""].map(|key| keys.part(key.as_bytes())), FOR_EVER);
    }

    /// Parts that people may have built on: a change of these numbers is a change of every output.
    const FOR_EVER: [u32; 4] = [3, 4, 3, 6];
}
