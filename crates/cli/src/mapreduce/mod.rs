//! `divvy mapreduce`: plans a job, runs it here, and gives out what came of it.

mod counters;
mod join;
mod list;
mod place;
mod skew;
mod stream;

pub use counters::Teller;

use crate::args::{DataArgs, FieldArgs, GrepArgs, MapReduceArgs, MapReduceProgram, Output};
use crate::exit::{Exit, bad_usage};
use crate::lang::demand;
use crate::session::{Session, job_exit, workers};
use crate::{after, home};
use anyhow::{Context, Result};
use divvy_core::Clock;
use divvy_engine::SystemClock;
use divvy_mapreduce::input::{Framing, InputFile, Splits, expand};
use divvy_mapreduce::phase;
use divvy_mapreduce::plan::{Parts, Plan, ProgramRef};
use divvy_mapreduce::planning::sampled;
use divvy_mapreduce::ready::{Count, Field, Grep, Ready, Sort};
use divvy_store::{JobInfo, Store};
use place::Place;
use std::num::NonZeroU32;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
pub use stream::programs;

/// Runs a program over data.
///
/// # Errors
/// Bad usage, or whatever the store or the disk says.
pub fn mapreduce(args: &MapReduceArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    match &args.program {
        MapReduceProgram::Wordcount(data) => {
            // Words need no lines: a text without any is cut as well.
            let wanted = Wanted { name: "wordcount", program: Count::Words, distinct: true };
            run_keyed(&wanted, data, Framing::Words, output, clock)
        }
        MapReduceProgram::CountBy(args) => {
            let program = Count::Records(field(&args.field)?);
            let wanted = Wanted { name: "count-by", program, distinct: true };
            run_keyed(&wanted, &args.data, framing(&args.data)?, output, clock)
        }
        MapReduceProgram::Sort(args) => {
            let framing = framing(&args.data)?;
            let program = Sort { key: field(&args.field)?, unique: args.unique, framing };
            let wanted = Wanted { name: "sort", program, distinct: false };
            run_keyed(&wanted, &args.data, framing, output, clock)
        }
        MapReduceProgram::Grep(args) => grep(args, output, clock),
        MapReduceProgram::Join(args) => join::join(args, output, clock),
        MapReduceProgram::List => list::list(),
        MapReduceProgram::Stream(args) => stream::stream(args, output, clock),
    }
}

/// A program whose output is divided by keys.
struct Wanted<P> {
    name: &'static str,
    program: P,
    /// Whether a key takes the same however often it is there.
    distinct: bool,
}

fn run_keyed<P: Ready>(
    wanted: &Wanted<P>,
    data: &DataArgs,
    framing: Framing,
    output: Output,
    clock: SystemClock,
) -> Result<Exit> {
    let (memory, workers) = (size("--memory", &data.memory)?, workers(&data.workers)?);
    run(wanted.name, data, framing, output, clock, |splits, _| {
        // What is not combined has to fit into a worker's memory, part by part, or is merged in several passes.
        let share = memory / u64::from(workers.max(1)) / 3;
        let part = if wanted.distinct { PART_BYTES } else { share.min(PART_BYTES) };
        let parts = parts(data, splits, part.max(1));
        let splitters = sampled(&wanted.program, splits.files(), framing, parts, wanted.distinct)?;
        Ok((wanted.program.to_ref(), Parts::Keys(splitters)))
    })
}

fn field(args: &FieldArgs) -> Result<Field> {
    let delimiter = args.delimiter.as_ref().map(|text| match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [one] => Ok(*one),
        _ => Err(bad_usage(format!("-t {}: one character, or \\t", text.display()))),
    });
    Ok(Field { number: args.number, delimiter: delimiter.transpose()? })
}

fn grep(args: &GrepArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    let GrepArgs { pattern, fixed, ignore_case, invert, .. } = args;
    let grep = Grep { pattern: pattern.clone(), fixed: *fixed, ignore_case: *ignore_case, invert: *invert };
    grep.check().map_err(bad_usage)?;
    let framing = framing(&args.data)?;
    run("grep", &args.data, framing, output, clock, |splits, _| {
        Ok((grep.to_ref(), Parts::Splits(parts(&args.data, splits, PART_BYTES))))
    })
}

/// Parts of about so many bytes of the input, where nobody says how many.
const PART_BYTES: u64 = 64 << 20;
/// Most parts, where nobody says how many.
const PARTS_MAX: u64 = 10_000;

fn parts(args: &DataArgs, splits: &Splits, bytes: u64) -> u32 {
    let sized = splits.total_bytes().div_ceil(bytes).clamp(1, PARTS_MAX) as u32;
    args.parts.unwrap_or(sized)
}

fn run(
    name: &str,
    args: &DataArgs,
    framing: Framing,
    output: Output,
    clock: SystemClock,
    program: impl FnOnce(&Splits, &Path) -> Result<(ProgramRef, Parts)>,
) -> Result<Exit> {
    let workers = workers(&args.workers)?;
    let memory = size("--memory", &args.memory)?;
    check_memory(memory, workers)?;
    let disk = args.disk.as_ref().map_or(Ok(u64::MAX), |disk| size("--disk", disk))?;
    let mut place = Place::new(&args.out, args.single, args.temp_dir.as_deref())?;
    let files = inputs(args, &place)?;
    check_sizes(&files, framing)?;
    let splits = match args.split_records {
        Some(records) => Splits::by_records(files, framing, records, record_max(memory, workers))?,
        None => Splits::new(files, framing, split_bytes(args, memory, workers)?),
    };
    let (program, parts) = program(&splits, place.dir())?;
    let plan =
        Plan { program, splits, framing, parts, out: place.out(), memory, disk, skip_bad: args.skip_bad };
    if args.explain {
        return explain(name, &plan, workers);
    }
    let store = home::open_store()?;
    home::sweep(&*store, clock.millis())?;
    let session = Session::join(store.clone(), clock, workers, args.show, output, home::spill_dir()?)?;
    let jobs = phase::submit(&*store, clock.millis(), place.dir(), &plan, name, args.retries)?;
    place.keep();
    let watch = after::watch(store.clone(), jobs.finish, session.stop(), output)?;
    let exit = watch.exit(session.run_job(jobs.finish))?;
    ended(&*store, &store.job(jobs.finish)?, output)?;
    Ok(exit)
}

