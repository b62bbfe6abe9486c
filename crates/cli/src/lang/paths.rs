//! Takes a path apart, as placeholders ask for it. Bytes in, a part of the same bytes out.
//!
//! The meanings are GNU parallel's, with one difference that is deliberate: Perl's `.` does not match a newline, so
//! GNU parallel finds the wrong basename when a directory's name holds one, and divvy does not.

/// Without the last `count` extensions of the last component. All of them, or none: `a.b` has no two.
pub(super) fn no_extensions(path: &[u8], count: usize) -> &[u8] {
    nth_dot(path, count).map_or(path, |dot| &path[..dot])
}

/// The last `count` extensions of the last component, without the dot in front; empty where there are fewer.
pub(super) fn extensions(path: &[u8], count: usize) -> &[u8] {
    nth_dot(path, count).map_or(b"", |dot| &path[dot + 1..])
}

/// Where the `count`th dot from the end stands, if the last component has so many.
fn nth_dot(path: &[u8], count: usize) -> Option<usize> {
    let from = path.len() - basename(path).len();
    let dots = (from..path.len()).rev().filter(|at| path[*at] == b'.');
    dots.take(count).enumerate().find_map(|(nth, at)| (nth + 1 == count).then_some(at))
}

/// What follows the last slash.
pub(super) fn basename(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&b| b == b'/').map_or(path, |slash| &path[slash + 1..])
}

/// What stands in front of the last slash; empty where there is none.
pub(super) fn before_slash(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&b| b == b'/').map_or(b"", |slash| &path[..slash])
}

/// Perl's `File::Basename::dirname`: slashes at the end do not count as a component, and the root stays `/`.
pub(super) fn dirname(path: &[u8]) -> &[u8] {
    let Some(slash) = strip_slashes(path).iter().rposition(|&b| b == b'/') else {
        return if path.first() == Some(&b'/') { b"/" } else { b"." };
    };
    strip_slashes(&path[..=slash])
}

/// Without the slashes at the end, but never shorter than one byte.
fn strip_slashes(path: &[u8]) -> &[u8] {
    let len = path.iter().rposition(|&b| b != b'/').map_or(1, |last| last + 1);
    &path[..len.min(path.len())]
}
