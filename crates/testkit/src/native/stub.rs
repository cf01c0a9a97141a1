//! The module that stands for a native contract: its exports, its interface, and every syscall.
//!
//! It never runs. Its methods trap, so that a stub which is not known as one does not pass for a
//! contract that does nothing.

use fusee_sdk::abi::{IMPORT_MODULE, SYSCALLS, Wire, virtualization::functions};
use wasm_encoder::{
    CodeSection, CustomSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};

use crate::Program;

/// The module of a program. Two contracts have different ones, since their interfaces differ.
pub(crate) fn stub(program: &Program) -> Vec<u8> {
    let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut exports = ExportSection::new();
    let mut index = 0;
    // Not the oracle: the rules do not admit it.
    let admitted = SYSCALLS
        .iter()
        .filter(|syscall| syscall.name != "oracle_request")
        .map(|syscall| (IMPORT_MODULE, syscall));
    let nested = functions::FUNCTIONS.iter();
    let nested = nested.map(|syscall| (functions::IMPORT_MODULE, syscall));
    for (module, syscall) in admitted.chain(nested) {
        let params = syscall.params.iter().filter_map(|param| param.wire);
        let params: Vec<_> = params.map(value_type).collect();
        types.ty().function(params, syscall.result.map(value_type));
        imports.import(module, syscall.name, EntityType::Function(index));
        index += 1;
    }
    types.ty().function([], []);
    let of_methods = index;
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    exports.export("memory", ExportKind::Memory, 0);
    for (name, _) in program.methods {
        functions.function(of_methods);
        let mut body = Function::new([]);
        body.instructions().unreachable().end();
        code.function(&body);
        exports.export(name, ExportKind::Func, index);
        index += 1;
    }
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code)
        .section(&CustomSection {
            name: fusee::interface::SECTION.into(),
            data: program.interface.into(),
        });
    module.finish()
}

fn value_type(wire: Wire) -> ValType {
    match wire {
        Wire::I32 => ValType::I32,
        Wire::I64 => ValType::I64,
    }
}
