//! Opening: the flat state, its tree, and the replay of the log behind it.
//!
//! A new store gets its log first and its flat state after it. So a state without a log is never
//! what a crash has left of a creation, but a log that was lost.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use fusee_proof::Hash;

use super::checkpoint::{Checkpointer, Target};
use super::flat::{self, Flat, Meta};
use super::reaper::Reaper;
use super::shown::{Shown, State};
use super::version::Base;
use super::{
    ChainStore, ChainStoreError, Head, LOG, Options, STATE, Sealing, UNFINISHED_STATE, Writer,
    doctor, record,
};
use crate::Tree;
use crate::folder::{self, LOCK, Lock};
use crate::log::{Files, Log, Reader, Record};

/// What a folder of a chain store may have.
const OURS: [&str; 5] = [LOG, STATE, UNFINISHED_STATE, doctor::COPY, LOCK];

/// Locks the folder of a store, which it creates if it is missing.
pub(super) fn lock(folder: &Path) -> Result<Lock, ChainStoreError> {
    folder::create(folder)?;
    inspect(folder)?;
    let lock = Lock::take(folder)?;
    flat::remove(&folder.join(doctor::COPY))?;
    Ok(lock)
}

/// Checks that a folder has nothing but a chain store.
pub(super) fn inspect(folder: &Path) -> Result<(), ChainStoreError> {
    let failed = ChainStoreError::io(folder);
    for entry in fs::read_dir(folder).map_err(&failed)? {
        let name = entry.map_err(&failed)?.file_name();
        let path = folder.join(&name);
        if !OURS.iter().any(|ours| name == *ours) {
            return Err(ChainStoreError::Foreign { path });
        }
    }
    Ok(())
}

/// Opens the store in a locked folder.
pub(super) fn open(
    folder: &Path,
    lock: Lock,
    files: Arc<dyn Files>,
    options: Options,
) -> Result<ChainStore, ChainStoreError> {
    let path = folder.join(STATE);
    let state = state(folder, &*files, &options)?;
    let log = Log::open_in(files, options.log(options.initial_height))?;
    let (flat, meta) = match state {
        Some(state) => state,
        None => (Flat::open(&path)?, None),
    };
    let view = flat.view();
    check_heights(folder, meta.as_ref(), &log.reader(), options.initial_height)?;
    let tree = match &meta {
        Some(meta) => load(folder, &view, meta)?,
        None if view.entries(b"").next().is_some() => {
            return Err(ChainStoreError::damaged(
                &path,
                "it has entries without a height",
            ));
        }
        None => Tree::default(),
    };
    let height = meta.map(|meta| meta.height);
    let base = Base { height, view };
    let shown = Arc::new(Shown::new(State::new(base, tree, &options)));
    let target = Target {
        flat,
        shown: Arc::clone(&shown),
    };
    let mut sealing = Sealing::new(
        Checkpointer::start(target)?,
        Reaper::start(folder)?,
        &options,
    );
    replay(folder, &log, &shown, &mut sealing)?;
    Ok(ChainStore {
        folder: folder.to_path_buf(),
        options,
        shown,
        reader: log.reader(),
        writer: Mutex::new(Writer {
            log,
            sealing,
            pruned: None,
            backups: Arc::default(),
            failure: None,
        }),
        _lock: lock,
    })
}

/// The flat state with what it is of, if there is one. Checks that it is of this chain, and that
/// its log is there.
pub(super) fn state(
    folder: &Path,
    files: &dyn Files,
    options: &Options,
) -> Result<Option<(Flat, Option<Meta>)>, ChainStoreError> {
    if !has_state(folder)? {
        return Ok(None);
    }
    let path = folder.join(STATE);
    if files.list().map_err(ChainStoreError::io(&path))?.is_empty() {
        return Err(ChainStoreError::NoLog {
            path: files.path(""),
        });
    }
    let flat = Flat::open(&path)?;
    let meta = flat.view().meta()?;
    if let Some(meta) = &meta {
        check_identity(&path, meta, options)?;
    }
    Ok(Some((flat, meta)))
}

