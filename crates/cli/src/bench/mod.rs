//! `divvy bench`: what divvy itself costs, on the user's machine and disk.

mod capacity;
mod fsync;
mod graph;
mod noop;
mod scratch;

use crate::args::{BenchArgs, BenchWhat, Output};
use crate::exit::Exit;
use anyhow::Result;
use divvy_engine::SystemClock;

/// Measures.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn bench(args: &BenchArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    match &args.what {
        BenchWhat::Noop(noop) => noop::noop(noop, output, clock),
        BenchWhat::Capacity(args) => capacity::capacity(args, output, clock),
        BenchWhat::Graph(graph) => graph::graph(graph, output, clock),
    }
}
