//! The SQLite store from outside: on real files, with several handles, with damage, with too little room.

#[cfg(feature = "conformance")]
mod conformance;
mod damage;
mod dir;
mod full;
mod opening;
mod power_loss;
mod sessions;
mod sharing;
