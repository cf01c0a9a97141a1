//! Signed transactions and blocks: what accounts sign, and what a chain makes of it.
//!
//! A [`SignedTransaction`] is a [`TransactionBody`] and the [`Authorization`] of its sender, and of
//! its fee payer if it has one. Each has exactly one encoding; [`SignedTransaction::decode`]
//! refuses every other. Its [`TransactionId`] is a digest of the body, so signatures do not change
//! it. [`verify`] and [`verify_batch`] decide whether the signatures are valid.
//!
//! A [`Block`] is an ordered list of encoded transactions. The [`Ledger`] checks transactions, and
//! prepares, processes and finalizes blocks, by the [`Parameters`] in the state and the rules of
//! its [`Rulebook`]. The result is [`Finalized`]: changes to the state, the result of each
//! transaction, and with the state root a [`Header`]. A [`Genesis`] is the first state.
//!
//! All are pure functions of their arguments. What no block can include is [`Invalid`]: it pays
//! nothing and changes nothing. [`LedgerRules`] own each limit and each price of transactions.
//! `docs/book/src/transactions.md` and `docs/book/src/ledger.md` have the formats.
#![forbid(unsafe_code)]

mod action;
mod authorization;
mod block;
mod body;
mod check;
mod encoding;
mod error;
mod execution;
mod finalized;
mod genesis;
mod header;
mod invalid;
mod key;
pub mod keys;
mod known;
mod ledger;
mod misbehaviour;
mod open_block;
pub mod parallel;
mod parameters;
mod quota;
mod result;
mod roots;
mod rulebook;
mod rules;
mod secret;
mod signed;
mod validator;
mod verify;
mod versioned;
mod webauthn;

pub use action::Operation;
pub use authorization::Authorization;
pub use block::{Block, Misplaced, Position};
pub use body::{TransactionBody, TransactionId};
pub use check::{Accounts, Inclusion, NONCE_WINDOW, check, check_static};
pub use encoding::{Field, TRANSACTION_VERSION};
pub use error::{LedgerError, Unknown};
pub use execution::TransactionOutcome;
pub use finalized::Finalized;
pub use genesis::{Genesis, GenesisAccount, GenesisContract, GenesisError};
pub use header::{Header, HeaderHash, chain_digest};
pub use invalid::{Invalid, Role, WebAuthnFault};
pub use key::{KeyError, PublicKey, Scheme};
pub use ledger::{Ledger, NoCapsule, Refused, VerifiedBlock};
pub use misbehaviour::{MAX_MISBEHAVIOUR, Misbehaviour, MisbehaviourKind};
pub use parameters::{
    Activation, BlockLimits, FeeDestination, Parameters, ParametersError, Payment, Phase,
    ScheduledCall,
};
pub use quota::QuotaUse;
pub use result::{CallResult, ParameterUpdate, TransactionResult};
pub use roots::{InclusionProof, ListRoot, list_root, prove_inclusion};
pub use rulebook::{ActiveRules, Migration, Rehearsal, Rulebook};
pub use rules::{LedgerLimits, LedgerRules, LedgerRulesId, SignaturePrice};
pub use secret::SecretKey;
pub use signed::SignedTransaction;
pub use validator::{MAX_VALIDATORS, MAX_VOTING_POWER, Validator, ValidatorsError};
pub use verify::{BatchVerifier, verify, verify_batch};
pub use versioned::DecodeError;
