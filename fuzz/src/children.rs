//! Children that a fuzzer drives: some programs, and calls of the nine functions by number, in
//! whatever order.
//!
//! Each call is made in two worlds, which are an engine for each format. What must hold: there is
//! no panic and no [`VirtualizationError`], both answer alike, to the last unit of gas and byte of
//! memory, and a model of the states knows which answer it is, or which it can be.
//!
//! [`VirtualizationError`]: fusee_virtualization::VirtualizationError

mod model;
pub mod programs;

use std::sync::{Arc, LazyLock};

use fusee_engine::{Engine, Format, Gas, Program};
use fusee_engine_polkavm::{Backend, PolkaVmEngine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::{Bounds, WasmtimeEngine};
use fusee_executor::Executor;
use fusee_instrument::{Floats, PolkaVmRules, Rules, prepare};
use fusee_virtualization::{
    ChildLimits, ChildRules, ChildSettings, Children, Conventions, StorageScope, Symbols,
    wire::{InstanceId, ModuleId},
};
use libfuzzer_sys::arbitrary::{Result, Unstructured};

use model::Model;

/// Enough for most that end at all, and no more than the time allows.
const MUCH: i64 = 200_000;

/// Calls of one input.
const MOST_CALLS: u32 = 64;

const LIMITS: ChildLimits = ChildLimits {
    modules: u32::MAX,
    instances: 6,
    memory_bytes: 48 << 20,
    generations: 4,
};

/// Keys of code: what lies under each, is told by the number of a program.
const KEYS: &[&[u8]] = &[b"", b"key", b"other"];
const SPACES: &[&[u8]] = &[b"", b"a", b"b"];

#[derive(Debug)]
struct World {
    name: &'static str,
    executor: Arc<Executor>,
}

static WORLDS: LazyLock<Vec<World>> = LazyLock::new(|| {
    let wasmtime = |bounds| -> Arc<dyn Engine> {
        let engine = WasmtimeEngine::builder().instances(64).growing(bounds);
        Arc::new(engine.build().expect("Wasmtime works on this machine"))
    };
    let polkavm = |backend| -> Arc<dyn Engine> {
        Arc::new(PolkaVmEngine::on(backend).expect("PolkaVM works on this machine"))
    };
    let wasmi: Arc<dyn Engine> = Arc::new(WasmiEngine::new());
    let (interpreter, generic) = (
        polkavm(Backend::Interpreter),
        polkavm(Backend::GenericSandbox),
    );
    let world = |name, wasm: Arc<dyn Engine>, polkavm: &Arc<dyn Engine>, slice| {
        let builder = Executor::builder(wasm).engine(Arc::clone(polkavm));
        let executor = Arc::new(builder.slice(Gas::new(slice)).cache_bytes(16 << 20).build());
        World { name, executor }
    };
    vec![
        world(
            "wasmtime, interpreter",
            wasmtime(Bounds::Guarded),
            &interpreter,
            1 << 24,
        ),
        world(
            "wasmi, generic sandbox, tiny slices",
            Arc::clone(&wasmi),
            &generic,
            97,
        ),
        world(
            "wasmtime, checked, generic sandbox, tiny slices",
            wasmtime(Bounds::Checked),
            &generic,
            97,
        ),
        world("wasmi, interpreter", wasmi, &interpreter, 1 << 24),
    ]
});

/// Those of this repository, and those of Substrate.
static RULES: LazyLock<[ChildRules; 2]> = LazyLock::new(|| {
    let rules = Rules::v1(fusee_virtualization::functions::v1())
        .with_floats(Floats::Canonical)
        .with_polkavm(PolkaVmRules::v1());
    [
        ChildRules::new(rules, Symbols::Any),
        ChildRules::substrate_v1(),
    ]
});

/// A program that may be compiled.
struct Candidate {
    bytes: Vec<u8>,
    /// What the rules make of it, if they admit it.
    program: Option<Program>,
    ending: &'static [&'static str],
}

