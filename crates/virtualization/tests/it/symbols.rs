//! The rule by which imports are symbols, and which are refused.

use std::{collections::BTreeSet, sync::Arc};

use fusee_conformance::lanes;
use fusee_instrument::Rules;
use fusee_virtualization::{
    ChildRules, ChildSettings, Children, Symbols,
    wire::{CompiledModule, ExecStatus, ModuleError},
};

use crate::support::{GAS, Nine, everywhere, ready, wasm};

fn compile(nine: &mut dyn Nine, text: &str) -> Result<CompiledModule, ModuleError> {
    nine.compile(&wasm(text), None)
}

#[test]
fn a_symbol_has_at_most_32_bytes() {
    everywhere(|nine| {
        for length in [0, 1, 31, 32] {
            let name = "x".repeat(length);
            let text = format!(
                r#"(module (import "any module at all, however long its name may be" "{name}" (func $f))
                (func (export "f") (call $f)))"#
            );
            let instance = ready(nine, &text, "f");
            let (status, buffer) = nine.run(instance, GAS, 0).unwrap();
            assert_eq!(status, ExecStatus::Syscall);
            assert_eq!(buffer.symbol.as_bytes(), name.as_bytes());
        }
        for name in ["x".repeat(33), "x".repeat(200), "\u{e4}".repeat(17)] {
            let text = format!(r#"(module (import "" "{name}" (func)))"#);
            assert_eq!(compile(nine, &text), Err(ModuleError::InvalidImage));
        }
        // Bytes count, not letters.
        let text = format!(r#"(module (import "" "{}" (func)))"#, "\u{e4}".repeat(16));
        compile(nine, &text).unwrap();
    });
}

#[test]
fn only_functions_of_integers_are_symbols() {
    for (refused, import) in [
        (false, "(func (param i32 i32 i32 i64 i64 i64) (result i64))"),
        (false, "(func (param i64) (result i32))"),
        (true, "(func (param i32 i32 i32 i32 i32 i32 i32))"),
        (true, "(func (param f32))"),
        (true, "(func (param i32 f64))"),
        (true, "(func (result f64))"),
        (true, "(func (result i32 i32))"),
        (true, "(func (param funcref))"),
        (true, "(memory 1)"),
        (true, "(table 1 funcref)"),
        (true, "(global i32)"),
    ] {
        let compiled = everywhere(|nine| {
            let text = format!(r#"(module (import "m" "f" {import}))"#);
            compile(nine, &text).map(drop)
        });
        let expected = if refused {
            Err(ModuleError::InvalidImage)
        } else {
            Ok(())
        };
        assert_eq!(compiled, expected, "{import}");
    }
}

#[test]
fn an_import_is_known_by_its_name_whatever_its_module() {
    let symbols = everywhere(|nine| {
        let text = r#"(module
          (import "a" "first" (func $a))
          (import "b" "first" (func $b (param i32)))
          (import "a" "second" (func $c))
          (import "a" "first" (func $d))
          (func (export "f") (call $d) (call $c) (call $b (i32.const 5)) (call $a)))"#;
        let instance = ready(nine, text, "f");
        let symbols = [0; 4].map(|_| {
            let (status, buffer) = nine.run(instance, GAS, 0).unwrap();
            assert_eq!(status, ExecStatus::Syscall);
            let symbol = String::from_utf8(buffer.symbol.as_bytes().to_vec()).unwrap();
            (symbol, buffer.args[0])
        });
        // One name of one module has one signature.
        let text = r#"(module (import "a" "f" (func)) (import "a" "f" (func (param i32))))"#;
        assert_eq!(compile(nine, text), Err(ModuleError::InvalidImage));
        symbols
    });
    let symbols: Vec<_> = symbols.iter().map(|(s, a)| (s.as_str(), *a)).collect();
    assert_eq!(
        symbols,
        [("first", 0), ("second", 0), ("first", 5), ("first", 0)]
    );
}

#[test]
fn what_metering_needs_is_not_a_symbol() {
    everywhere(|nine| {
        let text = format!(
            r#"(module (import "{}" "f" (func)))"#,
            fusee_engine::reserved::PREFIX
        );
        assert_eq!(compile(nine, &text), Err(ModuleError::InvalidImage));
        // As many imports as any program may have, and one more.
        let imports = |count| {
            let imports = (0..count).map(|n| format!(r#"(import "" "f{n}" (func))"#));
            format!("(module {})", imports.collect::<String>())
        };
        compile(nine, &imports(128)).unwrap();
        let one_more = compile(nine, &imports(129));
        assert_eq!(one_more, Err(ModuleError::InvalidImage));
    });
}

#[test]
fn only_symbols_that_are_admitted_may_be_imported() {
    let listed = |name: &str| wasm(&format!(r#"(module (import "m" "{name}" (func)))"#));
    for lane in lanes() {
        // What the rules below list for other programs means nothing here.
        let others = vec![fusee_instrument::SyscallRule {
            module: "m".to_owned(),
            name: "other".to_owned(),
            number: 0,
            params: vec![],
            result: None,
            may_suspend: false,
            price: fusee_instrument::SyscallPrice::FREE,
        }];
        let symbols = Symbols::Only(BTreeSet::from(["good".to_owned(), "x".repeat(33)]));
        let rules = ChildRules::new(Rules::v1(others), symbols);
        let settings = ChildSettings::default();
        let mut children: Children = Children::new(Arc::new(lane.executor), rules, settings);
        let nine: &mut dyn Nine = &mut children;
        nine.compile(&listed("good"), None).unwrap();
        nine.compile(&wasm("(module)"), None).unwrap();
        for refused in ["bad", "other", "goo", "good2", "", &"x".repeat(33)] {
            let compiled = nine.compile(&listed(refused), None);
            assert_eq!(compiled, Err(ModuleError::InvalidImage), "{refused}");
        }
    }
}

#[test]
fn the_rules_of_a_program_depend_on_the_program_alone() {
    let rules = ChildRules::new(Rules::v1(vec![]), Symbols::Any);
    let one = wasm(r#"(module (import "m" "one" (func)))"#);
    let two = wasm(r#"(module (import "m" "two" (func)))"#);
    assert_eq!(
        rules.for_program(&one, &Symbols::Any, true),
        rules.for_program(&one, &Symbols::Any, true)
    );
    assert_ne!(
        rules.for_program(&one, &Symbols::Any, true).id(),
        rules.for_program(&two, &Symbols::Any, true).id()
    );
    // Nothing but the imports is another than before.
    assert_eq!(
        rules.for_program(&wasm("(module)"), &Symbols::Any, true),
        Rules::v1(vec![])
    );
    assert_eq!(
        rules.for_program(b"no program", &Symbols::Any, true),
        Rules::v1(vec![])
    );
    let all = Rules::v1(vec![])
        .with_floats(fusee_instrument::Floats::Canonical)
        .with_polkavm(fusee_instrument::PolkaVmRules::v1())
        .profiled();
    let rules = ChildRules::new(all.clone(), Symbols::Any);
    assert_eq!(rules.for_program(b"", &Symbols::Any, true), all);
}
