//! Refusals: the rule, the limit and the position that they report.

use std::{collections::BTreeSet, fmt::Write};

use expect_test::expect_file;
use fusee_conformance::{Ending, Verdict, agreed, lanes, round};
use fusee_engine::{Trap, Value, ValueType};
use fusee_instrument::{
    Limits, Refusal, Rule, Rules, SyscallPrice, SyscallRule, prepare, refusals,
};

use crate::guest::{Call, compiled, rules, wasm};

fn refusal(module: &[u8], rules: &Rules) -> Refusal {
    match prepare(module, rules) {
        Err(refusal) => {
            let all = refusals(module, rules).expect("it is refused");
            assert_eq!(all.listed[0], refusal, "the first of all");
            refusal
        }
        Ok(_) => panic!("accepted: {}", wasmprinter::print_bytes(module).unwrap()),
    }
}

/// What breaks each rule that is not a limit.
const BROKEN: &[(&str, &str)] = &[
    ("valid", "(func (result i32))"),
    ("valid", "(global i32 (i32.eqz (i32.const 1)))"),
    ("valid", "(func (result i64) (i64.add (i64.const 1)))"),
    ("simd", "(func (param v128))"),
    ("simd", "(func (local v128))"),
    (
        "simd",
        "(func (unreachable) (block (result v128) (unreachable)) (drop))",
    ),
    ("simd", "(global v128 (v128.const i64x2 0 0))"),
    ("simd", "(func (drop (v128.const i64x2 0 0)))"),
    ("simd", "(func (unreachable) (i8x16.add) (drop))"),
    ("simd", "(func (unreachable) (f32x4.add) (drop))"),
    (
        "relaxed_simd",
        "(func (unreachable) (i8x16.relaxed_swizzle) (drop))",
    ),
    ("threads", "(memory 1 1 shared)"),
    (
        "threads",
        "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))",
    ),
    ("threads", "(func (atomic.fence))"),
    ("tail_call", "(func $f (return_call $f))"),
    (
        "tail_call",
        "(table 1 funcref) (func (return_call_indirect (i32.const 0)))",
    ),
    ("exceptions", "(tag)"),
    ("exceptions", "(import \"env\" \"tag\" (tag))"),
    ("exceptions", "(func (param exnref))"),
    ("exceptions", "(func (unreachable) (throw_ref))"),
    ("exceptions", "(func (block (try_table (catch_all 0))))"),
    ("legacy_exceptions", "(func try catch_all end)"),
    ("gc", "(type (struct))"),
    ("gc", "(type (array i8))"),
    ("gc", "(rec (type (func)) (type (func)))"),
    ("gc", "(type (sub (func)))"),
    ("gc", "(func (param anyref))"),
    ("gc", "(table 1 eqref)"),
    ("gc", "(global i31ref (ref.i31 (i32.const 1)))"),
    ("gc", "(func (drop (ref.i31 (i32.const 1))))"),
    (
        "function_references",
        "(type $f (func)) (func (param (ref null $f)))",
    ),
    ("function_references", "(func (param (ref func)))"),
    (
        "function_references",
        "(type $f (func)) (func (unreachable) (call_ref $f))",
    ),
    ("memory64", "(memory i64 1)"),
    ("memory64", "(table i64 1 funcref)"),
    ("memory64", "(import \"env\" \"memory\" (memory i64 1))"),
    ("multi_memory", "(memory 1) (memory 1)"),
    ("custom_page_sizes", "(memory 1 (pagesize 1))"),
    (
        "extended_const",
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
    ),
    (
        "extended_const",
        "(memory 1) (data (i32.mul (i32.const 1) (i32.const 2)))",
    ),
    (
        "extended_const",
        "(table 1 funcref) (elem (i32.sub (i32.const 1) (i32.const 1)) func)",
    ),
    ("stack_switching", "(type $f (func)) (type (cont $f))"),
    (
        "wide_arithmetic",
        "(func (unreachable) (i64.add128) (drop) (drop))",
    ),
    ("floats", "(func (param f32))"),
    ("floats", "(func (result f64) (unreachable))"),
    ("floats", "(func (local f64))"),
    ("floats", "(global f32 (f32.const 0))"),
    ("floats", "(func (drop (f32.const 0)))"),
    ("floats", "(func (unreachable) (f64.add) (drop))"),
    (
        "floats",
        "(func (unreachable) (block (result f32) (unreachable)) (drop))",
    ),
    (
        "floats",
        "(func (unreachable) (i32.trunc_sat_f32_s) (drop))",
    ),
    (
        "operator",
        "(func (unreachable) (select (result i32 i32)) (drop))",
    ),
    ("type", "(func (param externref))"),
    ("type", "(func (local externref))"),
    ("type", "(table 1 externref)"),
    (
        "type",
        "(func (unreachable) (block (result externref) (unreachable)) (drop))",
    ),
    ("import_kind", "(import \"env\" \"memory\" (memory 1))"),
    (
        "import_kind",
        "(import \"env\" \"table\" (table 1 funcref))",
    ),
    ("import_kind", "(import \"env\" \"global\" (global i32))"),
    ("unknown_import", "(import \"env\" \"nothing\" (func))"),
    ("unknown_import", "(import \"other\" \"tick\" (func))"),
    (
        "unknown_import",
        "(import \"env\" \"tick\" (func)) (import \"a\" \"b\" (func)) (import \"env\" \"c\" (func (param i32)))",
    ),
    (
        "import_signature",
        "(import \"env\" \"tick\" (func (param i32)))",
    ),
    (
        "import_signature",
        "(import \"env\" \"tick\" (func (result i32)))",
    ),
    (
        "import_signature",
        "(import \"env\" \"add\" (func (param i64 i32) (result i64)))",
    ),
    (
        "import_signature",
        "(import \"env\" \"seventeen\" (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))",
    ),
    ("reserved_name", "(import \"fusee:host\" \"low\" (func))"),
    ("reserved_name", "(import \"fusee:\" \"x\" (memory 1))"),
    ("reserved_name", "(func (export \"fusee:gas\"))"),
    ("reserved_name", "(memory (export \"fusee:anything\") 1)"),
    ("segment", "(memory 1) (data (i32.const 65535) \"12\")"),
    ("segment", "(memory 1) (data (i32.const -1) \"\")"),
    ("segment", "(memory 0) (data (i32.const 0) \"1\")"),
    (
        "segment",
        "(table 2 funcref) (func $f) (elem (i32.const 1) $f $f)",
    ),
    (
        "segment",
        "(table 9 funcref) (table 2 funcref) (func $f) (elem (table 1) (i32.const 2) func $f)",
    ),
];

