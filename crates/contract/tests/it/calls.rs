//! Calls among contracts: what fails is undone, gas is kept, and depth costs no native stack.

use fusee_abi::status;
use fusee_contract::{Address, ContractRules, Rejection, Status};
use fusee_engine::{Gas, Trap};
use fusee_executor::FrameLimits;

use crate::world::{CALLER, COUNTER, FUNDS, GAS, World, alice, args, bob, counted};

pub(crate) const ONE: [u8; 8] = 1_u64.to_le_bytes();

pub(crate) fn target(address: Address, method: &str, input: &[u8]) -> Vec<u8> {
    args(&[
        address.as_bytes(),
        &counted(method.as_bytes()),
        &counted(input),
    ])
}

pub(crate) fn chain(addresses: &[Address]) -> Vec<u8> {
    let count = u32::try_from(addresses.len()).unwrap().to_le_bytes();
    addresses.iter().fold(count.to_vec(), |bytes, address| {
        args(&[&bytes, address.as_bytes()])
    })
}

/// Calls `method` through `try_and_write`, and gives the status that the caller saw.
pub(crate) fn caller_sees(
    world: &mut World,
    caller: Address,
    callee: Address,
    method: &str,
) -> i32 {
    let receipt = world.call(
        alice(),
        caller,
        "try_and_write",
        &target(callee, method, &[]),
    );
    assert_eq!(receipt.status, Status::Success, "{receipt:?}");
    i32::from_le_bytes(receipt.output.try_into().unwrap())
}

#[test]
fn revert_in_callee_keeps_caller_writes() {
    for (method, expected) in [
        ("write_then_revert", status::REVERTED),
        ("write_then_trap", status::TRAPPED),
        ("write_then_loop", status::OUT_OF_GAS),
        ("no_such_method", status::UNKNOWN_CALLEE),
    ] {
        let mut world = World::new();
        let caller = world.deploy(CALLER, &[]);
        let callee = world.deploy(CALLER, &[]);
        assert_eq!(
            caller_sees(&mut world, caller, callee, method),
            expected,
            "{method}"
        );
        assert_eq!(
            world.stored(caller, b"before"),
            Some(ONE.to_vec()),
            "{method}"
        );
        assert_eq!(world.stored(callee, b"before"), None, "{method}");
    }
}

#[test]
fn gas_of_a_failed_callee_is_kept() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let callee = world.deploy(CALLER, &[]);
    let used = |world: &mut World, method| {
        world
            .call(
                alice(),
                caller,
                "try_and_write",
                &target(callee, method, &[]),
            )
            .gas_used
            .units()
    };
    assert!(
        used(&mut world, "write_then_loop") > GAS / 64 * 62,
        "an endless callee uses what it is given"
    );
    let reverted = used(&mut world, "write_then_revert");
    let unknown = used(&mut world, "no_such_method");
    assert!(
        reverted > unknown,
        "the callee's work is paid for: {reverted} against {unknown}"
    );
}

#[test]
fn forward_returns_what_the_callee_returned() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let counter = world.deploy(COUNTER, &[]);
    let receipt = world.call(
        alice(),
        caller,
        "forward",
        &target(counter, "increment", &[]),
    );
    assert_eq!(receipt.output, args(&[&8_i32.to_le_bytes(), &ONE]));
    assert_eq!(receipt.events.len(), 1);
    assert_eq!(receipt.events[0].address, counter);
    let receipt = world.call(alice(), caller, "forward", &target(counter, "add", &[1, 2]));
    assert_eq!(
        receipt.output,
        args(&[&status::REVERTED.to_le_bytes(), b"add takes eight bytes"])
    );
    assert_eq!(world.query(counter, "value", &[]).output, ONE);
}

