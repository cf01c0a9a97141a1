//! The wasm features that programs may use: a closed list, every flag said by name, so that a
//! newer validator cannot admit what nobody decided on.

use wasmparser::{WasmFeatures, WasmFeaturesInflated};

/// What a program may use. Floating point validates here, so that the rule `floats` can refuse it
/// by its name.
pub(crate) fn admitted() -> WasmFeatures {
    WasmFeatures::from_inflated(WasmFeaturesInflated {
        bulk_memory: true,
        bulk_memory_opt: true,
        call_indirect_overlong: true,
        floats: true,
        multi_value: true,
        mutable_global: true,
        reference_types: true,
        saturating_float_to_int: true,
        sign_extension: true,

        acquire_release_atomics: false,
        cm64: false,
        cm_accessors: false,
        cm_async: false,
        cm_async_stackful: false,
        cm_canon_names: false,
        cm_error_context: false,
        cm_fixed_length_lists: false,
        cm_forward: false,
        cm_gc: false,
        cm_implements: false,
        cm_map: false,
        cm_more_async_builtins: false,
        cm_nested_names: false,
        cm_threading: false,
        cm_values: false,
        compact_imports: false,
        component_model: false,
        custom_descriptors: false,
        custom_page_sizes: false,
        exceptions: false,
        extended_const: false,
        function_references: false,
        gc: false,
        gc_types: false,
        legacy_exceptions: false,
        memory64: false,
        memory_control: false,
        multi_memory: false,
        multibyte_array_access: false,
        relaxed_simd: false,
        shared_everything_threads: false,
        simd: false,
        stack_switching: false,
        tail_call: false,
        threads: false,
        wide_arithmetic: false,
    })
}
