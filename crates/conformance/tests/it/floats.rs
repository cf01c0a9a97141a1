//! Floating point under the rule `floats`: results have the same bits on every lane.

use std::sync::Arc;

use std::fmt::Write;

use expect_test::expect_file;
use fusee_conformance::{Ending, Lane, Verdict, agreed, counting::Prices, lanes, round};
use fusee_engine::{Gas, Trap, Value};
use fusee_executor::{Outcome, PreparedProgram};
use fusee_instrument::{Floats, OPERATORS, Rule, Rules, prepare};

use crate::guest::{Call, compiled, count, counted, wasm};

/// Gas for each call.
const GAS: u64 = 1_000_000;

const F32_NAN: u32 = 0x7fc0_0000;
const F64_NAN: u64 = 0x7ff8_0000_0000_0000;

/// Zeros, numbers, the largest and the smallest ones, infinities, quiet NaNs and signalling ones.
const F32S: &[u32] = &[
    0,
    0x8000_0000,
    0x3f80_0000,
    0xbfc0_0000,
    0x3f00_0000,
    0x4b80_0001,
    1,
    0x7f7f_ffff,
    0x7f80_0000,
    0xff80_0000,
    F32_NAN,
    0xffc0_0000,
    0x7fc0_1234,
    0xffff_ffff,
    0x7f80_0001,
    0xff80_0001,
    0x7fbf_ffff,
];
const F64S: &[u64] = &[
    0,
    0x8000_0000_0000_0000,
    0x3ff0_0000_0000_0000,
    0xbff8_0000_0000_0000,
    0x3fe0_0000_0000_0000,
    0x4340_0000_0000_0001,
    1,
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    F64_NAN,
    0xfff8_0000_0000_0000,
    0x7ff8_0000_0000_1234,
    0xffff_ffff_ffff_ffff,
    0x7ff0_0000_0000_0001,
    0xfff0_0000_0000_0001,
    0x7ff7_ffff_ffff_ffff,
];

const UNARY: &[&str] = &["ceil", "floor", "trunc", "nearest", "sqrt"];
const BINARY: &[&str] = &["add", "sub", "mul", "div", "min", "max"];
/// These keep the bits of a NaN, but for its sign.
const SIGNS: &[&str] = &["abs", "neg"];
const COMPARISONS: &[&str] = &["eq", "ne", "lt", "gt", "le", "ge"];

fn rules() -> Rules {
    round::rules(Vec::new()).with_floats(Floats::Canonical)
}

fn enter(lane: &Lane, prepared: &Arc<PreparedProgram>, entry: &str, args: &[Value]) -> Outcome<()> {
    let request = lane.request(entry, args, Gas::new(GAS));
    lane.executor.run(prepared, request, ()).unwrap()
}

/// What the functions of a program come to with these arguments, where all lanes and the counting
/// interpreter agree.
fn check(module: &str, calls: &[(String, Vec<Value>)]) -> Vec<Verdict> {
    let module = wasm(module);
    let verdicts: Vec<Verdict> = agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(&module, &rules()).unwrap();
        calls
            .iter()
            .map(|(entry, args)| Verdict::of(enter(lane, &prepared, entry, args)))
            .collect()
    });
    let program = counted(&module, &Prices::round(), &rules());
    for ((entry, args), verdict) in calls.iter().zip(&verdicts) {
        let gas = GAS;
        let call = Call { entry, args, gas };
        assert_eq!(count(&program, call, 0).0, *verdict, "{entry}{args:?}");
    }
    verdicts
}

