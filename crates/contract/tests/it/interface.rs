//! The border between a contract and its host: deployment, methods, and every syscall's bad input.

use fusee_abi::{SYSCALLS, Wire};
use fusee_contract::{Action, ContractRules, Rejection, Status, Transaction};
use fusee_engine::{Gas, Trap};

use crate::world::{CALLER, COUNTER, GAS, TOKEN, World, alice};

#[test]
fn deploy_runs_once_and_only_at_deployment() {
    let mut world = World::new();
    let token = world.deploy(TOKEN, &7_u64.to_le_bytes());
    let receipt = world.call(alice(), token, "deploy", &9_u64.to_le_bytes());
    assert_eq!(receipt.status, Status::Rejected(Rejection::UnknownMethod));
    assert_eq!(
        world.query(token, "total_supply", &[]).output,
        7_u64.to_le_bytes()
    );
}

#[test]
fn a_failed_deployment_leaves_nothing_but_the_nonce() {
    let mut world = World::new();
    let before = world.state.iter().count();
    let action = Action::Deploy {
        code: TOKEN.to_vec(),
        input: vec![1, 2, 3],
    };
    let receipt = world.send(Transaction {
        from: alice(),
        action,
        value: 5,
        gas: Gas::new(GAS),
    });
    assert_eq!((receipt.status, receipt.deployed), (Status::Reverted, None));
    // A nonce of 0 is not stored.
    assert_eq!(world.state.iter().count(), before + 1);
    assert_eq!(world.account(alice()).nonce, 1);
}

#[test]
fn the_same_code_can_be_deployed_again_elsewhere() {
    let mut world = World::new();
    let first = world.deploy(COUNTER, &[]);
    let second = world.deploy(COUNTER, &[]);
    assert_ne!(first, second);
    world.call(alice(), first, "increment", &[]);
    assert_eq!(
        world.query(second, "value", &[]).output,
        0_u64.to_le_bytes()
    );
}

#[test]
fn refused_code_is_rejected() {
    let mut world = World::new();
    for code in [b"not wasm".to_vec(), TOKEN[..1_000].to_vec(), Vec::new()] {
        let action = Action::Deploy {
            code,
            input: Vec::new(),
        };
        let receipt = world.send(Transaction {
            from: alice(),
            action,
            value: 0,
            gas: Gas::new(GAS),
        });
        assert_eq!(receipt.status, Status::Rejected(Rejection::RefusedCode));
    }
}

#[test]
fn methods_are_functions_without_parameters() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let methods = world.methods(caller).unwrap();
    assert!(
        methods.contains(&"forward".to_owned()) && !methods.contains(&"deploy".to_owned()),
        "{methods:?}"
    );
    assert_eq!(world.methods(alice()), None);
    let odd = world.deploy_wat(
        r#"(module (func (export "f") (param i32)) (func (export "_start")) (func (export "g")))"#,
    );
    assert_eq!(world.methods(odd), Some(vec!["g".to_owned()]));
    for name in ["f", "_start", "memory", "\u{0}"] {
        assert_eq!(
            world.call(alice(), odd, name, &[]).status,
            Status::Rejected(Rejection::UnknownMethod)
        );
    }
}

/// Each syscall by itself, with every pointer outside the memory, and with every length too large.
#[test]
fn no_syscall_reads_or_writes_outside_the_memory() {
    let mut world = World::with_rules(&ContractRules::latest().with_oracle());
    world.block.chain_id = "longer than what is left".into();
    for syscall in SYSCALLS
        .iter()
        .filter(|syscall| syscall.params.len() > 1 || syscall.name == "caller")
    {
        let params = syscall.params.iter().map(|param| match param.wire {
            Some(Wire::I64) => "i64",
            _ => "i32",
        });
        let params: Vec<_> = params.collect();
        let result = if syscall.result.is_some() {
            "(result i32)"
        } else {
            ""
        };
        let drop = if syscall.result.is_some() { "drop" } else { "" };
        let outside = "(i32.const 65530)".to_owned();
        let args: Vec<String> = syscall
            .params
            .iter()
            .map(|param| match (param.wire, param.rust_type) {
                (Some(Wire::I64), _) => "(i64.const 16)".to_owned(),
                (_, "Len") => "(i32.const 16)".to_owned(),
                _ => outside.clone(),
            })
            .collect();
        let contract = world.deploy_wat(&format!(
            r#"(module (import "fusee" "{name}" (func $f (param {params}) {result})) (memory (export "memory") 1)
              (func (export "go") (call $f {args}) {drop}))"#,
            name = syscall.name,
            params = params.join(" "),
            args = args.join(" "),
        ));
        let receipt = world.call(alice(), contract, "go", &[]);
        // What these copy is empty or of the host's making: nothing is outside until there is some.
        if matches!(syscall.name, "input_read" | "return_data_read") {
            assert_eq!(receipt.status, Status::Success, "{}", syscall.name);
            continue;
        }
        assert_eq!(
            receipt.status,
            Status::Trapped(Trap::MemoryOutOfBounds),
            "{}",
            syscall.name
        );
        assert!(
            receipt.gas_used < receipt.gas_limit,
            "{}: gas is known at a syscall",
            syscall.name
        );
    }
}

