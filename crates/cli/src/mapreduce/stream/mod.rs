//! `divvy mapreduce stream`: scripts in any language, in divvy's words or in Hadoop's.
//!
//! | file | idea |
//! |---|---|
//! | `properties.rs` | `-D name=value`, in the spellings of Hadoop 1 and later |
//! | `formats.rs` | Hadoop's classes: which of them mean something here |
//! | `scripts.rs` | which program a command means |
//! | `ship.rs`, `archive.rs` | files that the processes find in their directory |
//! | `variables.rs` | their environment |

mod archive;
mod formats;
mod properties;
mod scripts;
mod ship;
mod variables;

use super::framing;
use crate::args::{DataArgs, Output, StreamArgs};
use crate::command::Outlet;
use crate::exit::{Exit, bad_usage};
use crate::session::{say, workers};
use anyhow::{Context, Result};
use divvy_engine::process::Stream as Pipe;
use divvy_engine::{Stop, SystemClock};
use divvy_mapreduce::input::expand;
use divvy_mapreduce::phase::Programs;
use divvy_mapreduce::stream::{Form, KeySpec, Node, Reduction, Stream, parse_specs, with_streams};
use properties::Properties;
use scripts::Finder;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The programs of this node.
pub fn programs(stop: &Stop, session: Option<&Path>, outlet: &Arc<Outlet>) -> Programs {
    // Words that cannot be printed matter to nobody who could be told.
    let words = {
        let outlet = outlet.clone();
        Arc::new(move |words: &[u8]| drop(outlet.print_part(Pipe::Err, None, words)))
    };
    let outlet = outlet.clone();
    let status = Arc::new(move |task: &str, status: &str| outlet.set_status(task, status));
    let session = session.map(|session| session.as_os_str().to_owned());
    with_streams(divvy_mapreduce::ready::programs(), Node { stop: stop.clone(), session, words, status })
}

/// Runs scripts over data.
///
/// # Errors
/// Bad usage, or whatever the store or the disk says.
pub fn stream(args: &StreamArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    let properties = Properties::read(args)?;
    properties.unknown().for_each(|name| {
        say(
            output,
            &format!("divvy: -D {name}: nothing here depends on it; processes find it in their environment"),
        );
    });
    let mut data = data_of(args, &properties)?;
    let framing = framing(&data)?;
    if framing.fixed().is_some() {
        return Err(bad_usage("--records: scripts read lines, or records that end with a zero byte (nul)"));
    }
    if data.split.is_none() {
        data.split = split_bytes(&data, &properties)?.map(|bytes| bytes.to_string().into());
    }
    let cwd = std::env::current_dir().context("there is no current directory")?;
    let finder = Finder::new(&cwd, &args.file, &args.archives);
    let wanted = Wanted {
        mapper: finder.mapper(args.mapper.as_deref())?,
        combiner: finder.script("--combiner", args.combiner.as_deref())?,
        reduction: reduction(args, &properties, &finder)?,
        order: specs(&properties, "mapreduce.partition.keycomparator.options")?,
        partition: specs(&properties, "mapreduce.partition.keypartitioner.options")?,
    };
    let name = properties.get("mapreduce.job.name").unwrap_or("stream");
    super::run(name, &data, framing, output, clock, |splits, dir| {
        let work = ship::ship(&args.file, &args.archives, &cwd, dir)?;
        let stream =
            wanted.stream(args, &properties, &data, work.as_deref().unwrap_or(&cwd), splits.count())?;
        let divided = match data.parts {
            Some(parts) if stream.reduction == Reduction::None => stream.divided(parts.into()),
            _ => stream.divided(splits.count()),
        };
        Ok((stream.to_ref(), divided))
    })
}

/// What is known before the inputs are.
struct Wanted {
    mapper: Option<scripts::Found>,
    combiner: Option<scripts::Found>,
    reduction: Reduced,
    order: Vec<KeySpec>,
    partition: Vec<KeySpec>,
}

/// A reduction whose script is not bound to a directory yet.
enum Reduced {
    Script(scripts::Found),
    Aggregate,
    Identity,
    None,
}

impl Wanted {
    fn stream(
        &self,
        args: &StreamArgs,
        properties: &Properties,
        data: &DataArgs,
        dir: &Path,
        splits: u64,
    ) -> Result<Stream> {
        let parts = data.parts.unwrap_or(1);
        let reduction = match &self.reduction {
            Reduced::Script(found) => Reduction::Script(found.script(dir)),
            Reduced::Aggregate => Reduction::Aggregate,
            Reduced::Identity => Reduction::Identity,
            Reduced::None => Reduction::None,
        };
        let since = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let job = format!("job_{since}_{:04}", std::process::id() % 10_000);
        Ok(Stream {
            mapper: self.mapper.as_ref().map(|found| found.script(dir)),
            combiner: self.combiner.as_ref().map(|found| found.script(dir)),
            output: output_form(properties, args.hadoop, reduction == Reduction::None)?,
            reduction,
            dir: dir.as_os_str().to_owned(),
            env: variables::all(args, properties, data, splits, parts)?,
            job,
            places: formats::places(args, properties)?,
            map_output: form(properties, "map", b"\t")?,
            reduce_input: properties.bytes("stream.reduce.input.field.separator").unwrap_or(b"\t".to_vec()),
            parts,
            key_separator: properties
                .bytes("mapreduce.map.output.key.field.separator")
                .unwrap_or(b"\t".to_vec()),
            order: self.order.clone(),
            partition: self.partition.clone(),
            finds_bad: data.skip_bad > 0,
            any_exit: properties.is("stream.non.zero.exit.is.failure")? == Some(false),
        })
    }
}

