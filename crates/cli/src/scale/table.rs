//! The table of a study, for people and as Markdown.

use super::study::{Alone, Row, Study};
use crate::figures::{number, percent, time};

/// A table: its head, and its lines.
pub struct Table {
    head: Vec<String>,
    lines: Vec<Vec<String>>,
}

impl Table {
    /// With these columns.
    pub fn new(head: &[&str]) -> Table {
        Table { head: head.iter().map(|&name| name.into()).collect(), lines: Vec::new() }
    }

    /// One more line.
    pub fn line(&mut self, cells: Vec<String>) {
        self.lines.push(cells);
    }

    /// For a terminal: columns as wide as they need to be, to the right.
    pub fn text(&self) -> String {
        let all = || std::iter::once(&self.head).chain(&self.lines);
        let width = |column: usize| all().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.head.len()).map(width).collect();
        let shown = |line: &Vec<String>| {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
            format!("  {}\n", cells.collect::<Vec<_>>().join("  "))
        };
        all().map(shown).collect()
    }

    /// For a page.
    pub fn markdown(&self) -> String {
        let row = |line: &Vec<String>| format!("| {} |\n", line.join(" | "));
        let rule = format!("|{}\n", "---:|".repeat(self.head.len()));
        std::iter::once(row(&self.head) + &rule).chain(self.lines.iter().map(row)).collect()
    }
}

/// A study's table.
pub fn of(study: &Study) -> Table {
    let measured = if study.unit.is_empty() { "measured".into() } else { format!("measured {}", study.unit) };
    let mut head = vec!["n", &measured, "min .. max"];
    let has_law = study.fit.is_ok();
    if has_law {
        head.push("law");
    }
    head.push("efficiency");
    let has_costs = study.rows.iter().any(|row| row.cost.is_some());
    if has_costs {
        head.extend(["time", "cpu time", "cores", "switches: waits", "taken off"]);
    }
    let mut table = Table::new(&head);
    for row in &study.rows {
        table.line(cells(row, has_law, has_costs));
    }
    table
}

fn cells(row: &Row, has_law: bool, has_costs: bool) -> Vec<String> {
    let range =
        if row.runs > 1 { format!("{} .. {}", number(row.low), number(row.high)) } else { "one run".into() };
    let mut cells = vec![number(row.n), number(row.x), range];
    if has_law {
        cells.push(row.predicted.map(number).unwrap_or_default());
    }
    cells.push(percent(row.efficiency));
    if has_costs {
        let cost =
            |shown: fn(&super::ladder::Typical) -> String| row.cost.as_ref().map(shown).unwrap_or_default();
        cells.push(cost(|c| time(c.wall_s)));
        cells.push(cost(|c| time(c.cpu_s)));
        cells.push(cost(|c| format!("{:.2}", c.cpu_s / c.wall_s)));
        cells.push(cost(|c| number(c.voluntary.round())));
        cells.push(cost(|c| number(c.involuntary.round())));
    }
    cells
}

/// What the efficiency in it is of.
pub fn efficiency_of(study: &Study) -> String {
    match study.alone {
        Alone::Measured(rate) => {
            format!("efficiency: of n times what one worker does ({})", study.rate(rate))
        }
        Alone::Law(rate) => {
            format!("efficiency: of n times what one worker would do by the law ({})", study.rate(rate))
        }
        Alone::Fewest(rate, n) => {
            format!("efficiency: of n times what each of {} does ({})", number(n), study.rate(rate))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_need_be() {
        let mut table = Table::new(&["n", "rate"]);
        table.line(vec!["1".into(), "10".into()]);
        table.line(vec!["100".into(), "7".into()]);
        assert_eq!(table.text(), "    n  rate\n    1    10\n  100     7\n");
        assert_eq!(table.markdown(), "| n | rate |\n|---:|---:|\n| 1 | 10 |\n| 100 | 7 |\n");
    }
}
