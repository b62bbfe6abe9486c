//! The account over time, as bars of letters: one line for each stretch, one letter for each state.
//!
//! Letters instead of colours and blocks: they can be read in a log, by a screen reader and by `grep`.

use super::sum::ratio;
use super::text::span;
use crate::table::Table;
use divvy_core::{Account, Millis, State};
use divvy_store::Observation;

/// Lines of a chart.
const LINES: usize = 24;
/// Letters of a bar.
const WIDTH: usize = 50;

/// What is shown of a state.
fn letter(state: State) -> char {
    match state {
        State::Run => '#',
        State::Spawn => 'S',
        State::Claim => 'c',
        State::Report => 'r',
        State::Steal => 's',
        State::Lock => 'l',
        State::HeldBack => 'h',
        State::Idle => '.',
        State::Starved => '-',
        State::Parked => ' ',
    }
}

/// A stretch of time.
#[derive(Debug, Clone, Default)]
pub struct Stretch {
    /// When it begins.
    pub from: Millis,
    /// When it ends.
    pub until: Millis,
    /// Worker time by state.
    pub account: Account,
    /// Worker time that there was.
    pub offered_ns: u64,
    /// Attempts that ended.
    pub tasks: f64,
}

/// At most so many stretches of equal length over all that was seen. A window that lies in several is divided among
/// them by time.
pub fn stretches(seen: &[Observation]) -> Vec<Stretch> {
    let Some(begin) = seen.iter().map(|seen| seen.from).min() else { return Vec::new() };
    let end = seen.iter().map(|seen| seen.until).max().unwrap_or(begin).max(begin + 1);
    // No finer than what was kept.
    let finest = seen.iter().map(|seen| seen.until.saturating_sub(seen.from)).max().unwrap_or(1).max(1);
    let count = ((end - begin).div_ceil(finest) as usize).clamp(1, LINES);
    let at = |n: usize| begin + (end - begin) * n as u64 / count as u64;
    (0..count)
        .map(|n| {
            let mut stretch = Stretch { from: at(n), until: at(n + 1), ..Stretch::default() };
            seen.iter().for_each(|seen| stretch.add(seen));
            stretch
        })
        .collect()
}

impl Stretch {
    fn add(&mut self, seen: &Observation) {
        let until = seen.until.max(seen.from + 1);
        let within = until.min(self.until).saturating_sub(seen.from.max(self.from));
        if within > 0 {
            let whole = until - seen.from;
            self.account.merge(&seen.account.share(within, whole));
            self.offered_ns += (u128::from(seen.offered_ns) * u128::from(within) / u128::from(whole)) as u64;
            self.tasks += seen.tasks as f64 * within as f64 / whole as f64;
        }
    }

    /// Workers on average.
    pub fn workers(&self) -> f64 {
        ratio(self.offered_ns as f64, (self.until - self.from) as f64 * 1e6)
    }

    /// The share of a state.
    pub fn share(&self, state: State) -> f64 {
        ratio(self.account.get(state) as f64, self.offered_ns as f64)
    }

    /// A bar whose letters are divided among the states by what is left after rounding.
    fn bar(&self) -> String {
        let (mut bar, mut sum) = (String::new(), 0.0);
        for state in State::ALL {
            sum += self.share(state) * WIDTH as f64;
            let more = (sum.round() as usize).min(WIDTH).saturating_sub(bar.len());
            bar.extend(std::iter::repeat_n(letter(state), more));
        }
        format!("{bar:<WIDTH$}")
    }
}

/// The chart, with a legend of the letters that occur.
pub fn chart(seen: &[Observation]) -> String {
    let stretches = stretches(seen);
    let Some(first) = stretches.first() else { return String::new() };
    let begin = first.from;
    let mut table = Table::new(&["from", "", "run", "workers", "tasks/s"]);
    for stretch in &stretches {
        let tasks = stretch.tasks * 1e3 / (stretch.until - stretch.from).max(1) as f64;
        table.line(vec![
            span((stretch.from - begin) * 1_000_000),
            format!("|{}|", stretch.bar()),
            format!("{:.0} %", 100.0 * stretch.share(State::Run)),
            format!("{:.1}", stretch.workers()),
            format!("{tasks:.1}"),
        ]);
    }
    let occurs = |state: &State| stretches.iter().any(|stretch| stretch.bar().contains(letter(*state)));
    let legend: Vec<_> = State::ALL
        .into_iter()
        .filter(|state| *state != State::Parked && occurs(state))
        .map(|state| format!("{} {}", letter(state), state.name()))
        .collect();
    format!("\n{}  {}\n", table.text(), legend.join("   "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(from: Millis, until: Millis, run: f64) -> Observation {
        let offered_ns = 2 * (until - from) * 1_000_000;
        let mut seen =
            Observation { from, until, workers: 2, offered_ns, tasks: 10, ..Observation::default() };
        let run_ns = (offered_ns as f64 * run) as u64;
        seen.account.add(State::Run, run_ns);
        seen.account.add(State::Idle, offered_ns - run_ns);
        seen
    }

    #[test]
    fn stretches_divide_what_was_seen_by_time() {
        let found = stretches(&[seen(0, 1_000, 1.0), seen(1_000, 3_000, 0.5)]);
        let told: Vec<_> = found.iter().map(|s| (s.from, s.until, s.tasks, s.workers())).collect();
        assert_eq!(told, [(0, 1_500, 12.5, 2.0), (1_500, 3_000, 7.5, 2.0)]);
        let run: f64 = found.iter().map(|s| s.account.seconds(State::Run)).sum();
        assert!((run - 4.0).abs() < 1e-6);
        assert!(stretches(&[]).is_empty());
        let many: Vec<_> = (0..100).map(|n| seen(n * 10, n * 10 + 10, 0.5)).collect();
        assert_eq!(stretches(&many).len(), LINES);
    }

    #[test]
    fn a_bar_has_a_letter_for_each_share() {
        let chart = chart(&[seen(0, 1_000, 0.75)]);
        let bar = format!("|{}{}|", "#".repeat(38), ".".repeat(12));
        assert!(chart.contains(&format!("{bar}  75 %      2.0     10.0\n")), "{chart}");
        assert!(chart.contains("# run   . idle") && !chart.contains("claim"), "{chart}");
    }
}
