//! The parts of a module.

use fusee_build::layout;

#[test]
fn sections_functions_and_names_are_those_of_the_module() {
    let wasm = wat::parse_str(
        r#"(module
            (import "fusee" "now" (func $now (result i64)))
            (func $twice (result i64) (i64.add (call $now) (call $now)))
            (func (export "deploy"))
            (@custom "mine" "abc"))"#,
    );
    let wasm = wasm.unwrap();
    let layout = layout(&wasm).unwrap();
    let functions: Vec<_> = layout
        .functions
        .iter()
        .map(|it| (it.index, it.name.as_deref()))
        .collect();
    assert_eq!(functions, [(1, Some("twice")), (2, None)]);
    assert!(layout.functions[0].body.len() > layout.functions[1].body.len());
    let names: Vec<_> = layout.sections.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "type", "import", "function", "export", "code", "mine", "name"
        ]
    );
    assert_eq!(layout.sections[5].data, b"abc");
    assert_eq!(layout.compiler, None);
}

#[test]
fn what_is_cut_or_no_module_is_an_error_and_no_panic() {
    let wasm =
        wat::parse_str(r#"(module (func $a (nop)) (@producers (processed-by "rustc" "1.95.0")))"#);
    let wasm = wasm.unwrap();
    assert_eq!(layout(&wasm).unwrap().compiler.unwrap(), "rustc 1.95.0");
    let mut cut = 0;
    for end in 0..wasm.len() {
        cut += usize::from(layout(&wasm[..end]).is_err());
    }
    assert!(cut > wasm.len() / 2, "{cut} of {}", wasm.len());
    assert!(layout(b"PVM\0").is_err());
}
