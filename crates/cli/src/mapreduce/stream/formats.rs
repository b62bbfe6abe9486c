//! Hadoop's classes: which of them mean something here.

use crate::args::StreamArgs;
use crate::exit::bad_usage;
use anyhow::Result;
use std::ffi::OsStr;

/// What scripts get and give are lines, which all of these are.
const INPUTS: [&str; 3] = ["TextInputFormat", "KeyValueTextInputFormat", "CombineTextInputFormat"];
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

fn one_of(option: &str, name: Option<&str>, known: &[&str], instead: &str) -> Result<()> {
    let Some(name) = name else { return Ok(()) };
    let class = name.rsplit('.').next().unwrap_or(name);
    if known.contains(&class) {
        return Ok(());
    }
    Err(bad_usage(format!("{option} {name}: divvy has {} only: {instead}", known.join(", "))))
}
