//! Read-only calls, and contracts that admit calls while one of their frames waits.

use fusee_abi::{
    reentrancy, status,
    virtualization::wire::{InstanceId, InstantiateError, MemoryError},
};
use fusee_contract::{Action, Address, ContractRules, Status, Transaction};
use fusee_engine::{CodeHash, Gas, Trap};

use crate::{
    children::{CHILD, wasm},
    puppet::{PUPPET, Script, noted, notes},
    world::{GAS, World, alice, args},
};

/// `relay` calls what its input says: the kind of call (1 for read-only), an address, and the
/// method after it, which is given the input's own bytes from 64 on. It outputs the status and the
/// return data, and adds one to its count before and after.
const RELAY: &str = r#"(module
  (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
  (import "fusee" "output_write" (func $output (param i32 i32)))
  (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
  (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "set_reentrancy" (func $set_reentrancy (param i32)))
  (import "fusee" "return_data_read" (func $data (param i32 i32) (result i32)))
  (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "call_read_only" (func $call_read_only (param i32 i32 i32 i32 i32 i64) (result i32)))
  (memory 1) (data (i32.const 9000) "n")
  ;; The gas limit, and no value.
  (data (i32.const 9100) "\ff\ff\ff\ff\ff\ff\ff\ff\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
  (func (export "allow") (drop (call $input (i32.const 0) (i32.const 4)))
    (call $set_reentrancy (i32.load (i32.const 0))))
  (func $count (result i32)
    (i32.store (i32.const 8000) (i32.const 0))
    (drop (call $read (i32.const 9000) (i32.const 1) (i32.const 8000) (i32.const 4)))
    (i32.load (i32.const 8000)))
  (func $add (i32.store (i32.const 8000) (i32.add (call $count) (i32.const 1)))
    (call $write (i32.const 9000) (i32.const 1) (i32.const 8000) (i32.const 4)))
  (func (export "add") (call $add))
  (func (export "count") (drop (call $count)) (call $output (i32.const 8000) (i32.const 4)))
  ;; 1 byte kind, 32 bytes address, 1 byte length of the method, the method, its input.
  (func $relay (param $adds i32) (local $n i32) (local $method i32) (local $rest i32)
    (local.set $n (call $input (i32.const 0) (i32.const 4096)))
    (if (local.get $adds) (then (call $add)))
    (local.set $method (i32.load8_u (i32.const 33)))
    (local.set $rest (i32.add (i32.const 34) (local.get $method)))
    (i32.store (i32.const 5000)
      (if (result i32) (i32.load8_u (i32.const 0))
        (then (call $call_read_only (i32.const 1) (i32.const 34) (local.get $method)
          (local.get $rest) (i32.sub (local.get $n) (local.get $rest)) (i64.const -1)))
        (else (call $call (i32.const 1) (i32.const 34) (local.get $method)
          (local.get $rest) (i32.sub (local.get $n) (local.get $rest)) (i32.const 9100)))))
    (if (local.get $adds) (then (call $add)))
    (call $output (i32.const 5000)
      (i32.add (i32.const 4) (call $data (i32.const 5004) (i32.const 2048)))))
  (func (export "relay") (call $relay (i32.const 1)))
  (func (export "ask") (call $relay (i32.const 0))))"#;

fn world() -> World {
    World::with_rules(&ContractRules::v2())
}

/// The input of `relay` and `ask`.
fn to(is_read_only: bool, address: Address, method: &str, input: &[u8]) -> Vec<u8> {
    let length = u8::try_from(method.len()).unwrap();
    args(&[
        &[u8::from(is_read_only)],
        address.as_bytes(),
        &[length],
        method.as_bytes(),
        input,
    ])
}

/// The status that the outermost relay saw, and the data.
fn relay(world: &mut World, contract: Address, input: &[u8]) -> (i32, Vec<u8>) {
    let receipt = world.call(alice(), contract, "relay", input);
    assert_eq!(receipt.status, Status::Success, "{receipt:?}");
    let (status, data) = receipt.output.split_first_chunk().unwrap();
    (i32::from_le_bytes(*status), data.to_vec())
}

fn count(world: &World, contract: Address) -> i32 {
    let output = world.query(contract, "count", &[]).output;
    i32::from_le_bytes(output.try_into().unwrap())
}

#[test]
fn a_read_only_call_changes_nothing_at_any_depth() {
    let mut world = world();
    let [first, second, third] = [(); 3].map(|()| world.deploy_wat(RELAY));
    let trapped = relay(&mut world, first, &to(true, second, "add", &[]));
    assert_eq!(trapped.0, status::TRAPPED);
    assert_eq!(
        relay(&mut world, first, &to(true, second, "count", &[])),
        (4, vec![0; 4])
    );
    // An ordinary call inside it is read-only, too.
    let nested = to(true, second, "ask", &to(false, third, "add", &[]));
    let (found, inner) = relay(&mut world, first, &nested);
    assert_eq!(found, 4);
    assert_eq!(inner, status::TRAPPED.to_le_bytes());
    let reading = to(true, second, "ask", &to(false, third, "count", &[]));
    assert_eq!(relay(&mut world, first, &reading).1.len(), 8);
    assert_eq!(
        [second, third].map(|contract| count(&world, contract)),
        [0, 0]
    );
    // The caller writes on.
    assert_eq!(count(&world, first), 8);
    let policy = reentrancy::ANY.to_le_bytes();
    let refused = relay(&mut world, first, &to(true, second, "allow", &policy));
    assert_eq!(refused.0, status::TRAPPED);
}

/// Who may enter a contract that waits: itself directly, a read-only call through another, or an
/// ordinary call through another.
#[test]
fn a_contract_says_which_calls_may_enter_it_while_it_waits() {
    use reentrancy::{ANY, READ_ONLY, SELF};
    for (policy, admitted) in [
        (0, [false; 4]),
        (SELF, [true, true, false, false]),
        (READ_ONLY, [false, true, true, false]),
        (SELF | READ_ONLY, [true, true, true, false]),
        (ANY, [true; 4]),
    ] {
        let mut world = world();
        let [contract, other] = [(); 2].map(|()| world.deploy_wat(RELAY));
        let set = world.call(alice(), contract, "allow", &policy.to_le_bytes());
        assert_eq!(set.status, Status::Success);
        let own = to(false, contract, "add", &[]);
        let own_reading = to(true, contract, "count", &[]);
        let reading = to(false, other, "ask", &to(true, contract, "count", &[]));
        let through = to(false, other, "ask", &to(false, contract, "add", &[]));
        let mut expected = 0;
        for (input, is_admitted, is_direct, adds) in [
            (own, admitted[0], true, 1),
            (own_reading, admitted[1], true, 0),
            (reading, admitted[2], false, 0),
            (through, admitted[3], false, 1),
        ] {
            let (outer, data) = relay(&mut world, contract, &input);
            let found = match is_direct {
                true => outer,
                false => i32::from_le_bytes(*data.first_chunk().unwrap()),
            };
            assert_eq!(found >= 0, is_admitted, "{policy}: {found}");
            if !is_admitted {
                assert_eq!(found, status::REENTRANT, "{policy}");
                let message = String::from_utf8_lossy(&data).into_owned();
                assert!(message.contains("which has not ended"), "{message}");
            }
            // What the inner frame wrote, the outer one reads.
            expected += 2 + if is_admitted { adds } else { 0 };
            assert_eq!(count(&world, contract), expected, "{policy}");
        }
    }
    let mut world = world();
    let contract = world.deploy_wat(RELAY);
    let unknown = world.call(alice(), contract, "allow", &8_u32.to_le_bytes());
    assert_eq!(unknown.status, Status::Trapped(Trap::SyscallRefused));
}

/// A puppet that any call may enter while it waits.
fn open_puppet(world: &mut World) -> Address {
    const OPENER: &str = r#"(module
      (import "fusee" "set_reentrancy" (func $set_reentrancy (param i32)))
      (memory 1)
      (func (export "deploy") (call $set_reentrancy (i32.const 3))))"#;
    let mut send = |action| {
        let receipt = world.send(Transaction {
            from: alice(),
            action,
            value: 0,
            gas: Gas::new(GAS),
        });
        assert_eq!(receipt.status, Status::Success, "{receipt:?}");
        receipt.deployed
    };
    let [opener, puppet] = [OPENER, PUPPET].map(wasm);
    let (first, then) = (CodeHash::of(&opener), CodeHash::of(&puppet));
    send(Action::Upload { code: opener });
    send(Action::Upload { code: puppet });
    let contract = send(Action::Create {
        code: first,
        salt: None,
        admin: Some(alice()),
        input: Vec::new(),
    });
    let contract = contract.unwrap();
    send(Action::Upgrade {
        contract,
        code: then,
        input: Vec::new(),
    });
    contract
}

/// Two frames of one contract have nested VMs of the same numbers, and each reaches its own only,
/// however the inner frame ends.
#[test]
fn nested_vms_of_a_frame_are_out_of_reach_of_another_frame_of_its_contract() {
    let mut world = World::with_rules(&ContractRules::v2().with_oracle());
    let contract = open_puppet(&mut world);
    let child = wasm(CHILD);
    let own = |text: &[u8]| {
        Script::default()
            .compile(&child, b"")
            .instantiate(0)
            .prepare(0, b"count")
            .write(0, 0, text)
    };
    for (inner, ends) in [
        (own(b"inner").destroy(0), Status::Success),
        (own(b"inner"), Status::Success),
        (own(b"inner").revert(), Status::Reverted),
        (own(b"inner").trap(), Status::Trapped(Trap::Unreachable)),
    ] {
        let outer = own(b"outer")
            .call(contract, &inner)
            .return_data(0)
            .read(0, 0);
        let receipt = world.call(alice(), contract, "script", &outer.input());
        let noted = noted(&receipt);
        assert_eq!(noted[1].decode::<_, InstantiateError>(), Ok(InstanceId(0)));
        assert_eq!(noted[6].decode::<(), MemoryError>(), Ok(()));
        assert_eq!(&noted[6].buffer[..5], b"outer");
        match ends {
            Status::Success => assert!(noted[4].result >= 0),
            Status::Reverted => assert_eq!(noted[4].result, status::REVERTED.into()),
            _ => assert_eq!(noted[4].result, status::TRAPPED.into()),
        }
    }
    // A frame that has none yet finds none.
    let read = Script::default().read(0, 0);
    let outer = own(b"outer").call(contract, &read).return_data(0);
    let receipt = world.call(alice(), contract, "script", &outer.input());
    let read = &noted(&receipt)[5].buffer;
    assert_eq!(
        notes(&[read, [0; 16].as_slice()].concat())[0].decode::<(), MemoryError>(),
        Err(MemoryError::InvalidInstance)
    );
}
