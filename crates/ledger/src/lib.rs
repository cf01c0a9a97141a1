//! Signed transactions: what an account signs, who pays for it, and what makes it invalid.
//!
//! A [`SignedTransaction`] is a [`TransactionBody`] and the [`Authorization`] of its sender, and of
//! its fee payer if it has one. Each has exactly one encoding; [`SignedTransaction::decode`]
//! refuses every other. Its [`TransactionId`] is a digest of the body, so signatures do not change
//! it.
//!
//! [`verify`] and [`verify_batch`] decide whether the signatures are valid, and [`check`] whether a
//! block at a height can include the transaction. All are pure functions of their arguments. What
//! they refuse is [`Invalid`]: it pays nothing and changes nothing.
//!
//! [`LedgerRules`] own each limit and each price. `docs/transactions.md` has the format.
#![forbid(unsafe_code)]

mod action;
mod authorization;
mod body;
mod check;
mod encoding;
mod invalid;
mod key;
mod rules;
mod secret;
mod signed;
mod verify;
mod webauthn;

pub use action::Operation;
pub use authorization::Authorization;
pub use body::{TransactionBody, TransactionId};
pub use check::{Accounts, Inclusion, check};
pub use encoding::{Field, TRANSACTION_VERSION};
pub use invalid::{Invalid, Role, WebAuthnFault};
pub use key::{KeyError, PublicKey, Scheme};
pub use rules::{LedgerLimits, LedgerRules, LedgerRulesId, SignaturePrice};
pub use secret::SecretKey;
pub use signed::SignedTransaction;
pub use verify::{BatchVerifier, verify, verify_batch};
