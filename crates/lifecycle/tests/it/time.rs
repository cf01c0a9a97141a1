//! Time limits: what is counted, and that a guest cannot exceed them.

use std::{sync::Arc, thread, time::Duration};

use fusee_engine::{
    Code, Compiler, Effort, Engine, EngineError, Fingerprint, Format, Gas, Module, Program,
};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::Executor;
use fusee_lifecycle::{CallRequest, Error, InstanceRequest, WhenFull};

use crate::support::{
    ENDLESS, Gate, Gated, LONG, PLAIN, Quick, SHORT, WAITS, call, end, instance, module, now,
    sandbox, sandboxes, spin, until,
};

/// A guest that would go on for ever is timed out, and its worker serves others.
fn check_timeout(export: &str, args: &[i64]) {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let mut instance = instance(&sandbox, PLAIN, Quick);
        let began = now();
        let request = CallRequest {
            time: Some(SHORT),
            ..CallRequest::new(export, args, ENDLESS)
        };
        let error = instance.call_blocking(request).unwrap_err();
        assert!(began.elapsed() >= SHORT, "{lane}");
        assert!(began.elapsed() < LONG, "{lane}");
        assert!(
            matches!(error, Error::Timeout { limit } if limit == SHORT),
            "{lane}: {error:?}"
        );
        assert!(!instance.is_alive(), "{lane}");
        let health = sandbox.health();
        assert_eq!((health.busy, health.timed_out), (0, 1), "{lane}");
        let mut other = crate::support::instance(&sandbox, PLAIN, Quick);
        assert_eq!(call(&mut other, "count", &[]), [1], "{lane}");
    }
}

#[test]
fn a_loop_is_timed_out_and_frees_its_worker() {
    check_timeout("spin", &[]);
}

#[test]
fn exponential_recursion_is_timed_out_and_frees_its_worker() {
    check_timeout("tree", &[64]);
}

#[test]
fn a_guest_that_does_little_between_slow_host_functions_is_timed_out() {
    check_timeout("naps", &[]);
}

#[test]
fn a_start_function_is_timed_out() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1).call_time(SHORT)) {
        let module = module(&sandbox, "(module (func $f (loop $l (br $l))) (start $f))");
        let request = InstanceRequest::new(1, ENDLESS);
        let error = module.instantiate_blocking(request, Quick).unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{lane}: {error:?}");
    }
}

#[test]
fn the_limit_of_the_sandbox_holds_where_a_call_brings_none() {
    let sandbox = sandbox(|builder| builder.call_time(SHORT));
    let mut instance = instance(&sandbox, PLAIN, Quick);
    let error = instance
        .call_blocking(CallRequest::new("spin", &[], ENDLESS))
        .unwrap_err();
    assert!(matches!(error, Error::Timeout { limit } if limit == SHORT));
}

#[test]
fn time_in_the_queue_is_not_counted() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let mut slow = instance(&sandbox, PLAIN, Quick);
        let mut quick = instance(&sandbox, PLAIN, Quick);
        let held = 20 * SHORT;
        thread::scope(|scope| {
            scope.spawn(|| slow.call_blocking(spin(held)).unwrap_err());
            until("the worker is busy", || sandbox.health().busy == 1);
            let began = now();
            let request = CallRequest {
                time: Some(SHORT),
                ..CallRequest::new("count", &[], ENDLESS)
            };
            let returned = quick.call_blocking(request).unwrap();
            assert_eq!(returned.values(), [1], "{lane}");
            assert!(began.elapsed() > SHORT, "{lane}: it did not wait");
        });
        assert_eq!(sandbox.health().timed_out, 1, "{lane}");
    }
}

#[test]
fn time_in_which_a_host_function_waits_is_not_counted() {
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let gate = Gate::default();
        let mut waits = instance(&sandbox, WAITS, Gated(gate.clone()));
        thread::scope(|scope| {
            let request = CallRequest {
                time: Some(SHORT),
                ..CallRequest::new("ask", &[1], ENDLESS)
            };
            let waiting = scope.spawn(|| waits.call_blocking(request));
            until("it waits", || sandbox.health().waiting == 1);
            let began = now();
            until("a while", || began.elapsed() > 3 * SHORT);
            gate.open();
            let returned = waiting.join().unwrap().unwrap();
            assert_eq!(returned.values(), [1], "{lane}");
        });
    }
}

