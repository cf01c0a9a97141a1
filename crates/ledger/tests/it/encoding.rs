//! The encoding: golden vectors, one encoding for each transaction, and what is refused.

use expect_test::expect_file;
use fusee_ledger::{Field, Invalid, Operation, SignedTransaction, TransactionBody, verify};

use crate::samples::{all, body, ed25519, rules, secp256k1, signed, sponsored, transfer};

fn decode(bytes: &[u8]) -> Result<SignedTransaction, Invalid> {
    SignedTransaction::decode(bytes, &rules())
}

#[test]
fn encodings_and_ids_are_golden() {
    let mut text = String::new();
    for (name, transaction) in all() {
        let encoded = transaction.encode();
        text.push_str(&format!(
            "{name}\n  sender {}\n  id {}\n  gas {}\n  {}\n",
            transaction.body().sender,
            transaction.id(),
            rules().intrinsic_gas(&transaction),
            hex::encode(&encoded),
        ));
        assert_eq!(transaction.size(), encoded.len());
        assert_eq!(decode(&encoded).unwrap(), transaction);
        assert_eq!(transaction.id(), transaction.body().id());
    }
    expect_file!["golden/transactions.txt"].assert_eq(&text);
}

/// The vectors are read from the file alone, so that a change of both directions is seen.
#[test]
fn golden_vectors_are_read() {
    let text = include_str!("golden/transactions.txt");
    let mut lines = text.lines();
    let mut read = 0;
    while let Some(_name) = lines.next() {
        let sender = lines
            .next()
            .unwrap()
            .trim()
            .strip_prefix("sender ")
            .unwrap();
        let id = lines.next().unwrap().trim().strip_prefix("id ").unwrap();
        let _gas = lines.next().unwrap();
        let bytes = hex::decode(lines.next().unwrap().trim()).unwrap();
        let transaction = decode(&bytes).unwrap();
        assert_eq!(transaction.id().to_string(), id);
        assert_eq!(transaction.body().sender.to_string(), sender);
        verify(&transaction).unwrap();
        assert_eq!(transaction.encode(), bytes);
        read += 1;
    }
    assert_eq!(read, all().len());
}

#[test]
fn each_truncation_is_refused_as_cut() {
    for (name, transaction) in all() {
        let bytes = transaction.encode();
        for length in 0..bytes.len() {
            let refused = decode(&bytes[..length]).unwrap_err();
            let Invalid::Cut { at, .. } = refused else {
                panic!("{name}, {length} bytes: {refused}");
            };
            assert!(at <= length, "{name}: {at} of {length}");
        }
    }
}

/// A flipped bit is refused, or it changes the id and the signature is not one of it, or it is in
/// the signature and makes it wrong. In no case does a transaction have two encodings.
#[test]
fn each_flipped_bit_is_refused_or_makes_the_signature_wrong() {
    for (name, transaction) in all() {
        let bytes = transaction.encode();
        let signed_bytes = transaction.body().encode().len();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(other) = decode(&flipped) else {
                continue;
            };
            assert_eq!(other.encode(), flipped, "{name}, bit {bit}");
            let is_signed = bit / 8 < signed_bytes;
            assert_eq!(other.id() != transaction.id(), is_signed, "{name}, {bit}");
            // Verification is slow: all bits of what is not signed, and some of what is.
            if !is_signed || bit % 7 == 0 {
                assert!(verify(&other).is_err(), "{name}, bit {bit}");
            }
        }
    }
}

#[test]
fn bytes_after_the_transaction_are_refused() {
    let mut bytes = transfer(&ed25519()).encode();
    bytes.extend([0, 0]);
    assert_eq!(decode(&bytes), Err(Invalid::TrailingBytes { bytes: 2 }));
}

#[test]
fn another_version_is_refused() {
    for version in [0, 2, 255] {
        let mut bytes = transfer(&ed25519()).encode();
        bytes[0] = version;
        let expected = Invalid::UnknownVersion {
            found: version,
            expected: 1,
        };
        assert_eq!(decode(&bytes), Err(expected));
    }
}

