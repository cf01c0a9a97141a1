//! The batch verifier of ed25519-zebra, with coefficients from the system.

use anyhow::{Context, Result, anyhow};
use ed25519_zebra::batch::Verifier;
use fusee::ledger::{Authorization, SignedTransaction};
use getrandom::{SysRng, rand_core::UnwrapErr};

/// Verifies the signatures of the senders in one batch, and nothing else.
pub(crate) fn verify(transactions: &[SignedTransaction]) -> Result<()> {
    let mut verifier = Verifier::new();
    for transaction in transactions {
        let (_, _, authorization) = transaction.authorizations().next().context("no sender")?;
        if let Authorization::Ed25519 {
            public_key,
            signature,
        } = authorization
        {
            let (key, signature) = ((*public_key).into(), (*signature).into());
            verifier.queue((key, signature, transaction.id().as_bytes()));
        }
    }
    let verified = verifier.verify(UnwrapErr(SysRng));
    verified.map_err(|error| anyhow!("the batch is not valid: {error}"))
}
