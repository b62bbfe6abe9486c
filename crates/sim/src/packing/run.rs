//! A rule at work: nodes, what runs on them, and which task starts next.

use super::{Amounts, Case, NODES, RESOURCES, UNITS, demand};
use divvy_core::Demand;
use divvy_decide::pack;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// How the next task of a node is chosen.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// The oldest; if it `skips`, the oldest that fits.
    First { skips: bool },
    /// Among so many classes, the one that takes most.
    Largest { window: usize },
    /// As a node chooses: [`pack::choose_fairly`].
    Best { window: usize },
}

/// Runs all tasks of a case and returns when the last has ended.
pub(super) fn run(case: &Case, rule: Rule) -> u64 {
    let mut hall = Hall::new(case);
    let window = match rule {
        Rule::First { skips: false } => 1,
        Rule::First { skips: true } => usize::MAX,
        Rule::Largest { window } | Rule::Best { window } => window,
    };
    let sees_all = window >= case.classes.len();
    let mut changed: Vec<usize> = (0..NODES).collect();
    loop {
        // A start brings another class into a window that does not hold all: then others may find something too.
        while let Some(node) = changed.pop() {
            let mut any = false;
            while let Some(class) = hall.choose(node, rule, window) {
                hall.start(node, class);
                any = true;
            }
            if any && !sees_all {
                changed = (0..NODES).filter(|other| *other != node).collect();
            }
        }
        let Some(now) = hall.next_end() else { break };
        changed = hall.end(now);
    }
    assert!(hall.oldest.is_empty(), "tasks are left, and nothing runs");
    hall.now
}

struct Hall<'a> {
    case: &'a Case,
    demands: Vec<Demand>,
    capacity: Demand,
    rooms: Vec<Demand>,
    free: Vec<Amounts>,
    /// Waiting tasks by class, in the order in which they came.
    waiting: Vec<VecDeque<usize>>,
    /// The classes by their oldest task.
    oldest: BTreeMap<usize, usize>,
    started: u64,
    /// Tasks started when it was last the turn of an overdue one.
    turn: u64,
    /// The node that keeps its room free for an overdue task.
    keeper: Option<usize>,
    running: BinaryHeap<Reverse<(u64, usize, usize)>>,
    now: u64,
}

impl<'a> Hall<'a> {
    fn new(case: &'a Case) -> Hall<'a> {
        let mut waiting = vec![VecDeque::new(); case.classes.len()];
        for (task, (class, _)) in case.tasks.iter().enumerate() {
            waiting[*class].push_back(task);
        }
        let capacity = demand([UNITS; 3]);
        Hall {
            case,
            demands: case.classes.iter().map(|amounts| demand(*amounts)).collect(),
            rooms: vec![capacity.clone(); NODES],
            capacity,
            free: vec![[UNITS; 3]; NODES],
            oldest: waiting.iter().enumerate().filter_map(|(at, list)| Some((*list.front()?, at))).collect(),
            waiting,
            started: 0,
            turn: 0,
            keeper: None,
            running: BinaryHeap::new(),
            now: 0,
        }
    }

    fn fits(&self, node: usize, class: usize) -> bool {
        self.case.classes[class].iter().zip(self.free[node]).all(|(amount, free)| *amount <= free)
    }

    /// The class of which a task starts next on this node.
    fn choose(&mut self, node: usize, rule: Rule, window: usize) -> Option<usize> {
        let seen = self.oldest.iter().map(|(task, class)| (*task, *class)).take(window);
        match rule {
            Rule::First { .. } => {
                seen.filter(|(_, class)| self.fits(node, *class)).map(|(_, class)| class).next()
            }
            Rule::Largest { .. } => {
                let size = |class: usize| self.case.classes[class].iter().sum::<u64>();
                let fitting = seen.filter(|(_, class)| self.fits(node, *class));
                fitting.max_by_key(|(task, class)| (size(*class), Reverse(*task))).map(|(_, class)| class)
            }
            Rule::Best { .. } => {
                // One node at a time keeps room free; on the others nothing is overdue meanwhile.
                let others = self.keeper.is_some_and(|keeper| keeper != node);
                let passes = |task| if others { 0 } else { self.passes(task) };
                // What cannot be chosen is left out before the choice, which is slower at finding that out.
                let may = |(task, class): &(usize, usize)| {
                    passes(*task) >= pack::PASSES_MAX || self.fits(node, *class)
                };
                let seen: Vec<(usize, usize)> = seen.filter(may).collect();
                let waiting = seen.iter().map(|(task, class)| (&self.demands[*class], passes(*task)));
                match pack::choose_fairly(&self.rooms[node], &self.capacity, waiting) {
                    pack::Choice::Start(at) => Some(seen[at].1),
                    pack::Choice::KeepFree(_) => {
                        self.keeper = Some(node);
                        None
                    }
                    pack::Choice::Nothing => None,
                }
            }
        }
    }

    /// Tasks that came later and were started before it since the last turn; exact for the oldest, which has most.
    fn passes(&self, task: usize) -> u64 {
        self.started.saturating_sub(self.turn.max(task as u64))
    }

    fn start(&mut self, node: usize, class: usize) {
        let task = self.waiting[class].pop_front().expect("it was chosen");
        if self.oldest.first_key_value().is_some_and(|(oldest, _)| *oldest == task) {
            if self.passes(task) >= pack::PASSES_MAX {
                self.turn = self.started;
            }
            self.keeper = None;
        }
        self.oldest.remove(&task);
        self.oldest.extend(self.waiting[class].front().map(|next| (*next, class)));
        // Panics if there is not so much.
        self.rooms[node].take(&self.demands[class], 1);
        let amounts = self.case.classes[class];
        for (at, amount) in amounts.into_iter().enumerate() {
            self.free[node][at] = self.free[node][at].checked_sub(amount).expect("more than the node has");
            assert_eq!(self.free[node][at], self.rooms[node].get(RESOURCES[at]));
        }
        self.running.push(Reverse((self.now + self.case.tasks[task].1, node, class)));
        self.started += 1;
    }

    fn next_end(&self) -> Option<u64> {
        self.running.peek().map(|Reverse((at, ..))| *at)
    }

    /// Ends what ends now, and says on which nodes.
    fn end(&mut self, now: u64) -> Vec<usize> {
        self.now = now;
        let mut nodes = Vec::new();
        while let Some(Reverse((at, node, class))) = self.running.peek().copied() {
            if at > now {
                break;
            }
            self.running.pop();
            self.rooms[node].put(&self.demands[class], 1);
            let amounts = self.case.classes[class];
            amounts.into_iter().enumerate().for_each(|(at, amount)| self.free[node][at] += amount);
            if nodes.last() != Some(&node) {
                nodes.push(node);
            }
        }
        nodes
    }
}
