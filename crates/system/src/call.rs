//! Calls: parameters, results, and the answers that waiting programs receive.

use std::borrow::Cow;

use fusee_engine::Gas;

use crate::ExitCode;

/// The state in which a program is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// By its export `main(0, 0) -> i32`.
    Main,
    /// By its export `deploy() -> i32`.
    Deploy,
}

impl State {
    /// The result of `_state`.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            State::Main => 0,
            State::Deploy => 1,
        }
    }

    /// The state with this number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(State::Main),
            1 => Some(State::Deploy),
            _ => None,
        }
    }
}

/// A call of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The state in which it is entered.
    pub state: State,
    /// The input.
    pub input: Vec<u8>,
    /// The gas limit. It also limits what a self-metered program charges itself.
    pub gas: Gas,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallResult {
    /// The exit code.
    pub exit_code: ExitCode,
    /// The output. The output of a system program begins with the exit code (4 bytes,
    /// little-endian), unless the program panicked.
    pub output: Vec<u8>,
    /// The gas used, including the gas used by its callees. The gas of a self-metered program is
    /// what it charged itself.
    pub gas_used: Gas,
    /// The remaining gas. `None` if the program is self-metered.
    pub gas_left: Option<Gas>,
    /// Whether the output begins with the exit code.
    pub(crate) has_header: bool,
}

/// The answer to a waiting program: the result of the call that it requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether the call has ended.
    pub halted: bool,
    /// The output of the call.
    pub output: Vec<u8>,
    /// The gas that the call used. It is charged to the program.
    pub fuel_consumed: u64,
    /// The gas that the call refunds. The program receives this number, but its gas does not
    /// change.
    pub fuel_refunded: i64,
    /// The exit code of the call.
    pub exit_code: i32,
}

impl CallResult {
    /// The output after the exit code.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let header = if self.has_header { 4 } else { 0 };
        self.output.get(header..).unwrap_or_default()
    }

    /// The payload as text: the message of a panic. Invalid UTF-8 is replaced.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.payload())
    }
}

/// The output is the payload, because the answer has a separate exit code.
impl From<CallResult> for Answer {
    fn from(mut result: CallResult) -> Self {
        let header = result.output.len().saturating_sub(result.payload().len());
        result.output.drain(..header);
        Self {
            halted: true,
            fuel_consumed: result.gas_used.units(),
            fuel_refunded: 0,
            exit_code: result.exit_code.code(),
            output: result.output,
        }
    }
}
