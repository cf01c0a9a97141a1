//! Contracts that run programs as their children: what they pay, what they share, and what is left when they end.

use std::collections::BTreeSet;

use fusee_abi::{
    Answer, Wire, status,
    virtualization::{
        functions::{self, FUNCTIONS},
        wire::{
            CompileStatus, CompiledModule, ExecError, ExecStatus, InstanceId, InstantiateError,
            MemoryError, ModuleError, ModuleId,
        },
    },
};
use fusee_contract::{
    Action, Address, ContractChildren, ContractError, ContractRules, Receipt, Status, Transaction,
};
use fusee_engine::{EngineError, Gas, Interrupt, Trap};
use fusee_executor::RunError;
use fusee_virtualization::{ChildRules, Symbols};

use crate::{
    puppet::{Noted, PUPPET, Script, noted},
    world::{GAS, World, alice},
};

/// Counts to ten in its memory, with its parent's help, and does what else a child may do.
pub(crate) const CHILD: &str = r#"(module
  (import "any" "increment" (func $increment (param i64) (result i64)))
  (memory 1)
  (func (export "count") (param i64)
    (i64.store (i32.const 0) (call $increment (local.get 0)))
    (i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (i64.const 1))))
  (func (export "endless") (loop $again (br $again)))
  (func (export "spin") (param i64)
    (loop $again
      (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
      (br_if $again (i64.ne (local.get 0) (i64.const 0)))))
  (func (export "panic") unreachable))"#;

/// Makes a child of the program whose range is a0: itself, mostly. Hands on what that asks, one more in the first argument.
const DIVER: &str = r#"(module
  (import "any" "up" (func $up (param i64 i64) (result i64)))
  (import "env" "ext_virtualization_compile_from_bytes_version_1" (func $compile (param i64 i64) (result i64)))
  (import "env" "ext_virtualization_instantiate_version_1" (func $instantiate (param i32) (result i64)))
  (import "env" "ext_virtualization_prepare_version_1" (func $prepare (param i32 i64) (result i64)))
  (import "env" "ext_virtualization_run_version_1" (func $run (param i32 i64 i64 i32) (result i64)))
  (import "env" "ext_virtualization_write_memory_version_1" (func $write (param i32 i32 i64) (result i64)))
  (memory 2)
  (data (i32.const 16) "dive")
  (func (export "dive") (param $a0 i64) (local $module i64) (local $child i32) (local $status i64)
    (local.set $module (call $compile (local.get $a0) (i64.const 0)))
    (if (i64.lt_s (local.get $module) (i64.const 0))
      (then (i64.store (i32.const 8) (call $up (i64.const 0) (local.get $module))) (return)))
    (local.set $child (i32.wrap_i64 (call $instantiate (i32.wrap_i64 (local.get $module)))))
    (if (i64.ne (call $prepare (local.get $child) (i64.const 0x4_0000_0010)) (i64.const 0)) (then unreachable))
    (if (i64.ne (call $write (local.get $child) (i32.wrap_i64 (local.get $a0)) (local.get $a0)) (i64.const 0)) (then unreachable))
    (loop $again
      (local.set $status (call $run (local.get $child) (i64.const 0x7fff_ffff_ffff_ffff) (local.get $a0) (i32.const 64)))
      (if (i64.eq (local.get $status) (i64.const 1)) (then
        (local.set $a0 (call $up (i64.add (i64.load (i32.const 112)) (i64.const 1)) (i64.load (i32.const 120))))
        (br $again))))
    (i64.store (i32.const 8) (local.get $status))
    (i64.store (i32.const 0) (local.get $a0))))"#;

pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

pub(crate) fn world() -> World {
    World::with_rules(&ContractRules::latest())
}

/// Rules with other children.
fn rules(change: impl FnOnce(&mut ContractChildren)) -> ContractRules {
    let mut rules = ContractRules::latest();
    change(rules.children.as_mut().unwrap());
    rules
}

fn play(world: &mut World, puppet: Address, script: &Script) -> Receipt {
    world.call(alice(), puppet, "script", &script.input())
}

fn play_noted(world: &mut World, puppet: Address, script: &Script) -> Vec<Noted> {
    noted(&play(world, puppet, script))
}

fn compiled(id: u32, status: CompileStatus) -> Result<CompiledModule, ModuleError> {
    Ok(CompiledModule {
        id: ModuleId(id),
        status,
    })
}

/// One child that is ready to run a function.
fn ready(function: &[u8]) -> Script {
    Script::default()
        .compile(&wasm(CHILD), b"")
        .instantiate(0)
        .prepare(0, function)
}

