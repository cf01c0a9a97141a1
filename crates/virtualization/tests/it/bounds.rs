//! What is asked beyond what there is.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use fusee_conformance::lanes;
use fusee_engine::{
    Code, Compiler, Effort, Engine, EngineError, Fingerprint, Format, Gas, Module, Program,
};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::Executor;
use fusee_virtualization::{
    ChildLimits, ChildSettings, Children, Symbols,
    wire::{InstantiateError, MemoryError, ModuleId},
};

use crate::support::{
    COUNTER, GAS, Guest, Nine, billed, child_rules, children, count, everywhere, ready, wasm,
};

#[test]
fn memory_ranges_are_inside_or_refused() {
    everywhere(|nine| {
        let instance = ready(nine, COUNTER, "counter");
        nine.run(instance, GAS, 7).unwrap();
        let outside = Err(MemoryError::OutOfBounds);
        let end = 65_536;
        for (offset, length) in [
            (end, 1),
            (end - 1, 2),
            (0, 65_537),
            (u32::MAX, 1),
            (u32::MAX, 2),
            (u32::MAX - 3, 8),
            (end + 1, 0),
            (0, 1 << 20),
        ] {
            let read = nine.read(instance, offset, length);
            assert_eq!(read, Err(MemoryError::OutOfBounds), "{offset} {length}");
            let bytes = vec![0xff; length.try_into().unwrap()];
            assert_eq!(nine.write(instance, offset, &bytes), outside, "{offset}");
        }
        // What was refused has written nothing.
        assert_eq!(nine.read(instance, end - 1, 1).unwrap(), [0]);
        assert_eq!(nine.read(instance, 0, 8).unwrap(), 7_u64.to_le_bytes());
        assert_eq!(nine.read(instance, 0, 65_536).unwrap().len(), 65_536);
        assert_eq!(nine.read(instance, end, 0).unwrap(), [0; 0]);
        nine.write(instance, end - 1, &[9]).unwrap();
        assert_eq!(nine.read(instance, end - 1, 1).unwrap(), [9]);
        assert_eq!(count(nine, instance, 8), 15);
    });
}

#[test]
fn a_child_without_memory_has_none() {
    everywhere(|nine| {
        let instance = ready(nine, r#"(module (func (export "f")))"#, "f");
        assert_eq!(nine.read(instance, 0, 1), Err(MemoryError::OutOfBounds));
        assert_eq!(nine.read(instance, 0, 0).unwrap(), [0; 0]);
    });
}

#[test]
fn ten_thousand_instances_are_asked_for() {
    everywhere(|nine| {
        let module = nine.compile(&wasm(COUNTER), None).unwrap().id;
        let mut made = Vec::new();
        for asked in 0..10_000 {
            match nine.instantiate(module) {
                Ok(instance) => made.push(instance),
                Err(error) => {
                    assert_eq!(error, InstantiateError::InvalidImage, "{asked}");
                }
            }
        }
        assert_eq!(made.len(), 1_024);
        // Those that there are work, and each that goes makes room for one.
        let last = made[1_023];
        nine.prepare(last, b"counter").unwrap();
        assert_eq!(count(nine, last, 7), 15);
        nine.destroy(made[3]).unwrap();
        let another = nine.instantiate(module).unwrap();
        assert_eq!(another.0, 1_024, "no number was lost for those refused");
        let full = nine.instantiate(module);
        assert_eq!(full, Err(InstantiateError::InvalidImage));
        nine.prepare(another, b"counter").unwrap();
        assert_eq!(count(nine, another, 0), 8);
    });
}

#[test]
fn instances_hold_no_more_memory_than_they_may() {
    // Two pages that stay so, one that can grow to four, and one that could grow but has no
    // operator for it.
    let fixed = wasm("(module (memory 2))");
    let growing =
        wasm(r#"(module (memory 1 4) (func (export "f") (drop (memory.grow (i32.const 1)))))"#);
    let never = wasm("(module (memory 1 60000))");
    for lane in lanes() {
        let settings = ChildSettings {
            limits: ChildLimits {
                instances: 100,
                memory_bytes: 7 * 65_536,
                ..ChildLimits::default()
            },
            ..ChildSettings::default()
        };
        let rules = child_rules(Symbols::Any);
        let mut children: Children = Children::new(Arc::new(lane.executor), rules, settings);
        let mut module = |program: &[u8]| children.compile(program, None).unwrap().unwrap().id;
        let [fixed, growing, never] = [module(&fixed), module(&growing), module(&never)];
        let full = Err(InstantiateError::InvalidImage);
        let two = children.instantiate(fixed).unwrap();
        children.instantiate(growing).unwrap();
        assert_eq!(children.instantiate(fixed), full);
        children.instantiate(never).unwrap();
        assert_eq!(children.instantiate(never), full);
        assert_eq!(
            children.instantiate(ModuleId(9)),
            Err(InstantiateError::InvalidModule)
        );
        children.destroy(two).unwrap();
        children.instantiate(fixed).unwrap();
        assert_eq!(children.instances(), 3, "{}", lane.name);
    }
}

/// A compiler that fails, and notes whose thread asked it for children.
#[derive(Debug)]
struct Failing {
    interpreter: WasmiEngine,
    asked_by: Arc<Mutex<Vec<thread::ThreadId>>>,
}

impl Engine for Failing {
    fn name(&self) -> &'static str {
        "failing"
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.interpreter.fingerprint()
    }

    fn formats(&self) -> &'static [Format] {
        self.interpreter.formats()
    }

    fn idle_bytes(&self) -> u64 {
        0
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        self.precompile(program, Effort::Full)?;
        Err(EngineError::Host("it cannot be loaded".into()))
    }
}

impl Compiler for Failing {
    fn precompile(&self, program: &Program, _: Effort) -> Result<Vec<u8>, EngineError> {
        if program.export("counter").is_some() {
            self.asked_by.lock().unwrap().push(thread::current().id());
        }
        Err(EngineError::Host("it cannot be compiled".into()))
    }

    fn load(&self, _: &Arc<Program>, _: Code) -> Result<Arc<dyn Module>, EngineError> {
        Err(EngineError::Host("it cannot be loaded".into()))
    }
}

#[test]
fn a_guest_never_waits_for_a_compiler() {
    let asked_by = Arc::default();
    let executor = || {
        let failing = Failing {
            interpreter: WasmiEngine::new(),
            asked_by: Arc::clone(&asked_by),
        };
        let executor = Executor::tiered(Arc::new(WasmiEngine::new()), Arc::new(failing));
        executor.build()
    };
    let waited = |nine: &mut dyn Nine| {
        asked_by.lock().unwrap().clear();
        let instance = ready(nine, COUNTER, "counter");
        assert_eq!(count(nine, instance, 7), 15);
        let asked_by = asked_by.lock().unwrap();
        asked_by.contains(&thread::current().id())
    };
    assert!(waited(&mut children(executor())), "a trusted owner does");
    for gas in [Gas::new(100_000), Gas::MAX] {
        let mut guest = Guest::with(executor(), billed);
        guest.gas = gas;
        assert!(!waited(&mut guest), "{gas}");
    }
}
