//! Where modules come from, and under which names they are kept.

use fusee_conformance::lanes;
use fusee_virtualization::{
    StorageScope,
    wire::{CompileStatus, CompiledModule, ExecError, ModuleError, ModuleId},
};

use crate::support::{COUNTER, Nine, children, code, everywhere, wasm};

const ONE: &str = r#"(module (func (export "one")))"#;
const TWO: &str = r#"(module (func (export "two")))"#;

const fn compiled(id: u32) -> Result<CompiledModule, ModuleError> {
    Ok(CompiledModule {
        id: ModuleId(id),
        status: CompileStatus::Compiled,
    })
}

const fn cached(id: u32) -> Result<CompiledModule, ModuleError> {
    Ok(CompiledModule {
        id: ModuleId(id),
        status: CompileStatus::Cached,
    })
}

/// Whether the module's program has this function.
fn has(nine: &mut dyn Nine, module: ModuleId, function: &str) -> bool {
    let instance = nine.instantiate(module).unwrap();
    match nine.prepare(instance, function.as_bytes()) {
        Ok(()) => true,
        Err(ExecError::InvalidImage) => false,
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn who_writes_an_identifier_first_wins_and_each_answer_is_a_new_number() {
    everywhere(|nine| {
        assert_eq!(nine.lookup(b"x"), Err(ModuleError::NotCached));
        assert_eq!(nine.compile(&wasm(ONE), Some(b"x")), compiled(0));
        // The program is not looked at any more.
        assert_eq!(nine.compile(&wasm(TWO), Some(b"x")), cached(1));
        assert_eq!(nine.compile(b"no program", Some(b"x")), cached(2));
        assert_eq!(nine.lookup(b"x"), Ok(ModuleId(3)));
        for module in 0..4 {
            assert!(has(nine, ModuleId(module), "one"));
            assert!(!has(nine, ModuleId(module), "two"));
        }
        // The same program under another identifier, or none, is compiled.
        assert_eq!(nine.compile(&wasm(ONE), Some(b"y")), compiled(4));
        assert_eq!(nine.compile(&wasm(ONE), None), compiled(5));
        assert_eq!(nine.compile(&wasm(ONE), None), compiled(6));
        // An empty identifier is one.
        assert_eq!(nine.lookup(b""), Err(ModuleError::NotCached));
        assert_eq!(nine.compile(&wasm(TWO), Some(b"")), compiled(7));
        assert_eq!(nine.compile(&wasm(ONE), Some(b"")), cached(8));
        assert!(has(nine, ModuleId(8), "two"));
    });
}

#[test]
fn what_is_refused_has_no_number_and_is_not_kept() {
    everywhere(|nine| {
        for program in [&b""[..], b"no program", b"\0asm", b"PVM\0"] {
            let refused = nine.compile(program, Some(b"x"));
            assert_eq!(refused, Err(ModuleError::InvalidImage));
        }
        let truncated = wasm(COUNTER);
        for end in (0..truncated.len()).step_by(7) {
            // Behind the last section, a program may be whole; the first 8 bytes are one.
            if let Err(error) = nine.compile(&truncated[..end], None) {
                assert_eq!(error, ModuleError::InvalidImage);
            }
        }
        assert_eq!(nine.lookup(b"x"), Err(ModuleError::NotCached));
        let next = nine.compile(&wasm(ONE), Some(b"x")).unwrap();
        assert_eq!(next.status, CompileStatus::Compiled);
    });
}

#[test]
fn code_under_a_key_is_compiled_once_in_each_space() {
    everywhere(|nine| {
        assert_eq!(nine.compile_key(b"", b"none"), Err(ModuleError::NotFound));
        assert_eq!(
            nine.compile_key(b"none", b"code"),
            Err(ModuleError::NotFound)
        );
        assert_eq!(
            nine.compile_key(b"", b"refused"),
            Err(ModuleError::InvalidImage)
        );
        // The same key, and another program in each of the spaces.
        assert_eq!(nine.compile_key(b"", b"code"), compiled(0));
        assert_eq!(nine.compile_key(b"a", b"code"), compiled(1));
        assert_eq!(nine.compile_key(b"b", b"code"), compiled(2));
        assert_eq!(nine.compile_key(b"a", b"code"), cached(3));
        assert_eq!(nine.compile_key(b"b", b"code"), cached(4));
        assert_eq!(nine.compile_key(b"", b"code"), cached(5));
        for (module, function) in [
            (0, "counter"),
            (1, "a"),
            (2, "b"),
            (3, "a"),
            (4, "b"),
            (5, "counter"),
        ] {
            assert!(has(nine, ModuleId(module), function), "{module}");
        }
        // A key of the main space is an identifier, and the other way round; one of another space
        // is not.
        assert_eq!(nine.lookup(b"code"), Ok(ModuleId(6)));
        assert!(has(nine, ModuleId(6), "counter"));
        assert_eq!(nine.compile(&wasm(ONE), Some(b"none")), compiled(7));
        assert_eq!(nine.compile_key(b"", b"none"), cached(8));
        assert_eq!(nine.compile_key(b"a", b"none"), Err(ModuleError::NotFound));
    });
}

#[test]
fn what_is_kept_ends_with_its_owner() {
    for lane in lanes() {
        let executor = std::sync::Arc::new(lane.executor);
        for _ in 0..2 {
            let rules = crate::support::child_rules(fusee_virtualization::Symbols::Any);
            let mut children = <fusee_virtualization::Children>::new(
                std::sync::Arc::clone(&executor),
                rules,
                fusee_virtualization::ChildSettings::default(),
            );
            let nine: &mut dyn Nine = &mut children;
            // The executor has it since the first round: that is not told.
            assert_eq!(nine.compile(&wasm(ONE), Some(b"x")), compiled(0));
        }
    }
}

#[test]
fn code_that_cannot_be_read_is_a_fault_of_the_host() {
    for lane in lanes() {
        let mut children = children(lane.executor);
        let error = children
            .compile_key(StorageScope::Main, b"broken", code)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the code under a storage key cannot be read"
        );
        assert_eq!(children.lookup(b"broken"), Err(ModuleError::NotCached));
    }
}