fn rules_with_seventeen() -> Rules {
    let mut syscalls = rules().syscalls().to_vec();
    syscalls.push(SyscallRule {
        module: "env".to_owned(),
        name: "seventeen".to_owned(),
        number: 100,
        params: vec![ValueType::I32; 17],
        result: None,
        may_suspend: false,
        price: SyscallPrice::FREE,
    });
    round::rules(syscalls)
}

#[test]
fn what_breaks_a_rule_is_refused_by_it() {
    let rules = rules_with_seventeen();
    let mut told = String::new();
    for (rule, body) in BROKEN {
        let refusal = refusal(&wasm(&format!("(module {body})")), &rules);
        assert_eq!(refusal.rule.name(), *rule, "{body}: {refusal}");
        assert_eq!((refusal.value, refusal.limit), (None, None), "{body}");
        writeln!(told, "{body}\n    {refusal}").unwrap();
    }
    expect_file!["golden/refusals.txt"].assert_eq(&told);
}

/// What just fits into a segment's place is admitted.
#[test]
fn segments_may_fill_what_they_are_copied_into() {
    let fits = [
        "(memory 1) (data (i32.const 65534) \"12\") (data (i32.const 65536) \"\")",
        "(table 2 funcref) (func $f) (elem (i32.const 0) $f $f) (elem (i32.const 2) func)",
        "(memory 0) (data \"12\")",
    ];
    for body in fits {
        let module = wasm(&format!("(module {body} (func (export \"run\")))"));
        let call = Call {
            entry: "run",
            args: &[],
            gas: 10_000,
        };
        let verdict = crate::guest::check(&module, call);
        assert_eq!(verdict.ending, Ending::Finished(Vec::new()), "{body}");
    }
}

