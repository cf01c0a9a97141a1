//! Restoring a snapshot that other nodes have: state sync.
//!
//! Only the application's hash is trusted, which the engine took from a header that validators have
//! signed. The metadata's header has to have this hash, and names the state root; each chunk is
//! verified by that root alone.

use std::collections::BTreeSet;

use fusee_ledger::{Header, HeaderHash};
use fusee_store::chain::snapshot::{Import, Manifest, SnapshotError};
use tendermint_proto::v0_38::abci::{
    RequestApplySnapshotChunk, RequestOfferSnapshot, ResponseApplySnapshotChunk,
    ResponseOfferSnapshot, Snapshot, response_apply_snapshot_chunk::Result as Applied,
    response_offer_snapshot::Result as Offered,
};

use crate::app::lock;
use crate::snapshots::{FORMAT, Metadata};
use crate::{App, AppError};

/// A restore that is under way.
#[derive(Debug)]
pub(crate) struct Restore {
    import: Import,
    missing: BTreeSet<u32>,
}

impl App {
    /// Decides about a snapshot that another node has, and begins to restore it. Another restore
    /// that is under way is given up.
    pub(crate) fn offer_snapshot(
        &self,
        request: &RequestOfferSnapshot,
    ) -> Result<ResponseOfferSnapshot, AppError> {
        let mut restore = lock(&self.restore);
        *restore = None;
        let refused = |result: Offered, reason: &str| {
            tracing::warn!(reason, "a snapshot is refused");
            Ok(ResponseOfferSnapshot {
                result: result.into(),
            })
        };
        let (is_begun, options) = self.with(|chain| {
            let is_begun = chain.version(None)?.height() >= chain.initial_height();
            Ok((is_begun, self.options.store))
        })?;
        if is_begun {
            return refused(Offered::Abort, "the chain has blocks already");
        }
        let Some(snapshot) = &request.snapshot else {
            return refused(Offered::Reject, "there is none");
        };
        if snapshot.format != FORMAT {
            return refused(Offered::RejectFormat, "its format is another one");
        }
        let (manifest, header) = match trusted(snapshot, &request.app_hash) {
            Ok(trusted) => trusted,
            Err(reason) => return refused(Offered::Reject, reason),
        };
        let folder = &self.shared.folder;
        let target = folder.restored();
        let begin = || Import::begin(&target, options, manifest, manifest.head);
        let import = match begin() {
            Err(SnapshotError::OtherImport) => {
                folder.abandon_restore()?;
                begin()
            }
            begun => begun,
        };
        let import = match import {
            Err(SnapshotError::Untrusted { .. }) => {
                return refused(Offered::Reject, "it is of another chain");
            }
            import => import?,
        };
        folder.begin_restore(&header)?;
        // What an earlier attempt has imported is verified, and stays.
        let missing = import.missing()?.into_iter().collect();
        *restore = Some(Restore { import, missing });
        Ok(ResponseOfferSnapshot {
            result: Offered::Accept.into(),
        })
    }

    /// Verifies and imports a chunk. The last one makes the restored state the chain.
    pub(crate) fn apply_chunk(
        &self,
        request: &RequestApplySnapshotChunk,
    ) -> Result<ResponseApplySnapshotChunk, AppError> {
        let mut restore = lock(&self.restore);
        let Some(Restore { import, missing }) = restore.as_mut() else {
            tracing::warn!("a chunk comes without a snapshot");
            return Ok(applied(Applied::Abort));
        };
        match import.add(request.index, &request.chunk) {
            Ok(()) => {}
            // Of another node, which has damaged it: another one may have it.
            Err(error @ SnapshotError::Chunk { .. }) => {
                tracing::warn!(%error, sender = request.sender, "a chunk is refused");
                let sender = Some(&request.sender).filter(|sender| !sender.is_empty());
                return Ok(ResponseApplySnapshotChunk {
                    refetch_chunks: vec![request.index],
                    reject_senders: sender.into_iter().cloned().collect(),
                    ..applied(Applied::Retry)
                });
            }
            Err(error) => return Err(error.into()),
        }
        missing.remove(&request.index);
        if missing.is_empty()
            && let Some(Restore { import, .. }) = restore.take()
        {
            // The chain opens it anew, with the header.
            drop(import.finish()?);
            self.shared.replace()?;
            let height = self.with(|chain| Ok(chain.version(None)?.height()))?;
            tracing::info!(height, "a snapshot was restored");
        }
        Ok(applied(Applied::Accept))
    }
}

fn applied(result: Applied) -> ResponseApplySnapshotChunk {
    ResponseApplySnapshotChunk {
        result: result.into(),
        ..ResponseApplySnapshotChunk::default()
    }
}

/// The manifest and the header of a snapshot, if the application's hash leads to them.
fn trusted(snapshot: &Snapshot, app_hash: &[u8]) -> Result<(Manifest, Header), &'static str> {
    let metadata = borsh::from_slice::<Metadata>(&snapshot.metadata);
    let metadata = metadata.map_err(|_| "its metadata is malformed")?;
    let manifest = Manifest::decode(&metadata.manifest);
    let manifest = manifest.map_err(|_| "its manifest is malformed")?;
    let header = Header::decode(&metadata.header).map_err(|_| "its header is malformed")?;
    let app_hash = <[u8; 32]>::try_from(app_hash).map(HeaderHash::from_bytes);
    if app_hash.ok() != Some(header.hash()) {
        return Err("its header is not the one that the validators signed for");
    }
    let head = manifest.head;
    if (head.height, head.root) != (header.height, header.state_root) {
        return Err("its manifest is of another state than its header");
    }
    if snapshot.height != header.height || snapshot.chunks != manifest.chunks() {
        return Err("its height or number of chunks is not that of its manifest");
    }
    Ok((manifest, header))
}