#[test]
fn time_before_and_after_a_wait_is_counted_together() {
    // It spins for a while, waits, and spins for ever.
    let text = r#"(module
      (import "env" "wait" (func $wait (param i64) (result i64)))
      (func (export "f") (loop $again (drop (call $wait (i64.const 1))) (br $again))))"#;
    for (lane, sandbox) in sandboxes(|builder| builder.workers(1)) {
        let mut instance = instance(&sandbox, text, crate::support::Later(0));
        let request = CallRequest {
            time: Some(SHORT),
            ..CallRequest::new("f", &[], ENDLESS)
        };
        let error = instance.call_blocking(request).unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{lane}: {error:?}");
        assert_eq!(sandbox.health().waiting, 0, "{lane}");
    }
}

#[test]
fn no_time_at_all_is_a_timeout_and_the_longest_is_none() {
    let sandbox = sandbox(|builder| builder);
    let mut instance = instance(&sandbox, PLAIN, Quick);
    let request = CallRequest {
        time: Some(Duration::MAX),
        when_full: WhenFull::Wait,
        ..CallRequest::new("count", &[], ENDLESS)
    };
    let returned = end(instance.call(request)).unwrap();
    assert_eq!(returned.values(), [1]);
    let error = instance.call_blocking(spin(Duration::ZERO)).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }));
}

#[test]
fn the_watchdog_is_as_exact_as_a_millisecond_where_the_machine_is() {
    // Generous, since other tests run beside it: what it must not be is a heartbeat late.
    let sandbox = sandbox(|builder| builder.workers(1));
    let best = (0..10)
        .map(|_| {
            let mut instance = instance(&sandbox, PLAIN, Quick);
            let began = now();
            instance.call_blocking(spin(SHORT)).unwrap_err();
            began.elapsed().saturating_sub(SHORT)
        })
        .min()
        .unwrap();
    assert!(best < Duration::from_millis(20), "{best:?}");
}

/// A compiler that takes longer than a call may.
#[derive(Debug)]
struct Slow(WasmtimeEngine);

impl Engine for Slow {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fingerprint(&self) -> &Fingerprint {
        self.0.fingerprint()
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Wasm]
    }

    fn idle_bytes(&self) -> u64 {
        self.0.idle_bytes()
    }

    fn compile(&self, program: &Arc<Program>) -> Result<Arc<dyn Module>, EngineError> {
        self.0.compile(program)
    }
}

impl Compiler for Slow {
    fn precompile(&self, program: &Program, most: Effort) -> Result<Vec<u8>, EngineError> {
        thread::sleep(4 * SHORT);
        self.0.precompile(program, most)
    }

    fn load(&self, program: &Arc<Program>, code: Code) -> Result<Arc<dyn Module>, EngineError> {
        self.0.load(program, code)
    }
}

#[test]
fn time_in_which_a_program_is_compiled_is_not_counted() {
    let compiler = Arc::new(Slow(WasmtimeEngine::new().unwrap()));
    // With an interpreter beside it, the first call with much gas compiles.
    let executor = Executor::tiered(Arc::new(WasmiEngine::new()), compiler)
        .compile_gas(Gas::new(1))
        .build();
    let sandbox = crate::support::builder(Arc::new(executor))
        .call_time(SHORT)
        .build()
        .unwrap();
    let module = module(&sandbox, PLAIN);
    let began = now();
    let mut instance = module
        .instantiate_blocking(InstanceRequest::new(1, ENDLESS), Quick)
        .unwrap()
        .into_result()
        .unwrap();
    assert!(began.elapsed() > 3 * SHORT, "it was compiled");
    assert_eq!(call(&mut instance, "count", &[]), [1]);
}
