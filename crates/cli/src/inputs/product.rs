//! Several sources together: linked one by one, or all combinations. A combination is made when it is asked for, so
//! that a million times a million of them take no more memory than the two sources.

use super::rows::{Row, Rows};
use crate::exit::bad_usage;
use anyhow::Result;
use divvy_core::Rng;

/// Rows made at once.
const ROWS_AT_ONCE: u64 = 1_024;
/// Most combinations that are put in random order: each takes 8 bytes of memory.
const SHUFFLED_MAX: u64 = 1 << 27;

/// Sources of which all combinations are taken, the last one fastest.
#[derive(Debug)]
pub struct Product {
    groups: Vec<Group>,
    at: u64,
    total: u64,
    /// Which combination comes when, if not in order.
    order: Option<Vec<u64>>,
}

/// Sources that go together, one input of each.
#[derive(Debug)]
struct Group {
    sources: Vec<Vec<Row>>,
    len: usize,
}

/// A source, read.
#[derive(Debug)]
pub struct Read {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Goes with the source before it.
    pub is_linked: bool,
}

impl Product {
    /// All combinations. With `link` all sources go together and short ones start over; sources that are linked by
    /// themselves end with the shortest. Where others have inputs, an empty source counts as one empty input, as in
    /// GNU parallel.
    ///
    /// # Errors
    /// Bad usage: more combinations than 64 bits count.
    pub fn new(mut sources: Vec<Read>, link: bool) -> Result<Product> {
        if sources.iter().any(|source| !source.rows.is_empty()) {
            let empty = sources.iter_mut().filter(|source| source.rows.is_empty());
            empty.for_each(|source| source.rows.push(vec![Vec::new()]));
        }
        let mut groups: Vec<Group> = Vec::new();
        for Read { rows, is_linked } in sources {
            let len = rows.len();
            match groups.last_mut() {
                Some(group) if link || is_linked => {
                    group.len = if link { group.len.max(len) } else { group.len.min(len) };
                    group.sources.push(rows);
                }
                _ => groups.push(Group { sources: vec![rows], len }),
            }
        }
        let total = groups.iter().try_fold(1u64, |total, group| total.checked_mul(group.len as u64));
        let total =
            total.ok_or_else(|| bad_usage("the sources have more combinations than can be counted"))?;
        Ok(Product { groups, at: 0, total, order: None })
    }

    /// How many.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Puts them in random order.
    ///
    /// # Errors
    /// Bad usage: there are too many for the memory this takes.
    pub fn shuffle(&mut self, rng: &mut Rng) -> Result<()> {
        if self.total > SHUFFLED_MAX {
            let many = self.total;
            return Err(bad_usage(format!(
                "--shuf: {many} tasks are too many, at most {SHUFFLED_MAX} can be shuffled"
            )));
        }
        let mut order: Vec<u64> = (0..self.total).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, rng.below(last as u64 + 1) as usize);
        }
        self.order = Some(order);
        Ok(())
    }

    fn row(&self, nth: u64) -> Row {
        let mut rest = self.order.as_ref().map_or(nth, |order| order[nth as usize]);
        let mut places: Vec<(usize, &Group)> = Vec::with_capacity(self.groups.len());
        for group in self.groups.iter().rev() {
            places.push(((rest % group.len as u64) as usize, group));
            rest /= group.len as u64;
        }
        let sources =
            places.iter().rev().flat_map(|(nth, group)| group.sources.iter().map(move |s| &s[nth % s.len()]));
        sources.flatten().cloned().collect()
    }
}

impl Rows for Product {
    fn next(&mut self, into: &mut Vec<Row>) -> Result<bool> {
        let to = self.total.min(self.at + ROWS_AT_ONCE);
        into.extend((self.at..to).map(|nth| self.row(nth)));
        let more = self.at < to;
        self.at = to;
        Ok(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sources as text: `a b` is one, `+1 2` one that is linked.
    fn product(sources: &[&str], link: bool) -> Product {
        let sources = sources.iter().map(|text| Read {
            rows: text
                .trim_start_matches('+')
                .split_whitespace()
                .map(|w| vec![w.as_bytes().to_vec()])
                .collect(),
            is_linked: text.starts_with('+'),
        });
        Product::new(sources.collect(), link).unwrap()
    }

    fn all(mut product: Product) -> Vec<String> {
        let mut rows = Vec::new();
        while product.next(&mut rows).unwrap() {}
        rows.iter().map(|row| String::from_utf8(row.join(&b' ')).unwrap()).collect()
    }

    #[test]
    fn the_last_source_varies_fastest() {
        assert_eq!(all(product(&["a b", "1 2 3"], false)), ["a 1", "a 2", "a 3", "b 1", "b 2", "b 3"]);
        assert_eq!(all(product(&["a b"], false)), ["a", "b"]);
        assert_eq!(all(product(&[""], false)), [""; 0]);
    }

    #[test]
    fn linked_sources_go_together_and_end_with_the_shortest() {
        assert_eq!(all(product(&["a b c", "+1 2"], false)), ["a 1", "b 2"]);
        assert_eq!(all(product(&["a b", "+1 2 3"], false)), ["a 1", "b 2"]);
        assert_eq!(all(product(&["X Y", "a b", "+1 2"], false)), ["X a 1", "X b 2", "Y a 1", "Y b 2"]);
    }

    #[test]
    fn with_link_short_sources_start_over() {
        assert_eq!(all(product(&["a b c", "1 2", "X"], true)), ["a 1 X", "b 2 X", "c 1 X"]);
        assert_eq!(all(product(&["a b", "1 2 3", "+X Y"], true)), ["a 1 X", "b 2 Y", "a 3 X"]);
    }

    #[test]
    fn an_empty_source_among_others_is_one_empty_input() {
        assert_eq!(all(product(&["a b", ""], false)), ["a ", "b "]);
        assert_eq!(all(product(&["", ""], false)), [""; 0]);
    }

    #[test]
    fn combinations_are_made_when_asked_for() {
        let many = (0..3_000).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let mut product = product(&[many.as_str(); 5], false);
        assert_eq!(product.total(), 3_000u64.pow(5));
        let mut rows = Vec::new();
        assert!(product.next(&mut rows).unwrap());
        assert_eq!(rows.len() as u64, ROWS_AT_ONCE);
        let beyond = vec![
            Read { rows: vec![vec![]; 3_000], is_linked: false },
            Read { rows: vec![vec![]; 3_000], is_linked: false },
        ];
        let six =
            beyond.into_iter().chain((0..4).map(|_| Read { rows: vec![vec![]; 3_000], is_linked: false }));
        assert!(Product::new(six.collect(), false).is_err());
    }

    #[test]
    fn a_random_order_has_each_combination_once() {
        let mut shuffled = product(&["a b c d e f g h", "1 2 3 4 5 6 7 8"], false);
        shuffled.shuffle(&mut Rng::new(7)).unwrap();
        let order = all(shuffled);
        let mut sorted = order.clone();
        sorted.sort();
        assert_eq!(sorted, all(product(&["a b c d e f g h", "1 2 3 4 5 6 7 8"], false)));
        assert_ne!(order, sorted);
    }
}
