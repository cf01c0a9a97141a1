//! Which transactions and batches are valid, and what they cost before anything runs.
//!
//! Whether one is valid is decided before its first operation begins.

use std::sync::Arc;

use fusee_abi as abi;
use fusee_engine::Gas;
use fusee_state::StateReader;

use crate::{
    Action, Batch, ContractError, Contracts, InvalidBatch, InvalidTransaction, Transaction,
    changes::Changes,
    deposit::Deposit,
    fee::{Cost, reserve},
};

impl Contracts {
    /// The intrinsic price of a transaction: its base price, its input and its code.
    #[must_use]
    pub fn intrinsic_gas(&self, action: &Action) -> Gas {
        self.operation_gas(0, action)
    }

    /// The intrinsic price of a batch: its overhead, the base price of one transaction, and the
    /// inputs and codes of all operations.
    #[must_use]
    pub fn batch_intrinsic_gas(&self, batch: &Batch) -> Gas {
        let operations = batch.operations.iter().enumerate();
        let prices = operations.map(|(index, it)| self.operation_gas(index, &it.action));
        prices.fold(batch.overhead, Gas::saturating_add)
    }

    /// The intrinsic price of the operation with this index. The first one has the base price of
    /// the transaction.
    pub(crate) fn operation_gas(&self, index: usize, action: &Action) -> Gas {
        let prices = self.rules.prices;
        let (code, input) = match action {
            Action::Deploy { code, input } => (code.len(), input.len()),
            Action::Upload { code } => (code.len(), 0),
            Action::Call { input, .. }
            | Action::Create { input, .. }
            | Action::Upgrade { input, .. } => (0, input.len()),
            Action::SetAdmin { .. } | Action::RemoveCode { .. } => (0, 0),
        };
        // What a contract would pay for the same.
        let syscall = match action {
            Action::Deploy { .. } | Action::Call { .. } => None,
            Action::Create { .. } => Some(abi::DEPLOY),
            Action::Upgrade { .. } => Some(abi::UPGRADE),
            Action::Upload { .. } | Action::SetAdmin { .. } | Action::RemoveCode { .. } => {
                Some(abi::SET_ADMIN)
            }
        };
        let syscall = syscall.and_then(|number| self.rules.program.prices().price(number));
        let base = match index {
            0 => prices.transaction,
            _ => Gas::ZERO,
        };
        base.saturating_add(syscall.map_or(Gas::ZERO, |price| price.base))
            .saturating_add(prices.code_byte.saturating_mul(length(code)))
            .saturating_add(prices.input_byte.saturating_mul(length(input)))
    }

    /// Validates a transaction against `state`, without running it. Returns the reason if no block
    /// can include the transaction.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the host fails.
    pub fn check(
        &self,
        state: Arc<dyn StateReader>,
        transaction: &Transaction,
    ) -> Result<Option<InvalidTransaction>, ContractError> {
        let Transaction {
            from,
            action,
            value,
            gas,
        } = transaction;
        if let Some(invalid) = self.find_invalid(action, *value) {
            return Ok(Some(invalid));
        }
        let cost = Cost {
            from: *from,
            value: *value,
            limit: *gas,
            intrinsic: self.intrinsic_gas(action),
            fee: None,
        };
        Ok(reserve(&mut Changes::new(state), cost, self.deposit())?.err())
    }

    /// Validates a batch, and takes the price of its gas limit from the payer. Returns what was
    /// taken.
    pub(crate) fn admit_batch(
        &self,
        changes: &mut Changes,
        batch: &Batch,
    ) -> Result<Result<u128, InvalidBatch>, ContractError> {
        let invalid = |reason, operation| Err(InvalidBatch { reason, operation });
        let Some(first) = batch.operations.first() else {
            return Ok(invalid(InvalidTransaction::NoOperations, None));
        };
        for (index, operation) in batch.operations.iter().enumerate() {
            if let Some(reason) = self.find_invalid(&operation.action, operation.value) {
                return Ok(invalid(reason, Some(index)));
            }
        }
        let cost = Cost {
            from: batch.from,
            value: first.value,
            limit: batch.gas,
            intrinsic: self.batch_intrinsic_gas(batch),
            fee: batch.fee,
        };
        Ok(match reserve(changes, cost, self.deposit())? {
            Ok(reserved) => Ok(reserved),
            // The one value that is known before anything runs.
            Err(reason @ InvalidTransaction::ValueAboveBalance { .. }) => invalid(reason, Some(0)),
            Err(reason) => invalid(reason, None),
        })
    }

    fn deposit(&self) -> Deposit {
        Deposit::of(&self.rules)
    }

    /// What makes an operation invalid in every state.
    fn find_invalid(&self, action: &Action, value: u128) -> Option<InvalidTransaction> {
        let is_known = matches!(action, Action::Deploy { .. } | Action::Call { .. });
        if !is_known && !self.rules.has_upgrades() {
            return Some(InvalidTransaction::UnknownAction);
        }
        let calls_nobody = matches!(
            action,
            Action::Upload { .. } | Action::SetAdmin { .. } | Action::RemoveCode { .. }
        );
        if calls_nobody && value > 0 {
            return Some(InvalidTransaction::ValueWithoutCall { value });
        }
        self.find_too_large(action)
    }

    fn find_too_large(&self, action: &Action) -> Option<InvalidTransaction> {
        match action {
            Action::Deploy { code, input } => {
                let invalid = self.find_too_large_code(code);
                invalid.or_else(|| self.find_too_large_input(input))
            }
            Action::Upload { code } => self.find_too_large_code(code),
            Action::Call { method, input, .. } => self.find_too_large_call(method, input),
            Action::Create { input, .. } | Action::Upgrade { input, .. } => {
                self.find_too_large_input(input)
            }
            Action::SetAdmin { .. } | Action::RemoveCode { .. } => None,
        }
    }

    /// What of a call exceeds the limits of the rules.
    pub(crate) fn find_too_large_call(
        &self,
        method: &str,
        input: &[u8],
    ) -> Option<InvalidTransaction> {
        let (bytes, limit) = (length(method.len()), self.rules.limits.method_bytes.into());
        match bytes > limit {
            true => Some(InvalidTransaction::MethodTooLong { bytes, limit }),
            false => self.find_too_large_input(input),
        }
    }

    fn find_too_large_code(&self, code: &[u8]) -> Option<InvalidTransaction> {
        let limit = self.rules.program.limits().program_bytes;
        let bytes = length(code.len());
        (bytes > limit).then_some(InvalidTransaction::CodeTooLarge { bytes, limit })
    }

    fn find_too_large_input(&self, input: &[u8]) -> Option<InvalidTransaction> {
        let limit = self.rules.input_bytes().into();
        let bytes = length(input.len());
        (bytes > limit).then_some(InvalidTransaction::InputTooLarge { bytes, limit })
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
