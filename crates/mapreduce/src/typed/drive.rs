//! Runs a job: stage after stage, each as the three jobs of a map-reduce in a store of its own.
//!
//! A stage is planned when the one before it is done and its files are there: how many splits it has, and which ranges of
//! keys are about equal, depends on them. So nothing of a later stage is in the store before that, and going on after a
//! crash is to look which stage is the first that is not done, and whether the store has its jobs.

use super::job::{Job, Summary};
use super::place::{self, Place};
use super::stage::{Does, Partition, Stage, Typed};
use crate::input::{Framing, InputFile, Splits, expand};
use crate::part::PartWriter;
use crate::phase::{self, OnFinish, Programs, SubmitError, dir_of};
use crate::plan::{Out, Parts, Plan, ProgramRef};
use crate::planning::sampled;
use crate::{Error, Result, Splitters};
use divvy_core::{Clock, JobId};
use divvy_decide::{Config, Until};
use divvy_engine::{Engine, Settings, Stop, SystemClock};
use divvy_store::sqlite::{Options, Sqlite};
use divvy_store::{JobInfo, NodeInfo, Progress, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs a job in its directory, from wherever it was.
pub(super) fn run(job: Job, dir: &Path) -> Result<Summary> {
    check(&job)?;
    let place = Place::open(dir, &job)?;
    let options = Options::default();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(place.dir.join("jobs.db"), &options)?);
    let clock = SystemClock::start();
    let drive = Drive { stages: Vec::new(), place, store, clock, job };
    drive.run()
}

/// Whether the job can be run with what it was given.
fn check(job: &Job) -> Result<()> {
    let names = job.names();
    let worker = phase::WORKER_MEMORY_MIN + (names.len() * PartWriter::MEMORY) as u64;
    let least = (worker * u64::from(job.workers)).div_ceil(1 << 20);
    if job.memory < least << 20 {
        let why = format!("{} workers need {least} MiB of memory at least", job.workers);
        return Err(Error::Program { why });
    }
    for (at, name) in names.iter().enumerate() {
        // What begins like this is passed over by who reads directories, or is a part of the main output.
        let is_taken = ["part-", ".", "_"].iter().any(|begin| name.starts_with(begin));
        if name.is_empty() || name.contains('/') || is_taken || names[..at].contains(name) {
            return Err(Error::Program {
                why: format!("no output beside the main one can be named {name:?}"),
            });
        }
    }
    Ok(())
}

/// The parts of an output, in their order.
pub(super) fn parts_of(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.map_err(Error::io("read", dir))?;
    let is_part = |entry: &&std::fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b"part-");
    let mut parts: Vec<_> = entries.iter().filter(is_part).map(std::fs::DirEntry::path).collect();
    parts.sort_unstable();
    Ok(parts)
}

struct Drive {
    place: Place,
    store: Arc<dyn Store>,
    clock: SystemClock,
    stages: Vec<Arc<Stage>>,
    job: Job,
}

impl Drive {
    fn run(mut self) -> Result<Summary> {
        self.stages = self.job.chain.stages.drain(..).map(Arc::new).collect();
        let count = self.stages.len();
        let mut first = 0;
        for stage in (0..count).rev() {
            if self.place.done(stage)?.is_some() {
                first = stage + 1;
                break;
            }
        }
        if let Some(last) = first.checked_sub(1) {
            self.clear_up(last)?;
        }
        for stage in first..count {
            self.stage(stage)?;
            self.clear_up(stage)?;
        }
        let stages = (0..count).map(|stage| self.place.report(stage)).collect::<Result<_>>()?;
        Ok(Summary { output: self.place.out(count - 1), stages })
    }

    fn stage(&self, stage: usize) -> Result<()> {
        let dir = self.place.work(stage);
        let jobs = match self.known(&dir)? {
            Some(known) => known,
            None => self.begin(stage, &dir)?,
        };
        self.node(stage, jobs[2])?;
        if self.place.done(stage)?.is_none() {
            return Err(self.why_not(&jobs)?);
        }
        Ok(())
    }

