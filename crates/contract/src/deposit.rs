//! The deposit for storage: the part of a contract's balance that its entries hold.
//!
//! Invariant: while rules demand a deposit, a contract's balance covers that of the bytes that are
//! counted for it. Writing an entry counts its bytes, and removing it gives them back.
//!
//! The bytes are counted under a key of their own, and the deposit is the product of bytes and
//! price. So it follows a change of the price: a contract that a higher price leaves uncovered
//! keeps its entries and can remove them, but can neither add bytes nor send value. Entries from
//! before the first price are not counted. Nothing marks them: one that is removed counts as so
//! many bytes less, down to none, like any other.

use crate::{Address, ContractError, ContractRules, Extensions, account, changes::Changes, keys};

/// The deposit that rules demand for a byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deposit {
    byte: u64,
}

impl Deposit {
    pub(crate) fn of(rules: &ContractRules) -> Self {
        Self {
            byte: rules.deposit_byte(),
        }
    }

    /// Whether there is a deposit. If there is none, bytes are not counted.
    pub(crate) const fn is_demanded(self) -> bool {
        self.byte > 0
    }

    /// What an entry counts, under the contract's own key.
    pub(crate) fn entry_bytes(key: &[u8], value: &[u8]) -> u64 {
        let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        u64::from(Extensions::ENTRY_BYTES)
            .saturating_add(length(key))
            .saturating_add(length(value))
    }

    /// The deposit for so many bytes.
    fn amount(self, bytes: u64) -> u128 {
        // The product of two numbers of 64 bits fits.
        u128::from(self.byte).saturating_mul(bytes.into())
    }
}

impl Changes {
    /// The deposit that an address's storage holds.
    pub(crate) fn held(
        &mut self,
        address: Address,
        deposit: Deposit,
    ) -> Result<u128, ContractError> {
        if !deposit.is_demanded() {
            return Ok(0);
        }
        Ok(deposit.amount(self.stored_bytes(address)?))
    }

    /// Counts `after` bytes of a contract's storage instead of `before`. Returns false, and changes
    /// nothing, if these are more and the balance does not cover the deposit for all bytes.
    pub(crate) fn resize(
        &mut self,
        address: Address,
        before: u64,
        after: u64,
        deposit: Deposit,
    ) -> Result<bool, ContractError> {
        let stored = self.stored_bytes(address)?;
        let bytes = stored.saturating_sub(before).saturating_add(after);
        if bytes > stored && deposit.amount(bytes) > self.balance(address)? {
            return Ok(false);
        }
        if bytes != stored {
            let encoded = account::encode_stored_bytes(bytes);
            self.set(keys::stored_bytes(address), encoded);
        }
        Ok(true)
    }

    fn stored_bytes(&mut self, address: Address) -> Result<u64, ContractError> {
        let value = self.journal.read(&keys::stored_bytes(address))?;
        account::decode_stored_bytes(address, value)
    }
}
