//! Files that the processes find in their directory.

use super::archive;
use crate::exit::bad_usage;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The name that a file has for the processes: behind `#`, if it says one, as in `/data/words.txt#dictionary`.
pub fn name_of(file: &Path) -> Option<&OsStr> {
    match parts(file) {
        (_, Some(name)) => Some(OsStr::new(name)),
        (path, None) => path.file_name(),
    }
}

fn parts(file: &Path) -> (&Path, Option<&str>) {
    match file.to_str().and_then(|text| text.rsplit_once('#')).filter(|_| !file.exists()) {
        Some((path, name)) => (Path::new(path), Some(name)),
        None => (file, None),
    }
}

/// Makes the directory in which processes of a job find these files, and what is in these archives; none if there are
/// none. What may not be executed is copied and may, so that scripts need no more than to be named; all else is linked to.
///
/// # Errors
/// Bad usage: a file is not there.
pub fn ship(files: &[PathBuf], archives: &[PathBuf], cwd: &Path, dir: &Path) -> Result<Option<PathBuf>> {
    if files.is_empty() && archives.is_empty() {
        return Ok(None);
    }
    let work = dir.join("work");
    std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    for file in files {
        let from = path_of(file, cwd);
        let found = std::fs::metadata(&from)
            .map_err(|error| bad_usage(format!("--file {}: {error}", file.display())))?;
        let name =
            name_of(file).ok_or_else(|| bad_usage(format!("--file {}: it has no name", file.display())))?;
        let to = work.join(name);
        let small = found.is_file() && found.len() <= COPY_MAX;
        let made = if small && found.permissions().mode() & 0o111 == 0 && is_script(&from) {
            std::fs::copy(&from, &to).and_then(|_| {
                std::fs::set_permissions(&to, PermissionsExt::from_mode(found.permissions().mode() | 0o111))
            })
        } else {
            symlink(&from, &to)
        };
        made.with_context(|| format!("cannot put {} into {}", file.display(), work.display()))?;
    }
    for archive in archives {
        let name = name_of(archive)
            .ok_or_else(|| bad_usage(format!("--archives {}: it has no name", archive.display())))?;
        archive::unpack(&path_of(archive, cwd), &work.join(name))?;
    }
    Ok(Some(work))
}

/// Where a file is, without the name that it has for the processes.
fn path_of(file: &Path, cwd: &Path) -> PathBuf {
    let (from, _) = parts(file);
    cwd.join(from.strip_prefix("file:").unwrap_or(from))
}

/// Scripts are smaller than this.
const COPY_MAX: u64 = 1 << 20;

fn is_script(path: &Path) -> bool {
    use std::io::Read;
    let mut first = [0; 2];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok() && &first == b"#!"
}
