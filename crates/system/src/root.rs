//! Depth 0: a program whose `_exec` calls other programs, and whose `_resume` resumes them.
//!
//! A call that is interrupted is kept under a number, which the program gets instead of an exit
//! code. The program pays for each call, and for code that is looked up and hashed, before that
//! happens.

use std::{
    any::Any,
    borrow::Cow,
    mem,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use fusee_engine::{CodeHash, EngineError, Gas, Stop};
use fusee_executor::{Action, Begin, Counting, Paused, PrepareError, PreparedProgram, RunError};

use crate::{
    Answer, Call, ExitCode, Interruption, State, Step, SystemError,
    host::{CallContext, NO_REQUEST, Request, charge, deliver},
    numbered::NumberedCall,
    supervisor::{Calls, Depth, OutOfOrder, action, internal},
    syscalls,
    wire::ExecParams,
};

/// Why a call of a program at depth 0 did not begin.
enum NotBegun {
    /// The program is told this.
    Answered(Answer),
    /// The program ends.
    Stopped(Stop),
}

impl<'a> Calls<'a> {
    /// Serves a program that is suspended at depth 0.
    pub(crate) fn serve(
        &mut self,
        mut frame: Paused<'_, Box<CallContext>>,
    ) -> Result<Action<Self>, SystemError> {
        let request = frame.host.request.clone();
        let request = request.ok_or_else(|| internal(NO_REQUEST))?;
        if let Err(stop) = charge(&mut frame, self.programs.prices.call) {
            return Ok(action(Err(stop)));
        }
        let begun = match request {
            Request::Exec(params) => self.exec(&params, &mut frame)?,
            Request::Resume {
                call,
                data,
                exit_code,
                fuel,
                ..
            } => {
                let bytes = data.end.saturating_sub(data.start);
                if let Err(stop) = charge(&mut frame, self.programs.prices.answer.call(bytes)) {
                    return Ok(action(Err(stop)));
                }
                match self.numbered.remove(call) {
                    None => {
                        let answer = failed(ExitCode::UnknownError, "no call of this id waits");
                        Err(NotBegun::Answered(answer))
                    }
                    Some(NumberedCall { interruption, told }) => {
                        let answer = Answer {
                            halted: true,
                            output: read(&mut frame, &data),
                            fuel_consumed: fuel.first.cast_unsigned(),
                            fuel_refunded: fuel.refund,
                            exit_code,
                        };
                        let left = frame.host.gas_left_in_run(frame.guest.gas_left());
                        Ok(self.resume_nested(interruption, told, &answer, left)?)
                    }
                }
            }
        };
        let answer = match begun {
            Ok(Begin::Run(call)) => {
                // The calls of a transaction have limits of their own.
                let counting = Counting::Exempt;
                return Ok(Action::Call { call, counting });
            }
            Ok(Begin::Return { value, .. }) => self.answer(value),
            Err(NotBegun::Answered(answer)) => answer,
            Err(NotBegun::Stopped(stop)) => return Ok(action(Err(stop))),
        };
        Ok(action(deliver(frame, &answer)))
    }

    /// Begins a call for a program at depth 0, or answers it at once.
    fn exec(
        &mut self,
        params: &ExecParams,
        frame: &mut Paused<'_, Box<CallContext>>,
    ) -> Result<Result<Begin<Self>, NotBegun>, SystemError> {
        let Some(state) = State::from_number(params.state) else {
            let message = "the state is neither 0 (main) nor 1 (deploy)";
            let answer = failed(ExitCode::MalformedBuiltinParams, message);
            return Ok(Err(NotBegun::Answered(answer)));
        };
        let hash = CodeHash::from_bytes(params.code_hash);
        let depth = Depth::BelowWaiting;
        self.told = Gas::ZERO;
        match self.programs.find(hash) {
            Some(program) => {
                let call = nested_call(state, params, frame);
                self.call_program(program, call, depth).map(Ok)
            }
            None => match self.find_contract(hash, frame)? {
                Ok(prepared) => {
                    let call = nested_call(state, params, frame);
                    self.call_contract(&prepared, call, depth).map(Ok)
                }
                Err(not_begun) => Ok(Err(not_begun)),
            },
        }
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

    /// The program with a hash, which is no system program's. The caller pays for the lookup before
    /// it, and for the bytes before they are hashed and prepared.
    fn find_contract(
        &self,
        code: CodeHash,
        frame: &mut Paused<'_, Box<CallContext>>,
    ) -> Result<Result<Arc<PreparedProgram>, NotBegun>, SystemError> {
        let price = self.programs.prices.code;
        if let Err(stop) = charge(frame, price.base) {
            return Ok(Err(NotBegun::Stopped(stop)));
        }
        // Asked each time: the programs that the executor has prepared differ between machines.
        let found = catch_unwind(AssertUnwindSafe(|| (self.find_code)(code)));
        let found = found.map_err(|panic| RunError::from(panicked(panic)))?;
        let Some(wasm) = found else {
            let message = "there is no program of this hash";
            let answer = failed(ExitCode::MalformedBuiltinParams, message);
            return Ok(Err(NotBegun::Answered(answer)));
        };
        let bytes = u64::try_from(wasm.len()).unwrap_or(u64::MAX);
        if let Err(stop) = charge(frame, price.length(bytes)) {
            return Ok(Err(NotBegun::Stopped(stop)));
        }
        let rules = &self.programs.contract_rules;
        match self.programs.executor.prepare(&wasm, rules) {
            Ok(prepared) if prepared.program().code_hash == code => Ok(Ok(prepared)),
            Ok(_) => Err(SystemError::WrongCode(code)),
            Err(PrepareError::Refused(_)) if CodeHash::of(&wasm) != code => {
                Err(SystemError::WrongCode(code))
            }
            Err(PrepareError::Refused(refusal)) => {
                let answer = failed(ExitCode::NotSupportedBytecode, &refusal.to_string());
                Ok(Err(NotBegun::Answered(answer)))
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
                    ExitCode::UnknownError,
                    "a transaction has no more numbers for calls",
                )
            },
        }
    }
}

/// The call that a program at depth 0 makes. It gets no more gas than the program has left, which
/// paid for the code after it asked.
fn nested_call(
    state: State,
    params: &ExecParams,
    frame: &mut Paused<'_, Box<CallContext>>,
) -> Call {
    let left = frame.host.gas_left_in_run(frame.guest.gas_left());
    Call {
        state,
        input: read(frame, &params.input),
        gas: Gas::new(params.fuel_limit).min(left),
    }
}

/// A range of the memory of a suspended program. The syscall has checked it.
fn read(frame: &mut Paused<'_, Box<CallContext>>, bytes: &Range<u64>) -> Vec<u8> {
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
