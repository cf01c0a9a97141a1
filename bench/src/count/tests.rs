//! Tests of the comparison with the golden file.

use super::{ALLOCATING, Counted, EXACT, Tolerance, Totals, compare, totals};

fn check(golden: &str, ratio: f64, system_calls: f64) -> Result<(), String> {
    check_within(EXACT, golden, ratio, system_calls)
}

fn check_within(
    tolerance: Tolerance,
    golden: &str,
    ratio: f64,
    system_calls: f64,
) -> Result<(), String> {
    let counted = Counted {
        name: "wasmtime/fib".into(),
        ratio,
        system_calls,
        bare_system_calls: 0.0,
        tolerance,
    };
    compare(golden, &[counted]).map_err(|error| error.to_string())
}

#[test]
fn a_ratio_may_rise_by_a_hundredth_and_fall_by_any() {
    for ratio in [0.5, 1.25, 1.2624] {
        assert_eq!(check("wasmtime/fib 1.2500 0.00\n", ratio, 0.0), Ok(()));
    }
    let error = check("wasmtime/fib 1.2500 0.00\n", 1.2626, 0.0).unwrap_err();
    assert!(error.contains("more instructions"), "{error}");
}

#[test]
fn system_calls_may_fall_but_not_rise() {
    for system_calls in [0.0, 2.5, 3.004] {
        assert_eq!(
            check("wasmtime/fib 1.25 3.00\n", 1.25, system_calls),
            Ok(())
        );
    }
    let error = check("wasmtime/fib 1.25 3.00\n", 1.25, 3.02).unwrap_err();
    assert!(error.contains("system calls"), "{error}");
}

#[test]
fn the_heap_may_move_a_path_but_one_more_system_call_is_found() {
    let check =
        |ratio, calls| check_within(ALLOCATING, "wasmtime/fib 1.2500 2.00\n", ratio, calls).is_ok();
    assert!(check(1.29, 2.8));
    assert!(!check(1.31, 2.0));
    assert!(!check(1.25, 3.0));
}

#[test]
fn a_kernel_without_a_golden_ratio_is_an_error() {
    let error = check("wasmtime/fibonacci 1.2500 0.00\n", 1.25, 0.0).unwrap_err();
    assert!(error.contains("does not know wasmtime/fib"), "{error}");
}

#[test]
fn the_totals_of_a_file_are_found() {
    let events = "events: Ir sysCount sysTime\nfn=(1)\n1 2\n\n";
    let found = |line: &str| totals(&format!("{events}{line}\n")).ok();
    let expected = |system_calls| Totals {
        instructions: 2_800_559.0,
        system_calls,
    };
    assert_eq!(found("totals: 2800559 7 90"), Some(expected(7.0)));
    assert_eq!(found("totals: 2800559"), Some(expected(0.0)));
    assert!(totals("events: Ir\ntotals: 1\n").is_err());
    assert!(totals(events).is_err());
}
