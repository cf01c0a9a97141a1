//! An operation that fails takes all of them back.

use std::sync::Arc;

use fusee_conformance::{Cramped, lanes};
use fusee_contract::{
    Action, Batch, BatchOperation, BlockContext, ContractError, ContractRules, Contracts,
    IncludedBatch, Rejection, Status, set_balances,
};
use fusee_engine::{EngineError, Gas, Interrupt, Trap};
use fusee_executor::{Executor, RunError};
use fusee_instrument::Rule;
use fusee_state::MemoryState;

use crate::{
    fallback::DEEP_AND_BACK,
    world::{CALLER, COUNTER, FUNDS, GAS, World, alice, bob},
};

use super::{
    ask, asks_contract, balances, batch, call, deploy, everybody, free, reverts, send, sends,
    statuses, stores, transfer, world,
};

/// Three operations that change everything that there is, one that fails, and one that does not
/// begin.
fn check(world: &mut World, fails: BatchOperation, status: Status) -> IncludedBatch {
    let asks = asks_contract(world);
    world.call(bob(), asks, "ask", &stores(b"key", b"before").input());
    let operations = vec![
        ask(asks, &stores(b"key", b"after")),
        BatchOperation {
            action: call(asks, "ask", &sends(bob(), 10).input()),
            value: 100,
        },
        free(deploy(COUNTER, &[])),
        fails,
        transfer(bob(), 1),
    ];
    let before = world.state.clone();
    let money = balances(world, &everybody(asks));
    let nonce = world.account(alice()).nonce;
    let included = send(world, &batch(operations));
    assert_eq!(included.operation, Some(3));
    let mut expected = [Status::Success; 4];
    expected[3] = status;
    assert_eq!(statuses(&included), expected);
    assert!(
        included.receipts[..3]
            .iter()
            .all(|it| it.gas_used > Gas::ZERO)
    );
    assert_eq!(balances(world, &everybody(asks)), money);
    assert_eq!(world.stored(asks, b"key").unwrap(), b"before");
    // The nonce alone has changed.
    assert_eq!(world.account(alice()).nonce, nonce + 1);
    assert_eq!(included.changes.len(), 1);
    world.state = before;
    included
}

#[test]
fn nothing_remains_of_a_batch_that_fails() {
    let mut world = world();
    let caller = world.deploy(CALLER, &[]);
    let asks = asks_contract(&mut world);
    let trapped = Status::Trapped(Trap::Unreachable);
    for (operation, status) in [
        (ask(asks, &reverts()), Status::Reverted),
        (free(call(caller, "write_then_trap", &[])), trapped),
        (
            free(call(caller, "no_such_method", &[])),
            Status::Rejected(Rejection::UnknownMethod),
        ),
        (
            free(call(bob(), "any", &[])),
            Status::Rejected(Rejection::UnknownAddress),
        ),
        (
            transfer(bob(), FUNDS - 99),
            Status::Rejected(Rejection::InsufficientBalance),
        ),
        (transfer(caller, 1), Status::Rejected(Rejection::NotPayable)),
        (
            free(Action::SetAdmin {
                contract: caller,
                admin: None,
            }),
            Status::Rejected(Rejection::NotAdmin),
        ),
    ] {
        let included = check(&mut world, operation, status);
        assert_eq!(included.refusal, None);
        assert!(included.gas_used < Gas::new(GAS));
    }
}

#[test]
fn an_operation_that_exhausts_the_gas_takes_all_of_it() {
    let mut world = world();
    let caller = world.deploy(CALLER, &[]);
    let endless = free(call(caller, "write_then_loop", &[]));
    let included = check(&mut world, endless, Status::OutOfGas);
    assert_eq!(included.gas_used, Gas::new(GAS));
}

#[test]
fn code_that_the_rules_refuse_is_named() {
    let mut world = world();
    let refused = [
        free(deploy(b"no program", &[])),
        free(Action::Upload {
            code: b"no program".to_vec(),
        }),
    ];
    for operation in refused {
        let status = Status::Rejected(Rejection::RefusedCode);
        let included = check(&mut world, operation, status);
        assert_eq!(included.refusal.unwrap().rule, Rule::Valid);
    }
}

/// What is left decides whether an operation begins, and a valid batch may still run short.
#[test]
fn an_operation_without_gas_for_its_input_has_run_out_of_gas() {
    let mut world = world();
    let counter = world.deploy(COUNTER, &[]);
    let operations = vec![
        free(call(counter, "increment", &[])),
        free(call(counter, "value", &[0; 1_000])),
    ];
    let whole = send(&mut world, &batch(operations.clone()));
    assert_eq!(whole.operation, None);
    let first = whole.receipts[0].gas_used.units();
    let limit = Batch {
        gas: Gas::new(first + 3_999),
        ..batch(operations)
    };
    let included = send(&mut world, &limit);
    assert_eq!(statuses(&included), [Status::Success, Status::OutOfGas]);
    assert_eq!(included.receipts[1].gas_used, Gas::new(3_999));
    let count = world.query(counter, "value", &[]).output;
    assert_eq!(count, 1_u64.to_le_bytes(), "of the first batch");
}

/// What a batch comes to on an executor.
fn run(executor: Executor, state: &MemoryState, batch: &Batch) -> Option<IncludedBatch> {
    let contracts = Contracts::without_fallback(Arc::new(executor), ContractRules::v2());
    let result = contracts.execute_batch(
        Arc::new(state.clone()),
        batch.clone(),
        &BlockContext::default(),
        &Interrupt::new(),
    );
    Some(result.ok()?.included().unwrap())
}

/// An engine that fails on the second operation: the first one runs again on the interpreter, and
/// counts once.
#[test]
fn the_interpreter_runs_a_batch_again_from_its_begin() {
    let deep = wat::parse_str(DEEP_AND_BACK).unwrap();
    let mut state = MemoryState::new();
    state.apply(&set_balances(&[(alice(), FUNDS)]));
    let operations = vec![free(deploy(COUNTER, &[])), free(deploy(&deep, &[]))];
    let made = run(lanes().remove(0).executor, &state, &batch(operations)).unwrap();
    state.apply(&made.changes);
    let [counter, deep] = [0, 1].map(|at: usize| made.receipts[at].deployed.unwrap());
    let batch = batch(vec![
        free(call(counter, "increment", &[])),
        free(call(deep, "run", &[])),
        free(call(counter, "value", &[])),
    ]);
    let expected = run(lanes().remove(0).executor, &state, &batch).unwrap();
    assert_eq!(expected.receipts[2].output, 1_u64.to_le_bytes());
    let cramped = Cramped::in_native_stack();
    assert!(run(cramped.alone, &state, &batch).is_none());
    let found = run(cramped.tiered, &state, &batch).unwrap();
    super::assert_same(&Ok(found), &Ok(expected), "the interpreter's result");
}

/// An interrupt ends a batch between operations that run no guest. It is no receipt.
#[test]
fn an_interrupt_ends_a_batch_between_operations() {
    let world = world();
    let interrupt = Interrupt::new();
    interrupt.trigger();
    for (name, contracts) in world.lanes() {
        let execute = |operations| {
            contracts.execute_batch(world.reader(), batch(operations), &world.block, &interrupt)
        };
        let error = execute(vec![transfer(bob(), 1), transfer(bob(), 1)]).unwrap_err();
        let is_interrupt = matches!(
            error,
            ContractError::Run(RunError::Engine(EngineError::Interrupted))
        );
        assert!(is_interrupt, "{name}: {error:?}");
        // What has ended keeps its result.
        execute(vec![transfer(bob(), 1)]).unwrap();
    }
}
