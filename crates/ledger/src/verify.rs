//! Signatures of transactions, one by one or in batches, with the same result.

mod accepted;
mod batch;

use fusee_crypto::{Ed25519Item, Ed25519Keys, verify_ed25519_batch};

use crate::{Invalid, Role, Scheme, SignedTransaction, signed::check_key};

pub use batch::BatchVerifier;

/// Verifies the signatures of a transaction: that each is by the key of its account.
///
/// # Errors
///
/// [`Invalid`] with the first signature that is not: of the sender, then of the fee payer.
pub fn verify(transaction: &SignedTransaction) -> Result<(), Invalid> {
    let id = transaction.id();
    transaction
        .authorizations()
        .try_for_each(|(role, account, authorization)| {
            check_key(role, account, &authorization.public_key())?;
            authorization.verify_alone(role, &id)
        })
}

/// A signature of Ed25519 that waits for its batch.
struct Waiting<'a> {
    index: usize,
    role: Role,
    scheme: Scheme,
    public_key: [u8; 32],
    signature: &'a [u8; 64],
    id: [u8; 32],
}

/// Verifies the signatures of many transactions. The results are those of [`verify`], in the order
/// of the transactions; signatures of Ed25519 take less than half the time.
///
/// A [`BatchVerifier`] takes still less, with the keys of earlier batches and more threads.
#[must_use]
pub fn verify_batch(transactions: &[&SignedTransaction]) -> Vec<Result<(), Invalid>> {
    verify_with(&Ed25519Keys::default(), transactions)
}

fn verify_with(
    keys: &Ed25519Keys,
    transactions: &[&SignedTransaction],
) -> Vec<Result<(), Invalid>> {
    // The first fault of a transaction counts, so a role that waits comes before a later fault.
    let mut results: Vec<Result<(), (Role, Invalid)>> = vec![Ok(()); transactions.len()];
    let mut waiting: Vec<Waiting<'_>> = Vec::new();
    for ((index, transaction), result) in transactions.iter().enumerate().zip(&mut results) {
        let id = transaction.id();
        for (role, account, authorization) in transaction.authorizations() {
            let checked = check_key(role, account, &authorization.public_key());
            let verified = match (checked, authorization.ed25519()) {
                (Ok(()), Some((public_key, signature))) => {
                    waiting.push(Waiting {
                        index,
                        role,
                        scheme: authorization.scheme(),
                        public_key,
                        signature,
                        id: *id.as_bytes(),
                    });
                    Ok(())
                }
                (Ok(()), None) => authorization.verify_alone(role, &id),
                (Err(invalid), _) => Err(invalid),
            };
            if let Err(invalid) = verified {
                *result = Err((role, invalid));
                break;
            }
        }
    }
    let items: Vec<_> = waiting
        .iter()
        .map(|waiting| Ed25519Item {
            public_key: &waiting.public_key,
            signature: waiting.signature,
            message: &waiting.id,
        })
        .collect();
    for (waiting, valid) in waiting.iter().zip(verify_ed25519_batch(&items, keys)) {
        let (role, scheme) = (waiting.role, waiting.scheme);
        let Some(result) = results.get_mut(waiting.index) else {
            continue;
        };
        let comes_first = !matches!(result, Err((found, _)) if *found < role);
        if !valid && comes_first {
            *result = Err((role, Invalid::WrongSignature { role, scheme }));
        }
    }
    let results = results.into_iter();
    results
        .map(|result| result.map_err(|(_, invalid)| invalid))
        .collect()
}
