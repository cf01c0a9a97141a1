//! Native stacks: a compiler refuses a program whose native frames could exceed the native stack
//! before the counted height ends. The interpreter runs it, with the same outcome and gas.

use std::{error::Error, fmt::Write, sync::Arc};

use fusee_conformance::{Ending, Random, Verdict, deep};
use fusee_engine::{Code, Compiler, Effort, EngineError, Frames, Gas, Trap, Value};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::{Bounds, WasmtimeEngine};
use fusee_executor::{Compilation, Executor, PrepareError, RunRequest, Suspension};
use fusee_instrument::{Floats, Limits, Rules, Schedule, prepare};

use crate::guest::wasm;

const ENOUGH: Gas = Gas::new(1_000_000_000);

/// A function that recurses, with values that live through it, and with groups of 16 results that
/// live over one call each. The register allocator looks at ten slots of its frame before it makes
/// a new one; the values fill those, so that each group takes new ones.
fn slots(value: &str, groups: usize) -> Vec<u8> {
    const LIVE: usize = 14;
    let types = |count: usize| format!(" {value}").repeat(count);
    let each =
        |code: &dyn Fn(usize) -> String, count: usize| (0..count).map(code).collect::<String>();
    let mut text = format!(
        "(module (memory 1)
         (func $g (param {value}) (result {}) {})
         (func $h (param {}))
         (func $f (param $depth i32) (param {}) (result {value})
         (if (i32.eqz (local.get $depth)) (then (return ({value}.const 7))))",
        types(16),
        each(
            &|at| format!("({value}.add (local.get 0) ({value}.const {at}))"),
            16
        ),
        types(32),
        types(LIVE),
    );
    for _ in 0..groups {
        text.push_str("(call $h (call $g (local.get 1)) (call $g (local.get 2)))");
    }
    let args = each(&|at| format!("(local.get {})", at + 1), LIVE);
    let _ = write!(
        text,
        "(call $f (i32.sub (local.get $depth) (i32.const 1)) {args})"
    );
    text.push_str(&each(
        &|at| format!("({value}.add (local.get {}))", at + 1),
        LIVE,
    ));
    // A program that grows its memory can be compiled with bounds checks.
    let _ = write!(
        text,
        ") (func (export \"f\") (param i32) (result {value}) (drop (memory.grow (i32.const 0)))
         (call $f (local.get 0) {})))",
        each(&|at| format!("({value}.const {at})"), LIVE)
    );
    wasm(&text)
}

/// Rules that admit functions which are expensive to compile, since those have large frames.
fn rules() -> Rules {
    let limits = Limits {
        function_work: u64::MAX,
        program_work: u64::MAX,
        ..Limits::v1()
    };
    Rules::named("large-frames", Schedule::v1(), limits, Vec::new()).with_floats(Floats::Canonical)
}

fn wasmtime(bounds: Bounds) -> Arc<WasmtimeEngine> {
    Arc::new(WasmtimeEngine::builder().growing(bounds).build().unwrap())
}

fn run(executor: &Executor, program: &[u8], depth: i32) -> (Verdict, Compilation) {
    let prepared = executor.prepare(program, &rules()).unwrap();
    // It is given up after a second failure.
    executor.compile_for(&prepared, Gas::MAX);
    let args = [Value::I32(depth)];
    let verdict = |suspension| {
        let request = RunRequest {
            suspension,
            ..RunRequest::new("f", &args, ENOUGH)
        };
        Verdict::of(executor.run(&prepared, request, ()).unwrap())
    };
    let plain = verdict(Suspension::AsNeeded);
    assert_eq!(plain, verdict(Suspension::Always));
    (plain, prepared.compilation())
}

/// A finite depth at which the native stack of 2 MiB would not suffice, and one at which the
/// counted height ends.
const DEPTHS: [i32; 2] = [60, i32::MAX];

#[test]
fn a_program_with_large_native_frames_stays_on_the_interpreter() {
    for value in ["i64", "f64"] {
        let program = slots(value, 400);
        let interpreter = Executor::builder(Arc::new(WasmiEngine::new())).build();
        for bounds in [Bounds::Guarded, Bounds::Checked] {
            let compiler = wasmtime(bounds);
            let tiered = Executor::tiered(Arc::new(WasmiEngine::new()), compiler)
                .compile_gas(Gas::ZERO)
                .build();
            for depth in DEPTHS {
                let (expected, _) = run(&interpreter, &program, depth);
                let (found, compilation) = run(&tiered, &program, depth);
                assert_eq!(found, expected, "{value} {depth}");
                let Compilation::GivenUp { reason } = compilation else {
                    panic!("{compilation:?}");
                };
                assert!(reason.contains("bytes of native stack"), "{reason}");
                match depth {
                    i32::MAX => assert_eq!(found.ending, Ending::Trapped(Trap::StackOverflow)),
                    _ => assert!(matches!(found.ending, Ending::Finished(_))),
                }
            }
        }
    }
}

