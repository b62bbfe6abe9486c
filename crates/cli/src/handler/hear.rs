//! What a process says of its tasks, and what follows from it.

use super::answer::{self, Answer, Hello, VERSION};
use super::beginning::{self, Beginning};
use super::round::Round;
use super::talk::Talk;
use crate::command::{Ended, Printout};
use crate::lang::Shown;
use divvy_core::{Range, Seq, State};
use divvy_engine::process::Captured;
use std::io;

impl Round<'_, '_, '_> {
    /// Reads what the process has printed, and does what it says. The inner error is the process' fault.
    pub(super) fn listen(&mut self, talk: &mut Talk) -> io::Result<Result<(), String>> {
        if !talk.read()? {
            self.on_closed("its stdout");
        }
        let before = self.hands.held_count();
        let said = talk.lines(|talk, line, answers| self.on_line(talk, line, answers));
        let answered = before - self.hands.held_count();
        if answered > 0 {
            self.on_progress(talk, answered);
        } else if talk.has_spoken && matches!(talk.beginning, Beginning::Starting(_)) {
            // All that it can have said without an answer.
            talk.measured_ns = self.chunk.now_ns();
            beginning::on_hello(&mut talk.beginning, self.chunk, talk.measured_ns);
        }
        Ok(said)
    }

    fn on_progress(&mut self, talk: &mut Talk, answered: u64) {
        self.since_ns = self.chunk.now_ns();
        let each_ns = talk.learn(self.since_ns, answered);
        beginning::on_answers(
            &mut talk.beginning,
            self.chunk,
            talk.is_first,
            self.since_ns,
            (answered, each_ns),
        );
        if self.hands.held_count() == 0 {
            talk.on_idle();
        }
        if !talk.has_answered {
            talk.has_answered = true;
            self.job.on_first_answer();
        }
    }

    fn on_line<'b>(
        &mut self,
        talk: &mut Talk,
        line: &'b [u8],
        answers: &mut Vec<Answer<'b>>,
    ) -> Result<(), String> {
        answer::read(line, answers).map_err(|why| not_an_answer(line, &why))?;
        if !talk.has_spoken {
            talk.fence = false;
        }
        answers.drain(..).try_for_each(|answer| self.on_answer(talk, answer))?;
        talk.has_spoken = true;
        Ok(())
    }

    fn on_answer(&mut self, talk: &mut Talk, answer: Answer<'_>) -> Result<(), String> {
        match answer {
            Answer::Done(id, last) if id == last => {
                let seq = self.release(id)?;
                self.on_done(Range::new(seq, seq + 1));
            }
            Answer::Done(first, last) => {
                let ends = self.chunk.seq_of(first).zip(self.chunk.seq_of(last));
                let done = ends.and_then(|(first, last)| self.hands.release_all(first, last));
                let done =
                    done.ok_or_else(|| format!("answered [{first},{last}], and does not have both of them"))?;
                done.ranges().iter().for_each(|range| self.on_done(*range));
            }
            Answer::Ended { task, output, error } => {
                let seq = self.release(task)?;
                self.on_ended(
                    seq,
                    output.as_deref().unwrap_or_default(),
                    error.map(|error| error.into_owned()),
                );
            }
            Answer::Hello(hello) => self.on_hello(talk, hello)?,
        }
        Ok(())
    }

    fn release(&mut self, id: u64) -> Result<Seq, String> {
        let seq = self.chunk.seq_of(id).filter(|seq| self.hands.release(*seq));
        seq.ok_or_else(|| format!("answered task {id}, which it does not have (or has answered before)"))
    }

    fn on_done(&mut self, tasks: Range) {
        if self.job.delivery.is_idle() {
            return self.chunk.done_all(tasks);
        }
        for seq in tasks.lo..tasks.hi {
            self.on_ended(seq, b"", None);
        }
    }

    fn on_ended(&mut self, seq: Seq, output: &[u8], error: Option<String>) {
        let mut captured = Captured::default();
        let kept = captured.stdout.append(output, &self.job.delivery.room);
        if let Err(why) = kept {
            let id = self.chunk.task(seq).id;
            self.job.delivery.fail(format!("cannot keep the output of task {id}: {why}"));
            return self.chunk.stopped(seq);
        }
        self.hand_over(seq, captured, error);
    }

    /// The outcome of a task, with what it has to say.
    pub(super) fn hand_over(&mut self, seq: Seq, output: Captured, error: Option<String>) {
        let printout = Printout { output, ..Printout::default() };
        let ended = Ended { printout, entry: None, error };
        self.job.delivery.hand_over(self.chunk, seq, &self.job.line, ended);
        self.chunk.enter(State::Run);
    }

    fn on_hello(&mut self, talk: &mut Talk, hello: Hello) -> Result<(), String> {
        if talk.has_spoken {
            return Err("announced itself when it had spoken already".into());
        }
        if hello.version != VERSION {
            let why = format!(
                "the handler speaks version {} of the protocol, and this divvy version {VERSION}",
                hello.version
            );
            self.job.on_useless(self.chunk, why);
        }
        talk.batch = hello.batch.map(|batch| self.job.on_batch(batch));
        talk.fence = hello.fence;
        // It is ready only now: getting so far was not the task's time.
        self.since_ns = self.chunk.now_ns();
        Ok(())
    }
}

/// Most such lines are a `print` that was left in.
fn not_an_answer(line: &[u8], why: &str) -> String {
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    let hint = if is_json { "" } else { "; stdout is for answers: print everything else to stderr" };
    format!("printed {}, which is no answer ({why}{hint})", Shown(line))
}