type Field = fn(&mut Limits) -> &mut u64;

/// A program for each limit, and how much of that it has.
const LIMITED: &[(&str, Field, &str, u64)] = &[
    ("program_bytes", |l| &mut l.program_bytes, "(func)", 24),
    ("code_bytes", |l| &mut l.code_bytes, "(func)", 4),
    ("output_bytes", |l| &mut l.output_bytes, "(func)", 403),
    (
        "function_bytes",
        |l| &mut l.function_bytes,
        "(func (nop) (nop) (nop)) (func)",
        5,
    ),
    (
        "types",
        |l| &mut l.types,
        "(type (func)) (type (func (param i32))) (type (func (result i32)))",
        3,
    ),
    (
        "functions",
        |l| &mut l.functions,
        "(import \"env\" \"tick\" (func)) (func) (func)",
        3,
    ),
    (
        "imports",
        |l| &mut l.imports,
        "(import \"env\" \"tick\" (func)) (import \"env\" \"sleep\" (func)) (func)",
        2,
    ),
    (
        "exports",
        |l| &mut l.exports,
        "(func (export \"a\") (export \"b\")) (memory (export \"c\") 0)",
        3,
    ),
    (
        "params",
        |l| &mut l.params,
        "(type (func (param i32 i64 i32)))",
        3,
    ),
    (
        "results",
        |l| &mut l.results,
        "(type (func (result i32 i64)))",
        2,
    ),
    (
        "locals",
        |l| &mut l.locals,
        "(func (param i32 i32) (local i64 i64 i64 i32))",
        6,
    ),
    (
        "nesting",
        |l| &mut l.nesting,
        "(func (block (loop (if (i32.const 0) (then)))) (block))",
        3,
    ),
    (
        "br_table_targets",
        |l| &mut l.br_table_targets,
        "(func (br_table 0 0 0 0 0 (i32.const 0)))",
        4,
    ),
    (
        "globals",
        |l| &mut l.globals,
        "(global i32 (i32.const 0)) (global (mut i64) (i64.const 0))",
        2,
    ),
    (
        "tables",
        |l| &mut l.tables,
        "(table 1 funcref) (table 1 funcref) (table 1 funcref)",
        3,
    ),
    (
        "table_elements",
        |l| &mut l.table_elements,
        "(table 3 funcref) (table 7 funcref)",
        7,
    ),
    (
        "element_segments",
        |l| &mut l.element_segments,
        "(func $f) (elem func $f) (elem func $f)",
        2,
    ),
    (
        "segment_elements",
        |l| &mut l.segment_elements,
        "(func $f) (elem func $f $f) (elem funcref (ref.null func) (ref.func $f) (ref.null func))",
        5,
    ),
    (
        "data_segments",
        |l| &mut l.data_segments,
        "(memory 1) (data \"\") (data \"\")",
        2,
    ),
    (
        "data_bytes",
        |l| &mut l.data_bytes,
        "(memory 1) (data (i32.const 0) \"123\") (data \"45\")",
        5,
    ),
    ("memory_pages", |l| &mut l.memory_pages, "(memory 9 20)", 9),
    (
        "function_work",
        |l| &mut l.function_work,
        "(func) (func (local i32) (loop (br_if 0 (i32.const 1))))",
        100 + 4 + 100 + 20 + 3 * 6 + 2 * 3,
    ),
    (
        "program_work",
        |l| &mut l.program_work,
        "(func) (func)",
        2 * (100 + 6),
    ),
    (
        "frame_bytes",
        |l| &mut l.frame_bytes,
        "(func (param i32) (local i64) (drop (i32.add (i32.const 1) (i32.const 2))))",
        // Five operators take four bytes, and the sum is rounded up.
        64 + 8 * 4 + 8,
    ),
];

