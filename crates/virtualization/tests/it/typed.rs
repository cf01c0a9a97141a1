//! Children as an embedder holds them: states are types.

use std::{sync::Arc, thread, time::Duration};

use fusee_conformance::{Lane, lanes};
use fusee_engine::Interrupt;
use fusee_executor::Tier;
use fusee_virtualization::{
    ChildLimits, ChildSettings, Execution, Instance, Module, Modules, Outcome, Symbols,
    wire::{InstantiateError, MemoryError},
};

use crate::support::{COUNTER, GAS, child_rules, wasm};

fn modules(lane: Lane, settings: ChildSettings) -> Modules {
    Modules::new(Arc::new(lane.executor), child_rules(Symbols::Any), settings)
}

fn counter(modules: &mut Modules) -> Module {
    modules.compile(&wasm(COUNTER), None).unwrap().unwrap().0
}

fn enter(instance: Instance, function: &str) -> Execution {
    instance.prepare(function.as_bytes()).unwrap().unwrap()
}

#[test]
fn an_execution_becomes_an_instance_and_is_prepared_again() {
    for lane in lanes() {
        let name = lane.name;
        let mut modules = modules(lane, ChildSettings::default());
        let mut instance = counter(&mut modules).instantiate().unwrap();
        for (start, end) in [(7, 15), (0, 23)] {
            // No such function: the instance comes back as it was.
            instance = instance.prepare(b"none").unwrap().unwrap_err();
            let mut execution = enter(instance, "counter");
            let mut a0 = start;
            instance = loop {
                match execution.run(GAS, a0).unwrap() {
                    Outcome::Syscall {
                        execution: waits,
                        request,
                        ..
                    } => {
                        execution = waits;
                        let mut number = [0; 8];
                        execution.read_memory(0, &mut number).unwrap();
                        assert_eq!(u64::from_le_bytes(number), request.args[0]);
                        let outside = execution.write_memory(65_530, &[0; 8]);
                        assert_eq!(outside, Err(MemoryError::OutOfBounds));
                        a0 = request.args[0] + 1;
                    }
                    Outcome::Finished { instance, .. } => break instance,
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(a0, end, "{name}");
        }
    }
}

#[test]
fn dropping_destroys_and_makes_room() {
    for lane in lanes() {
        let settings = ChildSettings {
            limits: ChildLimits {
                instances: 1,
                ..ChildLimits::default()
            },
            ..ChildSettings::default()
        };
        let executor = Arc::new(lane.executor);
        let mut modules = Modules::new(Arc::clone(&executor), child_rules(Symbols::Any), settings);
        let module = counter(&mut modules);
        let full = || module.instantiate().err() == Some(InstantiateError::InvalidImage);

        let idle = module.instantiate().unwrap();
        assert!(full());
        drop(idle);
        let ready = enter(module.instantiate().unwrap(), "counter");
        assert!(full());
        drop(ready);
        let waits = enter(module.instantiate().unwrap(), "counter").run(GAS, 0);
        assert!(full());
        assert_eq!(executor.suspended_runs(), 1);
        drop(waits);
        assert_eq!(executor.suspended_runs(), 0);
        // Whatever has failed is an instance still.
        for function in ["panic", "endless"] {
            let failed = enter(module.instantiate().unwrap(), function).run(GAS, 0);
            assert!(full(), "{function}");
            drop(failed);
        }
        // What was taken out lives longer than who kept it.
        drop(modules);
        let outcome = enter(module.instantiate().unwrap(), "counter").run(GAS, 0);
        assert!(matches!(outcome, Ok(Outcome::Syscall { .. })));
    }
}

#[test]
fn a_trap_tells_what_is_left_and_an_interrupt_is_no_answer() {
    for lane in lanes() {
        let interrupt = Interrupt::new();
        let settings = ChildSettings {
            tier: Tier::Interpreter,
            interrupt: interrupt.clone(),
            ..ChildSettings::default()
        };
        let mut modules = modules(lane, settings);
        let module = counter(&mut modules);
        match enter(module.instantiate().unwrap(), "panic")
            .run(GAS, 0)
            .unwrap()
        {
            Outcome::Trapped { gas_left, .. } => assert!(gas_left.counter() > GAS / 2),
            other => panic!("{other:?}"),
        }
        let endless = enter(module.instantiate().unwrap(), "endless");
        let watch = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            interrupt.trigger();
        });
        let error = endless.run(i64::MAX, 0).unwrap_err();
        assert_eq!(error.to_string(), "the run was interrupted");
        watch.join().unwrap();
    }
}
