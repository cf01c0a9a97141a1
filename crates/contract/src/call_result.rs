//! The result of a transaction's call, a query's call or a contract's call.

use fusee_abi::status;
use fusee_engine::Gas;

use crate::{Address, Event, Receipt, Rejection, Status, syscalls};

/// The result of a call.
#[derive(Debug)]
pub(crate) struct CallResult {
    pub(crate) status: Status,
    pub(crate) output: Vec<u8>,
    pub(crate) gas_used: Gas,
}

impl CallResult {
    pub(crate) const fn of(status: Status) -> Self {
        Self {
            status,
            output: Vec::new(),
            gas_used: Gas::ZERO,
        }
    }

    pub(crate) const fn rejected(rejection: Rejection) -> Self {
        Self::of(Status::Rejected(rejection))
    }

    /// The result of what runs nothing.
    pub(crate) const fn immediate(result: Result<(), Rejection>) -> Self {
        match result {
            Ok(()) => Self::of(Status::Success),
            Err(rejection) => Self::rejected(rejection),
        }
    }

    pub(crate) fn receipt(
        self,
        events: Vec<Event>,
        gas_limit: Gas,
        deployed: Option<Address>,
    ) -> Receipt {
        let Self {
            status,
            output,
            gas_used,
        } = self;
        Receipt {
            status,
            gas_limit,
            gas_used,
            output,
            events,
            deployed,
        }
    }

    /// The result of the caller's syscall.
    pub(crate) fn reply(&self) -> u64 {
        let code = match self.status {
            Status::Success => return u64::try_from(self.output.len()).unwrap_or(u64::MAX),
            Status::Reverted => status::REVERTED,
            Status::Trapped(_) => status::TRAPPED,
            Status::OutOfGas => status::OUT_OF_GAS,
            Status::Rejected(rejection) => match rejection {
                Rejection::UnknownAddress | Rejection::UnknownMethod => status::UNKNOWN_CALLEE,
                Rejection::InsufficientBalance => status::INSUFFICIENT_BALANCE,
                Rejection::Reentrant => status::REENTRANT,
                Rejection::CallLimit | Rejection::CodeLimit => status::CALL_LIMIT,
                Rejection::RefusedCode => status::REFUSED,
                Rejection::UnknownCode => status::UNKNOWN_CODE,
                Rejection::AddressTaken => status::ADDRESS_TAKEN,
                // Only a transaction removes code.
                Rejection::NotAdmin | Rejection::CodeInUse => status::NOT_ADMIN,
                Rejection::MissingMethods => status::MISSING_METHODS,
                Rejection::NotPayable => status::NOT_PAYABLE,
            },
        };
        syscalls::status(code)
    }
}
