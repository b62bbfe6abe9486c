//! Tasks that wait for other tasks of their job: who waits for whom, and how many each still waits for.
//!
//! Both are kept in chunks of neighbours, so that a step costs a few rows and not one for each task. An [`EdgeRow`]
//! is written once; a [`BlockedRow`] changes when parents are done, once per exchange. A task of which nothing is
//! missing is not blocked: it has been let wait, or was canceled, which its parents no longer change.

use super::books::Books;
use super::errors::{Step, corrupt};
use super::rows::{Stored, each, find, int, u64_at};
use crate::Graph;
use divvy_core::checksum::Sum;
use divvy_core::codec::{Truncated, put_u64, take_u64};
use divvy_core::{Intervals, JobId, Range, Seq};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

/// Tasks in one row. More make each change dearer, fewer make more rows.
const CHUNK: u64 = 256;

/// Who waits for some neighbouring tasks.
#[derive(Debug, Clone)]
pub(super) struct EdgeRow {
    job: JobId,
    first: Seq,
    count: u64,
    /// For each task the number of its children, then the first of them and the gaps between the others.
    children: Vec<u8>,
}

impl EdgeRow {
    fn new(job: JobId, first: Seq, children: &[Vec<Seq>]) -> EdgeRow {
        let mut bytes = Vec::new();
        for list in children {
            put_u64(&mut bytes, list.len() as u64);
            let mut before = 0;
            for child in list {
                put_u64(&mut bytes, child - before);
                before = *child;
            }
        }
        EdgeRow { job, first, count: children.len() as u64, children: bytes }
    }

    pub(super) fn range(&self) -> Range {
        Range::new(self.first, self.first + self.count)
    }

    /// Calls `visit` with each task and a child of it, ascending.
    pub(super) fn each(&self, mut visit: impl FnMut(Seq, Seq)) -> Step<()> {
        let mut walk = || {
            let mut bytes = self.children.as_slice();
            for task in self.first..self.first + self.count {
                let mut child = 0u64;
                for _ in 0..take_u64(&mut bytes)? {
                    child = child.checked_add(take_u64(&mut bytes)?).ok_or(Truncated)?;
                    visit(task, child);
                }
            }
            if bytes.is_empty() { Ok(()) } else { Err(Truncated) }
        };
        walk().map_err(|Truncated| corrupt(format!("table edge, {}: not a list of children", self.place())))
    }
}

impl Stored for EdgeRow {
    const TABLE: &'static str = "edge";
    const COLUMNS: &'static str = "job, first, count, children";
    const WIDTH: usize = 4;

    fn read(row: &Row<'_>) -> rusqlite::Result<EdgeRow> {
        let (first, count) = chunk_at(row)?;
        Ok(EdgeRow { job: JobId(u64_at(row, 0)?), first, count, children: row.get(3)? })
    }

    fn sum(&self) -> u32 {
        let sum = Sum::of("edge").u64(self.job.0).u64(self.first).u64(self.count);
        sum.bytes(&self.children).finish()
    }

    fn place(&self) -> String {
        format!("job {}, those who wait for tasks {}", self.job, self.range())
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let EdgeRow { job, first, count, children } = self;
        conn.prepare_cached("INSERT INTO edge VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
            int(job.0),
            int(*first),
            int(*count),
            children,
            self.sum()
        ])?;
        Ok(())
    }
}

/// How many parents of some neighbouring tasks are not done.
#[derive(Debug, Clone)]
pub(super) struct BlockedRow {
    job: JobId,
    first: Seq,
    missing: Vec<u64>,
}

impl BlockedRow {
    /// Each task with the number of parents that it misses, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Seq, u64)> + '_ {
        (self.first..).zip(self.missing.iter().copied())
    }

    pub(super) fn range(&self) -> Range {
        Range::new(self.first, self.first + self.missing.len() as u64)
    }

    /// The tasks that miss a parent.
    pub(super) fn tasks(&self) -> Intervals {
        let missing = self.iter().filter(|(_, missing)| *missing > 0);
        missing.map(|(task, _)| Range::new(task, task + 1)).collect()
    }

    fn of(&mut self, task: Seq) -> Step<&mut u64> {
        let (job, nth) = (self.job, task.checked_sub(self.first).unwrap_or(u64::MAX));
        let missing = usize::try_from(nth).ok().and_then(|nth| self.missing.get_mut(nth));
        missing.ok_or_else(|| corrupt(format!("table blocked, job {job}, task {task}: it is not in its row")))
    }

    fn packed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.missing.len());
        self.missing.iter().for_each(|missing| put_u64(&mut bytes, *missing));
        bytes
    }
}

impl Stored for BlockedRow {
    const TABLE: &'static str = "blocked";
    const COLUMNS: &'static str = "job, first, count, missing";
    const WIDTH: usize = 4;

    fn read(row: &Row<'_>) -> rusqlite::Result<BlockedRow> {
        let (first, count) = chunk_at(row)?;
        let mut bytes = row.get_ref(3)?.as_blob()?;
        let missing: Result<Vec<u64>, Truncated> = (0..count).map(|_| take_u64(&mut bytes)).collect();
        let missing = missing.ok().filter(|_| bytes.is_empty());
        let missing =
            missing.ok_or_else(|| rusqlite::Error::InvalidColumnType(3, "missing".into(), Type::Blob))?;
        Ok(BlockedRow { job: JobId(u64_at(row, 0)?), first, missing })
    }

    fn sum(&self) -> u32 {
        let sum = Sum::of("blocked").u64(self.job.0).u64(self.first).u64(self.missing.len() as u64);
        sum.bytes(&self.packed()).finish()
    }

    fn place(&self) -> String {
        format!("job {}, what tasks {} wait for", self.job, self.range())
    }

