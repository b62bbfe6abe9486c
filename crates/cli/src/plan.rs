//! A job that was asked for, before it is stored: what `divvy run` and `divvy submit` have in common.

use crate::args::{RunArgs, Source};
use crate::command::{BACKGROUND_HANDLER_KIND, BACKGROUND_KIND, KIND, Line, Printing, Recipe, Text};
use crate::exit::{Exit, bad_usage};
use crate::graph::{self, Tasks};
use crate::handler;
use crate::inputs::{Inputs, Stream};
use crate::lang::demand::{self, Ladder};
use crate::needs::{NeedsBuilder, check_fits};
use crate::{dry_run, flags, run, select};
use anyhow::Result;
use divvy_core::{Demand, JobId, Millis, NodeId};
use divvy_store::{Array, Input, JobInfo, JobSpec, Needs, NewJob, Store};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;

/// A job that was asked for.
pub struct Plan<'a> {
    args: &'a RunArgs,
    recipe: Recipe,
    source: Work,
    needs: Needs,
    /// Which kind of handler runs it.
    kind: &'static str,
    /// Nothing of it runs until somebody lets it.
    paused: bool,
}

enum Work {
    Inputs(Inputs),
    Graph(Tasks),
}

impl<'a> Plan<'a> {
    /// Reads everything that the flags name, and refuses what cannot be run. Nothing is stored.
    ///
    /// # Errors
    /// Bad usage.
    pub fn new(args: &'a RunArgs, sources: Option<Vec<Source>>, workers: usize) -> Result<Plan<'a>> {
        if let Some(why) = &args.foreign.refused {
            return Err(bad_usage(why));
        }
        let (recipe, source) = match &args.plan.graph {
            Some(file) => {
                check_alone(args, sources.is_some())?;
                let text = Text { per_task: true, ..Text::default() };
                (run::recipe(args, text)?, Work::Graph(graph::open(file)?))
            }
            None => {
                let (recipe, inputs) = if args.log.retry_failed {
                    run::failed(args)?
                } else {
                    run::given(args, sources, workers)?
                };
                // Before anything is stored: a command that is not there would fail a million times.
                Line::new(&recipe).map_err(bad_usage)?;
                (recipe, Work::Inputs(inputs))
            }
        };
        let needs = match &source {
            Work::Graph(tasks) => tasks.needs.clone(),
            Work::Inputs(_) => needs(args)?,
        };
        let kind = if args.handler.handler.is_some() { handler::KIND } else { KIND };
        Ok(Plan { args, recipe, source, needs, kind, paused: false })
    }

    /// The same as a job that nobody watches: it is logged, and background workers may run it.
    pub fn in_background(mut self) -> Plan<'a> {
        self.recipe.keep.log = true;
        self.recipe.keep.printing = Printing::Grouped;
        self.kind = match self.kind {
            handler::KIND => BACKGROUND_HANDLER_KIND,
            _ => BACKGROUND_KIND,
        };
        self
    }

    /// The same, stored so that it rests at once.
    pub fn held(self, paused: bool) -> Plan<'a> {
        Plan { paused, ..self }
    }

    /// Prints the commands, and runs nothing.
    ///
    /// # Errors
    /// Bad usage; inputs that cannot be read.
    pub fn print(self) -> Result<Exit> {
        let inputs = match self.source {
            Work::Graph(tasks) => Inputs::List(tasks.records),
            Work::Inputs(inputs) => inputs,
        };
        dry_run::print(&self.recipe, inputs)
    }

    /// Makes ready what is written to.
    ///
    /// # Errors
    /// Bad usage.
    pub fn prepare(&self) -> Result<()> {
        flags::prepare(&self.recipe.keep, &self.args.log, &self.recipe.text.spelling)
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
        matches!(self.source, Work::Inputs(Inputs::Stream(_)))
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
            Work::Graph(tasks) => {
                (graph_name, max_fails) = (tasks.name, tasks.max_fails);
                Input::Graph(tasks.records, tasks.graph)
            }
            Work::Inputs(Inputs::Array(numbers)) => {
                array = Some(Array { first: numbers.first(), step: numbers.step() });
                Input::Array(numbers.count())
            }
            Work::Inputs(Inputs::List(blocks)) => Input::Closed(blocks),
            Work::Inputs(Inputs::Stream(inputs)) => {
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
        Ok((store.submit(now, &NewJob { spec, input, paused: self.paused })?, stream))
    }
}

/// A graph brings its own commands, and needs no inputs.
fn check_alone(args: &RunArgs, has_sources: bool) -> Result<()> {
    let input = &args.input;
    let more = [
        (!args.command.is_empty(), "a command"),
        (has_sources, "`:::`"),
        (input.source.array.is_some(), "--array"),
        (!input.source.each_line.is_empty(), "--each-line"),
        (input.source.from_json.is_some(), "--from-json"),
        (input.pipe.pipe, "--pipe"),
        (input.pipe.pipepart, "--pipepart"),
        (args.log.resume, "--resume"),
        (args.log.resume_failed, "--resume-failed"),
        (args.log.retry_failed, "--retry-failed"),
        (args.handler.handler.is_some(), "--handler"),
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
