//! The look-up of exports by their names.

use super::*;
use crate::ValueType;

fn export(name: &str, params: Vec<ValueType>) -> Export {
    Export {
        name: name.to_owned(),
        params,
        results: Vec::new(),
    }
}

fn exports(names: &[&str]) -> Exports {
    let exports = names.iter().map(|name| export(name, Vec::new()));
    exports.collect()
}

/// The names, and the names with so many others behind them that they are searched.
fn few_and_many(names: &[&'static str]) -> [Vec<&'static str>; 2] {
    let others = ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"];
    [names.to_vec(), [names, &others].concat()]
}

#[test]
fn each_name_is_found_at_its_position_in_the_program() {
    let names = ["transfer", "", "balance", "a", "transferred", "Z", "é"];
    for names in few_and_many(&names) {
        let exports = exports(&names);
        for (position, name) in names.iter().enumerate() {
            assert_eq!(exports.position(name), Some(position), "{name}");
        }
        for unknown in ["b", "transfe", "transfers", "z", "\u{10ffff}"] {
            assert_eq!(exports.position(unknown), None, "{unknown}");
        }
        assert!(exports.iter().map(|export| &export.name).eq(names));
    }
    assert_eq!(Exports::default().position(""), None);
}

#[test]
fn of_equal_names_the_first_export_is_found() {
    for names in [
        ["twice", "other", "twice"],
        ["other", "twice", "twice"],
        ["twice", "twice", "twice"],
    ] {
        let first = names.iter().position(|name| *name == "twice");
        for names in few_and_many(&names) {
            assert_eq!(exports(&names).position("twice"), first);
        }
    }
}

#[test]
fn a_look_up_among_a_thousand_names_compares_twelve() {
    let exports: Exports = (0..1_000)
        .map(|number| export(&format!("method {number}"), Vec::new()))
        .collect();
    for name in ["method 0", "method 999", "method 500", "unknown", ""] {
        let mut compared = 0;
        let found = exports.first(|other| {
            compared += 1;
            other.cmp(name)
        });
        assert_eq!(found, exports.position(name));
        assert!(compared <= 12, "{name}: {compared} comparisons");
    }
}

#[test]
fn the_encoding_is_that_of_the_list() {
    let list = vec![
        export("b", vec![ValueType::I32]),
        export("a", vec![ValueType::F64, ValueType::I64]),
    ];
    let encoded = borsh::to_vec(&list).unwrap();
    let exports: Exports = list.into();
    assert_eq!(borsh::to_vec(&exports).unwrap(), encoded);
    let decoded = Exports::try_from_slice(&encoded).unwrap();
    assert_eq!(decoded, exports);
    assert_eq!(decoded.position("a"), Some(1));
}
