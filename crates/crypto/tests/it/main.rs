//! Published test vectors, and what each scheme refuses.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed"
)]

mod batch;
mod bls12_381;
mod ecdsa;
mod ed25519;
mod hash;
