//! Files of gas, and what differs from them.

use std::fs;

use serde_json::{Value, json};

use super::{GasSnapshot, Mode};

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

#[test]
fn a_file_that_is_missing_is_written_unless_it_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gas.txt");
    let gas = snapshot(&[("transfer", 1_000)]);
    let told = gas
        .check_as(&Mode::Check, &file, 0)
        .unwrap_err()
        .to_string();
    assert!(told.contains("there is no file"), "{told}");
    assert!(told.contains("gas.txt"), "{told}");
    assert!(told.contains("transfer: new, 1000"), "{told}");
    assert!(told.contains("fusee test --update-gas"), "{told}");
    assert!(!file.exists());
    gas.check_as(&Mode::Keep, &file, 0).unwrap();
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "        1000 transfer\n"
    );
    for mode in [Mode::Keep, Mode::Check] {
        gas.check_as(&mode, &file, 0).unwrap();
        let later = snapshot(&[("transfer", 1_002)]);
        later.check_as(&mode, &file, 2).unwrap();
        let told = later.check_as(&mode, &file, 1).unwrap_err().to_string();
        assert!(told.contains("1000 before, 1002 now (+2)"), "{told}");
    }
    snapshot(&[("approve", 7)])
        .check_as(&Mode::Update, &file, 0)
        .unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "           7 approve\n");
}

/// `fusee test --diff` reads these files: its own test has the same text.
#[test]
fn a_comparison_is_a_file_of_its_own_and_fails_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().join("reports");
    fs::create_dir(&reports).unwrap();
    let mode = Mode::Diff(reports.clone());
    let file = folder.path().join("gas.txt");
    let gas = snapshot(&[("transfer", 1_000)]);
    gas.check_as(&mode, &file, 0).unwrap();
    assert!(!file.exists());
    fs::write(&file, snapshot(&[("transfer", 900)]).to_string()).unwrap();
    gas.check_as(&mode, &file, 0).unwrap();
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(reports.join(name)).unwrap()).unwrap()
    };
    let file = file.display().to_string();
    let now = json!({"transfer": 1000});
    assert_eq!(
        read("0.json"),
        json!({"file": file, "before": null, "now": now})
    );
    let before = json!({"transfer": 900});
    assert_eq!(
        read("1.json"),
        json!({"file": file, "before": before, "now": now})
    );
}
