//! The numbers and messages of invalid transactions. The numbers are part of consensus.

use expect_test::expect_file;
use fusee_contract::{Address, InvalidBatch, InvalidTransaction};
use fusee_engine::Gas;
use fusee_ledger::{Field, Invalid, KeyError, Role, Scheme, WebAuthnFault};

use crate::samples::address;

fn found_in_the_bytes() -> Vec<Invalid> {
    let (role, scheme) = (Role::Sender, Scheme::Secp256k1);
    let (field, at) = (Field::Nonce, 45);
    let (bytes, limit) = (9, 8);
    vec![
        Invalid::TooLarge { bytes, limit },
        Invalid::UnknownVersion {
            found: 2,
            expected: 1,
        },
        Invalid::Cut { field, at },
        Invalid::Malformed { field, at },
        Invalid::TrailingBytes { bytes },
        Invalid::ChainIdShape { limit },
        Invalid::FeePayerIsSender,
        Invalid::NoOperations,
        Invalid::TooManyOperations { count: 9, limit },
        Invalid::EmptyMethod { index: 3 },
        Invalid::FeePayerSignature,
        Invalid::SchemeNotAdmitted { role, scheme },
        Invalid::AuthorizationTooLarge { role, bytes, limit },
    ]
}

fn found_in_the_signatures() -> Vec<Invalid> {
    let (role, scheme) = (Role::FeePayer, Scheme::WebAuthn);
    let [expected, found]: [Address; 2] = [1, 2].map(address);
    vec![
        Invalid::OtherAccount {
            role,
            expected,
            found,
        },
        Invalid::WeakKey {
            role,
            source: KeyError::SmallOrder,
        },
        Invalid::WebAuthn {
            role,
            fault: WebAuthnFault::Challenge,
        },
        Invalid::WrongSignature { role, scheme },
    ]
}

fn found_in_a_block() -> Vec<Invalid> {
    let role = Role::Sender;
    let [limit, intrinsic, block, left] = [5, 6, 4, 3].map(Gas::new);
    vec![
        Invalid::OtherChain {
            found: "one".to_owned(),
            expected: "other".to_owned(),
        },
        Invalid::Expired {
            expiry: 5,
            height: 6,
        },
        Invalid::PastNonce { nonce: 1, next: 2 },
        Invalid::FutureNonce {
            nonce: 9,
            next: 2,
            window: 3,
        },
        Invalid::NoncesExhausted,
        Invalid::PriceBelowMinimum {
            price: 1,
            minimum: 2,
        },
        Invalid::GasLimitTooLow { limit, intrinsic },
        Invalid::GasLimitAboveBlock { limit, block },
        Invalid::CannotPay {
            role,
            cost: 2,
            balance: 1,
        },
        Invalid::CostTooLarge { role },
        Invalid::PriceWithoutFees { price: 3 },
        Invalid::QuotaExceeded {
            role,
            limit,
            left,
            end: 20,
        },
        Invalid::BlockFull { limit: "gas" },
    ]
}

fn found_in_the_operations() -> Vec<Invalid> {
    let [limit, intrinsic] = [5, 6].map(Gas::new);
    let (bytes, most) = (9, 8);
    let operations = [
        InvalidTransaction::GasLimitTooLow { limit, intrinsic },
        InvalidTransaction::ValueAboveBalance {
            value: 2,
            balance: 1,
        },
        InvalidTransaction::InputTooLarge { bytes, limit: most },
        InvalidTransaction::CodeTooLarge { bytes, limit: most },
        InvalidTransaction::ValueWithoutCall { value: 1 },
        InvalidTransaction::UnknownAction,
        InvalidTransaction::MethodTooLong { bytes, limit: most },
        InvalidTransaction::FeeAboveBalance { fee: 2, balance: 1 },
        InvalidTransaction::FeeTooLarge {
            price: 2,
            gas: limit,
        },
        InvalidTransaction::NoOperations,
    ];
    let operations = operations.map(|reason| {
        let is_of_one = matches!(reason, InvalidTransaction::InputTooLarge { .. });
        let operation = is_of_one.then_some(2);
        Invalid::Operations(InvalidBatch { reason, operation })
    });
    operations.to_vec()
}

#[test]
fn numbers_and_messages_are_golden() {
    let all = [
        found_in_the_bytes(),
        found_in_the_signatures(),
        found_in_a_block(),
        found_in_the_operations(),
    ]
    .concat();
    let mut codes: Vec<_> = all.iter().map(Invalid::code).collect();
    assert!(
        codes.is_sorted() && codes[0] > 0,
        "0 is that of included transactions"
    );
    codes.dedup();
    assert_eq!(codes.len(), all.len());
    for invalid in &all {
        let name = match invalid {
            Invalid::Operations(invalid) => invalid.reason.name(),
            other => other.name(),
        };
        assert_eq!(Invalid::name_of(invalid.code()), Some(name));
    }
    for none in [0, 31, 100, 111, u32::MAX] {
        assert_eq!(Invalid::name_of(none), None);
    }
    let line = |it: &Invalid| format!("{} {}: {it}\n", it.code(), it.name());
    let lines: String = all.iter().map(line).collect();
    expect_file!["golden/invalid_codes.txt"].assert_eq(&lines);
}
