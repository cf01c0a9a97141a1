//! Checks generated programs, as many as asked: `cargo run --release --example smith -- 10000
//! [FIRST]`.

use std::sync::atomic::{AtomicU64, Ordering};

use fusee_conformance::{differential::Tally, lanes, smith::check};

#[allow(clippy::print_stdout, reason = "a program for people")]
fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|arg| arg.parse().expect("arguments are numbers"));
    let programs: u64 = args.next().unwrap_or(1_000);
    let first: u64 = args.next().unwrap_or(0);
    let end = first.saturating_add(programs);
    let next = AtomicU64::new(first);
    let work = || {
        let lanes = lanes();
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return tally;
            }
            match check(&lanes, seed) {
                Ok(more) => tally += more,
                Err(divergence) => println!("{divergence}"),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let tally = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut tally = work();
        for other in others {
            tally += other.join().expect("a divergence is no panic");
        }
        tally
    });
    println!("{tally:#?}");
}
