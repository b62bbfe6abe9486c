//! Where a job's inputs come from, and what they become.
//!
//! | file | idea |
//! |---|---|
//! | `rows.rs` | one source: its records, cut into columns, trimmed, left out |
//! | `product.rs` | several sources: linked, or all combinations |
//! | `pack.rs` | several inputs to a task |
//! | `cutter.rs` | a stream of data, cut into blocks |
//! | `data.rs` | what --pipe and --pipepart mean |
//! | `spelled.rs` | how the command's placeholders are written |
//! | `stream.rs` | feeding it all into a job that runs |
//!
//! What is already in memory and not too much becomes a closed list; everything else is read while the job runs. One
//! plain source is handed on as it is read, record by record untouched.

mod cutter;
mod data;
mod pack;
mod product;
mod rows;
mod spelled;
mod stream;

pub use stream::Stream;

use crate::args::{PackArgs, RunArgs, Source, SourceArgs};
use crate::command::Record;
use crate::exit::bad_usage;
use crate::lang::array::Array;
use crate::lang::escapes;
use crate::lang::records::{Limits, RecordReader, Separator};
use crate::lang::spelling::Spelling;
use anyhow::{Context, Result};
use divvy_core::Rng;
use divvy_store::Block;
use divvy_store::block::{BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX};
use pack::{CHARS_MAX, Fit, Packed, Plan};
use product::{Product, Read as ReadSource};
use rows::{Reading, Row, Rows, SourceRows};
use std::borrow::Cow;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IsTerminal, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stream::{Plain, RowBatches};

/// Most combinations that are stored when the job is submitted; more are made while it runs.
const LISTED_MAX: u64 = 1 << 16;

const NO_INPUTS: &str = "no inputs: give them after `:::`, with --array or --each-line, or pipe them in (--each-line - reads \
                         the terminal)";

/// The inputs that were asked for.
pub enum Inputs {
    /// Numbers.
    Array(Array),
    /// All there already.
    List(Vec<Block>),
    /// To be read while the job runs.
    Stream(Stream),
}

impl Inputs {
    /// Shows each record with its task's id, in order, and stores nothing.
    ///
    /// # Errors
    /// What the source says, or `show`.
    pub fn each(self, mut show: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        let mut id = 0;
        let mut next = |record: &[u8]| {
            id += 1;
            show(id, record)
        };
        match self {
            Inputs::Array(array) => (0..array.count()).try_for_each(|n| {
                let id = array.first() + n * array.step();
                show(id, id.to_string().as_bytes())
            }),
            Inputs::List(blocks) => {
                let mut records = blocks.iter().flat_map(|block| (0..block.count()).map(|n| block.record(n)));
                records.try_for_each(next)
            }
            Inputs::Stream(stream) => stream.each(&mut next),
        }
    }
}

/// Inputs, and what the command has to know of them.
pub struct Opened {
    /// The inputs.
    pub inputs: Inputs,
    /// What their records hold.
    pub record: Record,
    /// How placeholders are written.
    pub spelling: Spelling,
    /// A word that shows several fields comes once for each.
    pub repeat: bool,
    /// The input becomes the last word where no placeholder shows it.
    pub append_input: bool,
}

impl Opened {
    fn bare(inputs: Inputs, spelling: Spelling) -> Opened {
        Opened { inputs, record: Record::Bytes, spelling, repeat: false, append_input: true }
    }
}

