//! Compiling and looking into modules.

use std::sync::Arc;

use fusee_engine::ValueType;
use fusee_lifecycle::{CALL_TIME, Error, MEMORY_PAGES, Sandbox};

use crate::support::{
    PLAIN, Quick, WAITS, builder, call, instance, interpreter, module, rules, sandbox, sandboxes,
    wasm,
};

#[test]
fn a_module_says_what_it_imports_and_exports() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        let module = module(&sandbox, WAITS);
        let [wait] = module.imports() else {
            panic!("{lane}: {:?}", module.imports());
        };
        assert_eq!((wait.module.as_str(), wait.name.as_str()), ("env", "wait"));
        assert_eq!(wait.params, [ValueType::I64]);
        assert_eq!(wait.result, Some(ValueType::I64));
        let exports: Vec<_> = module.exports().iter().map(|export| &export.name).collect();
        assert_eq!(exports, ["sum", "ask"]);
        let ask = module.export("ask").unwrap();
        assert_eq!(ask.params, [ValueType::I64]);
        assert_eq!(ask.results, [ValueType::I64]);
        assert!(module.export("nothing").is_none());
    }
}

#[test]
fn a_module_that_imports_what_may_wait_needs_async() {
    let sandbox = sandbox(|builder| builder);
    assert!(module(&sandbox, WAITS).needs_async());
    assert!(!module(&sandbox, PLAIN).needs_async());
}

#[test]
fn what_is_no_program_or_is_refused_is_a_compile_error() {
    for (lane, sandbox) in sandboxes(|builder| builder) {
        for refused in [
            b"no wasm".to_vec(),
            wasm(r#"(module (import "env" "unknown" (func)))"#),
        ] {
            let error = sandbox.compile(&refused).unwrap_err();
            assert!(matches!(error, Error::Compile(_)), "{lane}: {error:?}");
        }
    }
}

#[test]
fn code_is_compiled_once_whoever_brings_it_and_however_many_instances_there_are() {
    let executor = interpreter();
    let one = builder(Arc::clone(&executor)).build().unwrap();
    let mut instances = vec![instance(&one, PLAIN, Quick)];
    let kept = executor.cached_bytes();
    assert!(kept > 0);
    let other = builder(Arc::clone(&executor)).build().unwrap();
    for sandbox in [&one, &other] {
        for _ in 0..17 {
            let module = module(sandbox, PLAIN);
            assert_eq!(module.code_hash(), module.clone().code_hash());
            instances.push(instance(sandbox, PLAIN, Quick));
        }
    }
    assert_eq!(executor.cached_bytes(), kept);
    // They share code and nothing else.
    for instance in &mut instances {
        assert_eq!(call(instance, "count", &[]), [1]);
    }
}

#[test]
fn many_modules_stay_within_the_budget_in_bytes() {
    let budget = 64 << 10;
    let executor =
        fusee_executor::Executor::builder(Arc::new(fusee_engine_wasmi::WasmiEngine::new()))
            .cache_bytes(budget)
            .build();
    let executor = Arc::new(executor);
    let sandbox = Sandbox::builder(Arc::clone(&executor), rules())
        .workers(1)
        .build()
        .unwrap();
    for number in 0..2_000 {
        let text = format!(r#"(module (func (export "f") (result i32) i32.const {number}))"#);
        sandbox.compile(&wasm(&text)).unwrap();
        assert!(executor.cached_bytes() <= budget, "{number}");
    }
    assert!(executor.cached_bytes() > budget / 4);
}

#[test]
fn the_defaults_are_five_seconds_and_4096_pages() {
    assert_eq!(CALL_TIME.as_secs_f64(), 5.0);
    assert_eq!(MEMORY_PAGES * 65_536, 256 << 20);
    assert_eq!(rules().limits().memory_pages, MEMORY_PAGES);
}

#[test]
fn the_published_rules_are_final() {
    let rules = fusee_lifecycle::rules(Vec::new());
    assert_eq!(rules.name(), "lifecycle-1");
    assert_eq!(
        rules.id().to_string(),
        "34ea21b8eebbd1fa216a6e4fa392e3768ac1ebb845f88fb23da7fbfeae9d11c9"
    );
}
