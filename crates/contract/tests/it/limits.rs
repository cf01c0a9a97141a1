//! Each limit of contract rules by its name: at the limit, and past it. Those of events, transient
//! storage, keys of BLS signatures and code have tests beside what they limit.

use fusee_abi as abi;
use fusee_contract::{ContractRules, InvalidTransaction, Status};
use fusee_engine::Trap;

use crate::{
    asks::{Asks, deploy},
    world::{World, alice},
};

const PAST: Status = Status::Trapped(Trap::DataLimit);

/// The input of a script without an area, and its output: results alone.
const INPUT_BYTES: u32 = 8 + 32 * 56;
const OUTPUT_BYTES: u32 = 32 * 8;

/// The arguments of a syscall, made of a region and a length.
type Arguments = fn(u64, u64) -> Vec<u64>;

/// Checks syscalls whose arguments are made of a region and a length: one as long as the limit, and
/// one longer.
fn check(rules: &ContractRules, limit: u32, calls: &[(u32, Arguments)]) {
    let mut world = World::in_both_formats(rules);
    for contract in deploy(&mut world) {
        for (number, arguments) in calls {
            for (length, status) in [(limit, Status::Success), (limit + 1, PAST)] {
                let mut asks = Asks::default();
                let room = asks.room(3_000).at();
                asks.hide().ask(*number, &arguments(room, length.into()));
                let found = asks.call(&mut world, contract).status;
                assert_eq!(found, status, "{length} bytes in syscall {number}");
            }
        }
    }
}

fn rules(change: impl FnOnce(&mut ContractRules)) -> ContractRules {
    let mut rules = ContractRules::v2();
    change(&mut rules);
    rules
}

#[test]
fn key_bytes() {
    let rules = rules(|rules| rules.limits.key_bytes = 100);
    check(
        &rules,
        100,
        &[
            (abi::STORAGE_READ, |room, length| {
                vec![room, length, room, 0]
            }),
            (abi::STORAGE_WRITE, |room, length| {
                vec![room, length, room, 0]
            }),
            (abi::STORAGE_TRY_WRITE, |room, length| {
                vec![room, length, room, 0]
            }),
            (abi::STORAGE_REMOVE, |room, length| vec![room, length]),
            (abi::STORAGE_NEXT, |room, length| {
                vec![room, length, room, 0, room, 0]
            }),
            (abi::STORAGE_NEXT, |room, length| {
                vec![room, 0, room, length, room, 0]
            }),
            (abi::TRANSIENT_WRITE, |room, length| {
                vec![room, length, room, 0]
            }),
        ],
    );
}

#[test]
fn value_bytes() {
    let rules = rules(|rules| rules.limits.value_bytes = 1_000);
    check(
        &rules,
        1_000,
        &[
            (abi::STORAGE_WRITE, |room, length| {
                vec![room, 0, room, length]
            }),
            (abi::STORAGE_TRY_WRITE, |room, length| {
                vec![room, 0, room, length]
            }),
            (abi::TRANSIENT_WRITE, |room, length| {
                vec![room, 0, room, length]
            }),
            (abi::BLS12_381_VERIFY, |room, length| {
                vec![room, 0, room, length, room]
            }),
        ],
    );
}

#[test]
fn topic_bytes() {
    let rules = rules(|rules| rules.limits.topic_bytes = 60);
    check(
        &rules,
        60,
        &[(abi::EVENT_EMIT, |room, length| vec![room, length, room, 0])],
    );
}

#[test]
fn data_bytes() {
    let rules = rules(|rules| rules.limits.data_bytes = 2_000);
    check(
        &rules,
        2_000,
        &[
            (abi::EVENT_EMIT, |room, length| vec![room, 0, room, length]),
            (abi::EVENT_EMIT_TOPICS, |room, length| {
                vec![room, 0, room, length]
            }),
            (abi::SHA256, |room, length| vec![room, length, room]),
            (abi::ED25519_VERIFY, |room, length| {
                vec![room, room, room, length]
            }),
        ],
    );
}

#[test]
fn method_bytes() {
    let rules = rules(|rules| rules.limits.method_bytes = 50);
    check(
        &rules,
        50,
        &[(abi::CALL, |room, length| {
            vec![room, room, length, room, 0, room + 8]
        })],
    );
}

#[test]
fn input_bytes_of_a_call() {
    let limit = INPUT_BYTES + 3_000;
    let rules = rules(|rules| rules.extensions.as_mut().unwrap().input_bytes = limit);
    let mut world = World::in_both_formats(&rules);
    for contract in deploy(&mut world) {
        for (length, status) in [(limit, Status::Success), (limit + 1, PAST)] {
            let mut asks = Asks::default();
            let options = asks.room(3_000).at();
            // The area is shorter, and the memory behind it is the contract's as well.
            let arguments = [options, 0, 0, options, length.into(), options];
            asks.hide().ask(abi::CALL, &arguments);
            let found = asks.call(&mut world, contract).status;
            assert_eq!(found, status, "{length}");
        }
    }
}

#[test]
fn input_bytes_of_a_transaction() {
    let limit = INPUT_BYTES + 16;
    let rules = rules(|rules| rules.extensions.as_mut().unwrap().input_bytes = limit);
    let mut world = World::in_both_formats(&rules);
    for contract in deploy(&mut world) {
        for (bytes, is_valid) in [(16, true), (17, false)] {
            let mut input = Asks::default().input();
            input.resize(input.len() + bytes, 0);
            let transaction = fusee_contract::Transaction {
                from: alice(),
                action: fusee_contract::Action::Call {
                    to: contract,
                    method: "ask".to_owned(),
                    input,
                },
                value: 0,
                gas: fusee_engine::Gas::new(crate::world::GAS),
            };
            let invalid = world.try_send(transaction).err();
            let expected = InvalidTransaction::InputTooLarge {
                bytes: u64::from(limit) + 1,
                limit: limit.into(),
            };
            assert_eq!(invalid, (!is_valid).then_some(expected));
        }
    }
}

#[test]
fn output_bytes() {
    let limit = OUTPUT_BYTES + 16;
    let rules = rules(|rules| rules.extensions.as_mut().unwrap().output_bytes = limit);
    let mut world = World::in_both_formats(&rules);
    for contract in deploy(&mut world) {
        for (bytes, status) in [(16, Status::Success), (24, PAST)] {
            let mut asks = Asks::default();
            asks.room(bytes);
            assert_eq!(asks.call(&mut world, contract).status, status, "{bytes}");
        }
        for (length, status) in [(limit, Status::Reverted), (limit + 1, PAST)] {
            let mut asks = Asks::default();
            let message = asks.room(3_000).at();
            asks.ask(abi::REVERT, &[message, length.into()]);
            let receipt = asks.call(&mut world, contract);
            assert_eq!(receipt.status, status, "{length}");
        }
    }
}

/// Rules of version 1 have one limit for inputs, outputs and data.
#[test]
fn version_1_limits_inputs_and_outputs_as_data() {
    let mut rules = ContractRules::v1();
    rules.limits.data_bytes = 100;
    let mut world = World::with_rules(&rules);
    let contract = world.deploy_wat(
        r#"(module
          (import "fusee" "output_write" (func $output (param i32 i32)))
          (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "go") (drop (call $input (i32.const 0) (i32.const 4)))
            (call $output (i32.const 0) (i32.load (i32.const 0)))))"#,
    );
    for (length, status) in [(100_u32, Status::Success), (101, PAST)] {
        let receipt = world.call(alice(), contract, "go", &length.to_le_bytes());
        assert_eq!(receipt.status, status);
    }
}
