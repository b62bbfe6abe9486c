//! What survives when the power goes: only what was synced.
//!
//! A child process works on a store under `strace`, which writes down every write, every sync and every
//! acknowledgement in their order. From that record the files are put together as a disk would hold them after a
//! power loss at each acknowledgement: with what was synced, and with nothing or any part of what was not. Each
//! time the store has to open, to be sound, and to hold all that was acknowledged. Killing a process tests none
//! of this, because the system keeps what a dead process has written.
//!
//! The same check on a store that does not sync has to fail, else it would check nothing.

use crate::dir::{Dir, block, claim, done, exchange, node, open_job, quick};
use divvy_core::{JobId, Range, Rng};
use divvy_store::Store;
use divvy_store::sqlite::{Durability, Options, Sqlite};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const ACKS: usize = 60;

fn record(nth: usize) -> Vec<u8> {
    format!("record {nth} ").into_bytes().repeat(1 + nth * 37 % 400)
}

/// Not a test by itself: what the child process does.
#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child() {
    let Some(dir) = std::env::var_os("DIVVY_TEST_DIR").map(PathBuf::from) else { return };
    let durability =
        if std::env::var_os("DIVVY_TEST_SYNC").is_some() { Durability::Fsync } else { Durability::Process };
    // A short log, so that it is copied into the file several times.
    let store = Sqlite::open(dir.join("store"), &Options { durability, wal_pages: 12, ..quick() }).unwrap();
    let mut acks = std::fs::File::create(dir.join("acks")).unwrap();
    let (job, node) = (open_job(&store), node(&store));
    for nth in 0..ACKS {
        store.append(1, job, &[block([record(nth)])], false).unwrap();
        let lease = exchange(&store, node, vec![], Some(claim(job, 1))).leases.remove(0);
        exchange(&store, node, vec![done(&lease, lease.open.clone())], None);
        acks.write_all(b"ack").unwrap();
    }
    // Without a close: at the end of the process nothing more is written.
    std::process::exit(0);
}

enum Call {
    Write { file: String, at: usize, bytes: Vec<u8> },
    Truncate { file: String, len: usize },
    Sync { file: String },
    Create { file: String },
    Unlink { file: String },
    Ack,
}

/// The child's calls in their order. `None` where strace is not to be had.
fn record_child(dir: &Dir, sync: bool) -> Option<Vec<Call>> {
    let trace = dir.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-ff", "-y", "-xx", "-s", "2000000", "-e"]);
    command.arg("trace=openat,write,pwrite64,ftruncate,fsync,fdatasync,unlink").arg("-o").arg(&trace);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", "power_loss::child", "--ignored", "--nocapture"]);
    command.env("DIVVY_TEST_DIR", dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
    if sync {
        command.env("DIVVY_TEST_SYNC", "1");
    }
    let ran = command.status().is_ok_and(|status| status.success());
    if !ran {
        assert!(std::env::var_os("CI").is_none(), "strace is needed here");
        eprintln!("skipped: strace cannot be run");
        return None;
    }
    // One file for each thread; all that matters happens in one.
    let names = dir.names().into_iter().filter(|name| name.starts_with("trace."));
    let texts = names.map(|name| std::fs::read_to_string(dir.path().join(name)).unwrap());
    let calls = texts.map(|text| text.lines().filter_map(|line| parse(line, dir.path())).collect::<Vec<_>>());
    calls.max_by_key(Vec::len)
}

/// A line like `pwrite64(5</dir/store-wal>, "\x37\x7f", 2, 0) = 2`; with `-xx` paths are in hex too.
fn parse(line: &str, dir: &Path) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (args, result) = rest.rsplit_once(" = ")?;
    let failed = result.starts_with('-');
    let strings: Vec<Vec<u8>> = args.split('"').skip(1).step_by(2).map(unhex).collect();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let of_fd = || {
        let path = args.split_once('<')?.1.split_once('>')?.0;
        Some(if path.starts_with("\\x") { text(&unhex(path)) } else { path.to_owned() })
    };
    let local =
        |path: String| Path::new(&path).strip_prefix(dir).ok().map(|p| p.to_string_lossy().into_owned());
    let last = || args.trim_end_matches(')').rsplit_once(", ")?.1.parse::<usize>().ok();
    assert!(!failed || name == "openat" || name == "unlink", "{line}");
    match name {
        "write" if local(of_fd()?)? == "acks" => Some(Call::Ack),
        "pwrite64" => {
            Some(Call::Write { file: local(of_fd()?)?, at: last()?, bytes: strings.into_iter().next()? })
        }
        "ftruncate" => Some(Call::Truncate { file: local(of_fd()?)?, len: last()? }),
        "fsync" | "fdatasync" => Some(Call::Sync { file: local(of_fd()?)? }),
        "openat" if !failed && args.contains("O_CREAT") => {
            Some(Call::Create { file: local(text(strings.first()?))? })
        }
        "unlink" if !failed => Some(Call::Unlink { file: local(text(strings.first()?))? }),
        _ => None,
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|hex| u8::from_str_radix(&hex[..2], 16).unwrap()).collect()
}

