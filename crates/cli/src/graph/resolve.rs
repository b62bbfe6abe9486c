//! From the file to tasks: names looked up, defaults filled in, commands taken apart.

use super::file::{Amount, Command, File, Request, Surroundings, Task};
use crate::command::Step;
use crate::lang::demand::{self, DemandError, Ladder};
use crate::lang::spelling::Spelling;
use crate::lang::words;
use crate::needs::NeedsBuilder;
use divvy_core::Seq;
use divvy_core::demand::MEM;
use divvy_store::{Block, Graph, GraphError, Needs};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Most tasks of a cycle that a message names.
const CYCLE_SHOWN: usize = 20;
/// HyperQueue counts memory in these.
const MIB: u64 = 1 << 20;

/// The tasks of a file, ready to be submitted.
#[derive(Debug)]
pub struct Tasks {
    /// A name for the job.
    pub name: Option<String>,
    /// More dead tasks than this cancel the rest.
    pub max_fails: Option<u64>,
    /// One record for each task: its [`Step`].
    pub records: Vec<Block>,
    /// Who waits for whom.
    pub graph: Graph,
    /// What each takes.
    pub needs: Needs,
}

impl Tasks {
    /// Makes tasks of a file; `here` is what relative directories start from.
    ///
    /// # Errors
    /// A sentence: a name that is missing or there twice, a circle, a command that cannot be run as it stands, an
    /// amount that is none.
    pub(super) fn of(file: File, here: &Path) -> Result<Tasks, String> {
        if file.tasks.is_empty() {
            return Err("no tasks: each is a [[task]] table with a command".into());
        }
        let names: Vec<_> = file.tasks.iter().map(name_of).collect::<Result<_, _>>()?;
        let graph = graph(&file.tasks, &names)?;
        let mut needs = NeedsBuilder::default();
        let mut records = Vec::with_capacity(file.tasks.len());
        for (seq, task) in file.tasks.iter().enumerate() {
            let wrong = |why: String| format!("{}: {why}", called(seq, &names));
            needs.from(seq as Seq, &ladder(task, &file.defaults).map_err(wrong)?);
            let step = step(task, &file.defaults, names[seq].clone(), here).map_err(wrong)?;
            records.push(step.encode());
        }
        let records = Block::pack_all(&records);
        Ok(Tasks { name: file.name, max_fails: file.max_fails, records, graph, needs: needs.build() })
    }
}

/// What people call a task: its name, or its id in the file.
fn name_of(task: &Task) -> Result<Option<String>, String> {
    match (&task.name, task.id) {
        (Some(name), Some(id)) => Err(format!("task `{name}` has the id {id} as well: give it one of them")),
        (Some(name), None) if name.is_empty() || name.chars().any(char::is_control) => {
            Err(format!("{name:?} is no name: it needs at least one character, and no control characters"))
        }
        (Some(name), None) => Ok(Some(name.clone())),
        (None, id) => Ok(id.map(|id| id.to_string())),
    }
}

/// A task as messages name it; ids count from 1.
fn called(seq: usize, names: &[Option<String>]) -> String {
    match &names[seq] {
        Some(name) => format!("task {} ({name})", seq + 1),
        None => format!("task {}", seq + 1),
    }
}

fn graph(tasks: &[Task], names: &[Option<String>]) -> Result<Graph, String> {
    let mut known = HashMap::new();
    for (seq, name) in names.iter().enumerate().filter_map(|(seq, name)| Some((seq, name.as_ref()?))) {
        if let Some(first) = known.insert(name.as_str(), seq) {
            return Err(format!(
                "tasks {} and {} are both called `{name}`: names are unique",
                first + 1,
                seq + 1
            ));
        }
    }
    let parents = tasks.iter().enumerate().map(|(seq, task)| {
        let keys = task.after.iter().chain(task.deps.iter()).map(|key| {
            let key = key.to_string();
            known.get(key.as_str()).map(|seq| *seq as Seq).ok_or_else(|| missing(seq, names, &key, &known))
        });
        keys.collect::<Result<Vec<_>, _>>()
    });
    Graph::new(parents.collect::<Result<_, _>>()?).map_err(|e| match e {
        GraphError::Cycle(cycle) => circle(&cycle, names),
        GraphError::NoParent { .. } => e.to_string(),
    })
}

fn missing(seq: usize, names: &[Option<String>], key: &str, known: &HashMap<&str, usize>) -> String {
    let near = known.keys().filter(|name| name.eq_ignore_ascii_case(key)).min();
    let hint = match near {
        Some(near) => format!(": did you mean `{near}`?"),
        None => String::new(),
    };
    format!("{} waits for `{key}`, but no task has that name or id{hint}", called(seq, names))
}

