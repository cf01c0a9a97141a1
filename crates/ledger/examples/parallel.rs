//! Measures execution on many threads beside execution in order.
//!
//! Usage: `parallel BLOCK THREADS ROUNDS LOAD...` with loads `independent`, `tenth` (one of ten
//! transactions, at random places, changes one common key) and `all` (all do). Prints the median
//! time of a transaction in order and on so many threads, in microseconds. Rounds alternate.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures time, and prints it"
)]

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fusee_ledger::parallel::{Executed, run};
use fusee_state::{Journal, MemoryState, Overlay, StateReader};

/// The accounts. Each has a nonce, a balance and a token balance.
const ACCOUNTS: u64 = 100_000;

/// Steps of busy work, beside the reads and writes: about 8 microseconds.
const WORK: u64 = 1_600;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [block, threads, rounds, loads @ ..] = arguments.as_slice() else {
        return Err("usage: parallel BLOCK THREADS ROUNDS LOAD...".into());
    };
    let (block, rounds): (usize, usize) = (block.parse()?, rounds.parse()?);
    let threads: NonZeroUsize = threads.parse()?;
    let accounts = (0..ACCOUNTS).flat_map(|account| {
        [b'n', b'b', b's'].map(|tag| (key(tag, account), 1_000u128.to_le_bytes().to_vec()))
    });
    let base: Arc<MemoryState> = Arc::new(accounts.collect());
    // A node has other threads. Without any, the allocator of glibc would take no locks.
    let _other = thread::spawn(thread::park);
    for load in loads {
        let share = match load.as_str() {
            "independent" => 0,
            "tenth" => 10,
            "all" => 100,
            _ => return Err(format!("unknown load {load}").into()),
        };
        let mut times = [Vec::new(), Vec::new()];
        let mut processor = [0.0; 2];
        for round in 0..rounds {
            let first = u64::try_from(round.saturating_mul(block))?;
            for (at, threads) in [NonZeroUsize::MIN, threads].into_iter().enumerate() {
                let before = processor_time()?;
                let time = measure(
                    &base,
                    first..first.saturating_add(u64::try_from(block)?),
                    threads,
                    share,
                );
                times.get_mut(at).expect("two modes").push(time);
                *processor.get_mut(at).expect("two modes") += processor_time()? - before;
            }
        }
        let transactions = f64::from(u32::try_from(block.saturating_mul(rounds))?);
        let [one, many] = times.map(|times| median(times, block));
        let [one_used, many_used] = processor.map(|time| time * 1e6 / transactions);
        println!("{load}, block of {block}, us a transaction (median time, mean processor time):");
        println!("  in order      {one:6.2} {one_used:6.2}");
        println!("  on {threads} threads  {many:6.2} {many_used:6.2}");
    }
    Ok(())
}

fn measure(
    base: &Arc<MemoryState>,
    block: Range<u64>,
    threads: NonZeroUsize,
    share: u64,
) -> Duration {
    let numbers: Vec<u64> = block.collect();
    let mut overlay = Overlay::new(Arc::<MemoryState>::clone(base));
    let begin = Instant::now();
    let outputs = run(&mut overlay, numbers.len(), threads, |index, state| {
        let number = numbers.get(index).copied().unwrap_or_default();
        let random = mix(number);
        let is_common = (random >> 32) % 100 < share;
        transfer(number % ACCOUNTS, random % ACCOUNTS, is_common, state)
    });
    let time = begin.elapsed();
    drop(black_box((outputs, overlay)));
    time
}

/// Reads nine keys and writes five: two nonces or balances of the sender, two balances of a token.
fn transfer(
    from: u64,
    to: u64,
    is_common: bool,
    state: Arc<dyn StateReader>,
) -> Result<Executed<u64>, Infallible> {
    let to = if is_common { 0 } else { to };
    let mut journal = Journal::new(state);
    let mut seen: u64 = 0;
    for (tag, account) in [(b'n', from), (b'b', from), (b's', from), (b's', to)] {
        // Absent in the base, as parameters and code of every transaction would be in a cache.
        let _ = black_box(journal.read(&key(b'h', account)));
        let value = journal.read(&key(tag, account)).unwrap_or_default();
        let bytes = value.unwrap_or_else(|| Arc::from([]));
        seen = bytes
            .iter()
            .fold(seen, |seen, byte| mix(seen ^ u64::from(*byte)));
        for step in 0..WORK / 4 {
            seen = black_box(mix(seen ^ step));
        }
        journal.write(key(tag, account), seen.to_le_bytes());
    }
    journal.write(key(b'e', from), seen.to_le_bytes());
    let changes = journal.into_diff();
    Ok(Executed {
        changes,
        output: seen,
    })
}

/// A key of the usual length: a tag, 32 bytes and, for storage, as many again.
fn key(tag: u8, account: u64) -> Vec<u8> {
    let mut key = vec![tag];
    let owner = if tag == b's' { 7 } else { mix(account) };
    key.extend(owner.to_be_bytes().repeat(4));
    if tag == b's' {
        key.extend(mix(account).to_be_bytes().repeat(4));
    }
    key
}

const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// The processor time of this process in seconds, to 10 milliseconds.
fn processor_time() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = status
        .rsplit_once(')')
        .ok_or("no name in /proc/self/stat")?;
    // Of user and system, in hundredths of a second.
    let mut ticks = 0;
    for field in fields.split_whitespace().skip(11).take(2) {
        ticks += field.parse::<u32>()?;
    }
    Ok(f64::from(ticks) / 100.0)
}

/// The median time of a transaction in microseconds.
fn median(mut times: Vec<Duration>, block: usize) -> f64 {
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    let block = u32::try_from(block).unwrap_or(u32::MAX).max(1);
    middle.as_secs_f64() * 1e6 / f64::from(block)
}
