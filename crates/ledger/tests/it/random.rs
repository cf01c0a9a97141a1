//! Random transactions and random bytes.

use fusee_contract::Address;
use fusee_engine::Gas;
use fusee_ledger::{
    Operation, SecretKey, SignedTransaction, TransactionBody, verify, verify_batch,
};
use proptest::{collection::vec, option, prelude::*};

use crate::samples::{rules, transfer};

fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 32]>().prop_map(Address::new)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

fn operation() -> impl Strategy<Value = Operation> {
    let value = any::<u128>;
    let hash = any::<[u8; 32]>;
    prop_oneof![
        (address(), value()).prop_map(|(to, value)| Operation::Transfer { to, value }),
        (address(), ".{1,8}", bytes(), value()).prop_map(|(to, method, input, value)| {
            Operation::Call {
                to,
                method,
                input,
                value,
            }
        }),
        bytes().prop_map(|code| Operation::Upload { code }),
        (bytes(), bytes(), value()).prop_map(|(code, input, value)| Operation::Deploy {
            code,
            input,
            value
        }),
        (
            hash(),
            option::of(hash()),
            option::of(address()),
            bytes(),
            value()
        )
            .prop_map(|(code, salt, admin, input, value)| Operation::Create {
                code,
                salt,
                admin,
                input,
                value,
            }),
        (address(), hash(), bytes(), value()).prop_map(|(contract, code, input, value)| {
            Operation::Upgrade {
                contract,
                code,
                input,
                value,
            }
        }),
        (address(), option::of(address()))
            .prop_map(|(contract, admin)| Operation::SetAdmin { contract, admin }),
        hash().prop_map(|code| Operation::RemoveCode { code }),
    ]
}

fn key() -> impl Strategy<Value = SecretKey> {
    prop_oneof![
        any::<[u8; 32]>().prop_map(SecretKey::ed25519),
        any::<[u8; 32]>().prop_filter_map("out of range", |secret| {
            SecretKey::secp256k1(secret).ok()
        }),
        "[a-z]{1,32}".prop_map(|name| SecretKey::development(&name)),
    ]
}

fn transaction() -> impl Strategy<Value = SignedTransaction> {
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>(), any::<u128>());
    // A transaction whose sender pays names no fee payer.
    let keys = (key(), option::of(key())).prop_filter("the sender pays", |(sender, payer)| {
        payer
            .as_ref()
            .is_none_or(|payer| payer.public_key() != sender.public_key())
    });
    ("[!-~]{1,50}", numbers, keys, vec(operation(), 1..6)).prop_map(
        |(chain_id, (nonce, expiry, gas, gas_price), (sender, payer), operations)| {
            let body = TransactionBody {
                chain_id,
                sender: sender.public_key().address(),
                nonce,
                expiry,
                gas_limit: Gas::new(gas),
                gas_price,
                fee_payer: payer.as_ref().map(|payer| payer.public_key().address()),
                operations,
            };
            let id = body.id();
            let by_payer = payer.map(|payer| payer.sign(&id));
            SignedTransaction::new(body, sender.sign(&id), by_payer, &rules()).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_encoded_is_decoded(transaction in transaction()) {
        let encoded = transaction.encode();
        let decoded = SignedTransaction::decode(&encoded, &rules()).unwrap();
        prop_assert_eq!(&decoded, &transaction);
        prop_assert_eq!(decoded.encode(), encoded);
        prop_assert_eq!(verify(&decoded), Ok(()));
    }

    #[test]
    fn batches_have_the_results_of_single_verification(
        transactions in vec(transaction(), 1..6),
        forged in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let mut transactions = transactions;
        let forged = forged.index(transactions.len());
        let mut bytes = transactions[forged].encode();
        let at = bit.index(bytes.len() * 8);
        bytes[at / 8] ^= 1 << (at % 8);
        if let Ok(decoded) = SignedTransaction::decode(&bytes, &rules()) {
            transactions[forged] = decoded;
        }
        let batch: Vec<_> = transactions.iter().collect();
        let single: Vec<_> = transactions.iter().map(verify).collect();
        prop_assert_eq!(verify_batch(&batch), single);
    }

    /// Arbitrary bytes are refused, or are the encoding of what is read.
    #[test]
    fn bytes_have_one_meaning(start in any::<prop::sample::Index>(), tail in vec(any::<u8>(), 0..200)) {
        let mut bytes = transfer(&SecretKey::development("alice")).encode();
        bytes.truncate(start.index(bytes.len()));
        bytes.extend(tail);
        if let Ok(decoded) = SignedTransaction::decode(&bytes, &rules()) {
            prop_assert_eq!(decoded.encode(), bytes);
        }
    }
}
