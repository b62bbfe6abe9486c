//! What this node has for its tasks: cores and memory as the machine shows them, and what `--capacity` says.

use crate::args::CapacityArg;
use crate::exit::bad_usage;
use crate::lang::demand;
use anyhow::{Context, Result};
use divvy_core::Demand;
use divvy_core::demand::{CPUS, MEM, WHOLE};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What this node has: what is said counts, for everything else the machine is asked. Of what neither names there
/// is nothing.
///
/// # Errors
/// Bad usage, or a system that does not tell.
pub fn capacity(arg: &CapacityArg) -> Result<Demand> {
    let mut all = of_machine()?;
    if let Some(text) = &arg.capacity {
        let said = demand::list(text.as_bytes()).map_err(|e| bad_usage(format!("--capacity: {e}")))?;
        for (name, amount) in said {
            all = all.with(&name, amount);
        }
    }
    Ok(all)
}

fn of_machine() -> Result<Demand> {
    let cores = std::thread::available_parallelism().context("the system does not tell its cores")?;
    let memory = memory().context("the system does not tell its memory: say --capacity mem=SIZE")?;
    Ok(Demand::new().with(CPUS, cores.get() as u64 * WHOLE).with(MEM, memory))
}

/// Physical memory, or what this process's control group may have of it, whichever is less.
fn memory() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let physical = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024;
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Some(limits(&group, Path::new("/sys/fs/cgroup")).into_iter().fold(physical, u64::min))
}

/// Every limit on the way from the process's groups up to the root: each of them holds.
fn limits(groups: &str, root: &Path) -> Vec<u64> {
    let mut limits = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            named if named.split(',').any(|name| name == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut dir: PathBuf = root.join(path.trim_start_matches('/'));
        // In a container the path may be the host's, which is not there: its root is.
        while dir.starts_with(&root) {
            let limit: Option<u64> =
                fs::read_to_string(dir.join(file)).ok().and_then(|text| text.trim().parse().ok());
            limits.extend(limit);
            if !dir.pop() {
                break;
            }
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_counts_and_the_machine_tells_the_rest() {
        let said = CapacityArg { capacity: Some("gpu=2,cpus=0.5,mem=0".into()) };
        let all = capacity(&said).unwrap();
        assert_eq!((all.get("gpu"), all.get(CPUS), all.get(MEM)), (2_000, 500, 0));
        let all = capacity(&CapacityArg { capacity: None }).unwrap();
        assert!(all.get(CPUS) >= WHOLE && all.get(MEM) > 1 << 20 && all.get("gpu") == 0);
        assert!(capacity(&CapacityArg { capacity: Some("gpu".into()) }).is_err());
    }

    #[test]
    fn every_group_on_the_way_up_limits() {
        let root = std::env::temp_dir().join(format!("divvy-cgroup-{}", std::process::id()));
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(root.join("memory/old")).unwrap();
        fs::write(root.join("a/b/memory.max"), "max\n").unwrap();
        fs::write(root.join("a/memory.max"), "4096\n").unwrap();
        fs::write(root.join("memory/old/memory.limit_in_bytes"), "8192\n").unwrap();
        assert_eq!(limits("0::/a/b\n", &root), [4096]);
        assert_eq!(limits("5:cpu:/x\n4:memory,x:/old\n", &root), [8192]);
        assert!(limits("0::/not/there\n", &root).is_empty());
        fs::remove_dir_all(root).unwrap();
    }
}
