//! The context of a call: the host of its runs.

use std::{any::Any, ops::Range, sync::Arc};

use fusee_engine::{EngineError, Gas, Host, Source, Stop, Syscall, Trap};
use fusee_executor::{HostFunctions, Paused, Reservation};
use fusee_instrument::SyscallPrices;
use sha2::{Digest, Sha256};
use sha3::Keccak256;

use crate::{
    Answer, Billing, Call, ExitCode, State, SystemLimits, SystemProgram,
    crypto::{self, Fault},
    instances::SlotId,
    syscalls,
    wire::{ExecParams, Fuel16},
};

/// The greatest length that a syscall takes, in bytes. Its price in the reference is a number of 32
/// bits; a longer one traps there with an overflow of this number, before anything else.
const MAX_BYTES: u64 = 128 << 20;

/// The greatest input of `_exec`, whose price has a square in it.
const MAX_EXEC_BYTES: u64 = 5 << 18;

/// The context of a call: what it was given, and what it left. Each of its runs takes it as its
/// host, and returns it.
#[derive(Debug)]
pub struct CallContext {
    pub(crate) state: State,
    /// The program. `None` if it is not a system program.
    pub(crate) program: Option<SystemProgram>,
    /// The slot of the program's live instance. `None` if the instance belongs to this call alone.
    pub(crate) slot: Option<SlotId>,
    /// The guest memory of the instance, as part of the transaction's budget.
    pub(crate) memory: Option<Reservation>,
    pub(crate) limits: SystemLimits,
    /// The prices of the syscalls.
    pub(crate) prices: Arc<SyscallPrices>,
    /// The number of outer calls.
    pub(crate) depth: usize,
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    /// The output of the last callee.
    pub(crate) return_data: Vec<u8>,
    /// The code with which the program called `_exit`.
    pub(crate) exit: Option<i32>,
    /// The gas limit of the call.
    pub(crate) gas_limit: Gas,
    /// The gas used. Metered: by the runs before the current one. Self-metered: what the program
    /// charged itself.
    pub(crate) gas_used: Gas,
    /// The syscall at which it is suspended.
    pub(crate) request: Option<Request>,
    /// What the embedder's own imports keep for this call.
    data: Option<Box<dyn Any + Send>>,
    /// The embedder's own imports.
    imports: HostFunctions<CallContext>,
}

/// A syscall that the transaction answers.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Exec(ExecParams),
    Resume {
        call: u32,
        /// A range of the program's memory.
        data: Range<u64>,
        exit_code: i32,
        fuel: Fuel16,
        fuel16_ptr: u32,
    },
}

impl Request {
    /// The address for the used gas.
    pub(crate) const fn fuel16_ptr(&self) -> u32 {
        match self {
            Request::Exec(params) => params.fuel16_ptr,
            Request::Resume { fuel16_ptr, .. } => *fuel16_ptr,
        }
    }
}

impl CallContext {
    pub(crate) fn new(
        (call, imports): (Call, &HostFunctions<CallContext>),
        program: Option<SystemProgram>,
        depth: usize,
        prices: &Arc<SyscallPrices>,
        limits: SystemLimits,
    ) -> Self {
        Self {
            state: call.state,
            program,
            slot: None,
            memory: None,
            limits,
            prices: Arc::clone(prices),
            depth,
            input: call.input,
            output: Vec::new(),
            return_data: Vec::new(),
            exit: None,
            gas_limit: call.gas,
            gas_used: Gas::ZERO,
            request: None,
            data: None,
            imports: imports.clone(),
        }
    }

    /// Drops what an ended call leaves.
    pub(crate) fn clear(&mut self) {
        self.slot = None;
        self.memory = None;
        self.input = Vec::new();
        self.output = Vec::new();
        self.return_data = Vec::new();
        self.exit = None;
        self.gas_used = Gas::ZERO;
        self.request = None;
        self.data = None;
    }