#[test]
fn a_contract_runs_a_child_and_answers_it() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let script = ready(b"count")
        .run(0, 1_000_000, 5)
        .run(0, 1_000_000, 6)
        .prepare(0, b"count")
        .read(0, 0)
        .destroy(0)
        .read(0, 0);
    let noted = play_noted(&mut world, puppet, &script);
    assert_eq!(noted[0].decode(), compiled(0, CompileStatus::Compiled));
    assert_eq!(noted[1].decode::<_, InstantiateError>(), Ok(InstanceId(0)));
    assert_eq!(noted[2].decode::<(), ExecError>(), Ok(()));
    assert_eq!(noted[3].decode::<_, ExecError>(), Ok(ExecStatus::Syscall));
    let asked = noted[3].exec();
    assert_eq!(asked.symbol.as_bytes(), b"increment");
    assert_eq!(asked.args, [5, 0, 0, 0, 0, 0]);
    assert_eq!(noted[4].decode::<_, ExecError>(), Ok(ExecStatus::Finished));
    assert_eq!(noted[6].decode::<(), MemoryError>(), Ok(()));
    assert_eq!(
        noted[6].buffer[..16],
        [6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    );
    assert_eq!(
        noted[8].decode::<(), MemoryError>(),
        Err(MemoryError::InvalidInstance)
    );
    assert_eq!(world.parked_runs(), 0);
}

#[test]
fn a_child_uses_its_owners_gas_to_the_unit() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let used = |world: &mut World, rounds: i64, gas: i64| {
        let noted = play_noted(world, puppet, &ready(b"spin").run(0, gas, rounds));
        assert_eq!(noted[3].decode::<_, ExecError>(), Ok(ExecStatus::Finished));
        let child = gas - noted[3].exec().gas_left;
        (child, noted[2].gas_left - noted[3].gas_left)
    };
    let (child, owner) = used(&mut world, 1_000, 1_000_000);
    let (more, owner_more) = used(&mut world, 3_000, 1_000_000);
    assert!(child > 1_000 && more > child);
    assert_eq!(
        i64::try_from(owner_more - owner).unwrap(),
        more - child,
        "what the child uses, and nothing else, is the difference"
    );
    // However much it is given, and more than there is.
    assert_eq!(used(&mut world, 1_000, 50_000), (child, owner));
    assert_eq!(used(&mut world, 1_000, i64::MAX), (child, owner));
}

#[test]
fn bytes_are_paid_for_one_by_one() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    // Somewhere in the puppet's memory, and in the child's.
    let range = |bytes: i64| bytes << 32 | 0x8_0000;
    for (function, op, args) in [
        (functions::COMPILE, 0, [-1, 0, 0, 0]),
        (functions::COMPILE, 0, [range(8), -1, 0, 0]),
        (functions::LOOKUP, 1, [-1, 0, 0, 0]),
        (functions::COMPILE_KEY, 2, [-1, 0, 0, 0]),
        (functions::COMPILE_KEY, 2, [0, -1, 0, 0]),
        (functions::PREPARE, 4, [0, -1, 0, 0]),
        (functions::READ_MEMORY, 7, [0, 0, -1, 0]),
        (functions::WRITE_MEMORY, 8, [0, 0, -1, 0]),
        // Wrong as it is, it was looked at.
        (functions::READ_MEMORY, 7, [9, 0, -1, 0]),
        (functions::WRITE_MEMORY, 8, [9, 0, -1, 0]),
    ] {
        let named = |bytes: i64| args.map(|arg| if arg == -1 { range(bytes) } else { arg });
        let script = ready(b"count").raw(op, named(10)).raw(op, named(1_010));
        let noted = play_noted(&mut world, puppet, &script);
        let used = |at: usize| noted[at - 1].gas_left - noted[at].gas_left;
        assert_eq!(noted[3].result, noted[4].result, "{function} {args:?}");
        let byte = functions::row(function).unwrap().price.byte;
        assert_eq!(used(4) - used(3), 1_000 * byte, "{function} {args:?}");
    }
}

#[test]
fn an_endless_child_ends_and_its_owner_goes_on() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let given = 100_000;
    let script = ready(b"endless")
        .run(0, given, 0)
        .prepare(0, b"endless")
        .run(0, i64::MAX, 0)
        .run(0, 1, 0);
    let noted = play_noted(&mut world, puppet, &script);
    assert_eq!(noted[3].decode::<ExecStatus, _>(), Err(ExecError::OutOfGas));
    assert!(noted[3].is_untouched());
    let used = noted[2].gas_left - noted[3].gas_left;
    assert!(
        (given.unsigned_abs()..given.unsigned_abs() + 5_000).contains(&used),
        "{used}"
    );
    // It cannot have all: a 64th stays.
    assert_eq!(noted[5].decode::<ExecStatus, _>(), Err(ExecError::OutOfGas));
    let [before, after] = [noted[4].gas_left, noted[5].gas_left];
    assert!(
        (before / 66..before / 63).contains(&after),
        "{before} {after}"
    );
    assert_eq!(
        noted[6].decode::<ExecStatus, _>(),
        Err(ExecError::InvalidInstance)
    );
}

#[test]
fn less_than_no_gas_and_a_panic_are_answers() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let script = ready(b"panic")
        .run(0, -1, 0)
        .prepare(0, b"panic")
        .run(0, i64::MIN, 0)
        .prepare(0, b"panic")
        .run(0, 1_000_000, 0)
        .prepare(0, b"panic")
        .prepare(0, b"panic")
        .prepare(7, b"panic")
        .run(7, 1, 0)
        .destroy(7);
    let noted = play_noted(&mut world, puppet, &script);
    assert_eq!(noted[3].decode::<ExecStatus, _>(), Err(ExecError::OutOfGas));
    assert_eq!(noted[5].decode::<ExecStatus, _>(), Err(ExecError::OutOfGas));
    assert_eq!(noted[7].decode::<ExecStatus, _>(), Err(ExecError::Trap));
    assert_eq!(noted[8].result, 0);
    for note in &noted[9..] {
        assert_eq!(note.result, -1, "invalid instance");
    }
}

