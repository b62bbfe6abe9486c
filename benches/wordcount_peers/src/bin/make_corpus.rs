//! Makes the texts from directories of other people's books, manuals and sources.
//!
//! `make_corpus english|code [--bytes 1G] [--distinct 178000] OUT DIR...`
//!
//! `code`: the source files below the directories, in the order of their paths, as they are, until there are enough
//! bytes. Nothing is repeated, so that new words keep coming as they do in a large tree.
//!
//! `english`: prose below the directories (HTML without its tags, manuals without their formatting, gzip unpacked; files
//! that are mostly something else are left out) until there are as many distinct words as asked for; this base text is
//! then repeated until there are enough bytes. How long the base is gets printed.

use flate2::read::GzDecoder;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let (mut bytes, mut distinct) = (1_000_000_000, 178_000);
    let mut plain = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bytes" => bytes = size(&words.next().unwrap_or_default())?,
            "--distinct" => distinct = size(&words.next().unwrap_or_default())?,
            _ => plain.push(word),
        }
    }
    match plain.as_slice() {
        [kind, out, dirs @ ..] if !dirs.is_empty() => {
            let files = files(dirs)?;
            let mut out = BufWriter::new(File::create(out)?);
            match kind.as_str() {
                "english" => english(&files, bytes, distinct, &mut out)?,
                _ => code(&files, bytes, &mut out)?,
            }
            out.flush()
        }
        _ => Err(io::Error::other("usage: make_corpus english|code [--bytes N] [--distinct N] OUT DIR...")),
    }
}

fn size(text: &str) -> io::Result<usize> {
    let (number, unit) = match text.strip_suffix('G') {
        Some(number) => (number, 1_000_000_000),
        None => (text, 1),
    };
    number.parse::<usize>().map(|n| n * unit).map_err(io::Error::other)
}

/// All plain files below the directories, in the order of their paths.
fn files(dirs: &[String]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for dir in dirs {
        let mut left = vec![PathBuf::from(dir)];
        let from = found.len();
        while let Some(path) = left.pop() {
            let kind = fs::symlink_metadata(&path)?.file_type();
            if kind.is_dir() {
                left.extend(
                    fs::read_dir(path)?
                        .map(|entry| entry.map(|e| e.path()))
                        .collect::<Result<Vec<_>, _>>()?,
                );
            } else if kind.is_file() {
                found.push(path);
            }
        }
        found[from..].sort();
    }
    Ok(found)
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|e| e.to_str()).unwrap_or("")
}

fn code(files: &[PathBuf], bytes: usize, out: &mut impl Write) -> io::Result<()> {
    const SOURCE: [&str; 18] = [
        "c", "h", "S", "s", "rs", "py", "js", "ts", "java", "go", "cc", "cpp", "hpp", "sh", "pl", "dts",
        "dtsi", "rst",
    ];
    let mut written = 0;
    for file in files.iter().filter(|file| SOURCE.contains(&extension(file))) {
        let mut text = fs::read(file)?;
        if text.contains(&0) {
            continue;
        }
        text.truncate(bytes - written);
        out.write_all(&text)?;
        written += text.len();
        if written == bytes {
            return Ok(());
        }
    }
    eprintln!("these directories have only {written} bytes of source");
    Ok(())
}

fn english(files: &[PathBuf], bytes: usize, distinct: usize, out: &mut impl Write) -> io::Result<()> {
    let mut base = Vec::new();
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    'files: for file in files {
        let Some(text) = prose(file)? else { continue };
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            base.extend_from_slice(line);
            divvy_scan::for_each_word(line, |word| {
                if !seen.contains(word) {
                    seen.insert(word.to_vec());
                }
            });
            if seen.len() >= distinct {
                break 'files;
            }
        }
    }
    base.push(b'\n');
    eprintln!("a base of {} bytes with {} distinct words, repeated", base.len(), seen.len());
    let mut left = bytes;
    while left > base.len() {
        out.write_all(&base)?;
        left -= base.len();
    }
    // The last repetition ends at a line, so that no word is cut.
    let end = base[..left].iter().rposition(|byte| *byte == b'\n').map_or(0, |line| line + 1);
    out.write_all(&base[..end])
}

/// The text of a file, if it is English for the most part.
fn prose(file: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut text = fs::read(file)?;
    let name = file.with_extension("");
    let mut kind = extension(file);
    if kind == "gz" {
        let packed = std::mem::take(&mut text);
        GzDecoder::new(&packed[..]).read_to_end(&mut text)?;
        kind = extension(&name);
    }
    let text = match kind {
        "html" | "htm" => without_tags(&text),
        "txt" | "pod" | "" | "dict" => text,
        _ if kind.len() == 1 => without_requests(&text),
        _ => return Ok(None),
    };
    let letters = text.iter().filter(|b| b.is_ascii_alphabetic() || **b == b' ').count();
    let english = text.len() > 1_000 && letters * 100 > text.len() * 85 && !text.contains(&0);
    Ok(english.then_some(text))
}

fn without_tags(html: &[u8]) -> Vec<u8> {
    let mut inside = false;
    let mut text = html.to_vec();
    text.retain(|byte| {
        let was = inside;
        inside = if inside { *byte != b'>' } else { *byte == b'<' };
        !was && !inside
    });
    text
}

/// A manual's lines, without the requests to its formatter.
fn without_requests(manual: &[u8]) -> Vec<u8> {
    let lines = manual.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| !matches!(line[0], b'.' | b'\'')).flatten().copied().collect()
}