    /// Removes what a stage that is done needs no more: where it worked, and what it read of the stage before.
    fn clear_up(&self, stage: usize) -> Result<()> {
        place::remove(&self.place.work(stage))?;
        match stage.checked_sub(1) {
            Some(before) => place::remove(&self.place.out(before)),
            None => Ok(()),
        }
    }

    /// The jobs of a stage that was begun and can go on.
    fn known(&self, dir: &Path) -> Result<Option<[JobId; 3]>> {
        let jobs = self.store.jobs()?;
        let of = |id: JobId| jobs.iter().find(|job| job.id == id);
        let before = |job: &JobInfo| job.spec.after.first().and_then(|id| of(*id));
        let is_finish =
            |job: &&JobInfo| job.spec.handler == phase::KINDS[2] && dir_of(&job.spec).as_deref() == Some(dir);
        let Some(finish) = jobs.iter().rfind(is_finish) else { return Ok(None) };
        let Some(reduce) = before(finish) else { return Ok(None) };
        let Some(map) = before(reduce) else { return Ok(None) };
        let can = |job: &JobInfo| !job.canceled && job.counts.dead == 0 && job.counts.canceled == 0;
        let goes_on = [map, reduce, finish].into_iter().all(can);
        let is_over = matches!(finish.progress, Progress::Finished(_));
        let can_go_on = goes_on && !is_over && self.plan_again(dir)?;
        Ok(can_go_on.then_some([map.id, reduce.id, finish.id]))
    }

    /// Lets a plan have the bounds that the job has now. `false` if there is none to go on with.
    fn plan_again(&self, dir: &Path) -> Result<bool> {
        let Ok(known) = Plan::read(dir) else { return Ok(false) };
        let Job { memory, disk, skip_bad, .. } = self.job;
        let now = Plan { memory, disk, skip_bad, ..known.clone() };
        if now != known {
            now.write(dir)?;
        }
        Ok(true)
    }

    /// Plans a stage and submits it. What is left of an attempt that failed, or was killed before all was submitted, goes.
    fn begin(&self, stage: usize, dir: &Path) -> Result<[JobId; 3]> {
        for job in self.store.jobs()? {
            if dir_of(&job.spec).as_deref() == Some(dir) && !matches!(job.progress, Progress::Finished(_)) {
                self.store.cancel(self.clock.millis(), job.id, None)?;
            }
        }
        place::remove(dir)?;
        if stage + 1 < self.stages.len() {
            place::remove(&self.place.out(stage))?;
        }
        std::fs::create_dir_all(dir).map_err(Error::io("make", dir))?;
        let plan = self.plan(stage)?;
        let name = match self.stages.len() {
            1 => self.job.chain.name.clone(),
            of => format!("{}, stage {} of {of}", self.job.chain.name, stage + 1),
        };
        let jobs = phase::submit(&*self.store, self.clock.millis(), dir, &plan, &name, phase::ATTEMPTS_MAX);
        let jobs = jobs.map_err(|error| match error {
            SubmitError::Work(error) => error,
            SubmitError::Store(error) => error.into(),
        })?;
        Ok([jobs.map, jobs.reduce, jobs.finish])
    }

    fn plan(&self, stage: usize) -> Result<Plan> {
        let (files, framing) = match stage.checked_sub(1) {
            None => (expand(&self.job.chain.inputs)?, self.job.chain.framing),
            Some(before) => {
                let parts = parts_of(&self.place.out(before))?;
                (parts.iter().map(|part| InputFile::look(part)).collect::<Result<_>>()?, Framing::Lines)
            }
        };
        let share = self.job.memory / u64::from(self.job.workers);
        let split = self.job.split.unwrap_or((share / 4).clamp(SPLIT_MIN, SPLIT_MAX));
        let splits = Splits::new(files, framing, split);
        let parts = self.parts(stage, &splits, framing, share)?;
        let program = ProgramRef { kind: KIND.into(), detail: vec![stage as u8] };
        Ok(Plan {
            program,
            splits,
            framing,
            parts,
            out: Out::Directory(self.place.out(stage)),
            memory: self.job.memory,
            disk: self.job.disk,
            skip_bad: self.job.skip_bad,
        })
    }