/// Opens what the user means: `:::` and its kin, -a, --array, --from-json, --pipe, else stdin.
///
/// # Errors
/// Bad usage: a malformed array or expression, an unreadable list, flags that do not go together, no source.
pub fn open(args: &RunArgs, sources: Option<Vec<Source>>, workers: usize) -> Result<Opened> {
    let spelling = spelled::spelling(&args.input.placeholders, &args.command)?;
    let source = &args.input.source;
    let alone = [
        ("--array", source.array.is_some()),
        ("--from-json", source.from_json.is_some()),
        ("--pipe", args.input.pipe.pipe),
    ];
    if let (Some((flag, _)), Some(_)) = (alone.iter().find(|(_, is_given)| *is_given), &sources) {
        return Err(bad_usage(format!("inputs come from one place: `:::` or {flag}")));
    }
    if let Some(text) = &source.array {
        let array = Array::parse(text.as_bytes()).map_err(|e| bad_usage(format!("--array: {e}")))?;
        return Ok(Opened { append_input: false, ..Opened::bare(Inputs::Array(array), spelling) });
    }
    if let Some(path) = &source.from_json {
        return Ok(Opened::bare(Inputs::List(json(path)?), spelling));
    }
    if args.input.pipe.pipe || args.input.pipe.pipepart {
        return data::open(&args.input, &sources.unwrap_or_default(), spelling, workers);
    }
    lists(args, sources.unwrap_or_default(), spelling, workers)
}

/// Inputs in lists: on the command line, in files, on stdin.
fn lists(args: &RunArgs, given: Vec<Source>, mut spelling: Spelling, workers: usize) -> Result<Opened> {
    let (source, pack) = (&args.input.source, &args.input.pack);
    let given =
        if is_bare(&given) && (has_input() || !source.each_line.is_empty()) { Vec::new() } else { given };
    let from = places(source, given);
    let plan = plan(pack, args, &spelling, workers)?;
    if let ([place], None, true) = (from.as_slice(), &plan, is_plain(source)) {
        return Ok(Opened::bare(plain(place, source)?, spelling));
    }
    let count = from.len();
    let (sources, names) = read_sources(from, source)?;
    let is_listed = sources.iter().all(|(rows, _)| rows.is_in_memory());
    let (rows, total) = combine(sources, source)?;
    spelling.names = names;
    spelling.fields = certain_fields(plan.as_ref(), count, source);
    let is_several = count > 1 || source.colsep.is_some() || plan.is_some();
    let append_input = plan.as_ref().is_none_or(|plan| !plan.drops);
    let rows = match plan {
        Some(plan) => Box::new(Packed::new(rows, plan)),
        None => rows,
    };
    let record = if is_several { Record::Fields } else { Record::Bytes };
    let stream = Stream(Box::new(RowBatches::new(rows, record.clone())));
    let is_small = total.is_some_and(|total| total <= LISTED_MAX) || (total.is_none() && is_listed);
    let inputs = if is_small { Inputs::List(stream.read_all()?) } else { Inputs::Stream(stream) };
    let repeat = pack.repeat || pack.max_lines.is_some() || pack.one_line;
    Ok(Opened { inputs, record, spelling, repeat, append_input })
}

/// How many fields every task has, or the last one fewer; None where it depends on the inputs.
fn certain_fields(plan: Option<&Plan>, sources: usize, source: &SourceArgs) -> Option<u32> {
    let depends = |plan: &Plan| plan.fit.is_some() || plan.are_lines || plan.drops;
    if source.colsep.is_some() || plan.is_some_and(depends) {
        return None;
    }
    u32::try_from(plan.map_or(1, |plan| plan.rows_max).checked_mul(sources)?).ok()
}

/// One source whose records are the tasks.
fn plain(place: &Place<'_>, args: &SourceArgs) -> Result<Inputs> {
    match &place.from {
        From::Words(words) => Ok(Inputs::List(Block::pack_all(words))),
        From::File(path) => {
            let (reader, name) = reader(path.as_deref(), args)?;
            Ok(Inputs::Stream(Stream(Box::new(Plain { reader, name }))))
        }
    }
}

/// Whether records of one source are the tasks, as they are.
fn is_plain(source: &SourceArgs) -> bool {
    let changes = source.colsep.is_some()
        || source.header.is_some()
        || source.skip_first_line
        || source.trim.as_deref().is_some_and(|trim| trim != "n")
        || source.eof.is_some()
        || source.no_run_if_empty
        || source.shuf;
    !changes
}

/// One source, before it is opened.
struct Place<'a> {
    from: From<'a>,
    is_linked: bool,
}

enum From<'a> {
    Words(Vec<Vec<u8>>),
    /// `None`: stdin, since nothing else was said.
    File(Option<Cow<'a, Path>>),
}

