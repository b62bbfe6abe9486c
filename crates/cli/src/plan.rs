//! A job that was asked for, before it is stored: what `divvy run` and `divvy submit` have in common.

use crate::args::RunArgs;
use crate::command::{BACKGROUND_KIND, KIND, Line, Recipe};
use crate::exit::bad_usage;
use crate::graph::{self, Tasks};
use crate::inputs::{self, Inputs, Stream};
use crate::lang::demand::{self, Ladder};
use crate::needs::{NeedsBuilder, check_fits};
use crate::{run, select};
use anyhow::Result;
use divvy_core::{Demand, JobId, Millis, NodeId};
use divvy_store::{Array, Input, JobInfo, JobSpec, Needs, NewJob, Store};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// A job that was asked for.
pub struct Plan<'a> {
    args: &'a RunArgs,
    recipe: Recipe,
    source: Source,
    needs: Needs,
    /// Which kind of handler runs it.
    kind: &'static str,
}

enum Source {
    Inputs(Inputs),
    Graph(Tasks),
}

impl<'a> Plan<'a> {
    /// Reads everything that the flags name, and refuses what cannot be run. Nothing is stored.
    ///
    /// # Errors
    /// Bad usage.
    pub fn new(args: &'a RunArgs, sources: Option<Vec<OsString>>) -> Result<Plan<'a>> {
        let (recipe, source) = match &args.plan.graph {
            Some(file) => {
                check_alone(args, sources.is_some())?;
                (run::recipe(args)?, Source::Graph(graph::open(file)?))
            }
            None => {
                let recipe = run::recipe(args)?;
                // Before anything is stored: a command that is not there would fail a million times.
                Line::new(&recipe).map_err(bad_usage)?;
                (recipe, Source::Inputs(inputs::open(&args.input, sources)?))
            }
        };
        if let Some(dir) = recipe.keep.results() {
            std::fs::create_dir_all(dir)
                .map_err(|e| bad_usage(format!("--results: cannot make {}: {e}", dir.display())))?;
        }
        let needs = match &source {
            Source::Graph(tasks) => tasks.needs.clone(),
            Source::Inputs(_) => needs(args)?,
        };
        Ok(Plan { args, recipe, source, needs, kind: KIND })
    }

    /// The same as a job that nobody watches: it is logged, and background workers may run it.
    pub fn in_background(mut self) -> Plan<'a> {
        self.recipe.keep.log = true;
        self.kind = BACKGROUND_KIND;
        self
    }

    /// Refuses what a node with this capacity can never run.
    ///
    /// # Errors
    /// Bad usage.
    pub fn check_fits(&self, capacity: &Demand) -> Result<()> {
        check_fits(&self.needs, capacity)
    }

    /// Whether its inputs are still to be read while it is there.
    pub fn is_stream(&self) -> bool {
        matches!(self.source, Source::Inputs(Inputs::Stream(_)))
    }

    /// Stores it. What is returned with its id are inputs still to be read; `producer` is who reads them.
    ///
    /// # Errors
    /// Bad usage: it comes after jobs that are not there; or whatever the store says.
    pub fn submit(
        self,
        store: &dyn Store,
        now: Millis,
        producer: Option<NodeId>,
    ) -> Result<(JobId, Option<Stream>)> {
        let after = after(store, self.args)?;
        let (mut graph_name, mut max_fails, mut array, mut stream) = (None, None, None, None);
        let input = match self.source {
            Source::Graph(tasks) => {
                (graph_name, max_fails) = (tasks.name, tasks.max_fails);
                Input::Graph(tasks.records, tasks.graph)
            }
            Source::Inputs(Inputs::Array(numbers)) => {
                array = Some(Array { first: numbers.first(), step: numbers.step() });
                Input::Array(numbers.count())
            }
            Source::Inputs(Inputs::List(blocks)) => Input::Closed(blocks),
            Source::Inputs(Inputs::Stream(inputs)) => {
                stream = Some(inputs);
                Input::Open(Vec::new(), producer)
            }
        };
        let mut spec = run::spec(self.args, &self.recipe, array);
        spec.policy.max_fails = spec.policy.max_fails.or(max_fails);
        if let (None, Some(name)) = (&self.args.name, graph_name) {
            spec.name = name;
        }
        let spec = JobSpec { handler: self.kind.into(), needs: self.needs, after, ..spec };
        Ok((store.submit(now, &NewJob { spec, input })?, stream))
    }
}

/// A graph brings its own commands, and needs no inputs.
fn check_alone(args: &RunArgs, has_sources: bool) -> Result<()> {
    let input = &args.input;
    let more = [
        (!args.command.is_empty(), "a command"),
        (has_sources, "`:::`"),
        (input.array.is_some(), "--array"),
        (input.each_line.is_some(), "--each-line"),
        (args.shell, "--shell (write shell = true into [defaults])"),
    ];
    match more.into_iter().find(|(given, _)| *given) {
        Some((_, what)) => {
            Err(bad_usage(format!("--graph and {what}: the tasks of a graph are all in its file")))
        }
        None => Ok(()),
    }
}

fn needs(args: &RunArgs) -> Result<Needs> {
    let wrong = |flag: &str| {
        let flag = flag.to_owned();
        move |e: demand::DemandError| bad_usage(format!("--{flag}: {e}"))
    };
    let mut ladder = Ladder::default();
    if let Some(cpus) = &args.plan.cpus {
        ladder.add_cpus(cpus.as_bytes()).map_err(wrong("cpus"))?;
    }
    if let Some(mem) = &args.plan.mem {
        ladder.add_mem(mem.as_bytes()).map_err(wrong("mem"))?;
    }
    for text in &args.plan.resource {
        let (name, amount) = demand::named(text.as_bytes()).map_err(wrong("resource"))?;
        ladder.add(&name, amount).map_err(wrong("resource"))?;
    }
    let mut needs = NeedsBuilder::default();
    needs.from(0, &ladder);
    Ok(needs.build())
}

/// The jobs that have to succeed first, each once.
fn after(store: &dyn Store, args: &RunArgs) -> Result<Vec<JobId>> {
    let mut all = BTreeSet::new();
    for text in &args.plan.after {
        let jobs: Vec<JobInfo> = select::jobs(store, text)?;
        if jobs.is_empty() {
            return Err(bad_usage(format!("--after {}: there is no such job", text.to_string_lossy())));
        }
        all.extend(jobs.iter().map(|job| job.id));
    }
    Ok(all.into_iter().collect())
}
