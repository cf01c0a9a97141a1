//! Signatures: alone and in batches, by the account's key, of this transaction.

use std::num::NonZeroUsize;

use fusee_contract::Address;
use fusee_ledger::{
    Authorization, BatchVerifier, Invalid, KeyError, PublicKey, Role, Scheme, SecretKey,
    SignedTransaction, verify, verify_batch,
};

use crate::samples::{all, body, ed25519, rules, secp256k1, sponsored, transfer};

/// The same transaction with other signatures.
fn with(
    transaction: &SignedTransaction,
    sender: Authorization,
    payer: Option<Authorization>,
) -> SignedTransaction {
    SignedTransaction::new(transaction.body().clone(), sender, payer, &rules()).unwrap()
}

/// What single verification says, and batches say, too: alone and beside others.
fn verdict(transaction: &SignedTransaction) -> Result<(), Invalid> {
    let verdict = verify(transaction);
    assert_eq!(verify_batch(&[transaction]), std::slice::from_ref(&verdict));
    let others: Vec<_> = all().into_iter().map(|(_, other)| other).collect();
    let mut batch: Vec<_> = others.iter().collect();
    batch.insert(2, transaction);
    for (index, result) in verify_batch(&batch).into_iter().enumerate() {
        match index {
            2 => assert_eq!(result, verdict),
            _ => assert_eq!(result, Ok(()), "{index}"),
        }
    }
    verdict
}

fn wrong(role: Role, scheme: Scheme) -> Result<(), Invalid> {
    Err(Invalid::WrongSignature { role, scheme })
}

#[test]
fn each_scheme_signs() {
    for (name, transaction) in all() {
        assert_eq!(verdict(&transaction), Ok(()), "{name}");
    }
    assert!(verify_batch(&[]).is_empty());
}

#[test]
fn a_signature_of_another_transaction_is_wrong() {
    for key in [ed25519(), secp256k1(), SecretKey::development("bob")] {
        let transaction = transfer(&key);
        let scheme = key.public_key().scheme();
        let mut other = transaction.body().clone();
        other.chain_id = "fusee-test-2".to_owned();
        let forged = with(&transaction, key.sign(&other.id()), None);
        assert_eq!(verdict(&forged), wrong(Role::Sender, scheme));
    }
}

#[test]
fn a_key_of_another_account_is_refused() {
    let transaction = transfer(&ed25519());
    let other = SecretKey::ed25519([5; 32]);
    let stolen = with(&transaction, other.sign(&transaction.id()), None);
    let expected = Invalid::OtherAccount {
        role: Role::Sender,
        expected: ed25519().public_key().address(),
        found: other.public_key().address(),
    };
    assert_eq!(verdict(&stolen), Err(expected));
    // A development key signs for no account of another scheme.
    let alice = SecretKey::development("alice").sign(&transaction.id());
    let refused = verdict(&with(&transaction, alice, None)).unwrap_err();
    assert_eq!(refused.name(), "other_account");
}

/// The signatures of sender and fee payer are not interchangeable, and the first fault counts.
#[test]
fn the_fee_payer_signs_for_itself() {
    let both = sponsored(&ed25519(), &secp256k1());
    let id = both.id();
    let other = transfer(&ed25519()).id();
    let (sender, payer) = (ed25519(), secp256k1());
    let swapped = with(&both, payer.sign(&id), Some(sender.sign(&id)));
    assert_eq!(verdict(&swapped).unwrap_err().name(), "other_account");
    let by_payer = with(&both, sender.sign(&id), Some(payer.sign(&other)));
    let expected = wrong(Role::FeePayer, Scheme::Secp256k1);
    assert_eq!(verdict(&by_payer), expected);
    let by_both = with(&both, sender.sign(&other), Some(payer.sign(&other)));
    let expected = wrong(Role::Sender, Scheme::Ed25519);
    assert_eq!(verdict(&by_both), expected);
    // Both wait for the batch.
    let both = sponsored(&sender, &SecretKey::ed25519([8; 32]));
    let payer = SecretKey::ed25519([8; 32]);
    let by_both = with(&both, sender.sign(&other), Some(payer.sign(&other)));
    assert_eq!(verdict(&by_both), wrong(Role::Sender, Scheme::Ed25519));
    let by_payer = with(&both, sender.sign(&both.id()), Some(payer.sign(&other)));
    assert_eq!(verdict(&by_payer), wrong(Role::FeePayer, Scheme::Ed25519));
}

