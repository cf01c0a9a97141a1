//! The machine: opcodes, what each costs, and what each does to the frame that runs.
//!
//! It is total: whatever the bytes are, a script returns, calls, or fails with a message. Every
//! opcode charges before it acts, so that a script ends where its fuel does. Addresses count from
//! the beginning of the input, and begin there with the length of the code.

use core::ops::Range;

use fusee_system_guest::exit_code;

/// Where the code begins.
const CODE: usize = 4;

/// How many bytes a value takes.
const VALUE_BYTES: usize = 8;

/// How long the operand stack can be: 256 values.
const STACK_BYTES: usize = 256 * VALUE_BYTES;

/// The opcodes, by their bytes.
pub(crate) mod opcode {
    pub(crate) const RETURN: u8 = 0x00;
    pub(crate) const PUSH: u8 = 0x01;
    pub(crate) const DUP: u8 = 0x02;
    pub(crate) const SWAP: u8 = 0x03;
    pub(crate) const DROP: u8 = 0x04;
    pub(crate) const ADD: u8 = 0x05;
    pub(crate) const SUB: u8 = 0x06;
    pub(crate) const MUL: u8 = 0x07;
    pub(crate) const JUMP_IF: u8 = 0x08;
    pub(crate) const LOAD: u8 = 0x09;
    pub(crate) const STORE: u8 = 0x0a;
    pub(crate) const CHARGE: u8 = 0x0b;
    pub(crate) const CALL: u8 = 0x0c;
}

/// The fuel that an opcode costs; nothing if there is no such opcode.
pub(crate) const fn price(code: u8) -> Option<u64> {
    match code {
        opcode::DUP | opcode::SWAP | opcode::DROP | opcode::RETURN => Some(10),
        opcode::PUSH | opcode::ADD | opcode::SUB | opcode::CHARGE => Some(12),
        opcode::MUL | opcode::JUMP_IF => Some(16),
        opcode::LOAD | opcode::STORE => Some(20),
        opcode::CALL => Some(2_000),
        _ => None,
    }
}

/// Why a script is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// How the program ends.
    pub(crate) code: i32,
    /// What its payload says.
    pub(crate) message: &'static str,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// How the callee ended.
    pub(crate) exit_code: i32,
    /// The first eight bytes of its payload, and zeros where it has fewer.
    pub(crate) payload: i64,
}

/// Why the machine stops.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The script has ended.
    Returned(i64),
    /// The script has called a program, with an input from its own memory.
    Calls {
        code_hash: [u8; 32],
        fuel_limit: u64,
        input: Range<usize>,
    },
}

/// Where a script is. Its memory begins with its input, and its operand stack is right behind that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// The next byte of the code.
    next: usize,
    /// The end of the code.
    code_end: usize,
    /// The end of the input.
    input_end: usize,
    /// The end of the operand stack.
    top: usize,
}

/// A script that runs.
pub(crate) struct Machine<'a> {
    memory: &'a mut [u8],
    frame: Frame,
}

impl Fault {
    pub(crate) const NO_ROOM: Self = Self {
        code: exit_code::OUT_OF_MEMORY,
        message: "no room for the script",
    };

    const fn malformed(message: &'static str) -> Self {
        Self {
            code: exit_code::MALFORMED_BUILTIN_PARAMS,
            message,
        }
    }
}

impl Frame {
    /// A frame of nothing.
    pub(crate) const EMPTY: Self = Self {
        next: 0,
        code_end: 0,
        input_end: 0,
        top: 0,
    };

    /// A script at its beginning.
    pub(crate) fn new(input: &[u8]) -> Result<Self, Fault> {
        let code_end = input
            .first_chunk()
            .and_then(|length| usize::try_from(u32::from_le_bytes(*length)).ok())
            .and_then(|length| length.checked_add(CODE))
            .filter(|end| *end <= input.len())
            .ok_or(Fault::malformed("the input ends before the code does"))?;
        Ok(Self {
            next: CODE,
            code_end,
            input_end: input.len(),
            top: input.len(),
        })
    }

    /// The end of what the frame uses.
    pub(crate) const fn top(&self) -> usize {
        self.top
    }
}

impl<'a> Machine<'a> {
    /// The frame's input is at the beginning of the memory, and the operand stack may use the rest.
    pub(crate) const fn new(memory: &'a mut [u8], frame: Frame) -> Self {
        Self { memory, frame }
    }

    /// Where the script is now.
    pub(crate) const fn into_frame(self) -> Frame {
        self.frame
    }