#[test]
fn a_chain_of_calls_takes_no_native_stack() {
    let mut world = World::new();
    let contracts: Vec<Address> = (0..65).map(|_| world.deploy(CALLER, &[])).collect();
    let (first, rest) = contracts.split_first().unwrap();
    // 64 nested calls of frames on 256 KiB of native stack.
    std::thread::scope(|scope| {
        let run = || {
            let receipt = world.call_with(alice(), *first, "nest", &chain(rest), 0, 1_000_000_000);
            assert_eq!(receipt.status, Status::Success);
            assert_eq!(receipt.output, 65_u32.to_le_bytes());
            assert_eq!(receipt.events.len(), 65);
        };
        std::thread::Builder::new()
            .stack_size(256 << 10)
            .spawn_scoped(scope, run)
            .unwrap()
            .join()
            .unwrap();
    });
    for contract in &contracts {
        assert_eq!(world.stored(*contract, b"seen"), Some(ONE.to_vec()));
    }
}

#[test]
fn the_call_stack_has_limits() {
    let page = 1 << 16;
    for (limits, levels) in [
        (
            FrameLimits {
                depth: 2,
                memory_bytes: 100 * page,
            },
            3,
        ),
        (
            FrameLimits {
                depth: 100,
                memory_bytes: 3 * page,
            },
            4,
        ),
    ] {
        let mut world = World::with_rules(&ContractRules {
            frames: limits,
            ..ContractRules::v1()
        });
        let contracts: Vec<Address> = (0..6).map(|_| world.deploy(CALLER, &[])).collect();
        // A level whose call is refused says that it is the last.
        let receipt = world.call(alice(), contracts[0], "nest", &chain(&contracts[1..]));
        assert_eq!(receipt.status, Status::Success, "{limits:?}");
        assert_eq!(receipt.output, u32::to_le_bytes(levels), "{limits:?}");
        let reached = contracts
            .iter()
            .filter(|contract| world.stored(**contract, b"seen").is_some())
            .count();
        assert_eq!(u32::try_from(reached), Ok(levels), "{limits:?}");
    }
}

#[test]
fn reentrancy_is_refused_and_both_frames_are_named() {
    let mut world = World::new();
    let first = world.deploy(CALLER, &[]);
    let second = world.deploy(CALLER, &[]);
    let back = target(first, "gas", &[]);
    let inner = target(second, "forward", &back);
    let receipt = world.call(alice(), first, "forward", &inner);
    assert_eq!(receipt.status, Status::Success);
    // The outer forward succeeded; in its output are the status and the message that the inner one
    // got.
    let (outer, rest) = receipt.output.split_at(4);
    assert_eq!(
        i32::from_le_bytes(outer.try_into().unwrap()),
        i32::try_from(rest.len()).unwrap()
    );
    let (inner, message) = rest.split_at(4);
    assert_eq!(inner, status::REENTRANT.to_le_bytes());
    let message = String::from_utf8(message.to_vec()).unwrap();
    let expected =
        format!("frame 2 ({first}.gas) calls into frame 0 ({first}.forward), which has not ended");
    assert_eq!(message, expected);
}

#[test]
fn value_goes_along_and_comes_back() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let receipt = world.call_with(bob(), caller, "who", &[], 500, GAS);
    let expected = args(&[
        bob().as_bytes(),
        caller.as_bytes(),
        &500_u128.to_le_bytes(),
        &500_u128.to_le_bytes(),
    ]);
    assert_eq!(receipt.output, expected);
    let send = |world: &mut World, units: u128| {
        let input = args(&[alice().as_bytes(), &units.to_le_bytes()]);
        i32::from_le_bytes(
            world
                .call(bob(), caller, "send", &input)
                .output
                .try_into()
                .unwrap(),
        )
    };
    assert_eq!(send(&mut world, 501), status::INSUFFICIENT_BALANCE);
    assert_eq!(send(&mut world, 200), 0);
    assert_eq!(world.account(caller).balance, 300);
    assert_eq!(world.account(alice()).balance, FUNDS + 200);
    assert_eq!(world.account(bob()).balance, FUNDS - 500);

    let receipt = world.call_with(bob(), caller, "write_then_revert", &[], 100, GAS);
    assert_eq!(receipt.status, Status::Reverted);
    assert_eq!(
        world.account(bob()).balance,
        FUNDS - 500,
        "the value of a failed call comes back"
    );
}

