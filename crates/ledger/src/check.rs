//! Whether a block at a height can include a transaction, by the state before it.

use fusee_contract::{Account, ContractError};
use fusee_engine::Gas;
use fusee_state::StateReader;

use crate::{Invalid, LedgerRules, Role, SignedTransaction};

/// How far beyond the sender's next nonce the nonce of a transaction that waits may be, by default
/// and whatever drives the chain: 64 transactions of a sender can wait for their turn.
pub const NONCE_WINDOW: u64 = 63;

/// The block that is to include a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Inclusion<'a> {
    /// The name of the chain.
    pub chain_id: &'a str,
    /// The height of the block.
    pub height: u64,
    /// The minimum price of a unit of gas, in the smallest unit of balances.
    pub minimum_price: u128,
    /// The gas limit of the block.
    pub block_gas: Gas,
    /// How far beyond the sender's next nonce a nonce may be. 0 in a block; more for transactions
    /// that wait for their turn.
    pub nonce_window: u64,
}

/// What the state says of the accounts of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// The next nonce of the sender.
    pub nonce: u64,
    /// The balance of the sender, in the smallest unit.
    pub sender_balance: u128,
    /// The balance of the fee payer. 0 if the transaction names none.
    pub fee_payer_balance: u128,
}

impl Accounts {
    /// Reads the accounts of a transaction.
    ///
    /// # Errors
    ///
    /// [`ContractError`] if the state cannot be read.
    pub fn read(
        state: &dyn StateReader,
        transaction: &SignedTransaction,
    ) -> Result<Self, ContractError> {
        let body = transaction.body();
        let fee_payer = body.fee_payer.map(|payer| Account::balance(state, payer));
        Ok(Self {
            nonce: Account::nonce(state, body.sender)?,
            sender_balance: Account::balance(state, body.sender)?,
            fee_payer_balance: fee_payer.transpose()?.unwrap_or_default(),
        })
    }
}

/// Checks everything of a transaction but its signatures and what
/// [`Contracts::check_batch`](fusee_contract::Contracts::check_batch) checks of its operations.
///
/// # Errors
///
/// [`Invalid`] with the first reason: those of [`check_static`], then those that depend on the
/// accounts, each in the order of their numbers.
pub fn check(
    transaction: &SignedTransaction,
    rules: &LedgerRules,
    inclusion: &Inclusion<'_>,
    accounts: &Accounts,
) -> Result<(), Invalid> {
    check_static(transaction, rules, inclusion)?;
    check_accounts(transaction, inclusion.nonce_window, accounts)
}

/// Checks what of a transaction does not depend on its accounts: chain, expiry, price and gas
/// limit.
///
/// # Errors
///
/// [`Invalid`] with the first reason, in the order of its numbers.
pub fn check_static(
    transaction: &SignedTransaction,
    rules: &LedgerRules,
    inclusion: &Inclusion<'_>,
) -> Result<(), Invalid> {
    let body = transaction.body();
    if body.chain_id != inclusion.chain_id {
        return Err(Invalid::OtherChain {
            found: body.chain_id.clone(),
            expected: inclusion.chain_id.to_owned(),
        });
    }
    if body.expiry < inclusion.height {
        return Err(Invalid::Expired {
            expiry: body.expiry,
            height: inclusion.height,
        });
    }
    if body.gas_price < inclusion.minimum_price {
        return Err(Invalid::PriceBelowMinimum {
            price: body.gas_price,
            minimum: inclusion.minimum_price,
        });
    }
    let (limit, intrinsic) = (body.gas_limit, rules.intrinsic_gas(transaction));
    if limit < intrinsic {
        return Err(Invalid::GasLimitTooLow { limit, intrinsic });
    }
    if limit > inclusion.block_gas {
        return Err(Invalid::GasLimitAboveBlock {
            limit,
            block: inclusion.block_gas,
        });
    }
    Ok(())
}

/// Checks the nonce, and whether the accounts can pay.
pub(crate) fn check_accounts(
    transaction: &SignedTransaction,
    nonce_window: u64,
    accounts: &Accounts,
) -> Result<(), Invalid> {
    check_nonce(transaction.body().nonce, accounts.nonce, nonce_window)?;
    check_funds(transaction, accounts)
}

const fn check_nonce(nonce: u64, next: u64, window: u64) -> Result<(), Invalid> {
    if nonce < next {
        return Err(Invalid::PastNonce { nonce, next });
    }
    if nonce > next.saturating_add(window) {
        return Err(Invalid::FutureNonce {
            nonce,
            next,
            window,
        });
    }
    match nonce {
        // There would be no next one.
        u64::MAX => Err(Invalid::NoncesExhausted),
        _ => Ok(()),
    }
}

fn check_funds(transaction: &SignedTransaction, accounts: &Accounts) -> Result<(), Invalid> {
    let body = transaction.body();
    let role = match body.fee_payer {
        Some(_) => Role::FeePayer,
        None => Role::Sender,
    };
    let value = body.total_value();
    let value = value.ok_or(Invalid::CostTooLarge { role: Role::Sender })?;
    let fee = body.maximum_fee().ok_or(Invalid::CostTooLarge { role })?;
    let can_pay = |role, cost, balance| match cost <= balance {
        true => Ok(()),
        false => Err(Invalid::CannotPay {
            role,
            cost,
            balance,
        }),
    };
    match role {
        Role::Sender => {
            let cost = value.checked_add(fee);
            let cost = cost.ok_or(Invalid::CostTooLarge { role })?;
            can_pay(role, cost, accounts.sender_balance)
        }
        Role::FeePayer => {
            can_pay(Role::Sender, value, accounts.sender_balance)?;
            can_pay(role, fee, accounts.fee_payer_balance)
        }
    }
}
