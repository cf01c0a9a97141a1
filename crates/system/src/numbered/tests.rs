//! What no test can reach by calls: the last number.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_engine::{Gas, Interrupt};

use super::LAST;
use crate::{Billing, Call, ExitCode, State, SystemPrograms, supervisor::Depth};

/// Is interrupted whenever it is called.
const WAITS: &str = r#"(module
  (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
  (memory 1)
  (func (export "main") (param i32 i32) (result i32)
    (call $write (i32.const 0) (i32.const 1))
    (i32.const -3)))"#;

#[test]
fn ids_of_calls_end_with_the_greatest_number() {
    for lane in lanes() {
        let mut programs = SystemPrograms::new(Arc::new(lane.executor));
        let wasm = wat::parse_str(WAITS).expect("it is a module");
        let program = programs.register(&wasm, Billing::Metered);
        let program = program.expect("it is a system program");
        let mut transaction = programs.transaction(Interrupt::new());
        transaction.calls.numbered.last = LAST - 1;
        let [(last, first_gas), (refused, gas)] = [(); 2].map(|()| {
            let call = Call {
                state: State::Main,
                input: Vec::new(),
                gas: Gas::new(10_000_000),
            };
            let calls = &mut transaction.calls;
            let begun = calls.call_program(program, call, Depth::BelowWaiting);
            let step = transaction.drive(begun).expect("no engine fails");
            let answer = transaction.calls.answer(Ok(step));
            (answer.exit_code, answer.fuel_consumed)
        });
        assert_eq!([last, refused], [i32::MAX, ExitCode::UnknownError.code()]);
        assert!(first_gas > gas && gas > 0, "it ran, and made no instance");
    }
}
