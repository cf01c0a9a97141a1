//! The cost of a batch: its gas limit, its fee, and the value of its first operation.
//!
//! Invariant: what the payer has less at the end is the price of the gas that was used. Nothing
//! that runs can spend the rest, since it is not in the payer's balance until the end.

use fusee_engine::Gas;

use crate::{
    Address, ContractError, GasFee, InvalidTransaction, changes::Changes, deposit::Deposit,
};

/// What a batch has to be able to pay.
pub(crate) struct Cost {
    /// The sender, who pays the value.
    pub(crate) from: Address,
    /// The value of the first operation.
    pub(crate) value: u128,
    /// The gas limit.
    pub(crate) limit: Gas,
    /// The gas that is used whatever runs.
    pub(crate) intrinsic: Gas,
    pub(crate) fee: Option<GasFee>,
}

/// Takes the price of the gas limit from the payer, if the cost can be paid. Returns what was
/// taken.
pub(crate) fn reserve(
    changes: &mut Changes,
    cost: Cost,
    deposit: Deposit,
) -> Result<Result<u128, InvalidTransaction>, ContractError> {
    let Cost {
        from,
        value,
        limit,
        intrinsic,
        fee,
    } = cost;
    if limit < intrinsic {
        return Ok(Err(InvalidTransaction::GasLimitTooLow { limit, intrinsic }));
    }
    let reserved = match fee {
        None => 0,
        Some(fee) => match changes.take_fee(fee, limit, deposit)? {
            Ok(reserved) => reserved,
            Err(invalid) => return Ok(Err(invalid)),
        },
    };
    // A batch that begins without a value does not depend on the sender's balance.
    if value > 0 {
        let balance = changes.balance(from)?;
        if value > balance {
            return Ok(Err(InvalidTransaction::ValueAboveBalance {
                value,
                balance,
            }));
        }
    }
    Ok(Ok(reserved))
}

impl Changes {
    /// Takes the price of this gas from the payer, without what its storage holds. Gas without a
    /// price does not depend on the payer's balance.
    fn take_fee(
        &mut self,
        fee: GasFee,
        gas: Gas,
        deposit: Deposit,
    ) -> Result<Result<u128, InvalidTransaction>, ContractError> {
        let GasFee { payer, price } = fee;
        let Some(fee) = price.checked_mul(gas.units().into()) else {
            return Ok(Err(InvalidTransaction::FeeTooLarge { price, gas }));
        };
        if fee == 0 {
            return Ok(Ok(0));
        }
        let balance = self.balance(payer)?;
        let free = balance.saturating_sub(self.held(payer, deposit)?);
        if fee > free {
            return Ok(Err(InvalidTransaction::FeeAboveBalance {
                fee,
                balance: free,
            }));
        }
        self.set_balance(payer, balance.saturating_sub(fee));
        Ok(Ok(fee))
    }

    /// Gives back the part of the reserved fee that exceeds the price of the gas that was used.
    /// Returns that price.
    pub(crate) fn settle_fee(
        &mut self,
        fee: Option<GasFee>,
        reserved: u128,
        gas_used: Gas,
    ) -> Result<u128, ContractError> {
        let Some(GasFee { payer, price }) = fee else {
            return Ok(0);
        };
        // No more gas is used than the limit, whose price fits.
        let kept = price.saturating_mul(gas_used.units().into());
        let refund = reserved.saturating_sub(kept);
        if refund > 0 {
            // No more than the sum at genesis is ever there, which fits.
            let balance = self.balance(payer)?.saturating_add(refund);
            self.set_balance(payer, balance);
        }
        Ok(kept)
    }
}
