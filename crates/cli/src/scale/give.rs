//! What becomes of a study: printed, drawn, written to files.

use super::study::Study;
use super::{json, table, tell};
use crate::args::{DrawArgs, Output};
use crate::exit::bad_usage;
use crate::jobs::answer;
use anyhow::{Context, Result};
use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::path::Path;

/// Refuses files that cannot be written, before an hour is spent on measuring.
///
/// # Errors
/// Bad usage.
pub fn check(args: &DrawArgs) -> Result<()> {
    let files = [&args.svg, &args.png, &args.export_csv, &args.export_markdown, &args.export_json];
    for file in files.into_iter().flatten() {
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !dir.is_dir() {
            return Err(bad_usage(format!("{}: there is no directory {}", file.display(), dir.display())));
        }
        can_write(file).map_err(|error| bad_usage(format!("cannot write {}: {error}", file.display())))?;
    }
    if cfg!(not(feature = "charts")) && (args.svg.is_some() || args.png.is_some()) {
        return Err(bad_usage("this divvy was built without charts: --export-csv gives the points to draw"));
    }
    Ok(())
}

/// Whether it can be opened for writing. Nothing in it is lost; a file that was not there is, and empty.
fn can_write(file: &Path) -> std::io::Result<()> {
    match file.metadata() {
        // A pipe would have us wait for its reader.
        Ok(meta) if !meta.is_file() && !meta.is_dir() => Ok(()),
        _ => OpenOptions::new().append(true).create(true).open(file).map(drop),
    }
}

/// Prints it and writes the files that were asked for. What was measured is told even if a file cannot be written.
///
/// # Errors
/// What the system says.
pub fn give(study: &Study, args: &DrawArgs, output: Output) -> Result<()> {
    // Files first: who reads the answer may look for them at once.
    let written = [
        draw(study, args),
        write(args.export_csv.as_deref(), || csv(study)),
        write(args.export_markdown.as_deref(), || table::of(study).markdown()),
        write(args.export_json.as_deref(), || format!("{:#}\n", json::of(study))),
    ];
    answer(output, || tell::text(study, std::io::stdout().is_terminal()), || json::of(study))?;
    written.into_iter().collect()
}

#[cfg(feature = "charts")]
fn draw(study: &Study, args: &DrawArgs) -> Result<()> {
    if let Some(path) = &args.svg {
        write(Some(path), || super::draw::svg(study))?;
    }
    if let Some(path) = &args.png {
        let bytes = super::draw::png(study)?;
        std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(not(feature = "charts"))]
fn draw(_: &Study, _: &DrawArgs) -> Result<()> {
    Ok(())
}

fn write(path: Option<&Path>, text: impl FnOnce() -> String) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, text()).with_context(|| format!("cannot write {}", path.display()))
}

/// One line for each run, so that a fit of it sees the repeats.
fn csv(study: &Study) -> String {
    let Some(sweep) = &study.sweep else {
        let points = study.points.iter().map(|point| format!("{},{}\n", point.n, point.x));
        return "n,x\n".to_owned() + &points.collect::<String>();
    };
    let mut out = String::from(
        "n,x,wall_seconds,user_seconds,system_seconds,voluntary_switches,involuntary_switches\n",
    );
    for rung in &sweep.rungs {
        for run in rung.counted() {
            let cost = &run.cost;
            out += &format!(
                "{},{},{},{},{},{},{}\n",
                rung.n, run.rate, run.wall_s, cost.user_s, cost.sys_s, cost.voluntary, cost.involuntary
            );
        }
    }
    out
}
