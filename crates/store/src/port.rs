//! The port: what every store does, and exactly what each operation means.
//!
//! # A task's way through a store
//!
//! ```text
//!  blocked --all it waits for are done--.
//!                                       v
//!  append -> ready --claim--> running --report done--> done
//!              ^                 |  \--report failed--> retrying (attempts left) | dead
//!              |                 |--given back, or the node left ------> ready, nothing charged
//!              |                 `--node lost --> ready in eighths, charged only if it was alone | dead
//!              `--due-- retrying            any but done and dead --cancel--> canceled
//! ```
//!
//! # What is kept
//!
//! For each job a *head* (everything below was leased or set aside at least once) and a *tail* (number of records); the
//! *leases* with their unfinished tasks; the *waiting* ranges, which may be leased though they are
//! below the head (lost, given back, set aside, failed and due later); the *blocked*, the *dead* and the *canceled*. In a job with a graph
//! nothing is above the head: what is not blocked waits from the beginning. These sets and `[head, tail)` are
//! disjoint, but for the canceled at or above the head; what is below the head and in none of them is done.
//!
//! # Rules that hold in every store
//!
//! * An operation that returned `Ok` survives power loss, if the store is opened with that durability.
//! * Each operation is atomic, and the whole history is as if they had run one after the other.
//! * `now` is the caller's reading of the store's clock. A store with a clock of its own ignores it.
//! * Every lease has a fence, greater than all earlier ones of its job. A report counts only if a lease with its
//!   job and fence exists *and belongs to the reporting node*; else it changes nothing but the job's `stale` count,
//!   which rises by the tasks that the report calls done.
//! * An operation that names a node whose session has ended fails with [`Error::NodeGone`]; only
//!   [`Store::leave`] and [`Store::expire`] do nothing instead.
//! * A task of a [graph](crate::Graph) is *blocked* until all its parents are done: then (if it has none, from the
//!   beginning) it waits, due at once, with nothing charged, as a range of its own. Parents that are dead or canceled block it for good, or until a retry
//!   lets them be done after all.
//! * All tasks of a lease, and of a waiting range, are of one [class](crate::Needs). A node whose capacity has no
//!   room for a task's demand is never granted it.
//! * Nothing is granted of a job that is paused, or that comes after a job that has not succeeded: finished with
//!   every task done. A job that is no longer there has succeeded, else it could not have been forgotten.
//! * If a task dies and more than `max_fails` tasks of its job are dead then, the job is canceled as a whole in the
//!   same step, unless it has finished with that: when all reports of an exchange are applied, before its claim; when
//!   all leases of a lost session have come back. What a retry leaves dead cancels nothing by itself.
//! * *Due at once* is due whatever `now` the next caller reads, also if its clock is behind.
//!
//! [`Error::NodeGone`]: crate::Error::NodeGone

use crate::job::Selection;
use crate::{Dead, JobInfo, NewJob, Observation, Records, Result, TaskInfo};
use divvy_core::{Cost, Demand, Fence, Intervals, JobId, Millis, NodeId, Range, Seq};
use std::path::PathBuf;

/// Who registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInfo {
    /// A name for people.
    pub name: String,
    /// The process.
    pub pid: u32,
    /// Its workers; lease sizes divide the rest of a job by the sum over all nodes.
    pub workers: u32,
}

/// A lease's name.
pub type Held = (JobId, Fence);

/// Tasks lent to a node for as long as its session lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The fence under which to report.
    pub fence: Fence,
    /// The tasks to run. Never empty.
    pub open: Intervals,
    /// Attempts that already failed; above 0 only for a lease of one task.
    pub attempts: u32,
    /// Losses that the task is charged with; above 0 only for a lease of one task.
    pub crashes: u32,
    /// The node must not hold any other lease while it holds this one, and a store sees to it.
    pub quarantined: bool,
    /// How often its tasks were taken from a node that was slow: it, or they, may still run them.
    pub taken: u32,
    /// The class of all its tasks.
    pub class: u32,
    /// What each of them takes while it runs.
    pub demand: Demand,
}

