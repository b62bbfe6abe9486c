//! A node of its own, on a store in memory: what it keeps and tells of its work.
#![forbid(unsafe_code)]

mod seen;
