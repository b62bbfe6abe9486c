//! Starts a command N times on J threads with its stdout and stderr captured, as fast as the system allows.
//!
//! A bare loop: two pipes, `posix_spawn`, read both to the end, `waitpid`. Nothing is scheduled, recorded or retried,
//! so what a command runner does per second divided by this is the share of the machine that it leaves to the work.
//!
//! `spawn_floor -n 20000 -j 2 [--rounds 5] [--json] [-- /bin/true]`

use std::ffi::CString;
use std::os::fd::RawFd;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use std::{env, fs, io, mem, ptr};

unsafe extern "C" {
    static environ: *const *mut libc::c_char;
}

struct Args {
    n: u64,
    threads: usize,
    rounds: usize,
    json: bool,
    command: Vec<String>,
}

fn main() -> ExitCode {
    match parse(env::args().skip(1)).and_then(|args| measure(&args).map_err(|e| e.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!(
                "spawn_floor: {problem}\nusage: spawn_floor [-n TASKS] [-j THREADS] [--rounds N] [--json] [-- COMMAND ARG...]"
            );
            ExitCode::from(125)
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut args = Args { n: 20_000, threads, rounds: 5, json: false, command: vec!["true".into()] };
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().and_then(|value| value.parse::<u64>().ok()).filter(|&value| value > 0);
            value.ok_or(format!("{word} wants a number above 0"))
        };
        match word.as_str() {
            "-n" => args.n = number()?,
            "-j" => args.threads = number()? as usize,
            "--rounds" => args.rounds = number()? as usize,
            "--json" => args.json = true,
            "--" => args.command = words.by_ref().collect(),
            _ => return Err(format!("unknown argument {word}")),
        }
    }
    if args.command.is_empty() { Err("no command after --".into()) } else { Ok(args) }
}

fn measure(args: &Args) -> io::Result<()> {
    let program = resolve(&args.command[0])?;
    let mut words = args.command.clone();
    words[0] = program;
    let command: Vec<CString> =
        words.iter().map(|word| CString::new(word.as_str())).collect::<Result<_, _>>()?;
    let mut rates: Vec<f64> = (0..args.rounds).map(|_| round(args, &command)).collect::<io::Result<_>>()?;
    rates.sort_by(f64::total_cmp);
    let (min, median, max) = (rates[0], rates[rates.len() / 2], rates[rates.len() - 1]);
    if args.json {
        let (n, threads, rounds) = (args.n, args.threads, args.rounds);
        println!(
            r#"{{"bench":"spawn_floor","n":{n},"threads":{threads},"rounds":{rounds},"command":{:?},"tasks_per_s":{{"min":{min:.1},"median":{median:.1},"max":{max:.1}}}}}"#,
            words.join(" ")
        );
    } else {
        println!("spawn_floor: {} x {:?} on {} threads", args.n, words.join(" "), args.threads);
        println!("median {median:.0} tasks/s (min {min:.0}, max {max:.0}, {} rounds)", args.rounds);
    }
    Ok(())
}

/// A name without a slash is looked up once: what the floor measures is starting it, not finding it.
fn resolve(name: &str) -> io::Result<String> {
    if name.contains('/') {
        return Ok(name.into());
    }
    let path = env::var("PATH").unwrap_or_default();
    let found = path
        .split(':')
        .map(|dir| format!("{dir}/{name}"))
        .find(|file| fs::metadata(file).is_ok_and(|m| m.is_file()));
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{name} is not in PATH")))
}

/// Tasks per second of one round: all threads draw from one counter, so none waits for another at the end.
fn round(args: &Args, command: &[CString]) -> io::Result<f64> {
    let drawn = AtomicU64::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let worker = || -> io::Result<()> {
            let mut captured = Vec::with_capacity(1 << 16);
            while drawn.fetch_add(1, Ordering::Relaxed) < args.n {
                captured.clear();
                run(command, &mut captured)?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..args.threads).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
    })?;
    Ok(args.n as f64 / begun.elapsed().as_secs_f64())
}

/// Runs the command once, and fails unless it exits with 0.
fn run(command: &[CString], captured: &mut Vec<u8>) -> io::Result<()> {
    let (out_read, out_write) = pipe()?;
    let (err_read, err_write) = pipe()?;
    let mut argv: Vec<*mut libc::c_char> = command.iter().map(|word| word.as_ptr().cast_mut()).collect();
    argv.push(ptr::null_mut());
    let mut pid = 0;
    // SAFETY: the file actions are initialised before use and destroyed after it; every pointer passed (actions, argv
    // with its closing null, the environment, which nobody changes here) is valid for the whole call.
    let spawned = unsafe {
        let mut actions = mem::zeroed::<libc::posix_spawn_file_actions_t>();
        libc::posix_spawn_file_actions_init(&mut actions);
        libc::posix_spawn_file_actions_addopen(&mut actions, 0, c"/dev/null".as_ptr(), libc::O_RDONLY, 0);
        libc::posix_spawn_file_actions_adddup2(&mut actions, out_write, 1);
        libc::posix_spawn_file_actions_adddup2(&mut actions, err_write, 2);
        let code =
            libc::posix_spawn(&mut pid, command[0].as_ptr(), &actions, ptr::null(), argv.as_ptr(), environ);
        libc::posix_spawn_file_actions_destroy(&mut actions);
        code
    };
    close(out_write);
    close(err_write);
    if spawned != 0 {
        return Err(io::Error::from_raw_os_error(spawned));
    }
    // One after the other is enough here: a command that fills one pipe while we read the other would stall, and the
    // floor is measured with commands that write little or nothing.
    read_to_end(out_read, captured)?;
    read_to_end(err_read, captured)?;
    close(out_read);
    close(err_read);
    let mut status = 0;
    // SAFETY: `status` is valid for writing, and `pid` is our own child, not yet reaped.
    while unsafe { libc::waitpid(pid, &mut status, 0) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    if status == 0 {
        Ok(())
    } else {
        Err(io::Error::other(format!("the command ended with status {status:#x}")))
    }
}

fn pipe() -> io::Result<(RawFd, RawFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors. Close-on-exec, or children would hold each other's pipes open.
    match unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } {
        0 => Ok((ends[0], ends[1])),
        _ => Err(io::Error::last_os_error()),
    }
}

fn close(fd: RawFd) {
    // SAFETY: each descriptor comes from `pipe` and is closed once.
    unsafe { libc::close(fd) };
}

fn read_to_end(fd: RawFd, into: &mut Vec<u8>) -> io::Result<()> {
    loop {
        into.reserve(4096);
        let room = into.spare_capacity_mut();
        // SAFETY: the spare capacity is ours to write, and at most its length is written.
        let n = unsafe { libc::read(fd, room.as_mut_ptr().cast(), room.len()) };
        match n {
            0 => return Ok(()),
            1.. => {
                // SAFETY: `read` has initialised `n` bytes of the spare capacity.
                unsafe { into.set_len(into.len() + n as usize) };
            }
            _ => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}