#[test]
fn plain_transfers_need_no_contract() {
    let mut world = World::new();
    assert_eq!(
        world.call_with(alice(), bob(), "", &[], 10, GAS).status,
        Status::Success
    );
    assert_eq!(world.account(bob()).balance, FUNDS + 10);
    assert_eq!(
        world.call_with(alice(), alice(), "", &[], 10, GAS).status,
        Status::Success
    );
    assert_eq!(world.account(alice()).balance, FUNDS - 10);
    let receipt = world.call(alice(), bob(), "anything", &[]);
    assert_eq!(receipt.status, Status::Rejected(Rejection::UnknownAddress));
}

#[test]
fn a_read_only_call_reaches_no_write_through_others() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let counter = world.deploy(COUNTER, &[]);
    let receipt = world.query(caller, "forward", &target(counter, "increment", &[]));
    assert_eq!(receipt.output, status::TRAPPED.to_le_bytes());
    let receipt = world.query(caller, "forward", &target(counter, "value", &[]));
    assert_eq!(
        receipt.output,
        args(&[&8_i32.to_le_bytes(), &0_u64.to_le_bytes()])
    );
    let receipt = world.query(
        caller,
        "send",
        &args(&[bob().as_bytes(), &1_u128.to_le_bytes()]),
    );
    assert_eq!(receipt.status, Status::Trapped(Trap::SyscallRefused));
}

#[test]
fn events_of_a_failed_frame_are_undone() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let callee = world.deploy_wat(
        r#"(module (import "fusee" "event_emit" (func $emit (param i32 i32 i32 i32))) (memory (export "memory") 1)
          (func $tell (call $emit (i32.const 0) (i32.const 4) (i32.const 8) (i32.const 4)))
          (func (export "tell") call $tell) (func (export "tell_and_trap") call $tell unreachable))"#,
    );
    let mut events = |method: &str| {
        let receipt = world.call(alice(), caller, "forward", &target(callee, method, &[]));
        assert_eq!(receipt.status, Status::Success);
        receipt.events.len()
    };
    assert_eq!((events("tell"), events("tell_and_trap")), (1, 0));
    assert_eq!(world.call(alice(), callee, "tell_and_trap", &[]).events, []);
}

#[test]
fn a_caller_pays_for_the_memory_that_waits() {
    // Each calls itself, which is refused: what is left to differ is the memory.
    let caller = |pages: u32| {
        format!(
            r#"(module
                (import "fusee" "self_address" (func $self_address (param i32)))
                (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
                (memory (export "memory") 1 40)
                (data (i32.const 64) "\ff\ff\ff\ff\ff\ff\ff\7f")
                (data (i32.const 128) "other")
                (func (export "other"))
                (func (export "run")
                    (drop (memory.grow (i32.const {pages})))
                    (call $self_address (i32.const 0))
                    (drop (call $call (i32.const 0) (i32.const 128) (i32.const 5)
                        (i32.const 0) (i32.const 0) (i32.const 64)))))"#
        )
    };
    let free = {
        let mut rules = ContractRules::v1();
        rules.prices.held_page = Gas::ZERO;
        rules
    };
    for pages in [0, 1, 31] {
        let used = |rules: &ContractRules| {
            let mut world = World::with_rules(rules);
            let address = world.deploy_wat(&caller(pages));
            let receipt = world.call(alice(), address, "run", &[]);
            assert_eq!(receipt.status, Status::Success);
            receipt.gas_used.units()
        };
        let held = u64::from(pages) + 1;
        assert_eq!(
            used(&ContractRules::v1()) - used(&free),
            500 * held,
            "{held} pages"
        );
    }
}

