//! The bill: where worker time went, what dividing the work cost, and what the time was lost to.
//!
//! `divvy run` and `mapreduce` end with it and `divvy bill` shows it again: both read what nodes have told the store
//! ([`divvy_store::Observation`]) and add it up in `sum.rs`.
//!
//! | file | idea |
//! |---|---|
//! | `sum.rs` | what observations add up to |
//! | `figures.rs` | the four figures, good and bad |
//! | `text.rs`, `json.rs`, `chart.rs` | how it is shown; over time |
//! | `missing.rs` | what a job has done and its bill does not hold |
//! | `compare.rs` | two bills beside each other |
//! | `price.rs` | what worker time costs |

mod chart;
mod compare;
mod figures;
mod json;
mod missing;
mod price;
mod sum;
mod text;

use crate::args::{BillArgs, Output};
use crate::command::{Recipe, Text};
use crate::exit::{Exit, bad_usage};
use crate::jobs::answer;
use crate::{home, jobs, select};
use anyhow::Result;
use compare::Side;
use divvy_core::{Clock, JobId};
use divvy_engine::{SystemClock, Usage};
use divvy_mapreduce::phase;
use divvy_store::{JobInfo, JobSpec, Observation, Progress, Store};
use missing::Missing;
use price::Price;
use serde_json::{Value, json};
use sum::Bill;

/// Shows bills.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn bill(args: &BillArgs, output: Output) -> Result<Exit> {
    let price = args.price.as_deref().map(Price::parse).transpose()?;
    let store = home::open_store()?;
    let asked = match &args.jobs[..] {
        [] => vec![Kept::of(&*store, select::job(&*store, "last".as_ref())?)?],
        [one] => several(&*store, one)?,
        two => two.iter().map(|job| Kept::of(&*store, select::job(&*store, job)?)).collect::<Result<_>>()?,
    };
    match &asked[..] {
        [one] => show(one, args.over_time, price, output),
        [_, _] if args.over_time => {
            Err(bad_usage("--over-time is for one job: ask for each of the two by itself"))
        }
        [first, second] => show_both([first, second], price, output),
        _ => Err(bad_usage("one job, or two to compare")),
    }
}

/// One argument may name two jobs: `3,5`.
fn several(store: &dyn Store, jobs: &std::ffi::OsStr) -> Result<Vec<Kept>> {
    let mut found = select::jobs(store, jobs)?;
    // With one phase of a map-reduce all are asked for.
    found.dedup_by_key(|job| phase::dir_of(&job.spec).map_or((None, Some(job.id)), |dir| (Some(dir), None)));
    if found.is_empty() {
        return Ok(vec![Kept::of(store, select::job(store, jobs)?)?]);
    }
    found.into_iter().map(|job| Kept::of(store, job)).collect()
}

/// What is kept of a job, or of all phases of a map-reduce.
struct Kept {
    /// As it was asked for.
    name: String,
    phases: Vec<(JobInfo, Vec<Observation>)>,
}

impl Kept {
    fn of(store: &dyn Store, job: JobInfo) -> Result<Kept> {
        let name = format!("job {}", job.id);
        let mut jobs = vec![job];
        if let Some(dir) = phase::dir_of(&jobs[0].spec) {
            jobs = store.jobs()?;
            jobs.retain(|job| phase::dir_of(&job.spec).as_ref() == Some(&dir));
        }
        let phases = jobs.into_iter().map(|job| Ok((store.observations(job.id)?, job)));
        let phases =
            phases.map(|kept: Result<_>| kept.map(|(seen, job)| (job, seen))).collect::<Result<_>>()?;
        Ok(Kept { name, phases })
    }

    fn bill(&self) -> Bill {
        let mut bill = Bill::together(self.phases.iter().map(|(_, seen)| &seen[..]));
        self.phases.iter().for_each(|(job, _)| add_ages(&mut bill, job));
        bill
    }

    fn missing(&self) -> Missing {
        let mut missing = Missing::default();
        self.phases.iter().for_each(|(job, seen)| missing.add(job, seen));
        missing
    }

    fn seen(&self) -> Vec<Observation> {
        self.phases.iter().flat_map(|(_, seen)| seen.clone()).collect()
    }

    /// What was run, for people.
    fn work(&self) -> String {
        let names: Vec<_> = self.phases.iter().map(|(job, _)| jobs::one_line(&job.spec.name, 60)).collect();
        names.join("; ")
    }

    /// Whether the other is the same work, be it with other inputs or other workers.
    fn is_like(&self, other: &Kept) -> bool {
        self.phases
            .iter()
            .map(|(job, _)| what(&job.spec))
            .eq(other.phases.iter().map(|(job, _)| what(&job.spec)))
    }

    /// The phases that ran, each with its bill, if there are several.
    fn each(&self) -> impl Iterator<Item = (&JobInfo, Bill)> {
        let several = self.phases.len() > 1;
        let ran = self.phases.iter().filter(move |(_, seen)| several && !seen.is_empty());
        ran.map(|(job, seen)| (job, Bill::of(seen)))
    }
}

