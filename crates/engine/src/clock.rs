//! The machine's clocks.

use divvy_core::{Clock, Millis};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since it was made (make it first thing in `main`, so that start-up is accounted for too), and the
/// wall clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// A clock that reads 0 now.
    #[must_use]
    pub fn start() -> SystemClock {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn nanos(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }

    fn millis(&self) -> Millis {
        // Before 1970 only a machine without a clock: 0 is as good as any.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as Millis)
    }
}
