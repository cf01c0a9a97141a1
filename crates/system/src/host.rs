//! The context of a call, and what its syscalls do.

use std::{any::Any, mem, ops::Range, sync::Arc};

use fusee_engine::{EngineError, Gas, Host, Source, Stop, Syscall};
use fusee_instrument::SyscallPrices;
use sha2::{Digest, Sha256};
use sha3::Keccak256;

use crate::{
    Billing, ExitCode, State, SystemLimits, syscalls,
    wire::{ExecParams, Fuel16},
};

/// What belongs to one call. It goes into the instance with each run, and comes out again.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) state: State,
    /// Whether the program is a system program.
    pub(crate) is_system: bool,
    pub(crate) billing: Billing,
    pub(crate) limits: SystemLimits,
    /// What each syscall costs.
    pub(crate) prices: Arc<SyscallPrices>,
    /// The calls around it.
    pub(crate) depth: usize,
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    /// What the last call left.
    pub(crate) return_data: Vec<u8>,
    /// What the program ended itself with, as it said it.
    pub(crate) exit: Option<i32>,
    /// What it may use, and has used so far: what it charged itself where it is not billed, and what runs before
    /// this one used where it is.
    pub(crate) gas_limit: Gas,
    pub(crate) gas_used: Gas,
    /// What the run that is parked was charged so that it is not used, see [`withhold`](Self::withhold).
    pub(crate) withheld: Gas,
    /// What it is parked for.
    pub(crate) request: Option<Request>,
}

/// What a parked program asks of the transaction.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Exec(ExecParams),
    Resume {
        call: u32,
        /// In its memory.
        data: Range<u64>,
        exit_code: i32,
        fuel: Fuel16,
        fuel16_ptr: u32,
    },
}

impl Request {
    /// Where the program wants to know how much was used.
    pub(crate) const fn fuel16_ptr(&self) -> u32 {
        match self {
            Request::Exec(params) => params.fuel16_ptr,
            Request::Resume { fuel16_ptr, .. } => *fuel16_ptr,
        }
    }
}

impl Context {
    /// The context that a run gives back.
    pub(crate) fn from_host(host: Box<dyn Host>) -> Option<Box<Context>> {
        let host: Box<dyn Any> = host;
        host.downcast().ok()
    }

    /// What the call may still use.
    pub(crate) fn gas_left(&self) -> Gas {
        self.gas_limit.saturating_sub(self.gas_used)
    }

    /// The gas that a run of it gets. Who is not billed has as much as there is, and is metered all the same, so that it can be
    /// interrupted.
    pub(crate) fn run_gas(&self) -> Gas {
        match self.billing {
            Billing::Metered => self.gas_left(),
            Billing::Unbilled => Gas::MAX,
        }
    }

    /// A run of it has used so much.
    pub(crate) fn note_run(&mut self, used: Gas) {
        match self.billing {
            Billing::Metered => {
                let used = used.saturating_sub(mem::take(&mut self.withheld));
                self.gas_used = self.gas_used.saturating_add(used);
            }
            Billing::Unbilled => {}
        }
    }

    /// Leaves the call no more than `most` of the `left` gas that it may still use: what is taken from it is no longer its own, and
    /// not used either.
    pub(crate) fn withhold(&mut self, left: Gas, most: Gas) -> Gas {
        let excess = left.saturating_sub(most);
        self.gas_limit = self.gas_limit.saturating_sub(excess);
        excess
    }

    /// Takes what is used beside what a run uses. Whether there was so much; if there was not, nothing is taken.
    pub(crate) fn charge(&mut self, used: Gas) -> bool {
        let fits = used <= self.gas_left();
        if fits {
            self.gas_used = self.gas_used.saturating_add(used);
        }
        fits
    }

    /// Takes what others used for the call. Whether there was so much; whoever owes more than there is has used what there is.
    pub(crate) fn pay(&mut self, used: Gas) -> bool {
        let fits = self.charge(used);
        if !fits {
            self.gas_used = self.gas_limit;
        }
        fits
    }

    /// Ends the call with an exit code, in the middle of a syscall.
    fn exit(&mut self, code: ExitCode) -> Stop {
        self.exit = Some(code.code());
        Stop::Finish
    }

    fn append(&mut self, bytes: &[u8]) -> Result<u64, Stop> {
        append(&mut self.output, bytes, &self.limits)
            .ok_or_else(|| self.exit(ExitCode::InputOutputOutOfBounds))
    }

    fn forward(&mut self, offset: u64, length: u64) -> Result<u64, Stop> {
        slice(&self.return_data, offset, length)
            .and_then(|bytes| append(&mut self.output, bytes, &self.limits))
            .ok_or_else(|| self.exit(ExitCode::InputOutputOutOfBounds))
    }

    /// The meter first, then the call's own count, which is the meter's where it is billed.
    fn charge_fuel(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let fuel = Gas::new(arg(call, 0));
        call.charge(fuel)?;
        if self.billing == Billing::Metered || self.charge(fuel) {
            return Ok(0);
        }
        Err(self.exit(ExitCode::OutOfFuel))
    }

    fn exec(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let [hash, input, length, fuel16_ptr, state] = args(call);
        let code_hash = call.memory.read_array(hash)?;
        call.memory.check(input, length)?;
        let left = match self.billing {
            Billing::Metered => call.gas_left(),
            Billing::Unbilled => self.gas_left(),
        };
        let fuel_limit = match self.fuel16(call, fuel16_ptr)? {
            Some(Fuel16 { first, .. }) if first != 0 => left.min(Gas::new(first.cast_unsigned())),
            Some(_) | None => left,
        };
        self.request = Some(Request::Exec(ExecParams {
            code_hash,
            fuel_limit: fuel_limit.units(),
            state: narrow(state),
            fuel16_ptr: narrow(fuel16_ptr),
            input: input..input.saturating_add(length),
        }));
        Err(Stop::Suspend)
    }

