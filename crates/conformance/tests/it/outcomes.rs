//! Every kind of outcome, on every lane.

use std::collections::BTreeSet;

use fusee_conformance::{Answering, Ending, Verdict, agreed, lanes};
use fusee_engine::{EngineError, Gas, Interrupt, Syscall, Trap, Value};
use fusee_executor::{Outcome, RunError, RunRequest};

use crate::guest::{Call, TestHost, check, compiled, host, rules, wasm};

const GAS: u64 = 1_000_000;

fn call(entry: &str) -> Call<'_> {
    Call {
        entry,
        args: &[],
        gas: GAS,
    }
}

#[test]
fn functions_finish_with_their_values() {
    let arith = compiled("arith");
    let cases: [(&str, &[Value], &[Value]); 4] = [
        ("add", &[Value::I32(2), Value::I32(3)], &[Value::I32(5)]),
        (
            "fac",
            &[Value::I64(20)],
            &[Value::I64(2_432_902_008_176_640_000)],
        ),
        ("fib", &[Value::I32(15)], &[Value::I32(610)]),
        (
            "swap",
            &[Value::I32(1), Value::I64(2)],
            &[Value::I64(2), Value::I32(1)],
        ),
    ];
    for (entry, args, values) in cases {
        let verdict = check(
            &arith,
            Call {
                args,
                ..call(entry)
            },
        );
        assert_eq!(verdict.ending, Ending::Finished(values.to_vec()), "{entry}");
    }
}

/// The traps of `hostile_traps`, and whether the gas is known where they strike.
const TRAPS: &[(&str, Trap, bool)] = &[
    ("unreachable", Trap::Unreachable, true),
    ("div_by_zero", Trap::IntegerDivisionByZero, false),
    ("div_overflow", Trap::IntegerOverflow, false),
    ("rem_by_zero", Trap::IntegerDivisionByZero, false),
    ("oob_load", Trap::MemoryOutOfBounds, false),
    ("oob_store", Trap::MemoryOutOfBounds, false),
    ("oob_fill", Trap::MemoryOutOfBounds, false),
    ("oob_copy", Trap::MemoryOutOfBounds, false),
    ("table_oob", Trap::TableOutOfBounds, false),
    ("null_call", Trap::IndirectCallToNull, false),
    ("bad_signature", Trap::BadSignature, false),
    ("stack_overflow", Trap::StackOverflow, true),
];

#[test]
fn every_trap_is_told_and_none_is_cheaper_than_the_work_before_it() {
    let traps = compiled("hostile_traps");
    // Two are a host's to raise; the other takes floating point, which these rules refuse.
    let others = [Trap::SyscallRefused, Trap::DataLimit, Trap::BadConversion];
    let mut reached = BTreeSet::from(others.map(Trap::name));
    for (entry, trap, exact) in TRAPS {
        reached.insert(trap.name());
        let at_once = check(&traps, call(entry));
        assert_eq!(at_once.ending, Ending::Trapped(*trap), "{entry}");
        assert_eq!(at_once.gas_used < GAS, *exact, "{entry}");

        let burn = |rounds| {
            let entry = format!("burn_then_{entry}");
            let args = &[Value::I32(rounds)];
            check(
                &traps,
                Call {
                    args,
                    ..call(&entry)
                },
            )
        };
        // A round costs 16 gas.
        let (none, many) = (burn(0), burn(2_000));
        assert_eq!(many.ending, Ending::Trapped(*trap), "{entry}");
        let more = if *exact { 2_000 * 16 } else { 0 };
        assert_eq!(many.gas_used, none.gas_used + more, "{entry}");
        assert!(many.gas_used >= 2_000 * 16, "{entry}");
        let too_many = Verdict {
            ending: Ending::OutOfGas,
            gas_used: GAS,
        };
        assert_eq!(burn(1_000_000), too_many, "{entry}");
    }
    let all: BTreeSet<&str> = Trap::ALL.iter().map(|trap| trap.name()).collect();
    assert_eq!(reached, all);
}

