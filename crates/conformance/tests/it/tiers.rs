//! Tiers: moving a program from the interpreter to compiled code does not affect its outcome.

use std::sync::Arc;

use fusee_conformance::{Ending, Verdict};
use fusee_engine::{Compiler, Effort, Gas, Value};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::{
    Compilation, CompileCommand, CompileIn, Executor, ExecutorBuilder, PreparedProgram, RunError,
    RunRequest, Tier, WithInterpreter,
};
use fusee_instrument::Rules;

use crate::{compiler::Watched, guest::wasm, work::alive_over_branches};

/// A loop whose rounds are an argument.
const ROUNDS: &str = r#"(module (memory 1)
    (func (export "f") (param $rounds i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (local.get $rounds)))
            (i32.store (i32.const 16) (local.get $sum))
            (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
        (i32.load (i32.const 16))))"#;

const ENOUGH: Gas = Gas::new(10_000_000);

fn tiered() -> ExecutorBuilder<WithInterpreter> {
    Executor::tiered(
        Arc::new(WasmiEngine::new()),
        Arc::new(WasmtimeEngine::new().unwrap()),
    )
}

fn tiered_with(compiler: &Arc<Watched>) -> ExecutorBuilder<WithInterpreter> {
    let compiler: Arc<dyn Compiler> = Arc::<Watched>::clone(compiler);
    Executor::tiered(Arc::new(WasmiEngine::new().with_idle_bytes(0)), compiler)
}

fn prepare(executor: &Executor) -> Arc<PreparedProgram> {
    executor
        .prepare(&wasm(ROUNDS), &Rules::v1(Vec::new()))
        .unwrap()
}

fn run(executor: &Executor, prepared: &Arc<PreparedProgram>, gas: Gas) -> Verdict {
    try_run(executor, prepared, gas, Tier::Best).unwrap()
}

fn try_run(
    executor: &Executor,
    prepared: &Arc<PreparedProgram>,
    gas: Gas,
    tier: Tier,
) -> Result<Verdict, RunError> {
    let args = [Value::I32(1_000)];
    let request = RunRequest {
        tier,
        ..RunRequest::new("f", &args, gas)
    };
    let outcome = executor.run(prepared, request, ())?;
    Ok(Verdict::of(outcome))
}

#[test]
fn a_program_is_called_at_once_and_moves_to_the_compiler() {
    let executor = tiered().compile_gas(Gas::new(1)).build();
    let prepared = prepare(&executor);
    assert_eq!(prepared.compilation(), Compilation::Idle);
    let interpreted = run(&executor, &prepared, ENOUGH);
    assert!(matches!(interpreted.ending, Ending::Finished(_)));
    run(&executor, &prepared, ENOUGH);
    assert_ne!(prepared.compilation(), Compilation::Idle);
    while prepared.compilation() != Compilation::Done {
        // Whatever the compiler is at, calls go on and come to the same.
        assert_eq!(run(&executor, &prepared, ENOUGH), interpreted);
    }
    assert_eq!(run(&executor, &prepared, ENOUGH), interpreted);
}

#[test]
fn a_program_is_compiled_once_its_runs_have_paid_for_it() {
    let executor = tiered().compile_gas(Gas::new(1_000)).build();
    let prepared = prepare(&executor);
    // A thread does not optimise.
    let work = prepared.program().compile_work.plain;
    let gas_used = run(&executor, &prepared, ENOUGH).gas_used;
    let calls = (1_000 * work).div_ceil(gas_used);
    assert!(calls > 2, "{calls}");
    for _ in 1..calls {
        // A limit is not a payment.
        run(&executor, &prepared, Gas::MAX);
        assert_eq!(prepared.compilation(), Compilation::Idle);
    }
    run(&executor, &prepared, ENOUGH);
    assert_ne!(prepared.compilation(), Compilation::Idle);
}

#[test]
fn a_program_is_compiled_on_request() {
    let executor = tiered().build();
    let prepared = prepare(&executor);
    executor.compile_for(&prepared, Gas::new(1_000));
    assert_eq!(prepared.compilation(), Compilation::Idle);
    executor.compile_for(&prepared, Gas::MAX);
    assert_eq!(prepared.compilation(), Compilation::Done);

    let executor = tiered().build();
    let prepared = prepare(&executor);
    executor.compile_soon(&prepared);
    assert_ne!(prepared.compilation(), Compilation::Idle);
}