/// Of the last job of a map-reduce: gives out what was made, or says what failed, phase by phase.
///
/// # Errors
/// What the system or the store says.
pub fn ended(store: &dyn Store, job: &JobInfo, output: Output) -> Result<()> {
    match phase::dir_of(&job.spec) {
        Some(dir) if job.spec.handler == phase::KINDS[2] && job.counts.done == 1 => place::give_out(&dir),
        Some(_) => tell_failures(store, job, output),
        None => Ok(()),
    }
}

/// Removes what a job has kept on disk that is forgotten.
pub fn forgotten(job: &JobInfo) {
    if let Some(dir) = phase::dir_of(&job.spec).filter(|_| job.spec.handler == phase::KINDS[2]) {
        // What cannot be removed is in nobody's way.
        let _ = std::fs::remove_dir_all(dir);
    }
}

fn tell_failures(store: &dyn Store, job: &JobInfo, output: Output) -> Result<()> {
    for before in &job.waits_for {
        let before = store.job(*before)?;
        tell_failures(store, &before, output)?;
        if before.counts.dead > 0 {
            job_exit(store, before.id, output)?;
        }
    }
    Ok(())
}

fn check_memory(memory: u64, workers: u32) -> Result<()> {
    let least = phase::WORKER_MEMORY_MIN * u64::from(workers);
    if memory < least {
        return Err(bad_usage(format!(
            "--memory: {workers} workers need {}M at least; -j takes fewer workers",
            least >> 20
        )));
    }
    Ok(())
}

/// The longest record that a worker can hold.
fn record_max(memory: u64, workers: u32) -> usize {
    usize::try_from(memory / u64::from(workers.max(1)) / 2).unwrap_or(usize::MAX)
}

fn size(flag: &str, text: &std::ffi::OsStr) -> Result<u64> {
    demand::size(text.as_bytes()).map_err(|why| bad_usage(format!("{flag}: {why}")))
}

fn framing(args: &DataArgs) -> Result<Framing> {
    let wrong = || bad_usage(format!("--records {}: it is lines, nul, or fixed:N", args.records.display()));
    match args.records.as_bytes() {
        b"lines" => Ok(Framing::Lines),
        b"nul" => Ok(Framing::Nul),
        other => {
            let number = other.strip_prefix(b"fixed:").and_then(|number| std::str::from_utf8(number).ok());
            let number: Option<NonZeroU32> = number.and_then(|number| number.parse().ok());
            number.map(Framing::Fixed).ok_or_else(wrong)
        }
    }
}

/// The files to read. Stdin becomes one first: it cannot be read twice.
fn inputs(args: &DataArgs, place: &Place) -> Result<Vec<InputFile>> {
    let stdin = [PathBuf::from("-")];
    let words = if args.inputs.is_empty() { &stdin[..] } else { &args.inputs };
    let mut files = Vec::new();
    for word in words {
        if word.as_os_str() == "-" {
            files.push(InputFile::look(&place.stdin()?)?);
        } else {
            files.extend(expand([word]).map_err(bad_usage)?);
        }
    }
    Ok(files)
}

fn check_sizes(files: &[InputFile], framing: Framing) -> Result<()> {
    let Some(len) = framing.fixed() else { return Ok(()) };
    let is_packed = |file: &InputFile| file.codec != divvy_mapreduce::input::Codec::Plain;
    match files.iter().find(|file| !is_packed(file) && file.size % len != 0) {
        None => Ok(()),
        Some(file) => Err(bad_usage(format!(
            "--records fixed:{len}: {} has {} bytes, which is no multiple of {len}",
            file.path.display(),
            file.size
        ))),
    }
}

/// Splits are small beside the memory, and many beside the workers.
fn split_bytes(args: &DataArgs, memory: u64, workers: u32) -> Result<u64> {
    const MOST: u64 = 8 << 20;
    const LEAST: u64 = 64 << 10;
    match &args.split {
        Some(text) => match size("--split", text)? {
            0 => Err(bad_usage("--split: a split has at least a byte")),
            bytes => Ok(bytes),
        },
        None => Ok((memory / u64::from(workers.max(1)) / 4).clamp(LEAST, MOST)),
    }
}

fn explain(name: &str, plan: &Plan, workers: u32) -> Result<Exit> {
    let (splits, parts) = (&plan.splits, plan.parts.count());
    let by = match plan.parts {
        Parts::Keys(_) if plan.program.kind == divvy_mapreduce::stream::KIND => "hashes of keys",
        Parts::Keys(_) => "ranges of keys, by sampled split points",
        Parts::Splits(_) => "ranges of splits, in the order of the inputs",
    };
    let text = format!(
        "{name}\n  map      {} splits of {} files, {} bytes\n  reduce   {parts} parts by {by}\n  memory   {} bytes for \
         {workers} workers\n",
        splits.count(),
        splits.files().len(),
        splits.total_bytes(),
        plan.memory,
    );
    crate::jobs::print(&text).context("stdout")?;
    Ok(Exit::Done)
}
