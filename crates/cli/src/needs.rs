//! From what tasks take to a job's classes.

use crate::exit::bad_usage;
use crate::lang::demand::{Ladder, shown};
use anyhow::Result;
use divvy_core::{Demand, Seq};
use divvy_store::{Class, Needs};
use std::collections::BTreeMap;

/// Gathers what the tasks of a job take, in the order of their seqs.
#[derive(Debug, Default)]
pub struct NeedsBuilder {
    needs: Needs,
    /// Where each ladder begins among the classes.
    known: BTreeMap<Ladder, u32>,
}

impl NeedsBuilder {
    /// From this seq on, until another one is named, tasks take this.
    pub fn from(&mut self, seq: Seq, ladder: &Ladder) {
        let class = match self.known.get(ladder) {
            Some(class) => *class,
            None => self.add(ladder),
        };
        if self.needs.starts.last().is_none_or(|(_, last)| *last != class) {
            self.needs.starts.push((seq, class));
        }
    }

    fn add(&mut self, ladder: &Ladder) -> u32 {
        let first = self.needs.classes.len() as u32;
        let mut steps = ladder.steps();
        if steps.is_empty() {
            steps.push(Demand::new());
        }
        let last = first + steps.len() as u32 - 1;
        let classes = steps.into_iter().zip(first..);
        let classes = classes.map(|(demand, at)| Class { demand, more: (at < last).then_some(at + 1) });
        self.needs.classes.extend(classes);
        self.known.insert(ladder.clone(), first);
        first
    }

    /// The classes; none if no task takes anything.
    pub fn build(self) -> Needs {
        if self.needs.classes.iter().all(|class| class.demand.is_empty()) {
            return Needs::default();
        }
        debug_assert!(self.needs.is_sane());
        self.needs
    }
}

/// Refuses what this capacity can never run.
///
/// # Errors
/// Bad usage, with both amounts.
pub fn check_fits(needs: &Needs, capacity: &Demand) -> Result<()> {
    let over = |demand: &Demand| {
        let lacking = demand.iter().find(|(name, amount)| *amount > capacity.get(name));
        lacking.map(|(name, amount)| (name.to_owned(), amount))
    };
    let Some((name, amount)) = needs.classes.iter().find_map(|class| over(&class.demand)) else {
        return Ok(());
    };
    let only = |amount| Demand::new().with(&name, amount);
    let has = match capacity.get(&name) {
        0 => format!("has no {name}"),
        there => format!("has {}", shown(&only(there))),
    };
    Err(bad_usage(format!(
        "a task takes {}, but this node {has}: it would never run here. Ask for less, or say what the node has with \
         --capacity {name}=...",
        shown(&only(amount))
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(cpus: &str, mem: &str) -> Ladder {
        let mut ladder = Ladder::default();
        ladder.add_cpus(cpus.as_bytes()).unwrap();
        ladder.add_mem(mem.as_bytes()).unwrap();
        ladder
    }

    #[test]
    fn equal_tasks_share_a_class_and_steps_are_linked() {
        let mut builder = NeedsBuilder::default();
        let ladders = [ladder("1", "1G,2G"), ladder("1", "1G,2G"), Ladder::default(), ladder("1", "1G,2G")];
        (0..).zip(&ladders).for_each(|(seq, ladder)| builder.from(seq, ladder));
        let needs = builder.build();
        assert!(needs.is_sane());
        assert_eq!(needs.starts, [(0, 0), (2, 2), (3, 0)]);
        let more: Vec<_> = needs.classes.iter().map(|class| class.more).collect();
        assert_eq!(more, [Some(1), None, None]);
        assert_eq!(needs.demand(1).get("mem"), 2 << 30);
    }

    #[test]
    fn who_takes_nothing_has_no_classes() {
        let mut builder = NeedsBuilder::default();
        builder.from(0, &Ladder::default());
        assert_eq!(builder.build(), Needs::default());
    }

    #[test]
    fn what_never_fits_is_refused_with_both_numbers() {
        let mut builder = NeedsBuilder::default();
        builder.from(0, &ladder("2", "1G,4G"));
        let needs = builder.build();
        let room = Demand::new().with("cpus", 2_000).with("mem", 4 << 30);
        check_fits(&needs, &room).unwrap();
        let said = check_fits(&needs, &room.clone().with("mem", 3 << 30)).unwrap_err().to_string();
        assert!(said.contains("mem=4G") && said.contains("mem=3G"), "{said}");
        let said = check_fits(&needs, &room.with("cpus", 0)).unwrap_err().to_string();
        assert!(said.contains("takes cpus=2") && said.contains("has no cpus"), "{said}");
    }
}
