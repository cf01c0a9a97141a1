//! The slice of gas: by default that of the engine, unless the embedder sets one.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use fusee_engine::{
    DEFAULT_SLICE, Engine, EngineError, Fingerprint, Format, Gas, Host, Instance, Interrupt, Mode,
    Module, Program, Stop, Syscall, ValueType,
};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::{Executor, RunError, RunRequest};
use fusee_instrument::{Rules, SyscallPrice, SyscallRule};

use crate::guest::wasm;

/// Makes syscalls without end.
const ASKING: &str = r#"(module
    (import "env" "ask" (func $ask))
    (func (export "run") (loop $again (call $ask) (br $again))))"#;

/// The interpreter with a default slice of its own.
#[derive(Debug)]
struct Sliced(WasmiEngine, Gas);

#[derive(Debug)]
struct SlicedModule(Arc<dyn Module>, Gas);

impl Engine for Sliced {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.0.fingerprint()
    }

    fn formats(&self) -> &'static [Format] {
        self.0.formats()
    }

    fn idle_bytes(&self) -> u64 {
        self.0.idle_bytes()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        Ok(Arc::new(SlicedModule(self.0.compile(program)?, self.1)))
    }
}

impl Module for SlicedModule {
    fn resident_bytes(&self) -> u64 {
        self.0.resident_bytes()
    }

    fn instantiate(&self, mode: Mode) -> Result<Box<dyn Instance>, EngineError> {
        self.0.instantiate(mode)
    }

    fn default_slice(&self) -> Gas {
        self.1
    }
}

struct Counting(Arc<AtomicU32>);

impl Host for Counting {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(0)
    }
}

/// The syscalls of a guest that is interrupted at the end of its first slice.
fn syscalls(engine: impl Engine + 'static, slice: Option<Gas>) -> u32 {
    let builder = Executor::builder(Arc::new(engine));
    let executor = match slice {
        Some(slice) => builder.slice(slice).build(),
        None => builder.build(),
    };
    let ask = SyscallRule {
        module: "env".into(),
        name: "ask".into(),
        number: 0,
        params: vec![],
        result: None::<ValueType>,
        may_suspend: false,
        price: SyscallPrice::FREE,
    };
    let prepared = executor.prepare(&wasm(ASKING), &Rules::v1(vec![ask]));
    let interrupt = Interrupt::new();
    interrupt.trigger();
    let request = RunRequest {
        interrupt: Some(&interrupt),
        ..RunRequest::new("run", &[], Gas::MAX)
    };
    let asked = Arc::new(AtomicU32::new(0));
    let host = Counting(Arc::clone(&asked));
    let ended = executor.run(&prepared.unwrap(), request, host);
    assert!(matches!(
        ended,
        Err(RunError::Engine(EngineError::Interrupted))
    ));
    asked.load(Ordering::Relaxed)
}

#[test]
fn the_default_slice_is_that_of_the_engine() {
    let sliced = |gas| syscalls(Sliced(WasmiEngine::new(), gas), None);
    let usual = syscalls(WasmiEngine::new(), None);
    assert_eq!(usual, sliced(DEFAULT_SLICE));
    let [fewer, more] = [Gas::new(10_000), Gas::new(1_000_000)].map(sliced);
    assert!(
        0 < fewer && fewer < usual && usual < more,
        "{fewer} {usual} {more}"
    );
}

#[test]
fn the_slice_of_the_embedder_comes_first() {
    let set = Some(Gas::new(10_000));
    let sliced = Sliced(WasmiEngine::new(), Gas::new(1_000_000));
    assert_eq!(syscalls(sliced, set), syscalls(WasmiEngine::new(), set));
}
