//! A task may print more than there is memory.

use crate::place::{Place, until};
use rustix::process::Pid;
use std::fs;
use std::io::Read;
use std::process::Stdio;

const MIB: u64 = 1 << 20;

/// The most memory that a process has held so far.
fn peak(pid: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_hundred_megabytes_pass_through_little_memory() {
    let place = Place::new();
    // The second task waits, so that the program is still there to be asked.
    let script =
        "if [ {} = 1 ]; then head -c 104857600 /dev/zero; else until [ -e go ]; do sleep 0.01; done; fi";
    let mut run = place.command(["run", "-j2", "--array", "1-2", "sh", "-c", script]);
    let mut run = run.stdout(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&run);
    let mut out = run.stdout.take().unwrap();
    let mut buffer = vec![0; MIB as usize];
    out.read_exact(&mut buffer[..1]).unwrap();
    let before = peak(pid);
    let mut left = 100 * MIB - 1;
    while left > 0 {
        let n = out.read(&mut buffer).unwrap();
        assert!(n > 0 && buffer[..n].iter().all(|b| *b == 0));
        left -= n as u64;
    }
    let after = peak(pid);
    place.write("go", "");
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert!(before < 64 * MIB && after < 64 * MIB, "{before} and {after} bytes");
}

#[test]
fn many_outputs_that_wait_for_their_turn_take_little_memory() {
    let place = Place::new();
    // 100 outputs of 1 MiB each wait for the first task's.
    let script = "if [ {} = 1 ]; then until [ -e go ]; do sleep 0.01; done; else head -c 1048576 /dev/zero; >ended{}; fi";
    let run = place.start(["run", "-k", "-j2", "--array", "1-101", "sh", "-c", script]);
    until("the others have ended", || place.has("ended101"));
    let peak = peak(run.pid());
    place.write("go", "");
    assert_eq!(run.end().silent().len() as u64, 100 * MIB);
    assert!(peak < 64 * MIB, "{peak} bytes");
}

#[test]
fn a_task_that_is_ended_takes_its_large_output_with_it() {
    let place = Place::new();
    let script = "head -c 20000000 /dev/zero; >printed; sleep 600";
    let run = place.start(["run", "sh", "-c", script, "_", ":::", "x"]);
    until("it has printed", || place.has("printed"));
    assert_eq!(run.end_by(rustix::process::Signal::KILL).signal, Some(9));
    let names: Vec<_> = fs::read_dir(place.state()).unwrap().map(|e| e.unwrap()).collect();
    assert!(names.iter().all(|entry| entry.metadata().unwrap().len() < 5 * MIB), "{names:?}");
}
