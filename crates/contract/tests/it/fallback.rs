//! Where a compiler fails and an interpreter would not, a transaction has the interpreter's receipt.

use std::{process::Command, sync::Arc};

use fusee_conformance::{Cramped, lanes};
use fusee_contract::{
    Action, Applied, ContractError, ContractRules, Contracts, Status, Transaction, genesis,
};
use fusee_engine::{Gas, Interrupt, Profiler, Trap};
use fusee_executor::Executor;
use fusee_state::MemoryState;

use crate::world::{CALLER, FUNDS, GAS, alice, args, counted};

/// Recurses until the metered height ends.
const DEEP: &str = r#"(module
    (func $deep (param i64) (result i64)
        (i64.add (i64.const 1) (call $deep (i64.add (local.get 0) (i64.const 1)))))
    (func (export "run") (drop (call $deep (i64.const 0)))))"#;

/// Has a large memory, and uses it.
const LARGE: &str = r#"(module (memory (export "memory") 200)
    (func (export "run") (i64.store (i32.const 13000000) (i64.const 1))))"#;

/// What `actions` come to, one after the other, each on the state that the one before left.
fn try_apply(executor: Executor, actions: &[Action]) -> Result<Vec<Applied>, ContractError> {
    apply(
        &Contracts::new(Arc::new(executor), ContractRules::v1()),
        actions,
    )
}

fn apply(contracts: &Contracts, actions: &[Action]) -> Result<Vec<Applied>, ContractError> {
    let mut state = MemoryState::new();
    state.apply(&genesis(&[(alice(), FUNDS)]));
    let mut apply = |action: &Action| {
        let transaction = Transaction {
            from: alice(),
            action: action.clone(),
            value: 0,
            gas: Gas::new(GAS),
        };
        let applied = contracts.execute(Arc::new(state.clone()), transaction, &Interrupt::new())?;
        state.apply(&applied.diff);
        Ok(applied)
    };
    actions.iter().map(&mut apply).collect()
}

/// The same, where nothing is lacking.
fn expected(actions: &[Action]) -> Vec<Applied> {
    let lacks_addresses = std::env::var_os(FEW_ADDRESSES).is_some();
    let mut found = lanes()
        .into_iter()
        .filter(|lane| !lacks_addresses || lane.name.starts_with("wasmi"))
        .map(|lane| try_apply(lane.executor, actions).unwrap());
    let first = found.next().unwrap();
    found.for_each(|other| assert_alike(&other, &first));
    first
}

fn deploy(code: &[u8]) -> Action {
    Action::Deploy {
        code: code.to_vec(),
        input: Vec::new(),
    }
}

fn deploy_and_run(text: &str) -> Vec<Action> {
    let deploy = deploy(&wat::parse_str(text).unwrap());
    let applied = expected(std::slice::from_ref(&deploy));
    let call = Action::Call {
        to: applied[0].receipt.deployed.unwrap(),
        method: "run".to_owned(),
        input: Vec::new(),
    };
    vec![deploy, call]
}

/// With an interpreter beside it, it has the receipts; alone, it has none.
fn assert_answers(cramped: Cramped, actions: &[Action], expected: &[Applied]) {
    assert_alike(&try_apply(cramped.tiered, actions).unwrap(), expected);
    try_apply(cramped.alone, actions).unwrap_err();
}

fn assert_alike(found: &[Applied], expected: &[Applied]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.receipt, expected.receipt);
        assert_eq!(found.diff.encode(), expected.diff.encode());
    }
}

#[test]
fn a_native_stack_that_ends_is_no_receipt() {
    let cramped = Cramped::in_native_stack();
    let actions = deploy_and_run(DEEP);
    let expected = expected(&actions);
    assert_eq!(
        expected[1].receipt.status,
        Status::Trapped(Trap::StackOverflow)
    );
    assert_answers(cramped, &actions, &expected);
}

/// Recurses deeper than a cramped compiler can, comes back, and does something else.
const DEEP_AND_BACK: &str = r#"(module
    (func $deep (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
            (then (i32.const 0))
            (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
    (func $other (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
    (func (export "run") (drop (call $other (call $deep (i32.const 2000))))))"#;

#[test]
fn a_profile_is_of_the_attempt_that_counts() {
    let actions = deploy_and_run(DEEP_AND_BACK);
    let profile = |executor: Executor| {
        let profiler = Profiler::new();
        let contracts = Contracts::new(Arc::new(executor), ContractRules::v1());
        let contracts = contracts.profiler(profiler.clone());
        let applied = apply(&contracts, &actions).unwrap();
        assert_eq!(applied[1].receipt.status, Status::Success);
        (profiler.total(), profiler.paths())
    };
    let found = profile(Cramped::in_native_stack().tiered);
    for lane in lanes() {
        assert_eq!(profile(lane.executor), found, "{}", lane.name);
    }
}

#[test]
fn a_pool_that_is_exhausted_is_no_receipt() {
    let deployed = expected(&[deploy(CALLER), deploy(CALLER)]);
    let [caller, callee] = [0, 1].map(|at: usize| deployed[at].receipt.deployed.unwrap());
    let call = Action::Call {
        to: caller,
        method: "try_and_write".to_owned(),
        input: args(&[
            callee.as_bytes(),
            &counted(b"write_then_revert"),
            &counted(&[]),
        ]),
    };
    let actions = [deploy(CALLER), deploy(CALLER), call];
    let expected = expected(&actions);
    assert_eq!(expected[2].receipt.status, Status::Success);
    assert_answers(Cramped::in_instances(), &actions, &expected);
}

/// Marks the process in which there are few addresses.
const FEW_ADDRESSES: &str = "FUSEE_TEST_FEW_ADDRESSES";

#[cfg(target_os = "linux")]
#[test]
fn addresses_that_end_are_no_receipt() {
    let actions = deploy_and_run(LARGE);
    if std::env::var_os(FEW_ADDRESSES).is_some() {
        assert_answers(Cramped::in_addresses(), &actions, &expected(&actions));
        return;
    }
    let status = Command::new("/bin/sh")
        .args(["-c", r#"ulimit -v 2000000; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "fallback::addresses_that_end_are_no_receipt"])
        .env(FEW_ADDRESSES, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}