#[test]
fn making_an_instance_is_paid_for_where_it_is_prepared() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let large =
        wasm(r#"(module (memory 100) (func (export "f")) (func (export "trap") unreachable))"#);
    let script = Script::default()
        .compile(&large, b"")
        .instantiate(0)
        .prepare(0, b"f")
        .run(0, 10, 0)
        .prepare(0, b"trap")
        .run(0, 10, 0)
        .prepare(0, b"f")
        .prepare(0, b"f");
    let noted = play_noted(&mut world, puppet, &script);
    let used = |at: usize| noted[at - 1].gas_left - noted[at].gas_left;
    assert!(used(2) > 1_000_000, "a hundred pages: {}", used(2));
    assert_eq!(noted[3].decode::<_, ExecError>(), Ok(ExecStatus::Finished));
    assert!(used(4) < 10_000, "it is there already: {}", used(4));
    // A trap leaves nothing, and it is made once more.
    assert_eq!(noted[5].decode::<ExecStatus, _>(), Err(ExecError::Trap));
    assert_eq!(used(6), used(2));
    assert!(
        used(7) < 10_000,
        "what is refused is not paid for: {}",
        used(7)
    );

    // Who cannot pay for it does not get it.
    let input = script.input();
    let gas = GAS - noted[1].gas_left + 500_000;
    let receipt = world.call_with(alice(), puppet, "script", &input, 0, gas);
    assert_eq!(receipt.status, Status::OutOfGas);
}

#[test]
fn cached_or_compiled_costs_the_same() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let child = wasm(CHILD);
    let script = Script::default()
        .store(b"code", &child)
        .store(b"spacecode", &wasm("(module)"))
        .compile(&child, b"name")
        .compile(&child, b"name")
        .lookup(b"name")
        .lookup(b"other")
        .compile_key(b"code", b"")
        .compile_key(b"code", b"")
        .compile_key(b"code", b"space")
        .compile_key(b"code", b"elsewhere")
        .compile(&child, b"code");
    let noted = play_noted(&mut world, puppet, &script);
    let used = |at: usize| noted[at - 1].gas_left - noted[at].gas_left;
    assert_eq!(noted[2].decode(), compiled(0, CompileStatus::Compiled));
    assert_eq!(noted[3].decode(), compiled(1, CompileStatus::Cached));
    assert_eq!(used(2), used(3));
    assert!(used(2) > 50 * u64::try_from(child.len()).unwrap());
    assert_eq!(noted[4].decode::<_, ModuleError>(), Ok(ModuleId(2)));
    assert_eq!(
        noted[5].decode::<ModuleId, _>(),
        Err(ModuleError::NotCached)
    );
    assert_eq!(noted[6].decode(), compiled(3, CompileStatus::Compiled));
    assert_eq!(noted[7].decode(), compiled(4, CompileStatus::Cached));
    assert_eq!(used(6), used(7));
    // A child state is a part of the contract's storage.
    assert_eq!(noted[8].decode(), compiled(5, CompileStatus::Compiled));
    assert!(used(8) < used(7), "it is a smaller program");
    assert_eq!(
        noted[9].decode::<CompiledModule, _>(),
        Err(ModuleError::NotFound)
    );
    // A key of the contract's own storage is an identifier.
    assert_eq!(noted[10].decode(), compiled(6, CompileStatus::Cached));

    // Whether this machine compiled it before, in another transaction, is not told and changes nothing.
    assert_eq!(play_noted(&mut world, puppet, &script), noted);
}

#[test]
fn code_that_is_not_paid_for_is_not_compiled() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let script = Script::default()
        .store(b"code", &vec![0; 100_000])
        .compile_key(b"code", b"");
    let noted = play_noted(&mut world, puppet, &script);
    assert_eq!(
        noted[1].decode::<CompiledModule, _>(),
        Err(ModuleError::InvalidImage)
    );
    let used = noted[0].gas_left - noted[1].gas_left;
    assert!(used > 5_000_000, "what is refused is paid for: {used}");
    let gas = GAS - noted[0].gas_left + 4_000_000;
    let receipt = world.call_with(alice(), puppet, "script", &script.input(), 0, gas);
    assert_eq!(receipt.status, Status::OutOfGas);
}

#[test]
fn code_that_cannot_be_paid_for_is_not_looked_at() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let large = wasm(&format!(
        r#"(module (memory 1) (data "{}"))"#,
        "x".repeat(100_000)
    ));
    let stores = Script::default().store(b"code", &large);
    play_noted(&mut world, puppet, &stores);
    let cached = world.cached_bytes();
    let compiles = Script::default().compile_key(b"code", b"");
    let input = compiles.input();
    let too_little = world.call_with(alice(), puppet, "script", &input, 0, 4_000_000);
    assert_eq!(too_little.status, Status::OutOfGas);
    assert_eq!(world.cached_bytes(), cached, "nothing was made of it");
    let enough = world.call_with(alice(), puppet, "script", &input, 0, 6_000_000);
    assert_eq!(enough.status, Status::Success);
    assert!(world.cached_bytes() > cached);
}

