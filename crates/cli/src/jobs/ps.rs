//! `divvy ps`: the nodes and what they run.

use super::hold::Jobs;
use super::processes::{self, Process};
use super::{count, job_json, one_line, print, print_json, state_shown};
use crate::args::Output;
use crate::exit::Exit;
use crate::home;
use crate::session::time;
use anyhow::Result;
use divvy_core::NodeId;
use divvy_store::{NodeInfo, Progress, Store};
use serde_json::json;

/// Running tasks that are listed for each node.
const TASKS_SHOWN: usize = 20;

/// Shows the nodes, what they run, and the jobs that have not finished.
///
/// # Errors
/// Whatever the store says.
pub fn ps(output: Output) -> Result<Exit> {
    let store = home::open_store()?;
    let nodes = store.nodes()?;
    let gone = store.gone()?;
    let holdings = store.holdings()?;
    let held = |node| {
        let mine = holdings.iter().filter(|held| held.node == node);
        mine.fold((0, 0), |(leases, tasks), held| (leases + held.leases, tasks + held.tasks))
    };
    let sessions: Vec<_> = nodes.iter().map(|(node, _)| store.session_file(*node)).collect();
    let running = processes::of_sessions(&sessions);
    let jobs = Jobs::look(&*store)?;
    let unfinished = || jobs.iter().filter(|job| !matches!(job.progress, Progress::Finished(_)));
    match output {
        Output::Quiet => {}
        Output::Json => {
            let nodes = nodes.iter().zip(&running).map(|((id, node), tasks)| {
                let tasks = tasks
                    .iter()
                    .map(|p| json!({ "job": p.job.0, "task": p.task, "pid": p.pid, "seconds": p.seconds }));
                let (leases, leased) = held(*id);
                json!({
                    "id": id.0, "name": node.name, "pid": node.pid, "workers": node.workers, "leases": leases, "leased_tasks": leased,
                    "state": node_state(*id, node, &gone), "tasks": tasks.collect::<Vec<_>>()
                })
            });
            let nodes: Vec<_> = nodes.collect();
            print_json(&json!({ "nodes": nodes, "jobs": unfinished().map(job_json).collect::<Vec<_>>() }))?;
        }
        Output::Human => {
            let mut text = String::new();
            for ((id, node), tasks) in nodes.iter().zip(&running) {
                text += &node_lines(*id, node, node_state(*id, node, &gone), held(*id), tasks);
            }
            if nodes.is_empty() {
                text += "no node runs; `divvy work` starts one\n";
            }
            for job in unfinished() {
                let c = job.counts;
                let (name, state) = (one_line(&job.spec.name, 60), state_shown(job, &jobs));
                let ready = c.ready + c.retrying;
                text += &format!(
                    "job {} is {state}: {} of {} done, {} leased, {ready} waiting  {name}\n",
                    job.id, c.done, job.tail, c.running
                );
            }
            print(&text)?;
        }
    }
    Ok(Exit::Done)
}

fn node_state(id: NodeId, node: &NodeInfo, gone: &[NodeId]) -> &'static str {
    match () {
        () if gone.contains(&id) => "gone",
        () if processes::is_stopped(node.pid) => "stopped",
        () => "alive",
    }
}

fn node_lines(id: NodeId, node: &NodeInfo, state: &str, held: (u64, u64), tasks: &[Process]) -> String {
    let (leases, leased) = held;
    let leased = if leases > 0 {
        format!(", {leased} leased to it in {}", count(leases, "lease"))
    } else {
        String::new()
    };
    let state = match state {
        "alive" => String::new(),
        "gone" => ", gone: the next node takes over what it held".into(),
        state => format!(", {state}: `kill -CONT {}` lets it go on", node.pid),
    };
    let mut text = format!(
        "node {id} on {}, pid {}: {}, {} running{leased}{state}\n",
        one_line(&node.name, 40),
        node.pid,
        count(node.workers.into(), "worker"),
        count(tasks.len() as u64, "task")
    );
    for p in tasks.iter().take(TASKS_SHOWN) {
        text +=
            &format!("  task {} of job {}, pid {}, for {}\n", p.task, p.job, p.pid, time(p.seconds as f64));
    }
    if tasks.len() > TASKS_SHOWN {
        text += &format!("  ... and {} more\n", tasks.len() - TASKS_SHOWN);
    }
    text
}
