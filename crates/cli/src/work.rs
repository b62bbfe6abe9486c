//! `divvy work`: lends this machine's workers to whatever is in the store.

use crate::args::{Output, WorkArgs};
use crate::exit::Exit;
use crate::jobs::count;
use crate::session::{Session, capacity, say, workers};
use crate::{background, home};
use anyhow::Result;
use divvy_core::Clock;
use divvy_decide::Until;
use divvy_engine::SystemClock;
use divvy_store::Store;
use std::io::IsTerminal;

/// Works until told to stop, or until there is nothing to do.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn work(args: &WorkArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    if args.background {
        return background::serve(args, output, clock);
    }
    let (workers, room) = (workers(&args.workers)?, capacity(&args.capacity)?);
    let store = home::open_store()?;
    store.verify(false)?;
    home::sweep(&*store, clock.millis())?;
    let until = if args.until_empty { Until::Empty } else { Until::Stopped };
    // Who stays runs what is submitted meanwhile.
    let _stands_in = (!args.until_empty).then(background::stand_in).transpose()?;
    if !args.until_empty && std::io::stderr().is_terminal() {
        let workers = count(workers.into(), "worker");
        say(
            output,
            &format!("divvy: {workers} for what is in the store, and for what comes; Ctrl-C ends it"),
        );
    }
    let session = Session::join(store, clock, workers, args.show, output, home::spill_dir()?)?;
    session.with_capacity(room).run_all(until)
}
