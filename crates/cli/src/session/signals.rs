//! Ctrl-C and SIGTERM.
//!
//! SIGINT (or SIGHUP: the terminal is gone) ends the running tasks, uncharged; SIGTERM lets them finish within the
//! grace time. A second signal of either kind kills them. A third one leaves without waiting for anything: a worker
//! may hang in a write to a reader that has stopped reading. Nothing is lost in any case.

use crate::exit::Exit;
use anyhow::{Context, Result};
use divvy_engine::{Stop, StopLevel};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Stops the node when a signal says so.
///
/// # Errors
/// If the system allows no handlers.
pub fn mind(stop: &Stop) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    let stop = stop.clone();
    let listen = move || {
        for signal in signals.forever() {
            if stop.level() == StopLevel::Kill {
                std::process::exit(Exit::Interrupted.code().into());
            }
            // A halt that lets tasks finish was asked for by nobody at the terminal.
            let asked = stop.level() > StopLevel::Finish;
            stop.ask(match signal {
                _ if asked => StopLevel::Kill,
                SIGTERM => StopLevel::Drain,
                _ => StopLevel::End,
            });
        }
    };
    std::thread::Builder::new().name("divvy-signals".into()).spawn(listen)?;
    Ok(())
}
