//! The nine functions as a guest calls them: what is answered at once, and what it is parked for.
//!
//! Whoever pays for its children pays here, before anything is done: the price of the function, and of the bytes it names. What it asks is
//! taken from its memory here as well, so that a range that it does not have is its trap, and nothing has happened.

use fusee_engine::{EngineError, Gas, Stop, Syscall};
use fusee_executor::{self as executor, RunError, Suspended};
use fusee_instrument::SyscallPrice;

use super::{Billing, Children, State};
use crate::{
    CodeSource, Space, VirtualizationError, functions,
    instance::low,
    wire::{
        CompileStatus, EXEC_BUFFER_BYTES, ExecError, InstanceId, ModuleError, ModuleId, WireError,
        WireValue, encode,
    },
};

/// What a guest is parked for.
#[derive(Debug)]
pub(super) enum Asked {
    Compile {
        program: Vec<u8>,
        identifier: Option<Vec<u8>>,
    },
    CompileKey {
        key: Vec<u8>,
        /// The name of its space.
        space: Vec<u8>,
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

/// How it goes on with a guest that was parked.
#[derive(Debug)]
pub enum Next {
    /// The guest goes on with this.
    Answer(Answer),
    /// A child runs for it: so far it came, on its own. Where it cannot go on without the guest, [`Children::answer`] has the answer.
    Child(Box<executor::Outcome>),
}

/// The answer to what a guest is parked for.
#[derive(Debug)]
pub struct Answer {
    reply: u64,
    /// What it finds in its memory, and where.
    filled: Option<(u32, [u8; EXEC_BUFFER_BYTES])>,
    price: Gas,
}

impl Answer {
    /// Lets the guest go on that waits for it: it pays for what its child used.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the host fails.
    pub fn give(self, mut guest: Suspended) -> Result<executor::Outcome, RunError> {
        // First: what a child used is paid for however its owner ends.
        if guest.charge(self.price).is_err() {
            return Ok(guest.out_of_gas());
        }
        if let Some((address, bytes)) = self.filled
            && let Err(trap) = guest.memory().write(address.into(), &bytes)
        {
            return Ok(guest.trap(trap));
        }
        guest.resume(self.reply)
    }
}

impl<T: WireValue, E: WireError> From<Result<T, E>> for Answer {
    fn from(result: Result<T, E>) -> Self {
        Self {
            reply: reply(result),
            filled: None,
            price: Gas::ZERO,
        }
    }
}

impl Children {
    /// Answers a function, or parks the guest: see [`go_on`](Self::go_on).
    ///
    /// # Errors
    ///
    /// [`Stop`]: the guest is parked, has too little gas, or does not have a range.
    pub fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let bill = self.bill(call.request.number)?;
        bill.charge_base(call)?;
        let [first, second, third, fourth, ..] = call.request.args;
        let instance = InstanceId(low(first));
        match call.request.number {
            functions::COMPILE => {
                let program = bill.take(call, first)?;
                let identifier = match second {
                    0 => None,
                    range => Some(bill.take(call, range)?),
                };
                self.park(Asked::Compile {
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
                let space = bill.take(call, second)?;
                self.park(Asked::CompileKey { key, space })
            }
            functions::INSTANTIATE => Ok(reply(self.instantiate(ModuleId(low(first))))),
            functions::PREPARE => {
                let function = bill.take(call, second)?;
                match self.instances.get(&instance) {
                    Some(State::Idle(idle)) if idle.exports(&function) => {
                        bill.charge(call, idle.making_gas())?;
                        self.park(Asked::Prepare { instance, function })
                    }
                    Some(State::Idle(_)) => Ok(reply::<(), _>(Err(ExecError::InvalidImage))),
                    Some(State::Ready(_)) | None => {
                        Ok(reply::<(), _>(Err(ExecError::InvalidInstance)))
                    }
                }
            }
            functions::RUN => {
                let buffer = low(fourth);
                // There is memory that can only be read: a child whose owner cannot be told does not run.
                let bytes: [u8; EXEC_BUFFER_BYTES] = call.memory.read_array(buffer.into())?;
                call.memory.write(buffer.into(), &bytes)?;
                self.park(Asked::Run {
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
                if answer.is_ok() {
                    call.memory.write(address, &read)?;
                }
                Ok(reply(answer))
            }
            functions::WRITE_MEMORY => {
                let written = bill.take(call, third)?;
                Ok(reply(self.write_memory(instance, low(second), &written)))
            }
            unknown => Err(Stop::Fail(EngineError::Host(
                format!("syscall {unknown} is none of the nine functions").into(),
            ))),
        }
    }

    /// Does what the guest is parked for; `None` if it is not parked for a child. `gas_left` is what the guest has, and `code` finds what
    /// lies under a key.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if the host fails, or the code cannot be read. The child is gone.
    pub fn go_on(
        &mut self,
        gas_left: Gas,
        code: &mut CodeSource<'_>,
    ) -> Result<Option<Next>, VirtualizationError> {
        let Some(asked) = self.asked.take() else {
            return Ok(None);
        };
        let answer = match asked {
            Asked::Compile {
                program,
                identifier,
            } => self.compile(&program, identifier.as_deref())?.into(),
            Asked::CompileKey { key, space } => self.code(gas_left, &key, &space, code)?,
            Asked::Prepare { instance, function } => {
                let most = match self.billing {
                    Billing::Free => Gas::MAX,
                    Billing::Owner(_) => gas_left,
                };
                self.prepare_for(instance, &function, most)?.into()
            }
            Asked::Run {
                instance,
                gas,
                a0,
                buffer,
            } => {
                let given = self.given(gas, gas_left);
                match self.enter(instance, gas, given, a0, buffer)? {
                    Ok(child) => return Ok(Some(Next::Child(Box::new(child)))),
                    Err(error) => Answer::from(Err::<(), _>(error)),
                }
            }
        };
        Ok(Some(Next::Answer(answer)))
    }

    /// Whether the guest waits for a child that runs.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.running.is_some()
    }

    /// The answer for a guest that waits for a child, which came so far.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if the guest waits for no child.
    pub fn answer(&mut self, outcome: executor::Outcome) -> Result<Answer, VirtualizationError> {
        let ran = self.leave(outcome)?;
        let filled = match &ran.answer {
            Ok((_, filled)) => Some((ran.buffer, filled.encode())),
            Err(_) => None,
        };
        Ok(Answer {
            reply: reply(ran.answer.map(|(status, _)| status)),
            filled,
            price: match self.billing {
                Billing::Free => Gas::ZERO,
                Billing::Owner(_) => ran.used,
            },
        })
    }

    /// Compiles what lies under a key. Its bytes are paid for, whether it is compiled or found; and it is not compiled for a guest that
    /// cannot pay.
    fn code(
        &mut self,
        gas_left: Gas,
        key: &[u8],
        space: &[u8],
        code: &mut CodeSource<'_>,
    ) -> Result<Answer, VirtualizationError> {
        let bill = Bill::find(&self.billing, functions::COMPILE_KEY)
            .ok_or(VirtualizationError::NoPrice(functions::COMPILE_KEY))?;
        let price = |bytes: u64| bill.length(bytes);
        let space = Space::named(space);
        if let Some(module) = self.modules.find(space, key) {
            return Ok(Answer {
                price: price(module.code_bytes()),
                ..self.number((module, CompileStatus::Cached)).into()
            });
        }
        let Some(program) = code(space, key).map_err(VirtualizationError::Code)? else {
            return Ok(Err::<ModuleId, _>(ModuleError::NotFound).into());
        };
        let price = price(length(&program));
        if price > gas_left {
            return Ok(Answer {
                price,
                ..Err::<ModuleId, _>(ModuleError::InvalidImage).into()
            });
        }
        let compiled = self.compile_key(space, key, |_, _| Ok(Some(program)))?;
        Ok(Answer {
            price,
            ..compiled.into()
        })
    }

    /// What a child gets of what its owner says.
    fn given(&self, asked: i64, gas_left: Gas) -> Gas {
        let asked = u64::try_from(asked).map_or(Gas::ZERO, Gas::new);
        match self.billing {
            Billing::Free => asked,
            // As at a call: a 64th stays with the owner, so that it can act on a child that used up everything.
            Billing::Owner(_) => {
                asked.min(gas_left.saturating_sub(Gas::new(gas_left.units().div_ceil(64))))
            }
        }
    }

    fn bill(&self, function: u32) -> Result<Bill, Stop> {
        Bill::find(&self.billing, function).ok_or_else(|| {
            let error = VirtualizationError::NoPrice(function);
            Stop::Fail(EngineError::Host(error.into()))
        })
    }

    fn park(&mut self, asked: Asked) -> Result<u64, Stop> {
        self.asked = Some(asked);
        Err(Stop::Suspend)
    }
}

/// What a guest pays for a function: its price, or nothing.
#[derive(Clone, Copy)]
struct Bill(Option<SyscallPrice>);

impl Bill {
    /// `None` if the guest pays, and its rules have no price for this function.
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

    /// The bytes of a range, which are paid for before they are touched.
    fn take(self, call: &mut Syscall<'_>, asked: u64) -> Result<Vec<u8>, Stop> {
        let (address, bytes) = range(asked);
        self.charge_bytes(call, bytes)?;
        Ok(call.memory.read(address, bytes)?.into_owned())
    }
}

/// The address and the length of a range.
fn range(range: u64) -> (u64, u64) {
    (low(range).into(), range >> 32)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A result as a syscall returns it.
fn reply<T: WireValue, E: WireError>(result: Result<T, E>) -> u64 {
    encode(result).cast_unsigned()
}
