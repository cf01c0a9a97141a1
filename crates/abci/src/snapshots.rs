//! The connection of snapshots: what other nodes load.
//!
//! A snapshot is taken by a thread beside running blocks. It is the folder of the store's export,
//! named by its height, and beside it the header of its block, which leads from the application's
//! hash, the only thing that a restoring node trusts, to the state root.

use std::ffi::OsStr;
use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_chain::{read_header, write_header};
use fusee_crypto::sha256;
use fusee_ledger::Header;
use fusee_store::chain::snapshot::{MANIFEST, Manifest, chunk_name};
use tendermint_proto::v0_38::abci::{
    RequestLoadSnapshotChunk, ResponseListSnapshots, ResponseLoadSnapshotChunk, Snapshot,
};

use crate::app::{Shared, SnapshotOptions};
use crate::folder::remove_folder;
use crate::{App, AppError};

/// The format of snapshots: chunks of the store, and [`Metadata`].
pub(crate) const FORMAT: u32 = 1;

/// The extension of the headers.
const HEADER: &str = "header";

/// The metadata of a snapshot. Nobody trusts it before it was held against the application's hash.
#[derive(BorshDeserialize, BorshSerialize)]
pub(crate) struct Metadata {
    /// The encoding of the store's manifest.
    pub(crate) manifest: Vec<u8>,
    /// The encoding of the header of the block.
    pub(crate) header: Vec<u8>,
}

/// The thread that takes snapshots.
#[derive(Debug)]
pub(crate) struct Taker {
    every: NonZeroU64,
    heights: Option<SyncSender<u64>>,
    thread: Option<JoinHandle<()>>,
}

impl Taker {
    pub(crate) fn start(shared: Arc<Shared>, options: SnapshotOptions) -> Result<Self, AppError> {
        sweep(&shared)?;
        // One may wait while another one is taken.
        let (heights, taken) = sync_channel(1);
        let thread = thread::Builder::new().name("abci snapshots".to_owned());
        let thread = thread.spawn(move || take_all(&shared, options, &taken));
        Ok(Self {
            every: options.every,
            heights: Some(heights),
            thread: Some(thread.map_err(AppError::Thread)?),
        })
    }

    /// Takes a snapshot if one of this height is due, and the ones before are done.
    pub(crate) fn committed(&self, height: u64) {
        let heights = self.heights.as_ref();
        let due = heights.filter(|_| height.is_multiple_of(self.every.get()));
        match due.map(|heights| heights.try_send(height)) {
            Some(Err(TrySendError::Full(_))) => {
                tracing::warn!(height, "no snapshot is taken: two others are not finished");
            }
            Some(Err(TrySendError::Disconnected(_))) => {
                tracing::error!(height, "no snapshot is taken: the thread has stopped");
            }
            Some(Ok(())) | None => {}
        }
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.heights = None;
        if let Some(thread) = self.thread.take() {
            // A panic was printed.
            let _ = thread.join();
        }
    }
}

/// Removes what a crash has left of snapshots that were being taken or removed.
fn sweep(shared: &Shared) -> Result<(), AppError> {
    let heights = shared.snapshot_heights()?;
    let is_kept = |path: &Path| {
        let stem = path.file_stem().and_then(OsStr::to_str);
        let height = stem.and_then(|stem| stem.parse().ok());
        let is_unfinished = path
            .extension()
            .is_some_and(|extension| extension != HEADER);
        height.is_some_and(|height| heights.contains(&height)) && !is_unfinished
    };
    let folder = shared.folder.snapshots();
    for entry in fs::read_dir(&folder).map_err(AppError::io(&folder))? {
        let path = entry.map_err(AppError::io(&folder))?.path();
        match path.is_dir() {
            _ if is_kept(&path) => {}
            true => remove_folder(&path)?,
            false => fs::remove_file(&path).map_err(AppError::io(&path))?,
        }
    }
    Ok(())
}

fn take_all(shared: &Shared, options: SnapshotOptions, heights: &Receiver<u64>) {
    for height in heights {
        // The node goes on without: other nodes have the snapshot as well.
        if let Err(error) = take(shared, options, height) {
            tracing::error!(height, %error, "a snapshot cannot be taken");
        }
    }
}

