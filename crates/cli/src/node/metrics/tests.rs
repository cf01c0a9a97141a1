//! Tests of the histogram, whose buckets the server has added up already.

use super::buckets;

#[test]
fn each_bucket_has_what_the_one_below_has_not() {
    let within = [0, 2, 2, 5, 5, 5, 5, 5, 5, 6];
    let buckets: Vec<u64> = buckets(8, &within)
        .iter()
        .map(|(_, count)| *count)
        .collect();
    assert_eq!(buckets, [0, 2, 0, 3, 0, 0, 0, 0, 0, 1, 2]);
}
