//! Frames: the call of one contract, and the host of its syscalls.

use std::sync::Arc;

use fusee_engine::{EngineError, Gas, Source, Stop};
use fusee_instrument::SyscallPrices;
use fusee_virtualization::{Owner, StorageScope, Symbols};

use crate::{
    Address, ContractLimits, ContractPrices, ContractRules,
    changes::{Changes, ChangesCheckpoint},
    keys,
};

/// The call of one contract.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) context: Context,
    pub(crate) limits: ContractLimits,
    pub(crate) prices: ContractPrices,
    /// The prices of the syscalls.
    pub(crate) syscall_prices: Arc<SyscallPrices>,
    /// The changes of the transaction. `None` during a call to another contract, whose frame has
    /// them.
    changes: Option<Changes>,
    /// The checkpoint at the beginning of this frame.
    pub(crate) checkpoint: ChangesCheckpoint,
    pub(crate) output: Vec<u8>,
    /// Whether the output is a revert message.
    pub(crate) has_reverted: bool,
    /// The return data of the last call from this frame.
    pub(crate) return_data: Vec<u8>,
    /// The request for which this frame is suspended.
    pub(crate) pending: Option<PendingRequest>,
    /// The symbols that its nested VMs may import. `None`: any.
    pub(crate) symbols: Option<Arc<Symbols>>,
}

/// The request for which a frame is suspended.
#[derive(Debug)]
pub(crate) enum PendingRequest {
    /// A call to another contract.
    Call(CallRequest),
    /// An oracle request, with its bytes.
    Oracle(Vec<u8>),
}

/// The parameters of a call.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) caller: Address,
    pub(crate) address: Address,
    pub(crate) method: String,
    pub(crate) value: u128,
    pub(crate) input: Vec<u8>,
    pub(crate) access: Access,
}

/// Whether a call may change the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    ReadWrite,
    ReadOnly,
}

/// The parameters of a `call` syscall.
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
            pending: None,
            symbols: None,
        }
    }

    /// The changes of the transaction.
    ///
    /// # Panics
    ///
    /// If the frame has lent them. It is then suspended, and a suspended frame makes no syscall.
    pub(crate) fn changes(&mut self) -> &mut Changes {
        self.changes.as_mut().expect(HAS_CHANGES)
    }

    /// Lends the changes to a callee, or to the supervisor after the frame has ended.
    ///
    /// # Panics
    ///
    /// If the frame has already lent them.
    pub(crate) fn lend_changes(&mut self) -> Changes {
        self.changes.take().expect(HAS_CHANGES)
    }

    /// Takes the changes back after the callee has returned.
    pub(crate) fn return_changes(&mut self, changes: Changes) {
        self.changes = Some(changes);
    }
}

/// `lend_changes` is called when the frame is suspended, and `return_changes` before it is resumed.
/// So a running frame has the changes.
const HAS_CHANGES: &str = "the frame that runs has the changes";

impl Owner for Box<Frame> {
    fn identity(&self) -> Vec<u8> {
        self.context.address.as_bytes().to_vec()
    }

    /// Reads code from the contract's own storage. The keys of a child storage begin with its name.
    fn code(&mut self, scope: StorageScope<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, Source> {
        let key = [scope.name(), key].concat();
        let key = keys::storage(self.context.address, &key);
        let code = self.changes().journal.read(&key)?;
        Ok(code.map(|code| code.to_vec()))
    }

    fn symbols(&self) -> Arc<Symbols> {
        let any = || Arc::new(Symbols::Any);
        self.symbols.clone().unwrap_or_else(any)
    }
}

/// Stops a syscall because of a fault of the host.
pub(crate) fn fail(source: fusee_engine::Source) -> Stop {
    Stop::Fail(EngineError::Host(source))
}
