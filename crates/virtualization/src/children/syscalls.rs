//! The handlers of the nine functions, which reply at once or suspend the guest.
//!
//! An owner that pays is charged first: the price of the function, and of the bytes in its
//! arguments. The handlers also read these bytes from its memory. So a range outside the memory
//! traps the owner before anything happens.

use fusee_engine::{EngineError, Gas, Stop, Syscall};
use fusee_executor::{Callee, Payer};
use fusee_instrument::SyscallPrice;

use super::{Billing, Children, InstanceState, RunningChild};
use crate::{
    error::VirtualizationError,
    functions,
    instance::{ChildHost, ChildProgress, low},
    modules::StorageScope,
    owner::Owner,
    wire::{
        CompileStatus, EXEC_BUFFER_BYTES, ExecBuffer, ExecError, ExecStatus, InstanceId,
        ModuleError, ModuleId, WireError, WireValue, encode,
    },
};

/// The request for which a guest is suspended.
#[derive(Debug)]
pub(super) enum Pending {
    Compile {
        program: Vec<u8>,
        identifier: Option<Vec<u8>>,
    },
    CompileKey {
        key: Vec<u8>,
        /// The name of its storage scope.
        scope: Vec<u8>,
    },
    Prepare {
        instance: InstanceId,
        function: Vec<u8>,
    },
    Run {
        instance: InstanceId,
        gas: i64,
        a0: u64,
        buffer: u32,
    },
}

/// The next step of a suspended guest.
pub(crate) enum Step<G> {
    /// Charge the price, then resume with this reply.
    Reply { reply: u64, price: Gas },
    /// Run this nested VM, then resume with the result of [`Children::leave`].
    Run(Callee<G>),
}

/// The result of a nested VM's run for its owner.
#[derive(Debug)]
pub(crate) struct RunResult {
    answer: Result<(ExecStatus, ExecBuffer), ExecError>,
    buffer: u32,
}

impl RunResult {
    /// The reply to the owner's syscall.
    pub(crate) fn reply(&self) -> u64 {
        let status = self.answer.as_ref();
        reply(status.map(|(status, _)| *status).map_err(|error| *error))
    }

    /// The bytes to write to the owner's memory, and their address.
    pub(crate) fn filled(&self) -> Option<(u32, [u8; EXEC_BUFFER_BYTES])> {
        let (_, filled) = self.answer.as_ref().ok()?;
        Some((self.buffer, filled.encode()))
    }
}

impl<G> Step<G> {
    fn reply<T: WireValue, E: WireError>(result: Result<T, E>, price: Gas) -> Self {
        Step::Reply {
            reply: reply(result),
            price,
        }
    }
}

