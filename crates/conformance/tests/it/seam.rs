//! The engine traits: instances of every engine are called, suspended and dropped without an
//! executor.

use std::{sync::Arc, thread};

use fusee_conformance::Backend;
use fusee_engine::{
    Engine, EngineError, Entry, Gas, Host, Instance, Interrupt, Meter, Mode, Module,
    OutOfGasPolicy, Pause, Program, Resource, Run, Step, Stop, Syscall, Value, ValueType,
};
use fusee_engine_polkavm::PolkaVmEngine;
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::{Bounds, WasmtimeEngine};
use fusee_instrument::{PolkaVmRules, Rules, SyscallPrice, SyscallRule};
use polkavm_common::program::{InstructionSetKind, asm};

use crate::{guest::wasm, polkavm::importing};

/// Asks twice, and returns the second answer.
const ASKS: &str = r#"(module
  (import "env" "ask" (func $ask (result i64)))
  (memory 1 4)
  (func (export "run") (result i64) (drop (call $ask)) (call $ask)))"#;

/// The price of an instance is not charged here.
const GAS: Gas = Gas::new(1_000_000);

const RUN: Entry = Entry::Export(0);

fn rules() -> Rules {
    let ask = SyscallRule {
        module: "env".to_owned(),
        name: "ask".to_owned(),
        number: 0,
        params: Vec::new(),
        result: Some(ValueType::I64),
        may_suspend: true,
        price: SyscallPrice::FREE,
    };
    Rules::v1(vec![ask]).with_polkavm(PolkaVmRules::v1())
}

/// The program on every engine; on Wasmtime there is one instance at a time.
fn modules() -> Vec<(&'static str, Arc<dyn Module>)> {
    let wasmtime = |bounds| -> Arc<dyn Engine> {
        let engine = WasmtimeEngine::builder().instances(1).growing(bounds);
        Arc::new(engine.build().unwrap())
    };
    let polkavm = |backend| -> Arc<dyn Engine> { Arc::new(PolkaVmEngine::on(backend).unwrap()) };
    let in_wasm = wasm(ASKS);
    let code = [asm::ecalli(0), asm::ecalli(0), asm::ret()];
    let in_polkavm = importing(InstructionSetKind::ReviveV1, &["ask"], &code);
    let mut engines = vec![
        ("wasmtime", wasmtime(Bounds::Guarded), &in_wasm),
        ("wasmtime, checked", wasmtime(Bounds::Checked), &in_wasm),
        ("wasmi", Arc::new(WasmiEngine::new()), &in_wasm),
        ("interpreter", polkavm(Backend::Interpreter), &in_polkavm),
    ];
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let generic = polkavm(Backend::GenericSandbox);
        engines.push(("generic sandbox", generic, &in_polkavm));
    }
    let compile = |(name, engine, code): (_, Arc<dyn Engine>, &Vec<u8>)| {
        let program = fusee_instrument::prepare(code, &rules()).unwrap();
        (name, engine.compile(&Arc::new(program)).unwrap())
    };
    engines.into_iter().map(compile).collect()
}

/// Answers with its numbers in turn; `None` suspends the guest.
#[derive(Debug)]
struct Answers {
    answers: Vec<Option<u64>>,
    asked: usize,
}

fn answers(answers: &[Option<u64>]) -> Box<Answers> {
    let answers = answers.to_vec();
    Box::new(Answers { answers, asked: 0 })
}

impl Host for Answers {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        let answer = self.answers[self.asked];
        self.asked += 1;
        answer.ok_or(Stop::Suspend)
    }
}

struct Panics;

impl Host for Panics {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        panic!("as asked")
    }
}

/// A run in a place of its own.
fn run(gas: Gas) -> Box<Run> {
    let policy = OutOfGasPolicy::Suspend;
    let meter = Meter::new(gas, GAS, policy, Some(Interrupt::new()));
    Box::new(Run::new(meter, None))
}

fn instance(module: &Arc<dyn Module>) -> Box<dyn Instance> {
    module.instantiate(Mode::Suspendable).unwrap()
}

fn assert_internal<T: std::fmt::Debug>(what: &str, result: Result<T, EngineError>) {
    let error = result.unwrap_err();
    let EngineError::Engine { source, .. } = &error else {
        panic!("{what}: {error:?}");
    };
    assert!(source.to_string().starts_with("internal error"), "{what}");
}

