//! Batches: several operations as one transaction, on every lane.

mod failures;
mod fees;
mod lasting;
mod operations;
mod system;
mod validity;

use fusee_abi as abi;
use fusee_contract::{
    Account, Action, Address, Batch, BatchOperation, Capsule, ContractRules, IncludedBatch,
    Inspector, InvalidBatch, Receipt, Status, Trace,
};
use fusee_engine::{Gas, Interrupt};

use crate::{
    asks::Asks,
    world::{GAS, World, alice, bob, check_capsule},
};

/// Rules of version 2 on all lanes for wasm.
fn world() -> World {
    World::with_rules(&ContractRules::v2())
}

fn batch(operations: Vec<BatchOperation>) -> Batch {
    Batch {
        from: alice(),
        operations,
        gas: Gas::new(GAS),
        overhead: Gas::ZERO,
        fee: None,
    }
}

const fn free(action: Action) -> BatchOperation {
    BatchOperation { action, value: 0 }
}

fn call(to: Address, method: &str, input: &[u8]) -> Action {
    Action::Call {
        to,
        method: method.to_owned(),
        input: input.to_vec(),
    }
}

fn transfer(to: Address, value: u128) -> BatchOperation {
    BatchOperation {
        action: call(to, "", &[]),
        value,
    }
}

fn deploy(code: &[u8], input: &[u8]) -> Action {
    Action::Deploy {
        code: code.to_vec(),
        input: input.to_vec(),
    }
}

/// Runs a script on the contract `asks`.
fn ask(to: Address, asks: &Asks) -> BatchOperation {
    free(call(to, "ask", &asks.input()))
}

/// A script that stores a value, and announces it.
fn stores(key: &[u8], value: &[u8]) -> Asks {
    let mut asks = Asks::default();
    let [key, value] = [key, value].map(|bytes| asks.put(bytes));
    let arguments = [key.at(), key.len(), value.at(), value.len()];
    asks.hide()
        .ask(abi::STORAGE_WRITE, &arguments)
        .ask(abi::EVENT_EMIT, &arguments);
    asks
}

/// A script that looks at its value, and sends another one on.
fn sends(to: Address, value: u128) -> Asks {
    let mut asks = Asks::default();
    let to = asks.put(to.as_bytes());
    let options = asks.put(&[[0xff; 8].as_slice(), &value.to_le_bytes()].concat());
    let room = asks.room(16);
    asks.ask(abi::VALUE, &[room.at()]);
    asks.ask(abi::CALL, &[to.at(), 0, 0, 0, 0, options.at()]);
    asks
}

/// A script that reverts.
fn reverts() -> Asks {
    let mut asks = Asks::default();
    asks.revert();
    asks
}

fn asks_contract(world: &mut World) -> Address {
    world.deploy(include_bytes!("../../../../guests/wasm/asks.wasm"), &[])
}

/// Executes a batch that a block can include, on every lane, and applies the changes.
fn send(world: &mut World, batch: &Batch) -> IncludedBatch {
    try_send(world, batch).unwrap()
}

/// The same of a batch that may be invalid, which changes nothing.
fn try_send(world: &mut World, batch: &Batch) -> Result<IncludedBatch, InvalidBatch> {
    let mut found: Option<(Result<IncludedBatch, InvalidBatch>, Trace)> = None;
    for (name, contracts) in world.lanes() {
        let execute = |contracts: &fusee_contract::Contracts| {
            let result = contracts.execute_batch(
                world.reader(),
                batch.clone(),
                &world.block,
                &Interrupt::new(),
            );
            result.unwrap().included()
        };
        let result = execute(contracts);
        let invalid = contracts.check_batch(world.reader(), batch).unwrap();
        assert_eq!(result.as_ref().err(), invalid.as_ref(), "{name}");
        let inspector = Inspector::new(1 << 24);
        let traced = execute(&contracts.clone().inspector(inspector.clone()));
        assert_same(&traced, &result, name);
        let trace = inspector.trace();
        if let Ok(included) = &result {
            check_laws(batch, included);
            assert_eq!(traced_gas(&trace), included.gas_used, "{name}");
        }
        match &found {
            None => found = Some((result, trace)),
            Some((first, first_trace)) => {
                assert_same(&result, first, name);
                assert_eq!(&trace, first_trace, "{name}");
            }
        }
    }
    let (result, _) = found.unwrap();
    check_replays(world, batch, &result);
    let included = result?;
    let nonce = world.account(batch.from).nonce;
    world.state.apply(&included.changes);
    assert_eq!(world.account(batch.from).nonce, nonce + 1);
    Ok(included)
}

