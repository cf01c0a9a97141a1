//! All that a process does to the files of a store is recorded, and the store is opened as a kill
//! or a power failure at any moment would leave it. In half of the lives, an operation fails, too.
//!
//! After each, the store opens, and has what was acknowledged: the blocks and roots up to the head
//! and at most one more, the backup, and the imported state, whose import goes on.

mod life;
mod trace;

use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::Command;

use fusee_store::chain::ChainStore;

use super::{check_quickly, next};
use crate::media::{ROOT, Random};
use life::{
    AT, BACKED_UP, BACKUP, DONE, DROPPED, FAILED, IMPORTED, IMPORTING, ROLLING, STORE, options,
};
use trace::{Entry, Replay};

const ROUNDS: u64 = 200;

/// In how many moments of a life the store is opened, at most.
const MOMENTS: u64 = 20;

/// After how many rounds a new store is begun, whose stream is short.
const LIVES: u64 = 12;

const ROOT_ARGUMENT: &str = "torture=";
const SEED_ARGUMENT: &str = "seed=";

const SIGKILL: i32 = 9;

/// What the rounds have met, so that a torture that does nothing is noticed.
#[derive(Debug, Default)]
struct Met {
    rounds: u64,
    lives: u64,
    operations: usize,
    faults: u64,
    power_failures: u64,
    kept_in_flight: u64,
    lost_in_flight: u64,
    checkpoints: u64,
    deleted: u64,
    in_rollback: u64,
    backups: u64,
    imports: u64,
    finished_imports: u64,
}

/// What was acknowledged up to a moment.
#[derive(Clone, Debug, Default)]
struct Told {
    /// The store has all blocks below this height.
    lowest: u64,
    /// The store has no block from this height on, as none was begun.
    highest: u64,
    is_rolling: bool,
    backup: Option<u64>,
    importing: Option<u64>,
    imported: Option<u64>,
}

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

/// Not a test but the process that is tortured. Does nothing unless it is given a folder.
#[test]
fn process() {
    let argument =
        |name: &str| env::args().find_map(|argument| Some(argument.strip_prefix(name)?.to_owned()));
    if let (Some(root), Some(seed)) = (argument(ROOT_ARGUMENT), argument(SEED_ARGUMENT)) {
        life::live(Path::new(&root), seed.parse().unwrap());
    }
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
    let mut told = Told {
        highest: 1,
        ..Told::default()
    };
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
    let mut life = Command::new(env::current_exe().unwrap());
    life.args([
        "chain::torture::process",
        "--exact",
        "--nocapture",
        "--test-threads=1",
    ])
    .arg(format!("{ROOT_ARGUMENT}{}", folder.display()))
    .arg(format!("{SEED_ARGUMENT}{}", random.next()))
    .env("LD_PRELOAD", library)
    .env("FUSEE_DISK_ROOT", folder)
    .env("FUSEE_DISK_TRACE", trace);
    if random.one_in(2) {
        let kind = ["e", "f", "s", "k", "E", "F"][random.index(6)];
        // Opening takes some 100 operations of an empty store, and a commit takes 2.
        let most = [60, 400, 2_000][random.index(3)];
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

impl Told {
    fn hear(&mut self, said: &str) {
        let number = |word: &str| said.strip_prefix(word)?.trim().parse::<u64>().ok();
        if let Some(head) = number(AT) {
            (self.lowest, self.highest, self.is_rolling) = (head + 1, head + 2, false);
        } else if let Some(target) = number(ROLLING) {
            (self.lowest, self.is_rolling) = (target + 1, true);
        } else if let Some(height) = number(BACKED_UP) {
            self.backup = Some(height);
        } else if let Some(height) = number(IMPORTING) {
            self.importing = Some(height);
        } else if let Some(height) = number(DONE) {
            self.imported = Some(height);
        } else if let Some(name) = said.strip_prefix(DROPPED) {
            match name.trim() {
                BACKUP => self.backup = None,
                _ => (self.importing, self.imported) = (None, None),
            }
        }
    }
}

/// Opens what a moment has left, and checks it.
fn open(root: &Path, mut told: Told, met: &mut Met) -> Told {
    let folder = root.join(STORE);
    let store = ChainStore::open(&folder, options()).unwrap();
    let next = next(&store);
    assert!(
        (told.lowest..=told.highest).contains(&next),
        "the store is at {next}"
    );
    match next == told.lowest {
        true => met.lost_in_flight += 1,
        false => met.kept_in_flight += 1,
    }
    check_quickly(&store);
    met.checkpoints += u64::from(store.checkpoint().is_some());
    met.deleted += u64::from(store.first_height() > 0);
    met.in_rollback += u64::from(told.is_rolling);
    (told.lowest, told.highest, told.is_rolling) = (next, next + 1, false);
    drop(store);
    if let Some(height) = told.backup {
        met.backups += 1;
        let backup = ChainStore::open(&root.join(BACKUP), options()).unwrap();
        assert_eq!(backup.head().unwrap().height, height);
        check_quickly(&backup);
    }
    if let Some(height) = told.imported {
        met.imports += 1;
        check_imported(root, height);
    } else if let Some(height) = told.importing.take() {
        met.finished_imports += 1;
        if !root.join(IMPORTED).exists() {
            assert_eq!(life::finish_import(root).unwrap().height, height);
        }
        check_imported(root, height);
        told.imported = Some(height);
    }
    told
}

/// It has the state, and the blocks that were committed behind it.
fn check_imported(root: &Path, height: u64) {
    let store = ChainStore::open(&root.join(IMPORTED), options()).unwrap();
    assert!((height..=height + 3).contains(&store.head().unwrap().height));
    check_quickly(&store);
}
