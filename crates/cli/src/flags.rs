//! What flags mean: from the words of the command line to a recipe.

use crate::args::{KeepArgs, LogArgs, PolicyArgs, RunArgs};
use crate::command::{
    Halt, Hold, Keep, Limits, Place, Printing, Separator, Show, Stream, Timeout, ending, hold, joblog,
    results,
};
use crate::exit::bad_usage;
use crate::lang::duration;
use crate::lang::placeholder::Input;
use crate::lang::spelling::Spelling;
use crate::lang::template::Template;
use anyhow::Result;
use divvy_core::Intervals;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What bounds tasks.
///
/// # Errors
/// Bad usage.
pub fn limits(args: &PolicyArgs) -> Result<Limits> {
    let says = |flag: &'static str| move |why: String| bad_usage(format!("{flag}: {why}"));
    let termseq = args.termseq.as_deref().map(ending::parse).transpose();
    let halt = args.halt.as_ref().map(|text| Halt::parse(text.as_bytes())).transpose();
    let cores = std::thread::available_parallelism()?.get() as u64;
    let load = args.load.as_deref().map(|text| hold::load(text, cores)).transpose();
    let memfree = args.memfree.as_deref().map(hold::size).transpose();
    let hold = Hold {
        delay_ms: args.delay.as_ref().map_or(Ok(0), |text| millis("--delay", text))?,
        load_centi: load.map_err(says("--load"))?,
        memfree: memfree.map_err(says("--memfree"))?.unwrap_or(0),
        noswap: args.noswap,
    };
    Ok(Limits {
        timeout: args.timeout.as_ref().map_or(Ok(Timeout::Never), timeout)?,
        ending: termseq.map_err(says("--termseq"))?.unwrap_or_default(),
        nice: args.nice.map(|nice| nice.max(own_nice())),
        halt: halt.map_err(says("--halt"))?.flatten(),
        hold,
    })
}

/// No task may be less nice than the program that starts it.
fn own_nice() -> i32 {
    rustix::process::getpriority_process(None).unwrap_or(0)
}

fn timeout(text: &OsString) -> Result<Timeout> {
    let percent = text.to_str().and_then(|text| text.strip_suffix('%'));
    match percent.map(str::parse) {
        None => Ok(match millis("--timeout", text)? {
            0 => Timeout::Never,
            ms => Timeout::Millis(ms),
        }),
        Some(Ok(percent)) if percent > 0 => Ok(Timeout::Percent(percent)),
        Some(_) => Err(bad_usage(format!("--timeout: {text:?} is no share of a time: write 200%"))),
    }
}

/// Rounded up: less than a millisecond is still something.
fn millis(flag: &str, text: &OsStr) -> Result<u64> {
    let time = duration::parse(text.as_bytes()).map_err(|e| bad_usage(format!("{flag}: {e}")))?;
    Ok(time.as_micros().div_ceil(1_000) as u64)
}

/// What becomes of outputs.
///
/// # Errors
/// Bad usage.
pub fn keep(args: &RunArgs, spelling: &Spelling) -> Result<Keep> {
    let RunArgs { keep, log, .. } = args;
    let place = place(keep, spelling)?;
    let tag = match (&keep.tagstring, keep.tag) {
        (Some(tag), _) => Some(tag.as_bytes().to_vec()),
        (None, true) => Some(b"{}".to_vec()),
        (None, false) => None,
    };
    if let Some(tag) = &tag {
        Template::new(&[tag], spelling, false).map_err(|e| bad_usage(format!("--tagstring: {e}")))?;
    }
    Ok(Keep {
        in_order: keep.keep_order,
        printing: match place {
            // Whatever is kept is kept when its task has ended.
            _ if keep.log => Printing::Grouped,
            Place::Printed if keep.ungroup => Printing::Direct,
            Place::Printed if keep.line_buffer => Printing::Lines,
            _ => Printing::Grouped,
        },
        tag,
        show: match (keep.verbose, keep.show) {
            (true, _) => Show::Stderr,
            (false, 0) => Show::Nowhere,
            (false, _) => Show::Stdout,
        },
        names: keep.files,
        joblog: joblog_path(log)?.map(PathBuf::into_os_string),
        skip: Vec::new(),
        log: keep.log,
        place,
    })
}

fn place(args: &KeepArgs, spelling: &Spelling) -> Result<Place> {
    let absolute = |path: &OsStr| Ok::<_, anyhow::Error>(std::path::absolute(path)?.into_os_string());
    let Some(name) = &args.results else {
        return match (&args.stdout, &args.stderr) {
            (None, None) if args.files => {
                let dir = args.tempdir.clone().unwrap_or_else(std::env::temp_dir);
                Ok(Place::Temp(absolute(dir.as_os_str())?))
            }
            (None, None) => Ok(Place::Printed),
            (stdout, stderr) => {
                Ok(Place::Apart(absolute(OsStr::new("."))?, [stream(stdout), stream(stderr)]))
            }
        };
    };
    let bytes = name.as_bytes();
    for (end, separator) in [(&b".csv"[..], Separator::Comma), (b".tsv", Separator::Tab)] {
        if let Some(stem) = bytes.strip_suffix(end) {
            let path = (stem != b"-").then(|| absolute(name)).transpose()?;
            return Ok(Place::Table(path, separator));
        }
    }
    let template =
        Template::new(&[bytes], spelling, false).map_err(|e| bad_usage(format!("--results: {e}")))?;
    if is_fixed(&template) {
        return Ok(Place::Dir(absolute(name)?));
    }
    Ok(Place::Named(absolute(OsStr::new("."))?, bytes.to_vec()))
}

