//! What the system does for us: a write that is safe, and a process.

use super::{Cost, Stretches};
use anyhow::{Context, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const WRITES: Stretches = Stretches { count: 101, acts: 1 };
const STARTS: Stretches = Stretches { count: 51, acts: 1 };

/// 4 KiB in a file, safe from a power cut, on the disk that jobs are kept on.
pub(super) fn fsync(dir: &Path) -> Result<Cost> {
    let probe = Probe(dir.join(format!("costs-{}", std::process::id())));
    let file = File::create(&probe.0).with_context(|| format!("cannot write {}", probe.0.display()))?;
    let page = [7u8; 4096];
    let mut at = 0;
    let times = WRITES.time(|| {
        file.write_all_at(&page, at)?;
        at += page.len() as u64;
        Ok(file.sync_data()?)
    })?;
    Ok(Cost::new("fsync", "4 KiB written and synced where jobs are kept", times))
}

/// A process that does nothing, from its start to its end.
pub(super) fn process() -> Result<Cost> {
    let times = STARTS.time(|| {
        let mut command = Command::new("true");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().context("cannot start `true`")?;
        Ok(())
    })?;
    Ok(Cost::new("process", "started, and its end waited for (`true`)", times))
}

/// A file that is gone when dropped.
struct Probe(PathBuf);

impl Drop for Probe {
    fn drop(&mut self) {
        // Best effort: what stays behind is named after this program.
        let _ = std::fs::remove_file(&self.0);
    }
}
