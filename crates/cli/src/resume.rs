//! `divvy resume`: goes on with a job, beside others who may already be at it.

use crate::args::{Output, ResumeArgs};
use crate::exit::Exit;
use crate::session::{Session, capacity, job_exit, say, workers};
use crate::{after, home, mapreduce, run, select};
use anyhow::Result;
use divvy_core::Clock;
use divvy_engine::{SystemClock, bury};
use divvy_store::{JobInfo, Progress, Store};

/// Goes on with a job.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn resume(args: &ResumeArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    let (workers, room) = (workers(&args.workers)?, capacity(&args.capacity)?);
    let store = home::open_store()?;
    store.verify(false)?;
    bury(&*store, clock.millis())?;
    let info = select::job(&*store, &args.job)?;
    let job = info.id;
    if let Progress::Finished(_) = info.progress {
        mapreduce::ended(&*store, &info, output)?;
        say(output, &format!("divvy: job {job} has finished: nothing to resume"));
        return job_exit(&*store, job, output);
    }
    end_cut_input(&*store, &info, output, &clock)?;
    if info.paused {
        store.pause(clock.millis(), job, false)?;
        say(
            output,
            &format!(
                "divvy: job {job} was paused: it goes on, here and wherever else there are nodes for it"
            ),
        );
    }
    let (watched, known) = (store.clone(), store.clone());
    let session = Session::join(store, clock, workers, args.show, output, home::spill_dir()?)?;
    let session = session.with_capacity(room);
    let watch = after::watch(watched, job, session.stop(), output)?;
    let exit = watch.exit(session.run_job(job))?;
    // One that was forgotten meanwhile is nobody's concern.
    known.job(job).map_or(Ok(()), |info| mapreduce::ended(&*known, &info, output))?;
    Ok(exit)
}

/// A job whose inputs were still being read when the reader died gets no more of them.
fn end_cut_input(store: &dyn Store, info: &JobInfo, output: Output, clock: &SystemClock) -> Result<()> {
    let reader_lives = match info.producer {
        Some(producer) => store.nodes()?.iter().any(|(node, _)| *node == producer),
        None => false,
    };
    if info.progress == Progress::Open && !reader_lives {
        run::say_cut(store, info.id, output)?;
        store.append(clock.millis(), info.id, &[], true)?;
    }
    Ok(())
}