    fn parts(&self, stage: usize, splits: &Splits, framing: Framing, share: u64) -> Result<Parts> {
        let stage = &self.stages[stage];
        let of = |bytes: u64| {
            let sized = splits.total_bytes().div_ceil(bytes).clamp(1, PARTS_MAX) as u32;
            stage.parts.unwrap_or(sized)
        };
        Ok(match &stage.does {
            Does::Map(_) => Parts::Splits(of(PART_BYTES)),
            Does::Group { partition: Partition::By(count, _), .. } => {
                Parts::Keys(Splitters::new((1..*count).map(|part| part.to_be_bytes().to_vec())))
            }
            Does::Group { .. } => {
                let distinct = stage.is_combined();
                // What is not combined has to fit into a worker's memory, part by part, or is merged in several passes.
                let count = of(if distinct { PART_BYTES } else { (share / 3).clamp(1, PART_BYTES) });
                Parts::Keys(sampled(&Typed(stage.clone()), splits.files(), framing, count, distinct)?)
            }
        })
    }

    /// A node that runs the jobs of a stage.
    fn node(&self, stage: usize, finish: JobId) -> Result<()> {
        let stages = self.stages.clone();
        let programs: Programs = Arc::new(move |program| {
            let stage = program.detail.first().filter(|_| program.kind == KIND);
            let stage = stage.and_then(|number| stages.get(usize::from(*number)));
            let typed = stage.map(|stage| Box::new(Typed(stage.clone())) as Box<dyn crate::program::Program>);
            typed.ok_or_else(|| "this program has no such stage".to_owned())
        });
        let path = self.place.report_path(stage);
        let on_finish: OnFinish = Arc::new(move |report| {
            // Without it the stage does not count as done, and is run again.
            let _ = place::store(&path, report);
        });
        let (workers, stop) = (self.job.workers, Stop::default());
        let handlers = phase::handlers(&programs, workers, &stop, &on_finish);
        let info = NodeInfo { name: self.job.chain.name.clone(), pid: std::process::id(), workers };
        let node = self.store.register(self.clock.millis(), &info)?;
        let config = Config::new(workers, phase::KINDS.map(str::to_owned).to_vec(), Until::Finished(finish));
        let settings = Settings::new(config);
        // A clock of its own: the account of a stage does not begin with the first one.
        Engine::new(settings, self.store.clone(), Arc::new(SystemClock::start()), handlers)
            .joined(node, stop)
            // Nobody else runs the phases that come before.
            .on_unable(|_, _| false)
            .run(&mut |_| {})?;
        Ok(())
    }

    /// What the first task has failed of that failed for good.
    fn why_not(&self, jobs: &[JobId; 3]) -> Result<Error> {
        for job in jobs {
            if let Some(dead) = self.store.dead(*job, 0, 1)?.into_iter().next() {
                return Ok(Error::Failed { why: dead.error });
            }
        }
        Ok(Error::Failed { why: "the output could not be finished".into() })
    }
}

/// What plans call the stages of programs of the user's own.
const KIND: &str = "typed";
/// Bytes of a split where nobody says how many.
const SPLIT_MIN: u64 = 64 << 10;
const SPLIT_MAX: u64 = 8 << 20;
/// Bytes of the inputs for each part of the output.
const PART_BYTES: u64 = 64 << 20;
/// Most parts.
const PARTS_MAX: u64 = 10_000;
