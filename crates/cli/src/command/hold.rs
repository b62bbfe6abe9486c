//! What a start has to wait for: `--delay`, `--load`, `--memfree`, `--noswap`.
//!
//! A worker that waits is *held back* in the account. It looks again every tenth of a second, and at once when the node
//! is being stopped.

use divvy_engine::Chunk;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, PoisonError};

/// What a start has to wait for; 0 and `false`: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hold {
    /// Between two starts on a node, milliseconds.
    pub delay_ms: u64,
    /// Hundredths of processes that may run on this machine; `None`: any number.
    pub load_centi: Option<u64>,
    /// Bytes of memory that have to be free. With less than half of it the youngest task is put back.
    pub memfree: u64,
    /// Not while the machine swaps in and out.
    pub noswap: bool,
}

/// How often a worker that is held back looks again.
const LOOK_EVERY_NS: u64 = 100_000_000;
/// How often a running task looks whether it has to make room.
const ROOM_EVERY_NS: u64 = 1_000_000_000;
/// How long swapping is watched before it is judged.
const SWAP_WINDOW_NS: u64 = 1_000_000_000;

/// The starts of one job on this node.
#[derive(Debug)]
pub struct Starts {
    hold: Hold,
    /// No start before this.
    next_ns: Mutex<u64>,
    swap: Mutex<Swap>,
    /// Where tasks may have to make room: how many have started, and which of them run.
    running: Mutex<(u64, BTreeSet<u64>)>,
}

/// Pages swapped in and out when last looked at, and whether both grew since the look before.
#[derive(Debug, Default)]
struct Swap {
    looked: Option<(u64, [u64; 2])>,
    swaps: bool,
}

/// A task that runs, by its place in the order of starts.
pub type Ticket = u64;

impl Starts {
    /// Nothing has started yet.
    pub fn new(hold: Hold) -> Starts {
        Starts { hold, next_ns: Mutex::default(), swap: Mutex::default(), running: Mutex::default() }
    }

    /// Waits until a task may start; `false` if it is not to start any more.
    pub fn wait(&self, chunk: &mut Chunk<'_>, seq: u64) -> bool {
        if self.hold == Hold::default() {
            return true;
        }
        loop {
            if chunk.is_over(seq) {
                return false;
            }
            let now = chunk.now_ns();
            if self.is_short(now) {
                chunk.hold_back(LOOK_EVERY_NS);
                continue;
            }
            match self.take_turn(now) {
                0 => return true,
                wait_ns => chunk.hold_back(wait_ns.min(LOOK_EVERY_NS)),
            }
        }
    }

    /// Nanoseconds until the next start may be; 0: this is it.
    fn take_turn(&self, now: u64) -> u64 {
        let mut next = self.next_ns.lock().unwrap_or_else(PoisonError::into_inner);
        if *next <= now {
            *next = now.saturating_add(self.hold.delay_ms.saturating_mul(1_000_000));
            return 0;
        }
        *next - now
    }

    fn is_short(&self, now: u64) -> bool {
        let Hold { load_centi, memfree, noswap, .. } = self.hold;
        load_centi.is_some_and(|max| running_processes().is_some_and(|n| n * 100 >= max))
            || memfree > 0 && free_memory().is_some_and(|free| free < memfree)
            || noswap && self.swap.lock().unwrap_or_else(PoisonError::into_inner).look(now, swapped())
    }

    /// A task starts that may have to make room later. `None` where none ever has to.
    pub fn enter(&self) -> Option<Ticket> {
        if self.hold.memfree == 0 {
            return None;
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.0 += 1;
        let ticket = running.0;
        running.1.insert(ticket);
        Some(ticket)
    }

    /// It has ended.
    pub fn leave(&self, ticket: Ticket) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&ticket);
    }

    /// When a running task has to ask again whether it must make room.
    pub fn ask_again_ns(age_ns: u64) -> u64 {
        age_ns.saturating_add(ROOM_EVERY_NS)
    }

    /// Whether this task has to make room: memory is very short, and it is the youngest of several. The last one stays,
    /// or nothing would ever end.
    pub fn must_make_room(&self, ticket: Ticket) -> bool {
        let is_very_short = || free_memory().is_some_and(|free| free < self.hold.memfree / 2);
        let is_youngest = || {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.1.len() > 1 && running.1.last() == Some(&ticket)
        };
        is_youngest() && is_very_short()
    }
}

impl Swap {
    /// Whether the machine swaps, by counts of pages in and out that only grow.
    fn look(&mut self, now: u64, counts: Option<[u64; 2]>) -> bool {
        let Some(counts) = counts else { return false };
        match self.looked {
            Some((at, _)) if now < at + SWAP_WINDOW_NS => {}
            before => {
                self.swaps = before.is_some_and(|(_, was)| counts[0] > was[0] && counts[1] > was[1]);
                self.looked = Some((now, counts));
            }
        }
        self.swaps
    }
}

