//! Frames: one contract's call, and the host that answers its syscalls.

use std::{any::Any, sync::Arc};

use fusee_engine::{EngineError, Gas, Host, Stop, Syscall};
use fusee_instrument::SyscallPrices;
use fusee_virtualization::{Children, Next, Space};

use crate::{
    Address, ContractError, ContractLimits, ContractPrices, ContractRules, changes::Changes,
    changes::Mark, keys, syscalls,
};

/// One call while it runs.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) context: Context,
    pub(crate) limits: ContractLimits,
    pub(crate) prices: ContractPrices,
    /// What each syscall costs.
    pub(crate) syscall_prices: Arc<SyscallPrices>,
    /// What the transaction has changed; with the frame that runs, and with no other.
    pub(crate) changes: Option<Changes>,
    /// Where the changes were when this frame began.
    pub(crate) mark: Option<Mark>,
    pub(crate) output: Vec<u8>,
    /// Whether the output is the message of a revert.
    pub(crate) has_reverted: bool,
    /// What the last call from this frame returned.
    pub(crate) return_data: Vec<u8>,
    /// What this frame waits for, beside its children.
    pub(crate) asked: Option<Asked>,
    /// Its children, if it may have any.
    pub(crate) children: Option<Box<Children>>,
}

/// What a frame waits for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Another contract.
    Call(CallRequest),
    /// The host, with this question.
    Host(Vec<u8>),
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
        mark: Mark,
        children: Option<Box<Children>>,
    ) -> Self {
        Self {
            context,
            limits: rules.limits,
            prices: rules.prices,
            syscall_prices: Arc::clone(rules.program.prices()),
            changes: Some(changes),
            mark: Some(mark),
            output: Vec::new(),
            has_reverted: false,
            return_data: Vec::new(),
            asked: None,
            children,
        }
    }

    /// Does what the frame is parked for at a child, if it is. Code lies in the contract's own storage: that of a child state has the state's name
    /// before its key.
    pub(crate) fn go_on(&mut self, gas_left: Gas) -> Result<Option<Next>, ContractError> {
        let Self {
            children,
            changes,
            context,
            ..
        } = self;
        let Some(children) = children else {
            return Ok(None);
        };
        let mut code = |space: Space<'_>, key: &[u8]| {
            let changes = changes.as_ref().ok_or(ContractError::LostFrame)?;
            let key = [space.name(), key].concat();
            Ok(changes
                .journal
                .read(&keys::storage(context.address, &key))?)
        };
        Ok(children.go_on(gas_left, &mut code)?)
    }

    /// The frame that a run gives back.
    pub(crate) fn from_host(host: Box<dyn Host>) -> Option<Box<Frame>> {
        let host: Box<dyn Any> = host;
        host.downcast().ok()
    }

    pub(crate) fn changes(&mut self) -> Result<&mut Changes, Stop> {
        self.changes
            .as_mut()
            .ok_or_else(|| fail("a frame runs without the changes".into()))
    }
}

impl Host for Frame {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        syscalls::dispatch(self, call)
    }
}

/// A fault of the host in the middle of a syscall.
pub(crate) fn fail(source: fusee_engine::Source) -> Stop {
    Stop::Fail(EngineError::Host(source))
}
