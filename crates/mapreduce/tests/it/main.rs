//! Programs in Rust, on real files; where it is about crashes, in processes of their own.
#![forbid(unsafe_code)]

mod crash;
mod examples;
mod place;
mod typed;
