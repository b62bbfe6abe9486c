//! Hadoop's classes: which of them mean something here.

use super::properties::Properties;
use crate::args::StreamArgs;
use crate::exit::bad_usage;
use anyhow::Result;
use std::ffi::OsStr;
use std::num::NonZeroU64;

/// What scripts get and give are lines, which all of these are.
const INPUTS: [&str; 4] = [TEXT, "KeyValueTextInputFormat", "CombineTextInputFormat", "NLineInputFormat"];
const TEXT: &str = "TextInputFormat";
const OUTPUTS: [&str; 1] = ["TextOutputFormat"];
const PARTITIONERS: [&str; 2] = ["HashPartitioner", "KeyFieldBasedPartitioner"];

/// Whether a class hands on what it gets.
pub fn is_identity(name: &OsStr) -> bool {
    let class = name.to_str().and_then(|name| name.rsplit('.').next());
    matches!(class, Some("IdentityMapper" | "IdentityReducer"))
}

/// Refuses what is asked for and not there.
///
/// # Errors
/// Bad usage.
pub fn check(args: &StreamArgs) -> Result<()> {
    if let Some(option) = &args.lacking {
        return Err(bad_usage(format!(
            "{option}: divvy has no such option; docs/streaming.md says what there is instead"
        )));
    }
    one_of("-inputformat", args.inputformat.as_deref(), &INPUTS, "inputs are lines; convert others first")?;
    one_of("-outputformat", args.outputformat.as_deref(), &OUTPUTS, "the output is what the reducer prints")?;
    one_of("-io", args.io.as_deref(), &["text"], "scripts read and print lines")?;
    let partitioner = args.partitioner.as_deref();
    one_of("-partitioner", partitioner, &PARTITIONERS, "--partition '-k1,1' says which fields count")
}

/// The input's class, without its package.
fn input(args: &StreamArgs) -> &str {
    args.inputformat.as_deref().and_then(|name| name.rsplit('.').next()).unwrap_or(TEXT)
}

/// Lines of each split, where that was asked for.
///
/// # Errors
/// Bad usage: it is no number of lines.
pub fn lines_each(args: &StreamArgs, properties: &Properties) -> Result<Option<NonZeroU64>> {
    if input(args) != "NLineInputFormat" {
        return Ok(None);
    }
    let name = "mapreduce.input.lineinputformat.linespermap";
    let lines = NonZeroU64::new(properties.number(name)?.unwrap_or(1));
    lines.map(Some).ok_or_else(|| bad_usage(format!("-D {name}=0: a split has one line at least")))
}

/// What is between a line and its place in the file, if mappers are told the place. To Hadoop it is the line's key, which
/// scripts get with all inputs but plain text.
///
/// # Errors
/// Bad usage: lines without their keys are asked for.
pub fn places(args: &StreamArgs, properties: &Properties) -> Result<Option<Vec<u8>>> {
    let (class, ignores) = (input(args), properties.is("stream.map.input.ignoreKey")?);
    if class == "KeyValueTextInputFormat" {
        return match ignores {
            Some(true) => Err(bad_usage(
                "-D stream.map.input.ignoreKey=true: scripts get whole lines here: cut the key off in the mapper",
            )),
            _ => Ok(None),
        };
    }
    let separator = properties.bytes("stream.map.input.field.separator").unwrap_or(b"\t".to_vec());
    Ok((!ignores.unwrap_or(class == TEXT)).then_some(separator))
}

fn one_of(option: &str, name: Option<&str>, known: &[&str], instead: &str) -> Result<()> {
    let Some(name) = name else { return Ok(()) };
    let class = name.rsplit('.').next().unwrap_or(name);
    if known.contains(&class) {
        return Ok(());
    }
    Err(bad_usage(format!("{option} {name}: divvy has {} only: {instead}", known.join(", "))))
}
