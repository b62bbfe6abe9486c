//! `divvy scale`: how throughput grows with workers, and the arithmetic of dividing work.
//!
//! | file | idea |
//! |---|---|
//! | `ladder/` | `run`: a program with 1, 2, 4, ... workers |
//! | `fit.rs`, `read.rs` | `fit`: measurements from a file |
//! | `study.rs` | what both have found; `limit.rs` what limits it and `limited.rs` that in words, `advice.rs` what follows, `machines.rs` on which machines |
//! | `give.rs`, `tell.rs`, `table.rs`, `chart.rs`, `json.rs`, `draw.rs` | how it is told |
//! | `queue.rs`, `batch.rs`, `laws.rs` | queues, batches, and the laws as tables |
//! | `costs/` | what coordinating costs here |
//! | `herd/` | bursts in a log |
//! | `source.rs`, `numbers.rs`, `workers.rs` | files and numbers from people; for them: `figures.rs` and `table.rs` of the crate |
//!
//! The laws themselves, their fits and what may be claimed of them are `divvy-model`'s.

mod advice;
mod batch;
mod chart;
mod costs;
#[cfg(feature = "charts")]
mod draw;
mod fit;
mod give;
mod herd;
mod json;
mod ladder;
mod laws;
mod limit;
mod limited;
mod machines;
mod numbers;
#[cfg(test)]
mod published;
mod queue;
mod read;
mod source;
mod study;
mod table;
mod tell;
mod workers;

use crate::args::{Output, ScaleArgs, ScaleWhat};
use crate::exit::Exit;
use anyhow::Result;

/// Finds out what was asked.
///
/// # Errors
/// Bad usage, or what the system says.
pub fn scale(args: &ScaleArgs, output: Output) -> Result<Exit> {
    match &args.what {
        ScaleWhat::Run(args) => ladder::run(args, output),
        ScaleWhat::Fit(args) => fit::fit(args, output),
        ScaleWhat::Queue(args) => queue::queue(args, output),
        ScaleWhat::Batch(args) => batch::batch(args, output),
        ScaleWhat::Amdahl(args) => laws::amdahl(args, output),
        ScaleWhat::Usl(args) => laws::usl(args, output),
        ScaleWhat::Paths(args) => laws::paths(args, output),
        ScaleWhat::Costs(args) => costs::costs(args, output),
        ScaleWhat::Herd(args) => herd::herd(args, output),
    }
}
