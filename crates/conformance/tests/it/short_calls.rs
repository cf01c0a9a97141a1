//! The second code of programs that grow their memory: when it is compiled, which calls run on it,
//! and that neither changes an outcome or gas.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use fusee_conformance::{Ending, Verdict};
use fusee_engine::{
    Code, Compiler, Effort, Engine, EngineError, Fingerprint, Format, Gas, Instance, Mode, Module,
    Program, Value,
};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::{Bounds, WasmtimeEngine};
use fusee_executor::{
    Caller, Compilation, Executor, ExecutorBuilder, Linker, PreparedProgram, RunRequest,
    WithInterpreter,
};
use fusee_instrument::{Rules, SyscallPrice};

use crate::guest::wasm;

/// Entries that grow their memory or not, and compute as long as their argument says.
const GROWING: &str = r#"(module (memory 1 4)
    (func $compute (param $rounds i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (local.get $rounds)))
            (i32.store (i32.const 16) (local.get $sum))
            (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
        (i32.load (i32.const 16)))
    (func (export "grow") (param i32) (result i32)
        (drop (memory.grow (i32.const 1)))
        (i32.store (i32.const 131064)
            (i32.add (local.get 0) (i32.load (i32.const 131064))))
        (call $compute (i32.load (i32.const 131064))))
    (func (export "grow_and_compute") (param i32) (result i32)
        (drop (memory.grow (i32.const 1)))
        (call $compute (local.get 0)))
    (func (export "stay") (param i32) (result i32) (call $compute (local.get 0)))
    (func (export "exceed") (param i32) (result i32)
        (drop (memory.grow (i32.const 1)))
        (i32.load (i32.add (local.get 0) (i32.const 131063)))))"#;

const ENOUGH: Gas = Gas::new(100_000_000);

/// Few rounds, and as many as take millions of gas.
const FEW: i32 = 10;
const MANY: i32 = 100_000;

/// Wasmtime with its second compiler, or that one itself. Counts what it compiles and creates.
#[derive(Debug)]
struct Counted {
    inner: Arc<dyn Compiler>,
    second: Option<Arc<Counted>>,
    /// Whether it fails to compile.
    fails: bool,
    /// Whether instances can be created.
    has_instances: bool,
    compilations: AtomicU32,
    instances: Arc<AtomicU32>,
}

#[derive(Debug)]
struct CountedModule {
    inner: Arc<dyn Module>,
    has_instances: bool,
    instances: Arc<AtomicU32>,
}

impl Counted {
    fn new() -> Arc<Self> {
        Self::with(|_| {})
    }

    /// With faults in the second compiler.
    fn with(adjust: impl FnOnce(&mut Counted)) -> Arc<Self> {
        let of = |inner, second| Counted {
            inner,
            second,
            fails: false,
            has_instances: true,
            compilations: AtomicU32::new(0),
            instances: Arc::default(),
        };
        let engine: Arc<dyn Compiler> = Arc::new(WasmtimeEngine::new().unwrap());
        let program = fusee_instrument::prepare(&wasm(GROWING), &Rules::v1(Vec::new())).unwrap();
        let mut second = of(engine.for_short_calls(&program).unwrap(), None);
        adjust(&mut second);
        Arc::new(of(engine, Some(Arc::new(second))))
    }

    fn second(&self) -> &Counted {
        self.second.as_ref().unwrap()
    }

    fn compilations(&self) -> u32 {
        self.compilations.load(Ordering::Relaxed)
    }

    fn instances(&self) -> u32 {
        self.instances.load(Ordering::Relaxed)
    }

    fn executor(self: &Arc<Self>) -> ExecutorBuilder<WithInterpreter> {
        let compiler: Arc<dyn Compiler> = Arc::<Self>::clone(self);
        Executor::tiered(Arc::new(WasmiEngine::new()), compiler).compile_gas(Gas::ZERO)
    }
}

impl Engine for Counted {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.inner.fingerprint()
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Wasm]
    }

    fn idle_bytes(&self) -> u64 {
        self.inner.idle_bytes()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        self.load(
            program,
            Code::Bytes(self.precompile(program, Effort::Full)?),
        )
    }
}

impl Compiler for Counted {
    fn precompile(&self, program: &Program, most: Effort) -> Result<Vec<u8>, EngineError> {
        self.compilations.fetch_add(1, Ordering::Relaxed);
        assert!(!self.fails, "a compiler that panics");
        self.inner.precompile(program, most)
    }

    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError> {
        Ok(Arc::new(CountedModule {
            inner: self.inner.load(program, code)?,
            has_instances: self.has_instances,
            instances: Arc::clone(&self.instances),
        }))
    }