/// Whether it is the same for all tasks: then it is for two that have nothing in common.
fn is_fixed(template: &Template) -> bool {
    let name = |input: &[u8], id| template.render(&Input { fields: &[input, input], id, slot: id as u32 });
    name(b"a.b", 1) == name(b"c/d", 2)
}

fn stream(path: &Option<OsString>) -> Stream {
    match path {
        None => Stream::Printed,
        Some(path) if path == "none" => Stream::Nowhere,
        Some(path) => Stream::File(path.clone().into_vec()),
    }
}

/// Makes ready what results are written to, so that a place that cannot be is refused before anything is stored.
///
/// # Errors
/// Bad usage.
pub fn prepare(keep: &Keep, log: &LogArgs, spelling: &Spelling) -> Result<()> {
    let says = |why: String| bad_usage(format!("--results: {why}"));
    results::Results::open(&keep.place, keep.names, spelling).map_err(says)?;
    if let Place::Table(Some(path), _) = &keep.place {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let begun = file.and_then(|file| if goes_on(log) { Ok(()) } else { file.set_len(0) });
        begun.map_err(|e| says(format!("cannot write {}: {e}", Path::new(path).display())))?;
    }
    let Some(path) = keep.joblog.as_ref().map(Path::new) else { return Ok(()) };
    let appends = goes_on(log) || log.joblog.as_ref().is_some_and(|name| name.as_bytes().starts_with(b"+"));
    let opened = if appends { joblog::JobLog::open(path).map(|_| ()) } else { joblog::begin(path) };
    opened.map_err(|e| bad_usage(format!("--joblog: cannot write {}: {e}", path.display())))
}

fn goes_on(log: &LogArgs) -> bool {
    log.resume || log.resume_failed || log.retry_failed
}

fn joblog_path(log: &LogArgs) -> Result<Option<PathBuf>> {
    let Some(name) = &log.joblog else { return Ok(None) };
    let name = name.as_bytes();
    let path = name.strip_prefix(b"+").unwrap_or(name);
    if path.is_empty() || path == b"-" {
        return Err(bad_usage("--joblog: name a file (stdout is for what tasks print; /dev/stderr works)"));
    }
    Ok(Some(std::path::absolute(OsStr::from_bytes(path))?))
}

/// The ids of the tasks that need not run, by a log or by their results.
///
/// # Errors
/// Bad usage.
pub fn over(keep: &Keep, log: &LogArgs) -> Result<Intervals> {
    if !log.resume && !log.resume_failed {
        return Ok(Intervals::new());
    }
    match (&keep.joblog, &keep.place) {
        (Some(_), _) => Ok(past(keep)?.over(log.resume_failed)),
        (None, Place::Dir(dir)) if log.resume => {
            let ids = results::kept_in(Path::new(dir)).map_err(|e| bad_usage(format!("--results: {e}")))?;
            Ok(ids.into_iter().map(|id| divvy_core::Range::new(id, id + 1)).collect())
        }
        _ => Err(bad_usage(
            "--resume needs --joblog FILE, or --results DIR; --resume-failed needs --joblog FILE. `divvy resume` goes \
             on with the last job, without any log",
        )),
    }
}

/// What the job log says.
///
/// # Errors
/// Bad usage.
pub fn past(keep: &Keep) -> Result<joblog::Past> {
    let path = keep.joblog.as_ref().ok_or_else(|| bad_usage("--retry-failed needs --joblog FILE"))?;
    joblog::read(Path::new(path)).map_err(|why| bad_usage(format!("--joblog: {why}")))
}

/// The environment of the tasks: ours, and what --env sets.
///
/// # Errors
/// Bad usage.
pub fn environment(set: &[OsString]) -> Result<Vec<(OsString, OsString)>> {
    let mut env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    for word in set {
        let bytes = word.as_bytes();
        let Some(at) = bytes.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (OsStr::from_bytes(&bytes[..at]), OsStr::from_bytes(&bytes[at + 1..]));
        if name.is_empty() {
            return Err(bad_usage(format!("--env: {word:?} has no name: write NAME=VALUE")));
        }
        env.retain(|(known, _)| known != name);
        env.push((name.to_owned(), value.to_owned()));
    }
    Ok(env)
}

/// The directory of the tasks.
///
/// # Errors
/// Bad usage.
pub fn directory(cwd: Option<&Path>) -> Result<PathBuf> {
    let Some(dir) = cwd else {
        return std::env::current_dir().map_err(|e| bad_usage(format!("the current directory is gone: {e}")));
    };
    if dir == "..." {
        return Err(bad_usage(
            "--workdir: divvy makes no directory for each run: name one, perhaps $(mktemp -d)",
        ));
    }
    // As GNU parallel does.
    std::fs::create_dir_all(dir)
        .and_then(|()| std::path::absolute(dir))
        .map_err(|e| bad_usage(format!("--workdir: cannot make {}: {e}", dir.display())))
}
