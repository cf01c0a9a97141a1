//! Files of gas, and what differs from them.

use super::GasSnapshot;

fn snapshot(calls: &[(&str, u64)]) -> GasSnapshot {
    let mut snapshot = GasSnapshot::new();
    for (name, gas) in calls {
        snapshot.record(name, *gas);
    }
    snapshot
}

#[test]
fn a_file_has_what_was_recorded() {
    let gas = snapshot(&[("transfer", 302_498), ("a call of two words", 1)]);
    assert_eq!(GasSnapshot::parse(&gas.to_string()), Ok(gas));
    assert_eq!(
        GasSnapshot::parse("much transfer"),
        Err("much transfer".to_owned())
    );
}

#[test]
fn a_difference_names_what_changed() {
    let before = snapshot(&[("approve", 100), ("gone", 1), ("transfer", 1_000)]);
    let after = snapshot(&[("approve", 100), ("new", 2), ("transfer", 1_011)]);
    let told = before.difference(&after, 0).to_string();
    assert!(
        told.contains("transfer: 1000 before, 1011 now (+11)"),
        "{told}"
    );
    assert!(
        told.contains("gone: 1 before, gone") && told.contains("new: new, 2"),
        "{told}"
    );
    assert!(!told.contains("approve"), "{told}");
    let told = before.difference(&after, 11).to_string();
    assert!(!told.contains("transfer"), "{told}");
}
