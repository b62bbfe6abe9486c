//! Which file system a path lies on. The write-ahead log is shared memory between processes: over a network two
//! machines would each see their own, and the store would break without a word.

use crate::{Error, Result};
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// File systems that other machines may have mounted too.
const NETWORK: [&str; 24] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb",
    "smb2",
    "smb3",
    "smbfs",
    "9p",
    "ceph",
    "lustre",
    "gpfs",
    "beegfs",
    "glusterfs",
    "afs",
    "ncpfs",
    "pvfs2",
    "orangefs",
    "davfs",
    "fuse.sshfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.glusterfs",
    "fuse.ceph",
    "fuse.ceph-fuse",
];

/// Refuses a path on a network file system. Where the system does not say, nothing is refused.
pub(super) fn refuse_network(path: &Path) -> Result<()> {
    let Ok(table) = std::fs::read("/proc/self/mountinfo") else { return Ok(()) };
    match file_system(&table, path) {
        Some(kind) if NETWORK.contains(&kind.as_str()) => {
            Err(Error::NetworkFs { path: path.to_path_buf(), kind })
        }
        _ => Ok(()),
    }
}

/// The type of the file system that holds the absolute `path`, by the text of `/proc/self/mountinfo`
/// (proc_pid_mountinfo(5)): the mount point is the fifth field, the type follows the lone `-`.
fn file_system(table: &[u8], path: &Path) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for line in table.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b' ');
        let Some(point) = fields.nth(4).map(unescape) else { continue };
        let Some(kind) = fields.skip_while(|field| *field != b"-").nth(1) else { continue };
        let depth = point.components().count();
        // Of two mounts on one point the later hides the earlier.
        let deeper = best.as_ref().is_none_or(|(so_far, _)| depth >= *so_far);
        if path.starts_with(&point) && deeper {
            best = Some((depth, OsStr::from_bytes(kind).to_string_lossy().into_owned()));
        }
    }
    best.map(|(_, kind)| kind)
}

/// Undoes the octal escapes (`\040` is a space).
fn unescape(field: &[u8]) -> PathBuf {
    let (mut out, mut rest) = (Vec::with_capacity(field.len()), field);
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|d| *byte == b'\\' && d.iter().all(|d| (b'0'..b'8').contains(d)));
        match digits {
            Some(d) => {
                out.push(d.iter().fold(0u8, |n, d| n.wrapping_mul(8).wrapping_add(d - b'0')));
                rest = &after[3..];
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
21 28 0:19 / /proc rw,nosuid shared:12 - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 28 0:40 / /home rw shared:2 master:1 - nfs4 server:/home rw,vers=4.2
41 40 0:41 / /home/me/local rw - xfs /dev/vdb rw
42 28 0:42 / /mnt/two\\040words rw - cifs //server/share rw
43 28 0:43 / /mnt/ssh rw - fuse.sshfs me@host:/ rw
44 28 0:44 / /over rw - nfs server:/over rw
45 44 0:45 / /over rw - tmpfs tmpfs rw
";

    fn kind(path: &str) -> String {
        file_system(TABLE.as_bytes(), Path::new(path)).unwrap()
    }

    #[test]
    fn the_longest_mount_point_wins() {
        assert_eq!(kind("/var/lib/divvy/store"), "ext4");
        assert_eq!(kind("/home/me/store"), "nfs4");
        assert_eq!(kind("/homes/me/store"), "ext4", "a prefix of bytes is not a prefix of names");
        assert_eq!(kind("/home/me/local/store"), "xfs");
        assert_eq!(kind("/mnt/two words/store"), "cifs");
        assert_eq!(kind("/mnt/ssh/x"), "fuse.sshfs");
        assert_eq!(kind("/over/x"), "tmpfs", "the later mount hides the earlier");
        assert_eq!(file_system(b"", Path::new("/x")), None);
        assert_eq!(file_system(b"1 2 3\n\\04 - ext4", Path::new("/x")), None);
    }

    #[test]
    fn network_file_systems_are_known() {
        for kind in
            "nfs nfs4 cifs smb3 9p ceph lustre fuse.sshfs fuse.rclone fuse.s3fs glusterfs beegfs gpfs afs"
                .split(' ')
        {
            assert!(NETWORK.contains(&kind), "{kind}");
        }
        for kind in ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "bcachefs"] {
            assert!(!NETWORK.contains(&kind), "{kind}");
        }
    }
}
