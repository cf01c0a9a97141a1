//! Proofs of queries: from a value to the hash that the engine's header has.
//!
//! A proof has two operations. The first leads from key and value to the state root, by a proof of
//! the state tree; the second from the state root to the application's hash, by the header of the
//! block. The application's hash of height H is in the engine's header of height H + 1, which the
//! validators have signed.

use fusee_ledger::{DecodeError, Header, HeaderHash};
use fusee_proof::VerifyError;
use tendermint_proto::v0_38::crypto::{ProofOp, ProofOps};
use thiserror::Error;

/// The type of the operation whose data is a proof of the state tree ([`fusee_proof::Proof`]).
pub const STATE_PROOF: &str = "fusee:state";

/// The type of the operation whose data is a [`Header`].
pub const HEADER_PROOF: &str = "fusee:header";

/// Why an answer is not proven.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The operations are others.
    #[error("the proof does not have the operations `{STATE_PROOF}` and `{HEADER_PROOF}`")]
    Operations,
    /// The header cannot be decoded.
    #[error("the header of the proof is malformed: {0}")]
    Header(#[from] DecodeError),
    /// The header is not the one that the validators signed for.
    #[error("the header of the proof has the hash {found}, the engine's header has {expected}")]
    OtherHeader {
        /// The hash of the header in the proof.
        found: HeaderHash,
        /// The trusted one.
        expected: HeaderHash,
    },
    /// The state does not have this value.
    #[error("the state of the header does not have this value: {0}")]
    Value(#[from] VerifyError),
}

/// Makes the proof of a key.
pub(crate) fn operations(key: &[u8], state: &fusee_proof::Proof, header: &Header) -> ProofOps {
    let operation = |name: &str, key: &[u8], data| ProofOp {
        r#type: name.to_owned(),
        key: key.to_vec(),
        data,
    };
    ProofOps {
        ops: vec![
            operation(STATE_PROOF, key, state.encode()),
            operation(HEADER_PROOF, &[], header.encode()),
        ],
    }
}

/// Checks that a chain has `value` under `key`, or nothing if it is `None`, and returns the header
/// of the block after which it has. `app_hash` is trusted: it is that of the engine's header of the
/// height after the answer's.
///
/// # Errors
///
/// [`ProofError`] with what does not fit.
pub fn verify_query(
    app_hash: &[u8; 32],
    key: &[u8],
    value: Option<&[u8]>,
    proof: &ProofOps,
) -> Result<Header, ProofError> {
    let [state, header] = proof.ops.as_slice() else {
        return Err(ProofError::Operations);
    };
    if state.r#type != STATE_PROOF || header.r#type != HEADER_PROOF {
        return Err(ProofError::Operations);
    }
    let header = Header::decode(&header.data)?;
    let (found, expected) = (header.hash(), HeaderHash::from_bytes(*app_hash));
    if found != expected {
        return Err(ProofError::OtherHeader { found, expected });
    }
    fusee_proof::verify(&header.state_root, key, value, &state.data)?;
    Ok(header)
}
