//! The adapter that needs no server: one SQLite file, shared by the processes of one machine.
//!
//! # Parts
//!
//! | file | what it is about |
//! |---|---|
//! | `writer` | group commit: one transaction and one fsync for all who wait; its protocol is written there |
//! | `op`, `merge` | the writing operations as values; small appends of one group in one block |
//! | `exchange`, `views` | reports and the reply; how jobs stand |
//! | `claim`, `grant` | which job and class a node is served from; which tasks it gets |
//! | `graph`, `after` | tasks that wait for tasks; jobs that wait for jobs |
//! | `lifecycle`, `cancel`, `session` | jobs; people; nodes and their lock files |
//! | `observe` | what nodes saw: kept with other commits, in nobody's way |
//! | `books` | one place where the counts follow the sets, and where a job ends |
//! | `rows`, `tables`, `job_row`, `schema` | rows with checksums; their fields; the tables |
//! | `reads`, `verify` | looking and checking, on connections of their own |
//! | `mount`, `errors` | network file systems; from SQLite's errors to ours |
//!
//! # Durability
//!
//! In write-ahead mode with `synchronous=FULL` a commit returns after its fsync. Every row carries a checksum
//! over its fields, checked whenever it is read, because SQLite does not check its pages.

mod after;
mod ahead;
mod backup;
mod books;
mod cancel;
mod claim;
mod errors;
mod exchange;
mod grant;
mod graph;
mod job_row;
mod lifecycle;
mod merge;
mod mount;
mod observe;
mod op;
mod open;
mod reads;
mod rows;
mod schema;
mod session;
mod tables;
mod verify;
mod views;
mod writer;

pub use open::{Durability, Options};

use crate::job::Selection;
use crate::{
    Block, Dead, Exchange, Expired, Holding, Input, JobInfo, NewJob, NodeInfo, Observation, Records, Reply,
    Result, Store, TaskInfo,
};
use divvy_core::{Cost, JobId, Millis, NodeId, Range, Seq};
use errors::Step;
use op::{Answer, Op};
use rusqlite::Connection;
use session::Sessions;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use writer::Writer;

/// A store in one SQLite file, or in memory.
#[derive(Debug)]
pub struct Sqlite {
    // Dropped in this order: the sessions end first, and the writer closes last, so that it is the one to empty
    // the write-ahead log into the file.
    sessions: Sessions,
    /// `None` in memory, where there is one connection.
    views: Option<Views>,
    options: Options,
    path: PathBuf,
    writer: Writer,
}

/// Connections that only read.
#[derive(Debug)]
struct Views {
    read: Mutex<Connection>,
    /// Asked for nothing but the file's version, so that this never waits for a long read.
    watch: Mutex<Connection>,
}

/// What an operation of one name is answered with; anything else is a bug here.
macro_rules! answer {
    ($answer:expr, $kind:ident) => {
        match $answer? {
            Answer::$kind(value) => Ok(value),
            other => unreachable!("the answer is {other:?}"),
        }
    };
}

impl Sqlite {
    /// Opens the store at `path`; makes it, and its directory, if they are not there.
    ///
    /// # Errors
    /// `NetworkFs` on a network file system, `Newer` for a later format, `ReadOnly` where nothing can be written,
    /// `Unreachable` if the file is something else, `Busy` if others hold it for longer than `busy_ms`.
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<Sqlite> {
        let path = open::place(path.as_ref())?;
        let conn = open::connect(&path, options)?;
        let views = Views {
            read: Mutex::new(open::reader(&path, options)?),
            watch: Mutex::new(open::reader(&path, options)?),
        };
        let sessions = Sessions::new(Some(path.clone()));
        Ok(Sqlite::with(conn, path, sessions, Some(views), options))
    }

    /// A store in memory, for simulations and tests: gone with its handle, no threads, no files, no chance.
    ///
    /// # Errors
    /// If SQLite has no memory.
    pub fn in_memory() -> Result<Sqlite> {
        let path = PathBuf::from(":memory:");
        let conn = open::memory(&path)?;
        Ok(Sqlite::with(conn, path, Sessions::new(None), None, &Options::default()))
    }

    fn with(
        conn: Connection,
        path: PathBuf,
        sessions: Sessions,
        views: Option<Views>,
        options: &Options,
    ) -> Sqlite {
        let writer = Writer::new(conn, &path, options.busy(), options.queue_max, options.group_max);
        Sqlite { sessions, views, options: options.clone(), path, writer }
    }

    /// The store's file; `:memory:` in memory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn call(&self, op: Op) -> Result<Answer> {
        self.writer.call(op, &self.sessions).map(|(answer, _)| answer)
    }

    /// Reads in one transaction: all that `look` sees is of one moment.
    fn look<T>(&self, look: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        match &self.views {
            Some(views) => self.look_at(&views.read.lock().unwrap_or_else(PoisonError::into_inner), look),
            None => self.look_at(&self.writer.conn(), look),
        }
    }

    fn look_at<T>(&self, conn: &Connection, look: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        let seen = || {
            let tx = conn.unchecked_transaction()?;
            let seen = look(conn);
            tx.finish()?;
            seen
        };
        seen().map_err(|fault| fault.told(&self.path))
    }
}

