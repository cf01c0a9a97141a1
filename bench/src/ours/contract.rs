//! Our side as a chain uses it: a whole transaction that transfers tokens, from the request to the
//! receipt and the difference of the state, which stays in memory.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use fusee::chain::{
    Action, Address, ContractRules, Contracts, Included, MemoryState, StateReader, Status,
    Transaction, genesis,
};
use fusee::sandbox::{Engine, Executor, Gas, Interrupt};

use crate::contest::Call;

const TOKEN: &[u8] = include_bytes!("../../../guests/wasm/token.wasm");

/// Each transaction is the first on the same state.
pub(crate) fn transfer(engine: Arc<dyn Engine>) -> Result<Call> {
    let executor = Executor::builder(engine).build();
    let contracts = Contracts::without_fallback(Arc::new(executor), ContractRules::v1());
    let sender = Address::of_development_account("alice");
    let mut state = MemoryState::new();
    state.apply(&genesis(&[(sender, u128::MAX)]));
    let deploy = Action::Deploy {
        code: TOKEN.to_vec(),
        input: 1_000_000_u64.to_le_bytes().to_vec(),
    };
    let deployed = execute(&contracts, Arc::new(state.clone()), sender, deploy)?;
    state.apply(&deployed.changes);
    let to = deployed.receipt.deployed.context("nothing was deployed")?;
    let state = Arc::new(state);
    let receiver = Address::of_development_account("bob");
    let input = [receiver.as_bytes().as_slice(), &1_u64.to_le_bytes()].concat();
    Ok(Box::new(move || {
        let transfer = Action::Call {
            to,
            method: "transfer".to_owned(),
            input: input.clone(),
        };
        let applied = execute(&contracts, state.clone(), sender, transfer)?;
        Ok(i32::try_from(applied.receipt.events.len())?)
    }))
}

fn execute(
    contracts: &Contracts,
    state: Arc<dyn StateReader>,
    from: Address,
    action: Action,
) -> Result<Included> {
    let transaction = Transaction {
        from,
        action,
        value: 0,
        gas: Gas::MAX,
    };
    let result = contracts.execute(state, transaction, &Interrupt::new())?;
    let applied = result.included()?;
    ensure!(
        applied.receipt.status == Status::Success,
        "the token ended so: {:?} {:?}",
        applied.receipt,
        applied.refusal,
    );
    Ok(applied)
}