/// Forged and valid signatures of each scheme, in the parts of every thread.
#[test]
fn threads_and_kept_keys_change_no_result() {
    let mut transactions: Vec<_> = all().into_iter().map(|(_, one)| one).collect();
    for number in 1..=100 {
        let key = SecretKey::ed25519([number; 32]);
        let transaction = transfer(&key);
        let other = transfer(&ed25519()).id();
        transactions.push(match number % 9 {
            0 => with(&transaction, key.sign(&other), None),
            _ => transaction,
        });
        let key = SecretKey::development(&number.to_string());
        let payer = secp256k1();
        let transaction = sponsored(&key, &payer);
        let id = transaction.id();
        transactions.push(match number % 30 {
            0 => with(&transaction, key.sign(&id), Some(payer.sign(&other))),
            _ => transaction,
        });
    }
    let batch: Vec<_> = transactions.iter().collect();
    let expected: Vec<_> = batch
        .iter()
        .map(|transaction| verify(transaction))
        .collect();
    assert_eq!(expected.iter().filter(|result| result.is_err()).count(), 14);
    for threads in [1, 2, 3, 8] {
        for kept_keys in [0, 10, 1_000] {
            let verifier = BatchVerifier::new(NonZeroUsize::new(threads).unwrap(), kept_keys);
            assert!(verifier.verify(&[]).is_empty());
            for _ in 0..2 {
                assert_eq!(verifier.verify(&batch), expected, "{threads} {kept_keys}");
                assert_eq!(verifier.verify(&batch[..7]), expected[..7]);
            }
        }
    }
}

#[test]
fn a_batch_with_one_forged_signature_finds_it() {
    let keys: Vec<_> = (1..=40)
        .map(|number| SecretKey::ed25519([number; 32]))
        .collect();
    let mut transactions: Vec<_> = keys.iter().map(transfer).collect();
    let forged = keys[17].sign(&transactions[18].id());
    transactions[17] = with(&transactions[17], forged, None);
    let batch: Vec<_> = transactions.iter().collect();
    for (index, result) in verify_batch(&batch).into_iter().enumerate() {
        match index {
            17 => assert_eq!(result, wrong(Role::Sender, Scheme::Ed25519)),
            _ => assert_eq!(result, Ok(()), "{index}"),
        }
    }
    let copies = vec![&transactions[17]; 50];
    let results = verify_batch(&copies);
    assert_eq!(results, vec![wrong(Role::Sender, Scheme::Ed25519); 50]);
}

/// By a key of small order, a signature that nobody made is valid; no account has such a key.
#[test]
fn a_key_of_small_order_has_no_account() {
    let mut public_key = [0; 32];
    public_key[0] = 1;
    let key = PublicKey::Ed25519(public_key);
    assert_eq!(key.check(), Err(KeyError::SmallOrder));
    let body = body(key.address());
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(fusee_crypto::verify_ed25519(
        &public_key,
        &signature,
        body.id().as_bytes()
    ));
    let authorization = Authorization::Ed25519 {
        public_key,
        signature,
    };
    let transaction = SignedTransaction::new(body, authorization, None, &rules()).unwrap();
    let expected = Invalid::WeakKey {
        role: Role::Sender,
        source: KeyError::SmallOrder,
    };
    assert_eq!(verdict(&transaction), Err(expected));
}

/// The other `s` makes a valid signature in the eyes of some, and must not.
#[test]
fn only_the_lower_s_of_secp256k1_is_valid() {
    let transaction = transfer(&secp256k1());
    let Authorization::Secp256k1 {
        public_key,
        signature,
    } = secp256k1().sign(&transaction.id())
    else {
        panic!("another scheme");
    };
    let lower = k256::ecdsa::Signature::from_slice(&signature).unwrap();
    let (r, s) = lower.split_scalars();
    let higher = k256::ecdsa::Signature::from_scalars(r.to_bytes(), (-s).to_bytes()).unwrap();
    let authorization = Authorization::Secp256k1 {
        public_key,
        signature: higher.to_bytes().into(),
    };
    let changed = with(&transaction, authorization, None);
    assert_eq!(changed.id(), transaction.id());
    assert_eq!(verdict(&changed), wrong(Role::Sender, Scheme::Secp256k1));
}

#[test]
fn schemes_are_admitted_by_the_rules() {
    let alice = transfer(&SecretKey::development("alice"));
    assert_eq!(
        alice.body().sender,
        Address::of_development_account("alice")
    );
    let refused = SignedTransaction::decode(&alice.encode(), &fusee_ledger::LedgerRules::v1());
    let expected = Invalid::SchemeNotAdmitted {
        role: Role::Sender,
        scheme: Scheme::Development,
    };
    assert_eq!(refused, Err(expected));
}