impl Store for Sqlite {
    fn submit(&self, now: Millis, job: &NewJob) -> Result<JobId> {
        let computed = matches!(job.input, Input::Array(_));
        assert_eq!(
            computed,
            job.spec.array.is_some(),
            "an array job has no records, and only an array job has none"
        );
        answer!(self.call(Op::Submit(now, job.clone())), Job)
    }

    fn append(&self, now: Millis, job: JobId, blocks: &[Block], close: bool) -> Result<Range> {
        answer!(self.call(Op::Append(now, job, blocks.to_vec(), close)), Range)
    }

    fn register(&self, _now: Millis, node: &NodeInfo) -> Result<NodeId> {
        answer!(self.call(Op::Register(node.clone())), Node)
    }

    fn exchange(&self, now: Millis, node: NodeId, exchange: &Exchange) -> Result<Reply> {
        self.exchange_costed(now, node, exchange).map(|(reply, _)| reply)
    }

    fn exchange_costed(
        &self,
        now: Millis,
        node: NodeId,
        exchange: &Exchange,
    ) -> Result<(Reply, Option<Cost>)> {
        let (answer, cost) = self.writer.call(Op::Exchange(now, node, exchange.clone()), &self.sessions)?;
        answer!(Ok(answer), Reply).map(|reply| (reply, Some(cost)))
    }

    fn leave(&self, now: Millis, node: NodeId) -> Result<()> {
        self.call(Op::Leave(now, node)).map(drop)
    }

    fn expire(&self, now: Millis, node: NodeId) -> Result<Expired> {
        answer!(self.call(Op::Expire(now, node)), Expired)
    }

    fn gone(&self) -> Result<Vec<NodeId>> {
        if self.views.is_none() {
            return Ok(Vec::new());
        }
        let mut gone = Vec::new();
        for (node, _) in self.nodes()? {
            if self.sessions.is_gone(node)? {
                gone.push(node);
            }
        }
        Ok(gone)
    }

    fn nodes(&self) -> Result<Vec<(NodeId, NodeInfo)>> {
        self.look(reads::nodes)
    }

    fn holdings(&self) -> Result<Vec<Holding>> {
        self.look(reads::holdings)
    }

    fn session_file(&self, node: NodeId) -> Option<PathBuf> {
        self.sessions.path(node)
    }

    fn cancel(&self, now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64> {
        answer!(self.call(Op::Cancel(now, job, tasks.cloned())), Count)
    }

    fn retry(&self, now: Millis, job: JobId, tasks: Selection<'_>) -> Result<u64> {
        answer!(self.call(Op::Retry(now, job, tasks.cloned())), Count)
    }

    fn pause(&self, now: Millis, job: JobId, paused: bool) -> Result<()> {
        self.call(Op::Pause(now, job, paused)).map(drop)
    }

    fn forget(&self, job: JobId) -> Result<()> {
        self.call(Op::Forget(job))?;
        open::shrink(&self.writer.conn());
        Ok(())
    }

    fn sweep(&self, now: Millis) -> Result<Vec<JobId>> {
        let gone: Vec<JobId> = answer!(self.call(Op::Sweep(now)), Jobs)?;
        if !gone.is_empty() {
            open::shrink(&self.writer.conn());
        }
        Ok(gone)
    }

    fn jobs(&self) -> Result<Vec<JobInfo>> {
        self.look(reads::jobs)
    }

    fn job(&self, job: JobId) -> Result<JobInfo> {
        self.look(|conn| reads::job(conn, job))
    }

    fn task(&self, job: JobId, seq: Seq) -> Result<Option<TaskInfo>> {
        self.look(|conn| reads::task(conn, job, seq))
    }

    fn dead(&self, job: JobId, from: Seq, limit: usize) -> Result<Vec<Dead>> {
        self.look(|conn| reads::dead(conn, job, from, limit))
    }

    fn read(&self, job: JobId, range: Range) -> Result<Records> {
        self.look(|conn| reads::read(conn, job, range))
    }

    fn observe(&self, seen: &[Observation]) {
        self.writer.observe(seen);
        if self.writer.observations_are_late() {
            // If that fails they are lost, and nothing else is.
            let _ = self.call(Op::Observe);
        }
    }

    fn observations(&self, job: JobId) -> Result<Vec<Observation>> {
        if self.writer.has_observations() {
            self.call(Op::Observe)?;
        }
        self.look(|conn| observe::observations(conn, job))
    }

    fn verify(&self, blocks: bool) -> Result<()> {
        match &self.views {
            // Its own connection: a store of many gigabytes takes its time, and other readers go on.
            Some(_) => {
                let conn = open::reader(&self.path, &self.options)?;
                self.look_at(&conn, |conn| verify::verify(conn, blocks))
            }
            None => self.look(|conn| verify::verify(conn, blocks)),
        }
    }

    fn version(&self) -> Result<u64> {
        match &self.views {
            Some(views) => {
                let watch = views.watch.lock().unwrap_or_else(PoisonError::into_inner);
                open::version(&watch).map_err(|fault| fault.told(&self.path))
            }
            None => Ok(self.writer.conn().total_changes()),
        }
    }
}