/// Does what the bytes say.
///
/// # Panics
///
/// If anything is not as it must be.
pub fn check(bytes: &[u8]) {
    // What ends early has been done as far as it goes.
    // Two worlds are enough to differ; compiling for all of them would take most of the time.
    let last = bytes.last().copied().unwrap_or_default();
    let pair = usize::from(last % 2);
    let worlds = WORLDS.chunks_exact(2).nth(pair).unwrap_or_default();
    let rules = &RULES[usize::from(last / 2 % 2)];
    let _ = drive(worlds, rules, &mut Unstructured::new(bytes));
}

fn drive(
    worlds: &'static [World],
    rules: &'static ChildRules,
    u: &mut Unstructured<'_>,
) -> Result<()> {
    let mut candidates = Vec::new();
    for _ in 0..u.int_in_range(1..=3)? {
        let source = programs::source(u)?;
        let program = prepare(
            &source.bytes,
            &rules.for_program(&source.bytes, &Symbols::Any, true),
        );
        candidates.push(Candidate {
            program: program.ok().filter(|program| {
                rules.conventions() == Conventions::Fusee || program.format == Format::PolkaVm
            }),
            bytes: source.bytes,
            ending: source.ending,
        });
    }
    let settings = ChildSettings {
        limits: LIMITS,
        ..ChildSettings::default()
    };
    let worlds = worlds.iter().map(|world| {
        let executor = Arc::clone(&world.executor);
        let children = Children::new(executor, rules.clone(), settings.clone());
        (world.name, children)
    });
    let mut driven = Driven {
        worlds: worlds.collect(),
        model: Model::new(candidates, rules),
    };
    // Most inputs get somewhere.
    driven.compile(0, None);
    driven.instantiate(0);
    for _ in 0..MOST_CALLS {
        if u.is_empty() {
            break;
        }
        driven.call(u)?;
    }
    driven.end();
    Ok(())
}

struct Driven {
    worlds: Vec<(&'static str, Children)>,
    model: Model,
}

impl Driven {
    fn call(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u.int_in_range(0..=16)? {
            0 => {
                let program = self.program(u)?;
                self.compile(program, None);
            }
            1 => {
                let program = self.program(u)?;
                let identifier = *u.choose(KEYS)?;
                self.compile(program, Some(identifier));
            }
            2 => {
                let identifier = *u.choose(KEYS)?;
                let expected = self.model.lookup(identifier);
                self.both(
                    "lookup",
                    |children| children.lookup(identifier),
                    |found| *found == expected,
                );
            }
            3 => {
                let (space, key) = (*u.choose(SPACES)?, *u.choose(KEYS)?);
                let program = self.program(u)?;
                self.compile_key(space, key, program);
            }
            4 => {
                let module = self.number(u, self.model.modules())?;
                self.instantiate(module);
            }
            5 => {
                let instance = self.number(u, self.model.given())?;
                let expected = self.model.destroy(instance);
                let id = InstanceId(instance);
                self.both(
                    "destroy",
                    |children| children.destroy(id),
                    |found| *found == expected,
                );
            }
            6..=8 => {
                let instance = self.number(u, self.model.given())?;
                self.prepare(u, instance)?;
            }
            9..=13 => {
                let instance = self.number(u, self.model.given())?;
                // What is idle is not run, mostly.
                if self.model.is_idle(instance) && u.arbitrary::<u8>()? < 240 {
                    self.prepare(u, instance)?;
                }
                let (gas, a0) = (self.gas(u, instance)?, number(u)?);
                self.run(instance, gas, a0);
            }
            14 | 15 => {
                let instance = self.number(u, self.model.given())?;
                let (offset, length) = (offset(u)?, length(u)?);
                self.read(instance, offset, length);
            }
            _ => {
                let instance = self.number(u, self.model.given())?;
                let (offset, length) = (offset(u)?, length(u)?);
                let bytes = vec![u.arbitrary()?; usize::try_from(length).unwrap_or(0)];
                self.write(instance, offset, &bytes);
            }
        }
        Ok(())
    }

