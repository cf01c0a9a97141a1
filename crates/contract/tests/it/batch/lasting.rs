//! What lasts for a transaction lasts for the batch, and its limits hold for all operations
//! together.

use fusee_abi::{self as abi, status};
use fusee_contract::{Address, ContractRules, Extensions, Rejection, Status};
use fusee_engine::Trap;

use crate::{
    asks::{Asks, deploy},
    children::{CHILD, rules as rules_with_children, wasm},
    puppet::{PUPPET, Script, noted},
    world::{COUNTER, TOKEN, World},
};

use super::{ask, asks_contract, batch, call, free, reverts, send, statuses, stores};

fn remembers(key: &[u8], value: &[u8]) -> Asks {
    let mut asks = Asks::default();
    let [key, value] = [key, value].map(|bytes| asks.put(bytes));
    let arguments = [key.at(), key.len(), value.at(), value.len()];
    asks.ask(abi::TRANSIENT_WRITE, &arguments);
    asks
}

fn recalls(key: &[u8]) -> Asks {
    let mut asks = Asks::default();
    let key = asks.put(key);
    let room = asks.room(8);
    asks.ask(abi::TRANSIENT_READ, &[key.at(), key.len(), room.at(), 8]);
    asks
}

/// Contracts of both formats, in one batch.
#[test]
fn an_operation_recalls_what_one_before_it_remembered() {
    let mut world = World::in_both_formats(&ContractRules::v2());
    let contracts = deploy(&mut world);
    let remember = contracts.map(|it| ask(it, &remembers(b"key", b"value")));
    let recall = recalls(b"key");
    let mut operations = remember.to_vec();
    operations.extend(contracts.map(|it| ask(it, &recall)));
    let included = send(&mut world, &batch(operations.clone()));
    for receipt in &included.receipts[2..] {
        assert_eq!(recall.decode(receipt).results, [5]);
    }
    // The next transaction begins without, and so does one after a batch that failed.
    let absent = [i64::from(status::ABSENT)];
    for contract in contracts {
        assert_eq!(recall.answers(&mut world, contract).results, absent);
    }
    operations.push(ask(contracts[0], &reverts()));
    assert_eq!(send(&mut world, &batch(operations)).operation, Some(4));
    for contract in contracts {
        assert_eq!(recall.answers(&mut world, contract).results, absent);
    }
}

fn extended(change: impl FnOnce(&mut Extensions)) -> World {
    let mut rules = ContractRules::v2();
    change(rules.extensions.as_mut().unwrap());
    World::with_rules(&rules)
}

const PAST: [Status; 2] = [Status::Success, Status::Trapped(Trap::DataLimit)];

#[test]
fn the_limit_of_transient_storage_is_that_of_all_operations() {
    for (more, statuses_of) in [(50, [Status::Success; 2]), (49, PAST)] {
        let entry = Extensions::ENTRY_BYTES;
        let mut world = extended(|it| it.transient_bytes = 2 * entry + 50 + more);
        let contract = asks_contract(&mut world);
        let operations = [b"a", b"b"].map(|key| ask(contract, &remembers(key, &[1; 49])));
        let included = send(&mut world, &batch(operations.to_vec()));
        assert_eq!(statuses(&included), statuses_of);
    }
}

#[test]
fn the_limit_of_events_is_that_of_all_operations() {
    for (most, statuses_of) in [(2, [Status::Success; 2]), (1, PAST)] {
        let mut world = extended(|it| it.events = most);
        let contract = asks_contract(&mut world);
        let operations = [b"a", b"b"].map(|key| ask(contract, &stores(key, b"")));
        let included = send(&mut world, &batch(operations.to_vec()));
        assert_eq!(statuses(&included), statuses_of);
    }
}

/// Contracts of two programs.
fn two(world: &mut World) -> [Address; 2] {
    [
        world.deploy(COUNTER, &[]),
        world.deploy(TOKEN, &1_000_u64.to_le_bytes()),
    ]
}

#[test]
fn code_is_loaded_and_paid_once() {
    let mut rules = ContractRules::v2();
    rules.limits.included_bytes = 0;
    let mut world = World::with_rules(&rules);
    let [counter, _] = two(&mut world);
    // The call stays the same: it finds a counter that is not zero.
    world.call(super::alice(), counter, "increment", &[]);
    let increment = || free(call(counter, "increment", &[]));
    let included = send(
        &mut world,
        &batch(vec![increment(), increment(), increment()]),
    );
    let used = |at: usize| included.receipts[at].gas_used.units();
    let loading = rules.prices.loaded_byte.units() * u64::try_from(COUNTER.len()).unwrap();
    assert_eq!(used(1), used(2));
    let base = rules.prices.transaction.units();
    assert_eq!(used(0) - used(1), loading + base);
}

#[test]
fn the_limit_of_loaded_code_is_that_of_all_operations() {
    let both = u32::try_from(COUNTER.len() + TOKEN.len()).unwrap();
    let rejected = Status::Rejected(Rejection::CodeLimit);
    for (limit, status) in [(both, Status::Success), (both - 1, rejected)] {
        let mut rules = ContractRules::v2();
        rules.limits.loaded_bytes = limit;
        let mut world = World::with_rules(&rules);
        let [counter, token] = two(&mut world);
        let operations = vec![
            free(call(counter, "value", &[])),
            free(call(token, "total_supply", &[])),
        ];
        let included = send(&mut world, &batch(operations));
        assert_eq!(statuses(&included), [Status::Success, status]);
    }
}

#[test]
fn the_limit_of_modules_is_that_of_all_operations() {
    for (modules, compiled) in [(2, true), (1, false)] {
        let rules = rules_with_children(|children| children.modules = modules);
        let mut world = World::with_rules(&rules);
        let puppet = world.deploy_wat(PUPPET);
        let script = |name: &[u8]| {
            let script = Script::default().compile(&wasm(CHILD), name);
            free(call(puppet, "script", &script.input()))
        };
        let included = send(&mut world, &batch(vec![script(b"a"), script(b"b")]));
        let results = included.receipts.iter().map(|it| noted(it)[0].result);
        let results: Vec<_> = results.collect();
        assert!(results[0] >= 0, "{results:?}");
        assert_eq!(results[1] >= 0, compiled, "{results:?}");
    }
}

/// Nobody answers the oracle requests of a batch.
#[test]
fn oracle_requests_are_unanswered() {
    let mut world = World::with_rules(&ContractRules::v2().with_oracle());
    let puppet = world.deploy_wat(PUPPET);
    let script = Script::default()
        .oracle_request(b"?")
        .store(b"key", b"value");
    let operation = || free(call(puppet, "script", &script.input()));
    let included = send(&mut world, &batch(vec![operation(), operation()]));
    for receipt in &included.receipts {
        assert_eq!(noted(receipt)[0].result, i64::from(status::UNANSWERED));
    }
    assert_eq!(world.stored(puppet, b"key").unwrap(), b"value");
}
