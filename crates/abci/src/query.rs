//! The connection of queries: what the state has under a key, with a proof.

use fusee_chain::{Chain, ChainError};
use fusee_state::StateReader;
use fusee_store::chain::ChainStoreError;
use prost::bytes::Bytes;
use tendermint_proto::v0_38::abci::{RequestQuery, ResponseQuery};

use crate::convert::signed;
use crate::{App, AppError, proof};

/// The path of a key of the state.
const STORE: &str = "/store";

/// The codespace of refused queries.
const CODESPACE: &str = "fusee-query";

/// Why a query is refused.
enum Refused {
    /// There is no such path.
    Path(String),
    /// The height is not served.
    Height(String),
    /// The state cannot be read.
    Host(AppError),
}

impl<E: Into<AppError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Host(error.into())
    }
}

impl App {
    /// Answers a query. Whatever is wrong with it is a code.
    pub(crate) fn query(&self, request: &RequestQuery) -> Result<ResponseQuery, AppError> {
        let answered = self.with(|chain| Ok(answer(chain, request)))?;
        let (code, log) = match answered {
            Ok(response) => return Ok(response),
            Err(Refused::Path(log)) => (1, log),
            Err(Refused::Height(log)) => (2, log),
            Err(Refused::Host(error)) => {
                tracing::error!(%error, "a query cannot be answered");
                (3, error.to_string())
            }
        };
        Ok(ResponseQuery {
            code,
            log,
            key: request.data.clone(),
            codespace: CODESPACE.to_owned(),
            ..ResponseQuery::default()
        })
    }
}

fn answer(chain: &Chain, request: &RequestQuery) -> Result<ResponseQuery, Refused> {
    if request.path != STORE {
        let path = &request.path;
        let log = format!("there is no path `{path}`: `{STORE}` has the keys of the state");
        return Err(Refused::Path(log));
    }
    let height = height(chain, request)?;
    let version = match chain.version(Some(height)) {
        Ok(version) => version,
        Err(ChainError::Store(error @ ChainStoreError::NotServed { .. })) => {
            return Err(Refused::Height(error.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    let key = &request.data;
    let value = version.read(key).map_err(ChainError::from)?;
    let proof_ops = match request.prove {
        true => {
            let header = chain.header(height)?;
            Some(proof::operations(key, &version.prove(key), &header))
        }
        false => None,
    };
    Ok(ResponseQuery {
        key: key.clone(),
        // An empty value and none differ by the text, and by what the proof shows.
        info: if value.is_some() { "present" } else { "absent" }.to_owned(),
        value: value
            .map(|value| Bytes::copy_from_slice(&value))
            .unwrap_or_default(),
        proof_ops,
        height: signed(height),
        ..ResponseQuery::default()
    })
}

/// The height of a query. The state after a block is proven by the engine's header of the next
/// block, so the default with a proof is the block before the last one.
fn height(chain: &Chain, request: &RequestQuery) -> Result<u64, Refused> {
    let last = chain.version(None)?.height();
    let first = chain.initial_height();
    let negative = |_| Refused::Height(format!("there is no height {}", request.height));
    let height = match u64::try_from(request.height).map_err(negative)? {
        0 if !request.prove => last,
        0 => last.saturating_sub(1).max(first),
        height => height,
    };
    match request.prove && !(first..=last).contains(&height) {
        true => Err(Refused::Height(format!(
            "there is no header of height {height}: the blocks are {first} to {last}"
        ))),
        false => Ok(height),
    }
}
