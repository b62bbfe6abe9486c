//! A job that waits for the network: a thousand requests to a server, two hundred at a time, with a timeout and
//! ten attempts each. The server is this program's own, on the loopback, and it is not very good.
//!
//! `cargo run --release -p divvy --features tokio --example fetch`

use divvy::{Divvy, Job, Task};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PAGES: u64 = 1_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = serve().await?;
    let divvy = Divvy::in_memory()?;
    let pages = (1..=PAGES).map(|n| format!("/page/{n}"));
    let mut results = divvy
        .submit(Job::records(pages).attempts(10))?
        .concurrency(200)
        .timeout(Duration::from_secs(5))
        .results_async(move |task| fetch(server, task))?
        .into_stream();
    let (mut bytes, mut again) = (0, 0);
    while let Some(result) = results.next().await {
        let done = result?;
        bytes += done.output.len();
        again += u64::from(done.attempt > 1);
    }
    println!("fetched {PAGES} pages, {bytes} bytes; {again} pages took more than one attempt");
    Ok(())
}

async fn fetch(server: SocketAddr, task: Task<String>) -> io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(format!("GET {} HTTP/1.0\r\n\r\n", task.input).as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.0 200") => Ok(body.to_owned()),
        _ => Err(io::Error::other(format!(
            "{} for {}",
            answer.lines().next().unwrap_or("nothing"),
            task.input
        ))),
    }
}

/// Answers, but refuses every tenth request that reaches it.
async fn serve() -> io::Result<SocketAddr> {
    static SERVED: AtomicU64 = AtomicU64::new(0);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 1024];
                let n = stream.read(&mut request).await?;
                let request = String::from_utf8_lossy(&request[..n]);
                let page = request.split(' ').nth(1).unwrap_or("/");
                let answer = if SERVED.fetch_add(1, Ordering::Relaxed) % 10 == 9 {
                    "HTTP/1.0 503 Busy\r\n\r\n".to_owned()
                } else {
                    format!("HTTP/1.0 200 OK\r\n\r\nthis is {page}")
                };
                stream.write_all(answer.as_bytes()).await
            });
        }
    });
    Ok(address)
}
