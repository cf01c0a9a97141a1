//! The methods of the listeners.

use std::sync::Arc;

use jsonrpsee::{RpcModule, core::RegisterMethodError};

use super::{
    accounts, admin, blocks, calls::register, chain, context::Context, entries, events, state,
    storage, subscriptions, transactions,
};

/// The public methods.
pub(super) fn public(context: &Arc<Context>) -> Result<RpcModule<Context>, RegisterMethodError> {
    let mut module = RpcModule::from_arc(Arc::clone(context));
    let it = &mut module;
    register(it, chain::health)?;
    register(it, chain::facts)?;
    register(it, chain::fee_statistics)?;
    register(it, chain::mempool)?;
    register(it, blocks::latest)?;
    register(it, blocks::one)?;
    register(it, blocks::page)?;
    register(it, transactions::one)?;
    register(it, transactions::send)?;
    register(it, transactions::send_and_wait)?;
    register(it, state::simulate)?;
    register(it, state::query)?;
    register(it, accounts::account)?;
    register(it, accounts::contract)?;
    register(it, accounts::code)?;
    register(it, accounts::interface)?;
    register(it, storage::storage)?;
    register(it, entries::entries)?;
    register(it, events::events)?;
    subscriptions::register(it)?;
    register(it, chain::discover)?;
    Ok(module)
}

/// The methods for operators.
pub(super) fn admin(context: &Arc<Context>) -> Result<RpcModule<Context>, RegisterMethodError> {
    let mut module = RpcModule::from_arc(Arc::clone(context));
    let it = &mut module;
    register(it, admin::produce_block)?;
    register(it, admin::metrics)?;
    register(it, admin::back_up)?;
    register(it, admin::shut_down)?;
    if let Some(options) = &context.options.admin {
        module.merge(options.methods.clone())?;
    }
    Ok(module)
}
