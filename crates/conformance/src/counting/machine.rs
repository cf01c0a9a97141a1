//! Instances, and what happens in them.
//!
//! Guest calls are frames in a list of ours: however deep they are, they take no native stack, and a
//! machine can be left alone anywhere and gone on with.

use std::{collections::VecDeque, fmt, sync::Arc};

use fusee_engine::{
    Gas, GuestMemory, Host, MAX_SYSCALL_ARGS, Meter, OutOfGasPolicy, Run, Stop, SyscallRequest,
    Trap, Value,
};
use wasmparser::ValType;

use super::{
    Result,
    body::{Body, Place, Toll},
    op::{Jump, NULL, Op, place, referred},
    program::{Function, Program, State},
};
use crate::{Ending, Verdict};

/// The export that runs before the first entry.
const INITIALIZE: &str = "_initialize";

/// One way to enter a program.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The exported function.
    pub name: &'a str,
    /// Its arguments, as slots: each in 64 bits, extended by zeroes.
    pub args: &'a [u64],
    /// The gas that it may use, making the instance included.
    pub gas: Gas,
    /// What happens where its gas ends.
    pub out_of_gas_policy: OutOfGasPolicy,
}

/// An instance at rest.
#[derive(Debug)]
pub struct Instance {
    program: Arc<Program>,
    state: State,
    /// Whether it was paid for, and its initializers have run.
    is_made: bool,
}

/// How a run ended or paused.
#[derive(Debug)]
pub enum Outcome<H> {
    /// It ended.
    Ended(Ended<H>),
    /// It waits for the answer to a syscall.
    Syscall(SyscallRequest, Parked<H>),
    /// It waits for more gas.
    GasEnd(Parked<H>),
}

/// What is left of a run.
pub struct Ended<H> {
    /// What a lane would have to say.
    pub verdict: Verdict,
    /// What the entry returned, as slots.
    pub values: Vec<u64>,
    /// The host, back from the run.
    pub host: H,
    /// The instance, if the entry returned.
    pub instance: Option<Instance>,
}

/// A run that waits.
#[derive(Debug)]
pub struct Parked<H> {
    machine: Box<Machine>,
    host: H,
}

#[derive(Debug)]
struct Machine {
    instance: Instance,
    /// The meter through which the host charges.
    run: Run,
    /// All the gas that the run was given.
    limit: Gas,
    /// The gas left; below zero between two looks.
    balance: i64,
    out_of_gas_policy: OutOfGasPolicy,
    /// The stack that frames can still take.
    height: i64,
    /// Locals and operands of all frames.
    stack: Vec<u64>,
    frames: Vec<Frame>,
    /// How much of what is due before the next operator was paid before the run was parked.
    paid: Paid,
    phase: Phase,
    /// The import that waits for an answer.
    asking: usize,
    /// The function that was entered last.
    entered: usize,
    /// What is still to be entered.
    entries: VecDeque<(usize, Vec<u64>)>,
}

/// A function that is open.
#[derive(Clone, Copy, Debug)]
struct Frame {
    function: usize,
    /// The position of the operator that is next, or of the call that is open.
    position: usize,
    /// Where its locals begin in the stack.
    locals: usize,
    /// Where its operands begin.
    operands: usize,
}

/// What a machine is doing between two entries.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Resting,
    Entering(usize),
    Inside,
    Returned,
}

/// What was paid before an operator, in the order of paying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Paid {
    #[default]
    Nothing,
    Region,
    Length,
    All,
}

/// Why a frame is left.
enum Leave {
    Call(usize),
    Return,
}

/// Why a run does not go on.
enum Break {
    OutOfGas,
    GasEnd,
    /// And the function that makes it.
    Syscall(SyscallRequest, usize),
    /// A syscall ended it well.
    Finish,
    /// A trap at a place where it is known what was used.
    Told(Trap),
    /// Any other.
    Trap(Trap),
    /// It cannot be interpreted.
    Fail(String),
}

type Flow<T = ()> = Result<T, Break>;

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

impl Instance {
    /// An instance that nobody has paid for.
    #[must_use]
    pub fn new(program: &Arc<Program>) -> Self {
        Self {
            program: Arc::clone(program),
            state: program.initial.clone(),
            is_made: false,
        }
    }