    /// Makes a cleared context that of another call in the same transaction. Writing a few fields
    /// takes less time than moving all of them.
    #[inline]
    pub(crate) fn renew(
        &mut self,
        call: Call,
        program: Option<SystemProgram>,
        depth: usize,
        prices: &Arc<SyscallPrices>,
    ) {
        if !Arc::ptr_eq(&self.prices, prices) {
            self.prices = Arc::clone(prices);
        }
        self.state = call.state;
        self.program = program;
        self.depth = depth;
        self.input = call.input;
        self.gas_limit = call.gas;
    }

    /// The state in which the program was entered.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The program. `None` if it is not a system program.
    #[must_use]
    pub const fn program(&self) -> Option<SystemProgram> {
        self.program
    }

    /// The number of outer calls.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// The input.
    pub const fn input(&mut self) -> &mut Vec<u8> {
        &mut self.input
    }

    /// What the call has written so far. An interruption takes it away.
    pub const fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// The output of the last callee.
    pub const fn return_data(&mut self) -> &mut Vec<u8> {
        &mut self.return_data
    }

    /// What the embedder's own imports keep for this call. `None` if nothing of this type was
    /// [kept](Self::keep).
    pub fn kept<T: Any>(&mut self) -> Option<&mut T> {
        self.data.as_mut()?.downcast_mut()
    }

    /// Keeps something for this call, until it ends. It replaces what was kept before.
    pub fn keep<T: Any + Send>(&mut self, data: T) {
        self.data = Some(Box::new(data));
    }

    pub(crate) const fn is_system(&self) -> bool {
        self.program.is_some()
    }

    pub(crate) fn billing(&self) -> Billing {
        self.program
            .map_or(Billing::Metered, |program| program.billing)
    }

    /// The remaining gas, before the next run or, if self-metered, at any time.
    pub(crate) fn gas_left(&self) -> Gas {
        self.gas_limit.saturating_sub(self.gas_used)
    }

    /// The remaining gas. `None` if the program is self-metered.
    pub(crate) fn billed_gas_left(&self) -> Option<Gas> {
        (self.billing() == Billing::Metered).then(|| self.gas_left())
    }

    /// The remaining gas, when the run has `metered` gas left.
    pub(crate) fn gas_left_in_run(&self, metered: Gas) -> Gas {
        match self.billing() {
            Billing::Metered => metered,
            Billing::SelfMetered => self.gas_left(),
        }
    }

    /// The used gas, when the run has `metered` gas left.
    pub(crate) fn gas_used_in_run(&self, metered: Gas) -> Gas {
        match self.billing() {
            Billing::Metered => self.gas_limit.saturating_sub(metered),
            Billing::SelfMetered => self.gas_used,
        }
    }

    /// The gas limit of the next run. A self-metered program is metered without a limit, so that it
    /// can be interrupted.
    pub(crate) fn run_gas(&self) -> Gas {
        match self.billing() {
            Billing::Metered => self.gas_left(),
            Billing::SelfMetered => Gas::MAX,
        }
    }

    /// Adds the gas that a run used.
    pub(crate) fn note_run(&mut self, used: Gas) {
        if self.billing() == Billing::Metered {
            self.gas_used = self.gas_used.saturating_add(used);
        }
    }

    /// Leaves the call at most `most` of the `left` gas that it may still use, and returns how much
    /// it keeps. What is taken away counts neither as used nor as its own.
    pub(crate) fn withhold(&mut self, left: Gas, most: Gas) -> Gas {
        let excess = left.saturating_sub(most);
        self.gas_limit = self.gas_limit.saturating_sub(excess);
        left.saturating_sub(excess)
    }

    /// Charges gas outside a run. Returns whether it was sufficient. If not, nothing is charged.
    pub(crate) fn charge(&mut self, used: Gas) -> bool {
        let fits = used <= self.gas_left();
        if fits {
            self.gas_used = self.gas_used.saturating_add(used);
        }
        fits
    }

    /// Charges the gas of callees. Returns whether it was sufficient. If not, all gas of the call
    /// is used.
    pub(crate) fn pay(&mut self, used: Gas) -> bool {
        let fits = self.charge(used);
        if !fits {
            self.gas_used = self.gas_limit;
        }
        fits
    }

