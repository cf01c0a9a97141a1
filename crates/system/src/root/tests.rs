//! What a program at depth 0 cannot reach in a test: the last number of a call. And states that it makes up.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_engine::Interrupt;

use crate::{Billing, ExitCode, SystemPrograms, Transaction, root::MOST_CALLS, wire::ExecParams};

/// Is interrupted whenever it is called.
const WAITS: &str = r#"(module
  (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
  (memory 1)
  (func (export "main") (param i32 i32) (result i32)
    (call $write (i32.const 0) (i32.const 1))
    (i32.const -3)))"#;

fn with_program<T>(body: impl Fn(&mut Transaction<'_>, ExecParams) -> T) -> Vec<T> {
    let on = |lane: fusee_conformance::Lane| {
        let mut programs = SystemPrograms::new(Arc::new(lane.executor));
        let wasm = wat::parse_str(WAITS).expect("it is a module");
        let program = programs
            .register(&wasm, Billing::Metered)
            .expect("it is a system program");
        let params = ExecParams {
            code_hash: *program.code.as_bytes(),
            fuel_limit: 10_000_000,
            state: 0,
            fuel16_ptr: 0,
            input: 0..0,
        };
        body(&mut programs.transaction(Interrupt::new()), params)
    };
    lanes().into_iter().map(on).collect()
}

#[test]
fn ids_of_calls_end_with_the_greatest_number() {
    let found = with_program(|transaction, params| {
        transaction.last_call = MOST_CALLS - 1;
        [(); 2].map(|()| {
            let answer = transaction.exec(&params, Vec::new());
            answer.expect("no engine fails").exit_code
        })
    });
    for codes in found {
        assert_eq!(codes, [i32::MAX, ExitCode::CallDepthOverflow.code()]);
    }
}

#[test]
fn a_state_that_is_none_is_malformed() {
    let found = with_program(|transaction, params| {
        let params = ExecParams { state: 2, ..params };
        let answer = transaction.exec(&params, Vec::new());
        answer.expect("no engine fails").exit_code
    });
    for code in found {
        assert_eq!(code, ExitCode::MalformedBuiltinParams.code());
    }
}
