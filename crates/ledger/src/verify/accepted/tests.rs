//! What is remembered is not seen in any result, so it is looked at here.

use std::num::NonZeroUsize;

use fusee_engine::Gas;

use super::*;
use crate::{
    BatchVerifier, Invalid, LedgerRules, Operation, Role, Scheme, SecretKey, TransactionBody,
};

/// A transaction with the signature of the one that has another nonce.
fn with_signature_of(nonce: u64, signed: u64) -> SignedTransaction {
    let key = SecretKey::ed25519([1; 32]);
    let sender = key.public_key().address();
    let body = |nonce| TransactionBody {
        chain_id: "test".to_owned(),
        sender,
        nonce,
        expiry: 1,
        gas_limit: Gas::new(1),
        gas_price: 1,
        fee_payer: None,
        operations: vec![Operation::Transfer {
            to: sender,
            value: 1,
        }],
    };
    let authorization = key.sign(&body(signed).id());
    SignedTransaction::new(body(nonce), authorization, None, &LedgerRules::latest()).unwrap()
}

fn valid(nonce: u64) -> SignedTransaction {
    with_signature_of(nonce, nonce)
}

fn found(accepted: &Accepted, transactions: &[SignedTransaction]) -> Vec<bool> {
    accepted.find(&transactions.iter().collect::<Vec<_>>())
}

#[test]
fn the_last_transactions_are_remembered() {
    let all: Vec<_> = (0..6).map(valid).collect();
    let accepted = Accepted::new(4);
    assert_eq!(found(&accepted, &all), [false; 6]);
    all.iter().for_each(|it| accepted.add(it));
    assert_eq!(
        found(&accepted, &all),
        [false, false, true, true, true, true]
    );
    accepted.add(&valid(6));
    assert_eq!(
        found(&accepted, &all),
        [false, false, false, false, true, true]
    );
    let none = Accepted::new(0);
    none.add(&all[0]);
    assert_eq!(found(&none, &all), [false; 6]);
}

#[test]
fn another_signature_or_body_is_another_transaction() {
    let accepted = Accepted::new(4);
    accepted.add(&valid(0));
    let others = [with_signature_of(0, 1), with_signature_of(1, 0), valid(1)];
    assert_eq!(others[0].id(), valid(0).id());
    assert_eq!(found(&accepted, &others), [false; 3]);
}

/// A verifier that remembered a wrong signature would take it for valid: so it does not look again.
#[test]
fn what_is_remembered_is_not_verified_again() {
    let [wrong, other] = [with_signature_of(0, 1), with_signature_of(1, 2)];
    let batch = [&valid(2), &wrong, &other];
    let invalid = || {
        Err(Invalid::WrongSignature {
            role: Role::Sender,
            scheme: Scheme::Ed25519,
        })
    };
    let remembers = BatchVerifier::new(NonZeroUsize::MIN, 0);
    remembers.remember(&wrong);
    assert_eq!(remembers.verify(&batch), [Ok(()), Ok(()), invalid()]);
    let forgets = BatchVerifier::new(NonZeroUsize::MIN, 0).remembering(0);
    forgets.remember(&wrong);
    assert_eq!(forgets.verify(&batch), [Ok(()), invalid(), invalid()]);
}
