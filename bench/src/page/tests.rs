//! Tests of what a page says.

use super::version;
use crate::{
    contract,
    executor::page::PAGE,
    measure::pairs,
    report::{Cost, Findings, Latency, Row, Unit},
    system,
};

fn text(rows: &[Row]) -> String {
    PAGE.text(&Findings::from(rows.to_vec()))
}

fn check(rows: &[Row], line: &str) {
    let text = text(rows);
    assert!(text.lines().any(|found| found == line), "{text}");
}

fn row(name: &str, peer_name: &'static str) -> Row {
    let samples = pairs(&[2e-6, 2e-6], &[4e-6, 4e-6]);
    Row::new(name.into(), peer_name, Unit::Microseconds, &samples)
}

#[test]
fn ours_stands_beside_the_first_of_its_peers() {
    let rows = [
        row("call/fresh/tiny", "wasmtime"),
        row("call/fresh/tiny", "wasmi"),
    ];
    check(
        &rows,
        "| `call/fresh/tiny` | 2.00 us | 4.00 us | wasmtime | 0.50 | 0.50..0.50 |",
    );
    check(&rows, "|  |  | 4.00 us | wasmi | 0.50 | 0.50..0.50 |");
}

#[test]
fn threads_are_told_in_calls_a_second_too() {
    check(
        &[row("threads/2/tiny", "wasmi")],
        "| `threads/2/tiny` | 2.00 us, 500000/s | 4.00 us, 250000/s | wasmi | 0.50 | 0.50..0.50 |",
    );
}

#[test]
fn transactions_are_told_in_a_second_too() {
    let samples = pairs(&[2e-9], &[4e-9]);
    let nested = Row::new(
        "contract/nested".into(),
        "wasmtime",
        Unit::Nanoseconds,
        &samples,
    );
    let text = contract::page::PAGE.text(&Findings::from(vec![
        row("contract/transfer", "cosmwasm-vm pinned"),
        nested,
    ]));
    for line in [
        "| `contract/transfer` | 2.00 us, 500000/s | 4.00 us, 250000/s | cosmwasm-vm pinned | 0.50 | 0.50..0.50 |",
        "| `contract/nested` | 2.00 ns, 500000000/s | 4.00 ns, 250000000/s | wasmtime | 0.50 | 0.50..0.50 |",
    ] {
        assert!(text.lines().any(|found| found == line), "{text}");
    }
}

#[test]
fn a_section_without_rows_is_not_there() {
    assert!(!text(&[row("call/fresh/tiny", "wasmi")]).contains("## Calls that wait"));
}

#[test]
fn releases_are_read_from_the_lock_files() {
    let lock =
        "name = \"wasmi_core\"\nversion = \"1.0.0\"\nname = \"wasmi\"\nversion = \"2.0.0\"\n";
    assert_eq!(version(lock, "wasmi"), "2.0.0");
    assert!(!PAGE.versions().contains("unknown"));
}

#[test]
fn latencies_are_told_by_their_percentiles_and_costs_by_their_gas() {
    let latency = |side| Latency {
        name: "cancel/loop",
        side,
        milliseconds: (1..=100).rev().map(f64::from).collect(),
    };
    let found = Findings {
        rows: Vec::new(),
        latencies: vec![latency("ours"), latency("wasmtime")],
        costs: vec![Cost {
            name: "crypto/secp256k1_add".into(),
            nanoseconds: 1_500.0,
            gas: 3_000,
        }],
    };
    let text = system::page::PAGE.text(&found);
    for line in [
        "| `cancel/loop` | ours | 50.0 ms | 90.0 ms | 99.0 ms | 100 ms | 100 |",
        "| `crypto/secp256k1_add` | 1500 ns | 3000 | 500 ns |",
        "|  | wasmtime | 50.0 ms | 90.0 ms | 99.0 ms | 100 ms | 100 |",
    ] {
        assert!(text.lines().any(|found| found == line), "{text}");
    }
}