/// The types, by name, with what is to be tried of each.
fn widths() -> [(&'static str, Vec<Value>); 2] {
    [
        ("f32", F32S.iter().map(|bits| Value::F32(*bits)).collect()),
        ("f64", F64S.iter().map(|bits| Value::F64(*bits)).collect()),
    ]
}

fn is_nan(value: Value) -> bool {
    match value {
        Value::F32(bits) => f32::from_bits(bits).is_nan(),
        Value::F64(bits) => f64::from_bits(bits).is_nan(),
        Value::I32(_) | Value::I64(_) => false,
    }
}

fn is_canonical(value: Value) -> bool {
    !is_nan(value) || matches!(value, Value::F32(F32_NAN) | Value::F64(F64_NAN))
}

/// Functions of one type, named as the operator that each of them is made of. What it computes
/// goes through the operand stack, a local, a global, memory and the bits of an integer.
fn operators(width: &str) -> String {
    let int = width.replace('f', "i");
    let ways = format!(
        "(global.set 0) ({width}.store (i32.const 8) (global.get 0))
         (local.set 2 ({width}.reinterpret_{int} ({int}.reinterpret_{width} ({width}.load (i32.const 8)))))
         (local.get 2)"
    );
    let function = |name: &str, params: usize| {
        let gets: String = (0..params)
            .map(|index| format!("(local.get {index})"))
            .collect();
        format!(
            "(func (export \"{name}\") (param {width} {width}) (result {width}) (local {width})
               {gets} ({width}.{name}) {ways})\n"
        )
    };
    let comparison = |name: &&str| {
        format!(
            "(func (export \"{name}\") (param {width} {width}) (result i32)
               (local.get 0) (local.get 1) ({width}.{name}))\n"
        )
    };
    let mut module = format!("(module (memory 1) (global (mut {width}) ({width}.const 0))\n");
    module.extend(UNARY.iter().chain(SIGNS).map(|name| function(name, 1)));
    module.extend(
        BINARY
            .iter()
            .chain(&["copysign"])
            .map(|name| function(name, 2)),
    );
    module.extend(COMPARISONS.iter().map(comparison));
    module + ")"
}

#[test]
fn every_lane_computes_the_same_bits_and_one_nan() {
    for (width, values) in widths() {
        let names = UNARY.iter().chain(BINARY).chain(SIGNS).chain(COMPARISONS);
        let pairs = values
            .iter()
            .flat_map(|left| values.iter().map(move |right| vec![*left, *right]));
        let pairs: Vec<_> = pairs.collect();
        let calls: Vec<(String, Vec<Value>)> = names
            .flat_map(|name| pairs.iter().map(|pair| ((*name).to_owned(), pair.clone())))
            .collect();
        let verdicts = check(&operators(width), &calls);
        let mut nans = 0;
        for ((name, args), verdict) in calls.iter().zip(&verdicts) {
            let Ending::Finished(values) = &verdict.ending else {
                panic!("{width}.{name} {args:?}: {verdict:?}");
            };
            if !SIGNS.contains(&name.as_str()) {
                assert!(
                    is_canonical(values[0]),
                    "{width}.{name} {args:?}: {values:x?}"
                );
                nans += u32::from(is_nan(values[0]));
            }
        }
        assert!(nans > 1_000, "{nans}");
    }
}

/// The sign of a NaN can be set and cleared, and nothing else of it changes.
#[test]
fn signs_leave_the_rest_of_a_nan_alone() {
    let calls = |name: &str, args: &[Value]| (name.to_owned(), args.to_vec());
    for (width, values) in widths() {
        let one = values[2];
        let minus = values[3];
        for value in values {
            let flip = |value| match value {
                Value::F32(bits) => Value::F32(bits ^ (1 << 31)),
                Value::F64(bits) => Value::F64(bits ^ (1 << 63)),
                other => other,
            };
            let clear = |value| match value {
                Value::F32(bits) => Value::F32(bits & !(1 << 31)),
                Value::F64(bits) => Value::F64(bits & !(1 << 63)),
                other => other,
            };
            let verdicts = check(
                &operators(width),
                &[
                    calls("neg", &[value, one]),
                    calls("abs", &[value, one]),
                    calls("copysign", &[value, one]),
                    calls("copysign", &[value, minus]),
                ],
            );
            let values: Vec<_> = verdicts.into_iter().map(|verdict| verdict.ending).collect();
            let expected = [flip(value), clear(value), clear(value), flip(clear(value))];
            assert_eq!(values, expected.map(|value| Ending::Finished(vec![value])));
        }
    }
}

