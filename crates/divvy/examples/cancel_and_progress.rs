//! Watching a job, and canceling it from another thread when enough is enough.
//!
//! `cargo run --release -p divvy --example cancel_and_progress`

use divvy::{Divvy, End, Job};
use std::error::Error;
use std::time::Duration;

const ENOUGH: u64 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let divvy = Divvy::in_memory()?;
    let run = divvy.submit(Job::array(1..=1_000_000_000))?;
    let handle = run.handle();
    let watcher = std::thread::spawn(move || -> divvy::Result<u64> {
        loop {
            let progress = handle.progress()?;
            if progress.done >= ENOUGH {
                return handle.cancel();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let summary = run
        .on_progress(Duration::from_millis(100), |p| {
            eprintln!("{} of {} done, {:.0} in a second", p.done, p.tasks, p.rate);
        })
        .run(|task| {
            // A long task would look at `task.is_canceled()` now and then.
            std::thread::sleep(Duration::from_millis(1));
            divvy::ok(task.id)
        })?;
    let canceled = watcher.join().expect("the watcher does not panic")?;
    assert_eq!((summary.end, summary.canceled), (End::Canceled, canceled));
    println!("canceled {} of {} tasks after {} were done", summary.canceled, summary.tasks, summary.done);
    Ok(())
}
