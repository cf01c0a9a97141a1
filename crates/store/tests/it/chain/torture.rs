//! All that a process does to the files of a store is recorded, and the store is opened as a kill
//! or a power failure at any moment would leave it. In half of the lives, an operation fails, too.
//!
//! After each, the store opens, and has what was acknowledged: the blocks and roots up to the head
//! and at most one more, the backup, and the imported state, whose import goes on.

mod trace;

use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use super::life::{self, FAILED};
use super::told::{Met, Told, open};
use crate::media::{ROOT, Random};
use trace::{Entry, Replay};

const ROUNDS: u64 = 200;

/// In how many moments of a life the store is opened, at most.
const MOMENTS: u64 = 20;

/// After how many rounds a new store is begun, whose stream is short.
const LIVES: u64 = 12;

const SIGKILL: i32 = 9;

#[test]
fn any_moment_of_any_life_leaves_a_store_that_opens() {
    let met = torture(ROUNDS, 0);
    assert!(met.faults > 2, "{met:?}");
    assert!(met.power_failures > 50, "{met:?}");
    assert!(met.kept_in_flight > 10, "{met:?}");
    assert!(met.lost_in_flight > 10, "{met:?}");
    assert!(met.checkpoints > 50, "{met:?}");
    assert!(met.deleted > 10, "{met:?}");
    assert!(met.backups + met.imports > 10, "{met:?}");
}

/// As many rounds as `FUSEE_TORTURE_ROUNDS` says (default: 10,000), from `FUSEE_TORTURE_SEED` on
/// (default: 0).
#[test]
#[ignore = "runs for minutes"]
fn torture_for_many_rounds() {
    #[allow(clippy::disallowed_methods, reason = "the arguments of a test")]
    let number = |name: &str| Some(env::var(name).ok()?.parse().unwrap());
    let rounds = number("FUSEE_TORTURE_ROUNDS").unwrap_or(10_000);
    let seed = number("FUSEE_TORTURE_SEED").unwrap_or(0);
    println!("{:#?}", torture(rounds, seed));
}

fn torture(rounds: u64, seed: u64) -> Met {
    let root = tempfile::tempdir().unwrap();
    let mut met = Met::default();
    let tortured = catch_unwind(AssertUnwindSafe(|| {
        let library = root.path().join("disk.so");
        trace::compile(&library);
        let mut random = Random(seed);
        while met.rounds < rounds {
            torture_store(&library, root.path(), &mut random, &mut met);
        }
    }));
    if let Err(panic) = tortured {
        eprintln!(
            "after {} rounds of seed {seed}: {}",
            met.rounds,
            root.keep().display()
        );
        resume_unwind(panic);
    }
    met
}

/// The lives of a store.
fn torture_store(library: &Path, root: &Path, random: &mut Random, met: &mut Met) {
    let mut folder = root.join("0");
    fs::create_dir(&folder).unwrap();
    let mut told = Told::new();
    for life in 1..=LIVES {
        let trace = root.join("trace");
        let mut replay = Replay::new(&folder, random.next());
        run(library, &folder, &trace, random);
        let recorded = fs::read(&trace).unwrap();
        let entries = trace::entries(&recorded);
        met.count(&entries);
        let next = root.join(life.to_string());
        let (mut at, mut left) = (0, told.clone());
        for moment in moments(entries.len(), random) {
            for entry in &entries[at..moment] {
                replay.apply(entry);
                if let Some(said) = entry.said() {
                    told.hear(said);
                }
            }
            at = moment;
            if next.exists() {
                fs::remove_dir_all(&next).unwrap();
            }
            let mut media = replay.media.clone();
            let fails = random.one_in(2);
            if fails {
                media.crash(random);
                met.power_failures += 1;
            }
            media.store(ROOT, &next);
            met.rounds += 1;
            let opened = catch_unwind(AssertUnwindSafe(|| open(&next, told.clone(), met)));
            left = opened.unwrap_or_else(|panic| {
                eprintln!(
                    "life {life}, moment {moment} of {}, {told:?}, {}",
                    entries.len(),
                    fails
                );
                resume_unwind(panic)
            });
        }
        told = left;
        fs::remove_file(&trace).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        folder = next;
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Some moments in ascending order. The next life begins in the last one.
fn moments(end: usize, random: &mut Random) -> Vec<usize> {
    let count = random.below(MOMENTS);
    let mut moments: Vec<usize> = (0..=count).map(|_| random.index(end + 1)).collect();
    if random.one_in(4) {
        moments.push(end);
    }
    moments.sort_unstable();
    moments
}

fn run(library: &Path, folder: &Path, trace: &Path, random: &mut Random) {
    let mut life = life::command(folder, random.next());
    life.env("LD_PRELOAD", library)
        .env("FUSEE_DISK_ROOT", folder)
        .env("FUSEE_DISK_TRACE", trace);
    if random.one_in(2) {
        let kind = ["e", "f", "s", "k", "E", "F"][random.index(6)];
        // Opening takes some 100 operations of an empty store, and a commit takes 2.
        let most = [60, 300, 900][random.index(3)];
        let operation = 1 + random.below(most);
        life.env("FUSEE_DISK_FAULT", format!("{operation}{kind}"));
    }
    let output = life.output().unwrap();
    let is_killed = output.status.signal() == Some(SIGKILL);
    assert!(
        output.status.success() || is_killed,
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Met {
    fn count(&mut self, entries: &[Entry<'_>]) {
        let said: Vec<&str> = entries.iter().filter_map(Entry::said).collect();
        self.lives += 1;
        self.operations += entries.len() - said.len();
        self.faults += u64::from(said.iter().any(|said| said.starts_with(FAILED)));
    }
}
