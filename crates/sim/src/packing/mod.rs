//! How well a node's choice of the next task packs: makespan of several rules over what no rule can beat.
//!
//! Tasks wait in their order; a rule sees the oldest task of each class in a window of so many classes, those whose
//! oldest tasks are the oldest. `bound.rs` has the lower bound and a schedule made from it, which is the best known
//! one wherever no rule finds a better one. `run.rs` runs a rule, and stops if a node is ever given more than it has.
//! `protocol.rs` does so with divvy itself: nodes that claim, hold and start, and a store that grants.

mod bound;
mod protocol;
mod run;

use crate::model::ModelStore;
use bound::Bound;
use divvy_core::{Demand, Rng};
use run::{Rule, run};
use std::fmt::Write;

/// Nodes, and units of each resource that one has.
const NODES: usize = 8;
const UNITS: u64 = 8;
const RESOURCES: [&str; 3] = ["cpus", "gpu", "mem"];
/// A task's mean time.
const MEAN: u64 = 1_000;

/// Amounts by resource.
type Amounts = [u64; 3];

/// Tasks of one class, and in which order all of them came.
#[derive(Debug, Clone)]
struct Case {
    name: &'static str,
    classes: Vec<Amounts>,
    /// Class and time of each task.
    tasks: Vec<(usize, u64)>,
}

const RULES: &[(&str, Rule)] = &[
    ("first come, first served", Rule::First { skips: false }),
    ("first that fits, all classes", Rule::First { skips: true }),
    ("largest that fits, 48 classes", Rule::Largest { window: 48 }),
    ("best fit, 1 class", Rule::Best { window: 1 }),
    ("best fit, 8 classes", Rule::Best { window: 8 }),
    ("best fit, 48 classes", Rule::Best { window: 48 }),
    ("best fit, all classes", Rule::Best { window: usize::MAX }),
];

/// Nodes and store together, by what a unit of time is. A round trip takes a millisecond.
const WHOLE: &[(&str, u64)] =
    &[("divvy, tasks of 1 s", 1_000_000), ("divvy, of 100 ms", 100_000), ("divvy, of 20 ms", 20_000)];

/// How long divvy takes for a case.
fn divvy(case: &Case, unit_ns: u64) -> f64 {
    protocol::run(case, unit_ns, &ModelStore::default())
}

/// The table: a line for each rule and for divvy itself, a column for each case.
///
/// # Panics
/// If a rule gives a node more than it has, or beats the lower bound.
#[must_use]
pub fn table(tasks: usize) -> String {
    let cases = cases(tasks);
    let bounds: Vec<Bound> = cases.iter().map(Bound::of).collect();
    let mut out = format!("{:<32}", "makespan / bound, / best known");
    for case in &cases {
        let _ = write!(out, "{:>18}", case.name);
    }
    let by_rule = |rule: &Rule| cases.iter().map(|case| run(case, *rule) as f64).collect();
    let by_time = |unit_ns: &u64| cases.iter().map(|case| divvy(case, *unit_ns)).collect();
    let mut spans: Vec<Vec<f64>> = RULES.iter().map(|(_, rule)| by_rule(rule)).collect();
    spans.extend(WHOLE.iter().map(|(_, unit_ns)| by_time(unit_ns)));
    let names = RULES.iter().map(|(name, _)| *name).chain(WHOLE.iter().map(|(name, _)| *name));
    let best = |nth: usize| spans.iter().map(|spans| spans[nth]).fold(bounds[nth].schedule, f64::min);
    for (name, spans) in names.zip(&spans) {
        let _ = write!(out, "\n{name:<32}");
        for (nth, span) in spans.iter().enumerate() {
            assert!(*span >= bounds[nth].lower * (1.0 - 1e-9), "{name} beats what cannot be beaten");
            let _ = write!(out, "{:>10.3} /{:>6.3}", span / bounds[nth].lower, span / best(nth));
        }
    }
    let _ = write!(out, "\n{:<32}", "best known");
    for (nth, bound) in bounds.iter().enumerate() {
        let _ = write!(out, "{:>10.3} /{:>6.3}", best(nth) / bound.lower, 1.0);
    }
    let _ = writeln!(out, "\n{tasks} tasks on {NODES} nodes with {UNITS} units of each resource");
    out
}

fn cases(tasks: usize) -> Vec<Case> {
    let mut rng = Rng::new(1);
    let any = |rng: &mut Rng| 1 + rng.below(UNITS);
    let three = |rng: &mut Rng| [any(rng), any(rng), any(rng)];
    let one = |rng: &mut Rng| [any(rng), 0, 0];
    let mixed = |rng: &mut Rng| {
        let (lo, n) = if rng.chance(0.2) { (5, 4) } else { (1, 2) };
        [lo + rng.below(n), lo + rng.below(n), lo + rng.below(n)]
    };
    let mut all = Vec::new();
    for (names, draw) in [
        (["3, equal", "3, random"], &three as &dyn Fn(&mut Rng) -> Amounts),
        (["1, equal", "1, random"], &one),
        (["mixed, equal", "mixed, random"], &mixed),
    ] {
        for (name, random) in names.into_iter().zip([false, true]) {
            all.push(Case::draw(name, tasks, random, &mut rng, draw));
        }
    }
    all
}

impl Case {
    fn draw(
        name: &'static str,
        tasks: usize,
        random: bool,
        rng: &mut Rng,
        draw: &dyn Fn(&mut Rng) -> Amounts,
    ) -> Case {
        let mut case = Case { name, classes: Vec::new(), tasks: Vec::new() };
        let mut known = std::collections::BTreeMap::new();
        for _ in 0..tasks {
            let amounts = draw(rng);
            let next = case.classes.len();
            let class = *known.entry(amounts).or_insert(next);
            if class == next {
                case.classes.push(amounts);
            }
            let time = if random { 1 + rng.below(2 * MEAN) } else { MEAN };
            case.tasks.push((class, time));
        }
        case
    }
}

fn demand(amounts: Amounts) -> Demand {
    RESOURCES.iter().zip(amounts).fold(Demand::new(), |demand, (name, amount)| demand.with(name, amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `divvy-sim packing` prints the whole table. Of three resources there are so many classes that a build without
    /// optimisation takes minutes for the bound.
    #[test]
    fn a_window_of_48_classes_packs_well() {
        for case in cases(2_000).into_iter().filter(|case| case.classes.len() < 100) {
            let bound = Bound::of(&case);
            let [best, first] = [Rule::Best { window: 48 }, Rule::First { skips: false }];
            let [best, first] = [best, first].map(|rule| run(&case, rule) as f64);
            assert!(best >= bound.lower && bound.schedule >= bound.lower, "{}: {bound:?}", case.name);
            assert!(best < 1.10 * bound.lower, "{}: {best}, {bound:?}", case.name);
            assert!(best < first, "{}", case.name);
        }
    }
}
