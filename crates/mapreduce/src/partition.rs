//! Which part of the output a key belongs to: ranges of keys in byte order, so that the parts, one after the other, are
//! in order as a whole.

use serde::{Deserialize, Serialize};

/// The first bytes of a key as a number that orders like them; keys shorter than eight bytes are filled up with zeros.
#[must_use]
#[inline]
pub fn prefix(key: &[u8]) -> u64 {
    match key.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut first = [0; 8];
            first[..key.len()].copy_from_slice(key);
            u64::from_be_bytes(first)
        }
    }
}

/// The keys at which one partition ends and the next begins.
///
/// Partition `p` has the keys from `edges[p - 1]` (from the smallest, if `p` is 0) up to but without `edges[p]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Vec<u8>>", into = "Vec<Vec<u8>>")]
pub struct Splitters {
    edges: Vec<Box<[u8]>>,
    prefixes: Vec<u64>,
}

impl From<Vec<Vec<u8>>> for Splitters {
    fn from(edges: Vec<Vec<u8>>) -> Splitters {
        Splitters::new(edges)
    }
}

impl From<Splitters> for Vec<Vec<u8>> {
    fn from(splitters: Splitters) -> Vec<Vec<u8>> {
        splitters.edges.into_iter().map(<[u8]>::into_vec).collect()
    }
}

impl Splitters {
    /// These edges, in any order; equal ones count once.
    #[must_use]
    pub fn new(edges: impl IntoIterator<Item = Vec<u8>>) -> Splitters {
        let mut edges: Vec<Box<[u8]>> = edges.into_iter().map(Vec::into_boxed_slice).collect();
        edges.sort_unstable();
        edges.dedup();
        let prefixes = edges.iter().map(|edge| prefix(edge)).collect();
        Splitters { edges, prefixes }
    }

    /// At most `partitions` parts of about equally many of these sampled keys.
    ///
    /// # Panics
    /// If `partitions` is 0.
    #[must_use]
    pub fn sampled(mut keys: Vec<Vec<u8>>, partitions: u32) -> Splitters {
        assert!(partitions > 0, "there is at least one partition");
        keys.sort_unstable();
        let edge = |p: usize| keys[p * keys.len() / partitions as usize].clone();
        let edges: Vec<_> = if keys.is_empty() {
            Vec::new()
        } else {
            // The smallest key of all is no edge: nothing would be before it.
            (1..partitions as usize).map(edge).filter(|edge| *edge != keys[0]).collect()
        };
        Splitters::new(edges)
    }

    /// Number of partitions, at least 1.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.edges.len() as u32 + 1
    }

    /// The edges, ascending.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.edges.iter().map(|edge| &**edge)
    }

    /// The partition of a key.
    #[must_use]
    #[inline]
    pub fn of(&self, key: &[u8]) -> u32 {
        let first = prefix(key);
        let mut at = self.prefixes.partition_point(|edge| *edge < first);
        // Edges that begin alike are few.
        while at < self.edges.len() && self.prefixes[at] == first && *self.edges[at] <= *key {
            at += 1;
        }
        at as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(edges: &[&str]) -> Splitters {
        Splitters::new(edges.iter().map(|edge| edge.as_bytes().to_vec()))
    }

    #[test]
    fn a_key_is_in_the_part_whose_edges_are_around_it() {
        let splitters = of(&["b", "m", "abcdefghi", "abcdefghk"]);
        assert_eq!(splitters.partitions(), 5);
        let part = |key: &str| splitters.of(key.as_bytes());
        assert_eq!(["", "a", "abcdefgh", "abcdefghh"].map(part), [0; 4]);
        assert_eq!(["abcdefghi", "abcdefghj"].map(part), [1; 2]);
        assert_eq!(["abcdefghk", "az"].map(part), [2; 2]);
        assert_eq!(["b", "lzzzzzzzzzzz"].map(part), [3; 2]);
        assert_eq!(["m", "\u{ff}"].map(part), [4; 2]);
    }

    #[test]
    fn zeros_at_the_end_count() {
        let splitters = of(&["a\0"]);
        assert_eq!(["a", "a\0", "a\0\0", "b"].map(|key| splitters.of(key.as_bytes())), [0, 1, 1, 1]);
    }

    #[test]
    fn samples_are_cut_into_equal_parts() {
        let keys: Vec<_> = (0..1_000u32).map(|n| format!("{n:04}").into_bytes()).collect();
        let splitters = Splitters::sampled(keys.clone(), 8);
        let mut sizes = [0; 8];
        keys.iter().for_each(|key| sizes[splitters.of(key) as usize] += 1);
        assert_eq!(sizes, [125; 8]);
        let same = Splitters::sampled(vec![b"x".to_vec(); 100], 8);
        assert_eq!(same.partitions(), 1);
        assert_eq!(Splitters::sampled(Vec::new(), 8).partitions(), 1);
    }
}