fn places(args: &SourceArgs, given: Vec<Source>) -> Vec<Place<'_>> {
    let file = |path, is_linked| Place { from: From::File(Some(path)), is_linked };
    let mut places: Vec<Place<'_>> = args.each_line.iter().map(|path| file(path.into(), false)).collect();
    for Source { words, in_files, is_linked } in given {
        if in_files {
            places.extend(words.into_iter().map(|path| file(PathBuf::from(path).into(), is_linked)));
        } else {
            let words = words.into_iter().map(OsStringExt::into_vec).collect();
            places.push(Place { from: From::Words(words), is_linked });
        }
    }
    if places.is_empty() {
        places.push(Place { from: From::File(None), is_linked: false });
    }
    places
}

/// Whether all that was given is one `:::` with nothing behind it, which is as if it were not there, as in GNU
/// parallel. At a terminal, or without any input, it is an empty list: a pattern that matched no file.
fn is_bare(given: &[Source]) -> bool {
    matches!(given, [only] if !only.in_files && only.words.is_empty())
}

/// Whether something may come from stdin without a person typing it.
fn has_input() -> bool {
    !io::stdin().is_terminal() && !stdin_is_null()
}

fn stdin_is_null() -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let null = std::fs::metadata("/dev/null").ok().filter(|meta| meta.file_type().is_char_device());
    let stdin = rustix::fs::fstat(io::stdin()).ok();
    null.zip(stdin).is_some_and(|(null, stdin)| null.rdev() == stdin.st_rdev)
}

/// Refuses inputs that nobody gave: nothing names them, and stdin is `/dev/null`. GNU parallel takes that for an empty
/// list, and so does `divvy run`; a job in the background would be done at once, with nobody to see that it was empty.
///
/// # Errors
/// Bad usage.
pub fn refuse_forgotten(args: &RunArgs, sources: Option<&[Source]>) -> Result<()> {
    let source = &args.input.source;
    let is_named = sources.is_some()
        || source.array.is_some()
        || source.from_json.is_some()
        || !source.each_line.is_empty()
        || args.plan.graph.is_some()
        || args.log.retry_failed;
    if is_named || !stdin_is_null() { Ok(()) } else { Err(bad_usage(NO_INPUTS)) }
}

/// Opens sources and reads their headers: gives the names of all columns.
fn read_sources(places: Vec<Place<'_>>, args: &SourceArgs) -> Result<(Vec<(SourceRows, bool)>, Row)> {
    let reading = Arc::new(reading(args)?);
    let (mut sources, mut names) = (Vec::new(), Vec::new());
    for (nth, Place { from, is_linked }) in places.into_iter().enumerate() {
        let mut rows = match from {
            From::Words(words) => SourceRows::of_words(words, reading.clone()),
            From::File(path) => {
                let (reader, name) = reader(path.as_deref(), args)?;
                SourceRows::of_reader(reader, name, reading.clone())
            }
        };
        if args.skip_first_line && nth == 0 {
            rows.skip_first();
        }
        if args.header.is_some() {
            names.extend(rows.take_header()?);
        }
        sources.push((rows, is_linked));
    }
    Ok((sources, names))
}

fn reading(args: &SourceArgs) -> Result<Reading> {
    let columns = args.colsep.as_ref().map(|text| rows::regex("--colsep", text.as_bytes())).transpose()?;
    let trim = args.trim.as_deref().unwrap_or(if columns.is_some() { "lr" } else { "n" });
    Ok(Reading {
        columns,
        trim: (trim.contains('l'), trim.contains('r')),
        end: args.eof.as_ref().map(|text| text.as_bytes().to_vec()),
        skips_blank: args.no_run_if_empty,
    })
}

