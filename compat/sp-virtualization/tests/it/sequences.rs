//! Random sequences of calls, on the backend of `sc-virtualization` and on each of ours: every
//! result, every number and every byte is the same. What differs on purpose is listed in
//! `docs/book/src/virtualization.md`, and is shown here to differ.

use std::{cell::RefCell, collections::BTreeSet, env, fs, path::Path};

use fusee_compat_sp_virtualization::Backend;
use fusee_engine_polkavm::Backend as Sandbox;
use polkavm_common::{
    abi::MemoryMapBuilder,
    program::{InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    strategy::Union,
    test_runner::{Config, TestRng, TestRunner},
};
use reference::VirtManager;
use sp_virtualization::{
    ExecStatus, InstanceId, MemoryError, ModuleError, ModuleId, VirtManagerBackend,
};

fn sandboxes() -> Vec<Sandbox> {
    let mut sandboxes = vec![Sandbox::Interpreter];
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        sandboxes.extend([Sandbox::GenericSandbox, Sandbox::ProcessSandbox]);
    }
    sandboxes
}

/// The guests for PolkaVM of this repository, by name.
fn guests() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/polkavm");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "polkavm")
        })
        .collect();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files
        .iter()
        .map(|path| (name(path), fs::read(path).unwrap()))
        .collect()
}

const DATA: u32 = 8_192;

/// A program with something of each: it keeps numbers, counts, divides, asks, traps, fills its
/// stack, and never ends.
fn mixed(set: InstructionSetKind) -> Vec<u8> {
    let map = MemoryMapBuilder::new(4_096).rw_data_size(DATA).build();
    let at = map.unwrap().rw_data_address().cast_signed();
    let mut program = ProgramBlobBuilder::new(set);
    program.set_rw_data_size(DATA);
    program.set_stack_size(4_096);
    for name in [&b"ask"[..], b"\xff", b"ext_virtualization_run_version_1"] {
        program.add_import(name);
    }
    let code = [
        // 0: keeps a0, and traps.
        asm::store_u64(Reg::A0, at),
        asm::trap(),
        // 2: adds a0 without end.
        asm::load_u64(Reg::A1, at),
        asm::add_64(Reg::A1, Reg::A1, Reg::A0),
        asm::store_u64(Reg::A1, at),
        asm::fallthrough(),
        asm::jump(2),
        // 7: asks twice, and keeps both answers.
        asm::load_u64(Reg::A1, at),
        asm::ecalli(0),
        asm::store_u64(Reg::A0, at + 8),
        asm::ecalli(1),
        asm::store_u64(Reg::A0, at + 16),
        asm::ret(),
        // 13: divides, counts and reverses.
        asm::load_u64(Reg::A2, at + 8),
        asm::div_unsigned_64(Reg::A3, Reg::A0, Reg::A2),
        asm::rem_signed_64(Reg::A4, Reg::A0, Reg::A2),
        asm::reverse_byte(Reg::A5, Reg::A0),
        asm::count_set_bits_64(Reg::A1, Reg::A0),
        asm::ecalli(2),
        asm::ret(),
        // 20: writes where a0 says.
        asm::store_indirect_u32(Reg::A0, Reg::A0, 0),
        asm::ret(),
        // 22: fills its stack downwards.
        asm::add_imm_64(Reg::SP, Reg::SP, -8),
        asm::store_indirect_u64(Reg::A0, Reg::SP, 0),
        asm::fallthrough(),
        asm::jump(22),
        // 26: jumps where a0 says.
        asm::jump_indirect(Reg::A0, 0),
    ];
    // Jumps are to blocks, and exports to instructions.
    let block = |instruction: usize| {
        let ends = code[..instruction]
            .iter()
            .filter(|code| code.opcode().starts_new_basic_block());
        u32::try_from(ends.count()).unwrap()
    };
    let resolved: Vec<_> = code
        .iter()
        .map(|instruction| match instruction {
            polkavm_common::program::Instruction::jump(to) => {
                asm::jump(block(usize::try_from(*to).unwrap()))
            }
            other => *other,
        })
        .collect();
    program.set_code(&resolved, &[]);
    for (instruction, name) in [
        (0, &b"trap"[..]),
        (2, b"forever"),
        (7, b"asks"),
        (13, b"divide"),
        (20, b"write"),
        (22, b"\xff\xfe"),
        (26, b"jump"),
        (7, b"_initialize"),
        (13, b"twice"),
        (7, b"twice"),
    ] {
        program.add_export_by_instruction(instruction, name);
    }
    program.into_vec().unwrap()
}

