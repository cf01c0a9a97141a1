//! Our side of the group `system`: calls of a program whose instance stays alive, and programs that
//! are interrupted from outside.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use fusee::sandbox::{
    Engine, EngineError, Executor, Gas, Interrupt, Outcome, RunError, RunRequest, Value,
};
use fusee::system::{
    Answer, Billing, Call, State, Step, SystemPrograms, contract_rules, contract_rules_v1_5,
    system_rules_v1_5,
};

use super::reserving;
use crate::{
    contest::{self, Recall, guest::Guest},
    measure::processor_time,
    system::{
        crypto::{CALLS, Looping},
        guest::{ANSWER, Busy, EXIT_CODE_BYTES, INPUT},
    },
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

/// Calls of a contract on Wasmtime that calls an import so many times: the time and the gas of one.
pub(crate) fn looping(wasm: &[u8]) -> Result<Looping> {
    let engine = reserving().instances(4).build()?;
    let executor = Arc::new(Executor::compiled(Arc::new(engine)).build());
    let programs =
        SystemPrograms::new(executor).rules(system_rules_v1_5(), contract_rules_v1_5())?;
    let wasm = wasm.to_vec();
    let run = move |calls: u32| -> Result<(Duration, u64)> {
        let mut transaction = programs.transaction(Interrupt::new());
        let call = Call {
            state: State::Main,
            input: calls.to_le_bytes().to_vec(),
            gas: Gas::new(1_000_000_000),
        };
        let (step, time) = processor_time(|| transaction.call_code(&wasm, call));
        match step? {
            Step::Ended(end) if end.exit_code.code() == 0 => Ok((time, end.gas_used.units())),
            other => bail!("the contract failed: {other:?}"),
        }
    };
    let gas = run(2 * CALLS)?.1.saturating_sub(run(CALLS)?.1) / u64::from(CALLS);
    let gauge = move || {
        let (one, many) = (run(1)?.0, run(1 + CALLS)?.0);
        Ok(many.saturating_sub(one).as_secs_f64() / f64::from(CALLS))
    };
    Ok((Box::new(gauge), gas))
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
