//! To another thread and back: by a channel, by a pipe, by TCP on this machine. The other one sleeps until it is called,
//! as a worker without work does.

use super::{Cost, Stretches};
use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc;

const HOPS: Stretches = Stretches { count: 51, acts: 100 };

/// A message and its answer between two threads.
pub(super) fn channel() -> Result<Cost> {
    let (there, calls) = mpsc::sync_channel::<u64>(1);
    let (answers, back) = mpsc::sync_channel::<u64>(1);
    let times = std::thread::scope(|scope| {
        scope.spawn(move || calls.iter().try_for_each(|call| answers.send(call)));
        let times = HOPS.time(|| {
            there.send(1)?;
            back.recv()?;
            Ok(())
        });
        // The other one ends when nobody can call it any more.
        drop(there);
        times
    })?;
    Ok(Cost::new("queue hop", "to another thread and back, by a channel", times))
}

/// The same by pipes, as between processes.
pub(super) fn pipe() -> Result<Cost> {
    let (call_reader, call_writer) = std::io::pipe()?;
    let (answer_reader, answer_writer) = std::io::pipe()?;
    let times = echoed((call_reader, answer_writer), (answer_reader, call_writer))?;
    Ok(Cost::new("pipe round trip", "a byte to another thread and back, by pipes", times))
}

/// The same by TCP.
pub(super) fn loopback() -> Result<Cost> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen on the loopback")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    for stream in [&near, &far] {
        stream.set_nodelay(true)?;
    }
    let times = echoed((far.try_clone()?, far), (near.try_clone()?, near))?;
    Ok(Cost::new("loopback TCP", "a byte to another thread and back, by TCP on this machine", times))
}

/// The times of a byte to the other end, where a thread sends it back.
fn echoed(
    (mut from, mut to): (impl Read + Send, impl Write + Send),
    (mut back, mut there): (impl Read, impl Write),
) -> Result<Vec<f64>> {
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut byte = [0];
            // Until nobody calls any more.
            while from.read_exact(&mut byte).and_then(|()| to.write_all(&byte)).is_ok() {}
        });
        let times = HOPS.time(|| {
            let mut byte = [1];
            there.write_all(&byte)?;
            back.read_exact(&mut byte)?;
            Ok(())
        });
        // Both halves of a connection are needed for its end.
        drop((there, back));
        times
    })
}
