//! Time as an argument.

/// Milliseconds since the Unix epoch, by the store's clock. Only ever compared with times of the same store.
pub type Millis = u64;

/// Where the engine gets the time. The simulator has one of its own.
pub trait Clock: Send + Sync {
    /// Nanoseconds since some fixed moment; never steps back.
    fn nanos(&self) -> u64;
    /// Wall-clock milliseconds since the Unix epoch; may step.
    fn millis(&self) -> Millis;
}