/// A program that has to be translated for each call is compiled, however little its calls compute.
#[test]
fn a_program_that_is_evicted_again_and_again_is_compiled() {
    let rarely = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(1_000);
    let code = wasm(&format!(
        r#"(module (func (export "f") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then {rarely})) (local.get 0)))"#
    ));
    let executor = |cache_bytes| {
        let executor = tiered().compile_gas(Gas::new(1_000));
        executor.cache_bytes(cache_bytes).build()
    };
    let call = |executor: &Executor| {
        let prepared = executor.prepare(&code, &Rules::v1(Vec::new())).unwrap();
        run(executor, &prepared, ENOUGH);
        prepared
    };
    let (kept, evicting) = (executor(64 << 20), executor(0));
    let prepared = call(&kept);
    let bytes = u64::try_from(prepared.program().code.len()).unwrap();
    let most = (1_000 * prepared.program().compile_work.optimized).div_ceil(90 * bytes) + 1;
    assert!(most > 3, "{most}");
    assert_eq!(call(&evicting).compilation(), Compilation::Idle);
    for _ in 0..most {
        call(&kept);
        call(&evicting);
    }
    assert_ne!(call(&evicting).compilation(), Compilation::Idle);
    assert_eq!(call(&kept).compilation(), Compilation::Idle);
}

/// The queue holds no memory: evicted programs are not compiled.
#[test]
fn what_the_cache_evicts_is_not_compiled() {
    let compiler = Watched::blocked();
    let executor = tiered_with(&compiler).cache_bytes(600 << 10).build();
    let first = prepare(&executor);
    executor.compile_soon(&first);
    compiler.await_begin();
    let queued: Vec<_> = (0..8)
        .map(|constant| {
            let text = format!(r#"(module (func (export "f") (result i32) i32.const {constant}))"#);
            let prepared = executor
                .prepare(&wasm(&text), &Rules::v1(Vec::new()))
                .unwrap();
            executor.compile_soon(&prepared);
            Arc::downgrade(&prepared)
        })
        .collect();
    assert!(
        queued.iter().all(|queued| queued.upgrade().is_some()),
        "they are cached"
    );
    for filling in ["x", "y"] {
        let data = filling.repeat(600_000);
        let large = format!(r#"(module (memory 16) (data (i32.const 0) "{data}"))"#);
        executor
            .prepare(&wasm(&large), &Rules::v1(Vec::new()))
            .unwrap();
    }
    assert!(
        queued.iter().all(|queued| queued.upgrade().is_none()),
        "the queue keeps none"
    );
    compiler.unblock();
    drop(executor);
}

#[test]
fn many_that_wait_compile_once() {
    let compiler = Watched::new();
    let executor = tiered_with(&compiler).compile_gas(Gas::ZERO).build();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| run(&executor, &prepare(&executor), ENOUGH));
        }
    });
    assert_eq!(compiler.compilations(), 1);
}

#[test]
fn what_does_not_compile_stays_on_the_interpreter() {
    let compiler = Watched::failing(u32::MAX);
    let executor = tiered_with(&compiler).compile_gas(Gas::ZERO).build();
    let prepared = prepare(&executor);
    executor.compile(&prepared).unwrap_err();
    let expected = run(&tiered().build(), &prepare(&tiered().build()), ENOUGH);
    for _ in 0..4 {
        assert_eq!(run(&executor, &prepared, ENOUGH), expected);
    }
    let Compilation::GivenUp { reason } = prepared.compilation() else {
        panic!("{:?}", prepared.compilation());
    };
    assert_eq!(reason, "the compiler panicked");
    assert_eq!(compiler.compilations(), 2);
}

/// Nothing could end its compilation, and other programs wait in the queue.
#[test]
fn the_background_compiles_no_bomb_in_a_thread() {
    let executor = tiered().build();
    let bomb = executor
        .prepare(
            &wasm(&alive_over_branches(120, 1_700)),
            &Rules::v1(Vec::new()),
        )
        .unwrap();
    executor.compile_soon(&bomb);
    let reason = loop {
        match bomb.compilation() {
            Compilation::GivenUp { reason } => break reason,
            Compilation::Queued | Compilation::Running => std::thread::yield_now(),
            other => panic!("{other:?}"),
        }
    };
    assert!(reason.contains("compile in a process"), "{reason}");
}

#[test]
fn only_callers_of_compile_have_a_thread_optimise() {
    let compiler = Watched::new();
    let executor = tiered_with(&compiler).build();
    let prepared = prepare(&executor);
    executor.compile_soon(&prepared);
    while prepared.compilation() != Compilation::Done {
        std::thread::yield_now();
    }
    let executor = tiered_with(&compiler).build();
    executor.compile(&prepare(&executor)).unwrap();
    assert_eq!(compiler.efforts(), [Effort::Reduced, Effort::Full]);
}

