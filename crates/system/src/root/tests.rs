//! What no program of a test names as a state.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_engine::Interrupt;

use crate::{ExitCode, SystemPrograms, wire::ExecParams};

#[test]
fn a_state_that_is_none_is_malformed() {
    for lane in lanes() {
        let programs = SystemPrograms::new(Arc::new(lane.executor));
        let mut transaction = programs.transaction(Interrupt::new());
        let params = ExecParams {
            code_hash: [0; 32],
            fuel_limit: 10_000_000,
            state: 2,
            fuel16_ptr: 0,
            input: 0..0,
        };
        let begun = transaction.calls.exec(&params, Vec::new());
        let answer = begun.expect("no engine fails").err();
        let answer = answer.expect("it is answered at once");
        assert_eq!(answer.exit_code, ExitCode::MalformedBuiltinParams.code());
    }
}
