//! Where tests happen, what they read, and how they wait.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A directory of the test's own, gone when it has passed.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Place {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("divvy-typed-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Place(dir)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file of this text.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }
}

/// A text of many words, some of them often, long ones too.
pub(crate) fn text(words: u64, seed: u64) -> String {
    let mut state = seed | 1;
    let mut text = String::new();
    for n in 0..words {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = (state >> 33) % 5_000;
        text += &match word % 7 {
            0 => format!("w{word}"),
            1 => format!("a-rather-long-word-that-has-no-room-in-a-slot-{word}"),
            _ => format!("w{}", word % 50),
        };
        text.push(if n % 9 == 8 { '\n' } else { ' ' });
    }
    text
}

/// How often each word is there.
pub(crate) fn counts(text: &str) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    text.split_ascii_whitespace().for_each(|word| *counts.entry(word).or_default() += 1);
    counts
}

/// All parts of an output, one after the other.
pub(crate) fn whole(dir: &Path) -> String {
    let mut parts: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    parts.retain(|part| part.is_file());
    parts.iter().map(|part| std::fs::read_to_string(part).unwrap()).collect()
}

/// Waits until something is so, and gives up only when that is hopeless.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
