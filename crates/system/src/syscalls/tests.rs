//! Names and prices, held against those of the interface.

use super::*;

fn price(name: &str, bytes: u64) -> u64 {
    let rules = v1();
    let rule = rules.iter().find(|rule| rule.name == name).unwrap();
    rule.price.call(bytes).units()
}

#[test]
fn prices_are_those_of_the_interface() {
    for name in [
        "_state",
        "_input_size",
        "_output_size",
        "_fuel",
        "_charge_fuel",
    ] {
        assert_eq!(price(name, 0), 400, "{name}");
    }
    for name in ["_read", "_write", "_read_output", "_forward_output"] {
        let found = [0, 1, 32, 33].map(|bytes| price(name, bytes));
        assert_eq!(found, [400, 460, 460, 520], "{name}");
    }
    assert_eq!(
        [0, 1, 64].map(|bytes| price("_debug_log", bytes)),
        [1000, 1320, 1640]
    );
    assert_eq!(
        [0, 1, 64].map(|bytes| price("_keccak256", bytes)),
        [600, 720, 840]
    );
    for name in ["_sha256", "_blake3"] {
        assert_eq!(
            [0, 1, 64].map(|bytes| price(name, bytes)),
            [1200, 1440, 1680],
            "{name}"
        );
    }
    // 3 w + w w / 512, times 20.
    let found = [0, 1, 32, 33, 32 * 512, u64::MAX].map(|bytes| price("_exec", bytes));
    let most = found[5];
    assert_eq!(found[..5], [0, 60, 60, 120, (1536 + 512) * 20]);
    assert_eq!(most, fusee_engine::Gas::MAX.units(), "saturated");
    assert_eq!([price("_exit", 99), price("_resume", 99)], [0, 0]);
}

#[test]
fn names_and_signatures_are_those_of_the_interface() {
    use ValueType::{I32, I64};
    let found: Vec<_> = v1()
        .into_iter()
        .map(|one| (one.module, one.name, one.params, one.result))
        .collect();
    let expected = [
        ("_exit", vec![I32], None),
        ("_state", vec![], Some(I32)),
        ("_read", vec![I32; 3], None),
        ("_input_size", vec![], Some(I32)),
        ("_write", vec![I32; 2], None),
        ("_output_size", vec![], Some(I32)),
        ("_read_output", vec![I32; 3], None),
        ("_forward_output", vec![I32; 2], None),
        ("_exec", vec![I32; 5], Some(I32)),
        ("_resume", vec![I32; 5], Some(I32)),
        ("_fuel", vec![], Some(I64)),
        ("_charge_fuel", vec![I64], None),
        ("_debug_log", vec![I32; 2], None),
        ("_keccak256", vec![I32; 3], None),
        ("_sha256", vec![I32; 3], None),
        ("_blake3", vec![I32; 3], None),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(name, params, result)| {
            (
                "fluentbase_v1preview".to_owned(),
                name.to_owned(),
                params,
                result,
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_constants_are_those_of_the_interface() {
    use crate::{FUEL_DENOM_RATE, State, SystemLimits, SystemPrices, contract_rules, system_rules};
    assert_eq!([State::Main, State::Deploy].map(State::number), [0, 1]);
    let states = [0, 1, 2].map(State::from_number);
    assert_eq!(states, [Some(State::Main), Some(State::Deploy), None]);
    assert_eq!(FUEL_DENOM_RATE, 20);
    let pages = [contract_rules(), system_rules()].map(|rules| rules.limits().memory_pages);
    assert_eq!(pages, [1_024, 32_768]);
    let limits = SystemLimits::default();
    assert_eq!((limits.depth, limits.memory_bytes), (1_024, 1_536 << 20));
    let prices = SystemPrices::default();
    let units = [
        prices.call,
        prices.answer.call(33),
        prices.code.base,
        prices.code.length(10),
    ];
    assert_eq!(units.map(|gas| gas.units()), [1_500, 120, 5_000, 20]);
}