#[test]
fn large_native_frames_are_refused_in_the_code_for_short_calls_too() {
    let engine = wasmtime(Bounds::Guarded);
    for (slot_count, is_admitted) in [(6, true), (400, false)] {
        let metered = prepare(&slots("i64", slot_count), &rules()).unwrap();
        let second = engine.for_short_calls(&metered).unwrap();
        let compiled = second.precompile(&metered, Effort::Full);
        assert_eq!(compiled.is_ok(), is_admitted, "{slot_count}");
        // Nor is such code loaded, where another compiler admitted it.
        let roomy = WasmtimeEngine::builder().guest_stack_bytes(1 << 30);
        let code = roomy.growing(Bounds::Checked).build().unwrap();
        let code = Code::Bytes(code.precompile(&metered, Effort::Full).unwrap());
        let loaded = second.load(&Arc::new(metered), code);
        assert_eq!(loaded.is_ok(), is_admitted, "{slot_count}");
    }
}

#[test]
fn a_compiler_alone_names_the_function_with_large_native_frames() {
    let program = slots("i64", 400);
    let metered = prepare(&program, &rules()).unwrap();
    for bounds in [Bounds::Guarded, Bounds::Checked] {
        let engine = wasmtime(bounds);
        let need = engine.native_stack_need(&metered).unwrap().unwrap();
        assert_eq!(
            (need.function, need.counted),
            (2, metered.frames.counted[2])
        );
        assert!(need.native > 40 * need.counted, "{need:?}");
        let error = Executor::compiled(engine)
            .build()
            .prepare(&program, &rules());
        let Err(PrepareError::Engine(EngineError::Compile { source, .. })) = error else {
            panic!("{error:?}");
        };
        let mut reason = source.to_string();
        let mut cause: Option<&dyn Error> = source.source();
        while let Some(error) = cause {
            let _ = write!(reason, ": {error}");
            cause = error.source();
        }
        let expected = format!(
            "the program can take {} bytes of native stack, of which there are 2097152: the frame \
             of function 2 has {} bytes, and is counted as {}",
            need.bytes, need.native, need.counted
        );
        assert!(reason.contains(&expected), "{reason}");
    }
}

#[test]
fn a_program_that_fits_into_the_native_stack_is_compiled() {
    for value in ["i64", "f64"] {
        let program = slots(value, 6);
        let interpreter = Executor::builder(Arc::new(WasmiEngine::new())).build();
        for bounds in [Bounds::Guarded, Bounds::Checked] {
            let compiled = Executor::compiled(wasmtime(bounds)).build();
            for depth in [60, i32::MAX] {
                let (expected, _) = run(&interpreter, &program, depth);
                assert_eq!(
                    run(&compiled, &program, depth).0,
                    expected,
                    "{value} {depth}"
                );
            }
        }
    }
}

#[test]
fn no_admitted_program_exceeds_the_native_stack_that_it_needs() {
    let mut checked = 0;
    for seed in 0..24 {
        let text = deep::program(&mut Random::new(seed));
        let bounds = match seed % 2 {
            0 => Bounds::Guarded,
            _ => Bounds::Checked,
        };
        match deep::check(&text, bounds) {
            Ok(need) => checked += usize::from(need.is_some()),
            Err(what) => panic!("{seed}: {what}\n{text}"),
        }
    }
    assert!(checked > 12, "the rules refuse all but {checked}");
}

#[test]
fn a_program_has_the_frames_that_are_counted() {
    let program = wasm(
        r#"(module (import "env" "sleep" (func $sleep))
            (func (drop (i32.const 1)) (call $sleep))
            (func (param i64 i64) (local i32))
            (func (export "f") (param i64) (call 1)))"#,
    );
    let metered = prepare(&program, &crate::guest::rules()).unwrap();
    let frames = Frames {
        limit: 262_144,
        added_before: 1,
        // A base of 64 bytes, 8 for each slot, and 4 for each started eight operators, rounded up
        // to 8. The second calls nothing.
        counted: vec![64 + 8 + 8, 0, 64 + 8 + 8],
        tail_params: 0,
    };
    assert_eq!(metered.frames, frames);
}

/// With bounds checks, code checks the stack after it has taken and touched a frame. One that is
/// larger than what is left for the host would end the process.
#[test]
fn a_frame_that_is_larger_than_the_stack_of_the_host_does_not_end_the_process() {
    let program = slots("f64", 2_700);
    let metered = prepare(&program, &rules()).unwrap();
    let engine = wasmtime(Bounds::Checked);
    let need = engine.native_stack_need(&metered).unwrap().unwrap();
    assert!(need.native > 512 << 10, "{need:?}");
    let tiered = Executor::tiered(Arc::new(WasmiEngine::new()), engine)
        .compile_gas(Gas::ZERO)
        .build();
    let (found, _) = run(&tiered, &program, 8);
    assert!(matches!(found.ending, Ending::Finished(_)));
}
