//! Errors of methods: a kind with a stable number and name, what happened, and what to do next.

use std::{borrow::Cow, fmt};

use jsonrpsee::types::{ErrorObject, ErrorObjectOwned};
use serde_json::{Map, Value};
use thiserror::Error;

macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident = $code:literal $name:literal,)*) => {
        /// The kinds of errors. Numbers and names are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$about])* $kind,)*
        }

        impl ErrorKind {
            /// All kinds.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$kind,)*];

            /// The number in `code`.
            #[must_use]
            pub const fn code(self) -> i32 {
                match self { $(ErrorKind::$kind => $code,)* }
            }

            /// The name in `data.kind`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(ErrorKind::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// The parameters are not those of the method.
    InvalidParams = -32602 "invalid_params",
    /// There is no method of this name.
    MethodNotFound = -32601 "method_not_found",
    /// The host failed.
    Internal = -32603 "internal",
    /// There is no such thing.
    NotFound = -32010 "not_found",
    /// It was there, and is not kept any more.
    Pruned = -32011 "pruned",
    /// No block can include the transaction.
    InvalidTransaction = -32020 "invalid_transaction",
    /// The transaction waits already.
    AlreadyKnown = -32021 "already_known",
    /// The transaction is in a block already.
    AlreadyIncluded = -32022 "already_included",
    /// The mempool is full: of transactions that pay as much or more, or that of the consensus
    /// engine.
    MempoolFull = -32023 "mempool_full",
    /// The sender has as many transactions waiting as it may.
    SenderFull = -32024 "sender_full",
    /// Another transaction with this nonce waits, and this one does not pay enough more.
    ReplacementTooCheap = -32025 "replacement_too_cheap",
    /// No block had the transaction in time. It still waits.
    NotIncludedInTime = -32030 "not_included_in_time",
    /// The transaction does not wait any more.
    Dropped = -32031 "dropped",
    /// The client asks too often.
    TooManyRequests = -32040 "too_many_requests",
    /// The request asks for more than the node gives.
    LimitExceeded = -32041 "limit_exceeded",
    /// The node has too much to do now.
    Busy = -32042 "busy",
    /// The call took too long and was ended.
    Timeout = -32043 "timeout",
    /// The node cannot do this as it is run.
    NotSupported = -32044 "not_supported",
    /// The node has stopped making blocks.
    NodeFailed = -32050 "node_failed",
    /// The node is shutting down.
    ShuttingDown = -32051 "shutting_down",
    /// The subscriber did not keep up.
    TooSlow = -32060 "too_slow",
}

/// An error of a method.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{message}")]
pub struct RpcError {
    /// What kind of error. `None`: one that this version does not know, or that is not of this
    /// interface, such as a malformed request.
    pub kind: Option<ErrorKind>,
    /// The number.
    pub code: i32,
    /// What happened, with the values that say where.
    pub message: String,
    /// What to do next.
    pub next: String,
    /// The typed fields of `data`, besides `kind` and `next`.
    pub fields: Map<String, Value>,
}

impl RpcError {
    /// An error of a kind.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl fmt::Display, next: impl fmt::Display) -> Self {
        Self {
            kind: Some(kind),
            code: kind.code(),
            message: message.to_string(),
            next: next.to_string(),
            fields: Map::new(),
        }
    }

    /// Adds a typed field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// The error of a JSON-RPC answer, as a client reads it.
    #[must_use]
    pub fn of_object(object: &ErrorObject<'_>) -> Self {
        let data = object.data().map(|data| data.get());
        let mut fields: Map<String, Value> = data
            .and_then(|data| serde_json::from_str(data).ok())
            .unwrap_or_default();
        let mut text = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (kind, next) = (text("kind"), text("next"));
        let mut kinds = ErrorKind::ALL.iter().copied();
        Self {
            kind: kinds.find(|known| known.name() == kind),
            code: object.code(),
            message: object.message().to_owned(),
            next,
            fields,
        }
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        let mut data = Map::new();
        if let Some(kind) = error.kind {
            data.insert("kind".to_owned(), kind.name().into());
        }
        data.insert("next".to_owned(), error.next.into());
        data.extend(error.fields);
        ErrorObject::owned(error.code, Cow::from(error.message), Some(data))
    }
}
