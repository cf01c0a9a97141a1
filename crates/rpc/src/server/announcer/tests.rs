//! What is kept for those that are behind.

use super::*;

fn announcement(height: u64, bytes: usize) -> Announcement {
    let text = format!("\"{}\"", "a".repeat(bytes.saturating_sub(2)));
    Announcement {
        height,
        with_ids: RawValue::from_string("1".to_owned()).unwrap(),
        in_full: RawValue::from_string(text).unwrap(),
        events: Vec::new(),
    }
}

fn kept(kept: &Kept) -> Vec<u64> {
    (0..200)
        .filter(|height| kept.at(*height).is_some())
        .collect()
}

#[test]
fn the_last_blocks_are_kept_up_to_a_number_and_a_size() {
    let mut all = Kept {
        last: 0,
        blocks: VecDeque::new(),
        bytes: 0,
    };
    for height in 1..=100 {
        all.push(announcement(height, 1_000));
    }
    assert_eq!(kept(&all), (37..=100).collect::<Vec<_>>());
    assert_eq!((all.last, all.bytes), (100, BEHIND * 1_001));
    all.push(announcement(101, KEPT_BYTES / 2));
    assert_eq!(kept(&all).len(), BEHIND);
    all.push(announcement(102, KEPT_BYTES / 2));
    assert_eq!(kept(&all), [102]);
    // One is kept however large it is.
    all.push(announcement(103, 2 * KEPT_BYTES));
    assert_eq!(kept(&all), [103]);
    all.push(announcement(104, 1_000));
    assert_eq!(kept(&all), [104]);
    all.skip(105);
    assert_eq!((kept(&all), all.bytes, all.last), (vec![], 0, 105));
}
