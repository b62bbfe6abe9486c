//! `divvy mapreduce join`: which files are of which side.

use super::{Wanted, field, framing, run_keyed};
use crate::args::{DataArgs, FieldArgs, JoinArgs, Outer, Output};
use crate::exit::{Exit, bad_usage};
use anyhow::Result;
use divvy_engine::SystemClock;
use divvy_mapreduce::input::expand;
use divvy_mapreduce::ready::{Field, Join};
use std::path::PathBuf;

pub(super) fn join(args: &JoinArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    let framing = framing(&args.data)?;
    let held = files(&args.with)?;
    let of = |number| field(&FieldArgs { number, delimiter: args.delimiter.clone() });
    let left = of(args.number)?;
    let right = Field { number: args.with_number.unwrap_or(args.number), ..left };
    let program = Join {
        held_files: held.len(),
        left,
        right,
        outer_left: matches!(args.outer, Some(Outer::Left | Outer::Full)),
        outer_right: matches!(args.outer, Some(Outer::Right | Outer::Full)),
        framing,
    };
    let lefts = if args.data.inputs.is_empty() { vec![PathBuf::from("-")] } else { args.data.inputs.clone() };
    // The program tells the sides by the numbers of their files: what was counted must be what is planned.
    let data = DataArgs { inputs: held.into_iter().chain(lefts).collect(), ..args.data.clone() };
    run_keyed(&Wanted { name: "join", program, distinct: false }, &data, framing, output, clock)
}

/// The files that words name, each by a word of its own.
fn files(words: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if words.iter().any(|word| word.as_os_str() == "-") {
        return Err(bad_usage("--with: stdin can only be on the left"));
    }
    Ok(expand(words).map_err(bad_usage)?.into_iter().map(|file| file.path).collect())
}
