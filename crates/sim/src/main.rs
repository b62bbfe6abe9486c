//! To be written.
fn main() {
    let from: u64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(0);
    let n: u64 = std::env::args().nth(2).and_then(|a| a.parse().ok()).unwrap_or(1);
    let trace = std::env::args().nth(3).is_some();
    let options = divvy_sim::world::Options { trace, twin_every: 0, ..Default::default() };
    let (mut events, mut bad) = (0, 0);
    for seed in from..from + n {
        let out = divvy_sim::world::run(seed, &options);
        events += out.events;
        if let Some(b) = out.broken {
            bad += 1;
            println!("seed {seed}: {b} after {} events at {} ms", out.events, out.virtual_ns / 1_000_000);
            if bad > 20 { break; }
        }
    }
    println!("{events} events, {bad} bad");
}