    /// The whole memory.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        &self.state.memory
    }

    /// Enters the instance.
    ///
    /// # Errors
    ///
    /// What cannot be run, as a text.
    pub fn run<H: Host>(mut self, entry: Entry<'_>, host: H) -> Result<Outcome<H>> {
        let function = self.program.entry(entry.name).ok_or("no such entry")?;
        let mut entries = VecDeque::from([(function, entry.args.to_vec())]);
        let mut balance = entry.gas.counter();
        if !self.is_made {
            self.is_made = true;
            let price = Gas::new(self.program.instance);
            balance = balance.saturating_sub(price.counter());
            if entry.name != INITIALIZE
                && let Some(initialize) = self.program.entry(INITIALIZE)
                && self.program.types.signature(initialize)?.0.is_empty()
            {
                entries.push_front((initialize, Vec::new()));
            }
            if let Some(start) = self.program.start {
                entries.push_front((start, Vec::new()));
            }
        }
        let meter = meter(entry.out_of_gas_policy);
        let machine = Machine {
            limit: entry.gas,
            balance,
            out_of_gas_policy: entry.out_of_gas_policy,
            height: self.program.height,
            instance: self,
            run: Run::new(meter, None),
            stack: Vec::new(),
            frames: Vec::new(),
            paid: Paid::Nothing,
            phase: Phase::Resting,
            asking: 0,
            entered: function,
            entries,
        };
        let machine = Box::new(machine);
        Parked { machine, host }.go_on()
    }
}

impl<H> Outcome<H> {
    /// What a lane would have to say.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Outcome::Ended(ended) => ended.verdict.clone(),
            Outcome::Syscall(..) | Outcome::GasEnd(_) => Verdict {
                ending: Ending::Parked,
                gas_used: 0,
            },
        }
    }
}

impl<H: Host> Parked<H> {
    /// The host.
    pub const fn host(&mut self) -> &mut H {
        &mut self.host
    }

    /// The whole memory.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        self.machine.instance.memory()
    }

    /// Goes on from a syscall.
    ///
    /// # Errors
    ///
    /// What cannot be run, as a text.
    pub fn resume(mut self, reply: u64) -> Result<Outcome<H>> {
        let function = self.machine.asking;
        self.machine.answered(function, reply)?;
        self.go_on()
    }

    /// Goes on with more gas.
    ///
    /// # Errors
    ///
    /// What cannot be run, as a text.
    pub fn resume_with(mut self, more: Gas) -> Result<Outcome<H>> {
        let machine = &mut self.machine;
        let more = Gas::MAX.saturating_sub(machine.limit).min(more);
        machine.limit = machine.limit.saturating_add(more);
        machine.balance = machine.balance.saturating_add(more.counter());
        self.go_on()
    }

    fn go_on(mut self) -> Result<Outcome<H>> {
        let machine = &mut self.machine;
        let paused = match machine.advance(&mut self.host) {
            Ok(()) => return self.machine.returned(self.host),
            Err(paused) => paused,
        };
        let left = u64::try_from(machine.balance).unwrap_or(0);
        let limit = machine.limit.units();
        let used = limit.saturating_sub(left);
        let (ending, gas_used) = match paused {
            Break::GasEnd => return Ok(Outcome::GasEnd(self)),
            Break::Syscall(request, function) => {
                machine.asking = function;
                return Ok(Outcome::Syscall(request, self));
            }
            Break::Fail(what) => return Err(what),
            Break::OutOfGas => (Ending::OutOfGas, limit),
            Break::Finish => (Ending::Finished(Vec::new()), used),
            Break::Told(trap) => (Ending::Trapped(trap), used),
            Break::Trap(trap) => (Ending::Trapped(trap), limit),
        };
        Ok(Outcome::Ended(Ended {
            verdict: Verdict { ending, gas_used },
            values: Vec::new(),
            host: self.host,
            instance: None,
        }))
    }
}

/// A meter that holds nothing back: it is told the gas left at each syscall.
fn meter(out_of_gas_policy: OutOfGasPolicy) -> Meter {
    Meter::new(Gas::ZERO, Gas::MAX, out_of_gas_policy, None)
}

