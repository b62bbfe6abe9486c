//! What becomes of tasks' outputs: printed, in order if asked for, and kept; and then their outcomes told.

use super::Recipe;
use super::order::Gate;
use super::outlet::{Outlet, Printout};
use super::results::{Of, Results};
use crate::lang::placeholder::Input;
use divvy_core::{Intervals, JobId, Seq, State};
use divvy_engine::process::{Captured, Room};
use divvy_engine::{Chunk, StopLevel, TaskKey};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Output of a task, per stream, that is kept in memory; more goes to a file.
const MEMORY_MAX: usize = 1 << 20;
/// The same while it waits for its turn: many tasks may wait.
const MEMORY_WAITING_MAX: usize = 16 << 10;

/// Where one job's outputs go.
pub struct Delivery {
    job: u64,
    /// What of an output is kept in memory, and where the rest goes.
    pub(crate) room: Room,
    results: Option<Results>,
    gate: Option<Mutex<Gate<Waiting>>>,
    outlet: Arc<Outlet>,
}

/// A finished task whose output waits for its turn.
struct Waiting {
    key: TaskKey,
    printout: Printout,
    /// Told done when printed; a failure is told at once, since it is not done in any case.
    done: bool,
}

impl Delivery {
    /// As the job wants its outputs kept.
    ///
    /// # Errors
    /// A sentence, if the directory of results cannot be made.
    pub fn open(
        job: JobId,
        recipe: &Recipe,
        outlet: Arc<Outlet>,
        spill: PathBuf,
    ) -> Result<Delivery, String> {
        let keep = &recipe.keep;
        let results = Results::open(&keep.place, keep.names, &recipe.text.spelling)?;
        let memory_max = if keep.in_order { MEMORY_WAITING_MAX } else { MEMORY_MAX };
        let room = Room { memory_max, spill };
        Ok(Delivery { job: job.0, room, results, gate: keep.in_order.then(Mutex::default), outlet })
    }

    /// Whether outputs are printed in the order of the inputs.
    pub fn is_in_order(&self) -> bool {
        self.gate.is_some()
    }

    /// Whether nothing is to be done for a task that printed nothing, other than to tell that it is done.
    pub fn is_idle(&self) -> bool {
        self.gate.is_none() && self.results.is_none()
    }

    /// Whether nothing can be printed any more.
    pub fn is_broken(&self) -> bool {
        self.outlet.broken().is_some()
    }

    /// Nothing more is to be printed, for this reason.
    pub fn fail(&self, why: String) {
        self.outlet.fail(why);
    }

    /// Prints what belongs to no task's output.
    pub fn pass_on(&self, output: Captured) {
        let mut printout = Printout { output, ..Printout::default() };
        // A broken outlet is seen by everybody who asks.
        let _ = self.outlet.print(std::iter::once(&mut printout));
    }

    /// These tasks will come.
    pub fn expect(&self, open: &Intervals) {
        if let Some(gate) = &self.gate {
            gate.lock().unwrap_or_else(PoisonError::into_inner).expect(open);
        }
    }

    /// These tasks will not come, as far as is known.
    pub fn forgo(&self, tasks: &Intervals) {
        if let Some(gate) = &self.gate {
            gate.lock().unwrap_or_else(PoisonError::into_inner).forgo(tasks);
        }
    }

    /// A task that others waited for was canceled, or is dead: they wait no longer.
    pub fn on_quiet(&self) -> Option<Vec<TaskKey>> {
        let Some(gate) = &self.gate else { return Some(Vec::new()) };
        let mut turn = gate.lock().unwrap_or_else(PoisonError::into_inner).give_up_all();
        self.outlet.print(turn.iter_mut().map(|w| &mut w.printout)).ok()?;
        Some(turn.iter().filter(|w| w.done).map(|w| w.key).collect())
    }

    /// Makes durable what completions stand on.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn sync(&self) -> Result<(), String> {
        let Some(results) = &self.results else { return Ok(()) };
        results.sync().map_err(|e| format!("cannot make results durable, so nothing is reported done: {e}"))
    }

    /// Output first, outcome second.
    pub fn hand_over(&self, chunk: &mut Chunk<'_>, seq: Seq, output: Captured, error: Option<String>) {
        // What a task printed in an attempt that will be repeated would only repeat itself.
        let repeats = error.is_some() && !chunk.is_last_attempt();
        if repeats {
            return chunk.failed(seq, error.unwrap_or_default());
        }
        chunk.enter(State::Report);
        let mut printout = Printout { output, ..Printout::default() };
        if let Err(why) = self.keep(chunk, seq, &mut printout) {
            self.outlet.fail(format!("cannot keep the result of task {}: {why}", chunk.task(seq).id));
            return chunk.stop().ask(StopLevel::End);
        }
        let done = error.is_none();
        if let Some(error) = error {
            chunk.failed(seq, error);
        }
        let waiting = Waiting { key: chunk.key(seq), printout, done };
        match &self.gate {
            None => self.print(chunk, vec![waiting]),
            Some(gate) => {
                chunk.enter(State::Lock);
                let mut gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
                chunk.enter(State::Report);
                let turn = gate.arrive(seq, waiting);
                // Printed under the lock: else two workers could print their turns in the wrong order.
                self.print(chunk, turn);
            }
        }
    }

    fn keep(&self, chunk: &Chunk<'_>, seq: Seq, printout: &mut Printout) -> io::Result<()> {
        let Some(results) = &self.results else { return Ok(()) };
        let task = chunk.task(seq);
        let number = task.id.to_string();
        let bytes = if chunk.is_array() { number.as_bytes() } else { task.input };
        let input = Input { fields: &[bytes], id: task.id, slot: chunk.worker() as u32 + 1 };
        results.keep(&Of { job: self.job, input, attempt: task.attempt }, printout)
    }

    /// What cannot be printed is not told done: it runs again when somebody reads what it prints.
    fn print(&self, chunk: &mut Chunk<'_>, mut turn: Vec<Waiting>) {
        match self.outlet.print(turn.iter_mut().map(|w| &mut w.printout)) {
            Ok(()) => turn.iter().filter(|w| w.done).for_each(|w| chunk.settle(w.key)),
            Err(_) => chunk.stop().ask(StopLevel::End),
        }
    }

    /// A task will not come: it was stopped.
    pub fn give_up(&self, chunk: &mut Chunk<'_>, seq: Seq) {
        if let Some(gate) = &self.gate
            && chunk.stop().level() == StopLevel::Run
        {
            let mut gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = gate.give_up(seq);
            self.print(chunk, turn);
        }
    }
}