    /// Puts what came of a call on the operand stack: the payload, and on it the exit code.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<(), Fault> {
        self.push(answer.payload)?;
        self.push(i64::from(answer.exit_code))
    }

    /// Runs until the script ends or calls.
    pub(crate) fn run(&mut self, charge: &mut impl FnMut(u64)) -> Result<Step, Fault> {
        loop {
            let [code] = self.fetch()?;
            let price = price(code).ok_or(Fault::malformed("unknown opcode"))?;
            charge(price);
            match code {
                opcode::RETURN => return self.pop().map(Step::Returned),
                opcode::PUSH => {
                    let value = self.fetch()?;
                    self.push(i64::from_le_bytes(value))?;
                }
                opcode::DUP => {
                    let value = self.pop()?;
                    self.push(value)?;
                    self.push(value)?;
                }
                opcode::SWAP => {
                    let (lower, upper) = self.pop_two()?;
                    self.push(upper)?;
                    self.push(lower)?;
                }
                opcode::DROP => {
                    self.pop()?;
                }
                opcode::ADD => self.compute(i64::wrapping_add)?,
                opcode::SUB => self.compute(i64::wrapping_sub)?,
                opcode::MUL => self.compute(i64::wrapping_mul)?,
                opcode::JUMP_IF => self.jump_if()?,
                opcode::LOAD => {
                    let address = self.pop()?;
                    let value = *self.data(address, 0)?;
                    self.push(i64::from_le_bytes(value))?;
                }
                opcode::STORE => {
                    let (address, value) = self.pop_two()?;
                    *self.data(address, self.frame.code_end)? = value.to_le_bytes();
                }
                opcode::CHARGE => {
                    let fuel = self.pop()?;
                    charge(u64::try_from(fuel).map_err(|_| Fault::malformed("negative fuel"))?);
                }
                opcode::CALL => return self.call(),
                _ => return Err(Fault::malformed("unknown opcode")),
            }
        }
    }

    fn compute(&mut self, result: fn(i64, i64) -> i64) -> Result<(), Fault> {
        let (left, right) = self.pop_two()?;
        self.push(result(left, right))
    }

    fn jump_if(&mut self) -> Result<(), Fault> {
        let target = usize::from(u16::from_le_bytes(self.fetch()?));
        if !(CODE..self.frame.code_end).contains(&target) {
            return Err(Fault::malformed("jump out of the code"));
        }
        if self.pop()? != 0 {
            self.frame.next = target;
        }
        Ok(())
    }

    fn call(&mut self) -> Result<Step, Fault> {
        let (start, end) = self.pop_two()?;
        let (fuel_limit, hash) = self.pop_two()?;
        let fuel_limit =
            u64::try_from(fuel_limit).map_err(|_| Fault::malformed("negative fuel"))?;
        let code_hash = *self.data(hash, 0)?;
        let input = usize::try_from(start)
            .ok()
            .zip(usize::try_from(end).ok())
            .filter(|(start, end)| start <= end && *end <= self.frame.input_end)
            .map(|(start, end)| start..end)
            .ok_or(OUTSIDE)?;
        Ok(Step::Calls {
            code_hash,
            fuel_limit,
            input,
        })
    }

    /// The next bytes of the code.
    fn fetch<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let code = self.memory.get(self.frame.next..self.frame.code_end);
        let bytes = code
            .and_then(|rest| rest.first_chunk())
            .ok_or(Fault::malformed("the code ends without a return"))?;
        self.frame.next += N;
        Ok(*bytes)
    }

    /// The bytes of the input at an address that is not below `lowest`.
    fn data<const N: usize>(&mut self, address: i64, lowest: usize) -> Result<&mut [u8; N], Fault> {
        usize::try_from(address)
            .ok()
            .filter(|address| *address >= lowest)
            .and_then(|address| self.memory.get_mut(address..self.frame.input_end))
            .and_then(|rest| rest.first_chunk_mut())
            .ok_or(OUTSIDE)
    }

    fn push(&mut self, value: i64) -> Result<(), Fault> {
        let top = self.frame.top;
        if top - self.frame.input_end >= STACK_BYTES {
            return Err(Fault::malformed("more than 256 values on the stack"));
        }
        let place = self.memory.get_mut(top..);
        let place = place.and_then(|rest| rest.first_chunk_mut());
        *place.ok_or(Fault::NO_ROOM)? = value.to_le_bytes();
        self.frame.top += VALUE_BYTES;
        Ok(())
    }

    fn pop(&mut self) -> Result<i64, Fault> {
        let stack = self.memory.get(self.frame.input_end..self.frame.top);
        let value = stack
            .and_then(|stack| stack.last_chunk())
            .ok_or(Fault::malformed("too few values on the stack"))?;
        self.frame.top -= VALUE_BYTES;
        Ok(i64::from_le_bytes(*value))
    }

    /// The two values on top, the lower one first.
    fn pop_two(&mut self) -> Result<(i64, i64), Fault> {
        let upper = self.pop()?;
        Ok((self.pop()?, upper))
    }
}

const OUTSIDE: Fault = Fault::malformed("address outside of the data");

#[cfg(test)]
pub(crate) mod tests;
