//! The environment of the processes: that of the submission, the properties, what was asked for.

use super::properties::Properties;
use crate::args::{DataArgs, StreamArgs};
use crate::exit::bad_usage;
use anyhow::Result;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Where divvy itself runs in a task these are about another one.
const OTHERS: [&str; 7] =
    ["DIVVY_SESSION", "DIVVY_JOB", "DIVVY_TASK", "DIVVY_INPUT", "DIVVY_ATTEMPT", "DIVVY_FENCE", "DIVVY_SLOT"];

/// All variables, but for those that say which task it is.
///
/// # Errors
/// Bad usage: what is no variable.
pub fn all(
    args: &StreamArgs,
    properties: &Properties,
    data: &DataArgs,
    splits: u64,
    parts: u32,
) -> Result<Vec<(OsString, OsString)>> {
    let mut all: BTreeMap<OsString, OsString> =
        std::env::vars_os().filter(|(name, _)| !OTHERS.iter().any(|other| name == other)).collect();
    let mut put = |name: &str, value: OsString| drop(all.insert(variable(name).into(), value));
    let inputs: Vec<&OsStr> = data.inputs.iter().map(|input| input.as_os_str()).collect();
    let inputs = inputs.join(OsStr::new(","));
    for name in ["mapreduce.input.fileinputformat.inputdir", "mapred.input.dir"] {
        put(name, inputs.clone());
    }
    for name in ["mapreduce.output.fileoutputformat.outputdir", "mapred.output.dir"] {
        put(name, data.out.clone().into_os_string());
    }
    for name in ["mapreduce.job.name", "mapred.job.name"] {
        put(name, "stream".into());
    }
    for (name, value) in properties.all() {
        put(name, value.into());
    }
    for (name, value) in [
        ("mapreduce.job.maps", splits),
        ("mapred.map.tasks", splits),
        ("mapreduce.job.reduces", parts.into()),
        ("mapred.reduce.tasks", parts.into()),
    ] {
        put(name, value.to_string().into());
    }
    for text in &args.cmdenv {
        let bytes = text.as_bytes();
        let Some(at) = bytes.iter().position(|byte| *byte == b'=').filter(|at| *at > 0) else {
            return Err(bad_usage(format!("--env {}: it is NAME=VALUE", text.display())));
        };
        let part = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        all.insert(part(&bytes[..at]), part(&bytes[at + 1..]));
    }
    Ok(all.into_iter().collect())
}

/// A property's name as the environment has it.
fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_become_underscores() {
        assert_eq!(variable("mapreduce.map.input-file"), "mapreduce_map_input_file");
    }
}