/// The programs of the sequences.
fn programs() -> Vec<Vec<u8>> {
    let mut programs = vec![
        sp_virtualization_test_fixture::binary().to_vec(),
        mixed(InstructionSetKind::JamV1),
        mixed(InstructionSetKind::ReviveV1),
        b"no program".to_vec(),
        b"\0asm\x01\0\0\0".to_vec(),
    ];
    let chosen = ["compute", "hostile_export_twice", "hostile_no_end"];
    let guests = guests()
        .into_iter()
        .filter(|(name, _)| chosen.contains(&name.as_str()));
    programs.extend(guests.map(|(_, program)| program));
    programs
}

const FUNCTIONS: &[&[u8]] = &[
    b"counter",
    b"offset",
    b"do_panic",
    b"increment_forever",
    b"do_exit",
    b"trap",
    b"forever",
    b"asks",
    b"divide",
    b"write",
    b"\xff\xfe",
    b"jump",
    b"twice",
    b"_initialize",
    b"mix",
    b"run",
    b"none",
    b"",
];

/// One call.
#[derive(Clone, Debug)]
enum Op {
    Compile(usize, Option<u8>),
    Lookup(u8),
    Instantiate(u32),
    Prepare(u32, &'static [u8]),
    Run(u32, i64, u64),
    /// Prepares, and runs.
    Call(u32, &'static [u8], i64, u64),
    /// Runs until the instance does not ask, and answers with an argument.
    Finish(u32, usize),
    Destroy(u32),
    Read(u32, Address, u32),
    Write(u32, Address, Vec<u8>),
}

/// An address in a nested VM.
#[derive(Clone, Debug)]
enum Address {
    At(u32),
    /// The argument of the last call of a symbol.
    Argument(usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let instance = || 0..6_u32;
    let address = || {
        let edges = select(vec![
            0,
            1,
            0xffff,
            0x1_0000,
            0x2_0000,
            0x2_0008,
            0x2_0ffc,
            0x2_1ffc,
            0x2_2000,
            0x3_0000,
            0xfffd_e000,
            0xfffd_f000,
            0xfffd_fff8,
            0xfffe_0000,
            u32::MAX,
        ]);
        prop_oneof![
            edges.prop_map(Address::At),
            (0..6_usize).prop_map(Address::Argument)
        ]
    };
    let number = || {
        prop_oneof![
            select(vec![
                0,
                1,
                2,
                7,
                2 << 56,
                0x2_0000,
                0x2_1ffc,
                0xfffd_fff8,
                u64::MAX
            ]),
            any::<u64>()
        ]
    };
    let gas = || {
        prop_oneof![
            // Some functions never end.
            3 => Just(100_000_i64),
            2 => -2..300_i64,
        ]
    };
    let programs = programs().len();
    let op = Union::new_weighted(vec![
        (
            3,
            (0..programs, option::of(0..3_u8))
                .prop_map(|(a, b)| Op::Compile(a, b))
                .boxed(),
        ),
        (1, (0..3_u8).prop_map(Op::Lookup).boxed()),
        (4, (0..8_u32).prop_map(Op::Instantiate).boxed()),
        (
            4,
            (instance(), select(FUNCTIONS))
                .prop_map(|(a, b)| Op::Prepare(a, b))
                .boxed(),
        ),
        (
            4,
            (instance(), gas(), number())
                .prop_map(|(a, b, c)| Op::Run(a, b, c))
                .boxed(),
        ),
        (
            12,
            (instance(), select(FUNCTIONS), gas(), number())
                .prop_map(|(a, b, c, d)| Op::Call(a, b, c, d))
                .boxed(),
        ),
        (
            3,
            (instance(), 0..6_usize)
                .prop_map(|(a, b)| Op::Finish(a, b))
                .boxed(),
        ),
        (1, instance().prop_map(Op::Destroy).boxed()),
        (
            4,
            (instance(), address(), 0..40_u32)
                .prop_map(|(a, b, c)| Op::Read(a, b, c))
                .boxed(),
        ),
        (
            4,
            (instance(), address(), vec(any::<u8>(), 0..20))
                .prop_map(|(a, b, c)| Op::Write(a, b, c))
                .boxed(),
        ),
    ]);
    // Most sequences begin with instances of programs that run.
    let begin = (vec(0..3_usize, 0..3), vec(0..3_u32, 0..5)).prop_map(|(programs, modules)| {
        let compile = programs
            .into_iter()
            .map(|program| Op::Compile(program, Some(0)));
        let instantiate = modules.into_iter().map(Op::Instantiate);
        compile.chain(instantiate).collect::<Vec<_>>()
    });
    (begin, vec(op, 1..60)).prop_map(|(begin, ops)| [begin, ops].concat())
}

/// A backend, and the arguments of the last call of a symbol.
struct Driven {
    backend: Box<dyn VirtManagerBackend>,
    args: [u64; 6],
}

impl Driven {
    fn new(backend: impl VirtManagerBackend) -> Self {
        Self {
            backend: Box::new(backend),
            args: [0; 6],
        }
    }

    fn address(&self, address: &Address) -> u32 {
        match address {
            Address::At(address) => *address,
            Address::Argument(index) => self.args[*index] as u32,
        }
    }

    fn run(&mut self, instance: InstanceId, gas: i64, a0: u64) -> (bool, String) {
        let ran = self.backend.run(instance, gas, a0);
        let asks = matches!(ran, Ok((ExecStatus::Syscall, _)));
        if asks && let Ok((_, buffer)) = &ran {
            self.args = [
                buffer.a0, buffer.a1, buffer.a2, buffer.a3, buffer.a4, buffer.a5,
            ];
        }
        (asks, format!("{ran:?}"))
    }

    /// What a call returns.
    fn apply(&mut self, op: &Op, programs: &[Vec<u8>]) -> String {
        let backend = &mut self.backend;
        match op {
            Op::Compile(program, identifier) => {
                let identifier = identifier.map(|name| [name]);
                let identifier = identifier.as_ref().map(|name| &name[..]);
                format!(
                    "{:?}",
                    backend.compile_from_bytes(&programs[*program], identifier)
                )
            }
            Op::Lookup(name) => format!("{:?}", backend.lookup(&[*name])),
            Op::Instantiate(id) => format!("{:?}", backend.instantiate(ModuleId::from(*id))),
            Op::Prepare(id, name) => {
                format!("{:?}", backend.prepare(InstanceId::from(*id), name))
            }
            Op::Run(id, gas, a0) => self.run(InstanceId::from(*id), *gas, *a0).1,
            Op::Call(id, name, gas, a0) => {
                let prepared = backend.prepare(InstanceId::from(*id), name);
                let (_, ran) = self.run(InstanceId::from(*id), *gas, *a0);
                format!("{ran} {prepared:?}")
            }
            Op::Finish(id, answer) => {
                let mut results = Vec::new();
                let mut asks = true;
                while asks && results.len() < 10 {
                    let (asked, result) =
                        self.run(InstanceId::from(*id), 10_000, self.args[*answer]);
                    asks = asked;
                    results.push(result);
                }
                results.concat()
            }
            Op::Destroy(id) => format!("{:?}", backend.destroy(InstanceId::from(*id))),
            Op::Read(id, at, length) => {
                let mut bytes = vec![0xee; usize::try_from(*length).unwrap()];
                let at = self.address(at);
                let read = self
                    .backend
                    .read_memory(InstanceId::from(*id), at, &mut bytes);
                // A failed read leaves nothing that a guest sees: it gets zeros.
                let bytes = read.is_ok().then_some(bytes);
                format!("{read:?} {bytes:?}")
            }
            Op::Write(id, at, bytes) => {
                let at = self.address(at);
                format!(
                    "{:?}",
                    self.backend.write_memory(InstanceId::from(*id), at, bytes)
                )
            }
        }
    }

    /// The memory of every instance: data and stack.
    fn memory(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        for id in 0..6 {
            for name in FUNCTIONS {
                let _ = self.backend.prepare(InstanceId::from(id), name);
            }
            for (at, length) in [(0x2_0000, 4_096), (0x2_1000, 4_096), (0xfffd_f000, 4_096)] {
                let mut bytes = vec![0; length];
                let read = self
                    .backend
                    .read_memory(InstanceId::from(id), at, &mut bytes);
                all.push(format!("{id} {at:x}: {read:?} {bytes:?}"));
            }
        }
        all
    }
}

/// The first words of a result, to see that the sequences reach all of them.
fn kind(result: &str) -> String {
    let words = result.split(|letter: char| !letter.is_alphabetic());
    words
        .filter(|word| !word.is_empty())
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a person asks for more cases")]
fn random_sequences_do_the_same() {
    let programs = programs();
    let cases = env::var("CASES").map_or(300, |cases| cases.parse().unwrap());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let random = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, random);
    let kinds = RefCell::new(BTreeSet::new());
    let cases = (select(sandboxes()), ops());
    let ran = runner.run(&cases, |(sandbox, ops)| {
        let mut theirs = Driven::new(VirtManager::default());
        let mut ours = Driven::new(Backend::on(sandbox));
        for (step, op) in ops.iter().enumerate() {
            let expected = theirs.apply(op, &programs);
            let found = ours.apply(op, &programs);
            prop_assert_eq!(&found, &expected, "step {}: {:?}", step, op);
            kinds.borrow_mut().insert(kind(&expected));
        }
        prop_assert!(ours.memory() == theirs.memory(), "the memory differs");
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
    let expected = [
        "Err InvalidImage",
        "Err InvalidInstance",
        "Err InvalidModule",
        "Err NotCached",
        "Err OutOfBounds",
        "Err OutOfGas",
        "Err Trap",
        "Ok",
        "Ok Finished",
        "Ok InstanceId",
        "Ok ModuleId",
        "Ok Some",
        "Ok Syscall",
    ];
    println!("{:#?}", kinds);
    for kind in expected {
        assert!(
            kinds.borrow().contains(kind),
            "no sequence comes to `{kind}`"
        );
    }
}

/// The names of programs that they admit and we refuse, for reasons in
/// `docs/book/src/virtualization.md`.
const REFUSED: &[&str] = &["hostile_call_of_nothing", "hostile_export_inside"];

#[test]
fn the_same_programs_are_admitted_but_for_two() {
    let mut theirs = VirtManager::default();
    let mut ours = Backend::on(Sandbox::Interpreter);
    let mut refused = Vec::new();
    for (name, program) in guests() {
        let expected = theirs.compile_from_bytes(&program, None).map(drop);
        let found = ours.compile_from_bytes(&program, None).map(drop);
        if found != expected {
            assert_eq!(found, Err(ModuleError::InvalidImage), "{name}");
            refused.push(name);
        }
    }
    assert_eq!(refused, REFUSED);
}

#[test]
fn a_stack_has_a_power_of_two_of_pages() {
    let mut program = ProgramBlobBuilder::new(InstructionSetKind::JamV1);
    program.set_stack_size(3 * 4_096);
    program.set_code(&[asm::ret()], &[]);
    program.add_export_by_instruction(0, b"run");
    let program = program.into_vec().unwrap();
    let fourth_page = |backend: &mut dyn VirtManagerBackend| {
        let module = backend.compile_from_bytes(&program, None).unwrap();
        let instance = backend.instantiate(module).unwrap();
        backend.prepare(instance, b"run").unwrap();
        backend.read_memory(instance, 0xfffe_0000 - 4 * 4_096, &mut [0])
    };
    for sandbox in sandboxes() {
        assert_eq!(
            fourth_page(&mut Backend::on(sandbox)),
            Ok(()),
            "{sandbox:?}"
        );
    }
    // Theirs is as large as the program asks.
    let theirs = fourth_page(&mut VirtManager::default());
    assert_eq!(theirs, Err(MemoryError::OutOfBounds));
}
