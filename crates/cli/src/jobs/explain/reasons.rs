//! From facts to sentences: one function for each state.

use super::Explanation;
use super::facts::Facts;
use crate::command::is_background;
use crate::jobs::{count, processes, tasks};
use crate::lang::demand::shown;
use crate::session::time;
use anyhow::Result;
use divvy_core::{Fence, Millis, NodeId, Seq};
use divvy_store::job::BLOCKERS_SHOWN;
use divvy_store::{Dead, Store, TaskState};
use serde_json::json;

/// Explains a task.
///
/// # Errors
/// Whatever the store says.
pub fn explain(store: &dyn Store, facts: &Facts) -> Result<Explanation> {
    Ok(match &facts.task.state {
        TaskState::Blocked { by } => blocked(store, facts, by)?,
        TaskState::Ready => ready(facts),
        TaskState::Retrying { due, attempts } => retrying(facts, *due, *attempts),
        TaskState::Running { node, fence } => running(facts, *node, *fence),
        TaskState::Done => {
            Explanation { state: "done", why: vec!["it ended well".into()], ..Default::default() }
        }
        TaskState::Dead => dead(store, facts)?,
        TaskState::Canceled => canceled(facts),
    })
}

fn blocked(store: &dyn Store, facts: &Facts, by: &[Seq]) -> Result<Explanation> {
    let mut all = Explanation { state: "blocked", ..Default::default() };
    let (job, mut blockers, mut dead) = (&facts.job, Vec::new(), Vec::new());
    let more = if by.len() == BLOCKERS_SHOWN { ", and perhaps others" } else { "" };
    all.why.push(format!("it waits for {}{more}:", count(by.len() as u64, "task")));
    for seq in by {
        let Some(task) = store.task(job.id, *seq)? else { continue };
        let state = word(&task.state);
        let error = task.error.map_or(String::new(), |error| format!(": {error}"));
        all.why.push(format!("  {} is {state}{error}", tasks::called(store, job, *seq)?));
        let id = job.spec.id_of(*seq);
        blockers.push(json!({ "task": id, "state": state }));
        match task.state {
            TaskState::Dead => dead.push(id.to_string()),
            TaskState::Canceled => {
                all.why.push("  what was canceled is never run: this task will not be either".into())
            }
            _ => {}
        }
    }
    all.details = json!({ "by": blockers });
    if !dead.is_empty() {
        let dead = dead.join(",");
        all.next.push(format!("`divvy retry {} --tasks {dead}` gives what failed new attempts", job.id));
    } else if by.len() == 1 {
        all.next.push(format!(
            "`divvy explain {} {}` tells why that one is not done",
            job.id,
            job.spec.id_of(by[0])
        ));
    }
    Ok(all)
}

fn ready(facts: &Facts) -> Explanation {
    let mut all = Explanation { state: "ready", ..Default::default() };
    hold_and_room(facts, &mut all);
    let own = facts.job.counts.ready.saturating_sub(1).min(facts.task.seq);
    let before = facts.jobs_before();
    if own > 0 {
        all.why.push(format!("at most {} of its job come before it", count(own, "task")));
    }
    if !before.is_empty() {
        let (n, sum) = (before.len(), before.iter().map(|(_, ready)| ready).sum::<u64>());
        let jobs: Vec<_> = before.iter().take(5).map(|(job, _)| job.to_string()).collect();
        let more = if n > 5 { ", ..." } else { "" };
        all.why.push(format!(
            "jobs with smaller numbers are served first: {} of job {}{more}",
            count(sum, "task"),
            jobs.join(", ")
        ));
    }
    if facts.job.spec.policy.exclusive && facts.job.counts.running > 0 {
        let running = facts.job.counts.running;
        all.why.push(format!(
            "one node at a time runs its job, because outputs are to come in order; {running} of its tasks are with that node"
        ));
    }
    let workers: u32 = facts.working().map(|(_, node)| node.workers).sum();
    if all.next.is_empty() && workers > 0 {
        let nodes = count(facts.working().count() as u64, "node");
        let workers = count(workers.into(), "worker");
        all.why.push(format!("there are {workers} on {nodes}; it is taken when one is free for it"));
        if facts.job.counts.running == 0 {
            all.next.push(format!(
                "`divvy resume {}` runs it here, if those nodes are busy with something else",
                facts.job.id
            ));
        }
    }
    all.details = json!({
        "before_in_job_max": own, "jobs_before": before.iter().map(|(job, _)| job.0).collect::<Vec<_>>(),
        "nodes": facts.working().count(), "workers": workers,
        "takes": demand(facts).iter().map(|(name, n)| (name.to_owned(), json!(n))).collect::<serde_json::Map<_, _>>(),
    });
    all
}

/// What keeps any task of the job from being taken: other jobs, a pause, no room, nobody there.
fn hold_and_room(facts: &Facts, all: &mut Explanation) {
    let job = facts.job.id;
    if let Some(hold) = facts.jobs.hold(job) {
        all.why.push(hold.why(job));
        all.next.extend(hold.next(job));
        return;
    }
    if let Some(first) = facts.job.waits_for.first() {
        let names: Vec<_> = facts.job.waits_for.iter().map(ToString::to_string).collect();
        all.why.push(format!("its job starts when these have succeeded: job {}", names.join(", ")));
        all.next.push(format!("`divvy show {first}` tells how far that one is"));
        return;
    }
    let takes = demand(facts);
    if !takes.fits(&facts.machine) {
        all.why.push(format!(
            "it takes {}, and this machine has {}: only a node that says it has more can run it",
            shown(&takes),
            shown(&facts.machine)
        ));
        all.next.push("`divvy work --capacity NAME=N,...` starts a node that has more".into());
        return;
    }
    for (id, node) in facts.nodes.iter().filter(|(_, node)| processes::is_stopped(node.pid)) {
        all.why
            .push(format!("node {id} is stopped (process {}): it does nothing for the time being", node.pid));
        all.next.push(format!("`kill -CONT {}` lets that node go on", node.pid));
    }
    if facts.working().next().is_none() {
        all.why.push("no node is there to run it".into());
        let submitted = is_background(&facts.job.spec.handler);
        let here = if submitted { "`divvy work --until-empty`, or " } else { "" };
        all.next.push(format!("{here}`divvy resume {job}` runs it here"));
    }
}

