//! The machine: the state of a run, with calls, syscalls and gas.
//!
//! Guest calls are frames in a list, so they take no native stack at any depth. A machine can stop
//! anywhere and resume later.

use std::{collections::VecDeque, sync::Arc};

use fusee_engine::{
    Gas, GuestMemory, Host, MAX_REGISTER_ARGS, Meter, OutOfGasPolicy, Run, Stop, SyscallRequest,
    Trap, Value,
};
use wasmparser::ValType;

use super::{
    Result,
    body::{Body, Charges},
    metered_blocks::BlockPosition,
    program::{Function, Program, State},
};

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) program: Arc<Program>,
    pub(super) state: State,
    /// The meter through which the host charges.
    run: Run,
    /// All gas that the run has received.
    limit: Gas,
    /// The gas left. May be negative between two gas checks.
    pub(super) balance: i64,
    out_of_gas_policy: OutOfGasPolicy,
    /// The remaining stack height in bytes.
    pub(super) height: i64,
    /// Locals and operands of all frames.
    pub(super) stack: Vec<u64>,
    frames: Vec<Frame>,
    /// How many of the charges before the next operator were made before the run was suspended.
    pub(super) paid: Paid,
    phase: Phase,
    /// The import that is waiting for a reply.
    asking: usize,
    /// The function that was entered last.
    entered: usize,
    /// The functions that are still to be entered, with their arguments.
    entries: VecDeque<(usize, Vec<u64>)>,
}

/// What is left of a machine after a run.
pub(super) struct Parts {
    pub(super) program: Arc<Program>,
    pub(super) state: State,
    pub(super) stack: Vec<u64>,
}

/// A call frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    function: usize,
    /// Position of the next operator, or of the call in progress.
    pub(super) position: usize,
    /// Index of the first local in the stack.
    pub(super) locals: usize,
    /// Index of the first operand in the stack.
    pub(super) operands: usize,
}

/// Progress through one entry.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Resting,
    Entering(usize),
    Inside,
    Returned,
}

/// The charges before an operator that were made, in the order of charging.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Paid {
    #[default]
    Nothing,
    MeteredBlock,
    Length,
    All,
}

/// Why a frame stops executing.
pub(super) enum FrameExit {
    Call(usize),
    /// A call in place of a return.
    ReturnCall(usize),
    Return,
}

/// Why a run stops.
pub(super) enum Break {
    OutOfGas,
    GasEnd,
    Syscall(SyscallRequest),
    /// A syscall ended the run without an error.
    Finish,
    /// A trap at a position where the gas used is exact.
    ExactTrap(Trap),
    /// Any other trap.
    Trap(Trap),
    /// The program cannot be interpreted.
    Fail(String),
}

pub(super) type Flow<T = ()> = Result<T, Break>;

impl From<&str> for Break {
    fn from(what: &str) -> Self {
        Break::Fail(what.to_owned())
    }
}

impl From<String> for Break {
    fn from(what: String) -> Self {
        Break::Fail(what)
    }
}

impl From<Trap> for Break {
    fn from(trap: Trap) -> Self {
        Break::Trap(trap)
    }
}

impl Machine {
    /// A machine without gas and entries.
    pub(super) fn new(
        program: Arc<Program>,
        state: State,
        out_of_gas_policy: OutOfGasPolicy,
    ) -> Self {
        Self {
            height: program.height,
            program,
            state,
            run: Run::new(meter(out_of_gas_policy), None),
            limit: Gas::ZERO,
            balance: 0,
            out_of_gas_policy,
            stack: Vec::new(),
            frames: Vec::new(),
            paid: Paid::Nothing,
            phase: Phase::Resting,
            asking: 0,
            entered: 0,
            entries: VecDeque::new(),
        }
    }

    /// Sets the functions to enter, with their arguments.
    pub(super) fn enter(&mut self, entries: VecDeque<(usize, Vec<u64>)>) {
        self.entries = entries;
    }

    pub(super) fn memory(&self) -> &[u8] {
        &self.state.memory
    }

    pub(super) fn into_parts(self) -> Parts {
        Parts {
            program: self.program,
            state: self.state,
            stack: self.stack,
        }
    }

