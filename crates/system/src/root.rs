//! Depth 0: a program whose `_exec` runs other programs, and whose `_resume` goes on with them.
//!
//! It is parked meanwhile. A call that is interrupted is kept under a number, which the program gets instead of an exit code.

use std::{
    any::Any,
    borrow::Cow,
    mem,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use fusee_engine::{CodeHash, EngineError, Gas};
use fusee_executor::{Outcome, PrepareError, Prepared, RunError, Suspended};

use crate::{
    Answer, Billing, Call, ExitCode, Interruption, State, Step, SystemError, Transaction,
    call::Waiting,
    host::{Context, Request},
    syscalls,
    transaction::go_on,
    wire::ExecParams,
};

/// The most calls of a transaction that are interrupted: the greatest number that a program can get.
const MOST_CALLS: u32 = i32::MAX.unsigned_abs();

/// A call that was interrupted, and the gas that was told of it so far.
#[derive(Debug)]
pub(crate) struct Kept {
    interruption: Interruption,
    told: Gas,
}

impl Transaction<'_> {
    /// Does what a program at depth 0 is parked for, and lets it go on.
    pub(crate) fn serve(&mut self, mut suspended: Suspended) -> Result<Outcome, SystemError> {
        let answer = self.serve_request(&mut suspended)?;
        let consumed = Gas::new(answer.fuel_consumed);
        go_on(suspended, &answer, consumed)
    }

    fn serve_request(&mut self, suspended: &mut Suspended) -> Result<Answer, SystemError> {
        let meter_left = suspended.gas_left();
        let context = suspended
            .host::<Context>()
            .ok_or(SystemError::LostContext)?;
        let left = match context.billing {
            Billing::Metered => meter_left,
            Billing::Unbilled => context.gas_left(),
        };
        let request = context.request.clone();
        match request.ok_or(SystemError::LostContext)? {
            Request::Exec(params) => {
                let input = read(suspended, &params.input);
                self.exec(&params, input)
            }
            Request::Resume {
                call,
                data,
                exit_code,
                fuel,
                ..
            } => {
                let Some(Kept {
                    mut interruption,
                    told,
                }) = self.kept.remove(&call)
                else {
                    return Ok(failed(ExitCode::UnknownError, "no call of this id waits"));
                };
                let answer = Answer {
                    halted: true,
                    // Read only now: `_resume` is free, so that an id that is none must not buy a copy.
                    output: read(suspended, &data),
                    fuel_consumed: fuel.first.cast_unsigned(),
                    fuel_refunded: fuel.refund,
                    exit_code,
                };
                let claimed = Gas::new(answer.fuel_consumed);
                let told = told.saturating_add(claimed);
                // It could use what there was when it began, and that may be gone by now.
                withhold(&mut interruption, left.saturating_add(claimed))?;
                match self.resume(interruption, &answer) {
                    // The embedder would be wrong to do that, and a guest that does is told so.
                    Err(error @ SystemError::OutOfOrder) => {
                        let code = ExitCode::UnexpectedFatalExecutionFailure;
                        Ok(failed(code, &error.to_string()))
                    }
                    step => self.tell(step?, told),
                }
            }
        }
    }

    fn exec(&mut self, params: &ExecParams, input: Vec<u8>) -> Result<Answer, SystemError> {
        let Some(state) = State::from_number(params.state) else {
            let message = "the state is neither 0 (main) nor 1 (deploy)";
            return Ok(failed(ExitCode::MalformedBuiltinParams, message));
        };
        let code = CodeHash::from_bytes(params.code_hash);
        let call = Call {
            state,
            input,
            gas: Gas::new(params.fuel_limit),
        };
        let step = match self.programs.find(code) {
            Some(program) => self.call(program, call)?,
            None => match self.find_code(code)? {
                Ok(prepared) => self.call_prepared(&prepared, call, None)?,
                Err(answer) => return Ok(answer),
            },
        };
        self.tell(step, Gas::ZERO)
    }

    /// The program of a hash that is no system program's, or what is answered where there is none.
    fn find_code(&self, code: CodeHash) -> Result<Result<Arc<Prepared>, Answer>, SystemError> {
        // Whoever has the code is asked each time: what the executor has prepared before differs from machine to machine.
        let found = catch_unwind(AssertUnwindSafe(|| (self.code)(code)));
        let found = found.map_err(|panic| RunError::from(panicked(panic)))?;
        let Some(wasm) = found else {
            let message = "there is no program of this hash";
            return Ok(Err(failed(ExitCode::MalformedBuiltinParams, message)));
        };
        let rules = &self.programs.contract_rules;
        match self.programs.executor.prepare(&wasm, rules) {
            Ok(prepared) if prepared.program().code_hash == code => Ok(Ok(prepared)),
            Ok(_) => Err(SystemError::WrongCode(code)),
            Err(PrepareError::Refused(_)) if CodeHash::of(&wasm) != code => {
                Err(SystemError::WrongCode(code))
            }
            Err(PrepareError::Refused(refusal)) => {
                let message = refusal.to_string();
                Ok(Err(failed(ExitCode::NotSupportedBytecode, &message)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What a program at depth 0 is told of a call, which used so much before and told it.
    fn tell(&mut self, step: Step, told: Gas) -> Result<Answer, SystemError> {
        match step {
            Step::Ended(end) => {
                let used = end.gas_used.saturating_sub(told);
                Ok(Answer {
                    fuel_consumed: used.units(),
                    ..Answer::from(end)
                })
            }
            Step::Interrupted(mut interruption) => {
                let used = self.gas_used(&mut interruption)?;
                let fuel_consumed = used.saturating_sub(told).units();
                let id = self.last_call.saturating_add(1);
                if id > MOST_CALLS {
                    let message = "a transaction has no more numbers for calls";
                    return Ok(Answer {
                        fuel_consumed,
                        ..failed(ExitCode::CallDepthOverflow, message)
                    });
                }
                self.last_call = id;
                let answer = Answer {
                    halted: false,
                    output: mem::take(&mut interruption.params),
                    fuel_consumed,
                    fuel_refunded: 0,
                    exit_code: id.cast_signed(),
                };
                let kept = Kept {
                    interruption,
                    told: used,
                };
                self.kept.insert(id, kept);
                Ok(answer)
            }
        }
    }
}

/// Leaves a call that waits no more gas than that, whatever it was given.
fn withhold(interruption: &mut Interruption, most: Gas) -> Result<(), SystemError> {
    match &mut interruption.waiting {
        Waiting::Returned { context, .. } => {
            context.withhold(context.gas_left(), most);
        }
        Waiting::Parked(suspended) => {
            let left = suspended.gas_left();
            let context = suspended.host::<Context>();
            let context = context.ok_or(SystemError::LostContext)?;
            if context.billing == Billing::Unbilled {
                context.withhold(context.gas_left(), most);
                return Ok(());
            }
            let excess = context.withhold(left, most);
            context.withheld = context.withheld.saturating_add(excess);
            // It is a part of what is left.
            let _ = suspended.charge(excess);
        }
    }
    Ok(())
}

/// A range of the memory of a parked program, which was looked at when it was parked.
fn read(suspended: &mut Suspended, bytes: &Range<u64>) -> Vec<u8> {
    let length = bytes.end.saturating_sub(bytes.start);
    let mut memory = suspended.memory();
    let bytes = memory.read(bytes.start, length);
    bytes.map(Cow::into_owned).unwrap_or_default()
}

/// What a panic of whoever looks for code comes to.
fn panicked(panic: Box<dyn Any + Send>) -> EngineError {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let message = match text.or_else(|| panic.downcast_ref::<String>().cloned()) {
        Some(message) => message,
        None => {
            // To drop it may be to panic again.
            mem::forget(panic);
            "something that is no text".to_owned()
        }
    };
    EngineError::HostPanicked {
        number: syscalls::EXEC,
        message,
    }
}

fn failed(code: ExitCode, message: &str) -> Answer {
    Answer {
        halted: true,
        output: message.as_bytes().to_vec(),
        exit_code: code.code(),
        ..Answer::default()
    }
}

#[cfg(test)]
mod tests;
