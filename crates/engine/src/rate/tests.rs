//! The price of units does not depend on the parts in which they are spent.

use super::*;

const RATES: [(u32, u32); 6] = [(1, 1), (3, 1), (1, 3), (7, 5), (5, 7), (u32::MAX, 1)];

fn rate((gas, units): (u32, u32)) -> Rate {
    Rate::new(gas.try_into().unwrap(), units.try_into().unwrap())
}

#[test]
fn parts_cost_what_the_whole_costs() {
    for parts in [&[1; 100][..], &[3, 0, 17, 1, 79], &[100]] {
        for rate in RATES.map(rate) {
            let mut tally = Tally::new(rate);
            let sum = parts.iter().fold(Gas::ZERO, |sum, part| {
                sum.saturating_add(tally.spend(*part))
            });
            assert_eq!(sum, rate.price(100), "{rate:?} {parts:?}");
        }
    }
}

#[test]
fn an_allowance_is_the_most_that_its_gas_pays_for() {
    for rate in RATES.map(rate) {
        for spent in [0, 1, 2, 3, 100] {
            for gas in [0, 1, 2, 3, 5, 1_000] {
                let mut tally = Tally::new(rate);
                tally.spend(spent);
                let most = tally.allowance(Gas::new(gas));
                let mut exact = tally;
                assert!(exact.spend(most) <= Gas::new(gas), "{rate:?} {spent} {gas}");
                assert!(
                    tally.spend(most + 1) > Gas::new(gas),
                    "{rate:?} {spent} {gas}"
                );
            }
        }
    }
}

#[test]
fn prices_are_rounded_up_and_never_wrap() {
    assert_eq!(rate((1, 3)).price(1), Gas::new(1));
    assert_eq!(rate((1, 3)).price(4), Gas::new(2));
    assert_eq!(rate((u32::MAX, 1)).price(u64::MAX), Gas::MAX);
    assert_eq!(rate((1, u32::MAX)).affordable(Gas::MAX), u64::MAX);
    let mut tally = Tally::new(rate((7, 5)));
    tally.spend(u64::MAX);
    assert_eq!(tally.spend(u64::MAX), Gas::ZERO);
}

#[test]
fn prices_go_on_where_a_product_outgrows_64_bits() {
    let rate = rate((7, 5));
    let last = u64::MAX / 7;
    for units in last - 20..last + 20 {
        let exact = (u128::from(units) * 7).div_ceil(5);
        assert_eq!(u128::from(rate.price(units).units()), exact, "{units}");
    }
    let last = u64::MAX / 5;
    for gas in last - 20..last + 20 {
        let exact = u128::from(gas) * 5 / 7;
        assert_eq!(u128::from(rate.affordable(Gas::new(gas))), exact, "{gas}");
    }
}
