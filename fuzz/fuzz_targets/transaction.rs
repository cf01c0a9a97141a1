//! Arbitrary bytes are refused, or are the one encoding of a signed transaction, whose signatures
//! are verified without a panic, alone as in a batch.
#![no_main]

use fusee_ledger::{LedgerRules, SignedTransaction, verify, verify_batch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let rules = LedgerRules::latest().with_development_accounts();
    let Ok(transaction) = SignedTransaction::decode(bytes, &rules) else {
        return;
    };
    assert_eq!(transaction.encode(), bytes);
    assert_eq!(transaction.id(), transaction.body().id());
    let single = verify(&transaction);
    assert_eq!(
        verify_batch(&[&transaction, &transaction]),
        [single.clone(), single]
    );
});