#[test]
fn an_instance_that_is_entered_where_it_must_not_be_is_an_error() {
    for (name, module) in modules() {
        let mut instance = instance(&module);
        let mut run = run(GAS);
        let mut host = answers(&[None, Some(7), None, None]);
        assert_internal(name, instance.resume(&mut run, &mut *host, 0));

        let step = instance.call(&mut run, &mut *host, RUN, &[]).unwrap();
        assert!(matches!(step, Step::Suspended(Pause::Syscall)), "{name}");
        // The guest stays suspended.
        assert_internal(name, instance.call(&mut run, &mut *host, RUN, &[]));
        assert_internal(name, instance.grow_memory(0));
        assert!(instance.memory().bytes() > 0, "{name}");
        let step = instance.resume(&mut run, &mut *host, 0).unwrap();
        assert!(matches!(step, Step::Returned), "{name}");
        assert_eq!(run.values, [Value::I64(7)], "{name}");

        assert_internal(name, instance.resume(&mut run, &mut *host, 0));
        let step = instance.call(&mut run, &mut *host, RUN, &[]).unwrap();
        assert!(matches!(step, Step::Suspended(Pause::Syscall)), "{name}");
        let stopped = instance.resume(&mut run, &mut Panics, 0).unwrap();
        assert!(matches!(stopped, Step::Stopped(_)), "{name}");
        // Nothing is left of the guest, and nothing of one that was stopped in its first step.
        let mut other = module.instantiate(Mode::Suspendable).unwrap();
        let stopped = other.call(&mut run, &mut Panics, RUN, &[]).unwrap();
        assert!(matches!(stopped, Step::Stopped(_)), "{name}");
        assert_internal(name, other.call(&mut run, &mut *host, RUN, &[]));
        assert_eq!(other.memory().bytes(), 0, "{name}");
        assert_internal(name, instance.call(&mut run, &mut *host, RUN, &[]));
        assert_internal(name, instance.resume(&mut run, &mut *host, 0));
        assert_internal(name, instance.grow_memory(0));
        assert_eq!(instance.memory().bytes(), 0, "{name}");
    }
}

/// Each time with another run and another host, while the ones before are gone.
#[test]
fn a_guest_uses_the_run_and_the_host_of_its_last_resumption() {
    for (name, module) in modules() {
        let mut instance = instance(&module);
        let (mut first_run, mut first_host) = (run(GAS), answers(&[None]));
        let step = instance.call(&mut first_run, &mut *first_host, RUN, &[]);
        assert!(
            matches!(step, Ok(Step::Suspended(Pause::Syscall))),
            "{name}"
        );
        drop((first_run, first_host));

        let resumed = thread::spawn(move || {
            let (mut run, mut host) = (run(GAS), answers(&[None]));
            let step = instance.resume(&mut run, &mut *host, 1).unwrap();
            assert!(matches!(step, Step::Suspended(Pause::Syscall)));
            assert_eq!(host.asked, 1);
            assert!(run.meter.left() <= GAS);
            instance
        });
        let mut instance = resumed.join().unwrap();
        let (mut run, mut host) = (run(GAS), answers(&[]));
        let step = instance.resume(&mut run, &mut *host, 7).unwrap();
        assert!(matches!(step, Step::Returned), "{name}");
        assert_eq!(
            (host.asked, &*run.values),
            (0, &[Value::I64(7)][..]),
            "{name}"
        );
    }
}

/// `prepare` leaves the bodies of metered functions to the engines: an interpreter validates each
/// one before its first call, a compiler all of them.
#[test]
fn an_engine_runs_no_function_body_that_is_not_valid() {
    // Before and after the damage: the addition is one of two `i64`, of which there are none.
    let valid = [0x41, 40, 0x41, 2, 0x6a];
    let invalid = [0x41, 40, 0x41, 2, 0x7c];
    let text = r#"(module
      (func (export "run") (result i32) (i32.add (i32.const 40) (i32.const 2)))
      (func (export "other") (result i32) (i32.const 42)))"#;
    let engines: [(&str, Box<dyn Engine>); 3] = [
        ("wasmtime", Box::new(WasmtimeEngine::new().unwrap())),
        (
            "wasmtime, checked",
            Box::new(
                WasmtimeEngine::builder()
                    .growing(Bounds::Checked)
                    .build()
                    .unwrap(),
            ),
        ),
        ("wasmi", Box::new(WasmiEngine::new())),
    ];
    for (name, engine) in engines {
        let mut program = fusee_instrument::prepare(&wasm(text), &rules()).unwrap();
        let enter = |program: &Program, entry| {
            let module = engine.compile(&Arc::new(program.clone()))?;
            let mut instance = module.instantiate(Mode::Plain)?;
            let mut run = run(GAS);
            let step = instance.call(&mut run, &mut Panics, entry, &[])?;
            assert!(matches!(step, Step::Returned), "{name}");
            Ok::<_, EngineError>(run.values)
        };
        assert_eq!(enter(&program, RUN).unwrap()[..], [Value::I32(42)]);

        let at = program.code.windows(5).position(|bytes| bytes == valid);
        program.code[at.unwrap()..][..5].copy_from_slice(&invalid);
        enter(&program, RUN).expect_err(name);
        // Only an interpreter leaves the function alone until it is called.
        let is_lazy = name == "wasmi";
        assert_eq!(enter(&program, Entry::Export(1)).is_ok(), is_lazy, "{name}");
    }
}

/// How an instance is left.
type Leave = fn(&mut dyn Instance);