    /// Calls it in both worlds.
    fn both<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        call: impl Fn(&mut Children) -> T,
        is_expected: impl FnOnce(&T) -> bool,
    ) {
        self.answer(what, call, is_expected);
    }

    /// Calls it in both worlds, holds their answers against each other, and has one looked at.
    fn answer<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        call: impl Fn(&mut Children) -> T,
        is_expected: impl FnOnce(&T) -> bool,
    ) -> T {
        let mut answers = self
            .worlds
            .iter_mut()
            .map(|(name, children)| (*name, call(children)));
        let (name, first) = answers.next().expect("there is a world");
        for (other, answer) in answers {
            assert_eq!(answer, first, "{what}: {other} against {name}");
        }
        assert!(
            is_expected(&first),
            "{what} is not to answer {first:?}: {:?}",
            self.model
        );
        first
    }

    fn compile(&mut self, program: usize, identifier: Option<&[u8]>) {
        let bytes = self.model.bytes(program);
        let expected = self.model.compile(program, identifier);
        self.both(
            "compile",
            |children| {
                children
                    .compile(&bytes, identifier)
                    .expect("no fault of the host")
            },
            |found| *found == expected,
        );
    }

    fn compile_key(&mut self, space: &[u8], key: &[u8], program: usize) {
        let bytes = self.model.bytes(program);
        // Nothing lies under a key that is empty.
        let code = (!key.is_empty()).then_some(bytes);
        let expected = self.model.compile_key(space, key, program);
        self.both(
            "compile_key",
            |children| {
                let found =
                    children.compile_key(StorageScope::named(space), key, |_, _| Ok(code.clone()));
                found.expect("no fault of the host")
            },
            |found| *found == expected,
        );
    }

    fn instantiate(&mut self, module: u32) {
        let expected = self.model.instantiate(module);
        let id = ModuleId(module);
        self.both(
            "instantiate",
            |children| children.instantiate(id),
            |found| *found == expected,
        );
    }

    fn prepare(&mut self, u: &mut Unstructured<'_>, instance: u32) -> Result<()> {
        let name = self.name(u, instance)?;
        let expected = self.model.prepare(instance, &name);
        let id = InstanceId(instance);
        self.both(
            "prepare",
            |children| {
                let prepared = children.prepare(id, &name);
                prepared.expect("no fault of the host")
            },
            |found| *found == expected,
        );
        Ok(())
    }

    fn run(&mut self, instance: u32, gas: i64, a0: u64) {
        let id = InstanceId(instance);
        let model = self.model.clone();
        let answer = self.answer(
            "run",
            |children| children.run(id, gas, a0).expect("no fault of the host"),
            |found| model.can_run(instance, gas, found),
        );
        self.model.ran(instance, answer.map(|(status, _)| status));
    }

    fn read(&mut self, instance: u32, offset: u32, length: u32) {
        let id = InstanceId(instance);
        let model = self.model.clone();
        self.both(
            "read_memory",
            |children| {
                let mut out = vec![0; usize::try_from(length).unwrap_or(0)];
                children.read_memory(id, offset, &mut out).map(|()| out)
            },
            |found| model.can_reach(instance, offset, length, found.as_ref().map(|_| ())),
        );
    }

    fn write(&mut self, instance: u32, offset: u32, bytes: &[u8]) {
        let id = InstanceId(instance);
        let model = self.model.clone();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let written = self.answer(
            "write_memory",
            |children| children.write_memory(id, offset, bytes),
            |found| model.can_reach(instance, offset, length, found.as_ref().map(|_| ())),
        );
        if written.is_ok() && length > 0 {
            self.both(
                "read what was written",
                |children| {
                    let mut out = vec![0; bytes.len()];
                    children.read_memory(id, offset, &mut out).map(|()| out)
                },
                |found| found.as_deref() == Ok(bytes),
            );
        }
    }

    /// What is left of it is the same everywhere.
    fn end(&mut self) {
        let instances = self.model.instances();
        self.both(
            "instances",
            |children| children.instances(),
            |found| *found == instances,
        );
        for instance in 0..self.model.given() {
            for offset in [0, 0x1_0000, 0x2_0000, 0x3_0000] {
                self.read(instance, offset, 4_096);
            }
        }
    }

    fn program(&self, u: &mut Unstructured<'_>) -> Result<usize> {
        u.choose_index(self.model.programs())
    }

    /// A number that was given, mostly: the next is not, and many others.
    fn number(&self, u: &mut Unstructured<'_>, given: u32) -> Result<u32> {
        match u.arbitrary::<u8>()? {
            255 => u.arbitrary(),
            254 => Ok(given),
            other => Ok(u32::from(other).checked_rem(given).unwrap_or(0)),
        }
    }

    fn name(&self, u: &mut Unstructured<'_>, instance: u32) -> Result<Vec<u8>> {
        let exports = self.model.exports(instance);
        let choice = usize::from(u.arbitrary::<u8>()?);
        if choice >= 250 {
            return Ok(u.choose(programs::NAMES)?.to_vec());
        }
        if choice >= 240 {
            let length = choice - 240;
            return Ok(u.bytes(length.min(u.len()))?.to_vec());
        }
        let position = choice.checked_rem(exports.len()).unwrap_or(0);
        Ok(exports
            .get(position)
            .map_or_else(|| b"f".to_vec(), Clone::clone))
    }

    fn gas(&self, u: &mut Unstructured<'_>, instance: u32) -> Result<i64> {
        Ok(match u.int_in_range(0..=9)? {
            0 => *u.choose(&[-1, i64::MIN, i64::MIN + 1])?,
            1 => 0,
            2 => i64::from(u.arbitrary::<u8>()?),
            3 => i64::from(u.arbitrary::<u16>()?),
            4 => i64::from(u.arbitrary::<u32>()?) % MUCH,
            // Whatever ends by itself may have what it likes.
            5 | 6 if self.model.ends(instance) => *u.choose(&[i64::MAX, i64::MAX - 1])?,
            _ => MUCH,
        })
    }
}

