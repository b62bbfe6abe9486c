//! A job's directory, opened by a node.
//!
//! ```text
//! plan        what the job is
//! manifest    which runs count
//! runs/       run files, also those that nobody counts
//! parts/      the output as it grows
//! making/     parts that are not whole yet
//! ```

use super::{OnFinish, Programs, WORKER_MEMORY_MIN};
use crate::manifest::Manifest;
use crate::plan::{Parts, Plan};
use crate::program::{Program, Room, Runs};
use crate::spill::{self, Disk};
use crate::{Error, Result, Splitters};
use divvy_engine::{Stop, StopLevel};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// What all phases need.
pub struct Work {
    pub(super) dir: PathBuf,
    pub(super) plan: Plan,
    pub(super) manifest: Manifest,
    pub(super) program: Box<dyn Program>,
    pub(super) workers: usize,
    pub(super) on_finish: OnFinish,
    stop: Stop,
    splitters: Arc<Splitters>,
    disk: Arc<Disk>,
    /// What the node ends with.
    trouble: Mutex<Option<String>>,
    /// Names given to run files so far.
    prefixes: AtomicU64,
    /// What nobody else's names begin with.
    nonce: String,
}

impl Work {
    /// Opens a job's directory.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn open(
        dir: PathBuf,
        programs: &Programs,
        workers: u32,
        stop: Stop,
        on_finish: OnFinish,
    ) -> Result<Work, String> {
        let told = |error: Error| error.to_string();
        let plan = Plan::read(&dir).map_err(told)?;
        let least = WORKER_MEMORY_MIN * u64::from(workers);
        if plan.memory < least {
            let (has, least, most) = (plan.memory >> 20, least >> 20, plan.memory / WORKER_MEMORY_MIN);
            return Err(format!(
                "it may use {has}M of memory, and {workers} workers need {least}M; with -j{most} it can"
            ));
        }
        spill::leave_room_for(workers.max(1) as usize);
        let program = programs(&plan.program)?;
        for sub in ["runs", "parts", "making"] {
            let path = dir.join(sub);
            std::fs::create_dir_all(&path).map_err(Error::io("make", &path)).map_err(told)?;
        }
        let splitters = match &plan.parts {
            Parts::Keys(splitters) => splitters.clone(),
            Parts::Splits(_) => Splitters::new([]),
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        Ok(Work {
            manifest: Manifest::open(&dir).map_err(told)?,
            splitters: Arc::new(splitters),
            disk: Arc::new(Disk::new(plan.disk)),
            program,
            on_finish,
            workers: workers.max(1) as usize,
            stop,
            trouble: Mutex::default(),
            prefixes: AtomicU64::new(0),
            nonce: format!("{:x}-{since:x}", std::process::id()),
            dir,
            plan,
        })
    }

    /// What each worker has.
    pub(super) fn room(&self) -> Room {
        Room {
            memory: usize::try_from(self.plan.memory).unwrap_or(usize::MAX) / self.workers,
            splitters: self.splitters.clone(),
            disk: self.disk.clone(),
            dir: self.dir.join("runs"),
        }
    }

    /// Where a worker's run files go.
    pub(super) fn runs(&self) -> Runs {
        let number = self.prefixes.fetch_add(1, Ordering::Relaxed);
        Runs {
            dir: self.dir.join("runs"),
            prefix: format!("{}-{number}", self.nonce),
            next: 0,
            partitions: self.plan.parts.count(),
            disk: self.disk.clone(),
            written: Vec::new(),
        }
    }

    pub(super) fn parts_dir(&self) -> PathBuf {
        self.dir.join("parts")
    }

    pub(super) fn making_dir(&self) -> PathBuf {
        self.dir.join("making")
    }

    /// The machine is in trouble: the node ends, and the job can go on when that is mended. It is none if others have finished
    /// the job meanwhile, and its directory is gone.
    pub(super) fn give_up(&self, error: &Error) {
        if !matches!(error, Error::Stopped) && !self.manifest.is_over() {
            self.end_node(error);
        }
    }

    /// The same, whatever others have done.
    pub(super) fn end_node(&self, error: &Error) {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.to_string());
        self.stop.ask(StopLevel::End);
    }

    /// What the node ends with, if it does.
    ///
    /// # Errors
    /// That.
    pub(super) fn check(&self) -> Result<(), String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }
}
