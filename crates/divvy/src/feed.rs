//! A job's records on their way into the store, beside the node that runs them.
//!
//! Two threads: the *reader* asks the user's iterator, which may take any time, and packs what it gives into blocks;
//! the *appender* takes all that is packed and appends it with one commit. Between them waits at most
//! [`BLOCKS_MAX`] blocks; when that is full the reader waits. When much is stored and not yet run, the appender waits.
//!
//! Only the holder of the job's [`FeedLock`] appends. The appender has it, because it can always be ended; the reader may
//! be inside of an iterator that never returns, and is left to itself then.

use crate::error::{Error, Result};
use crate::job::Reader;
use crate::lock::FeedLock;
use divvy_core::{Clock, JobId};
use divvy_engine::{Stop, StopLevel, SystemClock, panic_message};
use divvy_store::block::{BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX};
use divvy_store::{Block, Error as StoreError, Store};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Most full blocks that wait to be appended; then reading pauses.
const BLOCKS_MAX: usize = 16;
/// Most bytes of records that may wait in the store; then appending pauses.
const AHEAD_BYTES_MAX: u64 = 256 << 20;
/// How often that is looked at, in bytes appended.
const LOOK_EVERY: u64 = 16 << 20;
/// How long a block that is not full waits for more records: a commit for each record would cost more than it serves.
const LINGER: Duration = Duration::from_millis(2);
/// Between two looks at a store that has too much, or is busy.
const PAUSE: Duration = Duration::from_millis(20);

/// What is needed to begin.
pub(crate) struct Feed {
    pub(crate) reader: Reader,
    /// Records that the job has already.
    pub(crate) skip: u64,
    pub(crate) lock: FeedLock,
}

/// A feed that is under way.
pub(crate) struct Feeding {
    shared: Arc<Shared>,
    appender: Option<JoinHandle<Result<()>>>,
}

#[derive(Default)]
struct Shared {
    pending: Mutex<Pending>,
    /// Something to append, or nothing more will come.
    more: Condvar,
    /// Room for another record.
    room: Condvar,
}

#[derive(Default)]
struct Pending {
    full: Vec<Block>,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    end: Option<Result<(), String>>,
    /// The appender is gone or is to go: nobody takes what is read.
    given_up: bool,
}

impl Pending {
    fn seal(&mut self) {
        if !self.ends.is_empty() {
            self.full.push(Block::pack(&self.bytes, &self.ends));
            self.bytes.clear();
            self.ends.clear();
        }
    }

