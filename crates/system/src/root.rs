//! Depth 0: a program whose `_exec` calls other programs, and whose `_resume` resumes them.
//!
//! A call that is interrupted is kept under a number, which the program gets instead of an exit
//! code.

use std::{
    any::Any,
    borrow::Cow,
    mem,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use fusee_engine::{CodeHash, EngineError, Gas};
use fusee_executor::{Action, Begin, Counting, Paused, PrepareError, PreparedProgram, RunError};

use crate::{
    Answer, Call, ExitCode, Interruption, State, Step, SystemError,
    host::{Context, NO_REQUEST, Request, deliver},
    numbered::NumberedCall,
    supervisor::{Calls, Depth, OutOfOrder, action, internal},
    syscalls,
    wire::ExecParams,
};

impl<'a> Calls<'a> {
    /// Serves a program that is suspended at depth 0.
    pub(crate) fn serve(
        &mut self,
        mut frame: Paused<'_, Box<Context>>,
    ) -> Result<Action<Self>, SystemError> {
        let begun = match frame.host.request.clone() {
            None => return Err(internal(NO_REQUEST)),
            Some(Request::Exec(params)) => {
                let input = read(&mut frame, &params.input);
                self.exec(&params, input)?
            }
            Some(Request::Resume {
                call,
                data,
                exit_code,
                fuel,
                ..
            }) => match self.numbered.remove(call) {
                None => Err(failed(ExitCode::UnknownError, "no call of this id waits")),
                Some(NumberedCall { interruption, told }) => {
                    let answer = Answer {
                        halted: true,
                        // `_resume` is free: a number without a call must not buy a copy.
                        output: read(&mut frame, &data),
                        fuel_consumed: fuel.first.cast_unsigned(),
                        fuel_refunded: fuel.refund,
                        exit_code,
                    };
                    let left = frame.host.gas_left_in_run(frame.guest.gas_left());
                    Ok(self.resume_nested(interruption, told, &answer, left)?)
                }
            },
        };
        let answer = match begun {
            Ok(Begin::Run(call)) => {
                // The calls of a transaction have limits of their own.
                let counting = Counting::Exempt;
                return Ok(Action::Call { call, counting });
            }
            Ok(Begin::Return { value, .. }) => self.answer(value),
            Err(answer) => answer,
        };
        Ok(action(deliver(frame, &answer)))
    }

    /// Begins a call for a program at depth 0, or answers it at once.
    fn exec(
        &mut self,
        params: &ExecParams,
        input: Vec<u8>,
    ) -> Result<Result<Begin<Self>, Answer>, SystemError> {
        let Some(state) = State::from_number(params.state) else {
            let message = "the state is neither 0 (main) nor 1 (deploy)";
            return Ok(Err(failed(ExitCode::MalformedBuiltinParams, message)));
        };
        let hash = CodeHash::from_bytes(params.code_hash);
        let call = Call {
            state,
            input,
            gas: Gas::new(params.fuel_limit),
        };
        let depth = Depth::BelowWaiting;
        Ok(Ok(match self.programs.find(hash) {
            Some(program) => {
                self.told = Gas::ZERO;
                self.call_program(program, call, depth)?
            }
            None => match self.find_contract(hash)? {
                Ok(prepared) => {
                    self.told = Gas::ZERO;
                    self.call_contract(&prepared, call, depth)?
                }
                Err(answer) => return Ok(Err(answer)),
            },
        }))
    }

    /// Resumes a call for a program at depth 0 that has `left` gas.
    fn resume_nested(
        &mut self,
        mut interruption: Interruption,
        told: Gas,
        answer: &Answer,
        left: Gas,
    ) -> Result<Begin<Self>, SystemError> {
        let claimed = Gas::new(answer.fuel_consumed);
        self.told = told.saturating_add(claimed);
        // It could use the gas that was there when it began. The caller may have used it since.
        interruption.withhold(left.saturating_add(claimed));
        self.resume(interruption, answer)
    }

    /// The program with a hash, which is no system program's; or the answer if there is none.
    fn find_contract(
        &self,
        code: CodeHash,
    ) -> Result<Result<Arc<PreparedProgram>, Answer>, SystemError> {
        // Asked each time: the programs that the executor has prepared differ between machines.
        let found = catch_unwind(AssertUnwindSafe(|| (self.find_code)(code)));
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

    /// The answer of a call to the program at depth 0 that made it.
    pub(crate) fn answer(&mut self, value: Result<Step, OutOfOrder>) -> Answer {
        let told = self.told;
        match value {
            // The embedder gets an error for this; a guest is told.
            Err(OutOfOrder) => failed(
                ExitCode::UnexpectedFatalExecutionFailure,
                &SystemError::OutOfOrder.to_string(),
            ),
            Ok(Step::Ended(result)) => {
                let used = result.gas_used.saturating_sub(told);
                Answer {
                    fuel_consumed: used.units(),
                    ..Answer::from(result)
                }
            }
            Ok(Step::Interrupted(interruption)) => self.keep(interruption, told),
        }
    }

    /// Keeps an interrupted call under a number, which is the answer.
    fn keep(&mut self, mut interruption: Interruption, told: Gas) -> Answer {
        let used = interruption.gas_used();
        let fuel_consumed = used.saturating_sub(told).units();
        let params = mem::take(&mut interruption.params);
        let call = NumberedCall {
            interruption,
            told: used,
        };
        match self.numbered.insert(call) {
            Some(number) => Answer {
                halted: false,
                output: params,
                fuel_consumed,
                fuel_refunded: 0,
                exit_code: number.cast_signed(),
            },
            None => Answer {
                fuel_consumed,
                ..failed(
                    ExitCode::CallDepthOverflow,
                    "a transaction has no more numbers for calls",
                )
            },
        }
    }
}

/// A range of the memory of a suspended program. The syscall has checked it.
fn read(frame: &mut Paused<'_, Box<Context>>, bytes: &Range<u64>) -> Vec<u8> {
    let length = bytes.end.saturating_sub(bytes.start);
    let mut memory = frame.guest.memory();
    let bytes = memory.read(bytes.start, length);
    bytes.map(Cow::into_owned).unwrap_or_default()
}

/// A panic of the embedder's search for code, as an error.
fn panicked(panic: Box<dyn Any + Send>) -> EngineError {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let message = match text.or_else(|| panic.downcast_ref::<String>().cloned()) {
        Some(message) => message,
        None => {
            // Dropping it might panic again.
            mem::forget(panic);
            "(a panic payload that is not text)".to_owned()
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
