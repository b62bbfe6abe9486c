//! The table of a study, for people and as Markdown.

use super::ladder::Typical;
use super::study::{Alone, Row, Study};
use crate::figures::{number, percent, time};
use crate::table::Table;

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
        let cost = |shown: fn(&Typical) -> String| row.cost.as_ref().map(shown).unwrap_or_default();
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