    fn is_full(&self) -> bool {
        self.ends.len() >= BLOCK_RECORDS_MAX || self.bytes.len() >= BLOCK_BYTES_MAX
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the iterator for a record after the other.
    fn read(&self, mut reader: Reader, skip: u64) -> Result<(), String> {
        for _ in 0..skip {
            match reader(None) {
                Some(read) => read?,
                None => return Err(format!("the iterator has fewer than the {skip} records it gave before")),
            }
            if self.lock().given_up {
                return Ok(());
            }
        }
        let mut record = Vec::new();
        while let Some(read) = reader(Some(&mut record)) {
            read?;
            if !self.push(&record)? {
                return Ok(());
            }
            record.clear();
        }
        Ok(())
    }

    /// Packs a record; false if nobody takes it.
    fn push(&self, record: &[u8]) -> Result<bool, String> {
        let mut pending = self.lock();
        while pending.full.len() >= BLOCKS_MAX && !pending.given_up {
            pending = self.room.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        if pending.given_up {
            return Ok(false);
        }
        // A long record has a block of its own.
        if pending.bytes.len() + record.len() > BLOCK_BYTES_MAX {
            pending.seal();
        }
        pending.bytes.extend_from_slice(record);
        let end =
            u32::try_from(pending.bytes.len()).map_err(|_| "a record is longer than 4 GiB".to_owned())?;
        pending.ends.push(end);
        let first = pending.full.is_empty() && pending.ends.len() == 1;
        if pending.is_full() {
            pending.seal();
            self.more.notify_one();
        } else if first {
            self.more.notify_one();
        }
        Ok(true)
    }

    /// Everything that waits, once there is something; and whether that is all there will be.
    fn take(&self) -> (Vec<Block>, Option<Result<(), String>>) {
        let idle = |pending: &mut Pending| {
            pending.full.is_empty() && pending.ends.is_empty() && pending.end.is_none() && !pending.given_up
        };
        let pending = self.more.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let partial =
            |pending: &mut Pending| pending.full.is_empty() && pending.end.is_none() && !pending.given_up;
        let waited = self.more.wait_timeout_while(pending, LINGER, partial);
        let mut pending = waited.unwrap_or_else(PoisonError::into_inner).0;
        // Beside full blocks the one that is being filled can wait.
        if pending.full.is_empty() || pending.end.is_some() {
            pending.seal();
        }
        let blocks = std::mem::take(&mut pending.full);
        self.room.notify_one();
        (blocks, pending.end.clone())
    }

    fn give_up(&self) {
        self.lock().given_up = true;
        self.more.notify_all();
        self.room.notify_all();
    }

    fn is_given_up(&self) -> bool {
        self.lock().given_up
    }
}

impl Feed {
    /// Begins. If reading or appending fails, the node is asked to stop, since it would wait for ever.
    pub(crate) fn start(self, store: Arc<dyn Store>, job: JobId, stop: Stop) -> Result<Feeding> {
        let shared = Arc::new(Shared::default());
        let Feed { reader, skip, lock } = self;
        let inside = shared.clone();
        let read = move || {
            let read = catch_unwind(AssertUnwindSafe(|| inside.read(reader, skip)));
            let panicked =
                |panic: Box<dyn std::any::Any + Send>| Err(format!("panicked: {}", panic_message(&*panic)));
            inside.lock().end = Some(read.unwrap_or_else(panicked));
            inside.more.notify_all();
        };
        let inside = shared.clone();
        let append = move || {
            let appended = Appender { shared: &inside, store: &*store, job }.run(lock);
            inside.give_up();
            if appended.is_err() {
                stop.ask(StopLevel::Drain);
            }
            appended
        };
        // Not joined: it may be inside of an iterator that never returns.
        spawn("divvy-read", read)?;
        let appender = spawn("divvy-append", append).inspect_err(|_| shared.give_up())?;
        Ok(Feeding { shared, appender: Some(appender) })
    }
}

pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    f: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>> {
    let spawned = std::thread::Builder::new().name(name.into()).spawn(f);
    spawned.map_err(|e| Error::Start(format!("no thread for {name}: {e}")))
}

struct Appender<'a> {
    shared: &'a Shared,
    store: &'a dyn Store,
    job: JobId,
}

impl Appender<'_> {
    fn run(&self, lock: FeedLock) -> Result<()> {
        let mut appended = 0;
        loop {
            let (blocks, end) = self.shared.take();
            if self.shared.is_given_up() {
                return Ok(());
            }
            let close = matches!(end, Some(Ok(())));
            appended += blocks.iter().map(Block::record_bytes).sum::<u64>();
            if !self.append(&blocks, close)? {
                return Ok(());
            }
            match end {
                None => {}
                Some(Ok(())) => {
                    lock.remove();
                    return Ok(());
                }
                Some(Err(why)) => return Err(Error::Input { job: self.job, why }),
            }
            if appended >= LOOK_EVERY {
                appended = 0;
                self.wait_for_room()?;
            }
        }
    }

    /// False if the job takes no more: it was canceled, or closed by somebody.
    fn append(&self, blocks: &[Block], close: bool) -> Result<bool> {
        loop {
            match self.store.append(SystemClock::start().millis(), self.job, blocks, close) {
                Ok(_) => return Ok(true),
                Err(StoreError::Conflict { .. } | StoreError::NoJob(_)) => return Ok(false),
                Err(error) if error.is_retryable() && !self.shared.is_given_up() => std::thread::sleep(PAUSE),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn wait_for_room(&self) -> Result<()> {
        loop {
            let info = self.store.job(self.job)?;
            let waiting = info.counts.ready as f64 * info.bytes as f64 / info.tail.max(1) as f64;
            if waiting < AHEAD_BYTES_MAX as f64 {
                return Ok(());
            }
            let pending = self.shared.more.wait_timeout_while(self.shared.lock(), PAUSE, |p| !p.given_up);
            if pending.unwrap_or_else(PoisonError::into_inner).0.given_up {
                return Ok(());
            }
        }
    }
}

impl Feeding {
    /// Ends it if it has not ended by itself, and says what went wrong.
    pub(crate) fn end(mut self) -> Result<()> {
        self.shared.give_up();
        let appender = self.appender.take().expect("ended once");
        appender.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Waits until all records are stored.
    pub(crate) fn wait(mut self) -> Result<()> {
        let appender = self.appender.take().expect("waited for once");
        appender.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Feeding {
    fn drop(&mut self) {
        if self.appender.is_some() {
            self.shared.give_up();
        }
    }
}