/// How many tasks of which class of which job a node wants at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// The job.
    pub job: JobId,
    /// The class. Of a job that is named at all, classes that are not are not wanted. Of two wants of one class the
    /// first counts.
    pub class: u32,
    /// Tasks in all leases of this claim.
    pub tasks: u64,
}

/// Tasks that a node would take from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// The job.
    pub job: JobId,
    /// Tasks of it that the other node holds, [weighed](crate::rules::weighed), at most.
    pub tasks: u64,
}

/// A request for leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Only this job and those that it comes [after](crate::JobSpec::after), and they after others; `None`: all jobs.
    /// The first, in the order of their ids, that grants anything grants all: a claim is served from one class of one
    /// job, because sizes of different tasks cannot be added.
    pub only: Option<JobId>,
    /// The handlers that the node has.
    pub handlers: Vec<String>,
    /// All that the node has, whether in use or not.
    pub capacity: Demand,
    /// Sizes for the jobs that the node knows, of each job the class first that it would rather have. 0 means: none of
    /// this class.
    pub wants: Vec<Want>,
    /// Size for a job that is not in `wants`.
    pub want_new: u64,
    /// Most bytes of records in all leases together. One record is always granted, however large.
    pub bytes_max: u64,
    /// Most leases in the reply.
    pub leases_max: usize,
    /// Most leases of ranges that are being isolated: with `part` 1, or charged with a crash. A node that holds no
    /// more of them than it has workers runs all that it holds, so that only tasks that ran are charged with its end.
    pub isolated_max: usize,
    /// Only waiting ranges that begin before this task, and nothing from the head: what a node that tells outcomes in
    /// order is still to run before it can tell any of those that it holds.
    pub below: Option<Seq>,
    /// If nothing is granted otherwise: of which jobs tasks may be [taken](crate::Policy::backups) from another node, if it holds no
    /// more than so many. The first of which there are any.
    pub backups: Vec<Backup>,
}

/// A task that failed under a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The task.
    pub seq: Seq,
    /// What went wrong, for people.
    pub error: String,
    /// How long to wait before the next attempt, if there is one.
    pub retry_ms: Millis,
    /// It was ended because it needed more memory than its class has. If there is a class with more it waits in
    /// that one, due at once, and the attempt does not count; else this is a failure like any other.
    pub outgrown: bool,
}

/// What became of a lease's tasks since its last report. Tasks that are not open in the lease (reported before,
/// canceled meanwhile) are ignored, so a report may safely be sent twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The job.
    pub job: JobId,
    /// The lease.
    pub fence: Fence,
    /// Ended well.
    pub done: Intervals,
    /// Failed. In order of application after `done`.
    pub failed: Vec<Failed>,
    /// Not started and given back, or stopped without fault of theirs. Nothing is charged.
    pub back: Intervals,
}

/// Everything that a node has to say and to ask, in one round trip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exchange {
    /// Every lease that the node knows it holds, also those it reports on.
    pub held: Vec<Held>,
    /// Reports, applied before the claim.
    pub reports: Vec<Report>,
    /// A request for more.
    pub claim: Option<Claim>,
}

/// A job as far as a node's next claim needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// The job.
    pub job: JobId,
    /// Tasks that could be leased now: above the head, or waiting and due. None while the job is paused or comes after
    /// one that has not succeeded.
    pub claimable: u64,
    /// All tasks have ended and no more can come.
    pub finished: bool,
    /// More records may come.
    pub open: bool,
    /// Mean record size, 0 for arrays.
    pub record_bytes: u64,
    /// Dead tasks so far.
    pub dead: u64,
    /// Tasks that have not ended, wherever they are; without the blocked.
    pub unfinished: u64,
    /// Tasks that wait for others: some of them may become claimable with a report.
    pub blocked: u64,
    /// Nothing of it is leased for the time being: what has not started should be given back.
    pub paused: bool,
    /// It has not finished and waits for a job that has finished without success, or for one that is stuck itself:
    /// nothing will be granted of it unless somebody acts.
    pub stuck: bool,
    /// Tasks that the node holds of it from which this node could take, [weighed](crate::rules::weighed): 0 if there is none, if something is claimable, or if
    /// the job allows no [backups](crate::Policy::backups).
    pub backups: u64,
    /// Claimable tasks by class, and what each takes. Empty for a job that says nothing of its needs.
    pub classes: Vec<ClassView>,
}

