//! Data in blocks: what --pipe and --pipepart mean.

use super::cutter::{BLOCK_MAX, Cut, Cutter};
use super::stream::{DataBatches, Stream};
use super::{Bytes, Inputs, Opened, open_file, stdin};
use crate::args::{InputArgs, Source};
use crate::command::{Block, Record};
use crate::exit::bad_usage;
use crate::lang::spelling::Spelling;
use crate::lang::{escapes, size};
use anyhow::Result;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Opens the data.
///
/// # Errors
/// Bad usage: flags that do not go together, a malformed expression or size, an unreadable file.
pub fn open(args: &InputArgs, given: &[Source], spelling: Spelling, workers: usize) -> Result<Opened> {
    let (pipe, source) = (&args.pipe, &args.source);
    if given.iter().any(|source| !source.in_files) {
        return Err(bad_usage("--pipepart cuts a file: `:::` gives inputs, `::::` the file"));
    }
    let named = given.iter().flat_map(|source| &source.words).map(Path::new);
    let files: Vec<&Path> = source.each_line.iter().map(PathBuf::as_path).chain(named).collect();
    let handed = if pipe.cat || pipe.fifo { Block::File } else { Block::Stdin };
    let (mut record, from, name): (_, Bytes, _) = match (pipe.pipepart, files.as_slice()) {
        (false, _) => (Record::Data(handed), stdin(true)?, "stdin".to_owned()),
        (true, [path]) => {
            let file = std::path::absolute(path)?.into_os_string();
            let record = Record::Part { file, header_len: 0, block: handed };
            (record, Box::new(open_file(path)?), path.display().to_string())
        }
        (true, _) => return Err(bad_usage("--pipepart cuts one file: name it with -a or ::::")),
    };
    if pipe.pipepart && pipe.remove_rec_sep {
        return Err(bad_usage(
            "--remove-rec-sep changes the data, which --pipepart leaves in its file: use --pipe",
        ));
    }
    let mut cutter = Cutter::new(from, name, cut(args, &files, workers)?);
    if let Some(header) = &source.header {
        let len = cutter.take_header(header.as_bytes())?;
        if let Record::Part { header_len, .. } = &mut record {
            *header_len = len;
        }
    }
    let batches = DataBatches { cutter, is_place: pipe.pipepart, skips_blank: source.no_run_if_empty };
    let inputs = Inputs::Stream(Stream(Box::new(batches)));
    let spelling = Spelling { fields: None, ..spelling };
    Ok(Opened { inputs, record, spelling, repeat: false, append_input: false })
}

fn cut(args: &InputArgs, files: &[&Path], workers: usize) -> Result<Cut> {
    let (pipe, pack) = (&args.pipe, &args.pack);
    let text = |text: &Option<OsString>, usual: &[u8]| match text {
        Some(text) if pipe.regexp => text.as_bytes().to_vec(),
        Some(text) => escapes::unescape(text.as_bytes()),
        None => usual.to_vec(),
    };
    // Told by its start alone, a record ends where the next one starts.
    let usual_end: &[u8] = if pipe.recstart.is_some() { b"" } else { b"\n" };
    let (end, start) = (text(&pipe.recend, usual_end), text(&pipe.recstart, b""));
    let mut cut = Cut::new(&end, &start, pipe.regexp, pipe.remove_rec_sep)?;
    cut.lines = pack.max_lines.or(pack.one_line.then_some(1)).unwrap_or(1);
    cut.records = pack.max_replace_args.or(pack.max_args);
    if cut.lines == 0 || cut.records == Some(0) {
        return Err(bad_usage("a block has at least one record: give -N and -L a number above 0"));
    }
    cut.reaches = pipe.pipepart && cut.lines == 1;
    cut.bytes = block_bytes(&pipe.block, args, files, workers)?;
    Ok(cut)
}

fn block_bytes(text: &OsStr, args: &InputArgs, files: &[&Path], workers: usize) -> Result<usize> {
    let bytes = match (text.as_bytes().strip_prefix(b"-"), files) {
        (Some(blocks), [path]) if args.pipe.pipepart => {
            let blocks = size::parse(blocks).map_err(|e| bad_usage(format!("--block: {e}")))?.max(1);
            open_file(path)?.metadata()?.len().div_ceil(blocks.saturating_mul(workers as u64)).max(1)
        }
        (Some(_), _) => {
            return Err(bad_usage(
                "--block: only --pipepart knows the size of its data, for so many blocks a worker",
            ));
        }
        (None, _) => size::parse(text.as_bytes()).map_err(|e| bad_usage(format!("--block: {e}")))?,
    };
    match usize::try_from(bytes) {
        Ok(bytes @ 1..=BLOCK_MAX) => Ok(bytes),
        _ => Err(bad_usage(format!("--block: a block has 1 to {BLOCK_MAX} bytes, not {bytes}"))),
    }
}