/// Checks that there is a folder with a store, or with what a crash has left of its creation.
pub(super) fn check_store(folder: &Path) -> Result<(), ChainStoreError> {
    match [LOCK, LOG, STATE]
        .iter()
        .any(|name| folder.join(name).exists())
    {
        true => Ok(()),
        false => Err(ChainStoreError::NoStore {
            path: folder.to_path_buf(),
        }),
    }
}

/// Whether a folder has a flat state.
pub(super) fn has_state(folder: &Path) -> Result<bool, ChainStoreError> {
    let path = folder.join(STATE);
    path.try_exists().map_err(ChainStoreError::io(&path))
}

pub(super) fn check_identity(
    path: &Path,
    meta: &Meta,
    options: &Options,
) -> Result<(), ChainStoreError> {
    match meta.identity == options.identity {
        true => Ok(()),
        false => Err(ChainStoreError::OtherIdentity {
            path: path.to_path_buf(),
            found: meta.identity,
            expected: options.identity,
        }),
    }
}

/// Checks that no block is missing between the flat state and the log, nor behind the log.
pub(super) fn check_heights(
    folder: &Path,
    meta: Option<&Meta>,
    log: &Reader,
    initial: u64,
) -> Result<(), ChainStoreError> {
    let (first, next) = (log.first_height(), log.next_height());
    let path = folder.join(STATE);
    match meta.map(|meta| meta.height) {
        None if first != initial => Err(ChainStoreError::NoState {
            path: folder.to_path_buf(),
            first,
            initial,
        }),
        Some(height) if height >= next => Err(ChainStoreError::Ahead { path, height, next }),
        Some(height) if height.saturating_add(1) < first => Err(ChainStoreError::Gap {
            path,
            height,
            first,
        }),
        _ => Ok(()),
    }
}

/// The tree of the flat state, held against its root.
pub(super) fn load(folder: &Path, view: &flat::View, meta: &Meta) -> Result<Tree, ChainStoreError> {
    let mut failed = None;
    let entries = view.entries(b"").map_while(|entry| match entry {
        Ok((key, value)) => Some((key, value.to_vec())),
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    let tree = Tree::of(entries);
    if let Some(error) = failed {
        return Err(error);
    }
    check_root(folder, meta.height, tree.root(), meta.root)?;
    Ok(tree)
}

/// Applies the blocks behind the flat state, and holds every root against its record.
fn replay(
    folder: &Path,
    log: &Log,
    shown: &Shown,
    sealing: &mut Sealing,
) -> Result<(), ChainStoreError> {
    let reader = log.reader();
    let head = shown.read().head();
    if let Some(head) = head
        && head.height >= log.first_height()
    {
        // The log has the block of the flat state, too.
        if let Some(payload) = reader.read(head.height)? {
            let record = Record {
                height: head.height,
                payload,
            };
            check_root(
                folder,
                head.height,
                head.root,
                record::decode(&record)?.root,
            )?;
        }
    }
    let from = head.map_or(log.first_height(), |head| head.height.saturating_add(1));
    let mut tree = shown.read().tree();
    for record in reader.records(from) {
        let block = record::decode(&record?)?;
        tree = tree.apply(&block.changes);
        check_root(folder, block.height, tree.root(), block.root)?;
        let head = Head {
            height: block.height,
            root: block.root,
        };
        sealing.show(shown, head, tree.clone(), &Arc::new(block.changes))?;
    }
    Ok(())
}

pub(super) fn check_root(
    folder: &Path,
    height: u64,
    found: Hash,
    expected: Hash,
) -> Result<(), ChainStoreError> {
    match found == expected {
        true => Ok(()),
        false => Err(ChainStoreError::Root {
            path: folder.to_path_buf(),
            height,
            found,
            expected,
        }),
    }
}
