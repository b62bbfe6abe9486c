//! What becomes of tasks' outputs: printed, in order if asked for, and kept; and then their outcomes told.

use super::order::Gate;
use super::outlet::Outlet;
use super::recipe::Keep;
use super::results::Results;
use divvy_core::{Intervals, Seq, State};
use divvy_engine::process::Captured;
use divvy_engine::{Chunk, StopLevel, TaskKey};
use std::sync::{Arc, Mutex, PoisonError};

/// Output of a task, per stream, that is kept in memory; more goes to a file.
const MEMORY_MAX: usize = 1 << 20;
/// The same while it waits for its turn: many tasks may wait.
const MEMORY_WAITING_MAX: usize = 16 << 10;

/// Where one job's outputs go.
pub struct Delivery {
    results: Option<Results>,
    gate: Option<Mutex<Gate<Waiting>>>,
    outlet: Arc<Outlet>,
}

/// A finished task whose output waits for its turn.
struct Waiting {
    key: TaskKey,
    output: Captured,
    /// Told done when printed; a failure is told at once, since it is not done in any case.
    done: bool,
}

impl Delivery {
    /// As the job wants its outputs kept.
    ///
    /// # Errors
    /// A sentence, if the directory of results cannot be made.
    pub fn open(keep: &Keep, outlet: Arc<Outlet>) -> Result<Delivery, String> {
        let results = keep.results().map(Results::open).transpose();
        let results = results.map_err(|e| format!("cannot keep results: {e}"))?;
        Ok(Delivery { results, gate: keep.in_order.then(Mutex::default), outlet })
    }

    /// Output of a task, per stream, that may be kept in memory.
    pub fn memory_max(&self) -> usize {
        if self.is_in_order() { MEMORY_WAITING_MAX } else { MEMORY_MAX }
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
    pub fn pass_on(&self, mut output: Captured) {
        // A broken outlet is seen by everybody who asks.
        let _ = self.outlet.print(std::iter::once(&mut output));
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
        self.outlet.print(turn.iter_mut().map(|w| &mut w.output)).ok()?;
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
    pub fn hand_over(&self, chunk: &mut Chunk<'_>, seq: Seq, mut output: Captured, error: Option<String>) {
        // What a task printed in an attempt that will be repeated would only repeat itself.
        let repeats = error.is_some() && !chunk.is_last_attempt();
        if repeats {
            return chunk.failed(seq, error.unwrap_or_default());
        }
        chunk.enter(State::Report);
        if let Some(Err(why)) = self.results.as_ref().map(|r| r.keep(chunk.task(seq).id, &mut output)) {
            self.outlet.fail(format!("cannot keep the result of task {}: {why}", chunk.task(seq).id));
            return chunk.stop().ask(StopLevel::End);
        }
        let done = error.is_none();
        if let Some(error) = error {
            chunk.failed(seq, error);
        }
        let waiting = Waiting { key: chunk.key(seq), output, done };
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

    /// What cannot be printed is not told done: it runs again when somebody reads what it prints.
    fn print(&self, chunk: &mut Chunk<'_>, mut turn: Vec<Waiting>) {
        match self.outlet.print(turn.iter_mut().map(|w| &mut w.output)) {
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
