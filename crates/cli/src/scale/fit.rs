//! `divvy scale fit`: the laws, for measurements from anywhere.

use super::source::{Source, cannot_read};
use super::study::Study;
use super::{give, machines, read};
use crate::args::{Output, ScaleFitArgs};
use crate::exit::{Exit, bad_usage};
use anyhow::Result;
use std::io::Read;
use std::path::Path;

/// A file of measurements is small; a larger one is another file.
const BYTES_MAX: u64 = 64 << 20;

/// Reads, fits and tells.
///
/// # Errors
/// Bad usage: a file that is not there or not understood, or points that no law can be fitted to.
pub fn fit(args: &ScaleFitArgs, output: Output) -> Result<Exit> {
    let machines = machines::asked(&args.ask)?;
    give::check(&args.draw)?;
    let (name, text) = text(&args.file)?;
    let wrong = |error: &dyn std::fmt::Display| bad_usage(format!("{name}: {error}"));
    let points = read::points(&text).map_err(|error| wrong(&error))?;
    let study = Study::of_points(name.clone(), points, args.seed).map_err(|error| wrong(&error))?;
    let study = study.compare(machines, args.ask.power);
    give::give(&study, &args.draw, output)?;
    Ok(Exit::Done)
}

/// What a file or stdin holds, and what to call it.
///
/// # Errors
/// Bad usage: it is not there, too large, or no text.
fn text(path: &Path) -> Result<(String, String)> {
    let Source { name, bytes: source } = Source::open(path)?;
    let mut bytes = Vec::new();
    source.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| cannot_read(&name, &error))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(bad_usage(format!("{name}: more than {} MiB: is this the file?", BYTES_MAX >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| bad_usage(format!("{name}: this is no text")))?;
    Ok((name, text))
}
