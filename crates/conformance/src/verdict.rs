//! Verdicts: the part of an outcome that all machines must agree on.

use fusee_engine::{Trap, Value};
use fusee_executor::Outcome;

/// The part of an outcome that all machines must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How the run ended.
    pub ending: Ending,
    /// The gas used.
    pub gas_used: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Returned these values.
    Finished(Vec<Value>),
    /// Trapped.
    Trapped(Trap),
    /// Ran out of gas.
    OutOfGas,
    /// Has not ended: the run is suspended.
    Parked,
}

impl Verdict {
    /// The verdict on an outcome. Drops a suspended run.
    #[must_use]
    pub fn of<H>(outcome: Outcome<H>) -> Self {
        Self::on(&outcome)
    }

    /// The verdict on a borrowed outcome.
    #[must_use]
    pub fn on<H>(outcome: &Outcome<H>) -> Self {
        match outcome {
            Outcome::Finished(finished) => Verdict {
                ending: Ending::Finished(finished.values().to_vec()),
                gas_used: finished.gas_used().units(),
            },
            Outcome::Trapped(trap, ended) => Verdict {
                ending: Ending::Trapped(*trap),
                gas_used: ended.gas_used().units(),
            },
            Outcome::OutOfGas(ended) => Verdict {
                ending: Ending::OutOfGas,
                gas_used: ended.gas_used().units(),
            },
            Outcome::Syscall(_) | Outcome::GasEnd(_) => Verdict {
                ending: Ending::Parked,
                gas_used: 0,
            },
        }
    }
}
