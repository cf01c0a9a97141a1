//! Where a compiler fails and an interpreter would not, a transaction has the interpreter's
//! receipt.

use std::{process::Command, sync::Arc};

use fusee_conformance::{Cramped, lanes};
use fusee_contract::{
    Action, Address, BlockContext, ContractError, ContractRules, Contracts, Included, Progress,
    Query, Status, Transaction, set_balances,
};
use fusee_engine::{EngineError, Format, Gas, Interrupt, Profiler, Trap};
use fusee_engine_polkavm::PolkaVmEngine;
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{Compilation, Executor, ExecutorBuilder, WithInterpreter};
use fusee_state::MemoryState;

use crate::{
    children::wasm,
    puppet::{PUPPET, Script, noted},
    world::{CALLER, FUNDS, GAS, alice, args, assert_same, counted, wasm_alone},
};

/// Recurses until the metered height ends.
const DEEP: &str = r#"(module
    (func $deep (param i64) (result i64)
        (i64.add (i64.const 1) (call $deep (i64.add (local.get 0) (i64.const 1)))))
    (func (export "run") (drop (call $deep (i64.const 0)))))"#;

/// Has a large memory, and uses it.
const LARGE: &str = r#"(module (memory (export "memory") 200)
    (func (export "run") (i64.store (i32.const 13000000) (i64.const 1))))"#;

/// What `actions` come to, one after the other, each on the state that the one before left.
fn try_apply(executor: Executor, actions: &[Action]) -> Result<Vec<Included>, ContractError> {
    apply(
        &Contracts::without_fallback(Arc::new(executor), ContractRules::v1()),
        actions,
    )
}

fn apply(contracts: &Contracts, actions: &[Action]) -> Result<Vec<Included>, ContractError> {
    let mut state = MemoryState::new();
    state.apply(&set_balances(&[(alice(), FUNDS)]));
    let mut apply = |action: &Action| {
        let transaction = Transaction {
            from: alice(),
            action: action.clone(),
            value: 0,
            gas: Gas::new(GAS),
        };
        let result = contracts.execute(
            Arc::new(state.clone()),
            transaction,
            &BlockContext::default(),
            &Interrupt::new(),
        )?;
        let included = result.included().unwrap();
        state.apply(&included.changes);
        Ok(included)
    };
    actions.iter().map(&mut apply).collect()
}

/// The same, where nothing is lacking.
fn expected(actions: &[Action]) -> Vec<Included> {
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
fn assert_answers(cramped: Cramped, actions: &[Action], expected: &[Included]) {
    assert_alike(&try_apply(cramped.tiered, actions).unwrap(), expected);
    try_apply(cramped.alone, actions).unwrap_err();
}

fn assert_alike(found: &[Included], expected: &[Included]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_same(found, expected, "the interpreter's result");
    }
}

/// A compiler that refuses every program changes no receipt, where there is an interpreter, which
/// `Contracts::new` requires.
#[test]
fn what_a_compiler_refuses_is_the_interpreters() {
    let compiler = || {
        let engine = WasmtimeEngine::builder().guest_stack_bytes(64);
        Arc::new(engine.build().unwrap())
    };
    let actions = deploy_and_run(DEEP_AND_BACK);
    let expected = expected(&actions);
    let tiered = Executor::tiered(Arc::new(WasmiEngine::new()), compiler())
        .compile_gas(Gas::ZERO)
        .build_interpreting();
    let contracts = Contracts::new(&tiered, wasm_alone()).unwrap();
    assert_alike(&apply(&contracts, &actions).unwrap(), &expected);
    let Action::Deploy { code, .. } = &actions[0] else {
        unreachable!();
    };
    let rules = wasm_alone().program;
    let prepared = tiered.executor().prepare(code, &rules).unwrap();
    assert_ne!(prepared.compilation(), Compilation::Done);
    try_apply(Executor::compiled(compiler()).build(), &actions).unwrap_err();
}