fn circle(cycle: &[Seq], names: &[Option<String>]) -> String {
    let name = |seq: Seq| names[seq as usize].clone().unwrap_or_else(|| format!("task {}", seq + 1));
    let mut way: Vec<_> = cycle.iter().take(CYCLE_SHOWN).map(|seq| name(*seq)).collect();
    if cycle.len() > CYCLE_SHOWN {
        way.push(format!("... ({} more)", cycle.len() - CYCLE_SHOWN));
    }
    way.extend(cycle.first().map(|first| name(*first)));
    format!("tasks wait for each other in a circle, so none could start: {}", way.join(" -> "))
}

fn step(task: &Task, defaults: &Surroundings, name: Option<String>, here: &Path) -> Result<Step, String> {
    let shell = task.shell.or(defaults.shell).unwrap_or(false);
    let words = match &task.command {
        Command::Text(text) if shell => vec![text.clone().into_bytes()],
        Command::Text(text) => words::split(text.as_bytes(), &Spelling::default())
            .map_err(|e| format!("its command: {e} (in a graph: shell = true, or an array of words)"))?,
        Command::Words(_) if task.shell == Some(true) => {
            return Err(
                "its command is an array of words, which no shell takes apart: with shell = true write one \
                        string"
                    .into(),
            );
        }
        Command::Words(words) => words.iter().map(|word| word.clone().into_bytes()).collect(),
    };
    let shell = shell && matches!(task.command, Command::Text(_));
    if words.first().is_none_or(|word| word.trim_ascii().is_empty()) {
        return Err("its command is empty".into());
    }
    if words.iter().any(|word| word.contains(&0)) {
        return Err("its command has a NUL character in it".into());
    }
    let mut env: BTreeMap<&String, &String> = defaults.env.iter().collect();
    env.extend(&task.env);
    if let Some(name) = env.iter().find(|(name, value)| bad_variable(name, value)).map(|(name, _)| name) {
        return Err(format!(
            "{name:?} cannot be set in an environment: a name has no `=`, and neither has a NUL"
        ));
    }
    let env = env.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let cwd = task.cwd.as_ref().or(defaults.cwd.as_ref()).map(|dir| here.join(dir).into_os_string());
    Ok(Step { name, words, shell, env, cwd })
}

fn bad_variable(name: &str, value: &str) -> bool {
    name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
}

/// What a task takes. A task that has a request takes that and nothing else.
fn ladder(task: &Task, defaults: &Surroundings) -> Result<Ladder, String> {
    let says = task.cpus.is_some() || task.mem.is_some() || !task.resource.is_empty();
    match task.request.as_slice() {
        [] => {}
        [_] if says => return Err("[[task.request]] and cpus, mem or resource: use one of them".into()),
        [request] => return requested(request),
        _ => {
            return Err("several [[task.request]] are alternatives, which are not supported: keep one".into());
        }
    }
    let mut ladder = Ladder::default();
    if let Some(cpus) = task.cpus.as_ref().or(defaults.cpus.as_ref()) {
        ladder.add_cpus(cpus.to_string().as_bytes()).map_err(|e| format!("cpus: {e}"))?;
    }
    if let Some(mem) = task.mem.as_ref().or(defaults.mem.as_ref()) {
        ladder.add_mem(mem.to_string().as_bytes()).map_err(|e| format!("mem: {e}"))?;
    }
    let mut all: BTreeMap<&String, &Amount> = defaults.resource.iter().collect();
    all.extend(&task.resource);
    for (name, amount) in all {
        add(&mut ladder, name, amount, |text| demand::amount_of(name, text))
            .map_err(|e| format!("resource: {e}"))?;
    }
    Ok(ladder)
}

fn requested(request: &Request) -> Result<Ladder, String> {
    let mut ladder = Ladder::default();
    for (name, amount) in &request.resources {
        let read = |text: &[u8]| match (name.as_str(), amount) {
            (MEM, Amount::Whole(_) | Amount::Part(_)) => {
                Ok(demand::amount(text)?.saturating_mul(MIB) / divvy_core::demand::WHOLE)
            }
            _ => demand::amount_of(name, text),
        };
        add(&mut ladder, name, amount, read).map_err(|e| format!("resources: {e}"))?;
    }
    Ok(ladder)
}

fn add(
    ladder: &mut Ladder,
    name: &str,
    amount: &Amount,
    read: impl Fn(&[u8]) -> Result<u64, DemandError>,
) -> Result<(), DemandError> {
    demand::resource(name.as_bytes())?;
    ladder.add(name, read(amount.to_string().as_bytes())?)
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