#[test]
fn an_instance_is_dropped_in_every_state_and_on_every_thread() {
    let states: [(&str, Leave); 6] = [
        ("fresh", |_| ()),
        ("returned", |instance| {
            let mut host = answers(&[Some(1), Some(2)]);
            let step = instance.call(&mut run(GAS), &mut *host, RUN, &[]);
            assert!(matches!(step, Ok(Step::Returned)));
        }),
        ("at its first syscall", |instance| {
            let step = instance.call(&mut run(GAS), &mut *answers(&[None]), RUN, &[]);
            assert!(matches!(step, Ok(Step::Suspended(Pause::Syscall))));
        }),
        ("at its second syscall", |instance| {
            let (mut run, mut host) = (run(GAS), answers(&[None, None]));
            let step = instance.call(&mut run, &mut *host, RUN, &[]);
            assert!(matches!(step, Ok(Step::Suspended(Pause::Syscall))));
            let step = instance.resume(&mut run, &mut *host, 1);
            assert!(matches!(step, Ok(Step::Suspended(Pause::Syscall))));
        }),
        ("at the end of its gas", |instance| {
            let (mut run, mut host) = (run(Gas::ZERO), answers(&[]));
            let step = instance.call(&mut run, &mut *host, RUN, &[]);
            assert!(matches!(step, Ok(Step::Suspended(Pause::Gas))));
            // It is suspended again, without having run.
            let step = instance.resume(&mut run, &mut *host, 0);
            assert!(matches!(step, Ok(Step::Suspended(Pause::Gas))));
        }),
        ("stopped by a panic", |instance| {
            let step = instance.call(&mut run(GAS), &mut Panics, RUN, &[]);
            let Ok(Step::Stopped(Stop::Fail(EngineError::HostPanicked { message, .. }))) = step
            else {
                panic!("{step:?}");
            };
            assert_eq!(message, "as asked");
        }),
    ];
    for (name, module) in modules() {
        for (state, leave) in states {
            for is_elsewhere in [false, true] {
                let mut instance = instance(&module);
                leave(&mut *instance);
                let holds_slot = state != "stopped by a panic";
                if name.starts_with("wasmtime") && holds_slot {
                    // It is the only one.
                    let full = module.instantiate(Mode::Suspendable).unwrap_err();
                    let EngineError::Exhausted { resource, .. } = full else {
                        panic!("{name}, {state}: {full:?}");
                    };
                    assert_eq!(resource, Resource::Instances(1));
                }
                match is_elsewhere {
                    true => thread::spawn(move || drop(instance)).join().unwrap(),
                    false => drop(instance),
                }
            }
        }
        let mut host = answers(&[Some(1), Some(2)]);
        let step = instance(&module).call(&mut run(GAS), &mut *host, RUN, &[]);
        assert!(matches!(step, Ok(Step::Returned)), "{name}");
    }
}

#[test]
fn an_instance_is_dropped_while_a_panic_unwinds() {
    for (name, module) in modules() {
        let mut suspended = instance(&module);
        let step = suspended.call(&mut run(GAS), &mut *answers(&[None]), RUN, &[]);
        assert!(
            matches!(step, Ok(Step::Suspended(Pause::Syscall))),
            "{name}"
        );
        let unwound = thread::spawn(move || {
            let _suspended = suspended;
            panic!("as asked");
        });
        unwound.join().unwrap_err();
        instance(&module);
    }
}

/// A host that drops a suspended guest in the middle of another one's syscall.
#[test]
fn a_suspended_guest_is_dropped_inside_a_syscall_of_another() {
    struct Drops(Option<Box<dyn Instance>>);

    impl Host for Drops {
        fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
            drop(self.0.take());
            Ok(7)
        }
    }

    let others = modules();
    for (name, module) in modules() {
        for (other_name, other) in &others {
            let mut suspended = instance(other);
            let step = suspended.call(&mut run(GAS), &mut *answers(&[None]), RUN, &[]);
            assert!(
                matches!(step, Ok(Step::Suspended(Pause::Syscall))),
                "{other_name}"
            );
            let (mut run, mut host) = (run(GAS), Drops(Some(suspended)));
            let step = instance(&module).call(&mut run, &mut host, RUN, &[]);
            assert!(matches!(step, Ok(Step::Returned)), "{name}, {other_name}");
            assert_eq!(run.values, [Value::I64(7)], "{name}, {other_name}");
            instance(other);
        }
    }
}

#[test]
fn wasmtime_refuses_a_program_that_describes_an_export_with_another_signature() {
    let engine = WasmtimeEngine::builder().instances(1).build().unwrap();
    let program = fusee_instrument::prepare(&wasm(ASKS), &rules()).unwrap();
    assert!(engine.compile(&Arc::new(program.clone())).is_ok());
    for (params, results) in [
        (vec![ValueType::I64], vec![ValueType::I64]),
        (Vec::new(), Vec::new()),
        (Vec::new(), vec![ValueType::I32]),
        (Vec::new(), vec![ValueType::I64; 2]),
    ] {
        let mut other = program.clone();
        let mut exports = Vec::from_iter(other.exports);
        exports[0].params = params;
        exports[0].results = results;
        other.exports = exports.into();
        let error = engine.compile(&Arc::new(other)).unwrap_err();
        assert!(matches!(error, EngineError::Compile { .. }), "{error:?}");
    }
}