#[test]
fn a_trap_costs_the_owner_what_the_child_used_or_all() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let child = wasm(
        r#"(module (memory 1)
          (func (export "panic") (param i64)
            (loop $again
              (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
              (br_if $again (i64.ne (local.get 0) (i64.const 0))))
            unreachable)
          (func (export "outside") (drop (i32.load (i32.const 65536)))))"#,
    );
    let mut used = |function: &[u8], gas: i64, a0: i64| {
        let script = Script::default()
            .compile(&child, b"")
            .instantiate(0)
            .prepare(0, function)
            .run(0, gas, a0);
        let noted = play_noted(&mut world, puppet, &script);
        assert_eq!(noted[3].decode::<ExecStatus, _>(), Err(ExecError::Trap));
        noted[2].gas_left - noted[3].gas_left
    };
    let rounds = [1_000, 2_000, 3_000].map(|rounds| used(b"panic", 1_000_000, rounds));
    assert!(rounds[1] > rounds[0] + 1_000);
    assert_eq!(rounds[2] - rounds[1], rounds[1] - rounds[0]);
    // Nobody knows how far it came: it is all gone.
    assert_eq!(
        used(b"outside", 700_000, 0) - used(b"outside", 500_000, 0),
        200_000
    );
}

#[test]
fn names_are_the_contracts_own_and_end_with_the_transaction() {
    let mut world = world();
    let [one, two, three] = [(); 3].map(|()| world.deploy_wat(PUPPET));
    let child = wasm(CHILD);
    let names = Script::default().compile(&child, b"name");
    let asks = Script::default().lookup(b"name");
    // `one` calls `two`, which keeps the name; `one` does not find it, and `two` does, in a second call.
    let script = Script::default()
        .call(two, &names)
        .lookup(b"name")
        .call(two, &asks)
        .return_data(0)
        .call(three, &asks)
        .return_data(0);
    let noted = play_noted(&mut world, one, &script);
    assert!(noted[0].result > 0, "the call went well");
    assert_eq!(
        noted[1].decode::<ModuleId, _>(),
        Err(ModuleError::NotCached)
    );
    let answer = i64::from_le_bytes(noted[3].buffer[..8].try_into().unwrap());
    assert_eq!(answer, 0, "module 0 of a new call");
    let answer = i64::from_le_bytes(noted[5].buffer[..8].try_into().unwrap());
    assert_eq!(answer, -2, "a third contract does not find it either");
    // The next transaction finds nothing.
    let noted = play_noted(&mut world, two, &asks);
    assert_eq!(
        noted[0].decode::<ModuleId, _>(),
        Err(ModuleError::NotCached)
    );
}

#[test]
fn names_of_a_call_that_failed_are_undone() {
    let mut world = world();
    let [one, two, three] = [(); 3].map(|()| world.deploy_wat(PUPPET));
    let child = wasm(CHILD);
    let names = Script::default().compile(&child, b"name");
    let asks = Script::default().lookup(b"name");
    let answer = |note: &Noted| i64::from_le_bytes(note.buffer[..8].try_into().unwrap());
    for fails in [
        names.clone().trap(),
        names.clone().revert(),
        // What a callee that went well kept is undone with its caller.
        Script::default().call(three, &names).trap(),
    ] {
        let script = Script::default()
            .call(two, &fails)
            .call(two, &asks)
            .return_data(0)
            .call(three, &asks)
            .return_data(0);
        let noted = play_noted(&mut world, one, &script);
        assert!(noted[0].result < 0, "{}", noted[0].result);
        assert_eq!([answer(&noted[2]), answer(&noted[4])], [-2, -2]);
    }
    // One that went well before stays.
    let script = Script::default()
        .call(two, &names)
        .call(two, &Script::default().compile(&child, b"more").trap())
        .call(two, &asks)
        .return_data(0)
        .call(two, &Script::default().lookup(b"more"))
        .return_data(0);
    let noted = play_noted(&mut world, one, &script);
    assert_eq!([answer(&noted[3]), answer(&noted[5])], [0, -2]);
}

#[test]
fn instances_end_with_their_call() {
    let mut world = world();
    let [one, two] = [(); 2].map(|()| world.deploy_wat(PUPPET));
    let leaves = ready(b"count").run(0, 1_000_000, 1);
    let script = Script::default()
        .call(two, &leaves)
        .call(two, &Script::default().run(0, 1_000_000, 1))
        .return_data(0);
    let noted = play_noted(&mut world, one, &script);
    let answer = i64::from_le_bytes(noted[2].buffer[..8].try_into().unwrap());
    assert_eq!(answer, -1, "instance 0 of the call before is not there");
    assert_eq!(world.parked_runs(), 0);
}