/// How the lines of the output are written anew. Hadoop puts a separator behind a line that has none, so its command
/// lines get that here.
fn output_form(properties: &Properties, hadoop: bool, map_only: bool) -> Result<Option<(Form, Vec<u8>)>> {
    let stage = if map_only { "map" } else { "reduce" };
    let form = form(properties, stage, b"\t")?;
    let separator = properties.bytes("mapreduce.output.textoutputformat.separator");
    if !hadoop && separator.is_none() {
        return Ok(None);
    }
    Ok(Some((form, separator.unwrap_or(b"\t".to_vec()))))
}

/// How lines that come out of a stage are cut.
fn form(properties: &Properties, stage: &str, tab: &[u8]) -> Result<Form> {
    let separator =
        properties.bytes(&format!("stream.{stage}.output.field.separator")).unwrap_or(tab.to_vec());
    let fields = format!("stream.num.{stage}.output.key.fields");
    let key_fields = properties.number(&fields)?.unwrap_or(1);
    Ok(Form { separator, key_fields: u32::try_from(key_fields).unwrap_or(u32::MAX) })
}

fn specs(properties: &Properties, name: &str) -> Result<Vec<KeySpec>> {
    let text = properties.get(name).unwrap_or_default();
    parse_specs(text).map_err(|why| bad_usage(format!("{name}: {why}")))
}

fn reduction(args: &StreamArgs, properties: &Properties, finder: &Finder<'_>) -> Result<Reduced> {
    let named = args.reducer.as_deref();
    if properties.number("mapreduce.job.reduces")? == Some(0) || named.is_some_and(|name| name == "NONE") {
        return Ok(Reduced::None);
    }
    if named.is_some_and(|name| name == "aggregate") {
        return Ok(Reduced::Aggregate);
    }
    if named.is_none_or(formats::is_identity) {
        return Ok(Reduced::Identity);
    }
    let found = finder.script("--reducer", named)?.expect("it is named");
    Ok(Reduced::Script(found))
}

/// The flags that all programs have, as properties set them where no flag does.
fn data_of(args: &StreamArgs, properties: &Properties) -> Result<DataArgs> {
    formats::check(args)?;
    let mut data = args.data.clone();
    data.split_records = formats::lines_each(args, properties)?;
    for input in &args.input {
        data.inputs.extend(each_input(input));
    }
    // 0 is no number of parts, but says that there is no reduction.
    let reduces = properties.number("mapreduce.job.reduces")?.filter(|reduces| *reduces > 0);
    if data.parts.is_none()
        && let Some(reduces) = reduces
    {
        let most = 100_000;
        if reduces > most {
            return Err(bad_usage(format!("{reduces} parts: there may be {most}")));
        }
        data.parts = Some(reduces as u32);
    }
    let attempts = ["mapreduce.map.maxattempts", "mapreduce.reduce.maxattempts"];
    let attempts = attempts.map(|name| properties.number(name)).into_iter().collect::<Result<Vec<_>>>()?;
    if let Some(attempts) = attempts.into_iter().flatten().max() {
        data.retries = attempts.clamp(1, 1_000) as u32;
    }
    Ok(data)
}

/// Hadoop takes several inputs in one word, with commas between them.
fn each_input(word: &Path) -> Vec<PathBuf> {
    let text = word.to_str().filter(|text| text.contains(',') && !word.exists());
    text.map_or_else(|| vec![word.to_owned()], |text| text.split(',').map(PathBuf::from).collect())
}

/// The largest split: a process costs some 40 ms to start, which is little beside what it takes to read this much.
const SPLIT_MOST: u64 = 32 << 20;
/// The smallest that is worth a process.
const SPLIT_LEAST: u64 = 4 << 20;
/// Nothing smaller is cut.
const SPLIT_FLOOR: u64 = 64 << 10;
/// Splits of a worker, so that all end at about the same time.
const SPLITS_EACH: u64 = 8;

/// Splits that are worth a process each, and enough of them for all workers.
fn split_bytes(data: &DataArgs, properties: &Properties) -> Result<Option<u64>> {
    if let Some(most) = properties.number("mapreduce.input.fileinputformat.split.maxsize")? {
        return Ok(Some(most.max(1)));
    }
    let files: Vec<&PathBuf> = data.inputs.iter().filter(|input| input.as_os_str() != "-").collect();
    if files.is_empty() {
        return Ok(None);
    }
    let total: u64 = expand(files).map_err(bad_usage)?.iter().map(|file| file.size).sum();
    let workers = u64::from(workers(&data.workers)?.max(1));
    let rounds =
        (total / (workers * SPLIT_LEAST)).clamp(1, SPLITS_EACH).max(total.div_ceil(workers * SPLIT_MOST));
    let least = properties.number("mapreduce.input.fileinputformat.split.minsize")?.unwrap_or(SPLIT_FLOOR);
    Ok(Some(total.div_ceil(workers * rounds).max(least).max(1)))
}

/// A name as text, for messages.
fn shown(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}