fn number(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=3)? {
        0 => u.arbitrary()?,
        1 => *u.choose(&[
            u64::MAX,
            1 << 32,
            u64::from(u32::MAX),
            1 << 63,
            0x2_0000,
            0x1_0000,
        ])?,
        _ => u64::from(u.arbitrary::<u8>()?),
    })
}

fn offset(u: &mut Unstructured<'_>) -> Result<u32> {
    Ok(match u.int_in_range(0..=4)? {
        0 => u.arbitrary()?,
        1 => u
            .choose(&[
                0x1_0000,
                0x2_0000,
                0x3_0000,
                0_u32,
                0xffff_0000,
                0xfffe_0000,
            ])?
            .wrapping_add(u32::from(u.arbitrary::<u8>()?)),
        2 => u
            .choose(&[
                0x1_0000,
                0x2_0000,
                0x3_0000,
                0_u32,
                0xffff_0000,
                0xfffe_0000,
            ])?
            .wrapping_sub(u32::from(u.arbitrary::<u8>()?)),
        _ => u32::from(u.arbitrary::<u16>()?),
    })
}

fn length(u: &mut Unstructured<'_>) -> Result<u32> {
    Ok(match u.int_in_range(0..=5)? {
        0 => *u.choose(&[0, 0x1_0000, 0x1_0001, 0x2_0000, 0xf_ffff])?,
        1 => u32::from(u.arbitrary::<u16>()?),
        _ => u32::from(u.arbitrary::<u8>()?),
    })
}