#[test]
fn sizes_have_limits() {
    let mut large = body(ed25519().public_key().address());
    large.operations = vec![Operation::Upload {
        code: vec![0; 4 << 20],
    }];
    let authorization = ed25519().sign(&large.id());
    let refused = SignedTransaction::new(large, authorization, None, &rules()).unwrap_err();
    let Invalid::TooLarge { limit, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(limit, 4 << 20);
    assert_eq!(
        decode(&vec![1; (4 << 20) + 1]).unwrap_err().name(),
        "too_large"
    );
    let mut bytes = transfer(&ed25519()).encode();
    // The number of operations claims more than there could be.
    let at = body(ed25519().public_key().address()).encode().len() - (1 + 32 + 16) - 4;
    assert_eq!(bytes[at..at + 4], [1, 0, 0, 0]);
    bytes[at..at + 4].fill(0xff);
    let expected = Invalid::TooManyOperations {
        count: u32::MAX,
        limit: 256,
    };
    assert_eq!(decode(&bytes), Err(expected));
}

/// The reason for which this body is refused, by both ways to make a transaction.
fn refused(body: TransactionBody) -> Invalid {
    let authorization = ed25519().sign(&body.id());
    let mut bytes = body.encode();
    borsh::to_writer(&mut bytes, &authorization).unwrap();
    if body.fee_payer.is_some() {
        borsh::to_writer(&mut bytes, &authorization).unwrap();
    }
    let payer = body.fee_payer.map(|_| authorization.clone());
    let refused = SignedTransaction::new(body, authorization, payer, &rules()).unwrap_err();
    assert_eq!(decode(&bytes), Err(refused.clone()));
    refused
}

#[test]
fn shapes_that_have_another_form_are_refused() {
    let sender = ed25519().public_key().address();
    for chain_id in ["", "a b", "caf\u{e9}", "tab\t", &"x".repeat(51)] {
        let chain_id = chain_id.to_owned();
        let refused = refused(TransactionBody {
            chain_id,
            ..body(sender)
        });
        assert_eq!(refused, Invalid::ChainIdShape { limit: 50 });
    }
    let mut own = body(sender);
    own.fee_payer = Some(sender);
    assert_eq!(refused(own), Invalid::FeePayerIsSender);
    let mut none = body(sender);
    none.operations.clear();
    assert_eq!(refused(none), Invalid::NoOperations);
    let mut many = body(sender);
    many.operations = vec![many.operations[0].clone(); 257];
    assert_eq!(refused(many).name(), "too_many_operations");
    let mut empty = body(sender);
    empty.operations.push(Operation::Call {
        to: sender,
        method: String::new(),
        input: Vec::new(),
        value: 250,
    });
    assert_eq!(refused(empty), Invalid::EmptyMethod { index: 1 });
}

/// More gas than there can be would be read as the maximum, which has an encoding of its own.
#[test]
fn a_gas_limit_beyond_the_maximum_is_refused() {
    let transaction = transfer(&ed25519());
    let mut bytes = transaction.encode();
    let at = 1 + 4 + transaction.body().chain_id.len() + 32 + 8 + 8;
    let field = Field::GasLimit;
    bytes[at..at + 8].copy_from_slice(&i64::MAX.unsigned_abs().to_le_bytes());
    assert!(decode(&bytes).is_ok());
    bytes[at..at + 8].copy_from_slice(&(i64::MAX.unsigned_abs() + 1).to_le_bytes());
    assert_eq!(decode(&bytes), Err(Invalid::Malformed { field, at }));
}

#[test]
fn a_fee_payer_is_named_and_signs() {
    let both = sponsored(&ed25519(), &secp256k1());
    let [(_, _, sender), (_, _, payer)] = both.authorizations().collect::<Vec<_>>()[..] else {
        panic!("two signatures");
    };
    let unsigned =
        SignedTransaction::new(both.body().clone(), sender.clone(), None, &rules()).unwrap_err();
    assert_eq!(unsigned, Invalid::FeePayerSignature);
    let unnamed = signed(body(ed25519().public_key().address()), &ed25519());
    let (body, payer) = (unnamed.body().clone(), Some(payer.clone()));
    let unnamed = SignedTransaction::new(body, sender.clone(), payer, &rules()).unwrap_err();
    assert_eq!(unnamed, Invalid::FeePayerSignature);
}

#[test]
fn messages_say_where() {
    let bytes = transfer(&ed25519()).encode();
    let messages = [
        decode(&bytes[..20]).unwrap_err().to_string(),
        decode(&bytes[..bytes.len() - 1]).unwrap_err().to_string(),
    ];
    assert_eq!(
        messages,
        [
            "the transaction is cut: it ends in the field `sender`, which begins at byte 17",
            "the transaction is cut: it ends in the field `signature of the sender`, which begins \
             at byte 143",
        ]
    );
}