    /// Adds the row, or writes it in place of the one that was there.
    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        conn.prepare_cached("INSERT OR REPLACE INTO blocked VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(
            params![
                int(self.job.0),
                int(self.first),
                int(self.missing.len() as u64),
                self.packed(),
                self.sum()
            ],
        )?;
        Ok(())
    }
}

/// A chunk's first task and its number of tasks.
fn chunk_at(row: &Row<'_>) -> rusqlite::Result<(Seq, u64)> {
    let (first, count) = (u64_at(row, 1)?, u64_at(row, 2)?);
    if first.is_multiple_of(CHUNK) && (1..=CHUNK).contains(&count) {
        Ok((first, count))
    } else {
        Err(rusqlite::Error::IntegralValueOutOfRange(2, int(count)))
    }
}

/// The row of a job's tasks from `first` on.
fn chunk<T: Stored>(conn: &Connection, job: JobId, first: Seq) -> Step<T> {
    let row = find(conn, "WHERE job = ?1 AND first = ?2", [int(job.0), int(first)])?;
    row.ok_or_else(|| corrupt(format!("table {}, job {job}, task {first}: its row is missing", T::TABLE)))
}

/// Writes a new job's graph down and lets the tasks wait that have no parents. The log has its tail.
pub(super) fn put(books: &mut Books<'_>, job: JobId, graph: &Graph) -> Step<()> {
    let children = graph.children();
    let mut roots = Intervals::new();
    for (children, first) in children.chunks(CHUNK as usize).zip((0..).step_by(CHUNK as usize)) {
        EdgeRow::new(job, first, children).insert(books.conn)?;
        let tasks = first..first + children.len() as u64;
        tasks.clone().filter(|task| graph.parents(*task).is_empty()).for_each(|t| roots.insert(one(t)));
        let missing = tasks.map(|task| graph.parents(task).len() as u64).collect();
        BlockedRow { job, first, missing }.insert(books.conn)?;
    }
    let log = books.must(job)?;
    log.head = log.tail;
    log.blocked = log.tail - roots.len();
    books.put_ready(job, &roots)
}

fn one(task: Seq) -> Range {
    Range::new(task, task + 1)
}

/// Lets the tasks wait of which no parent is missing any more, now that these are done.
pub(super) fn wake(books: &mut Books<'_>, job: JobId, done: &Intervals) -> Step<()> {
    let children = children_of(books.conn, job, done)?;
    let mut free = Intervals::new();
    for some in children.chunk_by(|a, b| a / CHUNK == b / CHUNK) {
        let mut row: BlockedRow = chunk(books.conn, job, some[0] / CHUNK * CHUNK)?;
        for child in some {
            let missing = row.of(*child)?;
            if *missing == 1 {
                free.insert(one(*child));
            }
            *missing = missing.saturating_sub(1);
        }
        row.insert(books.conn)?;
    }
    let log = books.must(job)?;
    log.blocked = log.blocked.checked_sub(free.len()).ok_or_else(|| {
        corrupt(format!("table blocked, job {job}: more tasks are blocked than its log counts"))
    })?;
    books.put_ready(job, &free)
}

/// The children of tasks, ascending, each as often as it has parents among them.
fn children_of(conn: &Connection, job: JobId, tasks: &Intervals) -> Step<Vec<Seq>> {
    let (mut children, mut next) = (Vec::new(), 0);
    for range in tasks.ranges() {
        let from = (range.lo / CHUNK * CHUNK).max(next);
        for first in (from..range.hi).step_by(CHUNK as usize) {
            let row: EdgeRow = chunk(conn, job, first)?;
            let here = tasks.intersect(&row.range().into());
            row.each(|task, child| {
                if here.contains(task) {
                    children.push(child);
                }
            })?;
            next = first + CHUNK;
        }
    }
    children.sort_unstable();
    Ok(children)
}

/// Takes tasks out of the blocked, so that nothing wakes them, and returns those that were.
pub(super) fn unblock(books: &mut Books<'_>, job: JobId, selected: &Intervals) -> Step<Intervals> {
    let (mut taken, mut hit) = (Intervals::new(), Vec::new());
    each(books.conn, "WHERE job = ?1 ORDER BY first", [int(job.0)], |row: BlockedRow| {
        let lost = row.tasks().intersect(selected);
        if !lost.is_empty() {
            hit.push((row, lost));
        }
        Ok(true)
    })?;
    for (mut row, lost) in hit {
        for task in lost.iter() {
            *row.of(task)? = 0;
        }
        row.insert(books.conn)?;
        taken.insert_all(&lost);
    }
    books.must(job)?.blocked -= taken.len();
    Ok(taken)
}

/// How many parents a task misses; 0 if it is not blocked.
pub(super) fn missing(conn: &Connection, job: JobId, task: Seq) -> Step<u64> {
    let mut row: BlockedRow = chunk(conn, job, task / CHUNK * CHUNK)?;
    row.of(task).copied()
}

/// Those of `tasks` for which `child` waits, ascending; the first `most` of them. Looks at all edges of the job:
/// nothing but a person's question needs them in this direction.
pub(super) fn parents_among(
    conn: &Connection,
    job: JobId,
    child: Seq,
    tasks: &Intervals,
    most: usize,
) -> Step<Vec<Seq>> {
    let mut parents = Vec::new();
    each(conn, "WHERE job = ?1 ORDER BY first", [int(job.0)], |row: EdgeRow| {
        let here = tasks.intersect(&row.range().into());
        if !here.is_empty() {
            row.each(|task, other| {
                if other == child && here.contains(task) {
                    parents.push(task);
                }
            })?;
        }
        Ok(parents.len() < most)
    })?;
    parents.truncate(most);
    Ok(parents)
}
