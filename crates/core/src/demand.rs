//! What a task takes of its node while it runs, and what a node has: amounts by the name of the resource.
//!
//! Amounts are whole numbers in the resource's smallest unit: bytes of memory, thousandths of everything else (a
//! task may take half a core or half a card).

use std::fmt;

/// The resource that counts cores, in thousandths.
pub const CPUS: &str = "cpus";
/// The resource that counts memory, in bytes.
pub const MEM: &str = "mem";
/// Units in one core, or in one of any other resource but memory.
pub const WHOLE: u64 = 1_000;

/// Amounts of resources. Ascending by name, each name once, none of them 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub struct Demand(Vec<(String, u64)>);

impl Demand {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Demand {
        Demand(Vec::new())
    }

    /// The same with this amount of one resource, in place of what it had; 0 takes it out.
    #[must_use]
    pub fn with(mut self, name: &str, amount: u64) -> Demand {
        match (self.place(name), amount) {
            (Ok(at), 0) => drop(self.0.remove(at)),
            (Ok(at), amount) => self.0[at].1 = amount,
            (Err(_), 0) => {}
            (Err(at), amount) => self.0.insert(at, (name.to_owned(), amount)),
        }
        self
    }

    /// The amount of a resource, 0 where it is not named.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.place(name).map_or(0, |at| self.0[at].1)
    }

    /// Name and amount, ascending by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), *amount))
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this much of everything is there.
    #[must_use]
    pub fn fits(&self, room: &Demand) -> bool {
        self.iter().all(|(name, amount)| amount <= room.get(name))
    }

    /// How many times it fits; `u64::MAX` for nothing.
    #[must_use]
    pub fn times(&self, room: &Demand) -> u64 {
        self.iter().map(|(name, amount)| room.get(name) / amount).min().unwrap_or(u64::MAX)
    }

    /// Takes `n` times that much away.
    ///
    /// # Panics
    /// If there is not so much: whoever takes has looked before.
    pub fn take(&mut self, other: &Demand, n: u64) {
        for (name, amount) in other.iter() {
            let left = self.get(name).checked_sub(amount * n).expect("more is taken than there is");
            self.set(name, left);
        }
    }

    /// Puts `n` times that much back.
    pub fn put(&mut self, other: &Demand, n: u64) {
        for (name, amount) in other.iter() {
            self.set(name, self.get(name).saturating_add(amount.saturating_mul(n)));
        }
    }

    fn set(&mut self, name: &str, amount: u64) {
        *self = std::mem::take(self).with(name, amount);
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
}

impl fmt::Display for Demand {
    /// As people write it: `cpus=2 gpu=0.5 mem=1048576`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, amount)) in self.iter().enumerate() {
            let space = if at > 0 { " " } else { "" };
            match name {
                MEM => write!(f, "{space}{name}={amount}")?,
                _ => write!(f, "{space}{name}={}", amount as f64 / WHOLE as f64)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_and_putting_back_leaves_what_was_there() {
        let all = Demand::new().with("gpu", 1_000).with(CPUS, 4_000).with(MEM, 10);
        let task = Demand::new().with(CPUS, 1_500).with("gpu", 500);
        assert_eq!((task.times(&all), Demand::new().times(&all)), (2, u64::MAX));
        let mut room = all.clone();
        room.take(&task, 2);
        assert_eq!((room.get("gpu"), room.get(CPUS), room.get(MEM)), (0, 1_000, 10));
        assert!(!task.fits(&room) && Demand::new().with(CPUS, 1_000).fits(&room));
        room.put(&task, 2);
        assert_eq!(room, all);
        assert_eq!(room.to_string(), "cpus=4 gpu=1 mem=10");
    }

    #[test]
    #[should_panic(expected = "more is taken")]
    fn nobody_takes_what_is_not_there() {
        Demand::new().with(CPUS, 1).take(&Demand::new().with(CPUS, 1), 2);
    }
}