    /// Ends the call with an exit code during a syscall.
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

    /// Charges the meter, and the call's own count if the program is self-metered.
    fn charge_fuel(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let fuel = Gas::new(arg(call, 0));
        call.charge(fuel)?;
        if self.billing() == Billing::Metered || self.charge(fuel) {
            return Ok(0);
        }
        Err(self.exit(ExitCode::OutOfFuel))
    }

    fn exec(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let [hash, input, length, fuel16_ptr, state] = args(call);
        let code_hash = call.memory.read_array(hash)?;
        call.memory.check(input, length)?;
        let left = self.gas_left_in_run(call.gas_left());
        let fuel_limit = match self.fuel16(call, fuel16_ptr)? {
            Some(Fuel16 { first, .. }) => left.min(Gas::new(first.cast_unsigned())),
            None => left,
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

impl Host for CallContext {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let number = call.request.number;
        if let Some(own) = number.checked_sub(syscalls::OWN) {
            return self.imports.clone().answer(own, call, self);
        }
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
        let most = match number {
            syscalls::EXEC => MAX_EXEC_BYTES,
            _ => MAX_BYTES,
        };
        if length > most {
            return Err(Stop::Trap(Trap::IntegerOverflow));
        }
        call.charge(price.call(length))?;
        match number {
            syscalls::EXIT => {
                let code = narrow(first).cast_signed();
                self.exit = Some(code);
                Err(match code == ExitCode::Ok.code() {
                    true => Stop::Return,
                    false => Stop::Finish,
                })
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
            syscalls::RESUME_AT_ROOT if self.depth > 0 => Err(self.exit(ExitCode::RootCallOnly)),
            syscalls::RESUME | syscalls::RESUME_AT_ROOT => self.resume(call),
            syscalls::FUEL => Ok(match self.billing() {
                Billing::Metered => call.gas_left().units(),
                Billing::SelfMetered => u64::MAX,
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
            _ => match crypto::answer(call, args(call)) {
                Some(Ok(())) => Ok(0),
                Some(Err(Fault::Malformed)) => Err(self.exit(ExitCode::MalformedBuiltinParams)),
                Some(Err(Fault::Stop(stop))) => Err(stop),
                None => Err(fail(format!("syscall {number} has no handler").into())),
            },
        }
    }
}

/// Charges a suspended program.
///
/// # Errors
///
/// [`Stop::OutOfGas`] if it has less. All its gas is used then.
pub(crate) fn charge(frame: &mut Paused<'_, Box<CallContext>>, gas: Gas) -> Result<(), Stop> {
    match frame.host.billing() {
        Billing::Metered => Ok(frame.guest.charge(gas)?),
        Billing::SelfMetered if frame.host.pay(gas) => Ok(()),
        Billing::SelfMetered => Err(Stop::OutOfGas),
    }
}

/// Resumes a suspended program with the answer to its syscall, or stops it.
pub(crate) fn deliver(
    mut frame: Paused<'_, Box<CallContext>>,
    answer: &Answer,
) -> Result<u64, Stop> {
    let Some(request) = frame.host.request.take() else {
        return Err(fail(NO_REQUEST.into()));
    };
    frame.host.return_data.clone_from(&answer.output);
    charge(&mut frame, Gas::new(answer.fuel_consumed))?;
    let pointer = u64::from(request.fuel16_ptr());
    if pointer != 0 {
        let fuel = Fuel16 {
            first: answer.fuel_consumed.cast_signed(),
            refund: answer.fuel_refunded,
        };
        frame.guest.memory().write(pointer, &fuel.encode())?;
    }
    Ok(reply(answer.exit_code))
}

/// The first arguments. Missing arguments are zero.
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

/// `None` if the output would exceed its limit.
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

/// The error of an internal fault: only `_exec` and `_resume` suspend a program, and both set a
/// request.
pub(crate) const NO_REQUEST: &str =
    "internal error: a program was suspended, but did not ask for anything";

/// A fault of the host in the middle of a syscall.
fn fail(source: Source) -> Stop {
    Stop::Fail(EngineError::Host(source))
}