impl<G: ChildHost> Children<G> {
    /// Answers a function at once, or suspends the guest: see [`serve`](Self::serve).
    ///
    /// # Errors
    ///
    /// [`Stop`] if the guest is suspended, is out of gas, or passed a range outside its memory.
    pub(crate) fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let bill = self.bill(call.request.number)?;
        bill.charge_base(call)?;
        let [first, second, third, fourth, ..] = call.request.args;
        let instance = InstanceId(low(first));
        match call.request.number {
            functions::COMPILE => {
                let program = bill.take(call, first)?;
                let identifier = match second {
                    range if self.modules.conventions().is_identifier(range) => {
                        Some(bill.take(call, range)?)
                    }
                    _ => None,
                };
                self.suspend(Pending::Compile {
                    program,
                    identifier,
                })
            }
            functions::LOOKUP => {
                let identifier = bill.take(call, first)?;
                Ok(reply(self.lookup(&identifier)))
            }
            functions::COMPILE_KEY => {
                let key = bill.take(call, first)?;
                let scope = bill.take(call, second)?;
                self.suspend(Pending::CompileKey { key, scope })
            }
            functions::INSTANTIATE => Ok(reply(self.instantiate(ModuleId(low(first))))),
            functions::PREPARE => {
                let function = bill.take(call, second)?;
                match self.instances.get(&instance).and_then(Option::as_ref) {
                    Some(InstanceState::Idle(idle)) if idle.exports(&function) => {
                        bill.charge(call, idle.instantiation_gas())?;
                        self.suspend(Pending::Prepare { instance, function })
                    }
                    Some(InstanceState::Idle(_)) => {
                        Ok(reply::<(), _>(Err(ExecError::InvalidImage)))
                    }
                    Some(InstanceState::Ready(_)) | None => {
                        Ok(reply::<(), _>(Err(ExecError::InvalidInstance)))
                    }
                }
            }
            functions::RUN => {
                let buffer = low(fourth);
                // Memory can be read-only. A nested VM whose result cannot be written must not run.
                // A result replaces the bytes below, so what they are shows only after an error.
                let bytes: [u8; EXEC_BUFFER_BYTES] = match self.modules.conventions() {
                    conventions if conventions.clear_buffers() => [0; EXEC_BUFFER_BYTES],
                    _ => call.memory.read_array(buffer.into())?,
                };
                call.memory.write(buffer.into(), &bytes)?;
                self.suspend(Pending::Run {
                    instance,
                    gas: second.cast_signed(),
                    a0: third,
                    buffer,
                })
            }
            functions::DESTROY => Ok(reply(self.destroy(instance))),
            functions::READ_MEMORY => {
                let (address, bytes) = range(third);
                bill.charge_bytes(call, bytes)?;
                call.memory.check(address, bytes)?;
                let mut read = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
                let answer = self.read_memory(instance, low(second), &mut read);
                // A read that fails leaves zeros.
                if answer.is_ok() || self.modules.conventions().clear_buffers() {
                    call.memory.write(address, &read)?;
                }
                Ok(reply(answer))
            }
            functions::WRITE_MEMORY => {
                let written = bill.take(call, third)?;
                Ok(reply(self.write_memory(instance, low(second), &written)))
            }
            unknown => Err(Stop::Fail(EngineError::Host(
                format!("syscall {unknown} is not one of the nine functions").into(),
            ))),
        }
    }

    /// Serves the function for which the guest is suspended. Returns `None` if the guest is not
    /// suspended for one of the nine functions. `gas_left` is the gas of the guest. `owner` is its
    /// own host, if it has one.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if the host fails, or the code cannot be read.
    pub(crate) fn serve(
        &mut self,
        gas_left: Gas,
        owner: Option<&mut impl Owner>,
    ) -> Result<Option<Step<G>>, VirtualizationError> {
        let Some(pending) = self.pending.take() else {
            return Ok(None);
        };
        if let Some(owner) = &owner
            && !matches!(pending, Pending::Run { .. })
        {
            self.modules.admit(owner.symbols());
        }
        Ok(Some(match pending {
            Pending::Compile {
                program,
                identifier,
            } => {
                let compiled = self.compile(&program, identifier.as_deref())?;
                Step::reply(compiled, Gas::ZERO)
            }
            Pending::CompileKey { key, scope } => {
                self.serve_compile_key(gas_left, &key, StorageScope::named(&scope), owner)?
            }
            Pending::Prepare { instance, function } => {
                let prepared = match self.billing {
                    Billing::Free => self.prepare(instance, &function)?,
                    Billing::Owner(_) => self.prepare_now(instance, &function)?,
                };
                Step::reply(prepared, Gas::ZERO)
            }
            Pending::Run {
                instance,
                gas,
                a0,
                buffer,
            } => match self.begin(instance, gas, a0, buffer) {
                Ok(callee) => Step::Run(callee),
                Err(error) => Step::reply(Err::<(), _>(error), Gas::ZERO),
            },
        }))
    }

    /// Begins a run of a prepared instance for the owner.
    fn begin(
        &mut self,
        id: InstanceId,
        gas: i64,
        a0: u64,
        buffer: u32,
    ) -> Result<Callee<G>, ExecError> {
        let execution = self.take_ready(id, gas)?;
        let given = u64::try_from(gas).map_or(Gas::ZERO, Gas::new);
        let payer = match self.billing {
            Billing::Free => Payer::Other,
            Billing::Owner(_) => Payer::Caller,
        };
        let (running, callee) = execution.into_callee(given, payer, a0);
        self.running = Some(RunningChild {
            id,
            running,
            gas,
            buffer,
        });
        Ok(callee)
    }

    /// Ends the run of an instance for the owner, which used this gas.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if no instance runs.
    pub(crate) fn leave(
        &mut self,
        reached: ChildProgress<G>,
        used: Gas,
    ) -> Result<RunResult, VirtualizationError> {
        let running = self.running.take();
        let RunningChild {
            id,
            running,
            gas,
            buffer,
        } = running.ok_or_else(VirtualizationError::not_running)?;
        let outcome = running.leave(reached)?;
        let answer = self.put_back_used(id, gas, outcome, |_| used);
        Ok(RunResult { answer, buffer })
    }

    /// Compiles the code under a key. The owner pays for the bytes even if the module is cached. An
    /// owner without enough gas does not compile.
    fn serve_compile_key(
        &mut self,
        gas_left: Gas,
        key: &[u8],
        scope: StorageScope<'_>,
        owner: Option<&mut impl Owner>,
    ) -> Result<Step<G>, VirtualizationError> {
        let bill = Bill::find(&self.billing, functions::COMPILE_KEY)
            .ok_or(VirtualizationError::NoPrice(functions::COMPILE_KEY))?;
        let price = |bytes: u64| bill.length(bytes);
        if let Some(module) = self.modules.find(scope, key) {
            let price = price(module.code_bytes());
            return Ok(Step::reply(
                self.number((module, CompileStatus::Cached)),
                price,
            ));
        }
        let program = match owner {
            Some(owner) => owner.code(scope, key).map_err(VirtualizationError::Code)?,
            None => None,
        };
        let Some(program) = program else {
            return Ok(Step::reply(
                Err::<ModuleId, _>(ModuleError::NotFound),
                Gas::ZERO,
            ));
        };
        let price = price(length(&program));
        if price > gas_left {
            let refused = Err::<ModuleId, _>(ModuleError::InvalidImage);
            return Ok(Step::reply(refused, price));
        }
        let compiled = self.compile_key(scope, key, |_, _| Ok(Some(program)))?;
        Ok(Step::reply(compiled, price))
    }

    fn bill(&self, function: u32) -> Result<Bill, Stop> {
        Bill::find(&self.billing, function).ok_or_else(|| {
            let error = VirtualizationError::NoPrice(function);
            Stop::Fail(EngineError::Host(error.into()))
        })
    }

    fn suspend(&mut self, pending: Pending) -> Result<u64, Stop> {
        self.pending = Some(pending);
        Err(Stop::Suspend)
    }
}

