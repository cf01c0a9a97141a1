//! Contracts that run programs as their children: what they are answered, and what they pay.

use std::collections::BTreeSet;

use fusee_abi::{
    ReplyMode, Wire, status,
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
use fusee_instrument::SyscallPrice;
use fusee_virtualization::{ChildRules, Symbols};

use crate::{
    puppet::{Noted, PUPPET, Script, noted},
    world::{GAS, World, alice, wasm_alone},
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

pub(crate) fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

pub(crate) fn world() -> World {
    World::with_rules(&ContractRules::latest().with_oracle())
}

/// What the newest rules charge for a function.
fn price(function: u32) -> SyscallPrice {
    let rules = ContractRules::latest();
    *rules.program.prices().price(function).unwrap()
}

/// Rules with other children.
pub(crate) fn rules(change: impl FnOnce(&mut ContractChildren)) -> ContractRules {
    let mut rules = ContractRules::latest().with_oracle();
    change(rules.children.as_mut().unwrap());
    rules
}

fn play(world: &mut World, puppet: Address, script: &Script) -> Receipt {
    world.call(alice(), puppet, "script", &script.input())
}

pub(crate) fn play_noted(world: &mut World, puppet: Address, script: &Script) -> Vec<Noted> {
    noted(&play(world, puppet, script))
}

pub(crate) fn compiled(id: u32, status: CompileStatus) -> Result<CompiledModule, ModuleError> {
    Ok(CompiledModule {
        id: ModuleId(id),
        status,
    })
}

/// One child that is ready to run a function.
pub(crate) fn ready(function: &[u8]) -> Script {
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
    assert_eq!(world.suspended_runs(), 0);
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
        let byte = price(function).each.units();
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

    // Whether this machine compiled it before, in another transaction, is not told and changes
    // nothing.
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
fn a_contract_says_which_symbols_its_children_may_import() {
    let mut world = world();
    let puppet = world.deploy_wat(PUPPET);
    let child = wasm(CHILD);
    let nests = wasm(
        r#"(module (import "env" "ext_virtualization_destroy_version_1" (func (param i32) (result i64))))"#,
    );
    let script = Script::default()
        .compile(&nests, b"")
        .restrict_imports("other\nmore")
        .compile(&child, b"")
        .compile(&nests, b"")
        .restrict_imports("other\nincrement\next_virtualization_destroy_version_1")
        .compile(&child, b"kept")
        .compile(&nests, b"")
        .restrict_imports("")
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
        children.rules = std::sync::Arc::new(ChildRules::new(
            fusee_instrument::Rules::v1(Vec::new())
                .with_polkavm(fusee_instrument::PolkaVmRules::v1()),
            only,
        ));
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
        let bytes = 16 * u64::try_from(ranges).unwrap();
        let price = price(row.number).call(bytes).units();
        assert!(
            (price..price + 100).contains(&used),
            "{}: {used} for {price}",
            row.name
        );
    }
    assert_eq!(
        FUNCTIONS
            .iter()
            .filter(|row| row.reply_mode == ReplyMode::MaySuspend)
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
    let script = ready(b"count").run(0, 1_000_000, 1).oracle_request(b"who");
    let receipt = world.query(puppet, "script", &script.input());
    let noted = noted(&receipt);
    assert_eq!(noted[3].decode::<_, ExecError>(), Ok(ExecStatus::Syscall));
    assert_eq!(noted[4].result, i64::from(status::UNANSWERED));
}

#[test]
fn a_deployment_may_run_children() {
    let mut world = world();
    let deployed = PUPPET.replace(r#"(export "script")"#, r#"(export "deploy")"#);
    let script = ready(b"count").run(0, 1_000_000, 1).oracle_request(b"who");
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
    assert_eq!(world.suspended_runs(), 0);
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
    assert_eq!(world.suspended_runs(), 0);
}

#[test]
fn contracts_by_rules_without_children_have_none() {
    let mut world = World::with_rules(&wasm_alone());
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
