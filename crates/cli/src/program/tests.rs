//! Advice: every limit has some of its own.

use fusee::sandbox::Limits;

use super::advice_on_limit;

#[test]
fn every_limit_that_refuses_has_advice() {
    let unadvised: Vec<_> = Limits::v1()
        .iter()
        .map(|(limit, _)| limit)
        .filter(|limit| advice_on_limit(limit) == advice_on_limit("stack_bytes"))
        .collect();
    assert_eq!(unadvised, ["stack_bytes"]);
}