/// Operators that do not compute preserve the bits, including those of signalling NaNs.
#[test]
fn bits_go_unchanged_through_everything_that_does_not_compute() {
    for (width, values) in widths() {
        let module = format!(
            "(module (memory 1) (global (mut {width}) ({width}.const 0)) (table 1 funcref) (elem (i32.const 0) $give)
               (type $give (func (param {width}) (result {width})))
               (func $give (type $give) (local.get 0))
               (func (export \"pass\") (param {width}) (result {width} {width})
                 (local {width})
                 (local.set 1 (call $give (local.get 0)))
                 (global.set 0 (call_indirect (type $give) (local.get 1) (i32.const 0)))
                 ({width}.store (i32.const 8) (global.get 0))
                 (block (result {width}) (br 0 ({width}.load (i32.const 8))))
                 (select (local.get 1) ({width}.const 0) (i32.const 1))))"
        );
        for value in values {
            let verdicts = check(&module, &[("pass".to_owned(), vec![value])]);
            assert_eq!(verdicts[0].ending, Ending::Finished(vec![value, value]));
        }
    }
    let constants = "(module
        (func (export \"nans\") (result f32 f64) (f32.const -nan:0x1) (f64.const nan:0x1)))";
    let verdicts = check(constants, &[("nans".to_owned(), vec![])]);
    let expected = vec![Value::F32(0xff80_0001), Value::F64(0x7ff0_0000_0000_0001)];
    assert_eq!(verdicts[0].ending, Ending::Finished(expected));
}

/// Conversions among the types: NaNs become the canonical one, trap, or become zero.
#[test]
fn conversions_agree_and_treat_all_nans_alike() {
    let mut module = "(module\n".to_owned();
    let mut add = |name: &str, from: &str, to: &str| {
        writeln!(
            module,
            "(func (export \"{name}\") (param {from}) (result {to}) (local.get 0) ({to}.{name}))"
        )
        .unwrap();
    };
    add("promote_f32", "f32", "f64");
    add("demote_f64", "f64", "f32");
    let mut calls: Vec<(String, Vec<Value>)> = Vec::new();
    let [(_, f32s), (_, f64s)] = widths();
    calls.extend(
        f32s.iter()
            .map(|value| ("promote_f32".to_owned(), vec![*value])),
    );
    calls.extend(
        f64s.iter()
            .map(|value| ("demote_f64".to_owned(), vec![*value])),
    );
    let verdicts = check(&(module + ")"), &calls);
    for ((name, args), verdict) in calls.iter().zip(&verdicts) {
        match &verdict.ending {
            Ending::Finished(values) => {
                assert_eq!(is_nan(values[0]), is_nan(args[0]), "{name} {args:x?}");
                assert!(is_canonical(values[0]), "{name} {args:x?}: {values:x?}");
            }
            other => panic!("{name} {args:x?}: {other:?}"),
        }
    }

    for (width, values) in widths() {
        for (int, zero) in [("i32", Value::I32(0)), ("i64", Value::I64(0))] {
            for sign in ["s", "u"] {
                let module = format!(
                    "(module
                       (func (export \"trunc\") (param {width}) (result {int})
                         ({int}.trunc_{width}_{sign} (local.get 0)))
                       (func (export \"sat\") (param {width}) (result {int})
                         ({int}.trunc_sat_{width}_{sign} (local.get 0)))
                       (func (export \"sum\") (param {width}) (result {int})
                         ({int}.trunc_sat_{width}_{sign} ({width}.add (local.get 0) (local.get 0)))))"
                );
                let calls: Vec<_> = values
                    .iter()
                    .flat_map(|value| {
                        ["trunc", "sat", "sum"].map(|name| (name.to_owned(), vec![*value]))
                    })
                    .collect();
                let verdicts = check(&module, &calls);
                for ((name, args), verdict) in calls.iter().zip(verdicts) {
                    if is_nan(args[0]) {
                        let expected = match name.as_str() {
                            "trunc" => Ending::Trapped(Trap::BadConversion),
                            _ => Ending::Finished(vec![zero]),
                        };
                        assert_eq!(verdict.ending, expected, "{module} {name} {args:x?}");
                        // The gas at such a trap is unknown.
                        assert_eq!(verdict.gas_used == GAS, name == "trunc");
                    }
                }
            }
        }
    }
}

/// A computed NaN is canonicalized before any operator that could distinguish NaNs, and all
/// that could follow an operator directly is here.
#[test]
fn no_way_out_of_an_operator_shows_the_machines_nan() {
    let nan = "(f64.div (local.get 0) (local.get 1))";
    let bits = "(i64.reinterpret_f64)";
    let bodies = [
        format!("{nan} {bits}"),
        format!("{nan} (return {bits})"),
        format!("(block (result f64) {nan}) {bits}"),
        format!("(block (result f64) {nan} (br 0)) {bits}"),
        format!("(block (result f64) {nan} (i32.const 1) (br_if 0)) {bits}"),
        format!("(block (result f64) {nan} (i32.const 1) (br_table 0 0)) {bits}"),
        format!("(loop (result f64) {nan}) {bits}"),
        format!("(if (result f64) (i32.const 1) (then {nan}) (else (f64.const 0))) {bits}"),
        format!("(if (result f64) (i32.const 0) (then (f64.const 0)) (else {nan})) {bits}"),
        format!("{nan} (local.set 0) (local.get 0) {bits}"),
        format!("{nan} (local.tee 0) {bits}"),
        format!("{nan} (global.set 0) (global.get 0) {bits}"),
        format!("(i32.const 0) {nan} (f64.store) (i64.load (i32.const 0))"),
        format!("{nan} (call $bits)"),
        format!("{nan} (i32.const 0) (call_indirect (param f64) (result i64))"),
        format!("(select {nan} (f64.const 0) (i32.const 1)) {bits}"),
        format!("(f64.const 0) {nan} (i32.const 0) (select) {bits}"),
        format!("{nan} (i32.const 7) (drop) {bits}"),
        format!("(drop {nan}) {nan} {bits}"),
        format!("(f64.neg (f64.neg {nan})) {bits}"),
        format!("(f64.abs {nan}) {bits}"),
        format!("(f64.copysign {nan} (f64.const 1)) {bits}"),
        format!("(f64.copysign (f64.const nan) (f64.copysign (f64.const -1) {nan})) {bits}"),
        format!("(f64.add (f64.const 1) {nan}) {bits}"),
        format!("(f64.add {nan} (f64.const 1)) {bits}"),
        format!("(f64.sqrt (f64.mul {nan} {nan})) {bits}"),
        format!("(f64.promote_f32 (f32.demote_f64 {nan})) {bits}"),
        format!("(f64.promote_f32 (f32.neg (f32.demote_f64 {nan}))) {bits}"),
        "(call $both (local.get 0)) (f64.add) (i64.reinterpret_f64)".to_owned(),
    ];
    for body in bodies {
        let module = format!(
            "(module (memory 1) (global (mut f64) (f64.const 0)) (table 1 funcref) (elem (i32.const 0) $bits)
               (func $bits (param f64) (result i64) (i64.reinterpret_f64 (local.get 0)))
               (func $both (param f64) (result f64 f64) (f64.sqrt (f64.const -1)) (f64.mul (local.get 0) (f64.const 1)))
               (func (export \"run\") (param f64 f64) (result i64) {body}))"
        );
        let zeros = vec![Value::F64(0), Value::F64(1 << 63)];
        let verdicts = check(&module, &[("run".to_owned(), zeros)]);
        let expected = Value::I64(F64_NAN.cast_signed());
        assert_eq!(
            verdicts[0].ending,
            Ending::Finished(vec![expected]),
            "{body}"
        );
    }
}

/// What comes of the guest that writes a NaN's bits to memory.
#[test]
fn the_hostile_guest_is_harmless_where_it_is_admitted() {
    let module = compiled("hostile_floats");
    let exports = prepare(&module, &rules()).unwrap().exports;
    assert!(!exports.is_empty());
    for export in exports {
        let verdict = agreed(&lanes(), |lane| {
            let prepared = lane.executor.prepare(&module, &rules()).unwrap();
            Verdict::of(enter(lane, &prepared, &export.name, &[]))
        });
        assert!(matches!(verdict.ending, Ending::Finished(_)), "{verdict:?}");
    }
}

/// The injected code and its position: the result of a chain is checked once.
#[test]
fn the_metered_program_looks_at_what_a_chain_computes() {
    let module = wasm(
        "(module
           (func (export \"chain\") (param f64 f32) (result f64)
             (f64.promote_f32 (f32.sqrt (local.get 1)))
             (f64.add (local.get 0) (f64.mul (local.get 0) (local.get 0)))
             (f64.div))
           (func (export \"signs\") (param f64) (result f64) (f64.neg (local.get 0))))",
    );
    let metered = prepare(&module, &rules()).unwrap().code;
    let printed = wasmprinter::print_bytes(&metered).unwrap();
    expect_file!["golden/floats.wat"].assert_eq(&format!("{printed}\n"));
}

/// The schedule prices exactly the floating-point operators that there are, and the rule admits
/// or refuses all of them.
#[test]
fn every_floating_point_operator_is_refused_unless_the_rules_admit_it() {
    let refusing = round::rules(Vec::new());
    assert_ne!(refusing.id(), rules().id());
    let floats: Vec<_> = OPERATORS
        .iter()
        .filter(|name| name.contains("f32") || name.contains("f64"))
        .collect();
    assert_eq!(floats.len(), 76);
    for name in floats {
        let immediate = if name.ends_with("const") { " 0" } else { "" };
        let text =
            format!("(module (memory 1) (func (unreachable) ({name}{immediate}) (unreachable)))");
        let module = wasm(&text);
        prepare(&module, &rules()).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let refusal = prepare(&module, &refusing).unwrap_err();
        assert_eq!(refusal.rule, Rule::Floats, "{name}");
    }
}