#[test]
fn input_is_written_inside_the_memory_only() {
    let mut world = World::new();
    let contract = world.deploy_wat(
        r#"(module (import "fusee" "input_read" (func $f (param i32 i32) (result i32))) (memory (export "memory") 1)
          (func (export "go") (drop (call $f (i32.const 65530) (i32.const 16)))))"#,
    );
    assert_eq!(
        world.call(alice(), contract, "go", &[7; 6]).status,
        Status::Success
    );
    assert_eq!(
        world.call(alice(), contract, "go", &[7; 7]).status,
        Status::Trapped(Trap::MemoryOutOfBounds)
    );
}

#[test]
fn gas_left_is_what_the_receipt_says() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let receipt = world.call(alice(), caller, "gas", &[]);
    let left = u64::from_le_bytes(receipt.output.try_into().unwrap());
    let after = receipt.gas_limit.units() - receipt.gas_used.units();
    assert!(
        after < left && left - after < 1_000,
        "{left} in the middle, {after} in the end"
    );
}

/// Stores and reads a value under the key of no bytes: the input is the value's length and the
/// capacity of the buffer (`u32` each).
const READS: &str = r#"(module
  (import "fusee" "input_read" (func $input_read (param i32 i32) (result i32)))
  (import "fusee" "output_write" (func $output_write (param i32 i32)))
  (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
  (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_remove" (func $remove (param i32 i32) (result i32)))
  (memory (export "memory") 5)
  (func $input (drop (call $input_read (i32.const 0) (i32.const 8))))
  (func (export "store") (call $input)
    (call $write (i32.const 0) (i32.const 0) (i32.const 65536) (i32.load (i32.const 0))))
  (func (export "load") (call $input)
    (i32.store (i32.const 16) (call $read (i32.const 0) (i32.const 0) (i32.const 65536) (i32.load (i32.const 4))))
    (call $output_write (i32.const 16) (i32.const 4)))
  (func (export "loads") (call $input)
    (loop $again
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 65536) (i32.load (i32.const 4))))
      (br $again)))
  (func (export "remove") (drop (call $remove (i32.const 0) (i32.const 0)))))"#;

#[test]
fn a_stored_value_is_paid_by_its_length_and_not_by_the_buffer() {
    let mut world = World::new();
    let contract = world.deploy_wat(READS);
    let rules = ContractRules::v1();
    let price = *rules
        .program
        .prices()
        .price(fusee_abi::STORAGE_READ)
        .unwrap();
    let most = rules.limits.value_bytes;
    let mut used = Vec::new();
    for length in [0, 1_000, most] {
        let input = |capacity: u32| [length.to_le_bytes(), capacity.to_le_bytes()].concat();
        world.call(alice(), contract, "store", &input(0));
        let loads = [0, 1, length, most, u32::MAX].map(|capacity| {
            let receipt = world.call(alice(), contract, "load", &input(capacity));
            assert_eq!(receipt.output, length.to_le_bytes(), "{capacity}");
            receipt.gas_used.units()
        });
        assert_eq!(loads, [loads[0]; 5], "{length} bytes");
        used.push((length, loads[0]));
        // Out of gas, and no value was charged twice: a read of each, and the rest.
        let gas = loads[0] * 2;
        let receipt = world.call_with(alice(), contract, "loads", &input(0), 0, gas);
        assert_eq!(
            (receipt.status, receipt.gas_used.units()),
            (Status::OutOfGas, gas)
        );
    }
    let (_, least) = used[0];
    for (length, used) in used {
        let bytes = price.length(length.into()).units();
        assert_eq!(used - least, bytes, "{length} bytes");
    }
}