    /// Runs all remaining entries.
    pub(super) fn advance(&mut self, host: &mut (dyn Host + 'static)) -> Flow {
        loop {
            match self.phase {
                Phase::Resting => match self.entries.pop_front() {
                    None => return Ok(()),
                    Some((function, args)) => {
                        self.stack = args;
                        self.phase = Phase::Entering(function);
                    }
                },
                Phase::Entering(function) => {
                    self.check_gas_before_call(function)?;
                    self.phase = Phase::Inside;
                    self.entered = function;
                    self.call(function, host)?;
                }
                Phase::Inside => {
                    self.run_frames(host)?;
                    self.phase = Phase::Returned;
                }
                Phase::Returned => {
                    self.check_gas()?;
                    self.phase = Phase::Resting;
                }
            }
        }
    }

    /// Runs until the outermost frame has returned.
    fn run_frames(&mut self, host: &mut (dyn Host + 'static)) -> Flow {
        let program = Arc::clone(&self.program);
        while let Some(mut frame) = self.frames.pop() {
            let body = body(&program, frame.function)?;
            let exit = self.execute(body, &mut frame);
            match exit {
                Ok(FrameExit::Return) => {
                    self.height = self.height.saturating_add(body.frame);
                    self.skip_call();
                }
                Ok(FrameExit::ReturnCall(function)) => self.call(function, host)?,
                Ok(FrameExit::Call(function)) => {
                    self.frames.push(frame);
                    self.call(function, host)?;
                }
                Err(stopped) => {
                    self.frames.push(frame);
                    return Err(stopped);
                }
            }
        }
        Ok(())
    }

    /// Moves the caller past its call operator, once the call has returned.
    fn skip_call(&mut self) {
        if let Some(caller) = self.frames.last_mut() {
            caller.position = caller.position.saturating_add(1);
        }
    }

    /// Takes the arguments from the stack, and pushes a frame or calls the host.
    fn call(&mut self, function: usize, host: &mut (dyn Host + 'static)) -> Flow {
        let program = Arc::clone(&self.program);
        let (params, _) = program.types.signature(function)?;
        let first = self.stack.len().saturating_sub(params.len());
        match program.functions.get(function) {
            Some(Function::Import(number)) => {
                let number = *number;
                let mut args = [0; MAX_REGISTER_ARGS];
                let given = self.stack.drain(first..);
                args.iter_mut().zip(given).for_each(|(to, arg)| *to = arg);
                self.asking = function;
                self.syscall(SyscallRequest { number, args }, host)
            }
            Some(Function::Body(body)) => {
                let operands = self.stack.len().saturating_add(body.locals);
                self.stack.resize(operands, 0);
                self.frames.push(Frame {
                    function,
                    position: 0,
                    locals: first,
                    operands,
                });
                Ok(())
            }
            None => Err("no such function".into()),
        }
    }

    /// Calls the host. The result, if there is one, is pushed on the stack.
    fn syscall(&mut self, request: SyscallRequest, host: &mut (dyn Host + 'static)) -> Flow {
        let memory = &mut self.state.memory;
        self.run.meter = meter(self.out_of_gas_policy);
        let answer = self
            .run
            .syscall(host, self.balance, &request, GuestMemory::slice(memory));
        self.balance = self.run.meter.balance();
        match answer {
            Ok(reply) => Ok(self.reply(reply)?),
            Err(Stop::Suspend) => Err(Break::Syscall(request)),
            Err(Stop::Finish | Stop::Return) if self.balance < 0 => Err(Break::OutOfGas),
            Err(Stop::Finish | Stop::Return) => Err(Break::Finish),
            Err(Stop::OutOfGas) => Err(Break::OutOfGas),
            Err(Stop::Trap(trap)) => Err(Break::ExactTrap(trap)),
            Err(stop) => Err(Break::Fail(format!(
                "unsupported stop by the host: {stop:?}"
            ))),
        }
    }

    /// Completes the syscall in progress with the host's reply.
    pub(super) fn reply(&mut self, reply: u64) -> Result<()> {
        match self.program.types.signature(self.asking)?.1 {
            [] => {}
            [ValType::I32] => self.stack.push(reply & u64::from(u32::MAX)),
            _ => self.stack.push(reply),
        }
        self.skip_call();
        Ok(())
    }

    /// The results of the entry.
    pub(super) fn results(&self) -> Result<Vec<Value>> {
        let (_, types) = self.program.types.signature(self.entered)?;
        let value = |(found, slot): (&ValType, &u64)| match found {
            ValType::I32 => Some(Value::I32(low(*slot).cast_signed())),
            ValType::I64 => Some(Value::I64(slot.cast_signed())),
            ValType::F32 => Some(Value::F32(low(*slot))),
            ValType::F64 => Some(Value::F64(*slot)),
            ValType::V128 | ValType::Ref(_) => None,
        };
        Ok(types.iter().zip(&self.stack).filter_map(value).collect())
    }
}

/// Gas.
impl Machine {
    /// Adds gas, as far as the limit stays within the greatest amount of gas.
    pub(super) fn add_gas(&mut self, more: Gas) {
        let more = Gas::MAX.saturating_sub(self.limit).min(more);
        self.limit = self.limit.saturating_add(more);
        self.balance = self.balance.saturating_add(more.counter());
    }

    /// All gas that the run has received.
    pub(super) fn limit(&self) -> u64 {
        self.limit.units()
    }

    /// The gas used, at a position where it is exact.
    pub(super) fn used(&self) -> u64 {
        let left = u64::try_from(self.balance).unwrap_or(0);
        self.limit().saturating_sub(left)
    }

    pub(super) fn charge(&mut self, price: u64) {
        self.balance = self.balance.saturating_sub_unsigned(price);
    }

    fn check_gas(&self) -> Flow {
        match self.out_of_gas_policy {
            _ if self.balance >= 0 => Ok(()),
            OutOfGasPolicy::Stop => Err(Break::OutOfGas),
            OutOfGasPolicy::Suspend => Err(Break::GasEnd),
        }
    }

    /// Checks the gas if the function to call is a syscall.
    pub(super) fn check_gas_before_call(&self, function: usize) -> Flow {
        match self.program.functions.get(function) {
            Some(Function::Import(_)) => self.check_gas(),
            Some(Function::Body(_)) | None => Ok(()),
        }
    }

    /// Makes the charges before an operator, except those made before the run was suspended.
    pub(super) fn pay(&mut self, body: &Body, charges: &Charges, mut paid: Paid) -> Flow {
        if let Some(block) = charges.metered_block
            && paid <= Paid::MeteredBlock
        {
            if paid < Paid::MeteredBlock {
                self.charge(block.cost);
                if block.position == BlockPosition::Entry {
                    self.height = self.height.saturating_sub(body.frame);
                }
            }
            if block.has_gas_check() {
                self.paid = Paid::MeteredBlock;
                self.check_gas()?;
                if self.height < 0 {
                    return Err(Break::ExactTrap(Trap::StackOverflow));
                }
            }
            paid = Paid::MeteredBlock;
        }
        if let Some(length) = charges.length {
            if paid < Paid::Length {
                let operand = self.top() & u64::from(u32::MAX);
                let pages = self.state.pages().saturating_add(operand);
                let is_far = pages > self.program.resident_pages;
                self.charge(length.of(operand, is_far));
            }
            self.paid = Paid::Length;
            self.check_gas()?;
        }
        self.paid = Paid::Nothing;
        Ok(())
    }
}

/// A meter without slices. It is told the gas left at each syscall.
fn meter(out_of_gas_policy: OutOfGasPolicy) -> Meter {
    Meter::new(Gas::ZERO, Gas::MAX, out_of_gas_policy, None)
}

/// The body of a defined function.
fn body(program: &Program, function: usize) -> Flow<&Body> {
    match program.functions.get(function) {
        Some(Function::Body(body)) => Ok(body),
        Some(Function::Import(_)) | None => Err("a frame of an imported function".into()),
    }
}

fn low(slot: u64) -> u32 {
    u32::try_from(slot & u64::from(u32::MAX)).unwrap_or(0)
}
