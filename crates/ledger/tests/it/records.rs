//! Encodings of parameters, blocks, headers and results, and the layout of the ledger's keys.

use expect_test::expect_file;
use fusee_contract::{Receipt, Rejection, Status};
use fusee_engine::{Gas, Trap};
use fusee_ledger::{
    Block, CallResult, DecodeError, Header, Misbehaviour, ParameterUpdate, Parameters, Phase,
    QuotaUse, TransactionResult, keys,
};
use fusee_state::{Diff, MemoryState};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    chain_samples::{header, parameters, report, rich_parameters},
    samples::address,
};

fn block() -> Block {
    Block {
        height: 7,
        time: 1_790_000_000_123,
        proposer: address(1),
        transactions: vec![vec![1, 2, 3], Vec::new()],
        misbehaviour: vec![report(1), report(2)],
    }
}

fn receipt(status: Status) -> Receipt {
    Receipt {
        status,
        gas_limit: Gas::new(50),
        gas_used: Gas::new(40),
        output: vec![1, 2],
        events: Vec::new(),
        deployed: None,
    }
}

fn result() -> TransactionResult {
    TransactionResult {
        code: 0,
        gas_used: Gas::new(90),
        gas_limit: Gas::new(100),
        fee: 180,
        receipts: vec![
            receipt(Status::Success),
            receipt(Status::Rejected(Rejection::InsufficientBalance)),
        ],
    }
}

fn call_result() -> CallResult {
    CallResult {
        index: 1,
        phase: Phase::End,
        receipt: receipt(Status::Trapped(Trap::Unreachable)),
        update: ParameterUpdate::Refused,
    }
}

#[test]
fn encodings_are_golden() {
    let quota_use = QuotaUse {
        window: 3,
        gas: Gas::new(5),
    };
    let records = [
        ("parameters", parameters().encode()),
        ("rich parameters", rich_parameters().encode()),
        ("block", block().encode()),
        ("header", header().encode()),
        ("header hash", header().hash().as_bytes().to_vec()),
        ("transaction result", result().encode()),
        (
            "invalid transaction",
            TransactionResult::invalid(17).encode(),
        ),
        ("call result", call_result().encode()),
        ("misbehaviour", Misbehaviour::encode_list(&[report(1)])),
        (
            "misbehaviour root",
            Misbehaviour::root(&block().misbehaviour).to_vec(),
        ),
        ("use of a quota", borsh::to_vec(&(1_u8, quota_use)).unwrap()),
        ("key of parameters", keys::parameters()),
        ("key of position", keys::position()),
        ("key of quota use", keys::quota_use(address(2))),
        ("key of quota", keys::quota(address(2))),
    ];
    let lines = records.map(|(name, bytes)| format!("{name}: {}\n", hex::encode(bytes)));
    expect_file!["golden/records.txt"].assert_eq(&lines.concat());
}

#[test]
fn what_is_encoded_is_decoded() {
    assert_eq!(Block::decode(&block().encode()).unwrap(), block());
    assert_eq!(Header::decode(&header().encode()).unwrap(), header());
    let decoded = TransactionResult::decode(&result().encode()).unwrap();
    assert_eq!(decoded, result());
    assert_eq!(decoded.status(), Some(result().receipts[1].status));
    let call = CallResult::decode(&call_result().encode()).unwrap();
    assert_eq!(call, call_result());
    let mut state = MemoryState::new();
    let entry = (keys::parameters(), Some(rich_parameters().encode()));
    state.apply(&Diff::from_iter([entry]));
    assert_eq!(Parameters::read(&state).unwrap(), rich_parameters());
}

#[test]
fn records_of_other_kinds_versions_and_lengths_are_refused() {
    let refused = |bytes: &[u8]| TransactionResult::decode(bytes).unwrap_err();
    assert!(matches!(refused(&[]), DecodeError::Empty));
    let mut other_version = result().encode();
    other_version[0] = 2;
    assert_eq!(
        refused(&other_version).to_string(),
        "the encoding has version 2, this program reads version 1"
    );
    assert!(matches!(
        refused(&call_result().encode()),
        DecodeError::Malformed(_)
    ));
    // The same fields as another kind.
    for (encoded, kind) in [(call_result().encode(), 0), (result().encode(), 1)] {
        let other = [&encoded[..1], &[kind], &encoded[2..]].concat();
        assert!(CallResult::decode(&other).is_err());
        assert!(TransactionResult::decode(&other).is_err());
    }
    for bytes in [result().encode(), header().encode(), block().encode()] {
        for cut in 1..bytes.len() {
            assert!(TransactionResult::decode(&bytes[..cut]).is_err());
            assert!(Header::decode(&bytes[..cut]).is_err());
            assert!(Block::decode(&bytes[..cut]).is_err());
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(TransactionResult::decode(&longer).is_err());
        assert!(Header::decode(&longer).is_err());
        assert!(Block::decode(&longer).is_err());
    }
}

/// A record with some bytes changed, and bytes after it.
fn forged() -> impl Strategy<Value = Vec<u8>> {
    let records = vec![
        rich_parameters().encode(),
        block().encode(),
        header().encode(),
        result().encode(),
        call_result().encode(),
    ];
    let change = (any::<prop::sample::Index>(), any::<u8>());
    let (changes, tail) = (vec(change, 0..4), vec(any::<u8>(), 0..3));
    (select(records), changes, tail).prop_map(|(mut bytes, changes, tail)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(tail);
        bytes
    })
}

/// The parameters of a state that has these bytes as such.
fn read_parameters(bytes: &[u8]) -> Option<Parameters> {
    let mut state = MemoryState::new();
    let entry = (keys::parameters(), Some(bytes.to_vec()));
    state.apply(&Diff::from_iter([entry]));
    Parameters::read(&state).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    /// Arbitrary bytes are refused, or are the encoding of what is read.
    #[test]
    fn bytes_have_one_meaning(bytes in prop_oneof![forged(), vec(any::<u8>(), 0..100)]) {
        let encodings = [
            Block::decode(&bytes).ok().map(|it| it.encode()),
            Header::decode(&bytes).ok().map(|it| it.encode()),
            TransactionResult::decode(&bytes).ok().map(|it| it.encode()),
            CallResult::decode(&bytes).ok().map(|it| it.encode()),
            read_parameters(&bytes).map(|it| it.encode()),
        ];
        for encoding in encodings.into_iter().flatten() {
            prop_assert_eq!(&encoding, &bytes);
        }
    }
}