/// Records a batch on the first lane, and replays it on all of them. One that is invalid has no
/// capsule.
fn check_replays(world: &World, batch: &Batch, expected: &Result<IncludedBatch, InvalidBatch>) {
    let (_, contracts) = world.lanes().next().unwrap();
    let (result, capsule) = Capsule::record_batch(
        contracts,
        world.reader(),
        batch.clone(),
        &world.block,
        &Interrupt::new(),
    )
    .unwrap();
    assert_same(&result.included(), expected, "recorded");
    assert_eq!(capsule.is_some(), expected.is_ok());
    if let (Some(capsule), Ok(included)) = (capsule, expected) {
        check_capsule(&capsule, included.into(), world.lanes());
    }
}

fn assert_same(
    found: &Result<IncludedBatch, InvalidBatch>,
    expected: &Result<IncludedBatch, InvalidBatch>,
    message: &str,
) {
    let (found, expected) = match (found, expected) {
        (Ok(found), Ok(expected)) => (found, expected),
        (found, expected) => {
            assert_eq!(found.as_ref().err(), expected.as_ref().err(), "{message}");
            return;
        }
    };
    assert_eq!(found.receipts, expected.receipts, "{message}");
    assert_eq!(found.gas_used, expected.gas_used, "{message}");
    assert_eq!(found.fee, expected.fee, "{message}");
    assert_eq!(found.operation, expected.operation, "{message}");
    assert_eq!(
        found.refusal.is_some(),
        expected.refusal.is_some(),
        "{message}"
    );
    let changes = [&found.changes, &expected.changes].map(|changes| changes.encode());
    assert_eq!(changes[0], changes[1], "{message}");
    assert_eq!(found.reads, expected.reads, "{message}");
}

/// What holds of every batch that a block can include.
fn check_laws(batch: &Batch, included: &IncludedBatch) {
    let IncludedBatch {
        receipts,
        gas_used,
        fee,
        operation,
        ..
    } = included;
    let mut left = batch.gas.units() - batch.overhead.units();
    for (index, receipt) in receipts.iter().enumerate() {
        assert_eq!(receipt.gas_limit.units(), left, "{index}");
        left -= receipt.gas_used.units();
        let failed = receipt.status != Status::Success;
        assert_eq!(failed, *operation == Some(index), "{index}: {receipt:?}");
    }
    assert_eq!(gas_used.units(), batch.gas.units() - left);
    let price = batch.fee.map_or(0, |fee| fee.price);
    assert_eq!(*fee, price * u128::from(gas_used.units()));
    match operation {
        None => assert_eq!(receipts.len(), batch.operations.len()),
        Some(index) => {
            assert_eq!(receipts.len(), index + 1);
            let has_effect =
                |receipt: &Receipt| !receipt.events.is_empty() || receipt.deployed.is_some();
            assert!(!receipts.iter().any(has_effect), "{receipts:?}");
        }
    }
}

/// The gas of all outermost frames, and what was paid beside them.
fn traced_gas(trace: &Trace) -> Gas {
    let outermost = trace.frames.iter().filter(|frame| frame.depth == 0);
    let used = outermost.map(|frame| frame.end.as_ref().unwrap().gas_used);
    used.fold(trace.intrinsic_gas, Gas::saturating_add)
}

fn balances(world: &World, addresses: &[Address]) -> Vec<u128> {
    let balance = |address: &Address| Account::read(&world.state, *address).unwrap().balance;
    addresses.iter().map(balance).collect()
}

/// The statuses of the operations that began.
fn statuses(included: &IncludedBatch) -> Vec<Status> {
    included
        .receipts
        .iter()
        .map(|receipt| receipt.status)
        .collect()
}

/// The addresses of everybody who has money in these tests.
fn everybody(contract: Address) -> [Address; 3] {
    [alice(), bob(), contract]
}
