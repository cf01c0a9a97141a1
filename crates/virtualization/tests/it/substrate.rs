//! The set `substrate-1`: nested VMs as in Substrate's virtualization, on every backend, driven
//! natively and from inside a guest. Most tests also show what our own conventions do.

use std::{fmt::Debug, sync::Arc};

use fusee_engine::{Engine, Value};
use fusee_engine_polkavm::{Backend, PolkaVmEngine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::Executor;
use fusee_virtualization::{
    ChildLimits, ChildRules, ChildSettings, Conventions, StorageScope, Symbols, functions,
    wire::{
        CompileStatus, CompiledModule, ExecBuffer, ExecError, ExecStatus, InstanceId, MemoryError,
        ModuleError, ModuleId, decode,
    },
};
use polkavm_common::{
    abi::MemoryMapBuilder,
    program::{InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};

use crate::support::{GAS, Guest, Nine, Vms, range, wasm};

/// Nested VMs by some conventions, with the programs and prices of `substrate-1`.
fn by(conventions: Conventions, executor: Arc<Executor>) -> Vms {
    let rules = ChildRules::substrate_v1().with_conventions(conventions);
    let settings = ChildSettings {
        limits: ChildLimits::unlimited(),
        ..ChildSettings::default()
    };
    Vms::new(executor, rules, settings)
}

/// An executor for each backend, and for wasm.
fn executors() -> Vec<(Backend, Executor)> {
    let all = [
        Backend::Interpreter,
        Backend::GenericSandbox,
        Backend::ProcessSandbox,
    ];
    let has_compiler = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    let backends = if has_compiler { &all[..] } else { &all[..1] };
    let executor = |backend: &Backend| {
        let polkavm: Arc<dyn Engine> = Arc::new(PolkaVmEngine::on(*backend).unwrap());
        let wasmi = Executor::builder(Arc::new(WasmiEngine::new()));
        (*backend, wasmi.engine(polkavm).build())
    };
    backends.iter().map(executor).collect()
}

/// A wasm guest with nested VMs by some conventions.
fn guest(conventions: Conventions, executor: Executor) -> Guest {
    match conventions {
        Conventions::Fusee => Guest::with(executor, |executor| by(Conventions::Fusee, executor)),
        Conventions::Substrate => {
            let vms = |executor| by(Conventions::Substrate, executor);
            let mut guest = Guest::with(executor, vms);
            guest.after_failure = 0;
            guest
        }
    }
}

/// What `body` finds on each backend, natively and from inside a guest: the same.
fn everywhere<T: Debug + PartialEq>(
    conventions: Conventions,
    body: impl Fn(&mut dyn Nine) -> T,
) -> T {
    let mut found = Vec::new();
    for (backend, executor) in executors() {
        let natively = body(&mut by(conventions, Arc::new(executor)));
        found.push((format!("{backend:?}, natively"), natively));
    }
    for (backend, executor) in executors() {
        let by_guest = body(&mut guest(conventions, executor));
        found.push((format!("{backend:?}, by a guest"), by_guest));
    }
    let (first, expected) = found.remove(0);
    for (way, found) in found {
        assert_eq!(found, expected, "{way} and {first}");
    }
    expected
}

/// The size of the data of [`keeper`]. It has nothing else in its memory.
const DATA: u32 = 4_096;

/// A program that keeps a number in its memory, and asks its owner by `tell`.
fn keeper() -> Vec<u8> {
    let map = MemoryMapBuilder::new(4_096).rw_data_size(DATA).build();
    let at = map.unwrap().rw_data_address();
    let keep = asm::store_u64(Reg::A0, at.cast_signed());
    let mut program = ProgramBlobBuilder::new(InstructionSetKind::JamV1);
    program.set_rw_data_size(DATA);
    program.add_import(b"tell");
    program.set_code(
        &[
            // 0: keeps a0, and traps.
            keep,
            asm::trap(),
            // 2: keeps a0, and never ends.
            keep,
            asm::fallthrough(),
            asm::jump(2),
            // 5: tells the number.
            asm::load_u64(Reg::A0, at.cast_signed()),
            asm::ecalli(0),
            asm::ret(),
            // 8: tells, keeps the answer, and traps.
            asm::ecalli(0),
            keep,
            asm::trap(),
        ],
        &[],
    );
    for (instruction, name) in [(0, "trap"), (2, "forever"), (5, "tell"), (8, "ask")] {
        program.add_export_by_instruction(instruction, name.as_bytes());
    }
    program.add_export_by_instruction(8, b"_initialize");
    program.into_vec().unwrap()
}

fn instance(nine: &mut dyn Nine) -> InstanceId {
    let module = nine.compile(&keeper(), None).unwrap();
    nine.instantiate(module.id).unwrap()
}

fn run(
    nine: &mut dyn Nine,
    instance: InstanceId,
    function: &str,
    a0: u64,
) -> Result<(ExecStatus, ExecBuffer), ExecError> {
    nine.prepare(instance, function.as_bytes()).unwrap();
    nine.run(instance, GAS, a0)
}

/// The number that the program tells. It finishes.
fn told(nine: &mut dyn Nine, instance: InstanceId) -> u64 {
    let (status, buffer) = run(nine, instance, "tell", 0).unwrap();
    assert_eq!(status, ExecStatus::Syscall);
    assert_eq!(buffer.symbol.as_bytes(), b"tell");
    assert_eq!(nine.run(instance, GAS, 0).unwrap().0, ExecStatus::Finished);
    buffer.args[0]
}

#[test]
fn memory_outlives_a_trap_and_the_end_of_the_gas() {
    let numbers = |nine: &mut dyn Nine| {
        let instance = instance(nine);
        assert_eq!(run(nine, instance, "trap", 7), Err(ExecError::Trap));
        let after_trap = told(nine, instance);
        assert_eq!(run(nine, instance, "forever", 8), Err(ExecError::OutOfGas));
        let after_gas = told(nine, instance);
        // A negative limit, before the first block and at a syscall.
        nine.prepare(instance, b"forever").unwrap();
        assert_eq!(nine.run(instance, -1, 9), Err(ExecError::OutOfGas));
        assert_eq!(told(nine, instance), after_gas);
        run(nine, instance, "ask", 0).unwrap();
        assert_eq!(nine.run(instance, -1, 9), Err(ExecError::OutOfGas));
        (after_trap, after_gas, told(nine, instance))
    };
    // Nothing runs before the function: `_initialize` would ask, and trap.
    assert_eq!(everywhere(Conventions::Substrate, numbers), (7, 8, 8));
}

#[test]
fn by_our_conventions_a_fresh_instance_follows_and_initialises_itself() {
    everywhere(Conventions::Fusee, |nine| {
        let instance = instance(nine);
        let (status, _) = run(nine, instance, "trap", 7).unwrap();
        assert_eq!(status, ExecStatus::Syscall, "`_initialize` asks");
        assert_eq!(nine.run(instance, GAS, 9), Err(ExecError::Trap));
        let (status, _) = run(nine, instance, "tell", 7).unwrap();
        assert_eq!(status, ExecStatus::Syscall, "and asks again");
    });
}

#[test]
fn memory_that_a_failed_run_left_is_that_of_its_instance_alone() {
    everywhere(Conventions::Substrate, |nine| {
        let module = nine.compile(&keeper(), None).unwrap();
        let first = nine.instantiate(module.id).unwrap();
        assert_eq!(run(nine, first, "trap", 7), Err(ExecError::Trap));
        let second = nine.instantiate(module.id).unwrap();
        assert_eq!((told(nine, second), told(nine, first)), (0, 7));
        nine.destroy(first).unwrap();
        let third = nine.instantiate(module.id).unwrap();
        assert_eq!(told(nine, third), 0);
        // An idle instance has no memory for its owner, as ever.
        let idle = nine.read(second, 0x1_0000, 1);
        assert_eq!(idle, Err(MemoryError::InvalidInstance));
    });
}

/// The code under keys: the keeper, wherever it is looked for.
fn stored(vms: &mut Vms, scope: &[u8], key: &[u8]) -> Result<CompiledModule, ModuleError> {
    let code = |_: StorageScope<'_>, key: &[u8]| Ok((key == b"code").then(keeper));
    let scope = StorageScope::named(scope);
    vms.compile_key(scope, key, code).unwrap()
}

#[test]
fn keys_are_looked_up_alone() {
    for (conventions, second) in [
        (Conventions::Substrate, CompileStatus::Cached),
        (Conventions::Fusee, CompileStatus::Compiled),
    ] {
        for (_, executor) in executors() {
            let mut vms = by(conventions, Arc::new(executor));
            let statuses = [&b"a"[..], b"b", b""].map(|scope| {
                let compiled = stored(&mut vms, scope, b"code").unwrap();
                compiled.status
            });
            assert_eq!(statuses, [CompileStatus::Compiled, second, second]);
            assert_eq!(vms.lookup(b"code"), Ok(ModuleId(3)));
            let missing = stored(&mut vms, b"a", b"other");
            assert_eq!(missing, Err(ModuleError::NotFound));
        }
    }
}

#[test]
fn a_range_at_address_0_is_no_identifier() {
    for (conventions, again) in [
        (Conventions::Substrate, CompileStatus::Compiled),
        (Conventions::Fusee, CompileStatus::Cached),
    ] {
        for (_, executor) in executors() {
            let mut guest = guest(conventions, executor);
            let program = guest.put(1 << 20, &keeper());
            for (identifier, expected) in [
                (range(0, 5), CompileStatus::Compiled),
                (range(0, 5), again),
                (range(0, 0), CompileStatus::Compiled),
                (range(8, 0), CompileStatus::Compiled),
                (range(8, 0), CompileStatus::Cached),
            ] {
                let args = [program, identifier];
                let reply: Result<CompiledModule, ModuleError> =
                    decode(guest.ask(functions::COMPILE, &args)).unwrap();
                assert_eq!(reply.unwrap().status, expected, "{conventions:?}");
            }
        }
    }
}

#[test]
fn a_failed_read_clears_the_buffer() {
    for (conventions, left) in [(Conventions::Substrate, 0), (Conventions::Fusee, 0xaa)] {
        for (_, executor) in executors() {
            let mut guest = guest(conventions, executor);
            let instance = instance(&mut guest);
            // Idle first, then out of bounds.
            for expected in [MemoryError::InvalidInstance, MemoryError::OutOfBounds] {
                guest.put(512, &[0xaa; 18]);
                let id = Value::I32(instance.0.cast_signed());
                let args = [id, Value::I32(0), range(513, 16)];
                let reply: Result<(), MemoryError> =
                    decode(guest.ask(functions::READ_MEMORY, &args)).unwrap();
                assert_eq!(reply, Err(expected));
                let mut bytes = [left; 18];
                (bytes[0], bytes[17]) = (0xaa, 0xaa);
                assert_eq!(guest.take(512, 18), bytes, "{conventions:?}");
                guest.prepare(instance, b"tell").unwrap_or(());
            }
        }
    }
}

/// `Guest::run` checks the buffer after each failure.
#[test]
fn a_failed_run_clears_the_buffer() {
    for conventions in [Conventions::Substrate, Conventions::Fusee] {
        for (_, executor) in executors() {
            let mut guest = guest(conventions, executor);
            let instance = instance(&mut guest);
            let idle = guest.run(instance, GAS, 0);
            assert_eq!(idle, Err(ExecError::InvalidInstance));
            guest.prepare(instance, b"ask").unwrap();
            assert_eq!(guest.run(instance, -1, 0), Err(ExecError::OutOfGas));
            guest.prepare(instance, b"ask").unwrap();
            assert_eq!(guest.run(instance, 0, 0), Err(ExecError::OutOfGas));
            guest.prepare(instance, b"ask").unwrap();
            guest.run(instance, GAS, 0).unwrap();
            assert_eq!(guest.run(instance, GAS, 0), Err(ExecError::Trap));
        }
    }
}

#[test]
fn compiling_anew_replaces_what_an_identifier_names() {
    for (_, executor) in executors() {
        let mut vms = by(Conventions::Substrate, Arc::new(executor));
        let kept = vms.compile(&keeper(), Some(b"id")).unwrap().unwrap();
        let nine: &mut dyn Nine = &mut vms;
        let before = nine.instantiate(kept.id).unwrap();
        let other = importing(&[b"other"]);
        assert_eq!(vms.recompile(&other, b"id").unwrap(), Ok(ModuleId(1)));
        let refused = vms.recompile(b"no program", b"id").unwrap();
        assert_eq!(refused, Err(ModuleError::InvalidImage));
        assert_eq!(vms.lookup(b"id"), Ok(ModuleId(2)));
        let nine: &mut dyn Nine = &mut vms;
        assert_eq!(told(nine, before), 0, "it continues");
        let after = nine.instantiate(ModuleId(2)).unwrap();
        assert_eq!(called(nine, after), b"other");
        assert_eq!(vms.recompile(&other, b"new").unwrap(), Ok(ModuleId(3)));
        assert_eq!(vms.lookup(b"new"), Ok(ModuleId(4)));
    }
}

/// A program that calls the last of its imports.
fn importing(names: &[&[u8]]) -> Vec<u8> {
    let mut program = ProgramBlobBuilder::new(InstructionSetKind::JamV1);
    names.iter().for_each(|name| program.add_import(name));
    let last = i32::try_from(names.len() - 1).unwrap();
    program.set_code(&[asm::ecalli(last), asm::ret()], &[]);
    program.add_export_by_basic_block(0, b"call");
    program.into_vec().unwrap()
}

fn called(nine: &mut dyn Nine, instance: InstanceId) -> Vec<u8> {
    let (status, asked) = run(nine, instance, "call", 0).unwrap();
    assert_eq!(status, ExecStatus::Syscall);
    asked.symbol.as_bytes().to_vec()
}

#[test]
fn any_name_of_32_bytes_is_a_symbol() {
    everywhere(Conventions::Substrate, |nine| {
        let of_the_nine = b"ext_virtualization_run_version_1";
        assert!(
            functions::FUNCTIONS
                .iter()
                .any(|row| row.name.as_bytes() == of_the_nine)
        );
        let not_text = [0xff; 32];
        for symbol in [&b""[..], b"\xff\xfe", b"a\\x5c", &not_text, of_the_nine] {
            let module = nine.compile(&importing(&[symbol]), None).unwrap();
            let instance = nine.instantiate(module.id).unwrap();
            assert_eq!(called(nine, instance), symbol);
        }
        for symbol in [&[0xff; 33][..], b"ext_virtualization_lookup_version_1"] {
            let refused = nine.compile(&importing(&[symbol]), None);
            assert_eq!(refused, Err(ModuleError::InvalidImage));
        }
    });
}

#[test]
fn a_program_may_have_as_many_imports_as_its_format() {
    everywhere(Conventions::Substrate, |nine| {
        for count in [1_001, 1_024] {
            let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
            let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
            let module = nine.compile(&importing(&names), None).unwrap();
            let instance = nine.instantiate(module.id).unwrap();
            assert_eq!(called(nine, instance), names[count - 1]);
        }
    });
}

#[test]
fn exports_have_any_name_and_memories_any_size() {
    const LARGE: u32 = 200 << 20;
    everywhere(Conventions::Substrate, |nine| {
        let mut program = ProgramBlobBuilder::new(InstructionSetKind::ReviveV1);
        program.set_rw_data_size(LARGE);
        program.set_code(&[asm::load_imm(Reg::A0, 1), asm::ret()], &[]);
        for name in [&b"\xff\xfe"[..], b"\\0", b"a\\xff", b"\xff\xfe"] {
            program.add_export_by_basic_block(0, name);
        }
        let module = nine.compile(&program.into_vec().unwrap(), None).unwrap();
        let instance = nine.instantiate(module.id).unwrap();
        for name in [&b"\xff\xfe"[..], b"\\0", b"a\\xff"] {
            nine.prepare(instance, name).unwrap();
            nine.write(instance, 0x2_0000 + LARGE - 1, &[7]).unwrap();
            let outside = nine.write(instance, 0x2_0000 + LARGE, &[7]);
            assert_eq!(outside, Err(MemoryError::OutOfBounds));
            assert_eq!(nine.run(instance, GAS, 0).unwrap().0, ExecStatus::Finished);
        }
        for name in [&b"\\xff\\xfe"[..], b"a\xff", b"\\1", b"\\2", b"\\3", b""] {
            assert_eq!(nine.prepare(instance, name), Err(ExecError::InvalidImage));
        }
    });
}

#[test]
fn only_polkavm_programs_are_admitted() {
    everywhere(Conventions::Substrate, |nine| {
        for program in [wasm("(module)"), Vec::new(), b"PVM\0".to_vec()] {
            let refused = nine.compile(&program, Some(b"id"));
            assert_eq!(refused, Err(ModuleError::InvalidImage));
        }
        assert_eq!(nine.lookup(b"id"), Err(ModuleError::NotCached));
    });
    everywhere(Conventions::Fusee, |nine| {
        assert!(nine.compile(&wasm("(module)"), None).is_ok());
    });
}

#[test]
fn conventions_are_part_of_the_rules() {
    let substrate = ChildRules::substrate_v1();
    let ours = substrate.clone().with_conventions(Conventions::Fusee);
    assert_eq!(
        ours,
        ChildRules::new(substrate.rules().clone(), Symbols::Any)
    );
    assert_ne!(ours.id(), substrate.id());
    // Of a nested VM's gas a unit is a unit of the cost model.
    let golden = expect_test::expect_file!["golden/rules_substrate-1.txt"];
    golden.assert_eq(&format!("{substrate}child rules {}\n", substrate.id()));
}
