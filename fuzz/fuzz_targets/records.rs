//! Arbitrary bytes are refused, or are the one encoding of a record: of a block, as it is proposed
//! and as it is stored, its header and results, a genesis, changes of a state, or a proof. A file
//! of a genesis is read without a panic.
#![no_main]

use fusee_chain::StoredBlock;
use fusee_ledger::{Block, CallResult, Genesis, Header, TransactionResult};
use fusee_proof::Proof;
use fusee_state::Diff;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let encoded = match kind % 9 {
        0 => Block::decode(bytes).ok().map(|it| it.encode()),
        1 => Header::decode(bytes).ok().map(|it| it.encode()),
        2 => TransactionResult::decode(bytes).ok().map(|it| it.encode()),
        3 => CallResult::decode(bytes).ok().map(|it| it.encode()),
        4 => Genesis::decode(bytes).ok().map(|it| it.encode()),
        5 => Diff::decode(bytes).ok().map(|it| it.encode()),
        6 => StoredBlock::decode(bytes).ok().map(|it| it.encode()),
        7 => Proof::decode(bytes).ok().map(|it| it.encode()),
        _ => {
            if let Ok(genesis) = std::str::from_utf8(bytes).map(Genesis::parse) {
                let again = genesis
                    .ok()
                    .map(|it| Genesis::decode(&it.encode()).unwrap() == it);
                assert_ne!(again, Some(false));
            }
            None
        }
    };
    if let Some(encoded) = encoded {
        assert_eq!(encoded, bytes);
    }
});