fn retrying(facts: &Facts, due: Millis, attempts: u32) -> Explanation {
    let mut all = Explanation { state: "retrying", ..Default::default() };
    let (max, left) = (facts.job.spec.policy.max_attempts, due.saturating_sub(facts.now));
    all.why.push(format!("{attempts} of {max} attempts failed{}", last_error(facts)));
    all.why.push(match left {
        0 => "the next one is due".into(),
        left => format!("the next one is due in {}", time(left as f64 / 1e3)),
    });
    hold_and_room(facts, &mut all);
    all.details = json!({ "attempts": attempts, "attempts_max": max, "due_ms": due, "due_in_ms": left });
    all
}

fn running(facts: &Facts, id: NodeId, fence: Fence) -> Explanation {
    let mut all = Explanation { state: "running", ..Default::default() };
    let mut pid = None;
    match facts.node(id) {
        Some(node) => {
            pid = Some(node.pid);
            let whose = format!("node {id} on {} (process {})", node.name, node.pid);
            all.why.push(match &facts.process {
                Some(p) => format!("{whose} runs it as process {} for {}", p.pid, time(p.seconds as f64)),
                None => format!("{whose} has it: it runs there, or comes next"),
            });
            if processes::is_stopped(node.pid) {
                all.why.push("that node is stopped: it does nothing for the time being".into());
                all.next.push(format!("`kill -CONT {}` lets that node go on", node.pid));
                all.next.push(format!("`kill -KILL {}` ends it, and others run its tasks again", node.pid));
            }
        }
        None if facts.gone.contains(&id) => {
            all.why.push(format!("node {id} had it and has ended: the next node that looks takes it over"));
            if facts.working().next().is_none() {
                all.next.push(format!("`divvy resume {}` runs it here", facts.job.id));
            }
        }
        None => all.why.push(format!("node {id} had it and has just left: it is ready again by now")),
    }
    if facts.process.is_some_and(|p| processes::is_stopped(p.pid)) {
        let pid = facts.process.map_or(0, |p| p.pid);
        all.why.push("its process is stopped: it does nothing for the time being".into());
        all.next.push(format!("`kill -CONT {pid}` lets it go on"));
    }
    all.details = json!({
        "node": id.0, "node_pid": pid, "fence": fence.0,
        "pid": facts.process.map(|p| p.pid), "seconds": facts.process.map(|p| p.seconds),
    });
    all
}

fn dead(store: &dyn Store, facts: &Facts) -> Result<Explanation> {
    let mut all = Explanation { state: "dead", ..Default::default() };
    let (job, seq) = (&facts.job, facts.task.seq);
    let Some(Dead { attempts, crashes, error, at, .. }) =
        store.dead(job.id, seq, 1)?.into_iter().find(|dead| dead.seq == seq)
    else {
        all.why.push("it was dead a moment ago, and has new attempts now".into());
        return Ok(all);
    };
    let ago = time(facts.now.saturating_sub(at) as f64 / 1e3);
    all.why.push(format!("{error}, {ago} ago"));
    let max = job.spec.policy.max_attempts;
    all.why.push(match crashes {
        0 => format!("{attempts} of {max} attempts failed"),
        _ => format!(
            "{attempts} of {max} attempts failed, and it took its node down {} (the limit is {})",
            count(crashes.into(), "time"),
            job.spec.policy.crash_limit
        ),
    });
    let id = job.spec.id_of(seq);
    all.next.push(format!("`divvy retry {} --tasks {id}` gives it new attempts", job.id));
    all.details = json!({
        "error": error, "attempts": attempts, "attempts_max": max, "crashes": crashes, "at_ms": at,
    });
    Ok(all)
}

fn canceled(facts: &Facts) -> Explanation {
    let mut all = Explanation { state: "canceled", ..Default::default() };
    let (dead, max) = (facts.job.counts.dead, facts.job.spec.policy.max_fails);
    let too_many = max.filter(|max| facts.job.canceled && dead > *max);
    all.why.push(match too_many {
        Some(max) => {
            format!("its job was given up: {} failed, more than the {max} it allows", count(dead, "task"))
        }
        None if facts.job.canceled => "somebody canceled its job".into(),
        None => "somebody canceled it".into(),
    });
    all.next.push(
        "submit it again as a job of its own, if it is to run after all: what is canceled stays so".into(),
    );
    all.details = json!({ "by": if too_many.is_some() { "max_fails" } else { "person" } });
    all
}

/// What the task takes, in the class in which it began.
fn demand(facts: &Facts) -> divvy_core::Demand {
    let needs = &facts.job.spec.needs;
    needs.demand(needs.class_of(facts.task.seq))
}

fn last_error(facts: &Facts) -> String {
    facts.task.error.as_ref().map_or(String::new(), |error| format!(": {error}"))
}

fn word(state: &TaskState) -> &'static str {
    match state {
        TaskState::Blocked { .. } => "blocked",
        TaskState::Ready => "ready",
        TaskState::Retrying { .. } => "retrying",
        TaskState::Running { .. } => "running",
        TaskState::Done => "done",
        TaskState::Dead => "dead",
        TaskState::Canceled => "canceled",
    }
}