#[test]
fn what_is_over_a_limit_is_refused_and_what_is_at_it_is_not() {
    let mut told = String::new();
    for (name, field, body, value) in LIMITED {
        let module = wasm(&format!("(module {body})"));
        let limited = |most| {
            let mut limits = Limits::v1();
            *field(&mut limits) = most;
            let syscalls = rules().syscalls().to_vec();
            prepare(
                &module,
                &Rules::named("limits", round::schedule(), limits, syscalls),
            )
        };
        if let Err(refusal) = limited(*value) {
            panic!("{name}: {refusal}");
        }
        let refusal = limited(value - 1).unwrap_err();
        assert_eq!(refusal.rule, Rule::Limit(name), "{refusal}");
        assert_eq!(refusal.rule.name(), *name);
        assert_eq!(refusal.value, Some(*value), "{name}");
        assert_eq!(refusal.limit, Some(value - 1), "{name}");
        writeln!(told, "{refusal}").unwrap();
    }
    expect_file!["golden/limits.txt"].assert_eq(&told);

    let tested: BTreeSet<&str> = LIMITED.iter().map(|(name, ..)| *name).collect();
    let refusing: BTreeSet<&str> = Limits::v1()
        .iter()
        .map(|(name, _)| name)
        .filter(|name| *name != "stack_bytes")
        .collect();
    assert_eq!(tested, refusing);
}

/// The height of the stack is held while the guest runs, so that it refuses nothing.
#[test]
fn deeper_recursion_than_the_stack_limit_allows_is_a_trap() {
    let module = wasm(
        "(module (func $down (export \"down\") (param i32)
           (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))))))",
    );
    let limits = Limits {
        stack_bytes: 10 * (64 + 8 * (1 + 2) + 8),
        ..Limits::v1()
    };
    let rules = Rules::named("limits", round::schedule(), limits, Vec::new());
    let ending = |depth| {
        agreed(&lanes(), |lane| {
            let prepared = lane.executor.prepare(&module, &rules).unwrap();
            let call = Call {
                entry: "down",
                args: &[Value::I32(depth)],
                gas: 100_000,
            };
            Verdict::of(call.on(lane, &prepared)).ending
        })
    };
    assert_eq!(ending(9), Ending::Finished(Vec::new()));
    assert_eq!(ending(10), Ending::Trapped(Trap::StackOverflow));
}

