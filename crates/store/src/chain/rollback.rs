//! Rollback: makes an earlier block the head, of a store that is not open.
//!
//! The log is truncated. If the flat state is beyond the block already, it is removed and made anew
//! from the genesis, if all blocks are kept. A crash in between leaves a store that opens, at that
//! block or a later one: repeat the rollback.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::flat;
use super::{ChainStore, ChainStoreError, Head, LOG, Options, STATE, UNFINISHED_STATE, opening};
use crate::folder;
use crate::log::{self, Log, LogError};

/// Removes all blocks above a height, and opens the store to check what is left. Returns the new
/// head. Blocks that are removed are gone: make a backup first.
///
/// # Errors
///
/// [`ChainStoreError::NotServed`] if there is no block at the height, or no longer.
/// [`ChainStoreError::RollbackTooFar`] if the flat state is beyond it and cannot be made anew. Both
/// change nothing. Otherwise as [`ChainStore::open`].
pub fn rollback(folder: &Path, options: Options, height: u64) -> Result<Head, ChainStoreError> {
    opening::check_store(folder)?;
    let lock = opening::lock(folder)?;
    let files = Arc::new(log::Folder::lock(&folder.join(LOG))?);
    let meta = opening::state(folder, &*files, &options)?.and_then(|(_, meta)| meta);
    let log = Log::open_in(files, options.log(options.initial_height))?;
    opening::check_heights(folder, meta.as_ref(), &log.reader(), options.initial_height)?;

    let first = log.first_height();
    let checkpoint = meta.map(|meta| meta.height);
    let is_known = (first..log.next_height()).contains(&height) || checkpoint == Some(height);
    if !is_known {
        return Err(ChainStoreError::NotServed {
            height,
            oldest: first,
            head: log.next_height().saturating_sub(1),
        });
    }
    match checkpoint {
        Some(checkpoint) if checkpoint > height && first != options.initial_height => {
            return Err(ChainStoreError::RollbackTooFar {
                height,
                checkpoint,
                first,
            });
        }
        Some(checkpoint) if checkpoint > height => discard(folder)?,
        _ => {}
    }
    log.truncate(height.saturating_add(1))?;
    drop(lock);
    let store = ChainStore::open(folder, options)?;
    store
        .head()
        .ok_or_else(|| ChainStoreError::Log(LogError::NotKept { height, first }))
}

/// Removes the flat state, so that opening makes it anew.
fn discard(folder: &Path) -> Result<(), ChainStoreError> {
    let state = folder.join(STATE);
    let discarded = folder.join(UNFINISHED_STATE);
    flat::remove(&discarded)?;
    // At once: a state of which a crash has removed a part would be damaged.
    fs::rename(&state, &discarded).map_err(ChainStoreError::io(&state))?;
    folder::sync(folder)?;
    flat::remove(&discarded)
}