    fn for_short_calls(&self, program: &Program) -> Option<Arc<dyn Compiler>> {
        self.inner.for_short_calls(program)?;
        let second: Arc<dyn Compiler> = Arc::<Self>::clone(self.second.as_ref()?);
        Some(second)
    }
}

impl Module for CountedModule {
    fn resident_bytes(&self) -> u64 {
        self.inner.resident_bytes()
    }

    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError> {
        if !self.has_instances {
            return Err(EngineError::Instantiate {
                engine: "wasmtime",
                source: "no address space is left".into(),
            });
        }
        self.instances.fetch_add(1, Ordering::Relaxed);
        self.inner.instantiate(mode)
    }
}

fn prepare(executor: &Executor) -> Arc<PreparedProgram> {
    let rules = Rules::v1(Vec::new());
    executor.prepare(&wasm(GROWING), &rules).unwrap()
}

fn run(executor: &Executor, prepared: &Arc<PreparedProgram>, entry: &str, rounds: i32) -> Verdict {
    let args = [Value::I32(rounds)];
    let request = RunRequest::new(entry, &args, ENOUGH);
    Verdict::of(executor.run(prepared, request, ()).unwrap())
}

/// Runs an entry some times, and tells whether the second code is compiled because of that.
fn is_compiled_after(entry: &str, rounds: i32) -> bool {
    let compiler = Counted::new();
    let executor = compiler.executor().build();
    let prepared = prepare(&executor);
    for _ in 0..20 {
        run(&executor, &prepared, entry, rounds);
    }
    prepared.short_call_compilation() != Some(Compilation::Idle)
}

/// Calls until the second code is compiled.
fn settle(executor: &Executor, prepared: &Arc<PreparedProgram>) {
    while prepared.short_call_compilation() != Some(Compilation::Done) {
        run(executor, prepared, "grow", FEW);
        thread::yield_now();
    }
}

#[test]
fn calls_that_grow_and_compute_little_have_a_program_compiled_for_them() {
    assert!(is_compiled_after("grow", FEW));
}

#[test]
fn calls_that_compute_or_do_not_grow_have_no_program_compiled_for_short_calls() {
    assert!(!is_compiled_after("grow_and_compute", MANY));
    assert!(!is_compiled_after("stay", FEW));
    assert!(!is_compiled_after("stay", MANY));
}

#[test]
fn what_the_host_charges_is_no_computation() {
    let mut linker = Linker::<()>::new();
    let price = SyscallPrice::bytes(10_000_000, 0);
    let pay = |_: &mut Caller<'_, '_, ()>| ();
    linker.func("env", "pay", price, pay).unwrap();
    let program = r#"(module (import "env" "pay" (func $pay)) (memory 1)
        (func (export "f") (drop (memory.grow (i32.const 1))) (call $pay)))"#;
    let executor = Counted::new().executor().build();
    let rules = Rules::v1(linker.syscalls());
    let prepared = executor.prepare(&wasm(program), &rules).unwrap();
    for _ in 0..3 {
        let request = RunRequest::new("f", &[], ENOUGH);
        let outcome = executor.run(&prepared, request, linker.host(())).unwrap();
        let verdict = Verdict::of(outcome);
        assert!(verdict.gas_used > 10_000_000, "{verdict:?}");
    }
    assert_ne!(prepared.short_call_compilation(), Some(Compilation::Idle));
}