#[test]
fn contracts_share_how_many_instances_there_are_and_their_memory() {
    let limited = rules(|children| children.instances = 3);
    let mut world = World::with_rules(&limited);
    let [one, two] = [(); 2].map(|()| world.deploy_wat(PUPPET));
    let full = Err(InstantiateError::InvalidImage);
    let makes = Script::default()
        .compile(&wasm("(module)"), b"")
        .instantiate(0)
        .instantiate(0);
    let script = makes
        .clone()
        .call(two, &makes)
        .return_data(2 * 112)
        .instantiate(0)
        .instantiate(0)
        .destroy(0)
        .instantiate(0);
    let noted = play_noted(&mut world, one, &script);
    let made = |at: usize| noted[at].decode::<InstanceId, InstantiateError>();
    let second = i64::from_le_bytes(noted[4].buffer[..8].try_into().unwrap());
    assert_eq!(second, -1, "two of the caller's and one of its own");
    // The callee's are gone when it has ended.
    assert_eq!([made(5), made(6)], [Ok(InstanceId(2)), full]);
    assert_eq!(made(8), Ok(InstanceId(3)));

    // Ten thousand are asked for, a hundred at a time.
    let mut script = Script::default().compile(&wasm("(module)"), b"");
    for _ in 0..190 {
        script = script.instantiate(0);
    }
    let noted = play_noted(&mut world, one, &script);
    let made = noted[1..].iter().filter(|note| note.result >= 0).count();
    assert_eq!(made, 3);

    // Memory: of 256 MiB, an instance takes what it can come to have.
    let large = wasm("(module (memory 1000))");
    let mut world = self::world();
    let puppet = world.deploy_wat(PUPPET);
    let mut script = Script::default().compile(&large, b"");
    for _ in 0..5 {
        script = script.instantiate(0);
    }
    let results = play_noted(&mut world, puppet, &script);
    let results: Vec<_> = results.iter().map(|note| note.result).collect();
    assert_eq!(results[1..], [0, 1, 2, 3, -1]);
}

#[test]
fn contracts_share_how_many_modules_there_are() {
    let limited = rules(|children| children.modules = 3);
    let mut world = World::with_rules(&limited);
    let [one, two] = [(); 2].map(|()| world.deploy_wat(PUPPET));
    let child = wasm(CHILD);
    let full: Result<CompiledModule, _> = Err(ModuleError::InvalidImage);
    // What the callee compiled without a name is gone when it has ended, and what has a name is not.
    let makes = Script::default()
        .compile(&child, b"")
        .compile(&child, b"kept")
        .compile(&child, b"kept")
        .compile(&child, b"");
    let script = Script::default()
        .store(b"code", &child)
        .compile(&child, b"")
        .call(two, &makes)
        .return_data(3 * 112)
        .compile(&child, b"")
        .compile(&child, b"")
        .compile(&child, b"name")
        .compile_key(b"code", b"")
        .lookup(b"name");
    let noted = play_noted(&mut world, one, &script);
    let made = |at: usize| noted[at].decode::<CompiledModule, ModuleError>();
    assert_eq!(made(1), compiled(0, CompileStatus::Compiled));
    let fourth = i64::from_le_bytes(noted[3].buffer[..8].try_into().unwrap());
    assert_eq!(fourth, -1, "one of the caller's and two of its own");
    assert_eq!(made(4), compiled(1, CompileStatus::Compiled));
    assert_eq!([made(5), made(6), made(7)], [full; 3]);
    // What there was no room for is paid for, and not kept.
    let used = |at: usize| noted[at - 1].gas_left - noted[at].gas_left;
    assert_eq!(used(5), used(4));
    assert_eq!(
        noted[8].decode::<ModuleId, _>(),
        Err(ModuleError::NotCached)
    );
    // A call that is undone takes its names with it.
    let script = Script::default()
        .call(two, &makes.trap())
        .compile(&child, b"")
        .compile(&child, b"")
        .compile(&child, b"");
    let noted = play_noted(&mut world, one, &script);
    assert!(noted[1..].iter().all(|note| note.result >= 0));
}

#[test]
fn callers_and_children_hold_their_memory_out_of_one_budget() {
    let mut tight = rules(|_| {});
    // Two puppets of ten pages, and one page of a child.
    tight.frames.memory_bytes = 21 * 65_536;
    let mut world = World::with_rules(&tight);
    let [one, two, three] = [(); 3].map(|()| world.deploy_wat(PUPPET));
    let child = wasm(CHILD);
    let makes = Script::default()
        .compile(&child, b"")
        .instantiate(0)
        .instantiate(0);
    let result = |note: &Noted| i64::from_le_bytes(note.buffer[..8].try_into().unwrap());
    // Nobody waits.
    let noted = play_noted(&mut world, one, &makes);
    assert_eq!([noted[1].result, noted[2].result], [0, 1]);
    // Whoever goes on gives back what it held, and so does a call that has ended.
    let mut script = Script::default();
    for _ in 0..3 {
        script = script.call(two, &makes);
    }
    let noted = play_noted(&mut world, one, &script);
    assert!(noted.iter().all(|note| note.result > 0), "{noted:?}");
    // Two wait: the third of what the innermost noted, as the middle one noted it.
    let middle = Script::default().call(three, &makes).return_data(2 * 112);
    let script = Script::default().call(two, &middle).return_data(112 + 16);
    let noted = play_noted(&mut world, one, &script);
    assert_eq!(result(&noted[1]), -1, "there is no room for a second child");
    // And the other way round: two children leave no room for a second call.
    let middle = Script::default().call(three, &Script::default());
    for (children, expected) in [(1, 0), (2, i64::from(status::CALL_LIMIT))] {
        let mut script = Script::default().compile(&child, b"");
        for _ in 0..children {
            script = script.instantiate(0);
        }
        let at = 2 + children;
        let noted = play_noted(&mut world, one, &script.call(two, &middle).return_data(0));
        assert_eq!(result(&noted[at]), expected, "{children}");
    }
}

