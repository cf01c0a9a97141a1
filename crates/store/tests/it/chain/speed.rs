//! Measures commits on a disk: `cargo test --release -p fusee-store chain::speed -- --ignored
//! --nocapture`, with `TMPDIR` on the disk and `FUSEE_KEYS` keys, default: 1,000,000.

use std::env;
use std::time::{Duration, Instant};

use fusee_state::{Diff, StateReader};
use fusee_store::chain::{ChainStore, Options};

use super::IDENTITY;
use crate::media::Random;

/// The processor time of this thread, and of all threads of the process. 0 but on Linux.
fn processor_time() -> (Duration, Duration) {
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let first = text
            .split_whitespace()
            .next()
            .and_then(|first| first.parse().ok());
        Duration::from_nanos(first.unwrap_or_default())
    };
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let all = tasks.map(|task| read(task.path().join("schedstat"))).sum();
    (read("/proc/thread-self/schedstat".into()), all)
}

fn key(number: u64) -> Vec<u8> {
    let mut key = vec![3; 36];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key
}

fn write(number: u64, random: &mut Random) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut value = vec![5; 32];
    value[..8].copy_from_slice(&random.next().to_le_bytes());
    (key(number), Some(value))
}

#[test]
#[ignore = "a measurement"]
#[allow(
    clippy::disallowed_methods,
    reason = "a measurement needs a clock and its arguments"
)]
fn commits_over_many_keys() {
    let keys: u64 = env::var("FUSEE_KEYS").map_or(1_000_000, |keys| keys.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(IDENTITY);
    let mut random = Random(1);
    let store = ChainStore::open(folder.path(), options).unwrap();
    let begin = Instant::now();
    let genesis: Diff = (0..keys).map(|number| write(number, &mut random)).collect();
    store.commit(store.stage(genesis).unwrap(), b"").unwrap();
    println!("genesis of {keys} keys: {:?}", begin.elapsed());

    for (writes, blocks) in [(1_000, 600), (10_000, 150)] {
        let mut stage = [Duration::ZERO; 2];
        let (mut commit, mut commit_times) = (Duration::ZERO, Vec::new());
        let mut making = Duration::ZERO;
        let (_, all_before) = processor_time();
        for _ in 0..blocks {
            let (before, _) = processor_time();
            let changes = (0..writes).map(|_| write(random.below(keys), &mut random));
            let changes: Diff = changes.collect();
            let (made, _) = processor_time();
            making += made - before;
            let begin = Instant::now();
            let staged = store.stage(changes).unwrap();
            stage[0] += begin.elapsed();
            let (staged_at, _) = processor_time();
            stage[1] += staged_at - made;
            let begin = Instant::now();
            store.commit(staged, &[7; 200_000]).unwrap();
            commit_times.push(begin.elapsed());
            commit += processor_time().0 - staged_at;
        }
        let (_, all) = processor_time();
        commit_times.sort();
        let sum: Duration = commit_times.iter().sum();
        println!(
            "{writes} writes a block: tree {:?} (processor {:?}); commit {:?} (processor {:?}; \
             median {:?}, 99 % {:?}, greatest {:?}); processor, all threads {:?}",
            stage[0] / blocks,
            stage[1] / blocks,
            sum / blocks,
            commit / blocks,
            commit_times[commit_times.len() / 2],
            commit_times[commit_times.len() * 99 / 100],
            commit_times[commit_times.len() - 1],
            (all - all_before - making) / blocks,
        );
    }
    reads(&store, keys);
    let begin = Instant::now();
    store.wait_for_checkpoints().unwrap();
    println!(
        "waited {:?}, checkpoint at {:?}",
        begin.elapsed(),
        store.checkpoint()
    );
    let head = store.head();
    let begin = Instant::now();
    drop(store);
    println!("closed in {:?}", begin.elapsed());
    let begin = Instant::now();
    let store = ChainStore::open(folder.path(), options).unwrap();
    println!(
        "opened in {:?} from {:?} to {:?}",
        begin.elapsed(),
        store.checkpoint(),
        head
    );
    assert_eq!(store.head(), head);
    reads(&store, keys);
    reads(&store, keys);
}

#[allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]
fn reads(store: &ChainStore, keys: u64) {
    let version = store.version(None).unwrap();
    let mut random = Random(2);
    let begin = Instant::now();
    for _ in 0..200_000 {
        assert!(version.read(&key(random.below(keys))).unwrap().is_some());
    }
    println!("a random read: {:?}", begin.elapsed() / 200_000);
}