#[test]
fn a_compilation_that_failed_once_is_tried_again() {
    let executor = tiered_with(&Watched::failing(1)).build();
    let prepared = prepare(&executor);
    executor.compile(&prepared).unwrap_err();
    executor.compile(&prepared).unwrap();
    assert_eq!(prepared.compilation(), Compilation::Done);
    assert_eq!(executor.run_counts().failed_compilations, 1);
}

#[test]
fn where_the_compiled_program_has_no_instance_the_interpreter_runs_it() {
    let executor = tiered_with(&Watched::without_instances())
        .compile_gas(Gas::ZERO)
        .build();
    let prepared = prepare(&executor);
    let answer = run(&executor, &prepared, ENOUGH);
    assert_eq!(prepared.compilation(), Compilation::Done);
    let counts = executor.run_counts();
    assert_eq!((counts.compiled, counts.fallbacks), (1, 1));
    let other = tiered().compile_gas(Gas::ZERO).build();
    assert_eq!(answer, run(&other, &prepare(&other), ENOUGH));

    let alone = Executor::compiled(Watched::without_instances()).build();
    let prepared = prepare(&alone);
    let error = try_run(&alone, &prepared, ENOUGH, Tier::Best).unwrap_err();
    assert!(error.is_of_the_engine(), "{error}");
}

#[test]
fn a_call_and_the_whole_executor_can_be_held_to_the_interpreter() {
    let compiler = Watched::new();
    let executor = tiered_with(&compiler).build();
    let prepared = prepare(&executor);
    let interpreted = try_run(&executor, &prepared, ENOUGH, Tier::Interpreter).unwrap();
    executor.use_interpreter_only(true);
    assert_eq!(run(&executor, &prepared, ENOUGH), interpreted);
    assert_eq!(compiler.compilations(), 0);
    executor.compile(&prepared).unwrap();
    assert_eq!(run(&executor, &prepared, ENOUGH), interpreted);
    executor.use_interpreter_only(false);
    assert_eq!(run(&executor, &prepared, ENOUGH), interpreted);
    assert_eq!(compiler.compilations(), 1);
    let counts = executor.run_counts();
    assert_eq!((counts.interpreted, counts.compiled), (3, 1));
    assert_eq!(counts.fallbacks, 0);
}

fn by_shell(script: &str) -> ExecutorBuilder<WithInterpreter> {
    let command = CompileCommand::new("/bin/sh").args(["-c", script]);
    tiered()
        .compile_in(CompileIn::Process(command))
        .compiled_bytes(1 << 20)
}

#[cfg(unix)]
#[test]
fn a_compiler_process_that_fails_says_why() {
    for (script, reason) in [
        (
            "cat > /dev/null; echo out of time >&2; exit 7",
            "exit status: 7: out of time",
        ),
        // It does not even read.
        ("exit 3", "exit status: 3"),
        ("kill -9 $$", "signal: 9 (SIGKILL)"),
        (
            "cat > /dev/null; cat /dev/zero",
            "the compiled program has more than 1048576 bytes",
        ),
        // What is no compiled program is not run.
        ("cat", "failed to compile"),
        ("cat > /dev/null", "failed to compile"),
    ] {
        let executor = by_shell(script).compile_gas(Gas::ZERO).build();
        let prepared = prepare(&executor);
        executor.compile(&prepared).unwrap_err();
        for _ in 0..2 {
            let verdict = run(&executor, &prepared, ENOUGH);
            assert!(matches!(verdict.ending, Ending::Finished(_)), "{script}");
        }
        let Compilation::GivenUp { reason: found } = prepared.compilation() else {
            panic!("{script}: {:?}", prepared.compilation());
        };
        assert!(found.contains(reason), "{script}: {found}");
    }
    // It complains for longer than a pipe holds, and gives back a program that is longer, too,
    // while it reads.
    let large = format!(
        "(module (memory 4) (data (i32.const 0) \"{}\"))",
        "x".repeat(200_000)
    );
    for script in [
        "head -c 200000 /dev/zero >&2; cat > /dev/null; exit 1",
        "cat",
    ] {
        let executor = by_shell(script).build();
        let prepared = executor
            .prepare(&wasm(&large), &Rules::v1(Vec::new()))
            .unwrap();
        executor.compile(&prepared).unwrap_err();
    }
    let missing = tiered()
        .compile_in(CompileIn::Process(CompileCommand::new("/no/such/compiler")))
        .build();
    let error = missing.compile(&prepare(&missing)).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("/no/such/compiler"), "{source}");
}