/// A guest that does what its entry says, with imports to do it by.
const ACTS: &str = r#"(module
  (import "env" "finish" (func $finish))
  (import "env" "broke" (func $broke))
  (import "env" "refuse" (func $refuse))
  (import "env" "fail" (func $fail))
  (import "env" "sleep" (func $sleep))
  (import "env" "gas" (func $gas (result i64)))
  (import "env" "charge" (func $charge (param i64)))
  (import "env" "poke" (func $poke (param i32 i32)))
  (memory 1)
  (func $work (param i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "finish") (call $work (i32.const 100)) (call $finish) (unreachable))
  (func (export "refuse") (call $work (i32.const 100)) (call $refuse))
  (func (export "fail") (call $fail))
  (func (export "broke") (call $broke))
  (func (export "sleep") (call $sleep))
  (func (export "gas") (result i64) (call $work (i32.const 100)) (call $gas))
  (func (export "poke") (param i32) (result i32)
    (call $poke (local.get 0) (i32.const 77)) (i32.load8_u (local.get 0)))
  (func (export "charge") (call $charge (i64.const 100000000)))
  (func (export "loop") (loop (br 0)))
  (func $recurse (export "recurse") (call $recurse))
  (func (export "fill") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0)))
  (func (export "fill far") (memory.fill (i32.const 0) (i32.const 1) (i32.const -1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
)"#;

/// `work` costs this much, and an instance that much.
const WORK: u64 = 5 * 100;
const INSTANCE: u64 = 3_000;

#[test]
fn syscalls_end_runs() {
    let acts = wasm(ACTS);
    let cases = [
        ("finish", Ending::Finished(Vec::new()), 1 + 4 + WORK + 4 + 1),
        (
            "refuse",
            Ending::Trapped(Trap::SyscallRefused),
            1 + 4 + WORK + 4,
        ),
    ];
    for (entry, ending, gas) in cases {
        let gas_used = INSTANCE + gas;
        assert_eq!(
            check(&acts, call(entry)),
            Verdict { ending, gas_used },
            "{entry}"
        );
    }
}

#[test]
fn syscalls_see_the_gas_that_is_left() {
    let left = GAS - INSTANCE - (1 + 4 + WORK + 4);
    let ending = Ending::Finished(vec![Value::I64(left.cast_signed())]);
    assert_eq!(check(&wasm(ACTS), call("gas")).ending, ending);
}

#[test]
fn syscalls_see_the_memory() {
    let poke = |at| {
        let args = &[Value::I32(at)];
        check(
            &wasm(ACTS),
            Call {
                args,
                ..call("poke")
            },
        )
        .ending
    };
    assert_eq!(poke(65_535), Ending::Finished(vec![Value::I32(77)]));
    assert_eq!(poke(65_536), Ending::Trapped(Trap::MemoryOutOfBounds));
}

#[test]
fn whoever_uses_more_gas_than_there_is_uses_all_of_it() {
    let acts = wasm(ACTS);
    let huge = [Value::I32(-1)];
    let cases: [(&str, &[Value], u64); 9] = [
        ("loop", &[], GAS),
        ("recurse", &[], 5_000),
        ("fill", &[], GAS),
        ("grow", &huge, GAS),
        // It would trap, but it cannot pay for as much as trying.
        ("fill far", &[], GAS),
        ("broke", &[], GAS),
        ("charge", &[], GAS),
        ("loop", &[], INSTANCE),
        ("loop", &[], INSTANCE - 1),
    ];
    for (entry, args, gas) in cases {
        let verdict = check(&acts, Call { entry, args, gas });
        let expected = Verdict {
            ending: Ending::OutOfGas,
            gas_used: gas,
        };
        assert_eq!(verdict, expected, "{entry} with {gas}");
    }
}

/// Between two looks at its gas a guest may be below zero; the host acts for none that is.
#[test]
fn a_guest_below_zero_does_not_reach_the_host() {
    let module = wasm(
        "(module (import \"env\" \"sleep\" (func $sleep))
           (func (export \"run\") (if (i32.const 1) (then (call $sleep)))))",
    );
    let reached = |gas| {
        agreed(&lanes(), |lane| {
            let prepared = lane.executor.prepare(&module, &rules()).unwrap();
            let (sender, receiver) = std::sync::mpsc::channel();
            let host = Answering(move |_: &mut Syscall<'_>| {
                sender.send(()).unwrap();
                Ok(0)
            });
            let request = lane.request("run", &[], Gas::new(gas));
            let outcome = lane.executor.run(&prepared, request, host);
            let verdict = Verdict::of(outcome.unwrap());
            (verdict.ending, receiver.try_iter().count())
        })
    };
    assert_eq!(reached(2_000 + 2 + 4), (Ending::Finished(Vec::new()), 1));
    assert_eq!(reached(2_000 + 2 + 3), (Ending::OutOfGas, 0));
}

#[test]
fn faults_of_the_host_are_errors() {
    let acts = wasm(ACTS);
    let error = |entry: &str| {
        agreed(&lanes(), |lane| {
            let prepared = lane.executor.prepare(&acts, &rules()).unwrap();
            let request = lane.request(entry, &[], Gas::new(GAS));
            let error = lane.executor.run(&prepared, request, host()).unwrap_err();
            error.to_string()
        })
    };
    assert_eq!(error("fail"), "the host failed to answer a syscall");
    assert_eq!(
        error("sleep"),
        "syscall 1 suspends, but this run cannot be suspended"
    );
    assert_eq!(
        error("nothing"),
        "the program exports no function `nothing`"
    );
    assert_eq!(error("poke"), "`poke` takes (i32), but was given ()");
    assert_eq!(
        error("fusee:low"),
        "the program exports no function `fusee:low`"
    );
}

#[test]
fn an_interrupt_ends_a_run_that_would_not_end() {
    let acts = wasm(ACTS);
    for lane in lanes() {
        let prepared = lane.executor.prepare(&acts, &rules()).unwrap();
        let run = |interrupt: Interrupt| {
            let request = RunRequest {
                interrupt: Some(&interrupt),
                ..lane.request("loop", &[], Gas::MAX)
            };
            lane.executor.run(&prepared, request, host())
        };
        let assert_interrupted = |result: Result<Outcome<TestHost>, RunError>| match result {
            Err(RunError::Engine(EngineError::Interrupted)) => {}
            other => panic!("{}: {other:?}", lane.name),
        };
        let before = Interrupt::new();
        before.trigger();
        assert_interrupted(run(before));

        let meanwhile = Interrupt::new();
        std::thread::scope(|scope| {
            let running = scope.spawn(|| run(meanwhile.clone()));
            meanwhile.trigger();
            assert_interrupted(running.join().unwrap());
        });
    }
}

#[test]
fn a_start_function_that_never_ends_runs_out_of_gas() {
    let verdict = check(&compiled("hostile_start_loop"), call("deploy"));
    let expected = Verdict {
        ending: Ending::OutOfGas,
        gas_used: GAS,
    };
    assert_eq!(verdict, expected);
}

#[test]
fn a_recycled_instance_keeps_its_memory_and_costs_nothing_again() {
    let counts = wasm(
        "(module (memory 1) (global $starts (mut i32) (i32.const 0))
           (func $start (global.set $starts (i32.add (global.get $starts) (i32.const 1))))
           (start $start)
           (func (export \"count\") (result i32 i32)
             (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
             (i32.load (i32.const 0)) (global.get $starts))
           (func (export \"grow\") (drop (memory.grow (i32.const 2)))))",
    );
    let used = agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(&counts, &rules()).unwrap();
        let mut outcome = call("count").on(lane, &prepared);
        let mut used = Vec::new();
        for count in 1..=3 {
            let Outcome::Finished(finished) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(finished.values(), [Value::I32(count), Value::I32(1)]);
            used.push(finished.gas_used().units());
            let (live, host) = finished.into_instance();
            let mut live = live.unwrap();
            assert_eq!(live.memory().read_array(0), Ok(count.to_le_bytes()));
            let request = lane.request("count", &[], Gas::new(GAS));
            outcome = live.run(request, host).unwrap();
        }
        used
    });
    let count = 1 + (1 + 2 + 1 + 1) + 2 + (1 + 2) + 1;
    assert_eq!(used, [3_000 + 4 + count, count, count]);
}

#[test]
fn a_run_that_a_syscall_finished_leaves_no_instance() {
    for lane in lanes() {
        let prepared = lane.executor.prepare(&wasm(ACTS), &rules()).unwrap();
        match call("finish").on(&lane, &prepared) {
            Outcome::Finished(finished) => assert!(finished.into_instance().0.is_none()),
            other => panic!("{}: {other:?}", lane.name),
        }
    }
}

#[test]
fn initialize_runs_once_for_whoever_asks_for_it_by_name() {
    let module = wasm(
        r#"(module (global $runs (mut i32) (i32.const 0))
          (func (export "_initialize") (result i32)
            (global.set $runs (i32.add (global.get $runs) (i32.const 1))) (global.get $runs)))"#,
    );
    let verdict = check(&module, call("_initialize"));
    assert_eq!(verdict.ending, Ending::Finished(vec![Value::I32(1)]));
}

/// An interpreter that calls itself for some operator, and does not return before the run does,
/// would run out of native stack where the guest has gas left.
#[test]
fn no_operator_grows_the_native_stack() {
    let operators = [
        "(drop (memory.grow (local.get $zero)))",
        "(drop (memory.size))",
        "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0))",
        "(memory.copy (i32.const 0) (i32.const 0) (i32.const 0))",
        "(memory.init $bytes (i32.const 0) (i32.const 0) (i32.const 0))",
        "(data.drop $bytes)",
        "(drop (table.size $table))",
        "(table.fill $table (i32.const 0) (ref.null func) (i32.const 0))",
        "(table.copy $table $table (i32.const 0) (i32.const 0) (i32.const 0))",
        "(table.init $table $functions (i32.const 0) (i32.const 0) (i32.const 0))",
        "(elem.drop $functions)",
        "(table.set $table (i32.const 1) (table.get $table (i32.const 1)))",
        "(call $leaf)",
        "(call_indirect $table (i32.const 0))",
        "(call $tick)",
        "(drop (ref.is_null (ref.func $leaf)))",
        "(global.set $global (global.get $global))",
        "(block (block (br_table 0 1 (local.get $left))))",
        "(drop (select (i32.const 1) (i32.const 2) (local.get $left)))",
        "(drop (i64.div_u (i64.const 1) (i64.extend_i32_u (local.get $left))))",
        "(i64.store (i32.const 8) (i64.load (i32.const 0)))",
    ];
    // Of wasmi's lanes the one with tiny slices asks the host in every round.
    let lanes: Vec<_> = lanes()
        .into_iter()
        .filter(|lane| ["wasmtime", "wasmi", "wasmi, tiny slices"].contains(&lane.name))
        .collect();
    for operator in operators {
        let module = wasm(&format!(
            "(module
               (import \"env\" \"tick\" (func $tick))
               (memory 1)
               (data $bytes \"abc\")
               (table $table 2 funcref)
               (elem (table $table) (i32.const 0) func $leaf)
               (elem $functions func $leaf)
               (global $global (mut i64) (i64.const 0))
               (func $leaf)
               (func (export \"run\") (param $left i32) (local $zero i32)
                 (loop $again
                   {operator} {operator} {operator} {operator} {operator} {operator} {operator} {operator}
                   (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"
        ));
        agreed(&lanes, |lane| {
            let prepared = lane.executor.prepare(&module, &rules()).unwrap();
            let call = Call {
                entry: "run",
                args: &[Value::I32(100_000)],
                gas: 1 << 40,
            };
            let verdict = Verdict::of(call.on(lane, &prepared));
            assert_eq!(verdict.ending, Ending::Finished(Vec::new()), "{operator}");
            verdict.gas_used
        });
    }
}

/// A compiler keeps what it computed before a call for after it, and takes what does not change out
/// of a loop. However much that is, the stack that is metered ends before the one that there is.
#[test]
fn no_native_frame_outgrows_its_metered_one() {
    let engines = &lanes()[..2];
    let stores = |count: u64, term: fn(u64) -> String| -> String {
        (0..count)
            .map(|index| format!("(i64.store (i32.const {}) {})", index * 8, term(index)))
            .collect()
    };
    let product: fn(u64) -> String =
        |index| format!("(i64.mul (local.get $n) (i64.const {}))", 2 * index + 3);
    // Of one operator each, as far as there are such.
    let short: fn(u64) -> String = |index| match index % 4 {
        0 => "(i64.clz (local.get $n))".to_owned(),
        1 => format!("(i64.shl (local.get $n) (i64.const {}))", index % 64),
        2 => format!("(i64.rotl (local.get $n) (i64.const {}))", index % 64),
        _ => format!("(i64.xor (local.get $n) (i64.const {}))", index * 77 + 1),
    };
    let down = "(if (i64.ne (local.get $n) (i64.const 0))
                  (then (call $down (i64.sub (local.get $n) (i64.const 1)))))";
    for term in [product, short] {
        for count in [1, 8, 64, 512, 4_000] {
            let stores = stores(count, term);
            let around = format!("{stores} {down} {stores}");
            let in_a_loop = format!(
                "(loop $again {stores} {down} {stores}
                   (br_if $again (i64.eq (local.get $n) (i64.const -1))))"
            );
            let indirect = around.replace(
                "(call $down (i64.sub (local.get $n) (i64.const 1)))",
                "(call_indirect (param i64) (i64.sub (local.get $n) (i64.const 1)) (i32.const 0))",
            );
            for body in [around, in_a_loop, indirect] {
                let module = wasm(&format!(
                    "(module (memory 1) (table 1 funcref) (elem (i32.const 0) $down)
                       (func $down (export \"down\") (param $n i64) {body}))"
                ));
                let ending = agreed(engines, |lane| {
                    let prepared = lane.executor.prepare(&module, &rules()).unwrap();
                    let call = Call {
                        entry: "down",
                        args: &[Value::I64(1 << 40)],
                        gas: 1 << 40,
                    };
                    Verdict::of(call.on(lane, &prepared)).ending
                });
                assert_eq!(ending, Ending::Trapped(Trap::StackOverflow), "{count}");
            }
        }
    }
}

/// A local lies on the operand stack below the parameters of a block that writes it.
#[test]
fn a_block_with_parameters_does_not_change_operands_below_them() {
    let blocks = [
        "(loop (param i32) (local.set 1) (i32.const 3) (br_if 0 (call $again)) (drop))",
        "(loop (param i32) (local.set 1) (i32.const 3) (i32.eqz (call $again)) (br_if 0) (drop))",
        "(block (param i32) (local.set 1))",
        "(if (param i32) (then (local.set 1)) (else (local.set 1)))",
        "(if (param i32) (then (local.set 1)) (else (drop)))",
    ];
    for block in blocks {
        let condition = match block.starts_with("(if") {
            true => "(i32.const 1)",
            false => "",
        };
        for param in [
            "(i32.const 4)",
            "(local.get 0)",
            "(i32.add (local.get 0) (i32.const 1))",
        ] {
            let module = wasm(&format!(
                r#"(module
                  (global $rounds (mut i32) (i32.const 9))
                  (func $again (result i32)
                    (global.set $rounds (i32.sub (global.get $rounds) (i32.const 1)))
                    (global.get $rounds))
                  (func (export "f") (param i32) (result i32) (local i32)
                    (local.set 1 (i32.const 100))
                    local.get 1
                    {param}
                    {condition}
                    {block}))"#
            ));
            let call = Call {
                entry: "f",
                args: &[Value::I32(7)],
                gas: GAS,
            };
            let found = check(&module, call).ending;
            assert_eq!(
                found,
                Ending::Finished(vec![Value::I32(100)]),
                "{param} {block}"
            );
        }
    }
}