#[test]
fn children_have_children_to_a_bounded_depth() {
    for generations in 1..=4 {
        let mut world = World::with_rules(&rules(|children| children.generations = generations));
        let puppet = world.deploy_wat(PUPPET);
        let diver = wasm(DIVER);
        let range = i64::try_from(diver.len()).unwrap() << 32 | 4_096;
        let script = Script::default()
            .compile(&diver, b"")
            .instantiate(0)
            .prepare(0, b"dive")
            .write(0, 4_096, &diver)
            .run(0, i64::MAX, range)
            .run(0, i64::MAX, 77)
            .prepare(0, b"dive")
            .read(0, 0);
        let noted = play_noted(&mut world, puppet, &script);
        if generations == 1 {
            let refused = noted[0].decode::<CompiledModule, _>();
            assert_eq!(refused, Err(ModuleError::InvalidImage));
            continue;
        }
        // The last that could compile one that may have children was refused: it says so, through all that are above it.
        assert_eq!(noted[4].decode::<_, ExecError>(), Ok(ExecStatus::Syscall));
        let asked = noted[4].exec();
        assert_eq!(asked.symbol.as_bytes(), b"up");
        assert_eq!(asked.args[0], u64::from(generations) - 2);
        assert_eq!(asked.args[1].cast_signed(), -1);
        // And the answer goes all the way down.
        assert_eq!(noted[5].decode::<_, ExecError>(), Ok(ExecStatus::Finished));
        let answer = u64::from_le_bytes(
            noted[7].buffer[if generations == 2 { 8..16 } else { 0..8 }]
                .try_into()
                .unwrap(),
        );
        assert_eq!(answer, 77);
        // All of it was the contract's gas.
        let used = noted[3].gas_left - noted[4].gas_left;
        let told = (i64::MAX - asked.gas_left).unsigned_abs();
        assert!((told..told + 10_000).contains(&used), "{told} {used}");
        assert_eq!(world.parked_runs(), 0);
    }
}

/// What a puppet notes whose child, a diver, runs the program below it; and how that ended.
fn dive(world: &mut World, below: &[u8], gas: i64) -> (Vec<Noted>, i64) {
    let puppet = world.deploy_wat(PUPPET);
    let range = i64::try_from(below.len()).unwrap() << 32 | 4_096;
    let script = Script::default()
        .compile(&wasm(DIVER), b"")
        .instantiate(0)
        .prepare(0, b"dive")
        .write(0, 4_096, below)
        .run(0, gas, range)
        .prepare(0, b"dive")
        .read(0, 0);
    let noted = play_noted(world, puppet, &script);
    let status = i64::from_le_bytes(noted[6].buffer[8..16].try_into().unwrap());
    (noted, status)
}

#[test]
fn a_child_pays_for_its_children() {
    let mut world = world();
    let spins = |rounds: i64| {
        wasm(&format!(
            r#"(module (memory 2) (func (export "dive") (param i64) (local $left i64)
              (local.set $left (i64.const {rounds}))
              (loop $again (br_if $again (i64.ne (i64.const 0)
                (local.tee $left (i64.sub (local.get $left) (i64.const 1))))))))"#
        ))
    };
    // The programs have one size, so that nothing else is different.
    let given = 5_000_000;
    let used = |noted: &[Noted]| given - noted[4].exec().gas_left;
    let (few, status) = dive(&mut world, &spins(100_000), given);
    assert_eq!((few[4].result, status), (0, 0));
    let (more, status) = dive(&mut world, &spins(200_000), given);
    assert_eq!((more[4].result, status), (0, 0));
    let difference = used(&more) - used(&few);
    assert!(difference >= 300_000, "{difference}");
    assert_eq!(difference % 100_000, 0, "{difference}: so much a round");
    // And it has no more than its owner has.
    let (all, status) = dive(&mut world, &spins(900_000), 1_000_000);
    assert_eq!((all[4].result, status), (0, -3));
    let left = all[4].exec().gas_left;
    assert!((10_000..15_625).contains(&left), "a 64th, or less: {left}");
}

