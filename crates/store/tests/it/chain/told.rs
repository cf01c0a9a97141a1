//! What a life of the store has said, and whether the store has it after that.

use std::path::Path;

use fusee_store::chain::{ChainStore, Finding, doctor};

use super::life::{
    self, AT, BACKED_UP, BACKUP, DONE, DROPPED, IMPORTED, IMPORTING, ROLLING, STORE, options,
};
use super::{check_quickly, next};

/// What the rounds have met, so that a torture that does nothing is noticed.
#[derive(Debug, Default)]
pub(super) struct Met {
    pub(super) rounds: u64,
    pub(super) lives: u64,
    pub(super) operations: usize,
    pub(super) kills: u64,
    pub(super) faults: u64,
    pub(super) power_failures: u64,
    pub(super) kept_in_flight: u64,
    pub(super) lost_in_flight: u64,
    pub(super) checkpoints: u64,
    pub(super) deleted: u64,
    pub(super) in_rollback: u64,
    pub(super) backups: u64,
    pub(super) imports: u64,
    pub(super) finished_imports: u64,
}

/// What was acknowledged up to a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The store has all blocks below this height.
    pub(super) lowest: u64,
    /// The store has no block from this height on, as none was begun.
    pub(super) highest: u64,
    pub(super) is_rolling: bool,
    pub(super) backup: Option<u64>,
    pub(super) importing: Option<u64>,
    pub(super) imported: Option<u64>,
}

impl Told {
    /// Of a store that is not there yet.
    pub(super) fn new() -> Self {
        Self {
            highest: 1,
            ..Self::default()
        }
    }

    pub(super) fn hear(&mut self, said: &str) {
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
pub(super) fn open(root: &Path, mut told: Told, met: &mut Met) -> Told {
    let folder = root.join(STORE);
    if met.rounds.is_multiple_of(8) && told.lowest > 0 {
        for finding in doctor(&folder, options()).unwrap().findings {
            assert!(matches!(finding, Finding::Torn(_)), "{finding}");
        }
    }
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
