//! Published rules are final, and decide what a transaction costs before anything runs.

use expect_test::expect_file;
use fusee_engine::Gas;
use fusee_ledger::{LedgerRules, Scheme};

use crate::samples::{ed25519, rules, secp256k1, sponsored, transfer};

#[test]
fn published_rules_are_golden() {
    let published = LedgerRules::published();
    assert_eq!(published.last(), Some(&LedgerRules::latest()));
    let golden = [expect_file!["golden/rules_ledger-1.txt"]];
    assert_eq!(published.len(), golden.len());
    for (rules, golden) in published.into_iter().zip(golden) {
        golden.assert_eq(&format!(
            "{rules}encoding {}\n",
            hex::encode(rules.encode())
        ));
    }
}

#[test]
fn development_accounts_make_other_rules() {
    let rules = LedgerRules::v1().with_development_accounts();
    assert_eq!(rules.name, "ledger-1-development");
    assert_ne!(rules.id(), LedgerRules::v1().id());
    assert_eq!(rules.clone().with_development_accounts(), rules);
    assert_eq!(LedgerRules::v1().signature_price(Scheme::Development), None);
}

#[test]
fn bytes_and_signatures_are_paid() {
    let gas = |key| {
        let transaction = transfer(&key);
        let bytes = u64::try_from(transaction.size()).unwrap();
        rules().intrinsic_gas(&transaction).units() - 20 * bytes
    };
    assert_eq!(gas(ed25519()), 180_000);
    assert_eq!(gas(secp256k1()), 250_000);
    let both = sponsored(&ed25519(), &secp256k1());
    let bytes = u64::try_from(both.size()).unwrap();
    let expected = Gas::new(180_000 + 250_000 + 20 * bytes);
    assert_eq!(rules().intrinsic_gas(&both), expected);
}
