//! `divvy run --dry-run`: the commands, in order. Nothing is run, and nothing is stored.

use crate::command::{Line, Recipe, typed};
use crate::exit::{Exit, bad_usage};
use crate::inputs::Inputs;
use crate::lang::placeholder::Input;
use crate::lang::template::Template;
use anyhow::Result;
use std::io::{self, Write};

/// Prints what would be run.
///
/// # Errors
/// Bad usage; inputs that cannot be read.
pub fn print(recipe: &Recipe, inputs: Inputs) -> Result<Exit> {
    let line = Line::new(recipe).map_err(bad_usage)?;
    let tag = recipe
        .keep
        .tag
        .as_ref()
        .map(|tag| Template::new(&[tag], &recipe.text.spelling, false))
        .transpose()
        .map_err(bad_usage)?;
    let skip = &recipe.keep.skip;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let (mut seq, mut written) = (0, Ok(()));
    inputs.each(|id, record| {
        let at = seq;
        seq += 1;
        if skip.iter().any(|(lo, hi)| (*lo..*hi).contains(&at)) || written.is_err() {
            return Ok(());
        }
        let mut text = Vec::new();
        let content = line.arguments(record).map_err(bad_usage)?;
        content.with_fields(|fields| {
            let input = Input { fields, id, slot: 1 };
            if let Some(tag) = &tag {
                text.extend(tag.render(&input).join(&b' '));
                text.push(b'\t');
            }
            text.extend(typed(&line.words(record, &input).map_err(bad_usage)?));
            text.push(b'\n');
            Ok::<_, anyhow::Error>(())
        })?;
        written = out.write_all(&text);
        Ok(())
    })?;
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Done),
        // As `| head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::OutputClosed),
        Err(error) => Err(error.into()),
    }
}
