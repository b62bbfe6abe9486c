//! The score of the tutorial, which `docs/parallel.md` prints, kept true.

use super::verdict::{Judged, Verdict, Verdicts};
use std::fmt::Write;

const DOCUMENT: &str = include_str!("../../../../../docs/parallel.md");
const VERDICTS: [Verdict; 4] = [Verdict::Same, Verdict::Different, Verdict::Missing, Verdict::Unfit];

#[test]
fn the_document_prints_this_score() {
    let table = table(&Verdicts::read());
    assert!(DOCUMENT.contains(&table), "docs/parallel.md has to hold this:\n\n{table}");
}

/// A row for each section, the sum, and the share of what is the same.
fn table(verdicts: &Verdicts) -> String {
    let mut table =
        String::from("| section | same | different | missing | not applicable |\n|---|--:|--:|--:|--:|\n");
    for (name, section) in verdicts.sections.iter().filter(|(_, section)| !section.is_empty()) {
        let name = name.replace("---", " --").replace('-', " ").replace("   ", " --");
        row(&mut table, name.trim(), section.values());
    }
    let all = verdicts.all().map(|(_, _, judged)| judged);
    row(&mut table, "**all**", all.clone());
    let count = |verdict| all.clone().filter(|judged| judged.verdict == verdict).count();
    let (same, taken) = (count(Verdict::Same), count(Verdict::Same) + count(Verdict::Different));
    let percent = 100 * same / taken;
    write!(table, "\nOf the {taken} that divvy takes, {same} are the same: {percent} %.\n")
        .expect("a string takes it");
    table
}

fn row<'a>(table: &mut String, name: &str, judged: impl Iterator<Item = &'a Judged> + Clone) {
    let counts = VERDICTS.map(|verdict| judged.clone().filter(|judged| judged.verdict == verdict).count());
    let cells = counts.map(|count| if count == 0 { " |".to_owned() } else { format!(" {count} |") });
    writeln!(table, "| {name} |{}", cells.concat()).expect("a string takes anything");
}
