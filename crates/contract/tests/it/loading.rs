//! Loading code: the first call of each code in a transaction pays for its size, and a transaction
//! loads a limited amount.

use std::sync::Arc;

use fusee_abi::status;
use fusee_contract::{
    Action, Address, BlockContext, ContractRules, Contracts, Query, Rejection, Status, Transaction,
    keys,
};
use fusee_engine::{CodeHash, Gas, Interrupt};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::Executor;

use crate::{
    puppet::{Noted, PUPPET, Script, noted},
    world::{GAS, World, alice, bob},
};

/// A contract whose code has `filling` bytes more than the smallest one.
fn contract(filling: usize) -> Vec<u8> {
    let data = "x".repeat(filling);
    wat::parse_str(format!(
        r#"(module (func (export "script")) (func (export "other")) (memory 1)
            (data (i32.const 0) "{data}"))"#
    ))
    .unwrap()
}

fn rules() -> ContractRules {
    ContractRules::v1().with_oracle()
}

fn bytes(code: &[u8]) -> u64 {
    code.len().try_into().unwrap()
}

/// The price of loading this code.
fn price(code: &[u8]) -> u64 {
    let ContractRules { limits, prices, .. } = rules();
    let beyond = bytes(code).saturating_sub(limits.included_bytes.into());
    beyond * prices.loaded_byte.units()
}

/// The gas that each operation but the first used.
fn gas_used(notes: &[Noted]) -> Vec<u64> {
    let pairs = notes.windows(2);
    pairs
        .map(|pair| pair[0].gas_left - pair[1].gas_left)
        .collect()
}

fn call(to: Address, method: &str, gas: u64) -> Transaction {
    Transaction {
        from: alice(),
        action: Action::Call {
            to,
            method: method.to_owned(),
            input: Vec::new(),
        },
        value: 0,
        gas: Gas::new(gas),
    }
}

#[test]
fn the_first_call_in_a_transaction_pays_for_the_code() {
    let mut world = World::with_rules(&rules());
    let code = contract(12_000);
    let [puppet, one, same] =
        [&wat::parse_str(PUPPET).unwrap(), &code, &code].map(|code| world.deploy(code, &[]));
    let nothing = Script::default();
    let script = nothing.clone().lookup(b"");
    let script = [one, one, same]
        .into_iter()
        .fold(script, |script, to| script.call(to, &nothing));
    assert!(price(&code) > 7_000);
    assert_eq!(price(&contract(8_000)), 0);
    for _ in 0..2 {
        let notes = noted(&world.call(alice(), puppet, "script", &script.input()));
        let used = gas_used(&notes);
        assert_eq!(used[0] - used[1], price(&code), "{used:?}");
        assert_eq!(used[1], used[2], "the other contract has the same code");
    }
}

#[test]
fn a_rejected_call_pays_for_the_code_that_it_loaded() {
    let mut world = World::with_rules(&rules());
    let code = contract(12_000);
    let to = world.deploy(&code, &[]);
    let gas_used = |world: &mut World, to| {
        let receipt = world.call(alice(), to, "unknown", &[]);
        (receipt.status, receipt.gas_used.units())
    };
    let nobody = Address::of_development_account("nobody");
    let (status, least) = gas_used(&mut world, nobody);
    assert_eq!(status, Status::Rejected(Rejection::UnknownAddress));
    let (status, used) = gas_used(&mut world, to);
    assert_eq!(status, Status::Rejected(Rejection::UnknownMethod));
    assert_eq!(used, least + price(&code));
}

#[test]
fn a_call_that_cannot_pay_for_the_code_does_not_read_it() {
    let mut world = World::with_rules(&rules());
    let code = contract(12_000);
    let to = world.deploy(&code, &[]);
    let key = keys::code(CodeHash::of(&code));
    // A transaction without a method.
    let least = world.call(alice(), bob(), "", &[]).gas_used;
    for (gas, reads) in [(price(&code) - 1, false), (price(&code), true)] {
        let gas = least.units() + gas;
        let included = world.try_send(call(to, "script", gas)).unwrap();
        assert_eq!(included.receipt.status, Status::OutOfGas);
        assert_eq!(included.receipt.gas_used.units(), gas);
        let found = included.reads.iter().any(|read| *read == key);
        assert_eq!(found, reads, "{gas}");
    }
}

#[test]
fn a_transaction_loads_a_limited_amount_of_code() {
    let puppet = wat::parse_str(PUPPET).unwrap();
    let codes = [contract(3_000), contract(2_000), contract(1_999)];
    let mut rules = rules();
    let most = bytes(&puppet) + bytes(&codes[0]) + bytes(&codes[2]);
    rules.limits.loaded_bytes = most.try_into().unwrap();
    let mut world = World::with_rules(&rules);
    let puppet = world.deploy(&puppet, &[]);
    let [first, large, small] = codes.each_ref().map(|code| world.deploy(code, &[]));
    let nothing = Script::default();
    let script = [first, large, small, first]
        .into_iter()
        .fold(Script::default(), |script, to| script.call(to, &nothing));
    let receipt = world.call(alice(), puppet, "script", &script.input());
    let results: Vec<i64> = noted(&receipt).iter().map(|note| note.result).collect();
    assert_eq!(results, [0, status::CALL_LIMIT.into(), 0, 0]);

    rules.limits.loaded_bytes = 1;
    let mut strict = World::with_rules(&rules);
    let to = strict.deploy(&codes[0], &[]);
    let receipt = strict.call(alice(), to, "script", &[]);
    assert_eq!(receipt.status, Status::Rejected(Rejection::CodeLimit));
}

/// A cache in which no program has room: a transaction keeps what it loaded, and pays the same.
#[test]
fn gas_does_not_depend_on_the_cache() {
    let rules = rules();
    let mut world = World::with_rules(&rules);
    let codes = [contract(13_000), contract(12_000)];
    let puppet = world.deploy(&wat::parse_str(PUPPET).unwrap(), &[]);
    let [one, other] = codes.each_ref().map(|code| world.deploy(code, &[]));
    let nothing = Script::default();
    let script = [one, other, one, other]
        .into_iter()
        .fold(Script::default(), |script, to| script.call(to, &nothing));
    let expected = world.query(puppet, "script", &script.input());
    let executor = Executor::builder(Arc::new(WasmiEngine::new())).cache_bytes(0);
    let contracts = Contracts::without_fallback(Arc::new(executor.build()), rules);
    let query = Query {
        from: bob(),
        to: puppet,
        method: "script".to_owned(),
        input: script.input(),
        gas: Gas::new(GAS),
    };
    let state = Arc::new(world.state.clone());
    let found = contracts
        .query(state, query, &BlockContext::default(), &Interrupt::new())
        .unwrap();
    assert_eq!(found, expected);
}
