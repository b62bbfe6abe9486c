//! Nodes of one scene at work: threads of this program, each with a session of its own.

use super::scene::{Handles, KIND, Scene, handler};
use super::section::{Section, Sectioned};
use crate::bench::scratch::Scratch;
use anyhow::Result;
use divvy_core::{Clock, JobId};
use divvy_decide::{Config, Until};
use divvy_engine::{Engine, Handler, Outcome, Settings, Stop, StopLevel, SystemClock};
use divvy_store::sqlite::{Options, Sqlite};
use divvy_store::{Array, Input, JobSpec, NewJob, NodeInfo, Observation, Policy, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A node that finds the store locked by others for longer than the store waits asks again after so long.
const AGAIN: Duration = Duration::from_millis(50);
/// More tasks than any machine runs meanwhile.
const TASKS: u64 = 1 << 40;

/// Nodes, a store, and a job that does not end.
pub(super) struct Fleet {
    scene: Scene,
    clock: SystemClock,
    path: PathBuf,
    first: Arc<dyn Store>,
    section: Option<Arc<Section>>,
    job: JobId,
    handler: Arc<dyn Handler>,
    ended: Arc<AtomicU64>,
    nodes: Vec<(Stop, JoinHandle<divvy_engine::Result<Outcome>>)>,
    _scratch: Scratch,
}

impl Fleet {
    /// A store with the job, and no nodes yet.
    ///
    /// # Errors
    /// Whatever the store says.
    pub(super) fn new(scene: Scene, clock: SystemClock) -> Result<Fleet> {
        let scratch = Scratch::new()?;
        let path = scratch.dir().join("bench.db");
        let store = Arc::new(Sqlite::open(&path, &Options::default())?);
        let policy = Policy { range_max: scene.lease, ..Policy::default() };
        let array = Some(Array { first: 0, step: 1 });
        let spec = JobSpec { name: KIND.into(), array, policy, ..JobSpec::new(KIND) };
        let new = NewJob { spec, input: Input::Array(TASKS), paused: false };
        let job = store.submit(clock.millis(), &new)?;
        let (handler, ended) = handler(scene.work);
        Ok(Fleet {
            scene,
            clock,
            path,
            first: store,
            section: scene.hold.map(Section::new),
            job,
            handler,
            ended,
            nodes: Vec::new(),
            _scratch: scratch,
        })
    }

    /// One node more.
    ///
    /// # Errors
    /// Whatever the store says.
    pub(super) fn add(&mut self) -> Result<()> {
        let handle: Arc<dyn Store> = match self.scene.handles {
            Handles::Shared => self.first.clone(),
            Handles::Own => Arc::new(Sqlite::open(&self.path, &Options::default())?),
        };
        let store: Arc<dyn Store> = match &self.section {
            Some(section) => Arc::new(Sectioned { store: handle, section: section.clone() }),
            None => handle,
        };
        let stop = Stop::default();
        let decide = Config::new(self.scene.workers, vec![KIND.into()], Until::Finished(self.job));
        let (settings, clock, handler) = (Settings::new(decide), self.clock, self.handler.clone());
        let told = stop.clone();
        let node = std::thread::spawn(move || {
            let workers = settings.decide.workers;
            let info = NodeInfo { name: KIND.into(), pid: std::process::id(), workers };
            let id = loop {
                match store.register(clock.millis(), &info) {
                    Err(busy) if busy.is_retryable() && told.level() == StopLevel::Run => {
                        std::thread::sleep(AGAIN)
                    }
                    other => break other?,
                }
            };
            let engine = Engine::new(settings, store, Arc::new(clock), vec![handler]).joined(id, told);
            engine.run(&mut |_| {})
        });
        self.nodes.push((stop, node));
        Ok(())
    }

    /// One node less.
    ///
    /// # Errors
    /// What it ended with.
    pub(super) fn remove(&mut self) -> Result<()> {
        if let Some((stop, node)) = self.nodes.pop() {
            stop.ask(StopLevel::Drain);
            node.join().expect("a node does not panic")?;
        }
        Ok(())
    }

    /// Tasks per second from now on for so long.
    pub(super) fn rate(&self, for_so_long: Duration) -> f64 {
        let (begun, before) = (Instant::now(), self.ended.load(Ordering::Relaxed));
        std::thread::sleep(for_so_long);
        (self.ended.load(Ordering::Relaxed) - before) as f64 / begun.elapsed().as_secs_f64()
    }

    /// Ends all nodes, and gives what they have seen.
    ///
    /// # Errors
    /// What a node ended with.
    pub(super) fn end(mut self) -> Result<Vec<Observation>> {
        self.nodes.iter().for_each(|(stop, _)| stop.ask(StopLevel::Drain));
        while !self.nodes.is_empty() {
            self.remove()?;
        }
        Ok(self.first.observations(self.job)?)
    }
}