#[test]
fn children_of_children_are_within_what_a_transaction_may_have() {
    let mut few = rules(|children| children.instances = 2);
    // The puppet that runs holds none of it.
    let mut small = rules(|_| {});
    small.frames.memory_bytes = 5 * 65_536;
    let modules = rules(|children| children.modules = 2);
    for (rules, expected) in [(&few, -4), (&small, -4), (&modules, -1)] {
        let (noted, world) = dive_noted(rules);
        match expected {
            // The second traps, for want of a third.
            -4 => assert_eq!(noted[4].decode::<_, ExecError>(), Ok(ExecStatus::Finished)),
            // The second says that it cannot compile a third.
            _ => {
                let asked = noted[4].exec();
                assert_eq!(
                    [asked.args[0], asked.args[1]],
                    [1, (-1_i64).cast_unsigned()]
                );
            }
        }
        assert_eq!(world.parked_runs(), 0);
    }
    // With one more, it dives.
    few.children.as_mut().unwrap().instances = 4;
    let (noted, _) = dive_noted(&few);
    assert_eq!(noted[4].decode::<_, ExecError>(), Ok(ExecStatus::Syscall));
}

/// What a puppet notes whose child, a diver, dives as deep as the rules let it.
fn dive_noted(rules: &ContractRules) -> (Vec<Noted>, World) {
    let mut world = World::with_rules(rules);
    let puppet = world.deploy_wat(PUPPET);
    let diver = wasm(DIVER);
    let range = i64::try_from(diver.len()).unwrap() << 32 | 4_096;
    let script = Script::default()
        .compile(&diver, b"")
        .instantiate(0)
        .prepare(0, b"dive")
        .write(0, 4_096, &diver)
        .run(0, i64::MAX, range);
    (play_noted(&mut world, puppet, &script), world)
}

#[test]
fn a_child_has_no_state_in_which_code_could_lie() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let child = wasm(
        r#"(module
          (import "env" "ext_virtualization_compile_from_storage_key_version_1" (func $compile (param i64 i64) (result i64)))
          (memory 1) (data (i32.const 8) "code")
          (func (export "f") (i64.store (i32.const 0) (call $compile (i64.const 0x4_0000_0008) (i64.const 0)))))"#,
    );
    let script = Script::default()
        .store(b"code", &wasm(CHILD))
        .compile(&child, b"")
        .instantiate(0)
        .prepare(0, b"f")
        .run(0, 1_000_000, 0)
        .prepare(0, b"f")
        .read(0, 0);
    let noted = play_noted(&mut world, puppet, &script);
    assert_eq!(noted[4].decode::<_, ExecError>(), Ok(ExecStatus::Finished));
    let answer = i64::from_le_bytes(noted[6].buffer[..8].try_into().unwrap());
    assert_eq!(answer, -3);
}

#[test]
fn a_contract_says_which_symbols_its_children_may_import() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let child = wasm(CHILD);
    let nests = wasm(
        r#"(module (import "env" "ext_virtualization_destroy_version_1" (func (param i32) (result i64))))"#,
    );
    let script = Script::default()
        .compile(&nests, b"")
        .admit_symbols("other\nmore")
        .compile(&child, b"")
        .compile(&nests, b"")
        .admit_symbols("other\nincrement\next_virtualization_destroy_version_1")
        .compile(&child, b"kept")
        .compile(&nests, b"")
        .admit_symbols("")
        .compile(&child, b"")
        .compile(&child, b"kept")
        .compile(&wasm("(module)"), b"");
    let noted = play_noted(&mut world, puppet, &script);
    let is_compiled: Vec<_> = [0, 2, 3, 5, 6, 8, 9, 10]
        .map(|at| noted[at].result >= 0)
        .into();
    assert_eq!(
        is_compiled,
        [true, false, false, true, true, false, true, true]
    );

    // And the rules say what none may.
    let only = Symbols::Only(BTreeSet::from(["increment".to_owned()]));
    let mut world = World::with_rules(&rules(|children| {
        children.rules = ChildRules::new(fusee_instrument::Rules::v3(Vec::new()), only);
    }));
    let puppet = world.deploy_wat(PUPPET);
    let script = Script::default().compile(&child, b"").compile(&nests, b"");
    let noted = play_noted(&mut world, puppet, &script);
    assert_eq!((noted[0].result >= 0, noted[1].result), (true, -1));
}

#[test]
fn ranges_that_a_contract_does_not_have_are_its_trap() {
    let mut world = world();
    let outside = "(i64.const 0x10_0000_fffa)";
    for row in FUNCTIONS {
        let params: Vec<_> = row.params.iter().filter_map(|param| param.wire).collect();
        let types = params.iter().map(|wire| match wire {
            Wire::I32 => "i32",
            Wire::I64 => "i64",
        });
        let args = row.params.iter().map(|param| match param.rust_type {
            "Range" => outside,
            "Out" => "(i32.const 65530)",
            "i64" | "u64" => "(i64.const 0)",
            _ => "(i32.const 0)",
        });
        let contract = world.deploy_wat(&format!(
            r#"(module (import "env" "{}" (func $f (param {}) (result i64))) (memory (export "memory") 1)
              (func (export "go") (drop (call $f {}))))"#,
            row.name,
            types.collect::<Vec<_>>().join(" "),
            args.collect::<Vec<_>>().join(" "),
        ));
        let receipt = world.call(alice(), contract, "go", &[]);
        let has_range = row
            .params
            .iter()
            .any(|param| matches!(param.rust_type, "Range" | "Out"));
        let expected = match has_range {
            true => Status::Trapped(Trap::MemoryOutOfBounds),
            false => Status::Success,
        };
        assert_eq!(receipt.status, expected, "{}", row.name);
        // The price of the function, and of sixteen bytes where it names some.
        let empty =
            world.deploy_wat(r#"(module (memory (export "memory") 1) (func (export "go")))"#);
        let nothing = world.call(alice(), empty, "go", &[]).gas_used.units();
        let used = receipt.gas_used.units() - nothing;
        let ranges = row
            .params
            .iter()
            .filter(|param| param.rust_type == "Range")
            .take(1)
            .count();
        let price = row.price.base + 16 * row.price.byte * u64::try_from(ranges).unwrap();
        assert!(
            (price..price + 100).contains(&used),
            "{}: {used} for {price}",
            row.name
        );
    }
    assert_eq!(
        FUNCTIONS
            .iter()
            .filter(|row| row.answer == Answer::MaySuspend)
            .count(),
        4
    );
    assert_eq!(functions::row(functions::FIRST + 9), None);
}

