//! The debug log: what contracts write for people, which no receipt depends on.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_contract::{
    Action, Address, BlockContext, ContractRules, Contracts, DebugLog, LogLine, Query, Status,
    Transaction,
};
use fusee_engine::{Gas, Interrupt, Trap};

use crate::world::{GAS, World, alice, args, counted};

const LOGS: &[u8] = include_bytes!("../../../../guests/polkavm/logs.polkavm");

/// Logs a word, then its input, and outputs nothing. `fail` reverts then. `beyond` logs a text
/// whose length is the first word of the input; `outside` logs one that is not in memory.
const SPEAKS: &str = r#"(module
  (import "fusee" "debug_log" (func $log (param i32 i32)))
  (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
  (import "fusee" "revert" (func $revert (param i32 i32)))
  (memory (export "memory") 32)
  (data (i32.const 0) "went")
  (func $speak
    (call $log (i32.const 0) (i32.const 4))
    (call $log (i32.const 64) (call $input (i32.const 64) (i32.const 100))))
  (func (export "go") (call $speak))
  (func (export "fail") (call $speak) (call $revert (i32.const 0) (i32.const 0)))
  (func (export "beyond")
    (drop (call $input (i32.const 64) (i32.const 4)))
    (call $log (i32.const 0) (i32.load (i32.const 64))))
  (func (export "outside") (call $log (i32.const 2097150) (i32.const 3))))"#;

/// Calls the contract that its input begins with, and logs before and after.
const CALLS: &str = r#"(module
  (import "fusee" "debug_log" (func $log (param i32 i32)))
  (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
  (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "before")
  (data (i32.const 8) "after")
  (data (i32.const 16) "fail")
  (data (i32.const 32) "\ff\ff\ff\ff\ff\ff\ff\ff")
  (func (export "go")
    (call $log (i32.const 0) (i32.const 6))
    (drop (call $input (i32.const 64) (i32.const 32)))
    (drop (call $call (i32.const 64) (i32.const 16) (i32.const 4) (i32.const 0) (i32.const 6)
      (i32.const 32)))
    (call $log (i32.const 8) (i32.const 5))))"#;

fn call(to: Address, method: &str, input: &[u8]) -> Transaction {
    Transaction {
        from: alice(),
        action: Action::Call {
            to,
            method: method.to_owned(),
            input: input.to_vec(),
        },
        value: 0,
        gas: Gas::new(GAS),
    }
}

fn line(contract: Address, text: &[u8]) -> LogLine {
    LogLine {
        contract,
        text: text.to_vec(),
    }
}

#[test]
fn contracts_of_both_formats_log() {
    let mut world = World::of_both_formats(&ContractRules::v2());
    let wasm = world.deploy_wat(SPEAKS);
    let polkavm = world.deploy(LOGS, &[]);
    for contract in [wasm, polkavm] {
        let (receipt, log) = world.logged(&call(contract, "go", b"\x1b[1mhere\xff"));
        assert_eq!(receipt.status, Status::Success);
        assert_eq!(receipt.output, b"");
        let expected = [b"went".as_slice(), b"\x1b[1mhere\xff"];
        assert_eq!(log, expected.map(|text| line(contract, text)));
    }
}

#[test]
fn what_a_reverted_frame_logged_is_given() {
    let mut world = World::with_rules(&ContractRules::v2());
    let (speaks, calls) = (world.deploy_wat(SPEAKS), world.deploy_wat(CALLS));
    let (receipt, log) = world.logged(&call(calls, "go", speaks.as_bytes()));
    assert_eq!(receipt.status, Status::Success);
    let expected = [
        line(calls, b"before"),
        line(speaks, b"went"),
        line(speaks, b"before"),
        line(calls, b"after"),
    ];
    assert_eq!(log, expected);
    let (receipt, log) = world.logged(&call(speaks, "fail", b"why"));
    assert_eq!(receipt.status, Status::Reverted);
    assert_eq!(log, [line(speaks, b"went"), line(speaks, b"why")]);
}

/// The limit of a write is 16,384 bytes.
#[test]
fn what_is_beyond_the_limit_is_dropped_and_costs_nothing() {
    let mut world = World::with_rules(&ContractRules::v2());
    let speaks = world.deploy_wat(SPEAKS);
    let mut used = Vec::new();
    for length in [16_383, 16_384, 16_385, 2_097_152, u32::MAX] {
        let (receipt, log) = world.logged(&call(speaks, "beyond", &length.to_le_bytes()));
        assert_eq!(receipt.status, Status::Success, "{length}");
        let logged = u32::try_from(log[0].text.len()).unwrap();
        assert_eq!(logged, length.min(16_384));
        used.push(receipt.gas_used.units());
    }
    assert_eq!(used[1], used[0] + 1);
    assert_eq!(used[1..], [used[1]; 4]);
}

#[test]
fn a_text_outside_the_memory_traps_with_and_without_a_log() {
    let mut world = World::with_rules(&ContractRules::v2());
    let speaks = world.deploy_wat(SPEAKS);
    let (receipt, log) = world.logged(&call(speaks, "outside", &[]));
    assert_eq!(receipt.status, Status::Trapped(Trap::MemoryOutOfBounds));
    assert_eq!(log, []);
}

#[test]
fn a_log_has_one_transaction_or_query_and_a_bound() {
    let mut world = World::with_rules(&ContractRules::v2());
    let speaks = world.deploy_wat(SPEAKS);
    let executor = Arc::new(lanes().remove(0).executor);
    // Room for two lines of four bytes.
    let log = DebugLog::new(2 * (64 + 4));
    let contracts =
        Contracts::without_fallback(executor, ContractRules::v2()).debug_log(log.clone());
    let (state, block) = (Arc::new(world.state.clone()), BlockContext::default());
    for (input, expected) in [(&b"four"[..], 2), (b"fives", 1), (b"", 2)] {
        let action = call(speaks, "go", input);
        let result = contracts.execute(state.clone(), action, &block, &Interrupt::new());
        assert_eq!(
            result.unwrap().included().unwrap().receipt.status,
            Status::Success
        );
        assert_eq!(log.lines().len(), expected);
        assert_eq!(log.is_truncated(), expected == 1);
    }
    let query = Query {
        from: alice(),
        to: speaks,
        method: "go".to_owned(),
        input: b"read".to_vec(),
        gas: Gas::new(GAS),
    };
    contracts
        .query(state, query, &block, &Interrupt::new())
        .unwrap();
    assert_eq!(log.lines(), [line(speaks, b"went"), line(speaks, b"read")]);
}

#[test]
fn version_1_has_no_log() {
    let mut world = World::new();
    let code = wat::parse_str(SPEAKS).unwrap();
    let action = Action::Deploy {
        code,
        input: args(&[&counted(&[])]),
    };
    let receipt = world.send(Transaction {
        action,
        ..call(alice(), "", &[])
    });
    assert_eq!(receipt.deployed, None);
}