/// A class of a job as far as a node's next claim needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassView {
    /// What each task takes.
    pub demand: Demand,
    /// Tasks of it that could be leased now, also those behind a run of another class above the head, as far as one
    /// claim could set aside what stands before them in a job that is not exclusive. Where that is all of the job they
    /// add up over the classes to [`JobView::claimable`].
    pub claimable: u64,
    /// The first of them in the log, which has waited longest.
    pub oldest: Option<Seq>,
}

/// The answer to an [`Exchange`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// Leases of this node that it did not list in `held`, as they stand: any that an earlier, lost reply granted,
    /// and the new ones. Ascending by job, then fence.
    pub leases: Vec<Lease>,
    /// Listed leases that the store does not have for this node: they were canceled, expired or have ended, be it
    /// by a report of this exchange. In the order of `held`.
    pub lost: Vec<Held>,
    /// Listed leases of which somebody else ever took tasks (canceled, or taken by another node): what is still open after
    /// the reports. Told
    /// with every exchange, since a reply may be lost. Ascending by job, then fence.
    pub open: Vec<(Held, Intervals)>,
    /// The jobs of the node's leases, also those it only lists, of its reports and wants, and `only`; with a claim that is granted nothing, those that it
    /// selects of which it might take backups. Ascending, each once; forgotten jobs are left out.
    pub jobs: Vec<JobView>,
    /// Workers of all nodes.
    pub workers: u64,
    /// Other nodes whose last claim found nothing.
    pub hungry: u64,
    /// The earliest due time after `now` among the waiting tasks of the jobs that the claim was about: those that
    /// `only` and `handlers` select, not finished, not paused, and of which it wanted any. `None` without a claim.
    pub next_due: Option<Millis>,
}

/// What the end of a session set free, before too many dead tasks cancel a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Leases that it held.
    pub leases: u64,
    /// Tasks that came back to wait again, also if too many deaths then cancel their job.
    pub waiting: u64,
    /// Tasks that are dead for it.
    pub dead: u64,
}

/// What a node holds of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The node.
    pub node: NodeId,
    /// The job.
    pub job: JobId,
    /// Its leases of this job. At least 1.
    pub leases: u64,
    /// Tasks in them that are not reported yet, whether they run or come next.
    pub tasks: u64,
}

/// A store. Calls block until their effect is durable; many threads may call at once.
pub trait Store: Send + Sync {
    /// Adds a job. Durable when it returns.
    ///
    /// A closed job without tasks is finished at once, and not paused. `NoJob` if it comes after one that is not there; `Conflict` if
    /// its needs are not sane or its graph has another number of tasks than it has records.
    fn submit(&self, now: Millis, job: &NewJob) -> Result<JobId>;

    /// Appends records to an open job and returns their range; with `close`, no more will come. An empty list
    /// with `close` only closes. Fails with `Conflict` if the job is not open (canceled jobs are not).
    fn append(&self, now: Millis, job: JobId, blocks: &[crate::Block], close: bool) -> Result<Range>;

    /// Starts a session. Ids are never used twice.
    fn register(&self, now: Millis, node: &NodeInfo) -> Result<NodeId>;

