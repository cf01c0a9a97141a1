//! Calls that the chain makes by itself.

use std::sync::Arc;

use fusee_conformance::{Cramped, lanes};
use fusee_contract::{
    Address, BlockContext, Capsule, ContractRules, Contracts, Event, Included, Rejection, Status,
    SystemCall, set_balances,
};
use fusee_engine::{Gas, Interrupt, Trap};
use fusee_state::MemoryState;

use crate::{
    fallback::DEEP_AND_BACK,
    world::{CALLER, COUNTER, FUNDS, World, alice, assert_same, check_capsule},
};

use super::{asks_contract, batch, call, deploy, free, stores, world};

fn system(to: Address, method: &str, input: &[u8], gas: u64) -> SystemCall {
    SystemCall {
        to,
        method: method.to_owned(),
        input: input.to_vec(),
        gas: Gas::new(gas),
    }
}

/// Executes a system call on every lane, and applies its changes.
fn send(world: &mut World, call: &SystemCall) -> Included {
    let mut found: Option<Included> = None;
    for (name, contracts) in world.lanes() {
        let included = contracts
            .execute_system(
                world.reader(),
                call.clone(),
                &world.block,
                &Interrupt::new(),
            )
            .unwrap();
        match &found {
            None => found = Some(included),
            Some(first) => assert_same(&included, first, name),
        }
    }
    let included = found.unwrap();
    let (_, contracts) = world.lanes().next().unwrap();
    let (recorded, capsule) = Capsule::record_system(
        contracts,
        world.reader(),
        call.clone(),
        &world.block,
        &Interrupt::new(),
    )
    .unwrap();
    assert_same(&recorded, &included, "recorded");
    check_capsule(&capsule, (&included).into(), world.lanes());
    world.state.apply(&included.changes);
    included
}

/// Outputs its caller, and stores it.
const TELLS: &str = r#"(module
    (import "fusee" "caller" (func $caller (param i32)))
    (import "fusee" "output_write" (func $output (param i32 i32)))
    (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (func (export "run")
        (call $caller (i32.const 0))
        (call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 32))
        (call $output (i32.const 0) (i32.const 32))))"#;

#[test]
fn a_system_call_changes_what_its_contract_changes() {
    let mut world = world();
    let tells = world.deploy_wat(TELLS);
    let receipt = send(&mut world, &system(tells, "run", &[], 50_000)).receipt;
    assert_eq!(receipt.status, Status::Success);
    assert_eq!(receipt.output, Address::SYSTEM.as_bytes());
    assert_eq!(receipt.gas_limit, Gas::new(50_000));
    assert_eq!(
        world.stored(tells, b"").unwrap(),
        Address::SYSTEM.as_bytes()
    );
    assert_eq!(world.account(Address::SYSTEM), Default::default());
    // What a transaction pays but its intrinsic price.
    let paid = world.call(alice(), tells, "run", &[]).gas_used;
    assert_eq!(receipt.gas_used, paid.saturating_sub(Gas::new(10_000)));

    let asks = asks_contract(&mut world);
    let input = stores(b"key", b"value").input();
    let included = send(&mut world, &system(asks, "ask", &input, 1_000_000));
    let event = Event {
        address: asks,
        topics: vec![b"key".to_vec()],
        data: b"value".to_vec(),
    };
    assert_eq!(included.receipt.events, [event]);
    assert_eq!(included.changes.len(), 1);
    // Its input, however long, is not priced.
    let nothing = send(&mut world, &system(alice(), "", &[0; 1_000], 0));
    assert_eq!(nothing.receipt.status, Status::Success);
    assert!(nothing.changes.is_empty());
}

