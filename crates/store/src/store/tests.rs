//! Commits on a disk that crashes, and on one that is full.

use std::io;
use std::sync::MutexGuard;

use fusee_state::MemoryState;
use redb::{Database, StorageBackend};
use tempfile::TempDir;

use super::*;
use crate::folder::Lock;

/// The least that a disk writes all or nothing.
const SECTOR: usize = 512;

#[test]
fn a_crash_at_any_moment_loses_and_tears_nothing() {
    const TRANSACTIONS: u64 = 5;
    let empty = empty_store();
    let steps = {
        let disk = Disk::new(empty.clone());
        commit_while(&open(&disk).1, |sequence| sequence < TRANSACTIONS);
        disk.contents().steps
    };
    assert!(steps > 60, "{steps} steps are too few to show anything");

    let mut lossy = 0;
    for step in 0..steps {
        for losses in [Losses::All, Losses::None, Losses::Some] {
            let disk = Disk::new(empty.clone());
            disk.contents().crash = Some(Crash { step, losses });
            let opened = open(&disk);
            let committed = commit_while(&opened.1, |sequence| {
                sequence < TRANSACTIONS && disk.contents().left.is_none()
            });
            let crashed = disk.contents().left.is_some();
            // The commit during which the crash was, if any, promises nothing.
            let promised = if crashed {
                committed.saturating_sub(1)
            } else {
                committed
            };
            drop(opened);
            let left = disk
                .contents()
                .left
                .take()
                .expect("the crash is in one of the steps");
            lossy += u64::from(disk.contents().lossy);
            check_left(left, promised..=committed);
        }
    }
    assert!(lossy > steps, "only {lossy} crashes lost something");
}

#[test]
fn a_full_disk_fails_the_commit_and_loses_nothing() {
    for refusal in [Refusal::Growth, Refusal::Writes] {
        for capacity in (1_200_000..4_000_000).step_by(400_000) {
            let disk = Disk::new(empty_store());
            disk.contents().full = Some((refusal, capacity));
            let (directory, store) = open(&disk);
            let mut committed = 0;
            let failure = loop {
                match commit(&store, committed) {
                    Ok(()) => committed += 1,
                    Err(failure) => break failure,
                }
            };
            assert!(matches!(failure, StoreError::Full { .. }), "{failure:?}");
            assert_eq!(failure.to_string(), "no space left for disk");
            let next = commit(&store, committed).unwrap_err();
            assert!(matches!(next, StoreError::Failed { .. }), "{next:?}");
            drop((store, directory));
            disk.contents().full = None;
            let left = disk.contents().live.clone();
            check_left(left, committed..=committed);
        }
    }
}

/// Checks that what a disk has left is a store after one of these numbers of transactions, and
/// that it goes on from there.
fn check_left(left: Vec<u8>, expected: std::ops::RangeInclusive<u64>) {
    let (_directory, store) = open(&Disk::new(left));
    let sequence = store.snapshot().unwrap().sequence();
    assert!(
        expected.contains(&sequence),
        "{sequence} transactions, expected {expected:?}"
    );
    check(&store, sequence);
    commit(&store, sequence).unwrap();
    check(&store, sequence + 1);
}

fn check(store: &Store, sequence: u64) {
    let mut model = MemoryState::new();
    for sequence in 0..sequence {
        model.apply(&diff(sequence));
    }
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.sequence(), sequence);
    let entries: MemoryState = snapshot.scan(b"").unwrap().map(Result::unwrap).collect();
    assert!(
        entries == model,
        "state after {sequence} is not the model's"
    );
    let receipts = snapshot.receipts(0..u64::MAX).unwrap().map(Result::unwrap);
    let expected = (0..sequence).map(|sequence| (sequence, sequence.to_le_bytes().to_vec()));
    assert!(receipts.eq(expected), "receipts after {sequence}");
}

fn commit_while(store: &Store, go_on: impl Fn(u64) -> bool) -> u64 {
    let mut sequence = 0;
    while go_on(sequence) {
        commit(store, sequence).unwrap();
        sequence += 1;
    }
    sequence
}

fn commit(store: &Store, sequence: u64) -> Result<(), StoreError> {
    let committed = store.commit(Commit {
        sequence,
        diff: &diff(sequence),
        receipt: &sequence.to_le_bytes(),
    });
    committed.map(drop)
}

