//! Which instances become idle, and their limit; the default slice. `conformance` tests on every
//! lane that a reused instance behaves like a fresh one.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::Arc;

use fusee_engine::{
    CodeHash, CompileWork, DEFAULT_SLICE, Engine, EngineError, Entry, Export, Format, Frames, Gas,
    Host, Instance, Meter, Mode, Module, OutOfGasPolicy, Program, Rate, RulesId, Run, Step, Stop,
    Syscall, Value,
};

use crate::{Backend, PolkaVmEngine};

const COMPUTE: &[u8] = include_bytes!("../../../../guests/polkavm/compute.polkavm");

struct Nobody;

impl Host for Nobody {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Stop::Fail(EngineError::Host("nobody answers".into())))
    }
}

fn program() -> Arc<Program> {
    let blob = polkavm::ProgramBlob::parse(COMPUTE.into()).unwrap();
    let export = |name: String| Export {
        name,
        params: Vec::new(),
        results: Vec::new(),
    };
    let names = blob.exports();
    let names =
        names.map(|export| String::from_utf8_lossy(export.symbol().as_bytes()).into_owned());
    Arc::new(Program {
        format: Format::PolkaVm,
        code_hash: CodeHash::of(COMPUTE),
        rules: RulesId::from_bytes([0; 32]),
        code: COMPUTE.to_vec(),
        imports: Vec::new(),
        exports: names.map(export).collect(),
        frames: Frames::default(),
        memory: None,
        grows_memory: false,
        has_start: false,
        instantiation_gas: Gas::ZERO,
        rate: Rate::ONE,
        compile_work: CompileWork::default(),
    })
}

/// The engines that keep idle instances and are supported on this machine.
fn keeping() -> Vec<PolkaVmEngine> {
    let generic = PolkaVmEngine::on(Backend::GenericSandbox);
    let interpreter = PolkaVmEngine::new().unwrap();
    std::iter::once(interpreter).chain(generic).collect()
}

fn module(engine: &PolkaVmEngine) -> Arc<dyn Module> {
    engine.compile(&program()).unwrap()
}

/// Enters an export with a number, in a new instance.
fn enter(
    module: &Arc<dyn Module>,
    entry: &str,
    arg: i64,
    gas: u64,
    out_of_gas_policy: OutOfGasPolicy,
) -> Entered {
    let exports = &program().exports;
    let entry = exports.iter().position(|export| export.name == entry);
    let gas = Gas::new(gas);
    let meter = Meter::new(gas, gas, out_of_gas_policy, None);
    let mut run = Run::new(meter, None);
    let mut instance = module.instantiate(Mode::Suspendable).unwrap();
    let entry = Entry::Export(entry.unwrap());
    let step = instance.call(&mut run, &mut Nobody, entry, &[Value::I64(arg)]);
    Entered {
        step: step.unwrap(),
        run,
        instance,
    }
}

/// An instance after a call.
struct Entered {
    step: Step,
    run: Run,
    instance: Box<dyn Instance>,
}

fn keep(module: &Arc<dyn Module>) -> Entered {
    enter(module, "keep", 3, 1_000_000, OutOfGasPolicy::Stop)
}

#[test]
fn compiled_code_has_larger_slices_than_interpreted() {
    let interpreted = module(&PolkaVmEngine::new().unwrap());
    assert_eq!(interpreted.default_slice(), DEFAULT_SLICE);
    if let Ok(engine) = PolkaVmEngine::on(Backend::GenericSandbox) {
        assert_eq!(module(&engine).default_slice(), Gas::new(5_000_000));
    }
}

#[test]
fn what_returned_is_kept_and_used_again() {
    keeping().iter().for_each(returned_is_kept);
}

