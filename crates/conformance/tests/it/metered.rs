//! What the metered program looks like.

use std::collections::BTreeMap;

use expect_test::{ExpectFile, expect_file};
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

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
             (drop (table.grow (ref.null func) (local.get 0)))
             (unreachable)))",
        expect_file!["golden/memory.wat"],
    );
}

/// The names of functions, by the index of the function.
fn function_names(module: &[u8]) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CustomSection(section) = payload.unwrap() else {
            continue;
        };
        let KnownCustom::Name(section) = section.as_known() else {
            continue;
        };
        for subsection in section {
            if let Name::Function(functions) = subsection.unwrap() {
                for naming in functions {
                    let naming = naming.unwrap();
                    names.insert(naming.index, naming.name.to_owned());
                }
            }
        }
    }
    names
}

/// The functions that are exported, by their names, and how many are imported.
fn exported_functions(module: &[u8]) -> (BTreeMap<String, u32>, u32) {
    let (mut exports, mut imports) = (BTreeMap::new(), 0);
    for payload in Parser::new(0).parse_all(module) {
        match payload.unwrap() {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    assert!(matches!(import.unwrap().ty, TypeRef::Func(_)));
                    imports += 1;
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.unwrap();
                    if export.kind == wasmparser::ExternalKind::Func {
                        exports.insert(export.name.to_owned(), export.index);
                    }
                }
            }
            _ => {}
        }
    }
    (exports, imports)
}

#[test]
fn names_still_name_the_same_functions() {
    let module = wasm(
        "(module
           (import \"env\" \"add\" (func $import_add (param i32 i64) (result i64)))
           (import \"env\" \"tick\" (func $import_tick))
           (func $first (export \"first\"))
           (func $second (export \"second\") (param $x i32) (local $y i64))
           (export \"import_add\" (func $import_add))
           (export \"import_tick\" (func $import_tick)))",
    );
    let metered = fusee_instrument::prepare(&module, &rules()).unwrap().code;
    let names = function_names(&metered);
    let (exports, imports) = exported_functions(&metered);
    assert_eq!(names.len(), 4);
    for (name, function) in exports {
        assert_eq!(names.get(&function), Some(&name));
        assert!(function >= imports, "`{name}` is one of our imports");
    }
}

#[test]
fn a_broken_name_section_is_dropped() {
    let mut module = wasm("(module (func (export \"run\")))");
    module.extend_from_slice(b"\x00\x08\x04name\x01\xff\xff");
    let metered = fusee_instrument::prepare(&module, &rules()).unwrap().code;
    assert_eq!(function_names(&metered), BTreeMap::new());
}

#[test]
fn preparing_twice_gives_the_same() {
    for name in ["arith", "hostile_traps", "hostile_indirect_recursion"] {
        let module = compiled(name);
        let prepare = || fusee_instrument::prepare(&module, &rules()).unwrap();
        assert_eq!(prepare(), prepare(), "{name}");
    }
}