/// Changes some keys each time, and makes the file grow.
fn diff(sequence: u64) -> Diff {
    let value = vec![sequence.to_le_bytes()[0]; 150_000];
    let shared = format!("shared/{}", sequence % 2).into_bytes();
    let own = |sequence: u64| format!("own/{sequence}").into_bytes();
    let mut changes = vec![(own(sequence), Some(value)), (shared, Some(own(sequence)))];
    if let Some(earlier) = sequence.checked_sub(3) {
        changes.push((own(earlier), Some(own(sequence))));
        changes.push((format!("shared/{}", earlier % 2).into_bytes(), None));
    }
    changes.into_iter().collect()
}

/// The file of a new store.
fn empty_store() -> Vec<u8> {
    let disk = Disk::default();
    let database = Database::builder()
        .create_with_backend(disk.clone())
        .unwrap();
    let transaction = database.begin_write().unwrap();
    format::initialize(&transaction, Path::new("disk")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    disk.contents().live.clone()
}

fn open(disk: &Disk) -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let file = OpenFile {
        path: "disk".into(),
        database: Database::builder()
            .create_with_backend(disk.clone())
            .unwrap(),
        _lock: Lock::take(directory.path()).unwrap(),
    };
    (directory, Store::from_file(file).unwrap())
}

/// A disk in memory that may crash or be full. Clones are the same disk.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    /// What is read: everything that was written.
    live: Vec<u8>,
    /// What was there at the last sync.
    synced: Vec<u8>,
    /// What happened since.
    unsynced: Vec<Change>,
    /// How often something was written, resized or synced.
    steps: u64,
    crash: Option<Crash>,
    /// What the crash left.
    left: Option<Vec<u8>>,
    /// Whether that is less than was written.
    lossy: bool,
    full: Option<(Refusal, usize)>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

#[derive(Clone, Copy, Debug)]
struct Crash {
    /// The step that it comes before.
    step: u64,
    losses: Losses,
}

/// What of the unsynced changes a crash undoes.
#[derive(Clone, Copy, Debug)]
enum Losses {
    All,
    None,
    /// Some changes of length and some sectors.
    Some,
}

/// What a full disk refuses: to make the file longer, or to fill what was made longer.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    Growth,
    Writes,
}

impl Disk {
    fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Contents {
            live: bytes.clone(),
            synced: bytes,
            ..Contents::default()
        })))
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }
}

impl Contents {
    fn step(&mut self) {
        match self.crash {
            Some(Crash { step, losses }) if step == self.steps => {
                let left = self.after_crash(losses);
                self.lossy = left != self.live;
                self.left = Some(left);
            }
            _ => {}
        }
        self.steps += 1;
    }

    fn after_crash(&self, losses: Losses) -> Vec<u8> {
        let mut left = self.synced.clone();
        let mut random = match losses {
            Losses::All => return left,
            Losses::None => return self.live.clone(),
            Losses::Some => self.steps,
        };
        let mut survives = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            random >> 63 == 1
        };
        for change in &self.unsynced {
            match change {
                Change::Resize(_) if survives() => change.make(&mut left),
                Change::Resize(_) => {}
                Change::Write(offset, bytes) => {
                    for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                        if survives() {
                            let offset = offset + index * SECTOR;
                            Change::Write(offset, sector.to_vec()).make(&mut left);
                        }
                    }
                }
            }
        }
        left
    }

    fn make(&mut self, change: Change) {
        self.step();
        change.make(&mut self.live);
        self.unsynced.push(change);
    }
}

impl Change {
    fn make(&self, file: &mut Vec<u8>) {
        match self {
            Self::Resize(length) => file.resize(*length, 0),
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                file.resize(file.len().max(end), 0);
                file[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(u64::try_from(self.contents().live.len()).unwrap())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let contents = self.contents();
        let start = usize::try_from(offset).unwrap();
        let bytes = contents.live.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut contents = self.contents();
        let length = usize::try_from(length).unwrap();
        match contents.full {
            Some((Refusal::Growth, capacity)) if length > capacity => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => {
                contents.make(Change::Resize(length));
                Ok(())
            }
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut contents = self.contents();
        contents.step();
        let Contents {
            synced, unsynced, ..
        } = &mut *contents;
        for change in unsynced.drain(..) {
            change.make(synced);
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut contents = self.contents();
        let offset = usize::try_from(offset).unwrap();
        match contents.full {
            Some((Refusal::Writes, capacity)) if offset + bytes.len() > capacity => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => {
                contents.make(Change::Write(offset, bytes.to_vec()));
                Ok(())
            }
        }
    }
}