#[test]
fn ranges_that_wrap_are_outside() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    for (op, args) in [
        (0, [-1, 0, 0, 0]),
        (1, [0xffff_ffff, 0, 0, 0]),
        (4, [0, -1, 0, 0]),
        (8, [0, 0, -1, 0]),
        (7, [0, 0, 0x1_0000_0000_i64 - 1 + (1 << 32), 0]),
        (5, [0, 1, 0, 0xffff_ffff]),
        (5, [0, 1, 0, 655_360 - 95]),
    ] {
        let receipt = play(&mut world, puppet, &ready(b"count").raw(op, args));
        let expected = match op {
            // Empty, wherever it is said to lie.
            1 => continue,
            0 | 4 | 8 => [Status::OutOfGas, Status::Trapped(Trap::MemoryOutOfBounds)],
            _ => [Status::Trapped(Trap::MemoryOutOfBounds); 2],
        };
        assert!(
            expected.contains(&receipt.status),
            "{op} {args:?}: {receipt:?}"
        );
    }
    // And in the child: an answer.
    let script = ready(b"count")
        .read(0, 65_536 - 95)
        .read(0, 0xffff_ffff)
        .read(0, 65_536 - 96)
        .write(0, 0xffff_ffff, b"ab");
    let noted = play_noted(&mut world, puppet, &script);
    let results: Vec<_> = noted[3..].iter().map(|note| note.result).collect();
    assert_eq!(results, [-2, -2, 0, -2]);
}

#[test]
fn a_query_may_run_children() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let script = ready(b"count").run(0, 1_000_000, 1).ask_host(b"who");
    let receipt = world.query(puppet, "script", &script.input());
    let noted = noted(&receipt);
    assert_eq!(noted[3].decode::<_, ExecError>(), Ok(ExecStatus::Syscall));
    assert_eq!(noted[4].result, i64::from(status::UNANSWERED));
}

#[test]
fn a_deployment_may_run_children() {
    let mut world = world();
    let deployed = PUPPET.replace(r#"(export "script")"#, r#"(export "deploy")"#);
    let script = ready(b"count").run(0, 1_000_000, 1).ask_host(b"who");
    let deploy = |input: Vec<u8>| Transaction {
        from: alice(),
        action: Action::Deploy {
            code: wasm(&deployed),
            input,
        },
        value: 0,
        gas: Gas::new(GAS),
    };
    let receipt = world.send(deploy(script.input()));
    let noted = noted(&receipt);
    assert_eq!(noted[3].decode::<_, ExecError>(), Ok(ExecStatus::Syscall));
    assert_eq!(noted[4].result, i64::from(status::UNANSWERED));
    let receipt = world.send(deploy(script.trap().input()));
    assert_eq!(receipt.status, Status::Trapped(Trap::Unreachable));
    assert_eq!(world.parked_runs(), 0);
}

#[test]
fn a_child_that_is_interrupted_is_no_receipt() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let action = Action::Call {
        to: puppet,
        method: "script".to_owned(),
        input: ready(b"endless").run(0, 50_000_000, 0).input(),
    };
    let transaction = Transaction {
        from: alice(),
        action,
        value: 0,
        gas: Gas::new(GAS),
    };
    let interrupt = Interrupt::new();
    interrupt.trigger();
    for (name, applied) in world.execute(&transaction, &interrupt) {
        let interrupted = matches!(
            applied,
            Err(ContractError::Run(RunError::Engine(
                EngineError::Interrupted
            )))
        );
        assert!(interrupted, "{name}: {applied:?}");
    }
    assert_eq!(world.parked_runs(), 0);
}

#[test]
fn contracts_by_older_rules_have_no_children() {
    for rules in [ContractRules::v1(), ContractRules::v2()] {
        let mut world = World::with_rules(&rules);
        let deploy = fusee_contract::Action::Deploy {
            code: wasm(PUPPET),
            input: Vec::new(),
        };
        let receipt = world.send(fusee_contract::Transaction {
            from: alice(),
            action: deploy,
            value: 0,
            gas: fusee_engine::Gas::new(GAS),
        });
        let refused = Status::Rejected(fusee_contract::Rejection::RefusedCode);
        assert_eq!(receipt.status, refused);
    }
}
