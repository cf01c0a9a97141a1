//! The code of metered programs.

use std::collections::BTreeMap;

use expect_test::{ExpectFile, expect_file};
use wasmparser::{KnownCustom, Name, Parser, Payload};

use crate::guest::{compiled, rules, wasm};

fn check(program: &str, expected: ExpectFile) {
    let prepared = fusee_instrument::prepare(&wasm(program), &rules()).unwrap();
    let printed = wasmprinter::print_bytes(&prepared.code).unwrap();
    expected.assert_eq(&format!("{printed}\n"));
}

#[test]
fn a_leaf_function() {
    check(
        "(module (func $add (export \"add\") (param $left i32) (param $right i32) (result i32)
           (i32.add (local.get $left) (local.get $right))))",
        expect_file!["golden/leaf.wat"],
    );
}

#[test]
fn control_flow() {
    check(
        "(module
           (func $count (export \"count\") (param $n i32) (result i64 i32)
             (local $sum i64)
             (block $done
               (loop $again
                 (br_if $done (i32.eqz (local.get $n)))
                 (if (i32.and (local.get $n) (i32.const 1))
                   (then (local.set $sum (i64.add (local.get $sum) (i64.const 1))))
                   (else (return (i64.const -1) (i32.const 0))))
                 (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                 (br $again)))
             (local.get $sum) (i32.const 1)))",
        expect_file!["golden/control_flow.wat"],
    );
}

/// A loop whose every round passes another look has none at its head; one with parameters is not
/// left to call the host.
#[test]
fn loops() {
    check(
        "(module
           (func $leaf)
           (func (export \"nested\") (param $n i32) (local $i i32) (local $f funcref)
             (loop $outer
               (local.set $i (i32.const 3))
               (loop $inner
                 (br_if $inner (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
               (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
           (func (export \"skips\") (param $n i32)
             (loop $again
               (br_if $again (i32.and (local.get $n) (i32.const 1)))
               (call $leaf)
               (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
           (func (export \"operand\") (param $n i32) (result i32)
             (local.get $n)
             (loop $again (param i32) (result i32)
               (i32.sub (i32.const 1))
               (local.tee $n)
               (br_if $again (local.get $n)))))",
        expect_file!["golden/loops.wat"],
    );
}

/// Each arm is charged for the code after it, which runs as often as both arms together. Nothing is
/// charged there, or at the head of the loop.
#[test]
fn arms() {
    check(
        "(module
           (func (export \"arms\") (param $n i64) (result i64) (local $rounds i64)
             (loop $again
               (if (i64.eqz (i64.and (local.get $n) (i64.const 1)))
                 (then (local.set $n (i64.shr_u (local.get $n) (i64.const 1))))
                 (else (local.set $n
                   (i64.add (i64.mul (local.get $n) (i64.const 3)) (i64.const 1)))))
               (local.set $rounds (i64.add (local.get $rounds) (i64.const 1)))
               (br_if $again (i64.ne (local.get $n) (i64.const 1))))
             (local.get $rounds)))",
        expect_file!["golden/arms.wat"],
    );
}

#[test]
fn calls_and_imports() {
    check(
        "(module
           (type $none (func))
           (import \"env\" \"add\" (func $add (param i32 i64) (result i64)))
           (import \"env\" \"tick\" (func $tick))
           (table 2 funcref)
           (elem (i32.const 0) $tick $start)
           (start $start)
           (func $start (call_indirect (type $none) (i32.const 0)))
           (func (export \"run\") (result i64) (call $add (i32.const 1) (i64.const 2)))
           (export \"tick\" (func $tick)))",
        expect_file!["golden/calls.wat"],
    );
}

#[test]
fn memory_tables_and_traps() {
    check(
        "(module
           (memory (export \"memory\") 1)
           (data $d \"abc\")
           (table 1 funcref)
           (func (export \"run\") (param i32)
             (memory.fill (i32.const 0) (i32.const 0) (local.get 0))
             (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3))
             (drop (memory.grow (local.get 0)))
             (table.fill (i32.const 0) (ref.null func) (local.get 0))
             (unreachable)))",
        expect_file!["golden/memory.wat"],
    );
}

/// The functions that work in chunks are there where an operator may be given more than one, and
/// once.
#[test]
fn memory_in_chunks() {
    check(
        "(module
           (memory (export \"memory\") 1)
           (func (export \"run\") (param i32)
             (memory.fill (i32.const 0) (i32.const 0) (i32.const 0x100000))
             (memory.fill (i32.const 0) (i32.const 0) (i32.const 0x100001))
             (memory.fill (i32.const 0) (i32.const 0) (local.get 0))
             (memory.copy (i32.const 0) (i32.const 9) (i32.const 100))
             (memory.copy (i32.const 0) (i32.const 9) (i32.const -1))
             (memory.copy (i32.const 0) (i32.const 9) (local.get 0))))",
        expect_file!["golden/chunks.wat"],
    );
}

/// The names of functions by their indices, and of locals by those of the function and the local.
type Names = (BTreeMap<u32, String>, BTreeMap<(u32, u32), String>);

fn names(module: &[u8]) -> Names {
    let (mut functions, mut locals) = Names::default();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CustomSection(section) = payload.unwrap() else {
            continue;
        };
        let KnownCustom::Name(section) = section.as_known() else {
            continue;
        };
        for subsection in section {
            match subsection.unwrap() {
                Name::Function(section) => {
                    for naming in section {
                        let naming = naming.unwrap();
                        functions.insert(naming.index, naming.name.to_owned());
                    }
                }
                Name::Local(section) => {
                    for function in section {
                        let function = function.unwrap();
                        for naming in function.names {
                            let naming = naming.unwrap();
                            let index = (function.index, naming.index);
                            locals.insert(index, naming.name.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
    }
    (functions, locals)
}

#[test]
fn names_still_name_the_same_functions_and_locals() {
    let module = wasm(
        "(module
           (import \"env\" \"add\" (func $import_add (param i32 i64) (result i64)))
           (import \"env\" \"tick\" (func $import_tick))
           (func $first (export \"first\"))
           (func $second (export \"second\") (param $x i32) (local $y i64)))",
    );
    let (guest, _) = names(&module);
    let metered = fusee_instrument::prepare(&module, &rules()).unwrap().code;
    let (functions, locals) = names(&metered);
    // The imports `low`, `grow` and two syscalls precede the guest's functions.
    let moved = guest.into_iter().map(|(index, name)| (index + 4, name));
    assert_eq!(functions, moved.collect());
    // Metering adds a local after the parameters.
    let expected = [((7, 0), "x".to_owned()), ((7, 2), "y".to_owned())];
    assert_eq!(locals, BTreeMap::from(expected));
}

#[test]
fn a_broken_name_section_is_dropped() {
    let mut module = wasm("(module (func (export \"run\")))");
    module.extend_from_slice(b"\x00\x08\x04name\x01\xff\xff");
    let metered = fusee_instrument::prepare(&module, &rules()).unwrap().code;
    assert_eq!(names(&metered), Names::default());
}

#[test]
fn preparing_twice_gives_the_same() {
    for name in ["arith", "hostile_traps", "hostile_indirect_recursion"] {
        let module = compiled(name);
        let prepare = || fusee_instrument::prepare(&module, &rules()).unwrap();
        assert_eq!(prepare(), prepare(), "{name}");
    }
}
