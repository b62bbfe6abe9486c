//! What may stand in the file: the TOML as it is written, nothing looked up yet.
//!
//! HyperQueue's job files use the same tables. What means the same there is read; every other key is refused by its
//! name and line, because a limit or a redirection that is silently ignored is worse than a file that does not run.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// A name for the job.
    pub(super) name: Option<String>,
    /// More dead tasks than this cancel the rest.
    pub(super) max_fails: Option<u64>,
    /// What holds where a task says nothing.
    #[serde(default)]
    pub(super) defaults: Surroundings,
    /// The tasks.
    #[serde(default, rename = "task")]
    pub(super) tasks: Vec<Task>,
}

/// How a task runs.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Surroundings {
    pub(super) shell: Option<bool>,
    pub(super) cpus: Option<Amount>,
    pub(super) mem: Option<Amount>,
    #[serde(default)]
    pub(super) resource: BTreeMap<String, Amount>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) cwd: Option<String>,
}

/// One task. Its surroundings are spelled out here: a flattened table could not refuse unknown keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Task {
    pub(super) name: Option<String>,
    pub(super) id: Option<u64>,
    pub(super) command: Command,
    #[serde(default)]
    pub(super) after: Keys,
    #[serde(default)]
    pub(super) deps: Keys,
    pub(super) shell: Option<bool>,
    pub(super) cpus: Option<Amount>,
    pub(super) mem: Option<Amount>,
    #[serde(default)]
    pub(super) resource: BTreeMap<String, Amount>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) cwd: Option<String>,
    #[serde(default)]
    pub(super) request: Vec<Request>,
}

/// What a task takes, as HyperQueue writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    #[serde(default)]
    pub(super) resources: BTreeMap<String, Amount>,
}

/// A command.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a command: a string, or an array of strings")]
pub(super) enum Command {
    Text(String),
    Words(Vec<String>),
}

/// What another task is named by.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a task's name, a string, or its id, a number")]
pub(super) enum Key {
    Id(u64),
    Name(String),
}

/// Other tasks: one may stand there without brackets.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a task's name or id, or an array of them")]
pub(super) enum Keys {
    One(Key),
    Several(Vec<Key>),
}

impl Default for Keys {
    fn default() -> Keys {
        Keys::Several(Vec::new())
    }
}

impl Keys {
    /// Each of them.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Key> {
        match self {
            Keys::One(key) => std::slice::from_ref(key).iter(),
            Keys::Several(keys) => keys.iter(),
        }
    }
}

/// How much of something.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "an amount: a number, or a string")]
pub(super) enum Amount {
    Whole(u64),
    Part(f64),
    Text(String),
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Whole(n) => n.fmt(f),
            Amount::Part(n) => n.fmt(f),
            Amount::Text(text) => text.fmt(f),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Id(id) => id.fmt(f),
            Key::Name(name) => name.fmt(f),
        }
    }
}

/// Reads a file.
///
/// # Errors
/// What is wrong, with its line.
pub(super) fn parse(text: &str) -> Result<File, String> {
    toml::from_str(text).map_err(|e| {
        let hint = if e.message().contains("`array`") {
            "\n(task arrays are jobs of their own: `divvy run --array`, or --each-line)"
        } else {
            ""
        };
        format!("{}{hint}", e.to_string().trim_end())
    })
}
