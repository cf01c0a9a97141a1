//! One test on every machine, and the comparison of what becomes of it; or on one.

use std::{
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use crate::{BuildError, Chain, Machine, chain::History};

/// Runs a test on every machine, and holds statuses, outputs, events and storage against each
/// other, also of transactions that [`restore`](Chain::restore) discarded. On both engines for
/// WebAssembly, gas has to be the same as well.
///
/// A machine whose toolchain is missing is skipped, which is told on the standard error output. Set
/// `FUSEE_TEST_REQUIRE_ALL` to fail instead, as in continuous integration.
///
/// # Panics
///
/// If the test fails on a machine, whose name is told, or two machines differ.
#[track_caller]
pub fn on_every_machine(test: impl Fn(&mut Chain)) {
    let mut first: Option<(Machine, History)> = None;
    let mut wasm_gas: Option<(Machine, Vec<u64>)> = None;
    for machine in Machine::ALL {
        let Some(chain) = run(machine, &test) else {
            continue;
        };
        let history = chain.history();
        match &first {
            None => first = Some((machine, history)),
            Some((before, expected)) => {
                if let Some(difference) = expected.difference(&history) {
                    panic!("{before} and {machine} differ: {difference}");
                }
            }
        }
        if matches!(machine, Machine::Wasmtime | Machine::Wasmi) {
            let gas = chain.gas_of_all();
            match &wasm_gas {
                None => wasm_gas = Some((machine, gas)),
                Some((before, expected)) => {
                    assert_eq!(expected, &gas, "the gas of {before} and {machine} differs");
                }
            }
        }
    }
}

/// Runs a test on one machine: for the gas of an engine, or what needs one.
///
/// A machine whose toolchain is missing is skipped, as by [`on_every_machine`].
///
/// # Panics
///
/// If the test fails.
#[track_caller]
pub fn on_machine(machine: Machine, test: impl FnOnce(&mut Chain)) {
    run(machine, test);
}

/// The chain that a test leaves; `None` if it is skipped.
#[track_caller]
fn run(machine: Machine, test: impl FnOnce(&mut Chain)) -> Option<Chain> {
    let mut chain = Chain::new(machine);
    match catch_unwind(AssertUnwindSafe(|| test(&mut chain))) {
        Ok(()) => Some(chain),
        Err(payload) if is_skipped(machine, &payload) => None,
        Err(payload) => {
            tell(&format!("the test failed on {machine}"));
            resume_unwind(payload)
        }
    }
}

/// Whether the test ended for want of a toolchain.
fn is_skipped(machine: Machine, payload: &Box<dyn std::any::Any + Send>) -> bool {
    let Some(BuildError::Missing { what, install }) = payload.downcast_ref() else {
        return false;
    };
    assert!(
        std::env::var_os("FUSEE_TEST_REQUIRE_ALL").is_none(),
        "{machine} needs {what}: {install}"
    );
    tell(&format!(
        "SKIPPED on {machine}: needs {what}. Install it: {install}"
    ));
    true
}

/// Tells it at once: the output of the macros is shown only for tests that fail.
fn tell(line: &str) {
    // If nobody can be told, the test goes on.
    let _ = writeln!(std::io::stderr(), "{line}");
}