#[test]
fn contracts_need_an_engine_for_every_format_of_their_rules() {
    let wasm = || Executor::interpreted(Arc::new(WasmiEngine::new()));
    let polkavm = || Arc::new(PolkaVmEngine::new().unwrap());
    let new = |builder: ExecutorBuilder<WithInterpreter>, rules| {
        Contracts::new(&builder.build_interpreting(), rules).map(drop)
    };
    new(wasm(), wasm_alone()).unwrap();
    let error = new(wasm(), ContractRules::v1()).unwrap_err();
    let format = Format::PolkaVm;
    assert!(matches!(error, EngineError::NoEngine { format: found } if found == format));
    new(wasm().engine(polkavm()), ContractRules::v1()).unwrap();
    let error = new(Executor::interpreted(polkavm()), ContractRules::v1()).unwrap_err();
    let format = Format::Wasm;
    assert!(matches!(error, EngineError::NoEngine { format: found } if found == format));
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
pub(crate) const DEEP_AND_BACK: &str = r#"(module
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
        let contracts = Contracts::without_fallback(Arc::new(executor), ContractRules::v1());
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

/// Asks the host, recurses deeper than a cramped compiler can, and asks again. Outputs both
/// answers.
const ASKS_AND_RECURSES: &str = r#"(module
    (import "fusee" "oracle_request" (func $ask (param i32 i32) (result i32)))
    (import "fusee" "return_data_read" (func $answer (param i32 i32) (result i32)))
    (import "fusee" "output_write" (func $output (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "firstagain")
    (func $deep (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
            (then (i32.const 0))
            (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
    (func $ask_for (param $question i32) (param $out i32)
        (drop (call $ask (local.get $question) (i32.const 5)))
        (drop (call $answer (local.get $out) (i32.const 100))))
    (func $all (export "run")
        (call $ask_for (i32.const 0) (i32.const 100))
        (drop (call $deep (i32.const 2000)))
        (call $ask_for (i32.const 5) (i32.const 200))
        (call $output (i32.const 100) (i32.const 200)))
    (func (export "deploy") (call $all)))"#;

/// What a transaction comes to whose questions are answered by what they are and how many there
/// were before; and the questions.
fn answered(
    contracts: &Contracts,
    state: &MemoryState,
    action: &Action,
) -> Result<(Included, Vec<Vec<u8>>), ContractError> {
    let transaction = Transaction {
        from: alice(),
        action: action.clone(),
        value: 0,
        gas: Gas::new(GAS),
    };
    let state = Arc::new(state.clone());
    let mut progress = contracts.begin(
        state,
        transaction,
        &BlockContext::default(),
        &Interrupt::new(),
    )?;
    let mut questions = Vec::new();
    loop {
        progress = match progress {
            Progress::Ended(result) => return Ok((result.included().unwrap(), questions)),
            Progress::Waiting(waiting) => {
                let number = questions.len().to_string();
                questions.push(waiting.question().to_vec());
                let answer = [waiting.question(), number.as_bytes()].concat();
                waiting.answer(Some(answer))?
            }
        };
    }
}

/// The same on every lane and on an interpreter beside a cramped compiler, and nothing on that
/// alone. What it is.
fn answered_everywhere(
    state: &MemoryState,
    action: &Action,
    cramped: Cramped,
) -> (Included, Vec<Vec<u8>>) {
    let rules = ContractRules::latest().with_oracle();
    let contracts =
        |executor: &Arc<Executor>| Contracts::without_fallback(Arc::clone(executor), rules.clone());
    let executors = lanes().into_iter().map(|lane| (lane.name, lane.executor));
    let executors = executors.chain([("cramped", cramped.tiered)]);
    let mut first: Option<(Included, Vec<Vec<u8>>)> = None;
    for (name, executor) in executors {
        let executor = Arc::new(executor);
        let (applied, questions) = answered(&contracts(&executor), state, action).unwrap();
        assert_eq!(executor.suspended_runs(), 0, "{name}");
        if let Some((expected, expected_questions)) = &first {
            assert_same(&applied, expected, name);
            assert_eq!(&questions, expected_questions, "{name}");
        }
        first.get_or_insert((applied, questions));
    }
    let alone = Arc::new(cramped.alone);
    answered(&contracts(&alone), state, action).unwrap_err();
    assert_eq!(alone.suspended_runs(), 0);
    first.unwrap()
}

/// A state with a contract.
fn deployed(code: &[u8]) -> (MemoryState, Address) {
    let mut state = MemoryState::new();
    state.apply(&set_balances(&[(alice(), FUNDS)]));
    let executor = Arc::new(lanes().remove(0).executor);
    let contracts = Contracts::without_fallback(executor, ContractRules::latest().with_oracle());
    let (applied, _) = answered(&contracts, &state, &deploy(code)).unwrap();
    state.apply(&applied.changes);
    (state, applied.receipt.deployed.unwrap())
}

fn call(to: Address, method: &str, input: Vec<u8>) -> Action {
    Action::Call {
        to,
        method: method.to_owned(),
        input,
    }
}

#[test]
fn a_transaction_that_was_answered_is_run_once_more_with_the_answers() {
    let (state, contract) = deployed(&wasm(ASKS_AND_RECURSES));
    let fresh = {
        let mut state = MemoryState::new();
        state.apply(&set_balances(&[(alice(), FUNDS)]));
        state
    };
    for (state, action) in [
        (state, call(contract, "run", Vec::new())),
        // And a deployment, while it runs `deploy`.
        (fresh, deploy(&wasm(ASKS_AND_RECURSES))),
    ] {
        let cramped = Cramped::in_native_stack();
        let (applied, questions) = answered_everywhere(&state, &action, cramped);
        assert_eq!(applied.receipt.status, Status::Success);
        // None is asked twice.
        assert_eq!(questions, [b"first", b"again"]);
        assert_eq!(applied.receipt.output[..6], *b"first0");
        assert_eq!(applied.receipt.output[100..106], *b"again1");
    }
}

/// Recurses until the metered height ends, or to where its argument says; and says before how it
/// is.
const DEEP_CHILD: &str = r#"(module
    (import "any" "ask" (func $ask (param i64) (result i64)))
    (func $deep (param i64) (result i64)
        (if (result i64) (i64.eqz (local.get 0))
            (then (i64.const 0))
            (else (i64.add (i64.const 1) (call $deep (i64.sub (local.get 0) (i64.const 1)))))))
    (func (export "deep") (param i64) (drop (call $deep (local.get 0))))
    (func (export "asks") (param i64) (drop (call $deep (call $ask (local.get 0))))))"#;

#[test]
fn a_child_for_which_the_engine_has_no_stack_is_the_interpreters() {
    let (state, puppet) = deployed(&wasm(PUPPET));
    let gas = 50_000_000;
    let script = Script::default()
        .oracle_request(b"before")
        .compile(&wasm(DEEP_CHILD), b"")
        .instantiate(0)
        .prepare(0, b"asks")
        .run(0, gas, 7)
        .oracle_request(b"between")
        .run(0, gas, 2_000)
        .prepare(0, b"deep")
        .run(0, gas, i64::MAX)
        .oracle_request(b"behind")
        .return_data(0);
    let action = call(puppet, "script", script.input());
    let (applied, questions) = answered_everywhere(&state, &action, Cramped::in_native_stack());
    let notes = noted(&applied.receipt);
    let results: Vec<_> = notes.iter().map(|note| note.result).collect();
    // A syscall, the end, and a trap.
    assert_eq!(results, [7, 1 << 32, 0, 0, 1, 8, 0, 0, -4, 7, 7]);
    assert_eq!(notes[10].buffer[..7], *b"behind2");
    assert_eq!(questions.len(), 3);

    // A query, too.
    let query = Query {
        from: alice(),
        to: puppet,
        method: "script".to_owned(),
        input: script.input(),
        gas: Gas::new(GAS),
    };
    let query = |executor: Executor| {
        let executor = Arc::new(executor);
        let contracts = Contracts::without_fallback(
            Arc::clone(&executor),
            ContractRules::latest().with_oracle(),
        );
        let state = Arc::new(state.clone());
        let receipt = contracts.query(
            state,
            query.clone(),
            &BlockContext::default(),
            &Interrupt::new(),
        );
        assert_eq!(executor.suspended_runs(), 0);
        receipt
    };
    let cramped = Cramped::in_native_stack();
    let receipt = query(cramped.tiered).unwrap();
    assert_eq!(receipt, query(lanes().remove(0).executor).unwrap());
    assert_eq!(noted(&receipt)[8].result, -4);
    query(cramped.alone).unwrap_err();
}

#[test]
fn a_pool_without_room_for_a_child_is_no_receipt() {
    let (state, puppet) = deployed(&wasm(PUPPET));
    let script = Script::default()
        .oracle_request(b"?")
        .compile(&wasm(DEEP_CHILD), b"")
        .instantiate(0)
        .prepare(0, b"asks")
        .run(0, 1_000_000, 7);
    let action = call(puppet, "script", script.input());
    let (applied, _) = answered_everywhere(&state, &action, Cramped::in_instances());
    assert_eq!(noted(&applied.receipt)[4].result, 1);
}