fn take(shared: &Shared, options: SnapshotOptions, height: u64) -> Result<(), AppError> {
    shared.with(|chain| {
        let header = chain.header(height)?;
        write_header(&shared.header_path(height), &header)?;
        let target = shared.snapshot_path(height);
        // What a crash has left, or a chain that was rolled back.
        remove_folder(&target)?;
        chain
            .store()
            .export(Some(height), &target, options.chunk_bytes)?;
        Ok(())
    })?;
    let heights = shared.snapshot_heights()?;
    let surplus = heights.len().saturating_sub(options.keep);
    for old in heights.into_iter().take(surplus) {
        // Without its header, it is not there any more.
        let header = shared.header_path(old);
        fs::remove_file(&header).map_err(AppError::io(&header))?;
        remove_folder(&shared.snapshot_path(old))?;
    }
    tracing::info!(height, "a snapshot was taken");
    Ok(())
}

impl Shared {
    fn snapshot_path(&self, height: u64) -> PathBuf {
        self.folder.snapshots().join(height.to_string())
    }

    fn header_path(&self, height: u64) -> PathBuf {
        self.snapshot_path(height).with_extension(HEADER)
    }

    /// The heights of the snapshots that are complete, in ascending order.
    pub(crate) fn snapshot_heights(&self) -> Result<Vec<u64>, AppError> {
        let folder = self.folder.snapshots();
        let mut heights = Vec::new();
        for entry in fs::read_dir(&folder).map_err(AppError::io(&folder))? {
            let name = entry.map_err(AppError::io(&folder))?.file_name();
            let height = name.to_str().and_then(|name| name.parse::<u64>().ok());
            heights.extend(height.filter(|height| self.header_path(*height).exists()));
        }
        heights.sort_unstable();
        Ok(heights)
    }

    fn snapshot(&self, height: u64) -> Result<Option<Snapshot>, AppError> {
        let path = self.snapshot_path(height).join(MANIFEST);
        let bytes = fs::read(&path).map_err(AppError::io(&path))?;
        let manifest = Manifest::decode(&bytes)?;
        let Some(header) = read_header(&self.header_path(height))? else {
            return Ok(None);
        };
        Ok(Some(describe(&manifest, &header)))
    }
}

/// A snapshot as the protocol has it.
fn describe(manifest: &Manifest, header: &Header) -> Snapshot {
    let metadata = Metadata {
        manifest: manifest.encode(),
        header: header.encode(),
    };
    let metadata = borsh::to_vec(&metadata).expect("a vector takes any bytes");
    Snapshot {
        height: header.height,
        format: FORMAT,
        chunks: manifest.chunks(),
        hash: sha256(&metadata).to_vec().into(),
        metadata: metadata.into(),
    }
}

impl App {
    /// The snapshots that this node has, the newest first.
    pub(crate) fn list_snapshots(&self) -> Result<ResponseListSnapshots, AppError> {
        let mut snapshots = Vec::new();
        for height in self.shared.snapshot_heights()?.into_iter().rev().take(10) {
            match self.shared.snapshot(height) {
                Ok(snapshot) => snapshots.extend(snapshot),
                // One that is removed meanwhile, or damaged: nobody needs this one.
                Err(error) => tracing::warn!(height, %error, "a snapshot is not offered"),
            }
        }
        Ok(ResponseListSnapshots { snapshots })
    }

    /// A chunk of a snapshot. Empty if this node does not have it any more.
    pub(crate) fn load_chunk(
        &self,
        request: &RequestLoadSnapshotChunk,
    ) -> Result<ResponseLoadSnapshotChunk, AppError> {
        let name = chunk_name(request.chunk);
        let path = self.shared.snapshot_path(request.height).join(name);
        let chunk = match request.format {
            FORMAT => fs::read(&path).unwrap_or_default(),
            _ => Vec::new(),
        };
        Ok(ResponseLoadSnapshotChunk {
            chunk: chunk.into(),
        })
    }
}

#[cfg(test)]
mod tests;