/// A program with as much code and data as the limits admit, and a custom section that makes it
/// about as large as they admit.
fn at_three_limits(limits: &Limits) -> String {
    let body = |operators: u64| {
        let operators = usize::try_from(operators).unwrap();
        format!("(func {})", "nop ".repeat(operators))
    };
    // Beside its operators a body has its length in three bytes, no locals, and its end.
    let (full, around) = (200_000, 5);
    // The number of functions is one byte.
    // The function `run` before them has three bytes.
    let last = limits.code_bytes - 1 - 4 * (full + around) - around - 3;
    let functions = body(full).repeat(4) + &body(last);
    let data = "x".repeat(usize::try_from(limits.data_bytes).unwrap());
    let program = |padding: u64| {
        let padding = "p".repeat(usize::try_from(padding).unwrap());
        format!(
            "(memory 16) (data (i32.const 0) \"{data}\") {functions}
             (@custom \"padding\" \"{padding}\")"
        )
    };
    program(limits.program_bytes - limits.code_bytes - limits.data_bytes - 100)
}

/// The largest that the limits of version 1 admit, engines can compile and run.
#[test]
fn every_engine_runs_what_is_at_the_limits() {
    let limits = Limits::v1();
    let repeat = |count: u64, text: &str| text.repeat(usize::try_from(count).unwrap());
    let params = repeat(limits.params, " i32");
    let results = repeat(limits.results, " i64");
    let values = repeat(limits.results, "(i64.const 1)");
    let programs = [
        format!(
            "(memory 16) (data (i32.const 0) \"{}\")",
            repeat(limits.data_bytes, "x")
        ),
        // Code and data at their limits, and a program at its own.
        at_three_limits(&limits),
        format!("(memory {})", limits.memory_pages),
        repeat(limits.globals, "(global (mut i64) (i64.const 1))"),
        repeat(
            limits.tables,
            &format!("(table {} funcref)", limits.table_elements),
        ),
        repeat(limits.types - 1, "(type (func (param i64)))"),
        repeat(limits.functions - 1, "(func)"),
        format!("(func (param{params}) (result{results}) {values})"),
        format!("(func (local{}))", repeat(limits.locals, " i64")),
        format!(
            "(func {}{})",
            repeat(limits.nesting, "block "),
            repeat(limits.nesting, "end ")
        ),
        format!(
            "(func (br_table {} 0 (i32.const 0)))",
            repeat(limits.br_table_targets, "0 ")
        ),
        format!(
            "(func $f) (elem func {})",
            repeat(limits.segment_elements, "$f ")
        ),
        format!(
            "(func {})",
            repeat(limits.function_bytes / 3 - 2, "(drop (i32.const 1))")
        ),
        format!(
            "(memory 1) (func {})",
            repeat(
                500,
                "(memory.fill (i32.const 1) (i32.const 1) (i32.const 1))"
            )
        ),
    ];
    let engines = &lanes()[..2];
    for body in programs {
        let module = wasm(&format!("(module (func (export \"run\")) {body})"));
        let shown: String = body.chars().take(80).collect();
        let ending = agreed(engines, |lane| {
            let prepared = lane
                .executor
                .prepare(&module, &rules())
                .unwrap_or_else(|error| panic!("{}: {shown}: {error}", lane.name));
            let call = Call {
                entry: "run",
                args: &[],
                gas: 10_000_000,
            };
            Verdict::of(call.on(lane, &prepared)).ending
        });
        assert_eq!(ending, Ending::Finished(Vec::new()), "{shown}");
    }
}

#[test]
fn a_refusal_lists_every_import_that_is_missing() {
    let module = wasm(
        "(module
           (import \"env\" \"nothing\" (func))
           (import \"env\" \"tick\" (func))
           (import \"\" \"\" (func (param i32)))
           (import \"wasi_snapshot_preview1\" \"fd_write\" (func (result i64))))",
    );
    let message = refusal(&module, &rules()).message;
    let missing = "`env.nothing`, `.`, `wasi_snapshot_preview1.fd_write`";
    assert!(message.ends_with(missing), "{message}");
}

/// The result of preparing or running a hostile guest.
enum Fate {
    Refused(&'static str),
    Ends(Ending),
}

#[test]
fn hostile_guests_are_refused_or_run_to_a_known_end() {
    use Fate::{Ends, Refused};
    let overflow = || Ends(Ending::Trapped(Trap::StackOverflow));
    let fates = [
        ("bulk_copies", Ends(Ending::OutOfGas)),
        ("deep_nesting", Refused("nesting")),
        ("endless_loop", Ends(Ending::OutOfGas)),
        ("endless_recursion", overflow()),
        ("exponential_calls", Ends(Ending::OutOfGas)),
        ("export_reserved", Refused("reserved_name")),
        ("floats", Refused("floats")),
        ("giant_br_table", Refused("br_table_targets")),
        ("import_reserved", Refused("reserved_name")),
        ("import_unknown", Refused("unknown_import")),
        ("indirect_recursion", overflow()),
        ("many_locals", Refused("locals")),
        ("memory_grower", Ends(Ending::OutOfGas)),
        ("memory_hog", Refused("memory_pages")),
        ("most_locals", Refused("locals")),
        ("start_loop", Ends(Ending::OutOfGas)),
    ];
    let lanes = lanes();
    for (name, fate) in fates {
        let module = compiled(&format!("hostile_{name}"));
        match fate {
            Refused(rule) => {
                let refusal = refusal(&module, &rules());
                assert_eq!(refusal.rule.name(), rule, "{name}: {refusal}");
            }
            Ends(ending) => {
                let verdict = agreed(&lanes, |lane| {
                    let prepared = lane.executor.prepare(&module, &rules()).unwrap();
                    let call = Call {
                        entry: "run",
                        args: &[],
                        gas: 3_000_000,
                    };
                    Verdict::of(call.on(lane, &prepared))
                });
                assert_eq!(verdict.ending, ending, "{name}");
            }
        }
    }
}

/// The rules with the syscalls of contracts.
fn contract_rules() -> Rules {
    let wire = |wire| match wire {
        fusee_abi::Wire::I32 => ValueType::I32,
        fusee_abi::Wire::I64 => ValueType::I64,
    };
    let signature = |syscall: &fusee_abi::Syscall| SyscallRule {
        module: fusee_abi::IMPORT_MODULE.to_owned(),
        name: syscall.name.to_owned(),
        number: syscall.number,
        params: syscall
            .params
            .iter()
            .filter_map(|param| param.wire.map(wire))
            .collect(),
        result: syscall.result.map(wire),
        may_suspend: syscall.reply_mode == fusee_abi::ReplyMode::MaySuspend,
        price: SyscallPrice::FREE,
    };
    round::rules(fusee_abi::SYSCALLS.iter().map(signature).collect())
}

/// A prefix of a program is refused, but for the few that are programs themselves.
#[test]
fn a_program_that_breaks_off_is_refused() {
    let token = compiled("token");
    let rules = contract_rules();
    prepare(&token, &rules).unwrap();
    for end in 0..token.len() {
        let prefix = &token[..end];
        let is_program = wasmparser::validate(prefix).is_ok();
        assert_eq!(prepare(prefix, &rules).is_ok(), is_program, "{end}");
    }
}

/// Changes one bit of a program, in every place, and runs what is still a program.
#[test]
fn a_flipped_bit_is_refused_or_runs_alike() {
    let arith = compiled("arith");
    let rules = round::rules(Vec::new());
    let engines = &lanes()[..2];
    let mut admitted = 0;
    for bit in 0..arith.len() * 8 {
        let mut flipped = arith.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(program) = prepare(&flipped, &rules) else {
            continue;
        };
        admitted += 1;
        agreed(engines, |lane| {
            let prepared = lane
                .executor
                .prepare(&flipped, &rules)
                .unwrap_or_else(|error| panic!("bit {bit}, {}: {error}", lane.name));
            program
                .exports
                .iter()
                .map(|export| {
                    let args: Vec<Value> =
                        export.params.iter().map(|param| small(*param)).collect();
                    let call = Call {
                        entry: &export.name,
                        args: &args,
                        gas: 10_000,
                    };
                    Verdict::of(call.on(lane, &prepared))
                })
                .collect::<Vec<_>>()
        });
    }
    assert!(admitted > 500, "{admitted}");
}

fn small(value_type: ValueType) -> Value {
    match value_type {
        ValueType::I32 => Value::I32(5),
        ValueType::I64 => Value::I64(5),
        ValueType::F32 => 5.0_f32.into(),
        ValueType::F64 => 5.0_f64.into(),
    }
}

/// Changes some bits of a larger program, here and there.
#[test]
fn flipped_bits_never_panic() {
    let token = compiled("token");
    let rules = contract_rules();
    let engines = &lanes()[..2];
    let mut random = fusee_conformance::Random::new(1);
    let (mut admitted, mut refused) = (0, 0);
    for _ in 0..3_000 {
        let mut flipped = token.clone();
        for _ in 0..=random.below(3) {
            let bit =
                usize::try_from(random.below(u64::try_from(token.len() * 8).unwrap())).unwrap();
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
        if prepare(&flipped, &rules).is_err() {
            refused += 1;
            continue;
        }
        admitted += 1;
        if admitted % 50 == 0 {
            for lane in engines {
                lane.executor.prepare(&flipped, &rules).unwrap();
            }
        }
    }
    assert!(admitted > 300 && refused > 300, "{admitted} {refused}");
}

/// The rules that a program breaks, and where, as [`refusals`] lists them.
fn listed(wat: &str) -> (Vec<String>, usize) {
    let module = wasm(wat);
    let all = refusals(&module, &rules()).expect("it is refused");
    let lines = all.listed.iter().map(|refusal| {
        let function = refusal
            .offset
            .and_then(|offset| fusee_instrument::function_at(&module, offset))
            .map(|function| {
                format!(
                    " in {}",
                    function.name.unwrap_or(function.index.to_string())
                )
            });
        format!(
            "{}: {}{}",
            refusal.rule,
            refusal.message,
            function.unwrap_or_default()
        )
    });
    let lines: Vec<String> = lines.collect();
    let shown = all.to_string();
    assert_eq!(
        shown.lines().count(),
        lines.len() + usize::from(all.more > 0),
        "{shown}"
    );
    (lines, all.more)
}

#[test]
fn everything_that_is_wrong_is_listed() {
    let (lines, more) = listed(
        r#"
        (import "fusee" "nothing" (func))
        (import "env" "clock" (func (param i64)))
        (type (func (param f64)))
        (memory 5000)
        (global v128 (v128.const i64x2 0 0))
        (export "fusee:x" (memory 0))
        (func $fine)
        (func $adds (drop (f64.add (f64.const 1) (f64.const 2))))
        (func $other (unreachable) (i8x16.add) (drop))
        (func $atomic (atomic.fence))
        (func $tail (return_call $tail))
        (func $last (param f64) (result f64) (local.get 0))
        "#,
    );
    let expected = [
        "floats: floating point (`f64`) is not admitted",
        "floats: floating point (`f64`) is not admitted",
        "unknown_import: imports unknown functions: `fusee.nothing`, `env.clock`",
        "memory_pages: 5000 exceeds the limit of 1024",
        "simd: type `v128` is not admitted",
        "reserved_name: exports the reserved name `fusee:x`",
        "floats: floating point (`F64Const`) is not admitted in adds",
        "simd: operator `I8x16Add` is not admitted in other",
        "threads: operator `AtomicFence` is not admitted in atomic",
        "tail_call: operator `ReturnCall` is not admitted in tail",
    ];
    assert_eq!((lines, more), (expected.map(str::to_owned).to_vec(), 0));
}

#[test]
fn the_list_is_bounded_and_one_rule_does_not_hide_the_others() {
    let floats = "(func (drop (f64.const 1)))".repeat(500);
    let tails = "(func $f (return_call $f))";
    let (lines, more) = listed(&format!("{floats} {tails} (memory 5000)"));
    let of = |rule: &str| lines.iter().filter(|line| line.starts_with(rule)).count();
    assert_eq!(
        (of("floats"), of("tail_call"), of("memory_pages")),
        (8, 1, 1)
    );
    assert_eq!(more, 492);
}

#[test]
fn an_admitted_program_has_no_refusals() {
    assert_eq!(refusals(&compiled("hostile_traps"), &rules()), None);
}

#[test]
fn a_malformed_section_ends_the_list() {
    let mut module = wasm("(import \"x\" \"y\" (func)) (func (drop (f32.const 1)))");
    module.truncate(module.len() - 3);
    let all = refusals(&module, &rules()).unwrap();
    let found: BTreeSet<_> = all
        .listed
        .iter()
        .map(|refusal| refusal.rule.name())
        .collect();
    assert_eq!(found, BTreeSet::from(["unknown_import", "valid"]));
}

#[test]
fn damaged_programs_are_listed_as_they_are_refused() {
    for name in ["token", "hostile_floats", "hostile_traps"] {
        let program = compiled(name);
        for position in (0..program.len()).step_by(program.len().div_ceil(300)) {
            for bit in [0, 3, 7] {
                let mut damaged = program.clone();
                damaged[position] ^= 1 << bit;
                let first = prepare(&damaged, &rules()).err();
                let all = refusals(&damaged, &rules());
                assert_eq!(
                    all.map(|all| all.listed[0].clone()),
                    first,
                    "{name}, bit {bit} of byte {position}"
                );
            }
        }
    }
}
