//! `divvy capacity`: how throughput would grow with more workers.

mod seen;

pub use seen::seen;