    /// Reports, then claims, in one atomic step.
    ///
    /// Reports: `done`, `failed`, `back` leave the lease's open set, in this order. A failed task has one attempt
    /// more than its lease says; it is dead when that reaches `max_attempts`, otherwise it waits until
    /// `now + retry_ms`, alone, `part` 0, with its attempts and crashes. What is given back waits with nothing charged and
    /// due at once: one waiting range per interval, `part` 0, with the lease's attempts and crashes if the lease
    /// was of one task. A lease whose open set is empty ends.
    ///
    /// A failed task that has outgrown its class waits in the next, alone, due at once, with its attempts and crashes.
    ///
    /// Claim: the first job in order of ids, and of it the first class that fits into `capacity`, that grants anything
    /// (in the order of the job's wants; ascending if it is not named), among the jobs that are not finished, not paused, whose handler is listed, that come after nothing that has not
    /// succeeded, and (if exclusive) of which no other node holds a lease. Of the class first the waiting ranges that
    /// are due, ascending by `lo`, each giving one lease of its lowest tasks, at most `part` (0: no limit; the rest of
    /// the range waits on), and never merged, except that in a job with a graph or with several classes all those with `part` 0 and nothing
    /// charged (no attempts, no crashes) give one lease together, of the lowest tasks of them all, in the place of the
    /// first; then, if the head's task begins in this class, one range `[head, head + n)` up to the end of that run of
    /// the class, without the canceled (if it is canceled as a whole it is passed over, and the next taken; if all
    /// above the head is canceled the head stays). A run that is canceled from the head to its end is passed over
    /// before anything else, so that it keeps no class behind it waiting. If nothing of a class waits that was named,
    /// and the head stands in another, the runs up to the next of this class are *set aside*: what is not canceled of
    /// them waits, each piece as a range of its own, `part` 0, nothing charged, due at once, and the head goes on. No
    /// run is set aside with which more than [`AHEAD_MAX`](crate::rules::AHEAD_MAX) ranges of the job would wait, and
    /// none of an exclusive job. `tasks`,
    /// `bytes_max` and `leases_max` bound all leases of the claim together, `range_max` each; ranges that are being
    /// isolated are passed over once `isolated_max` of them were granted.
    /// Bytes are counted by whole blocks: a lease from the head ends at the last block that still fits; waiting
    /// ranges count `record_bytes` for each task. The first lease of a claim has at least one task, however large;
    /// what does not fit afterwards is not granted.
    /// A node that holds a lease which `held` does not list is granted nothing new: the reply that granted it was lost,
    /// and its bounds did not count it.
    /// A task that needs quarantine is granted only to a node that holds nothing and was granted nothing else in
    /// this call, and then nothing else is granted to this node until that lease has ended.
    ///
    /// Backups: a claim that would be granted nothing, of a node that may be granted something, takes tasks from another
    /// node's lease. `backups` are tried in their order, as far as the claim selects their jobs by `only` and `handlers`,
    /// they are neither paused nor come after what has not succeeded, and their policy says `backups` and not
    /// `exclusive`; jobs that have needs have none. Leases charged with a crash are left alone: who runs such a task runs
    /// nothing else. Of each other node's newest leases of the job the oldest is the *holder's*: the node that has been granted nothing
    /// for the longest time. If it holds no more than `tasks` of the job, [weighed](crate::rules::weighed) by how often they were
    /// taken before, the upper half of that lease, rounded up, leaves it,
    /// at most `range_max` and `bytes_max` of it (but one task at least), and makes one lease with its attempts, a new
    /// fence, and `taken` one higher. The holder learns of it as it does of canceled tasks; what it says of them later counts
    /// no more. Nothing is charged to anybody. With `leases_max` 0 or `below` nothing is taken.
    ///
    /// A node whose claim was granted nothing while it holds nothing is *hungry* until a claim is granted.
    fn exchange(&self, now: Millis, node: NodeId, exchange: &Exchange) -> Result<Reply>;

    /// [`Store::exchange`], and what it cost inside of the store. `None` from a store that cannot tell what it spent in
    /// serving from what it spent in waiting for others.
    fn exchange_costed(
        &self,
        now: Millis,
        node: NodeId,
        exchange: &Exchange,
    ) -> Result<(Reply, Option<Cost>)> {
        self.exchange(now, node, exchange).map(|reply| (reply, None))
    }

    /// Ends a session in peace: all its leases are given back, nothing is charged. Repeating it does nothing.
    fn leave(&self, now: Millis, node: NodeId) -> Result<()>;

    /// Ends a session that is known to be gone. Its leases come back by [`crate::rules::after_loss`], one waiting
    /// range for each interval, due at once. A dead task's error says how often it took its node down.
    /// Repeating it does nothing. An open job whose producer it was stays open.
    fn expire(&self, now: Millis, node: NodeId) -> Result<Expired>;

