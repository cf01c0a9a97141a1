//! Simulations: what an unsigned transaction comes to is what the signed one comes to.

use fusee_ledger::{Authorization, PublicKey, Scheme, SignedTransaction, TransactionBody};

use crate::{
    chain::{COUNTER, Chain, body, deploy, key, ledgers},
    chain_samples::parameters,
    samples::rules,
};

fn encoded(body: TransactionBody, authorization: Authorization) -> Vec<u8> {
    let transaction = SignedTransaction::new(body, authorization, None, &rules());
    transaction.unwrap().encode()
}

#[test]
fn an_unsigned_transaction_comes_to_what_the_signed_one_does() {
    let chain = Chain::new(ledgers(&[]), parameters());
    let deployment = TransactionBody {
        gas_limit: fusee_engine::Gas::new(20_000_000),
        operations: vec![deploy(COUNTER, &[])],
        ..body(1, 0)
    };
    for body in [body(1, 0), deployment] {
        let signed = encoded(body.clone(), key(1).sign(&body.id()));
        let unsigned = encoded(body, Authorization::unsigned(&key(1).public_key()));
        let (signed, unsigned) = (chain.next(vec![signed]), chain.next(vec![unsigned]));
        let expected = chain.finalize(&signed).unwrap();
        assert_eq!(expected.transactions[0].result.code, 0);
        assert_eq!(
            chain.finalize(&unsigned).unwrap().transactions[0]
                .result
                .code,
            17
        );
        for (name, ledger) in &chain.ledgers {
            let simulated = ledger.clone().simulating();
            let simulated = simulated.finalize(chain.reader(), &unsigned).unwrap();
            assert_eq!(simulated.transactions, expected.transactions, "{name}");
            assert_eq!(simulated.changes, expected.changes, "{name}");
        }
    }
}

#[test]
fn a_placeholder_is_as_large_as_a_signature() {
    for key in [
        PublicKey::Development("alice".to_owned()),
        key(1).public_key(),
        PublicKey::Secp256k1([2; 33]),
        PublicKey::WebAuthn([2; 33]),
    ] {
        let unsigned = Authorization::unsigned(&key);
        assert_eq!(unsigned.public_key(), key);
        let size = borsh::to_vec(&unsigned).unwrap().len();
        let parts = match key.scheme() {
            Scheme::Development => 1 + 4 + 5 + 64,
            Scheme::Ed25519 => 1 + 32 + 64,
            Scheme::Secp256k1 => 1 + 33 + 64,
            Scheme::WebAuthn => 1 + 33 + 64 + 4 + 37 + 4 + 134,
        };
        assert_eq!(size, parts);
    }
}
