//! Memory limits as systems tell them.

use super::{limit, part, total};

#[test]
fn the_tightest_limit_counts() {
    assert_eq!(limit("536870912\n"), Some(512 << 20));
    assert_eq!(limit("max\n"), None);
    assert_eq!(
        total("MemTotal:       24579000 kB\nMemFree: 1 kB\n"),
        Some(24_579_000 * 1_024)
    );
    assert_eq!(total("what else"), None);
    assert_eq!(part(Some(512 << 20)), 128 << 20);
    assert_eq!(part(Some(1 << 20)), 16 << 20);
    assert_eq!(part(None), 256 << 20);
}
