//! What tasks find in their environment about themselves.

use super::runner::JobRunner;
use divvy_engine::process::SESSION_VAR;
use divvy_engine::{Chunk, Task};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

/// An input longer than this is not put into the environment: together with the argument it could pass what the
/// system allows.
const INPUT_VAR_MAX: usize = 64 << 10;

impl JobRunner {
    /// Sets a task's variables.
    pub fn set_variables(
        &self,
        command: &mut Command,
        chunk: &Chunk<'_>,
        task: &Task<'_>,
        input: Option<&[u8]>,
        slot: u32,
    ) {
        let (id, slot) = (task.id.to_string(), slot.to_string());
        command.env("DIVVY_JOB", &self.job).env("DIVVY_TASK", &id);
        command.env("DIVVY_ATTEMPT", task.attempt.to_string()).env("DIVVY_FENCE", chunk.fence().to_string());
        command.env("DIVVY_SLOT", &slot);
        // Scripts written for GNU parallel and HyperQueue find what they know, where attempts count from 0.
        command.env("PARALLEL_SEQ", &id).env("PARALLEL_JOBSLOT", &slot).env("PARALLEL_PID", &self.pid);
        command.env("HQ_JOB_ID", &self.job).env("HQ_TASK_ID", &id);
        command.env("HQ_INSTANCE_ID", task.attempt.saturating_sub(1).to_string());
        if let Some(input) = input.filter(|input| input.len() <= INPUT_VAR_MAX) {
            let input = OsStr::from_bytes(input);
            command.env("DIVVY_INPUT", input);
            if !chunk.is_array() {
                command.env("HQ_ENTRY", input);
            }
        }
        if let Some(session) = &self.session {
            command.env(SESSION_VAR, session);
        }
    }
}
