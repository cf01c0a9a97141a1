//! Entries of the state by their keys, with proofs.

use std::sync::Arc;

use fusee_engine::Interrupt;
use fusee_state::{Direction, KeyRange, StateReader};
use fusee_store::chain::Version;

use super::{
    context::Context,
    convert::bytes,
    failures::invalid_params,
    storage::{MAX_PAGE, PAGE_BYTES, Room, after_key, check, check_count, proofs},
};
use crate::{
    error::RpcError,
    methods::GetState,
    types::{Bytes, StateEntries, StateEntry},
};

/// After all keys: the tag of no key is as high.
const END: &[u8] = &[0xff];

pub(super) async fn entries(
    context: Arc<Context>,
    params: GetState,
) -> Result<StateEntries, RpcError> {
    let is_range = !params.from.0.is_empty()
        || params.to.is_some()
        || params.limit.is_some()
        || params.descending;
    if params.keys.is_some() && is_range {
        let message = "give `keys`, or else `from`, `to`, `descending` and `limit`";
        return Err(invalid_params(message));
    }
    let work = move |context: &Context, interrupt: &Interrupt| {
        let state = context.node.version(params.height)?;
        let mut room = Room::new(context);
        let (entries, cursor) = match &params.keys {
            Some(keys) => (named(&state, keys, (&mut room, interrupt))?, None),
            None => page(&state, &params, interrupt)?,
        };
        let read: Vec<_> = entries.iter().map(|entry| entry.key.0.clone()).collect();
        Ok(StateEntries {
            position: context.position(&state)?,
            proofs: match params.proof {
                true => Some(proofs(&state, &read, (&mut room, interrupt))?),
                false => None,
            },
            entries,
            cursor,
        })
    };
    context.work(work).await
}

/// The entries of some keys.
fn named(
    state: &Version,
    keys: &[Bytes],
    (room, interrupt): (&mut Room, &Interrupt),
) -> Result<Vec<StateEntry>, RpcError> {
    check_count(keys)?;
    let entry = |key: &Bytes| {
        check(interrupt)?;
        let value = state.read(&key.0)?;
        room.take(value.as_deref().map_or(0, <[u8]>::len))?;
        Ok(StateEntry {
            key: key.clone(),
            value: value.map(|value| bytes(&value)),
        })
    };
    keys.iter().map(entry).collect()
}

/// The first entries of a range, or the last ones, and the last key if there are more.
fn page(
    state: &Version,
    params: &GetState,
    interrupt: &Interrupt,
) -> Result<(Vec<StateEntry>, Option<Bytes>), RpcError> {
    let limit = params.limit.unwrap_or(100).clamp(1, MAX_PAGE);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let direction = match params.descending {
        true => Direction::Descending,
        false => Direction::Ascending,
    };
    let mut start = params.from.0.clone();
    let mut end = params.to.as_ref().map_or(END.to_vec(), |to| to.0.clone());
    let (mut entries, mut size) = (Vec::new(), 0_usize);
    while let Some((key, value)) = state.seek(KeyRange::new(&start, &end), direction)? {
        check(interrupt)?;
        if entries.len() >= limit || size >= PAGE_BYTES {
            let last = entries.last().map(|entry: &StateEntry| entry.key.clone());
            return Ok((entries, last));
        }
        size = size.saturating_add(value.len());
        entries.push(StateEntry {
            key: bytes(&key),
            value: Some(bytes(&value)),
        });
        match direction {
            Direction::Ascending => start = after_key(key),
            Direction::Descending => end = key,
        }
    }
    Ok((entries, None))
}
