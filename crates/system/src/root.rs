//! Depth 0: a program whose `_exec` runs other programs, and whose `_resume` goes on with them.
//!
//! It is parked meanwhile. A call that is interrupted is kept under a number, which the program gets instead of an exit code.

use std::sync::Arc;

use fusee_engine::{CodeHash, Gas};
use fusee_executor::{Outcome, PrepareError, Prepared, Suspended};

use crate::{
    Answer, Call, ExitCode, Interruption, State, Step, SystemError, Transaction,
    call::Running,
    host::{Context, Request, range},
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
    pub(crate) fn serve(
        &mut self,
        running: &Running,
        mut suspended: Suspended,
    ) -> Result<Outcome, SystemError> {
        let answer = self.serve_request(&mut suspended)?;
        let consumed = Gas::new(answer.fuel_consumed);
        go_on(suspended, &answer, consumed).inspect_err(|_| self.lose(running))
    }

    fn serve_request(&mut self, suspended: &mut Suspended) -> Result<Answer, SystemError> {
        let context = suspended
            .host::<Context>()
            .ok_or(SystemError::LostContext)?;
        let request = context.request.as_ref().ok_or(SystemError::LostContext)?;
        match request {
            Request::Exec(params) => {
                let params = params.clone();
                let length = params.input.end.saturating_sub(params.input.start);
                let input = range(suspended.memory(), params.input.start, length);
                let input = input.map(|bytes| bytes.to_vec()).unwrap_or_default();
                self.exec(&params, input)
            }
            Request::Resume {
                call,
                data,
                exit_code,
                fuel,
                ..
            } => {
                let answer = Answer {
                    halted: true,
                    output: data.clone(),
                    fuel_consumed: fuel.first.cast_unsigned(),
                    fuel_refunded: fuel.refund,
                    exit_code: *exit_code,
                };
                match self.kept.remove(call) {
                    Some(Kept { interruption, told }) => {
                        let told = told.saturating_add(Gas::new(answer.fuel_consumed));
                        let step = self.resume(interruption, &answer)?;
                        self.tell(step, told)
                    }
                    None => Ok(failed(ExitCode::UnknownError, "no call of this id waits")),
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
        let (executor, rules) = (&self.programs.executor, &self.programs.contract_rules);
        if let Some(prepared) = executor.find(code, rules) {
            return Ok(Ok(prepared));
        }
        let Some(wasm) = (self.code)(code) else {
            let message = "there is no program of this hash";
            return Ok(Err(failed(ExitCode::MalformedBuiltinParams, message)));
        };
        match executor.prepare(&wasm, rules) {
            Ok(prepared) => Ok(Ok(prepared)),
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
                let id = self.last_call.saturating_add(1);
                if id > MOST_CALLS {
                    let message = "a transaction has no more numbers for calls";
                    return Ok(failed(ExitCode::CallDepthOverflow, message));
                }
                self.last_call = id;
                let answer = Answer {
                    halted: false,
                    output: interruption.params.clone(),
                    fuel_consumed: used.saturating_sub(told).units(),
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