#[test]
fn a_program_that_cannot_grow_has_no_code_for_short_calls() {
    let executor = Counted::new().executor().build();
    let fixed = wasm(r#"(module (memory 1) (func (export "f")))"#);
    let fixed = executor.prepare(&fixed, &Rules::v1(Vec::new())).unwrap();
    assert_eq!(fixed.short_call_compilation(), None);

    let growing = prepare(&executor);
    assert_eq!(growing.short_call_compilation(), Some(Compilation::Idle));
    let program = growing.program();
    let options = WasmtimeEngine::builder();
    for options in [
        options.growing(Bounds::Checked),
        options.short_calls(Bounds::Guarded),
        options.instances(0),
    ] {
        let engine = options.build().unwrap();
        assert!(engine.for_short_calls(program).is_none(), "{options:?}");
    }
}

#[test]
fn the_second_compilation_is_earned_by_calls() {
    let compiler = Counted::new();
    let executor = compiler.executor().compile_gas(Gas::new(10_000)).build();
    let prepared = prepare(&executor);
    executor.compile(&prepared).unwrap();
    // A call counts for 100,000 gas, and the second compilation costs twice the first. The first
    // call shows that such calls are short.
    let calls = 1 + 2 * 10_000 * prepared.program().compile_work.plain / 100_000;
    assert!(calls > 10, "{calls}");
    for _ in 0..calls {
        run(&executor, &prepared, "grow", FEW);
        assert_eq!(prepared.short_call_compilation(), Some(Compilation::Idle));
    }
    run(&executor, &prepared, "grow", FEW);
    assert_ne!(prepared.short_call_compilation(), Some(Compilation::Idle));
}

#[test]
fn the_executor_chooses_by_entry_and_call_by_call() {
    let compiler = Counted::new();
    let executor = compiler.executor().build();
    let prepared = prepare(&executor);
    settle(&executor, &prepared);
    // How many of ten such calls run on each code.
    let of_ten = |entry, rounds| {
        let before = (compiler.instances(), compiler.second().instances());
        for _ in 0..10 {
            run(&executor, &prepared, entry, rounds);
        }
        (
            compiler.instances() - before.0,
            compiler.second().instances() - before.1,
        )
    };
    assert_eq!(of_ten("grow", FEW), (0, 10));
    assert_eq!(of_ten("grow_and_compute", MANY), (10, 0));
    assert_eq!(of_ten("stay", FEW), (10, 0));
    assert_eq!(of_ten("grow", FEW), (0, 10));
    // The entry begins to compute, and goes on with it until that is noticed.
    while of_ten("grow", MANY) != (10, 0) {}
    // Calls that compute are not forgotten at once.
    assert_eq!(of_ten("grow", FEW), (10, 0));
}

#[test]
fn outcome_and_gas_are_the_same_on_both_codes() {
    let compiler = Counted::new();
    let executor = compiler.executor().build();
    let prepared = prepare(&executor);
    let cases = [
        ("grow", FEW),
        ("stay", FEW),
        ("exceed", 0),
        ("exceed", 6),
        ("exceed", -200_000),
    ];
    let observe = || cases.map(|(entry, rounds)| run(&executor, &prepared, entry, rounds));
    let expected = observe();
    assert!(matches!(expected[2].ending, Ending::Finished(_)));
    for exceeding in &expected[3..] {
        assert!(matches!(exceeding.ending, Ending::Trapped(_)));
    }
    let cached = executor.cached_bytes();
    settle(&executor, &prepared);
    assert!(executor.cached_bytes() > cached, "the second code counts");
    run(&executor, &prepared, "exceed", 0);
    // All but those of "stay".
    let before = compiler.second().instances();
    for _ in 0..10 {
        assert_eq!(observe(), expected);
    }
    assert_eq!(compiler.second().instances(), before + 40);
}

#[test]
fn what_does_not_compile_for_short_calls_stays_on_the_first_code() {
    let compiler = Counted::with(|second| second.fails = true);
    let executor = compiler.executor().build();
    let prepared = prepare(&executor);
    let expected = run(&executor, &prepared, "grow", FEW);
    while !matches!(
        prepared.short_call_compilation(),
        Some(Compilation::GivenUp { .. })
    ) {
        assert_eq!(run(&executor, &prepared, "grow", FEW), expected);
    }
    let before = compiler.instances();
    assert_eq!(run(&executor, &prepared, "grow", FEW), expected);
    assert_eq!(compiler.instances(), before + 1);
    assert_eq!(compiler.second().compilations(), 2);
    assert_eq!(prepared.compilation(), Compilation::Done);
}

#[test]
fn where_the_second_code_has_no_instance_the_first_one_runs() {
    let compiler = Counted::with(|second| second.has_instances = false);
    let executor = compiler.executor().build();
    let prepared = prepare(&executor);
    let expected = run(&executor, &prepared, "grow", FEW);
    settle(&executor, &prepared);
    let before = compiler.instances();
    assert_eq!(run(&executor, &prepared, "grow", FEW), expected);
    assert_eq!(compiler.instances(), before + 1);
}

#[test]
fn an_artifact_spares_the_next_process_the_second_compilation() {
    let folder = tempfile::tempdir().unwrap();
    let expected = [(1, 1), (0, 0)].map(|expected| {
        let compiler = Counted::new();
        let builder = compiler.executor().artifacts(folder.path(), 1 << 30);
        let executor = builder.unwrap().build();
        let prepared = prepare(&executor);
        settle(&executor, &prepared);
        let found = (compiler.compilations(), compiler.second().compilations());
        assert_eq!(found, expected);
        run(&executor, &prepared, "grow", FEW)
    });
    assert_eq!(expected[0], expected[1]);
}
