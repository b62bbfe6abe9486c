//! Runs commands in turns and prints, for each, the median, the least and the most of time, and the medians of processor time
//! (which other work on the machine disturbs less) and of peak memory.
//!
//! `turns [-n ROUNDS] COMMAND...`, each command one argument, split at spaces.

use std::io;
use std::process::Command;
use std::time::Instant;

fn main() -> io::Result<()> {
    let mut rounds = 5;
    let mut commands = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-n" => rounds = words.next().and_then(|n| n.parse().ok()).unwrap_or(rounds),
            _ => commands.push((word, [const { Vec::new() }; 3])),
        }
    }
    for _ in 0..rounds {
        for (command, measured) in &mut commands {
            run(command)?.into_iter().zip(measured).for_each(|(value, values)| values.push(value));
        }
    }
    for (command, measured) in &mut commands {
        let [[least, median, most], [_, busy, _], [_, memory, _]] =
            measured.each_mut().map(|all| spread(all));
        println!("{median:.3} s ({least:.3} to {most:.3}), {busy:.2} s busy, peak {memory:.0} MB: {command}");
    }
    Ok(())
}

fn spread(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}

/// Seconds, seconds of the processor, megabytes.
fn run(command: &str) -> io::Result<[f64; 3]> {
    let mut words = command.split_whitespace();
    let begun = Instant::now();
    let child = Command::new(words.next().unwrap_or_default()).args(words).spawn()?;
    let mut status = 0;
    // SAFETY: all zeros is a valid value of this plain struct.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the child is ours and was not waited for yet; both places are valid for writing.
    let waited = unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) };
    if waited < 0 || status != 0 {
        return Err(io::Error::other(format!("{command} ended with status {status:#x}")));
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let busy = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    Ok([begun.elapsed().as_secs_f64(), busy, usage.ru_maxrss as f64 * 1024.0 / 1e6])
}