/// Processes that run or could, but for us who are reading this. What cannot be read holds nobody back.
fn running_processes() -> Option<u64> {
    runnable(&fs::read_to_string("/proc/loadavg").ok()?).map(|n| n.saturating_sub(1))
}

/// The fourth field of `/proc/loadavg` (proc(5)) is `runnable/all`. Unlike the averages in front of it, it knows
/// at once what has just been started.
fn runnable(loadavg: &str) -> Option<u64> {
    loadavg.split_ascii_whitespace().nth(3)?.split_once('/')?.0.parse().ok()
}

fn free_memory() -> Option<u64> {
    available(&fs::read_to_string("/proc/meminfo").ok()?)
}

/// What could be had without swapping, bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

fn swapped() -> Option<[u64; 2]> {
    let vmstat = fs::read_to_string("/proc/vmstat").ok()?;
    let count = |name: &str| {
        let line = vmstat.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().parse().ok())
    };
    Some([count("pswpin ")?, count("pswpout ")?])
}

/// Reads a size in bytes, with GNU parallel's units: K, M, G, T, P are powers of 1024, in small letters of 1000.
///
/// # Errors
/// A sentence.
pub fn size(text: &str) -> Result<u64, String> {
    let units = "KMGTP";
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => (&text[..at], Some(unit)),
        _ => (text, None),
    };
    let scale = match unit {
        None => Some(1.0),
        Some(unit) => units.find(unit.to_ascii_uppercase()).map(|power| {
            let base: f64 = if unit.is_ascii_uppercase() { 1024.0 } else { 1000.0 };
            base.powi(power as i32 + 1)
        }),
    };
    let number = number.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    match number.zip(scale) {
        Some((number, scale)) => Ok((number * scale) as u64),
        None => {
            Err(format!("{text:?} is no size: write bytes, or 500M, 1.5G, 2T (500m are 500 million bytes)"))
        }
    }
}

/// Reads `--load`: processes, or percent of the cores, in hundredths of a process. 0 means nearly none.
///
/// # Errors
/// A sentence.
pub fn load(text: &str, cores: u64) -> Result<u64, String> {
    let (number, scale) = match text.strip_suffix('%') {
        Some(share) => (share, cores as f64),
        None => (text, 100.0),
    };
    match number.parse::<f64>() {
        Ok(n) if n.is_finite() && n >= 0.0 => Ok(((n * scale) as u64).max(1)),
        _ => Err(format!("{text:?} is no load: write a number of processes, or 80% of the cores")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_loads() {
        let sizes = ["7", "1K", "1k", "1.5G", "2T", "0"].map(|text| size(text).unwrap());
        assert_eq!(sizes, [7, 1024, 1000, 3 << 29, 2 << 40, 0]);
        for wrong in ["", "G", "1X", "-1", "1GB", "1\u{b5}", "inf"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        let loads = ["4", "0.5", "50%", "100%", "0"].map(|text| load(text, 8).unwrap());
        assert_eq!(loads, [400, 50, 400, 800, 1]);
        assert!(load("x", 8).is_err() && load("-1", 8).is_err() && load("", 8).is_err());
    }

    #[test]
    fn what_the_system_writes() {
        assert_eq!(runnable("0.43 1.20 3.12 4/104 15131\n"), Some(4));
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:   2048 kB\nX: 1 kB\n"), Some(2 << 20));
        assert_eq!((runnable("x"), available("")), (None, None));
        assert!(running_processes().is_some() && free_memory().is_some());
    }

    #[test]
    fn swapping_is_in_and_out_within_a_second() {
        let mut swap = Swap::default();
        let seconds = |n: u64| n * SWAP_WINDOW_NS;
        assert!(!swap.look(0, Some([5, 5])));
        assert!(!swap.look(1, Some([9, 9])), "not judged yet");
        assert!(swap.look(seconds(1), Some([9, 9])));
        assert!(swap.look(seconds(1) + 1, Some([9, 9])), "until the next look");
        assert!(!swap.look(seconds(2), Some([10, 9])), "only in");
        assert!(!swap.look(seconds(3), None));
    }

    #[test]
    fn starts_keep_their_distance_and_the_youngest_makes_room() {
        let starts = Starts::new(Hold { delay_ms: 2, memfree: u64::MAX, ..Hold::default() });
        assert_eq!((starts.take_turn(0), starts.take_turn(500_000)), (0, 1_500_000));
        assert_eq!((starts.take_turn(2_000_000), starts.take_turn(2_000_001)), (0, 1_999_999));
        let (old, young) = (starts.enter().unwrap(), starts.enter().unwrap());
        assert_eq!((starts.must_make_room(old), starts.must_make_room(young)), (false, true));
        starts.leave(young);
        assert!(!starts.must_make_room(old), "the last one stays");
        assert_eq!(Starts::new(Hold::default()).enter(), None);
    }
}