    /// Other nodes whose sessions are known to have ended and that nobody has expired yet.
    fn gone(&self) -> Result<Vec<NodeId>>;

    /// All sessions.
    fn nodes(&self) -> Result<Vec<(NodeId, NodeInfo)>>;

    /// What nodes hold, ascending by node, then job. Takes as long as there are leases, however many tasks they have.
    fn holdings(&self) -> Result<Vec<Holding>>;

    /// A file that lives as long as the session, for what its survivors have to know. `None` where there is none.
    fn session_file(&self, node: NodeId) -> Option<PathBuf>;

    /// Cancels tasks that have not ended, wherever they are, and returns how many. Leases lose them at once:
    /// holders learn it by their next exchange and their completions no longer count. `None` cancels the job: it
    /// is closed too. A finished job stays as it is.
    fn cancel(&self, now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64>;

    /// Gives dead tasks new attempts, due at once, nothing charged, and returns how many. They wait as one range per
    /// interval and run of a class, in the class in which they began, `part` 0. A finished job goes on.
    fn retry(&self, now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64>;

    /// Lets a job rest, or go on: while it is paused nothing of it is leased. What runs goes on; what is leased and has
    /// not started, holders give back. Repeating it does nothing. A finished job stays as it is.
    fn pause(&self, now: Millis, job: JobId, paused: bool) -> Result<()>;

    /// Removes a finished job and all that is known of it, its observations too. `Conflict` if it is not finished, or if it has not
    /// succeeded and an unfinished job comes after it.
    fn forget(&self, job: JobId) -> Result<()>;

    /// Forgets the jobs that finished without a dead or canceled task longer ago than their retention. Returns them.
    fn sweep(&self, now: Millis) -> Result<Vec<JobId>>;

    /// All jobs, ascending.
    fn jobs(&self) -> Result<Vec<JobInfo>>;

    /// One job.
    fn job(&self, job: JobId) -> Result<JobInfo>;

    /// A task, by looking at what its job keeps. `None` if the job has no such task.
    fn task(&self, job: JobId, seq: Seq) -> Result<Option<TaskInfo>>;

    /// At most `limit` dead tasks with `seq >= from`, ascending.
    fn dead(&self, job: JobId, from: Seq, limit: usize) -> Result<Vec<Dead>>;

    /// The records of a range of a job that is not an array (else `Conflict`), by whole blocks; none for what lies
    /// beyond the tail. Every block is checked against its sum.
    fn read(&self, job: JobId, range: Range) -> Result<Records>;

    /// Hands over what nodes saw of jobs, to be kept with the next operation of this handle that changes something, or some seconds later. No part of the
    /// protocol: it waits for nothing, promises no durability of its own, and changes no answer but that of
    /// [`Store::observations`]. Each begins a window of its job and node, or is merged into the one that began at the same
    /// moment; when there are [`WINDOWS_MAX`] already, they are [thinned](crate::observation::thinned) before. When there are
    /// [`ROWS_MAX`] of the job at a node's first or each [`COUNTED_EVERY`]th, all of the job's are
    /// [squeezed](crate::observation::squeezed): nodes that were not heard of for the longest time become one. Of jobs that are not there nothing is kept; the node's session may have ended.
    ///
    /// [`WINDOWS_MAX`]: crate::observation::WINDOWS_MAX
    /// [`ROWS_MAX`]: crate::observation::ROWS_MAX
    /// [`COUNTED_EVERY`]: crate::observation::COUNTED_EVERY
    fn observe(&self, seen: &[Observation]);

    /// What nodes saw of a job, ascending by node, then beginning, those first that are not [told
    /// apart](crate::observation::OTHERS) any more. What this handle was told of before is among it.
    fn observations(&self, job: JobId) -> Result<Vec<Observation>>;

    /// Checks every state row of the store, and with `blocks` every block, against its sum, and the sets of each
    /// job against each other.
    fn verify(&self, blocks: bool) -> Result<()>;

    /// A number that differs from the last one seen if anybody changed the store meanwhile. Cheap: no lock, no I/O.
    fn version(&self) -> Result<u64>;
}
