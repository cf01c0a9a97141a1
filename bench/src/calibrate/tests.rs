//! Tests of the arithmetic from times to prices.

use super::{Calibration, Item, Kind, MOST, each_engine, whole};

fn item(name: &str, time: [f64; 2]) -> Item {
    Item {
        kind: Kind::Operator,
        name: name.to_owned(),
        remark: String::new(),
        now: 7,
        least: 1,
        price: 7,
        time,
    }
}

fn price(calibration: &Calibration, name: &str) -> u64 {
    let mut items = calibration.items.iter();
    items.find(|item| item.name == name).unwrap().price
}

#[test]
fn a_price_is_that_of_the_engine_where_the_operator_is_dearest() {
    let found = Calibration::of(vec![
        item("i32.add", [1.0, 4.0]),
        item("i64.xor", [1.0, 4.0]),
        item("i64.mul", [3.1, 4.0]),
        item("call", [2.0, 22.0]),
        item("if", [0.0, 0.0]),
        item("unreachable", [f64::NAN, f64::NAN]),
    ]);
    assert_eq!(found.unit, [1.0, 4.0]);
    let prices = ["i32.add", "i64.mul", "call", "if", "unreachable"];
    assert_eq!(prices.map(|name| price(&found, name)), [1, 3, 6, 1, 7]);
}

#[test]
fn a_family_costs_what_its_dearest_does() {
    let found = Calibration::of(vec![
        item("i32.add", [1.0, 1.0]),
        item("i32.load8_s", [5.0, 1.0]),
        item("i64.load", [4.0, 1.0]),
        item("i64.store", [4.0, 1.0]),
    ]);
    let prices = ["i32.load8_s", "i64.load", "i64.store"];
    assert_eq!(prices.map(|name| price(&found, name)), [5, 5, 4]);
}

/// What three of four operators cost because of the first engine makes the fourth stand out on the
/// second.
#[test]
fn what_stands_out_on_one_engine_is_weighted() {
    let found = Calibration::of(vec![
        item("i32.add", [1.0, 4.0]),
        item("i32.mul", [4.0, 5.0]),
        item("call", [4.0, 5.0]),
        item("select", [4.0, 5.0]),
    ]);
    for fairness in each_engine(|engine| found.fairness(engine, |item| item.price)) {
        assert!(fairness.ratio <= MOST, "{fairness:?}");
    }
    assert!(found.unit[1] < found.cheap[1]);
}

#[test]
fn numbers_are_rounded_up_and_not_below_zero() {
    let numbers = [-1.0, 0.0, 0.1, 1.0, 1.000_1, 181_494.2, 1e12];
    let expected = [0, 0, 1, 1, 2, 181_495, u64::from(u32::MAX)];
    assert_eq!(numbers.map(whole), expected);
}