impl Machine {
    /// Runs whatever is left to run.
    fn advance(&mut self, host: &mut (dyn Host + 'static)) -> Flow {
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
                    self.look_before(function)?;
                    self.phase = Phase::Inside;
                    self.entered = function;
                    self.call(function, host)?;
                }
                Phase::Inside => {
                    self.inside(host)?;
                    self.phase = Phase::Returned;
                }
                Phase::Returned => {
                    self.look()?;
                    self.phase = Phase::Resting;
                }
            }
        }
    }

    /// The last entry has returned.
    fn returned<H>(self, host: H) -> Result<Outcome<H>> {
        let left = u64::try_from(self.balance).unwrap_or(0);
        Ok(Outcome::Ended(Ended {
            verdict: Verdict {
                ending: Ending::Finished(self.results()?),
                gas_used: self.limit.units().saturating_sub(left),
            },
            values: self.stack,
            host,
            instance: Some(self.instance),
        }))
    }

    /// Runs until the outermost frame has returned.
    fn inside(&mut self, host: &mut (dyn Host + 'static)) -> Flow {
        let program = Arc::clone(&self.instance.program);
        while let Some(mut frame) = self.frames.pop() {
            let body = body(&program, frame.function)?;
            let left = self.execute(body, &mut frame);
            match left {
                Ok(Leave::Return) => {
                    self.height = self.height.saturating_add(body.frame);
                    self.called();
                }
                Ok(Leave::Call(function)) => {
                    self.frames.push(frame);
                    self.call(function, host)?;
                }
                Err(paused) => {
                    self.frames.push(frame);
                    return Err(paused);
                }
            }
        }
        Ok(())
    }

    /// A call has come to its end: its caller goes on behind it.
    fn called(&mut self) {
        if let Some(caller) = self.frames.last_mut() {
            caller.position = caller.position.saturating_add(1);
        }
    }

    /// Takes the arguments from the stack and begins, or asks the host.
    fn call(&mut self, function: usize, host: &mut (dyn Host + 'static)) -> Flow {
        let program = Arc::clone(&self.instance.program);
        let (params, _) = program.types.signature(function)?;
        let first = self.stack.len().saturating_sub(params.len());
        match program.functions.get(function) {
            Some(Function::Import(number)) => {
                let number = *number;
                let mut args = [0; MAX_SYSCALL_ARGS];
                let given = self.stack.drain(first..);
                args.iter_mut().zip(given).for_each(|(to, arg)| *to = arg);
                self.ask(function, SyscallRequest { number, args }, host)
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

    /// Asks the host. Its answer, or that there is none, is left on the stack.
    fn ask(
        &mut self,
        function: usize,
        request: SyscallRequest,
        host: &mut (dyn Host + 'static),
    ) -> Flow {
        let memory = &mut self.instance.state.memory;
        self.run.meter = meter(self.out_of_gas_policy);
        let answer = self
            .run
            .syscall(host, self.balance, &request, GuestMemory::slice(memory));
        self.balance = self.run.meter.balance();
        match answer {
            Ok(reply) => Ok(self.answered(function, reply)?),
            Err(Stop::Suspend) => Err(Break::Syscall(request, function)),
            Err(Stop::Finish) if self.balance < 0 => Err(Break::OutOfGas),
            Err(Stop::Finish) => Err(Break::Finish),
            Err(Stop::OutOfGas) => Err(Break::OutOfGas),
            Err(Stop::Trap(trap)) => Err(Break::Told(trap)),
            Err(stop) => Err(Break::Fail(format!("the host stops the guest: {stop:?}"))),
        }
    }

    fn answered(&mut self, function: usize, reply: u64) -> Result<()> {
        match self.instance.program.types.signature(function)?.1 {
            [] => {}
            [ValType::I32] => self.stack.push(reply & u64::from(u32::MAX)),
            _ => self.stack.push(reply),
        }
        self.called();
        Ok(())
    }

    /// What the entry returned.
    fn results(&self) -> Result<Vec<Value>> {
        let (_, types) = self.instance.program.types.signature(self.entered)?;
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
    fn charge(&mut self, price: u64) {
        self.balance = self.balance.saturating_sub_unsigned(price);
    }

    /// Looks at the gas that is left.
    fn look(&self) -> Flow {
        match self.out_of_gas_policy {
            _ if self.balance >= 0 => Ok(()),
            OutOfGasPolicy::Stop => Err(Break::OutOfGas),
            OutOfGasPolicy::Suspend => Err(Break::GasEnd),
        }
    }

    /// Looks, if the function that is to be called is a syscall.
    fn look_before(&self, function: usize) -> Flow {
        match self.instance.program.functions.get(function) {
            Some(Function::Import(_)) => self.look(),
            Some(Function::Body(_)) | None => Ok(()),
        }
    }

    /// Pays what is due before an operator, but for what is paid already.
    fn pay(&mut self, body: &Body, toll: &Toll, mut paid: Paid) -> Flow {
        if let Some(region) = toll.region
            && paid <= Paid::Region
        {
            if paid < Paid::Region {
                self.charge(region.cost);
                if region.place == Place::Entry {
                    self.height = self.height.saturating_sub(body.frame);
                }
            }
            if region.is_looked_at() {
                self.paid = Paid::Region;
                self.look()?;
                if self.height < 0 {
                    return Err(Break::Told(Trap::StackOverflow));
                }
            }
            paid = Paid::Region;
        }
        if let Some(length) = toll.length {
            if paid < Paid::Length {
                self.charge(length.of(self.top() & u64::from(u32::MAX)));
            }
            self.paid = Paid::Length;
            self.look()?;
        }
        self.paid = Paid::Nothing;
        Ok(())
    }
}

/// Operators.
impl Machine {
    /// Runs one frame until it calls or returns.
    fn execute(&mut self, body: &Body, frame: &mut Frame) -> Flow<Leave> {
        while let Some(step) = body.steps.get(frame.position) {
            let paid = std::mem::take(&mut self.paid);
            if let Some(toll) = &step.toll
                && paid < Paid::All
            {
                self.pay(body, toll, paid)?;
            }
            let mut next = frame.position.saturating_add(1);
            match &step.op {
                Op::Nothing => {}
                Op::Unreachable if self.balance < 0 => return Err(Break::OutOfGas),
                Op::Unreachable => return Err(Break::Told(Trap::Unreachable)),
                Op::Skip(to) => next = *to,
                Op::If(to) => {
                    if self.pop() == 0 {
                        next = *to;
                    }
                }
                Op::Jump(jump) => next = self.jump(frame, *jump),
                Op::JumpIf(jump) => {
                    if self.pop() != 0 {
                        next = self.jump(frame, *jump);
                    }
                }
                Op::JumpTable(jumps) => {
                    let chosen = place(self.pop());
                    let jump = jumps.get(chosen).or(jumps.last()).ok_or(INVALID)?;
                    next = self.jump(frame, *jump);
                }
                Op::Call(function) => return self.leave_for(*function, 0),
                Op::CallIndirect { type_index, table } => {
                    let function = self.callee(*type_index, *table)?;
                    return self.leave_for(function, 1);
                }
                Op::Drop => {
                    self.pop();
                }
                Op::Select => {
                    let [left, right, condition] = self.pops();
                    self.push(if condition == 0 { right } else { left });
                }
                Op::Const(value) => self.push(*value),
                Op::LocalGet(local) => {
                    let value = *self.local(frame, *local);
                    self.push(value);
                }
                Op::LocalSet(local) => *self.local(frame, *local) = self.pop(),
                Op::LocalTee(local) => *self.local(frame, *local) = self.top(),
                Op::Unary(function) => {
                    let [operand] = self.pops();
                    self.push(function(operand));
                }
                Op::Binary(function) => {
                    let [left, right] = self.pops();
                    self.push(function(left, right));
                }
                Op::Partial(function) => {
                    let [operand] = self.pops();
                    self.push(function(operand)?);
                }
                Op::Division(function) => {
                    let [left, right] = self.pops();
                    self.push(function(left, right)?);
                }
                Op::Load(load) => {
                    let [address] = self.pops();
                    let value = self.instance.state.load(*load, address)?;
                    self.push(value);
                }
                Op::Store(store) => {
                    let [address, value] = self.pops();
                    self.instance.state.store(*store, address, value)?;
                }
                other => self.rare(other)?,
            }
            frame.position = next;
        }
        self.stack.drain(frame.locals..frame.operands);
        Ok(Leave::Return)
    }

    /// Operators that do not decide where it goes on, and are rare enough to be apart.
    fn rare(&mut self, op: &Op) -> Flow {
        let program = Arc::clone(&self.instance.program);
        match op {
            Op::GlobalGet(global) => {
                let value = self.instance.state.globals.get(*global);
                self.push(*value.ok_or(INVALID)?);
            }
            Op::GlobalSet(global) => {
                let value = self.pop();
                let found = self.instance.state.globals.get_mut(*global);
                *found.ok_or(INVALID)? = value;
            }
            Op::MemorySize => self.push(self.instance.state.pages()),
            Op::MemoryGrow => {
                let [pages] = self.pops();
                let limit = program.memory_limit;
                let before = self.instance.state.grow_memory(pages, limit);
                self.push(before);
            }
            Op::MemoryFill => {
                let [start, byte, count] = self.pops();
                self.instance.state.fill_memory(start, byte, count)?;
            }
            Op::MemoryCopy => {
                let [to, from, count] = self.pops();
                self.instance.state.copy_memory(to, from, count)?;
            }
            Op::MemoryInit(data) => {
                let place = self.pops();
                self.instance.state.init_memory(*data, place)?;
            }
            Op::DataDrop(data) => self.instance.state.drop_data(*data),
            Op::TableGet(table) => {
                let [element] = self.pops();
                let value = self.instance.state.table_get(*table, element)?;
                self.push(value);
            }
            Op::TableSet(table) => {
                let [element, value] = self.pops();
                self.instance.state.fill_table(*table, element, value, 1)?;
            }
            Op::TableSize(table) => self.push(self.instance.state.table_size(*table)),
            Op::TableFill(table) => {
                let [start, value, count] = self.pops();
                self.instance
                    .state
                    .fill_table(*table, start, value, count)?;
            }
            Op::TableCopy { to, from } => {
                let place = self.pops();
                self.instance.state.copy_table((*to, *from), place)?;
            }
            Op::TableInit { table, elements } => {
                let place = self.pops();
                self.instance.state.init_table(*table, *elements, place)?;
            }
            Op::ElemDrop(elements) => self.instance.state.drop_elements(*elements),
            other => return Err(Break::Fail(format!("{other:?} is not rare"))),
        }
        Ok(())
    }

    /// Where a branch goes on; its operands are brought to where it expects them.
    fn jump(&mut self, frame: &Frame, jump: Jump) -> usize {
        let from = self.stack.len().saturating_sub(jump.keep);
        let to = frame.operands.saturating_add(jump.height);
        self.stack.drain(to..from);
        jump.to
    }

    /// Leaves for a function, once the `above` operands on top of its arguments are gone. Whoever is parked here
    /// comes back to the whole operator.
    fn leave_for(&mut self, function: usize, above: usize) -> Flow<Leave> {
        if let Err(parked) = self.look_before(function) {
            self.paid = Paid::All;
            return Err(parked);
        }
        self.stack.truncate(self.stack.len().saturating_sub(above));
        Ok(Leave::Call(function))
    }

    /// The function that an indirect call is for; the element's number stays on the stack.
    fn callee(&mut self, type_index: usize, table: usize) -> Flow<usize> {
        let reference = self.instance.state.table_get(table, self.top())?;
        if reference == NULL {
            return Err(Break::Trap(Trap::IndirectCallToNull));
        }
        let function = referred(reference);
        if self.instance.program.types.has_type(function, type_index)? {
            Ok(function)
        } else {
            Err(Break::Trap(Trap::BadSignature))
        }
    }

    fn push(&mut self, value: u64) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> u64 {
        self.stack.pop().expect(INVALID)
    }

    /// The operands on top, from the lowest.
    fn pops<const N: usize>(&mut self) -> [u64; N] {
        let mut operands = [0; N];
        for operand in operands.iter_mut().rev() {
            *operand = self.pop();
        }
        operands
    }

    fn top(&self) -> u64 {
        *self.stack.last().expect(INVALID)
    }

    fn local(&mut self, frame: &Frame, local: usize) -> &mut u64 {
        let place = frame.locals.saturating_add(local);
        self.stack.get_mut(place).expect(INVALID)
    }
}

/// What cannot be: the program was validated.
const INVALID: &str = "a valid program names what is there";

fn body(program: &Program, function: usize) -> Flow<&Body> {
    match program.functions.get(function) {
        Some(Function::Body(body)) => Ok(body),
        Some(Function::Import(_)) | None => Err("a frame without body".into()),
    }
}

/// Values as slots.
#[must_use]
pub fn slots(values: &[Value]) -> Vec<u64> {
    let slot = |value: &Value| match value {
        Value::I32(value) => u64::from(value.cast_unsigned()),
        Value::I64(value) => value.cast_unsigned(),
        Value::F32(bits) => u64::from(*bits),
        Value::F64(bits) => *bits,
    };
    values.iter().map(slot).collect()
}

fn low(slot: u64) -> u32 {
    u32::try_from(slot & u64::from(u32::MAX)).unwrap_or(0)
}

impl<H> fmt::Debug for Ended<H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ended")
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
