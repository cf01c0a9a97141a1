//! Tests of the comparison with the golden file.

use super::{Counted, compare, instructions};

fn check(golden: &str, ratio: f64) -> Result<(), String> {
    let name = "wasmtime/fib".into();
    compare(golden, &[Counted { name, ratio }]).map_err(|error| error.to_string())
}

#[test]
fn a_ratio_may_rise_by_a_hundredth_and_fall_by_any() {
    for ratio in [0.5, 1.25, 1.2624] {
        assert_eq!(check("wasmtime/fib 1.2500\n", ratio), Ok(()));
    }
    let error = check("wasmtime/fib 1.2500\n", 1.2626).unwrap_err();
    assert!(error.contains("more instructions"), "{error}");
}

#[test]
fn a_kernel_without_a_golden_ratio_is_an_error() {
    let error = check("wasmtime/fibonacci 1.2500\n", 1.25).unwrap_err();
    assert!(error.contains("does not know wasmtime/fib"), "{error}");
}

#[test]
fn the_total_of_a_file_is_found() {
    let file = "events: Ir\nfn=(1)\n1 2\n\ntotals: 2800559\n";
    assert_eq!(instructions(file).unwrap(), 2_800_559.0);
    assert!(instructions("events: Ir\n").is_err());
}
