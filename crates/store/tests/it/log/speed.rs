//! How fast appends are, beside a write and sync of the same bytes.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use fusee_store::log::{Log, Options};

use super::IDENTITY;

/// How many appends, each beside a write.
const APPENDS: usize = 300;

/// Prints the median times of both sides, by payload length. Run it optimised.
#[test]
#[ignore = "measures, and checks nothing"]
fn appends_beside_writes_and_syncs_of_the_same_bytes() {
    for length in [100, 640_000] {
        let root = tempfile::tempdir_in(".").unwrap();
        let mut log = Log::open(&root.path().join("log"), Options::new(IDENTITY)).unwrap();
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true);
        let mut raw = options.open(root.path().join("raw")).unwrap();
        let payload = vec![7; length];
        let (mut appends, mut writes) = (Vec::new(), Vec::new());
        for _ in 0..APPENDS {
            appends.push(timed(|| {
                log.append(&payload).unwrap();
            }));
            writes.push(timed(|| {
                raw.write_all(&payload).unwrap();
                raw.sync_data().unwrap();
            }));
        }
        let (append, write) = (median(appends), median(writes));
        println!(
            "{length} B: append {append:?}, write and sync {write:?}, {:.2} times",
            append.as_secs_f64() / write.as_secs_f64()
        );
    }
}

fn timed(act: impl FnOnce()) -> Duration {
    #[allow(clippy::disallowed_methods, reason = "a measurement")]
    let start = Instant::now();
    act();
    start.elapsed()
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values[values.len() / 2]
}