/// Passes as many bytes as its input says (`u32`) to a syscall. They begin at 65,536, after an
/// address and a method name.
const LONG: &str = r#"(module
  (import "fusee" "input_read" (func $input_read (param i32 i32) (result i32)))
  (import "fusee" "output_write" (func $output_write (param i32 i32)))
  (import "fusee" "revert" (func $revert (param i32 i32)))
  (import "fusee" "storage_read" (func $storage_read (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_write" (func $storage_write (param i32 i32 i32 i32)))
  (import "fusee" "storage_remove" (func $storage_remove (param i32 i32) (result i32)))
  (import "fusee" "event_emit" (func $event_emit (param i32 i32 i32 i32)))
  (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "restrict_imports" (func $restrict_imports (param i32 i32)))
  (memory (export "memory") 32)
  (data (i32.const 96) "\ff\ff\ff\ff\ff\ff\ff\ff")
  (func $length (result i32) (drop (call $input_read (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))
  (func (export "output") (call $output_write (i32.const 65536) (call $length)))
  (func (export "message") (call $revert (i32.const 65536) (call $length)))
  (func (export "read") (drop (call $storage_read (i32.const 65536) (call $length) (i32.const 0) (i32.const 0))))
  (func (export "remove") (drop (call $storage_remove (i32.const 65536) (call $length))))
  (func (export "key") (call $storage_write (i32.const 65536) (call $length) (i32.const 0) (i32.const 0)))
  (func (export "value") (call $storage_write (i32.const 0) (i32.const 4) (i32.const 65536) (call $length)))
  (func (export "topic") (call $event_emit (i32.const 65536) (call $length) (i32.const 0) (i32.const 0)))
  (func (export "data") (call $event_emit (i32.const 0) (i32.const 0) (i32.const 65536) (call $length)))
  (func (export "method") (drop (call $call (i32.const 32) (i32.const 65536) (call $length) (i32.const 0) (i32.const 0) (i32.const 96))))
  (func (export "input") (drop (call $call (i32.const 32) (i32.const 8) (i32.const 1) (i32.const 65536) (call $length) (i32.const 96))))
  (func (export "imports") (call $restrict_imports (i32.const 65536) (call $length))))"#;

#[test]
fn data_beyond_a_limit_is_a_trap_of_its_own() {
    let mut world = World::with_rules(&ContractRules::v1());
    let contract = world.deploy_wat(LONG);
    let limits = ContractRules::v1().limits;
    let mut check = |method: &str, length: u32, status: Option<Status>| {
        let input = length.to_le_bytes();
        let called = world.call(alice(), contract, method, &input);
        let queried = world.query(contract, method, &input);
        let trapped = Status::Trapped(Trap::DataLimit);
        let expected = status.unwrap_or(trapped);
        assert_eq!(called.status, expected, "{method} of {length} bytes");
        // In a query, a limit is a limit too, and a write is still a write.
        let is_write = ["remove", "key", "value", "topic", "data"].contains(&method);
        let expected = match status {
            _ if is_write => Status::Trapped(Trap::SyscallRefused),
            status => status.unwrap_or(trapped),
        };
        assert_eq!(queried.status, expected, "{method} of {length} bytes");
    };
    for (method, limit, fits) in [
        ("output", limits.data_bytes, Status::Success),
        ("message", limits.data_bytes, Status::Reverted),
        ("read", limits.key_bytes, Status::Success),
        ("remove", limits.key_bytes, Status::Success),
        ("key", limits.key_bytes, Status::Success),
        ("value", limits.value_bytes, Status::Success),
        ("topic", limits.topic_bytes, Status::Success),
        ("data", limits.data_bytes, Status::Success),
        ("method", limits.method_bytes, Status::Success),
        ("input", limits.data_bytes, Status::Success),
        ("imports", limits.value_bytes, Status::Success),
    ] {
        check(method, limit, Some(fits));
        for length in [limit + 1, 2 * limit, u32::MAX] {
            check(method, length, None);
        }
    }
}

#[test]
fn a_callee_that_echoes_too_much_traps_with_the_limit() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let callee = world.deploy_wat(
        r#"(module (import "fusee" "output_write" (func $write (param i32 i32))) (memory (export "memory") 32)
          (func (export "echo") (call $write (i32.const 0) (i32.const 1048577))))"#,
    );
    let forwards = target(callee, "echo", &[]);
    let trapped = status::TRAPPED.to_le_bytes();
    assert_eq!(world.query(caller, "forward", &forwards).output, trapped);
    let called = world.call(alice(), caller, "forward", &forwards);
    assert_eq!(called.output, trapped);
    let status = world.query(callee, "echo", &[]).status;
    assert_eq!(status, Status::Trapped(Trap::DataLimit));
}
