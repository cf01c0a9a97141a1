//! The limits of programs.

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $field:ident = $v1:literal,)*) => {
        /// The most that a program may have of each thing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])* pub $field: u64,)*
        }

        impl Limits {
            /// The limits of version 1.
            #[must_use]
            pub const fn v1() -> Self {
                Self { $($field: $v1,)* }
            }

            /// Every limit's name and value.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field)),*].into_iter()
            }
        }
    };
}

limits! {
    /// Bytes of the program.
    program_bytes = 2_621_440,
    /// Bytes of its code: of the code section of a wasm module, or the instructions of a PolkaVM
    /// program.
    code_bytes = 1_048_576,
    /// Bytes of the metered program.
    output_bytes = 5_767_168,
    /// Bytes of one function's body.
    function_bytes = 262_144,
    /// Function types.
    types = 1_000,
    /// Functions, imported ones included.
    functions = 10_000,
    /// Imports.
    imports = 128,
    /// Exports.
    exports = 1_000,
    /// Parameters of a function type or block type.
    params = 32,
    /// Results of a function type or block type.
    results = 16,
    /// Parameters and locals of a function.
    locals = 2_000,
    /// Blocks inside blocks. Compiled state machines have more than 500.
    nesting = 1_024,
    /// Targets of a `br_table`.
    br_table_targets = 4_096,
    /// Globals.
    globals = 1_000,
    /// Tables.
    tables = 16,
    /// Elements of a table, from the start or grown.
    table_elements = 16_384,
    /// Element segments.
    element_segments = 1_000,
    /// Elements of all element segments together.
    segment_elements = 65_536,
    /// Data segments.
    data_segments = 1_000,
    /// Bytes of all data segments together.
    data_bytes = 1_048_576,
    /// Pages of memory from the start; a program may declare a larger maximum, and cannot reach it.
    memory_pages = 1_024,
    /// The work of compiling one function. A unit is about 250 ns; work grows faster than
    /// the function. See `docs/book/src/limits.md`.
    function_work = 4_500_000,
    /// The work of compiling all functions together.
    program_work = 9_000_000,
    /// Bytes of one function's frame.
    frame_bytes = 131_072,
    /// Bytes of all frames that are open at once.
    stack_bytes = 262_144,
}

/// Whether programs may compute with floating-point numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Floats {
    /// They may not.
    #[default]
    Refused,
    /// They may. Injected code makes every NaN that an operator computes the canonical one, since
    /// nothing else about floating point is left to the machine.
    Canonical,
}