fn returned_is_kept(engine: &PolkaVmEngine) {
    let module = module(engine);
    for _ in 0..3 {
        let Entered {
            step,
            run,
            instance,
        } = keep(&module);
        assert!(matches!(step, Step::Returned), "{step:?}");
        assert_eq!(run.values, [Value::I64(8)]);
        assert_eq!(engine.idle.held().0, 0);
        drop(instance);
        assert_eq!(engine.idle.held().0, 1);
    }
    let both = [keep(&module), keep(&module)];
    assert_eq!(engine.idle.held(), (0, 0));
    drop(both);
    assert_eq!(engine.idle.held().0, 2);
}

#[test]
fn what_did_not_return_is_never_kept() {
    keeping().iter().for_each(others_are_not);
}

fn others_are_not(engine: &PolkaVmEngine) {
    let module = module(engine);
    let stopped = |entry, gas, out_of_gas_policy| {
        let entered = enter(&module, entry, 0, gas, out_of_gas_policy);
        assert!(!matches!(entered.step, Step::Returned));
        drop(entered);
        assert_eq!(engine.idle.held(), (0, 0), "{entry}");
    };
    stopped("fail", 1_000_000, OutOfGasPolicy::Stop);
    stopped("forever", 10_000, OutOfGasPolicy::Stop);
    stopped("forever", 10_000, OutOfGasPolicy::Suspend);
    drop(module.instantiate(Mode::Plain).unwrap());
    assert_eq!(engine.idle.held(), (0, 0));

    // Nor an instance that returned before.
    let Entered {
        mut run,
        mut instance,
        ..
    } = keep(&module);
    let fail = program();
    let fail = fail.exports.iter().position(|export| export.name == "fail");
    let fail = Entry::Export(fail.unwrap());
    let step = instance.call(&mut run, &mut Nobody, fail, &[]);
    assert!(matches!(step.unwrap(), Step::Stopped(_)));
    drop(instance);
    assert_eq!(engine.idle.held(), (0, 0));
}

#[test]
fn no_more_is_kept_than_was_said() {
    let filled = |bytes: u64| {
        let engine = PolkaVmEngine::new().unwrap().with_idle_bytes(bytes);
        assert_eq!(engine.idle_bytes(), bytes);
        let module = module(&engine);
        drop((0..5).map(|_| keep(&module)).collect::<Vec<_>>());
        let (count, held) = engine.idle.held();
        assert!(held <= bytes, "{held} of {bytes}");
        (count, held)
    };
    let (all, held) = filled(1 << 30);
    assert_eq!(all, 5);
    let one = held / 5;
    for count in [0, 1, 3] {
        let (kept, _) = filled(one * count + one / 2);
        assert_eq!(u64::try_from(kept), Ok(count));
    }
    if let Ok(engine) = PolkaVmEngine::on(Backend::ProcessSandbox) {
        assert_eq!(engine.with_idle_bytes(1 << 30).idle_bytes(), 0);
    }
}

#[test]
fn a_module_takes_its_idle_instances_with_it_and_leaves_those_of_others() {
    let engine = PolkaVmEngine::new().unwrap();
    let [first, second] = [(); 2].map(|()| module(&engine));
    drop([keep(&first), keep(&second), keep(&second)]);
    assert_eq!(engine.idle.held().0, 3);
    let running = keep(&second);
    assert_eq!(engine.idle.held().0, 2);
    drop(second);
    drop(running);
    assert_eq!(engine.idle.held().0, 1);
    drop(keep(&first));
    assert_eq!(engine.idle.held().0, 1);
    drop(first);
    assert_eq!(engine.idle.held(), (0, 0));
}

#[test]
fn those_that_came_last_stay() {
    let engine = PolkaVmEngine::new().unwrap();
    let [first, second] = [(); 2].map(|()| module(&engine));
    drop(keep(&first));
    let (_, one) = engine.idle.held();
    let engine = engine.with_idle_bytes(2 * one);
    drop((first, second));
    let [first, second] = [(); 2].map(|()| module(&engine));
    drop(keep(&first));
    drop([keep(&second), keep(&second)]);
    assert_eq!(engine.idle.held(), (2, 2 * one));
    let both = [keep(&second), keep(&second)];
    assert_eq!(engine.idle.held(), (0, 0), "the first one's is gone");
    drop(both);
}
