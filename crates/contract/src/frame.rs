//! Frames: the call of one contract, and the host of its syscalls.

use std::{mem, sync::Arc};

use fusee_engine::{EngineError, Gas, Source, Stop};
use fusee_instrument::SyscallPrices;
use fusee_virtualization::{Owner, StorageScope, Symbols};

use crate::{
    Address, BlockContext, ContractLimits, ContractPrices, ContractRules, Contracts, Extensions,
    StorageAccess, StorageKind,
    changes::{Changes, ChangesCheckpoint},
    deployment::Opening,
    deposit::Deposit,
    keys,
    observers::Observers,
    syscalls::WasiState,
};

/// The call of one contract.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) context: Context,
    pub(crate) block: BlockContext,
    pub(crate) limits: ContractLimits,
    pub(crate) prices: ContractPrices,
    pub(crate) deposit: Deposit,
    /// The maximum size of an input that it passes.
    pub(crate) input_bytes: u32,
    /// The maximum size of its output.
    pub(crate) output_bytes: u32,
    /// `None` for rules of version 1, which have no such limits.
    pub(crate) extensions: Option<Extensions>,
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
    /// Whether the contract has looked at the value that it was sent.
    pub(crate) has_seen_value: bool,
    /// The return data of the last call from this frame.
    pub(crate) return_data: Vec<u8>,
    /// The request for which this frame is suspended.
    pub(crate) pending: Option<PendingRequest>,
    /// The symbols that its nested VMs may import. `None`: any.
    pub(crate) symbols: Option<Arc<Symbols>>,
    pub(crate) wasi: WasiState,
    pub(crate) observers: Observers,
}

/// The request for which a frame is suspended.
#[derive(Debug)]
pub(crate) enum PendingRequest {
    /// A call to another contract, or to one that is made or upgraded.
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

/// The parameters of a call that a syscall makes.
#[derive(Debug)]
pub(crate) struct CallRequest {
    pub(crate) to: Address,
    pub(crate) method: String,
    pub(crate) value: u128,
    pub(crate) input: Vec<u8>,
    pub(crate) gas: Gas,
    pub(crate) access: Access,
    pub(crate) opening: Opening,
}

impl Frame {
    pub(crate) fn new(
        context: Context,
        block: &BlockContext,
        rules: &ContractRules,
        changes: Changes,
        checkpoint: ChangesCheckpoint,
    ) -> Self {
        Self {
            context,
            block: block.clone(),
            limits: rules.limits,
            prices: rules.prices,
            deposit: Deposit::of(rules),
            input_bytes: rules.input_bytes(),
            output_bytes: rules.output_bytes(),
            extensions: rules.extensions,
            syscall_prices: Arc::clone(rules.program.prices()),
            changes: Some(changes),
            checkpoint,
            output: Vec::new(),
            has_reverted: false,
            has_seen_value: false,
            return_data: Vec::new(),
            pending: None,
            symbols: None,
            wasi: WasiState::default(),
            observers: Observers::default(),
        }
    }

    /// Sets what observes the frame.
    pub(crate) fn observed(self, contracts: &Contracts) -> Self {
        Self {
            observers: contracts.observers.clone(),
            ..self
        }
    }

    /// Records a read of an entry, for the trace.
    pub(crate) fn trace_read(&self, store: StorageKind, key: &[u8], value: Option<&[u8]>) {
        self.trace_access(store, key, value, value);
    }

    /// Records a change of an entry, for the trace.
    pub(crate) fn trace_access(
        &self,
        store: StorageKind,
        key: &[u8],
        before: Option<&[u8]>,
        after: Option<&[u8]>,
    ) {
        if let Some(inspector) = &self.observers.inspector {
            inspector.access(StorageAccess {
                store,
                key: key.to_vec(),
                before: before.map(<[u8]>::to_vec),
                after: after.map(<[u8]>::to_vec),
            });
        }
    }

    /// Writes a line to the debug log.
    pub(crate) fn log(&mut self, text: &[u8]) {
        self.end_line();
        if let Some(log) = &self.observers.log {
            log.write(self.context.address, text);
        }
    }

    /// Writes text to the debug log, of which each part up to an end of a line is a line. A line
    /// that does not end within the limit of a write is ended there.
    pub(crate) fn log_stream(&mut self, text: &[u8], limit: u32) {
        if self.observers.log.is_none() {
            return;
        }
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            let line = part.strip_suffix(b"\n");
            self.wasi.line.extend_from_slice(line.unwrap_or(part));
            let has_room = u32::try_from(self.wasi.line.len()).is_ok_and(|length| length < limit);
            if let Some(log) = self
                .observers
                .log
                .as_ref()
                .filter(|_| line.is_some() || !has_room)
            {
                log.write(self.context.address, &mem::take(&mut self.wasi.line));
            }
        }
    }

    /// Ends a line that the text of a stream has left open.
    pub(crate) fn end_line(&mut self) {
        let line = mem::take(&mut self.wasi.line);
        if let Some(log) = self.observers.log.as_ref().filter(|_| !line.is_empty()) {
            log.write(self.context.address, &line);
        }
    }

    /// The rules of the syscalls that came with version 2.
    ///
    /// # Errors
    ///
    /// If the rules admit such a syscall without them: a fault of the host.
    pub(crate) fn extensions(&self) -> Result<Extensions, Stop> {
        let missing = || fail("the rules admit a syscall without its extensions".into());
        self.extensions.ok_or_else(missing)
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