/// A file as the system shows it, and as the disk may hold it.
#[derive(Default)]
struct Disk {
    synced: Vec<u8>,
    /// Since the last sync; `Err` is a new length.
    since: Vec<(usize, Result<Vec<u8>, usize>)>,
    /// Its name is on the disk: the directory was synced after it was made.
    named: bool,
}

fn apply(content: &mut Vec<u8>, at: usize, change: &Result<Vec<u8>, usize>) {
    match change {
        Ok(bytes) => {
            let end = at + bytes.len();
            content.resize(content.len().max(end), 0);
            content[at..end].copy_from_slice(bytes);
        }
        Err(len) => content.resize(*len, 0),
    }
}

impl Disk {
    /// With what was not synced, as far as `keep` says.
    fn after_loss(&self, mut keep: impl FnMut() -> bool) -> Vec<u8> {
        let mut content = self.synced.clone();
        self.since.iter().filter(|_| keep()).for_each(|(at, change)| apply(&mut content, *at, change));
        content
    }

    fn sync(&mut self) {
        self.synced = self.after_loss(|| true);
        self.since.clear();
    }
}

/// Cuts the power at each acknowledgement. The first one that was not kept, with the reason.
fn lost(calls: &[Call]) -> Option<(usize, String)> {
    let (mut disks, mut acks, mut rng) = (BTreeMap::<&str, Disk>::new(), 0, Rng::new(1));
    for call in calls {
        match call {
            Call::Create { file } => drop(disks.entry(file).or_default()),
            Call::Write { file, at, bytes } => {
                disks.entry(file).or_default().since.push((*at, Ok(bytes.clone())));
            }
            Call::Truncate { file, len } => disks.entry(file).or_default().since.push((0, Err(*len))),
            Call::Sync { file } if file.is_empty() => disks.values_mut().for_each(|disk| disk.named = true),
            Call::Sync { file } => disks.entry(file).or_default().sync(),
            Call::Unlink { file } => drop(disks.remove(file.as_str())),
            Call::Ack => {
                acks += 1;
                let chances: [(u64, u64); 4] = [(0, 1), (1, 2), (1, 10), (9, 10)];
                for (part, of) in chances {
                    let why = reopened(&disks, acks, || rng.below(of) < part).err();
                    if let Some(why) = why {
                        return Some((acks, why));
                    }
                }
            }
        }
    }
    assert_eq!(acks, ACKS, "every acknowledgement was seen");
    None
}

/// Puts the files together and looks at the store.
fn reopened(disks: &BTreeMap<&str, Disk>, acks: usize, mut keep: impl FnMut() -> bool) -> Result<(), String> {
    let dir = Dir::new();
    for name in ["store", "store-wal"] {
        if let Some(disk) = disks.get(name).filter(|disk| disk.named) {
            std::fs::write(dir.path().join(name), disk.after_loss(&mut keep)).unwrap();
        }
    }
    let say = |e: divvy_store::Error| e.to_string();
    let store = Sqlite::open(dir.file(), &quick()).map_err(say)?;
    store.verify(true).map_err(say)?;
    let info = store.job(JobId(1)).map_err(say)?;
    if info.tail < acks as u64 || info.counts.done < acks as u64 {
        return Err(format!("{} tasks, {} done of {acks}", info.tail, info.counts.done));
    }
    let records = store.read(JobId(1), Range::new(0, acks as u64)).map_err(say)?;
    assert!((0..acks).all(|nth| records.get(nth as u64) == record(nth)));
    Ok(())
}

#[test]
fn what_was_acknowledged_survives() {
    let dir = Dir::new();
    let Some(calls) = record_child(&dir, true) else { return };
    let copied = calls.iter().filter(|call| matches!(call, Call::Sync { file } if file == "store")).count();
    assert!(copied > 3, "the log was copied into the file {copied} times");
    assert_eq!(lost(&calls), None);
}

#[test]
fn without_syncs_it_would_not() {
    let dir = Dir::new();
    let Some(calls) = record_child(&dir, false) else { return };
    let (_, why) = lost(&calls).expect("the test above cannot fail");
    assert!(why.contains("done of"), "it fails for what it should: {why}");
}