/// What a job runs: its handler, and its command's words, whatever name people gave it; the name where the store knows
/// no words, since they come with the inputs.
fn what(spec: &JobSpec) -> (&str, Result<Text, &str>) {
    let text = Recipe::decode(&spec.detail).ok().map(|recipe| recipe.text);
    (&spec.handler, text.filter(|text| !text.words.is_empty()).ok_or(&spec.name))
}

/// Puts the ages of what still waits to the waits of what has begun: a task that never starts would not be seen
/// otherwise.
fn add_ages(bill: &mut Bill, job: &JobInfo) {
    let since_submit = job.progress == Progress::Closed && job.spec.after.is_empty() && bill.wait.count() > 0;
    if since_submit && job.counts.ready > 0 {
        let age_ms = SystemClock::start().millis().saturating_sub(job.created);
        bill.wait.record(age_ms.saturating_mul(1_000_000), job.counts.ready);
    }
}

fn show(kept: &Kept, over_time: bool, price: Option<Price>, output: Output) -> Result<Exit> {
    let bill = kept.bill();
    let for_people = || kept_text(kept, &bill, over_time, price);
    answer(output, for_people, || kept_json(kept, &bill, over_time, price))?;
    Ok(Exit::Done)
}

fn kept_text(kept: &Kept, bill: &Bill, over_time: bool, price: Option<Price>) -> String {
    if bill.is_empty() {
        return format!("{}: no node has told of it yet\n{}", kept.name, kept.missing().text());
    }
    let mut out = heading(kept) + &text::text(bill, price, true) + &kept.missing().text();
    if over_time {
        out += &chart::chart(&kept.seen());
    }
    out + &phases(kept, price)
}

fn heading(kept: &Kept) -> String {
    let names: Vec<_> =
        kept.phases.iter().map(|(job, _)| format!("job {}: {}", job.id, job.spec.name)).collect();
    let names: Vec<_> = names.iter().map(|name| jobs::one_line(name, 100)).collect();
    format!("{}\n", names.join("\n"))
}

/// Each phase by itself.
fn phases(kept: &Kept, price: Option<Price>) -> String {
    kept.each()
        .map(|(job, bill)| {
            format!("\njob {}, {}", job.id, jobs::one_line(&job.spec.name, 60))
                + &text::states(&bill, price)
                + &text::spread(&bill)
        })
        .collect()
}

fn kept_json(kept: &Kept, bill: &Bill, over_time: bool, price: Option<Price>) -> Value {
    let mut out = json::bill(bill, price);
    let missing = kept.missing();
    out["tasks_done"] = json!(missing.done);
    out["tasks_untold"] = json!(missing.untold);
    out["tasks_told_too_late"] = json!(missing.too_late);
    out["jobs"] = kept.phases.iter().map(|(job, _)| json!(job.id.0)).collect();
    let phases: Vec<_> = kept
        .each()
        .map(|(job, bill)| {
            let mut phase = json::bill(&bill, price);
            phase["job"] = json!(job.id.0);
            phase["name"] = json!(job.spec.name);
            phase
        })
        .collect();
    if !phases.is_empty() {
        out["phases"] = json!(phases);
    }
    if over_time {
        out["over_time"] = json::over_time(&kept.seen());
    }
    out
}

fn show_both(both: [&Kept; 2], price: Option<Price>, output: Output) -> Result<Exit> {
    let bills = both.map(Kept::bill);
    let (works, alike) = (both.map(Kept::work), both[0].is_like(both[1]));
    let side = |at: usize| Side { name: &both[at].name, work: &works[at], bill: &bills[at] };
    let as_json = || {
        let of = |at: usize| kept_json(both[at], &bills[at], false, price);
        let change = compare::json(&bills[0], &bills[1]);
        json!({ "bills": [of(0), of(1)], "same_command": alike, "change": change })
    };
    answer(output, || compare::text(side(0), side(1), alike, price), as_json)?;
    Ok(Exit::Done)
}

/// The bill at the end of a run: of the job, or of the node where it ran whatever there was.
///
/// # Errors
/// Whatever the store says.
pub fn at_end(store: &dyn Store, job: Option<JobId>, usage: &Usage) -> Result<(String, Value)> {
    let Some(job) = job else {
        let bill = Bill::of_node(usage);
        return Ok((text::text(&bill, None, false), json::bill(&bill, None)));
    };
    let job = store.job(job)?;
    let job_json = jobs::job_json(&job);
    let kept = Kept::of(store, job)?;
    let bill = kept.bill();
    let mut value = kept_json(&kept, &bill, false, None);
    value["job"] = job_json;
    Ok((text::text(&bill, None, true) + &kept.missing().text() + &phases(&kept, None), value))
}

/// A node's account as JSON.
pub fn account_json(usage: &Usage) -> Value {
    json::account(&Bill::of_node(usage))
}
