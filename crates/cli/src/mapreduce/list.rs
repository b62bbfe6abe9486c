//! `divvy mapreduce list`: each program in a few lines.

use crate::exit::Exit;
use crate::jobs::print;
use anyhow::Result;

/// A program for people: what it is called, what it does, what to type.
struct Entry {
    name: &'static str,
    does: &'static str,
    example: &'static str,
}

const ENTRIES: [Entry; 6] = [
    Entry {
        name: "wordcount",
        does: "How often each word is there: whatever is between white space. Lines of `word TAB count`, by word.",
        example: "divvy mapreduce wordcount books/ -o counts",
    },
    Entry {
        name: "count-by",
        does: "How often each value of a field is there, or each record. Lines of `value TAB count`, by value.",
        example: "divvy mapreduce count-by -k 7 access.log -o urls",
    },
    Entry {
        name: "sort",
        does: "The records in byte order, of a field or whole; equal ones in the order of the inputs, or once (-u).",
        example: "divvy mapreduce sort -k 2 -t , orders.csv -o sorted",
    },
    Entry {
        name: "grep",
        does: "The records that match an expression or hold a text (-F), in the order of the inputs.",
        example: "divvy mapreduce grep -i 'time-?out' access.log",
    },
    Entry {
        name: "join",
        does: "The records of two sets of inputs whose fields are equal, side by side: `left TAB right`, by the field. Keeps \
               what has no match with --outer.",
        example: "divvy mapreduce join -k 2 -t , orders.csv --with customers.csv --with-field 1 -o joined",
    },
    Entry {
        name: "stream",
        does: "Two programs of your own in any language: one prints `key TAB value`, the other reads that by key.",
        example: "divvy mapreduce --mapper ./map.py --reducer ./reduce.py books/ -o out",
    },
];

const REST: &str = "\
All take --memory SIZE, -j WORKERS, -o DIR (or - for stdout), and --explain, which shows the plan and runs nothing.
`divvy mapreduce PROGRAM --help` has their flags. In Rust there are typed programs: docs/mapreduce.md.
";

/// Prints them.
///
/// # Errors
/// If nothing can be printed.
pub(super) fn list() -> Result<Exit> {
    let entry = |Entry { name, does, example }: &Entry| format!("{name}\n  {does}\n  $ {example}\n\n");
    print(&(ENTRIES.iter().map(entry).collect::<String>() + REST))?;
    Ok(Exit::Done)
}
