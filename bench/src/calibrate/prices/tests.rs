//! Tests of the rewriting, on a small schedule and on the one there is.

use super::{grouped, rewrite};
use crate::calibrate::{Calibration, Item, Kind};

fn calibration(prices: &[(Kind, &str, u64)]) -> Calibration {
    let items = prices.iter().map(|(kind, name, price)| Item {
        kind: *kind,
        name: (*name).to_owned(),
        remark: String::new(),
        now: 1,
        least: 0,
        price: *price,
        time: [0.0, 0.0],
    });
    Calibration {
        items: items.collect(),
        cheap: [1.0, 1.0],
        unit: [1.0, 1.0],
    }
}

const SOURCE: &str = r#"
pub struct Dynamic {
    pub page: u32,
}
operators! {
    // operator, name, price in version 1
    Nop           "nop"                   0,
    TypedSelect   "select t"              1,
}
            version: 1,
            dynamic: Dynamic {
                page: 8,
            },
            instance: InstancePrices {
                page: 1_000,
            },
            frame: FrameSize { base: 64, slot: 8 },
"#;

#[test]
fn prices_go_where_they_stand() {
    let found = rewrite(
        SOURCE,
        &calibration(&[
            (Kind::Operator, "nop", 12),
            (Kind::Operator, "select t", 3),
            (Kind::Length, "page", 2),
            (Kind::Length, "page", 5),
            (Kind::Instance, "page", 1_234_567),
        ]),
    );
    let expected = SOURCE
        .replace(" 0,\n", "12,\n")
        .replace(" 1,\n}", " 3,\n}")
        .replace("page: 8,", "page: 5,")
        .replace("page: 1_000,", "page: 1_234_567,");
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn a_price_that_stands_nowhere_is_an_error() {
    let error = rewrite(SOURCE, &calibration(&[(Kind::Operator, "drop", 1)])).unwrap_err();
    assert!(error.to_string().contains("0 of the 1"), "{error}");
}

#[test]
fn digits_come_in_threes() {
    assert_eq!(
        [0, 12, 123, 1_234, 123_456, 1_234_567].map(grouped),
        ["0", "12", "123", "1_234", "123_456", "1_234_567"]
    );
}
