//! The arrivals in a log.

use super::times::Format;
use crate::exit::bad_usage;
use crate::scale::source::{Source, cannot_read};
use anyhow::Result;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Arrivals in one look: 400 MB of times. A longer log has its bursts in each of its parts.
const ARRIVALS_MAX: usize = 50_000_000;
/// Bytes of a line; what is behind them has no time.
const LINE_MAX: u64 = 1 << 20;

/// What a log holds.
pub(super) struct Log {
    /// What to call it.
    pub(super) name: String,
    /// How it writes its times.
    pub(super) format: Format,
    /// Seconds, ascending; there is one at least.
    pub(super) arrivals: Vec<f64>,
    /// Lines without a time.
    pub(super) without: u64,
}

/// Reads it.
///
/// # Errors
/// Bad usage: it is not there, no line has a time, or too many have.
pub(super) fn read(path: &Path) -> Result<Log> {
    let Source { name, bytes } = Source::open(path)?;
    let mut reader = BufReader::with_capacity(1 << 16, bytes);
    let (mut format, mut arrivals, mut without, mut line) = (None, Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line);
        if read.map_err(|error| cannot_read(&name, &error))? == 0 {
            break;
        }
        // The rest of a line that is cut is no line of its own: it may begin with anything.
        if line.len() as u64 == LINE_MAX && !line.ends_with(b"\n") {
            reader.skip_until(b'\n').map_err(|error| cannot_read(&name, &error))?;
        }
        format = format.or_else(|| Format::of(&line));
        match format.and_then(|format: Format| format.time(&line)) {
            Some(at) if arrivals.len() < ARRIVALS_MAX => arrivals.push(at),
            Some(_) => {
                return Err(bad_usage(format!(
                    "{name}: more than {ARRIVALS_MAX} arrivals: give a part of it"
                )));
            }
            None if line.trim_ascii().is_empty() => {}
            None => without += 1,
        }
    }
    let Some(format) = format.filter(|_| !arrivals.is_empty()) else {
        return Err(bad_usage(format!(
            "{name}: no line has a time: seconds or milliseconds since 1970 at its beginning, ISO 8601 \
             (2026-11-22T09:28:46Z) or [22/Nov/2026:09:28:46 +0000]"
        )));
    };
    // Logs are written when a request ends, and by several threads.
    arrivals.sort_by(f64::total_cmp);
    Ok(Log { name, format, arrivals, without })
}
