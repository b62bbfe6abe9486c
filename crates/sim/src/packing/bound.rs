//! What no rule can beat, and a schedule that comes close to it.
//!
//! A *configuration* is a multiset of classes that fits into a node. However tasks are scheduled, each node is in some
//! configuration at each moment, so the time that all nodes need together is at least the least total time of
//! configurations in which every class runs as long as all its tasks take: a linear program (Gilmore and Gomory 1961,
//! for stock that is cut). It is solved by the revised simplex method; the next configuration is found by dynamic
//! programming over the room. Any prices give a lower bound (Farley 1990), so rounding cannot make it too high.

use super::run::{Rule, run};
use super::{Amounts, Case, NODES, UNITS};

/// Room in steps of one unit: the states of the dynamic program.
const SIDE: usize = UNITS as usize + 1;
/// More steps than any case needs; the bound holds after any number.
const STEPS_MAX: usize = 20_000;

/// What a case comes to at best.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// No schedule is shorter.
    pub(super) lower: f64,
    /// The makespan of the schedule that follows the program's solution.
    pub(super) schedule: f64,
}

impl Bound {
    pub(super) fn of(case: &Case) -> Bound {
        let mut work = vec![0.0; case.classes.len()];
        case.tasks.iter().for_each(|(class, time)| work[*class] += *time as f64);
        let longest = case.tasks.iter().map(|(_, time)| *time).max().unwrap_or(0) as f64;
        let (lower, configurations) = Program::new(&case.classes, &work).solve(&work);
        let lower = (lower / NODES as f64).max(longest);
        Bound { lower, schedule: follow(case, &configurations) }
    }
}

/// So often each class.
type Configuration = Vec<(usize, u32)>;

struct Program<'a> {
    classes: &'a [Amounts],
    basis: Vec<Configuration>,
    /// Time of each configuration of the basis.
    times: Vec<f64>,
    /// The inverse of the basis, row by row.
    inverse: Vec<Vec<f64>>,
    prices: Vec<f64>,
}

