//! A token for cosmwasm-vm: balances and a transfer, which emits an event, as the one in
//! `guests/token` does. Messages are JSON, and balances are numbers of 16 bytes, as usual there.

use cosmwasm_std::{
    DepsMut, Env, MessageInfo, Response, StdError, StdResult, Storage, Uint128, entry_point,
};
use serde::{Deserialize, Serialize};

/// The message of a deployment: the whole supply belongs to its sender.
#[derive(Deserialize, Serialize)]
pub struct Supply {
    supply: Uint128,
}

/// The messages of calls.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Moves the sender's tokens.
    Transfer { recipient: String, amount: Uint128 },
}

#[entry_point]
pub fn instantiate(
    deps: DepsMut,
    _: Env,
    info: MessageInfo,
    message: Supply,
) -> StdResult<Response> {
    set_balance(deps.storage, info.sender.as_str(), message.supply.u128());
    Ok(Response::new())
}

#[entry_point]
pub fn execute(deps: DepsMut, _: Env, info: MessageInfo, message: Message) -> StdResult<Response> {
    let Message::Transfer { recipient, amount } = message;
    let recipient = deps.api.addr_validate(&recipient)?;
    let (from, to) = (info.sender.as_str(), recipient.as_str());
    let rest = balance(deps.storage, from)?
        .checked_sub(amount.u128())
        .ok_or_else(|| StdError::msg("insufficient balance"))?;
    set_balance(deps.storage, from, rest);
    let sum = balance(deps.storage, to)?.saturating_add(amount.u128());
    set_balance(deps.storage, to, sum);
    Ok(Response::new()
        .add_attribute("action", "transfer")
        .add_attribute("from", from)
        .add_attribute("to", to)
        .add_attribute("amount", amount))
}

fn balance(storage: &dyn Storage, account: &str) -> StdResult<u128> {
    let Some(bytes) = storage.get(&key(account)) else {
        return Ok(0);
    };
    let bytes = bytes.try_into();
    let bytes = bytes.map_err(|_| StdError::msg("a balance has not 16 bytes"))?;
    Ok(u128::from_be_bytes(bytes))
}

fn set_balance(storage: &mut dyn Storage, account: &str, balance: u128) {
    storage.set(&key(account), &balance.to_be_bytes());
}

fn key(account: &str) -> Vec<u8> {
    [b"balance", account.as_bytes()].concat()
}
