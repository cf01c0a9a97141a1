//! Registers methods: reads their parameters, bounds their calls and counts them.

use std::{future::Future, sync::Arc, time::Instant};

use jsonrpsee::{Extensions, RpcModule, core::RegisterMethodError, types::Params};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use tracing::Instrument as _;

use super::{
    context::{Context, Peer, now},
    failures,
};
use crate::{
    error::{ErrorKind, RpcError},
    methods::Method,
};

/// Registers a method by the type of its parameters.
pub(super) fn register<M, F, Fut>(
    module: &mut RpcModule<Context>,
    handler: F,
) -> Result<(), RegisterMethodError>
where
    M: Method,
    F: Fn(Arc<Context>, M) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<M::Answer, RpcError>> + Send,
{
    module.register_async_method(M::NAME, move |params, context, extensions| {
        let handler = handler.clone();
        async move {
            let call = Call::begin(&context, M::NAME);
            let answer = async {
                let _permit = admit(&context, &extensions)?;
                let answer = handler(Arc::clone(&context), parse(&params)?).await?;
                answered(&context, &extensions, &answer)
            };
            call.end(answer.await)
        }
        .instrument(tracing::info_span!("rpc", method = M::NAME))
    })?;
    Ok(())
}

/// Counts a call of a client, and holds its place among those of its connection.
pub(super) fn admit(
    context: &Context,
    extensions: &Extensions,
) -> Result<Option<tokio::sync::OwnedSemaphorePermit>, RpcError> {
    // Calls from inside the process have no peer.
    let Some(peer) = extensions.get::<Peer>() else {
        return Ok(None);
    };
    context.admit(peer)?;
    let limit = context.options.limits.calls_per_connection;
    match Arc::clone(&peer.calls).try_acquire_owned() {
        Ok(permit) => Ok(Some(permit)),
        Err(_) => Err(RpcError::new(
            ErrorKind::Busy,
            format!("this connection has {limit} calls open, which is all that it may"),
            "wait for their answers",
        )
        .with("limit", limit)),
    }
}

/// An answer as JSON, counted among those that are not sent yet.
fn answered(
    context: &Context,
    extensions: &Extensions,
    answer: &impl Serialize,
) -> Result<Box<RawValue>, RpcError> {
    let answer = to_raw_value(answer).map_err(|error| failures::internal(&error))?;
    let (bytes, limit) = (answer.get().len(), context.options.limits.response_bytes);
    if u32::try_from(bytes).is_ok_and(|bytes| bytes > limit) {
        let next = "ask for less at once";
        let message = format!("the answer has {bytes} bytes, and may have {limit}");
        return Err(RpcError::new(ErrorKind::LimitExceeded, message, next)
            .with("found", bytes)
            .with("limit", limit));
    }
    if let Some(peer) = extensions.get::<Peer>() {
        peer.unsent.add(bytes)?;
    }
    Ok(answer)
}

/// Reads parameters: an object, or an array in the order of the fields.
pub(super) fn parse<P: DeserializeOwned>(params: &Params<'_>) -> Result<P, RpcError> {
    let text = match params.as_str() {
        None | Some("null") => "{}",
        Some(text) => text,
    };
    serde_json::from_str(text).map_err(|error| {
        failures::invalid_params(format!(
            "the parameters are not those of the method: {error}"
        ))
    })
}

/// A call that is counted when it ends, also if its client leaves before.
pub(super) struct Call<'a> {
    context: &'a Context,
    method: &'static str,
    begin: Instant,
    is_ended: bool,
}

impl<'a> Call<'a> {
    pub(super) fn begin(context: &'a Context, method: &'static str) -> Self {
        Self {
            context,
            method,
            begin: now(),
            is_ended: false,
        }
    }

    pub(super) fn end<T>(mut self, answer: Result<T, RpcError>) -> Result<T, RpcError> {
        self.is_ended = true;
        let kind = answer.as_ref().err().and_then(|error| error.kind);
        let error = kind.map(ErrorKind::name);
        let counters = &self.context.counters;
        counters.called(self.method, error, self.begin.elapsed());
        answer
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.is_ended {
            let counters = &self.context.counters;
            counters.called(self.method, Some("cancelled"), self.begin.elapsed());
        }
    }
}