impl<'a> Program<'a> {
    /// Begins with each class for itself, as often as it fits.
    fn new(classes: &'a [Amounts], work: &[f64]) -> Program<'a> {
        let n = classes.len();
        let often: Vec<u32> = classes
            .iter()
            .map(|amounts| amounts.iter().filter(|a| **a > 0).map(|a| UNITS / a).min().unwrap_or(1) as u32)
            .collect();
        let mut inverse = vec![vec![0.0; n]; n];
        (0..n).for_each(|at| inverse[at][at] = 1.0 / f64::from(often[at]));
        Program {
            classes,
            basis: often.iter().enumerate().map(|(class, n)| vec![(class, *n)]).collect(),
            times: work.iter().zip(&often).map(|(work, n)| work / f64::from(*n)).collect(),
            inverse,
            prices: often.iter().map(|n| 1.0 / f64::from(*n)).collect(),
        }
    }

    /// The bound on the total time, and the configurations with their times.
    fn solve(mut self, work: &[f64]) -> (f64, Vec<(Configuration, f64)>) {
        let mut lower: f64 = 0.0;
        for _ in 0..STEPS_MAX {
            let (value, configuration) = self.best_configuration();
            let total: f64 = self.prices.iter().zip(work).map(|(price, work)| price.max(0.0) * work).sum();
            lower = lower.max(total / value.max(1.0));
            if value <= 1.0 + 1e-7 {
                break;
            }
            self.enter(configuration, value);
        }
        let used = self.basis.into_iter().zip(self.times).filter(|(_, time)| *time > 1e-6);
        (lower, used.collect())
    }

    /// The configuration that is worth most at the present prices: a knapsack in three dimensions.
    fn best_configuration(&self) -> (f64, Configuration) {
        let at = |room: Amounts| (room[0] as usize * SIDE + room[1] as usize) * SIDE + room[2] as usize;
        let worth: Vec<(usize, f64)> =
            self.prices.iter().copied().enumerate().filter(|(_, price)| *price > 0.0).collect();
        let mut best = vec![(0.0, usize::MAX); SIDE * SIDE * SIDE];
        for a in 0..=UNITS {
            for b in 0..=UNITS {
                for c in 0..=UNITS {
                    let mut here = (0.0, usize::MAX);
                    for (class, price) in &worth {
                        let [x, y, z] = self.classes[*class];
                        if x <= a && y <= b && z <= c {
                            let value = price + best[at([a - x, b - y, c - z])].0;
                            if value > here.0 {
                                here = (value, *class);
                            }
                        }
                    }
                    best[at([a, b, c])] = here;
                }
            }
        }
        let (mut room, mut often) = ([UNITS; 3], std::collections::BTreeMap::new());
        while best[at(room)].1 != usize::MAX {
            let class = best[at(room)].1;
            *often.entry(class).or_insert(0) += 1;
            (0..3).for_each(|r| room[r] -= self.classes[class][r]);
        }
        (best[at([UNITS; 3])].0, often.into_iter().collect())
    }

    /// Takes a configuration into the basis, for the one that it drives to nothing first.
    fn enter(&mut self, configuration: Configuration, value: f64) {
        let n = self.times.len();
        let column: Vec<f64> = (0..n)
            .map(|row| configuration.iter().map(|(class, k)| self.inverse[row][*class] * f64::from(*k)).sum())
            .collect();
        let ratio = |row: &usize| self.times[*row] / column[*row];
        let rows = (0..n).filter(|row| column[*row] > 1e-9);
        let out = rows.min_by(|a, b| ratio(a).total_cmp(&ratio(b))).expect("times are bounded");
        let step = self.times[out].max(0.0) / column[out];
        let pivot: Vec<f64> = self.inverse[out].iter().map(|x| x / column[out]).collect();
        for row in (0..n).filter(|row| *row != out && column[*row] != 0.0) {
            let factor = column[row];
            self.inverse[row].iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
            self.times[row] -= factor * step;
        }
        // A configuration costs one; what it is worth above that is what prices have to fall by.
        self.prices.iter_mut().zip(&pivot).for_each(|(price, p)| *price += (1.0 - value) * p);
        self.times[out] = step;
        self.inverse[out] = pivot;
        self.basis[out] = configuration;
    }
}

/// The makespan if nodes go through the configurations, each as long as the program says, and what does not fit into
/// that comes after it.
fn follow(case: &Case, configurations: &[(Configuration, f64)]) -> f64 {
    let mut left = vec![Vec::new(); case.classes.len()];
    case.tasks.iter().for_each(|(class, time)| left[*class].push(*time));
    // The longest last, so that they are taken first.
    left.iter_mut().for_each(|times| times.sort_unstable());
    let mut segments: Vec<u64> =
        configurations.iter().map(|(c, time)| segment(case, c, *time, &mut left)).collect();
    segments.sort_unstable_by_key(|length| std::cmp::Reverse(*length));
    let mut nodes = [0u64; NODES];
    for length in segments {
        *nodes.iter_mut().min().expect("there are nodes") += length;
    }
    let mut tasks: Vec<(usize, u64)> = left
        .iter()
        .enumerate()
        .flat_map(|(class, times)| times.iter().map(move |time| (class, *time)))
        .collect();
    tasks.sort_unstable_by_key(|(_, time)| std::cmp::Reverse(*time));
    let rest = Case { tasks, ..case.clone() };
    (nodes.iter().max().expect("there are nodes") + run(&rest, Rule::Best { window: usize::MAX })) as f64
}

/// Runs tasks side by side as a configuration has them, for about this time; returns how long it took.
fn segment(case: &Case, configuration: &Configuration, time: f64, left: &mut [Vec<u64>]) -> u64 {
    let mut all = [0; 3];
    let mut length = 0;
    for (class, n) in configuration {
        (0..3).for_each(|r| all[r] += u64::from(*n) * case.classes[*class][r]);
        for _ in 0..*n {
            let mut lane = 0u64;
            // A task that would stick out by more than half is better off elsewhere.
            while let Some(next) = left[*class].pop_if(|next| lane as f64 + *next as f64 / 2.0 <= time) {
                lane += next;
            }
            length = length.max(lane);
        }
    }
    assert!(all.iter().all(|amount| *amount <= UNITS), "{configuration:?} does not fit into a node");
    length
}
