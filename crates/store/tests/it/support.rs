//! A stream of transactions that is a function of their numbers, and the state it leads to.

use fusee_state::{Diff, Direction, KeyRange, MemoryState, StateReader};
use fusee_store::{Commit, Snapshot, Store};

/// What transaction `sequence` changes: keys of its own, keys that many transactions share, large
/// values now and then, and removals of what came before.
pub(crate) fn diff(sequence: u64) -> Diff {
    let own = |sequence: u64| format!("own/{sequence:020}").into_bytes();
    let size = if sequence.is_multiple_of(16) {
        20_000
    } else {
        40
    };
    let value = vec![sequence.to_le_bytes()[0]; size];
    let mut changes = vec![
        (b"latest".to_vec(), Some(sequence.to_le_bytes().to_vec())),
        (own(sequence), Some(value)),
        (
            format!("shared/{}", sequence % 7).into_bytes(),
            Some(own(sequence)),
        ),
        (format!("shared/{}", sequence % 5).into_bytes(), None),
    ];
    if let Some(earlier) = sequence.checked_sub(10) {
        changes.push((own(earlier), None));
    }
    changes.into_iter().collect()
}

pub(crate) fn receipt(sequence: u64) -> Vec<u8> {
    format!("receipt of {sequence}").into_bytes()
}

/// Commits the next transaction of the stream.
pub(crate) fn advance(store: &Store, sequence: u64) {
    let commit = Commit {
        sequence,
        diff: &diff(sequence),
        receipt: &receipt(sequence),
    };
    assert_eq!(store.commit(commit).unwrap(), sequence);
}

/// The state after the first `sequence` transactions.
pub(crate) fn model(sequence: u64) -> MemoryState {
    let mut state = MemoryState::new();
    for sequence in 0..sequence {
        state.apply(&diff(sequence));
    }
    state
}

/// Checks that a snapshot is what the first transactions of the stream, as many as it says, lead
/// to: all of each, and nothing of any other.
pub(crate) fn check(snapshot: &Snapshot) {
    let model = model(snapshot.sequence());
    let entries: MemoryState = snapshot.scan(b"").unwrap().map(Result::unwrap).collect();
    assert!(
        entries == model,
        "state after {} is not the model's",
        snapshot.sequence()
    );
    for (key, value) in model.iter() {
        assert_eq!(snapshot.read(key).unwrap().as_deref(), Some(value));
    }
    // A search of each end of the state, and around some keys.
    let mut ends = vec![b"".to_vec(), b"own/".to_vec(), b"own0".to_vec(), vec![0xff]];
    ends.extend(model.iter().step_by(5).map(|(key, _)| key.to_vec()));
    for (start, end) in ends
        .iter()
        .flat_map(|start| ends.iter().map(move |end| (start, end)))
    {
        for direction in [Direction::Ascending, Direction::Descending] {
            let range = KeyRange::new(start, end);
            let expected = model.seek(range, direction).unwrap();
            assert_eq!(snapshot.seek(range, direction).unwrap(), expected);
        }
    }
    let receipts = snapshot.receipts(0..u64::MAX).unwrap().map(Result::unwrap);
    let expected = (0..snapshot.sequence()).map(|sequence| (sequence, receipt(sequence)));
    assert!(
        receipts.eq(expected),
        "receipts after {}",
        snapshot.sequence()
    );
}
