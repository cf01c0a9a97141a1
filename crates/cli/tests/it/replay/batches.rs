//! Capsules of batches and system calls, which no verb of the command line makes.

use std::{fs, sync::Arc};

use fusee::chain::{
    Action, Address, Batch, BatchOperation, BlockContext, Capsule, ContractRules, Contracts,
    GasFee, MemoryState, SystemCall, Transaction, set_balances,
};
use fusee::engines::WasmiEngine;
use fusee::sandbox::{Executor, Gas, Interrupt};

use crate::support::guests;

fn account(name: &str) -> Address {
    Address::of_development_account(name)
}

pub(crate) fn call(to: Address, method: &str) -> BatchOperation {
    let action = Action::Call {
        to,
        method: method.to_owned(),
        input: Vec::new(),
    };
    BatchOperation { action, value: 0 }
}

pub(crate) fn increment(counter: Address) -> BatchOperation {
    call(counter, "increment")
}

/// A transfer to bob.
pub(crate) fn transfer(value: u128) -> BatchOperation {
    BatchOperation {
        value,
        ..call(account("bob"), "")
    }
}

/// A state in which a counter was incremented once.
fn counted() -> (Contracts, Arc<MemoryState>, Address) {
    let executor = Executor::builder(Arc::new(WasmiEngine::new())).build();
    let contracts = Contracts::without_fallback(Arc::new(executor), ContractRules::v2());
    let mut state = MemoryState::new();
    let funds = ["alice", "bob"].map(|name| (account(name), 10_000_000));
    state.apply(&set_balances(&funds));
    let code = fs::read(guests().join("counter.wasm")).unwrap();
    let input = Vec::new();
    let mut send = |action| {
        let transaction = Transaction {
            from: account("alice"),
            action,
            value: 0,
            gas: Gas::new(10_000_000),
        };
        let before = Arc::new(state.clone());
        let block = BlockContext::default();
        let result = contracts.execute(before, transaction, &block, &Interrupt::new());
        let included = result.unwrap().included().unwrap();
        state.apply(&included.changes);
        included.receipt.deployed
    };
    let counter = send(Action::Deploy { code, input }).unwrap();
    send(increment(counter).action);
    (contracts, Arc::new(state), counter)
}

/// The capsule of a batch of alice, whose gas bob pays, and the address of the counter.
pub(crate) fn recorded(
    operations: impl FnOnce(Address) -> Vec<BatchOperation>,
) -> (Address, Vec<u8>) {
    let (contracts, state, counter) = counted();
    let batch = Batch {
        from: account("alice"),
        operations: operations(counter),
        gas: Gas::new(1_000_000),
        overhead: Gas::new(1_500),
        fee: Some(GasFee {
            payer: account("bob"),
            price: 2,
        }),
    };
    let block = BlockContext::default();
    let recorded = Capsule::record_batch(&contracts, state, batch, &block, &Interrupt::new());
    let (_, capsule) = recorded.unwrap();
    (counter, capsule.unwrap().encode().unwrap())
}

/// The capsule of a call that the chain makes by itself.
pub(crate) fn recorded_system() -> Vec<u8> {
    let (contracts, state, counter) = counted();
    let call = SystemCall {
        to: counter,
        method: "increment".to_owned(),
        input: Vec::new(),
        gas: Gas::new(100_000),
    };
    let block = BlockContext::default();
    let recorded = Capsule::record_system(&contracts, state, call, &block, &Interrupt::new());
    recorded.unwrap().1.encode().unwrap()
}
