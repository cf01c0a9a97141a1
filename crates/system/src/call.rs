//! Calls: what is asked of a program, how far it came, and what it is told when it goes on.

use std::{borrow::Cow, sync::Arc};

use fusee_engine::Gas;
use fusee_executor::Suspended;

use crate::{
    ExitCode, SystemProgram,
    host::Context,
    instances::{Held, Seat, Ticket},
    wire::ExecParams,
};

/// In which state a program is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// By its export `main(0, 0) -> i32`.
    Main,
    /// By its export `deploy() -> i32`.
    Deploy,
}

impl State {
    /// What `_state` says.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            State::Main => 0,
            State::Deploy => 1,
        }
    }

    /// The state of this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(State::Main),
            1 => Some(State::Deploy),
            _ => None,
        }
    }
}

/// What is asked of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// How it is entered.
    pub state: State,
    /// What it can read.
    pub input: Vec<u8>,
    /// What it may use: of its own count where it is not billed.
    pub gas: Gas,
}

/// How far a call came.
#[derive(Debug)]
pub enum Step {
    /// It has ended.
    Ended(End),
    /// It waits for its caller to do something.
    Interrupted(Interruption),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The exit code.
    pub exit_code: ExitCode,
    /// The output: a system program's begins with the exit code, 4 bytes, little-endian, unless it panicked.
    pub output: Vec<u8>,
    /// What it used, what was used for it while it waited included. Of a program that is not billed, what it charged itself.
    pub gas_used: Gas,
    /// What it did not use; `None` where it is not billed.
    pub gas_left: Option<Gas>,
    /// Whether the output begins with the exit code.
    pub(crate) has_header: bool,
}

/// What a program is told when it goes on: how what it waited for came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether that has ended.
    pub halted: bool,
    /// What it left.
    pub output: Vec<u8>,
    /// The gas that it used. It is taken from the program's.
    pub fuel_consumed: u64,
    /// What it gives back, which is told to the program and not counted.
    pub fuel_refunded: i64,
    /// Its exit code.
    pub exit_code: i32,
}

/// A call that waits. Dropping it ends the call: where it waits in an instance that others wait in, or come back to, that instance
/// is lost, and they fail.
#[derive(Debug)]
pub struct Interruption {
    pub(crate) params: Vec<u8>,
    pub(crate) running: Running,
    pub(crate) waiting: Waiting,
    /// It counts among what waits in its transaction as long as it is there.
    pub(crate) held: Held,
}

/// A run of a program, and what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    /// The instance that it is to come back to; `None` if it is its own.
    pub(crate) seat: Option<Seat>,
    pub(crate) state: State,
}

/// How a call waits.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// It returned, and is entered again. Its frame is in the guest's memory.
    Returned {
        ticket: Arc<Ticket>,
        context: Box<Context>,
    },
    /// It is parked.
    Parked(Box<Suspended>),
}

impl End {
    /// The output behind the exit code.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let header = if self.has_header { 4 } else { 0 };
        self.output.get(header..).unwrap_or_default()
    }

    /// The payload as text: the message of a panic. What is not UTF-8 in it is replaced.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.payload())
    }
}

/// The output without the exit code, which the answer has anyway.
impl From<End> for Answer {
    fn from(end: End) -> Self {
        Self {
            halted: true,
            fuel_consumed: end.gas_used.units(),
            fuel_refunded: 0,
            exit_code: end.exit_code.code(),
            output: end.payload().to_vec(),
        }
    }
}

impl Interruption {
    /// What the program wants of its caller. It is never empty.
    #[must_use]
    pub fn params(&self) -> &[u8] {
        &self.params
    }

    /// The same, if it is that another program be run.
    #[must_use]
    pub fn exec_params(&self) -> Option<ExecParams> {
        ExecParams::decode(&self.params)
    }

    /// The system program that waits; `None` if it is another.
    #[must_use]
    pub fn program(&self) -> Option<SystemProgram> {
        self.running.seat.map(|seat| seat.program)
    }
}
