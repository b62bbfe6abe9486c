//! Whether the machine had time for us: a thread that sleeps for a millisecond, again and again, and how late it wakes.
//!
//! Sections and tasks of a few milliseconds last as long as they are meant to only where threads wake when they are due. On
//! a machine that others use as well, a prediction from a calm minute is compared with a measurement of a wild one; so what
//! was disturbed is done again, a few times at most, and how disturbed the least disturbed was is shown.

use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const NAP: Duration = Duration::from_millis(1);
/// A nap may be longer by this much, on average, where nobody disturbs.
const CALM: f64 = 0.25;

/// Does something until it was not disturbed, or so many times, and gives back the least disturbed, with by which share naps
/// were too long meanwhile.
///
/// # Errors
/// The first of what is done.
pub(super) fn calmly<T>(tries: u32, mut what: impl FnMut() -> Result<T>) -> Result<(T, f64)> {
    let mut best: Option<(T, f64)> = None;
    for _ in 0..tries.max(1) {
        let (done, late) = watched(&mut what)?;
        if best.as_ref().is_none_or(|(_, least)| late < *least) {
            best = Some((done, late));
        }
        if late <= CALM {
            break;
        }
    }
    Ok(best.expect("tried at least once"))
}

fn watched<T>(what: &mut impl FnMut() -> Result<T>) -> Result<(T, f64)> {
    let over = Arc::new(AtomicBool::new(false));
    let told = over.clone();
    let napper = std::thread::spawn(move || {
        let (begun, mut naps) = (Instant::now(), 0u32);
        while naps == 0 || !told.load(Ordering::Relaxed) {
            std::thread::sleep(NAP);
            naps += 1;
        }
        begun.elapsed().as_secs_f64() / (f64::from(naps) * NAP.as_secs_f64()) - 1.0
    });
    let done = what();
    over.store(true, Ordering::Relaxed);
    let late = napper.join().expect("it only sleeps");
    Ok((done?, late))
}
