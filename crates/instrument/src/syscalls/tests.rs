//! Prices by number, and what lengths cost.

use super::*;

fn rule(number: u32, base: u64) -> SyscallRule {
    SyscallRule {
        module: "m".to_owned(),
        name: format!("f{number}"),
        number,
        params: Vec::new(),
        result: None,
        may_suspend: false,
        price: SyscallPrice::bytes(base, 0),
    }
}

#[test]
fn each_number_has_its_price_and_other_numbers_have_none() {
    let last = DENSE_NUMBERS - 1;
    let numbers = [7, 0, last, 1_000, u32::MAX, DENSE_NUMBERS];
    let rules: Vec<_> = (1..)
        .zip(numbers)
        .map(|(base, number)| rule(number, base))
        .collect();
    let prices = SyscallPrices::new(&rules);
    for rule in &rules {
        assert_eq!(
            prices.price(rule.number),
            Some(&rule.price),
            "{}",
            rule.number
        );
    }
    for number in [
        1,
        6,
        8,
        999,
        1_001,
        last - 1,
        DENSE_NUMBERS + 1,
        u32::MAX - 1,
    ] {
        assert_eq!(prices.price(number), None, "{number}");
    }
    assert_eq!(SyscallPrices::new(&[]).price(0), None);
}

#[test]
fn of_two_rules_with_one_number_the_first_counts() {
    for number in [3, DENSE_NUMBERS] {
        let prices = SyscallPrices::new(&[rule(number, 1), rule(number, 2)]);
        assert_eq!(prices.price(number), Some(&SyscallPrice::bytes(1, 0)));
    }
}

#[test]
fn lengths_cost_by_the_unit_and_its_square() {
    let cost = |price: SyscallPrice, bytes| price.call(bytes).units();
    let bytes = SyscallPrice::bytes(100, 2);
    assert_eq!(
        [0, 1, 33].map(|length| cost(bytes, length)),
        [100, 102, 166]
    );
    let words = SyscallPrice::words(400, 60);
    assert_eq!(
        [0, 1, 32, 33].map(|length| cost(words, length)),
        [400, 460, 460, 520]
    );
    let square = SyscallPrice::words(0, 60).with_square(20);
    assert_eq!(cost(square, 32 * 22), 22 * 60, "484 square words");
    assert_eq!(cost(square, 32 * 23), 23 * 60 + 20, "529 square words");
    assert_eq!(cost(square, 32 * 512), (1_536 + 512) * 20);
    assert_eq!(square.call(u64::MAX), Gas::MAX, "saturated");
    assert_eq!(SyscallPrice::FREE.call(u64::MAX), Gas::ZERO);
}
