//! Generated programs have the same outcome on every lane.

use std::sync::atomic::{AtomicU64, Ordering};

use fusee_conformance::{differential::Tally, lanes, smith::check};

/// Programs that are made; the example `smith` makes as many as one likes.
const PROGRAMS: u64 = 300;

#[test]
fn generated_programs_end_alike_on_every_lane_and_without_metering() {
    let next = AtomicU64::new(0);
    let work = || {
        let lanes = lanes();
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= PROGRAMS {
                return tally;
            }
            match check(&lanes, seed) {
                Ok(more) => tally += more,
                Err(divergence) => panic!("{divergence}"),
            }
        }
    };
    let tally = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut tally = work();
        tally += other.join().unwrap();
        tally
    });
    expect_test::expect_file!["golden/smith.txt"].assert_eq(&format!("{tally:#?}\n"));
}