/// Sources as one: a single one as it comes, several together. The number of combinations, if they are counted.
fn combine(sources: Vec<(SourceRows, bool)>, args: &SourceArgs) -> Result<(Box<dyn Rows>, Option<u64>)> {
    if let ([_], false) = (sources.as_slice(), args.shuf) {
        let (rows, _) = sources.into_iter().next().expect("one");
        return Ok((Box::new(rows), None));
    }
    let read = |(rows, is_linked): (SourceRows, bool)| Ok(ReadSource { rows: rows.read_all()?, is_linked });
    let mut product = Product::new(sources.into_iter().map(read).collect::<Result<Vec<_>>>()?, args.link)?;
    if args.shuf {
        product.shuffle(&mut Rng::new(RandomState::new().hash_one(std::process::id())))?;
    }
    let total = product.total();
    Ok((Box::new(product), Some(total)))
}

/// How inputs make a task, unless it is one each.
fn plan(pack: &PackArgs, args: &RunArgs, spelling: &Spelling, workers: usize) -> Result<Option<Plan>> {
    let fills = pack.repeat || pack.many || pack.xargs;
    if pack.max_chars.is_some() && !fills {
        return Err(bad_usage(
            "-s is about how much -X, -m or --xargs put on a command line: add one of them",
        ));
    }
    let lines = pack.max_lines.or(pack.one_line.then_some(1));
    let count = pack.max_args.or(pack.max_replace_args);
    let drops = count == Some(0);
    if lines == Some(0) {
        return Err(bad_usage("-L 0: a task has at least one line"));
    }
    if !fills && lines.is_none() && count.unwrap_or(1) == 1 {
        return Ok(None);
    }
    let words: Vec<Vec<u8>> = args.command.iter().map(|word| word.as_bytes().to_vec()).collect();
    let chars_max = pack.max_chars.unwrap_or(CHARS_MAX);
    let fit = fills.then(|| Fit::new(&words, spelling, pack.repeat, args.shell, chars_max));
    let share_among = if (pack.repeat || pack.many) && !pack.xargs { workers } else { 1 };
    let rows_max = count.or(lines).unwrap_or(usize::MAX);
    Ok(Some(Plan { rows_max, are_lines: lines.is_some(), drops, fit, share_among }))
}

/// Bytes from somewhere.
type Bytes = Box<dyn Read + Send>;

/// A list, by its file.
fn reader(path: Option<&Path>, args: &SourceArgs) -> Result<(RecordReader<Bytes>, String)> {
    let (source, name): (Bytes, _) = match path.filter(|path| *path != Path::new("-")) {
        Some(path) => (Box::new(open_file(path)?), path.display().to_string()),
        None => (stdin(path.is_none())?, "stdin".to_owned()),
    };
    // A batch is a block's worth, so that no record is copied twice.
    let limits = Limits {
        batch_records_max: BLOCK_RECORDS_MAX as u32,
        batch_bytes_max: BLOCK_BYTES_MAX as u32,
        ..Limits::default()
    };
    let separator = match &args.delimiter {
        Some(text) if text.is_empty() => return Err(bad_usage("-d: say what ends an input")),
        Some(text) => Separator::Text(escapes::unescape(text.as_bytes())),
        None if args.null => Separator::Nul,
        None => Separator::Newline,
    };
    Ok((RecordReader::new(source, separator, limits), name))
}

fn open_file(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|e| bad_usage(format!("cannot read {}: {e}", path.display())))?;
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        return Err(bad_usage(format!("cannot read {}: it is a directory, not a list", path.display())));
    }
    Ok(file)
}

fn stdin(by_default: bool) -> Result<Bytes> {
    if by_default && io::stdin().is_terminal() {
        return Err(bad_usage(NO_INPUTS));
    }
    Ok(Box::new(io::stdin()))
}

/// The elements of a JSON array, as they are written there.
fn json(path: &Path) -> Result<Vec<Block>> {
    let text = if path == Path::new("-") {
        io::read_to_string(io::stdin()).context("reading stdin")?
    } else {
        io::read_to_string(open_file(path)?).with_context(|| format!("reading {}", path.display()))?
    };
    let elements: Vec<&serde_json::value::RawValue> = serde_json::from_str(&text)
        .map_err(|e| bad_usage(format!("--from-json {}: no JSON array: {e}", path.display())))?;
    Ok(Block::pack_all(elements.iter().map(|element| element.get().as_bytes())))
}
