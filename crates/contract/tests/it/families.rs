//! Contracts and their children, with theirs: what they share, how much they may be, and what is
//! left when they end.

use fusee_abi::{
    status,
    virtualization::wire::{
        CompileStatus, CompiledModule, ExecError, ExecStatus, InstanceId, InstantiateError,
        ModuleError, ModuleId,
    },
};
use fusee_contract::ContractRules;

use crate::{
    children::{CHILD, compiled, play_noted, ready, rules, wasm, world},
    puppet::{Noted, PUPPET, Script},
    world::World,
};

/// Makes a child of the program whose range is a0: itself, mostly. Hands on what that asks, one
/// more in the first argument.
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

#[test]
fn names_are_the_contracts_own_and_end_with_the_transaction() {
    let mut world = world();
    let [one, two, three] = [(); 3].map(|()| world.deploy_wat(PUPPET));
    let child = wasm(CHILD);
    let names = Script::default().compile(&child, b"name");
    let asks = Script::default().lookup(b"name");
    // `one` calls `two`, which keeps the name; `one` does not find it, and `two` does, in a second
    // call.
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
    assert_eq!(world.suspended_runs(), 0);
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

    // Memory: of 64 MiB, an instance takes what it can come to have.
    let large = wasm("(module (memory 250))");
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
    // What the callee compiled without a name is gone when it has ended, and what has a name is
    // not.
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
        // The last that could compile one that may have children was refused: it says so, through
        // all that are above it.
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
        assert_eq!(world.suspended_runs(), 0);
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
        assert_eq!(world.suspended_runs(), 0);
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