#[test]
fn a_system_call_that_fails_changes_nothing() {
    let mut world = world();
    let caller = world.deploy(CALLER, &[]);
    let counter = world.deploy(COUNTER, &[]);
    let rejected = |rejection| Status::Rejected(rejection);
    for (call, status) in [
        (
            system(caller, "write_then_trap", &[], 1_000_000),
            Status::Trapped(Trap::Unreachable),
        ),
        (
            system(caller, "write_then_revert", &[], 1_000_000),
            Status::Reverted,
        ),
        (
            system(caller, "write_then_loop", &[], 1_000_000),
            Status::OutOfGas,
        ),
        (system(counter, "increment", &[], 0), Status::OutOfGas),
        (
            system(counter, "no_such_method", &[], 1_000_000),
            rejected(Rejection::UnknownMethod),
        ),
        (
            system(counter, "deploy", &[], 1_000_000),
            rejected(Rejection::UnknownMethod),
        ),
        (
            system(alice(), "any", &[], 1_000_000),
            rejected(Rejection::UnknownAddress),
        ),
    ] {
        let included = send(&mut world, &call);
        let receipt = included.receipt;
        assert_eq!(receipt.status, status, "{call:?}");
        assert!(included.changes.is_empty(), "{call:?}");
        assert!(receipt.events.is_empty() && receipt.gas_used <= call.gas);
        let uses_all = status == Status::OutOfGas;
        assert_eq!(receipt.gas_used == call.gas, uses_all, "{call:?}");
    }
}

/// The limits are those of transactions, by which one that exceeds them is invalid.
#[test]
fn a_system_call_that_is_too_large_traps_before_it_begins() {
    let rules = ContractRules::v2();
    let mut world = World::with_rules(&rules);
    let asks = asks_contract(&mut world);
    let method_bytes = usize::try_from(rules.limits.method_bytes).unwrap();
    let input_bytes = usize::try_from(rules.extensions.unwrap().input_bytes).unwrap();
    let mut status = |method: &str, input: &[u8]| {
        let included = send(&mut world, &system(asks, method, input, 100_000_000));
        assert!(included.changes.is_empty());
        (included.receipt.status, included.receipt.gas_used)
    };
    let unknown = Status::Rejected(Rejection::UnknownMethod);
    let too_large = (Status::Trapped(Trap::DataLimit), Gas::ZERO);
    let longest = "m".repeat(method_bytes);
    assert_eq!(status(&longest, &[]).0, unknown);
    assert_eq!(status(&(longest + "m"), &[]), too_large);
    let largest = vec![0; input_bytes];
    assert_eq!(status("nothing", &largest).0, unknown);
    assert_eq!(status("nothing", &[largest, vec![0]].concat()), too_large);
}

#[test]
fn a_system_call_on_which_an_engine_fails_is_the_interpreters() {
    let run = |executor, state: &MemoryState, call: &SystemCall| {
        let contracts = Contracts::without_fallback(Arc::new(executor), ContractRules::v2());
        contracts.execute_system(
            Arc::new(state.clone()),
            call.clone(),
            &BlockContext::default(),
            &Interrupt::new(),
        )
    };
    let mut state = MemoryState::new();
    state.apply(&set_balances(&[(alice(), FUNDS)]));
    let deep = wat::parse_str(DEEP_AND_BACK).unwrap();
    let executor = Arc::new(lanes().remove(0).executor);
    let contracts = Contracts::without_fallback(executor, ContractRules::v2());
    let deployed = contracts
        .execute_batch(
            Arc::new(state.clone()),
            batch(vec![free(deploy(&deep, &[])), free(call(alice(), "", &[]))]),
            &BlockContext::default(),
            &Interrupt::new(),
        )
        .unwrap()
        .included()
        .unwrap();
    state.apply(&deployed.changes);
    let deep = deployed.receipts[0].deployed.unwrap();
    let call = system(deep, "run", &[], 1_000_000);
    let expected = run(lanes().remove(0).executor, &state, &call).unwrap();
    assert_eq!(expected.receipt.status, Status::Success);
    let cramped = Cramped::in_native_stack();
    run(cramped.alone, &state, &call).unwrap_err();
    let found = run(cramped.tiered, &state, &call).unwrap();
    assert_same(&found, &expected, "the interpreter's result");
}
