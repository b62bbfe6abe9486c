//! The crate from outside: published data sets, wrong tables, and data whose truth is known.

mod calibrated;
mod chosen;
mod published;
mod refused;
mod synthetic;
mod tables;