    fn resume(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        if self.depth > 0 {
            return Ok(reply(ExitCode::RootCallOnly.code()));
        }
        let [id, data, length, exit_code, fuel16_ptr] = args(call);
        call.memory.check(data, length)?;
        self.request = Some(Request::Resume {
            call: narrow(id),
            data: data..data.saturating_add(length),
            exit_code: narrow(exit_code).cast_signed(),
            fuel: self.fuel16(call, fuel16_ptr)?.unwrap_or_default(),
            fuel16_ptr: narrow(fuel16_ptr),
        });
        Err(Stop::Suspend)
    }

    /// The fuel at a pointer, if it is not null.
    fn fuel16(&self, call: &mut Syscall<'_>, pointer: u64) -> Result<Option<Fuel16>, Stop> {
        if pointer == 0 {
            return Ok(None);
        }
        Ok(Some(Fuel16::decode(call.memory.read_array(pointer)?)))
    }
}

impl Host for Context {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let number = call.request.number;
        let price = self.prices.price(number).copied();
        let price = price
            .ok_or_else(|| fail(format!("the rules have no price for syscall {number}").into()))?;
        let [first, second, third] = args(call);
        let length = match number {
            syscalls::READ | syscalls::READ_OUTPUT | syscalls::EXEC => third,
            syscalls::WRITE
            | syscalls::FORWARD_OUTPUT
            | syscalls::DEBUG_LOG
            | syscalls::KECCAK256
            | syscalls::SHA256
            | syscalls::BLAKE3 => second,
            _ => 0,
        };
        call.charge(price.call(length))?;
        match number {
            syscalls::EXIT => {
                self.exit = Some(narrow(first).cast_signed());
                Err(Stop::Finish)
            }
            syscalls::STATE => Ok(self.state.number().into()),
            syscalls::INPUT_SIZE => size(&self.input),
            syscalls::OUTPUT_SIZE => size(&self.return_data),
            syscalls::READ => match slice(&self.input, second, third) {
                Some(bytes) => give(call, first, bytes),
                None => Err(self.exit(ExitCode::InputOutputOutOfBounds)),
            },
            syscalls::READ_OUTPUT => match slice(&self.return_data, second, third) {
                Some(bytes) => give(call, first, bytes),
                None => Err(self.exit(ExitCode::InputOutputOutOfBounds)),
            },
            syscalls::WRITE => self.append(&call.memory.read(first, second)?),
            syscalls::FORWARD_OUTPUT => self.forward(first, second),
            syscalls::EXEC => self.exec(call),
            syscalls::RESUME => self.resume(call),
            syscalls::FUEL => Ok(match self.billing {
                Billing::Metered => call.gas_left().units(),
                Billing::Unbilled => Gas::MAX.units(),
            }),
            syscalls::CHARGE_FUEL => self.charge_fuel(call),
            syscalls::DEBUG_LOG => {
                let text = call.memory.read(first, second)?;
                tracing::debug!(program = %String::from_utf8_lossy(&text));
                Ok(0)
            }
            syscalls::KECCAK256 => digest(call, |bytes| Keccak256::digest(bytes).into()),
            syscalls::SHA256 => digest(call, |bytes| Sha256::digest(bytes).into()),
            syscalls::BLAKE3 => digest(call, |bytes| blake3::hash(bytes).into()),
            _ => Err(fail(format!("syscall {number} has no handler").into())),
        }
    }
}

/// The first arguments; those that the syscall does not have are zero.
fn args<const N: usize>(call: &Syscall<'_>) -> [u64; N] {
    let mut args = [0; N];
    for (to, from) in args.iter_mut().zip(call.request.args) {
        *to = from;
    }
    args
}

fn arg(call: &Syscall<'_>, index: usize) -> u64 {
    call.request.args.get(index).copied().unwrap_or(0)
}

/// An argument that is an `i32` on the wire.
fn narrow(arg: u64) -> u32 {
    u32::try_from(arg & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// A number as a result on the wire.
pub(crate) fn reply(code: i32) -> u64 {
    u64::from(code.cast_unsigned())
}

fn size(bytes: &[u8]) -> Result<u64, Stop> {
    u64::try_from(bytes.len()).map_err(|error| fail(error.into()))
}

fn slice(bytes: &[u8], offset: u64, length: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    bytes.get(start..end)
}

/// Nothing, if the output would be longer than it may be.
fn append(output: &mut Vec<u8>, bytes: &[u8], limits: &SystemLimits) -> Option<u64> {
    let fits = output.len().saturating_add(bytes.len()) <= limits.output_bytes;
    fits.then(|| output.extend_from_slice(bytes)).map(|()| 0)
}

fn give(call: &mut Syscall<'_>, pointer: u64, bytes: &[u8]) -> Result<u64, Stop> {
    call.memory.write(pointer, bytes)?;
    Ok(0)
}

fn digest(call: &mut Syscall<'_>, hash: impl Fn(&[u8]) -> [u8; 32]) -> Result<u64, Stop> {
    let [start, length, out] = args(call);
    let digest = hash(&call.memory.read(start, length)?);
    give(call, out, &digest)
}

/// A fault of the host in the middle of a syscall.
fn fail(source: Source) -> Stop {
    Stop::Fail(EngineError::Host(source))
}
