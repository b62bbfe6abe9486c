//! What a durable write costs here: without it no durable figure can be read.

use anyhow::Result;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

/// Writes whose median is taken.
const WRITES: usize = 64;

/// Median time of writing 4 KiB and `fdatasync`, microseconds.
///
/// # Errors
/// If the directory cannot be written.
pub fn p50_us(dir: &Path) -> Result<f64> {
    let path = dir.join("fsync-probe");
    let file = File::create(&path)?;
    let page = [7u8; 4096];
    let mut times = Vec::with_capacity(WRITES);
    for n in 0..WRITES {
        let begun = Instant::now();
        file.write_all_at(&page, (n * page.len()) as u64)?;
        file.sync_data()?;
        times.push(begun.elapsed().as_nanos() as f64 / 1e3);
    }
    std::fs::remove_file(path)?;
    times.sort_by(f64::total_cmp);
    Ok(times[WRITES / 2])
}
