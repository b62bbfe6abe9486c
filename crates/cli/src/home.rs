//! Where jobs are kept: `DIVVY_STORE`, else `divvy.db` in `DIVVY_DIR`, else in the user's XDG state directory; and what
//! lies beside the store.

use crate::exit::bad_usage;
use anyhow::Result;
use divvy_core::{JobId, Millis};
use divvy_store::Store;
use divvy_store::sqlite::{Options, Sqlite};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The environment variable that names the store's directory.
pub const DIR_VAR: &str = "DIVVY_DIR";
/// The store's file where only its directory is named.
const DEFAULT_NAME: &str = "divvy.db";
/// The environment variable that names the store.
pub const STORE_VAR: &str = "DIVVY_STORE";

/// The directory of divvy's own files.
///
/// # Errors
/// If nothing says where: no `DIVVY_DIR`, no `XDG_STATE_HOME`, no `HOME`.
pub fn dir() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let xdg = || set("XDG_STATE_HOME").filter(|p| p.is_absolute()).map(|p| p.join("divvy"));
    let home = || set("HOME").map(|p| p.join(".local/state/divvy"));
    let dir = set(DIR_VAR).or_else(xdg).or_else(home);
    let dir = dir.ok_or_else(|| bad_usage("neither DIVVY_DIR nor HOME is set: nowhere to keep jobs"))?;
    // The store is opened from other directories later, and its path is shown to people.
    Ok(std::path::absolute(dir)?)
}

/// The store's file.
///
/// # Errors
/// If `DIVVY_STORE` names a kind of store that this divvy does not have.
pub fn store_path() -> Result<PathBuf> {
    match std::env::var_os(STORE_VAR).filter(|v| !v.is_empty()) {
        None => Ok(dir()?.join(DEFAULT_NAME)),
        Some(url) => parse_store(&url),
    }
}

fn parse_store(url: &OsStr) -> Result<PathBuf> {
    let bytes = url.as_bytes();
    let path = match bytes.strip_prefix(b"sqlite:") {
        Some(path) => path.strip_prefix(b"//").unwrap_or(path),
        None if bytes.starts_with(b"/") || bytes.starts_with(b".") => bytes,
        None => {
            let url = url.to_string_lossy();
            // A colon behind the first letters makes it a URL.
            let instead = if url.contains(':') {
                "this divvy knows sqlite:PATH only".into()
            } else {
                format!("write sqlite:{url}")
            };
            return Err(bad_usage(format!("{STORE_VAR}={url}: {instead}")));
        }
    };
    if path.is_empty() {
        return Err(bad_usage(format!("{STORE_VAR} names no file: write sqlite:PATH")));
    }
    Ok(std::path::absolute(Path::new(OsStr::from_bytes(path)))?)
}

/// Where large outputs wait: beside the store, on a disk that is there and is meant for divvy's data.
///
/// # Errors
/// As [`store_path`].
pub fn spill_dir() -> Result<PathBuf> {
    let store = store_path()?;
    Ok(store.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Where jobs' logs are: `logs` beside the default store, else `STORE.logs`, so that two stores never share them.
///
/// # Errors
/// As [`store_path`].
pub fn logs_dir() -> Result<PathBuf> {
    Ok(logs_of(&store_path()?))
}

fn logs_of(store: &Path) -> PathBuf {
    if store.file_name() == Some(OsStr::new(DEFAULT_NAME)) {
        store.with_file_name("logs")
    } else {
        beside(store, ".logs")
    }
}

/// The file whose lock the background worker of the store holds. It is empty.
///
/// # Errors
/// As [`store_path`].
pub fn worker_lock_path() -> Result<PathBuf> {
    Ok(beside(&store_path()?, ".worker"))
}

/// Where the background worker says what went wrong.
///
/// # Errors
/// As [`store_path`].
pub fn worker_words_path() -> Result<PathBuf> {
    Ok(beside(&store_path()?, ".worker.log"))
}

fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Forgets the jobs whose retention is over, and their logs.
///
/// # Errors
/// Whatever the store says.
pub fn sweep(store: &dyn Store, now: Millis) -> Result<()> {
    store.sweep(now)?.into_iter().try_for_each(remove_log)
}

/// Removes what a forgotten job has printed.
///
/// # Errors
/// As [`store_path`]. A log that cannot be removed is left to [`sweep_logs`].
pub fn remove_log(job: JobId) -> Result<()> {
    // Most jobs have none.
    let _ = std::fs::remove_dir_all(logs_dir()?.join(job.to_string()));
    Ok(())
}

/// Removes the logs of all jobs that are no longer there: somebody was ended between forgetting a job and removing
/// its log.
///
/// # Errors
/// Whatever the store says.
pub fn sweep_logs(store: &dyn Store) -> Result<()> {
    let Ok(dir) = std::fs::read_dir(logs_dir()?) else { return Ok(()) };
    // Looked at before the jobs are: whose log is there by now is a job by then, unless it has been forgotten.
    let logged: Vec<u64> =
        dir.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    if logged.is_empty() {
        return Ok(());
    }
    let known: BTreeSet<u64> = store.jobs()?.iter().map(|job| job.id.0).collect();
    logged.into_iter().filter(|job| !known.contains(job)).try_for_each(|job| remove_log(JobId(job)))
}

/// Opens the user's store, makes it if need be, and lets go of what its retention no longer keeps.
///
/// # Errors
/// Whatever the store says.
pub fn open_store() -> Result<Arc<Sqlite>> {
    Ok(Arc::new(Sqlite::open(&store_path()?, &Options::default())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_as_urls_or_paths() {
        let path = |url: &str| parse_store(OsStr::new(url)).ok();
        assert_eq!(path("sqlite:/a/b.db"), Some("/a/b.db".into()));
        assert_eq!(path("sqlite:///a/b.db"), Some("/a/b.db".into()));
        assert_eq!(path("/a/b.db"), Some("/a/b.db".into()));
        assert!(path("sqlite:x.db").is_some_and(|p| p.is_absolute()));
        assert_eq!((path("postgres://h/d"), path("sqlite:")), (None, None));
        let said = parse_store(OsStr::new("x.db")).unwrap_err().to_string();
        assert!(said.ends_with("write sqlite:x.db"), "{said}");
    }

    #[test]
    fn two_stores_of_one_directory_have_logs_of_their_own() {
        let logs = |path: &str| logs_of(Path::new(path));
        assert_eq!((logs("/d/divvy.db"), logs("/d/other.db")), ("/d/logs".into(), "/d/other.db.logs".into()));
    }
}
