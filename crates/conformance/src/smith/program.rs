//! Generates one program.

use arbitrary::Unstructured;
use fusee_engine::ValueType;
use fusee_instrument::{Extensions, Floats};

use super::{floats as computing, flow};
use crate::Random;

/// The module of all imports.
pub(super) const MODULE: &str = "smith";
/// The import that costs gas.
pub(super) const NOTE: u32 = 1;
/// The import that suspends the guest.
pub(super) const WAIT: u32 = 2;

/// The syscalls: number, name, parameters and result.
pub(super) const IMPORTS: &[(u32, &str, &[ValueType], Option<ValueType>)] = &[
    (
        0,
        "mix",
        &[ValueType::I32, ValueType::I64],
        Some(ValueType::I64),
    ),
    (NOTE, "note", &[ValueType::I64], None),
    (WAIT, "wait", &[ValueType::I32], Some(ValueType::I32)),
];

/// A module with all [`IMPORTS`], from which `wasm-smith` chooses. `wait` comes last.
const AVAILABLE: &str = r#"(module
  (import "smith" "mix" (func (param i32 i64) (result i64)))
  (import "smith" "note" (func (param i64)))
  (import "smith" "wait" (func (param i32) (result i32))))"#;
const AVAILABLE_WITHOUT_WAIT: &str = r#"(module
  (import "smith" "mix" (func (param i32 i64) (result i64)))
  (import "smith" "note" (func (param i64))))"#;

/// The choices that determine a program.
pub(super) struct Choices<'a> {
    kind: u64,
    random: Random,
    /// The input of `wasm-smith`, if it is given.
    bytes: Option<&'a [u8]>,
}

impl<'a> Choices<'a> {
    pub(super) const fn of_seed(seed: u64) -> Self {
        Self {
            kind: seed,
            random: Random::new(seed),
            bytes: None,
        }
    }

    pub(super) fn of_bytes(kind: u8, bytes: &'a [u8]) -> Self {
        Self {
            kind: u64::from(kind),
            random: match kind % 6 {
                0 | 1 | 4 => Random::choosing(bytes),
                _ => Random::new(u64::from(kind)),
            },
            bytes: Some(bytes),
        }
    }

    /// Whether the program may use floating point.
    pub(super) const fn floats(&self) -> Floats {
        if self.kind.is_multiple_of(3) {
            Floats::Canonical
        } else {
            Floats::Refused
        }
    }

    /// What the program may use beside what all rules admit.
    pub(super) const fn extensions(&self) -> Extensions {
        if self.kind.is_multiple_of(4) {
            Extensions::NONE
        } else {
            Extensions::ALL
        }
    }
}

/// Generates the program. `None` if the choices give none.
pub(super) fn make(choices: Choices<'_>) -> Option<Vec<u8>> {
    let (floats, extensions) = (choices.floats(), choices.extensions());
    let mut random = choices.random;
    match choices.kind % 6 {
        0 => return wat::parse_str(computing::make(&mut random)).ok(),
        1 | 4 => return wat::parse_str(flow::make(&mut random, extensions)).ok(),
        _ => {}
    }
    let size = 512 << random.below(5);
    let bytes = match choices.bytes {
        Some(bytes) => bytes.to_vec(),
        None => std::iter::repeat_with(|| random.number().to_le_bytes())
            .take(size)
            .flatten()
            .collect(),
    };
    let config = wasm_smith::Config {
        allow_floats: floats == Floats::Canonical,
        ..config(&mut random, extensions)?
    };
    wasm_smith::Module::new(config, &mut Unstructured::new(&bytes))
        .ok()
        .map(|module| module.to_bytes())
}

fn config(random: &mut Random, extensions: Extensions) -> Option<wasm_smith::Config> {
    let available = match random.below(3) {
        0 => AVAILABLE,
        _ => AVAILABLE_WITHOUT_WAIT,
    };
    Some(wasm_smith::Config {
        available_imports: Some(wat::parse_str(available).ok()?),
        // Most programs with reference types use some that are not admitted.
        reference_types_enabled: random.below(4) == 0,
        disallow_traps: random.below(2) == 0,
        extended_const_enabled: extensions.extended_constants,
        tail_call_enabled: extensions.tail_calls,
        wide_arithmetic_enabled: extensions.wide_arithmetic,
        max_instructions: 300,
        max_funcs: 12,
        min_funcs: 1,
        max_types: 20,
        max_tables: 2,
        max_table_elements: 1_000,
        min_memories: u32::from(random.below(4) != 0),
        max_memories: 1,
        max_memory32_bytes: 8 << 16,
        max_data_segments: 5,
        max_element_segments: 5,
        max_globals: 10,
        max_imports: 5,
        export_everything: true,
        ..nothing_else()
    })
}

/// Disables all proposals that are not admitted.
fn nothing_else() -> wasm_smith::Config {
    wasm_smith::Config {
        bulk_memory_enabled: true,
        multi_value_enabled: true,
        sign_extension_ops_enabled: true,
        saturating_float_to_int_enabled: true,
        acquire_release_atomics_enabled: false,
        compact_imports_enabled: false,
        custom_descriptors_enabled: false,
        custom_page_sizes_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        relaxed_simd_enabled: false,
        shared_everything_threads_enabled: false,
        simd_enabled: false,
        threads_enabled: false,
        ..wasm_smith::Config::default()
    }
}
