//! Quotas: how much gas an account may use in a window of heights, on a chain without fees.

use std::num::NonZeroU64;

use borsh::{BorshDeserialize, BorshSerialize};
use fusee_contract::Address;
use fusee_engine::Gas;
use fusee_state::{StateReader, Value};

use crate::{Invalid, LedgerError, Role, SignedTransaction, keys, versioned};

/// What an account has used of its quota, under its key of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct QuotaUse {
    /// The window: the height divided by the heights of a window.
    pub window: u64,
    /// The gas that it used in this window.
    #[borsh(
        serialize_with = "versioned::write_gas",
        deserialize_with = "versioned::read_gas"
    )]
    pub gas: Gas,
}

/// The quota of the account that pays for a transaction, in the window of its block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    payer: Address,
    role: Role,
    window: u64,
    /// The height at which the next window begins.
    end: u64,
    used: Gas,
    limit: Gas,
}

impl Quota {
    /// Reads the quota for a transaction at a height. An account without a quota of its own has
    /// `gas` in each window of so many heights.
    pub(crate) fn read(
        state: &dyn StateReader,
        transaction: &SignedTransaction,
        height: u64,
        (gas, heights): (Gas, NonZeroU64),
    ) -> Result<Self, LedgerError> {
        let (role, payer) = transaction.gas_payer();
        let window = height / heights;
        let found: Option<QuotaUse> =
            versioned::read(state, "use of a quota", &keys::quota_use(payer))?;
        let used = found.filter(|found| found.window == window);
        let own: Option<u64> = versioned::read(state, "quota", &keys::quota(payer))?;
        Ok(Self {
            payer,
            role,
            window,
            end: window.saturating_add(1).saturating_mul(heights.get()),
            used: used.map_or(Gas::ZERO, |used| used.gas),
            limit: own.map_or(gas, Gas::new),
        })
    }

    /// Checks that the gas limit of the transaction is left.
    pub(crate) fn check(&self, limit: Gas) -> Result<(), Invalid> {
        let left = self.limit.saturating_sub(self.used);
        match limit <= left {
            true => Ok(()),
            false => Err(Invalid::QuotaExceeded {
                role: self.role,
                limit,
                left,
                end: self.end,
            }),
        }
    }

    /// The change to the state after the transaction used gas.
    pub(crate) fn after(&self, gas: Gas) -> (Vec<u8>, Option<Value>) {
        let found = QuotaUse {
            window: self.window,
            gas: self.used.saturating_add(gas),
        };
        let value = versioned::encode(&found).into();
        (keys::quota_use(self.payer), Some(value))
    }
}
