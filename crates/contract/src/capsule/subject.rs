//! What a capsule executes: a batch, or a call that the chain makes by itself.

use fusee_engine::{CodeHash, Gas};
use fusee_state::Value;

use crate::{Action, Batch, SystemCall};

/// What a capsule executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapsuleSubject {
    /// A batch. A transaction is a batch of one operation.
    Batch(Batch),
    /// A call that the chain makes by itself.
    System(SystemCall),
}

impl CapsuleSubject {
    /// The gas limit.
    #[must_use]
    pub const fn gas_limit(&self) -> Gas {
        match self {
            Self::Batch(batch) => batch.gas,
            Self::System(call) => call.gas,
        }
    }

    /// Takes the code out of the operations that deploy or upload some, in their order.
    pub(super) fn take_code(&mut self) -> Vec<(CodeHash, Value)> {
        let sent = self.sent_code_mut().map(std::mem::take);
        let sent = sent.map(|code| (CodeHash::of(&code), Value::from(code)));
        sent.collect()
    }

    /// The code of the operations that deploy or upload some, in their order.
    pub(super) fn sent_code_mut(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        let operations = match self {
            Self::Batch(batch) => batch.operations.as_mut_slice(),
            Self::System(_) => &mut [],
        };
        let actions = operations.iter_mut().map(|operation| &mut operation.action);
        actions.filter_map(|action| match action {
            Action::Deploy { code, .. } | Action::Upload { code } => Some(code),
            Action::Call { .. }
            | Action::Create { .. }
            | Action::Upgrade { .. }
            | Action::SetAdmin { .. }
            | Action::RemoveCode { .. } => None,
        })
    }
}