/// The price that an owner pays for a function. `None`: the function is free.
#[derive(Clone, Copy)]
struct Bill(Option<SyscallPrice>);

impl Bill {
    /// Returns `None` if the owner pays, and its rules have no price for this function.
    fn find(billing: &Billing, function: u32) -> Option<Self> {
        match billing {
            Billing::Free => Some(Self(None)),
            Billing::Owner(prices) => prices.price(function).map(|price| Self(Some(*price))),
        }
    }

    fn charge(self, call: &mut Syscall<'_>, price: Gas) -> Result<(), Stop> {
        match self.0 {
            None => Ok(()),
            Some(_) => Ok(call.charge(price)?),
        }
    }

    fn charge_base(self, call: &mut Syscall<'_>) -> Result<(), Stop> {
        self.charge(call, self.0.map_or(Gas::ZERO, |price| price.base))
    }

    fn charge_bytes(self, call: &mut Syscall<'_>, bytes: u64) -> Result<(), Stop> {
        self.charge(call, self.length(bytes))
    }

    fn length(self, bytes: u64) -> Gas {
        self.0.map_or(Gas::ZERO, |price| price.length(bytes))
    }

    /// Charges for the bytes of a range, and copies them.
    fn take(self, call: &mut Syscall<'_>, asked: u64) -> Result<Vec<u8>, Stop> {
        let (address, bytes) = range(asked);
        self.charge_bytes(call, bytes)?;
        Ok(call.memory.read(address, bytes)?.into_owned())
    }
}

/// Splits a range into address and length.
fn range(range: u64) -> (u64, u64) {
    (low(range).into(), range >> 32)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Encodes a result as the reply to a syscall.
fn reply<T: WireValue, E: WireError>(result: Result<T, E>) -> u64 {
    encode(result).cast_unsigned()
}
