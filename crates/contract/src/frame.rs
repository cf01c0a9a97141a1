//! Frames: one contract's call, and the host that answers its syscalls.

use std::sync::Arc;

use fusee_engine::{EngineError, Gas, Host, Source, Stop, Syscall};
use fusee_instrument::SyscallPrices;
use fusee_virtualization::{Owner, StorageScope, Symbols};

use crate::{
    Address, ContractLimits, ContractPrices, ContractRules,
    changes::{Changes, ChangesCheckpoint},
    keys, syscalls,
};

/// One call while it runs.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) context: Context,
    pub(crate) limits: ContractLimits,
    pub(crate) prices: ContractPrices,
    /// The prices of the syscalls.
    pub(crate) syscall_prices: Arc<SyscallPrices>,
    /// The changes of the transaction. `None` while the frame waits for a callee, which has them.
    changes: Option<Changes>,
    /// The changes when this frame began.
    pub(crate) checkpoint: ChangesCheckpoint,
    pub(crate) output: Vec<u8>,
    /// Whether the output is the message of a revert.
    pub(crate) has_reverted: bool,
    /// What the last call from this frame returned.
    pub(crate) return_data: Vec<u8>,
    /// What this frame is suspended for.
    pub(crate) asked: Option<Asked>,
    /// Which symbols its nested VMs may import.
    pub(crate) symbols: Symbols,
}

/// What a frame is suspended for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Another contract.
    Call(CallRequest),
    /// The oracle, with this question.
    Oracle(Vec<u8>),
}

/// What a contract can learn of its call.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) caller: Address,
    pub(crate) address: Address,
    pub(crate) method: String,
    pub(crate) value: u128,
    pub(crate) input: Vec<u8>,
    pub(crate) access: Access,
}

/// Whether a call may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    ReadWrite,
    ReadOnly,
}

/// A call that a frame asks for.
#[derive(Debug)]
pub(crate) struct CallRequest {
    pub(crate) to: Address,
    pub(crate) method: String,
    pub(crate) value: u128,
    pub(crate) input: Vec<u8>,
    pub(crate) gas: Gas,
}

impl Frame {
    pub(crate) fn new(
        context: Context,
        rules: &ContractRules,
        changes: Changes,
        checkpoint: ChangesCheckpoint,
    ) -> Self {
        Self {
            context,
            limits: rules.limits,
            prices: rules.prices,
            syscall_prices: Arc::clone(rules.program.prices()),
            changes: Some(changes),
            checkpoint,
            output: Vec::new(),
            has_reverted: false,
            return_data: Vec::new(),
            asked: None,
            symbols: Symbols::Any,
        }
    }

    /// The changes of the transaction.
    ///
    /// # Panics
    ///
    /// If the frame has lent them: it waits, and a frame that waits answers no syscall.
    pub(crate) fn changes(&mut self) -> &mut Changes {
        self.changes.as_mut().expect(HAS_CHANGES)
    }

    /// Lends the changes to a callee, or to the supervisor when the frame has ended.
    ///
    /// # Panics
    ///
    /// If the frame has lent them already.
    pub(crate) fn lend_changes(&mut self) -> Changes {
        self.changes.take().expect(HAS_CHANGES)
    }

    /// Takes the changes back when the callee has returned.
    pub(crate) fn return_changes(&mut self, changes: Changes) {
        self.changes = Some(changes);
    }
}

/// Why a frame that runs has the changes: `lend_changes` is called where it is suspended, and
/// `return_changes` before it is resumed.
const HAS_CHANGES: &str = "the frame that runs has the changes";

impl Host for Frame {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        syscalls::dispatch(self, call)
    }
}

impl Owner for Box<Frame> {
    fn identity(&self) -> Vec<u8> {
        self.context.address.as_bytes().to_vec()
    }

    /// The code in the contract's own storage. The keys of a child storage begin with its name.
    fn code(&mut self, scope: StorageScope<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, Source> {
        let key = [scope.name(), key].concat();
        let key = keys::storage(self.context.address, &key);
        let code = self.changes().journal.read(&key)?;
        Ok(code.map(|code| code.to_vec()))
    }

    fn symbols(&self) -> Symbols {
        self.symbols.clone()
    }
}

/// A fault of the host in the middle of a syscall.
pub(crate) fn fail(source: fusee_engine::Source) -> Stop {
    Stop::Fail(EngineError::Host(source))
}
