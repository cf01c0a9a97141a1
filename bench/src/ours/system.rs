//! Our side of the group `system`: calls of a program whose instance stays alive, and programs that
//! are interrupted from outside.

use std::sync::Arc;

use anyhow::{Result, bail};
use fusee::sandbox::{
    Engine, EngineError, Executor, Gas, Interrupt, Outcome, RunError, RunRequest, Value,
};
use fusee::system::{Answer, Billing, Call, State, Step, SystemPrograms, contract_rules};

use crate::{
    contest::{self, Recall, guest::Guest},
    system::guest::{ANSWER, Busy, EXIT_CODE_BYTES, INPUT},
};

/// More than any call uses.
const GAS: Gas = Gas::new(49_000_000);

/// Calls in one transaction. What a program wants on the way is answered at once.
pub(crate) fn call(engine: Arc<dyn Engine>, billing: Billing, guest: Guest) -> Result<Recall> {
    let executor = Executor::builder(engine).build();
    // A transaction borrows the programs, and both are as long there as this process measures.
    let programs = Box::leak(Box::new(SystemPrograms::new(Arc::new(executor))));
    let program = programs.register(&guest.wasm, billing)?;
    let mut transaction = programs.transaction(Interrupt::new());
    // Who has nothing to read from is given nothing.
    let input: &[u8] = if guest.answer > EXIT_CODE_BYTES {
        &INPUT
    } else {
        &[]
    };
    Ok(Box::new(move || {
        let call = Call {
            state: State::Main,
            input: input.to_vec(),
            gas: GAS,
        };
        let mut step = transaction.call(program, call)?;
        loop {
            match step {
                Step::Ended(end) => {
                    let answer = i32::try_from(end.output.len())?;
                    guest.check(answer)?;
                    return Ok(answer);
                }
                Step::Interrupted(interruption) => {
                    let answer = Answer {
                        halted: true,
                        output: ANSWER.to_vec(),
                        ..Answer::default()
                    };
                    step = transaction.resume(interruption, &answer)?;
                }
            }
        }
    }))
}

/// The same program as one that nobody trusts: an instance for each call. It asks its host for
/// nothing.
pub(crate) fn fresh(engine: Arc<dyn Engine>, guest: Guest) -> Result<contest::Call> {
    let executor = Executor::builder(engine).build();
    let prepared = executor.prepare(&guest.wasm, &contract_rules())?;
    Ok(Box::new(move || {
        let request = RunRequest::new(guest.entry, &[Value::I32(0); 2], GAS);
        match executor.run(&prepared, request, ())? {
            Outcome::Finished(finished) if finished.values() == [Value::I32(0)] => Ok(0),
            other => bail!("the guest did not return 0: {other:?}"),
        }
    }))
}

/// Runs a program that never ends, until it is interrupted.
pub(crate) fn busy(engine: Arc<dyn Engine>, wasm: &[u8]) -> Result<Busy> {
    let executor = Executor::builder(engine).build();
    let prepared = executor.prepare(wasm, &contract_rules())?;
    Ok(Box::new(move |interrupt| {
        let request = RunRequest {
            interrupt: Some(interrupt),
            ..RunRequest::new("run", &[], Gas::MAX)
        };
        match executor.run(&prepared, request, ()) {
            Err(RunError::Engine(EngineError::Interrupted)) => Ok(()),
            other => bail!("the guest was not interrupted: {other:?}"),
        }
    }))
}
