//! The library as programs use it, on real stores; where it is about crashes, in processes of their own.
#![forbid(unsafe_code)]

#[cfg(feature = "tokio")]
mod asynchronous;
mod crash;
mod examples;
mod failures;
mod jobs;
mod place;
mod results;
mod sharing;
