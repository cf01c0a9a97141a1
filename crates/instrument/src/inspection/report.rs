//! The types of an inspection.

use fusee_engine::{Gas, Program};

use crate::schedule::InstanceCost;

/// The contents of a program.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The metered program, with its imports, its memory and its instantiation price.
    pub program: Program,
    /// The instantiation price, part by part.
    pub instance: InstanceCost,
    /// The defined functions, ordered by index.
    pub functions: Vec<Function>,
    /// The exports of all kinds, in the order of the export section.
    pub exports: Vec<Exported>,
    /// The tables.
    pub tables: Vec<Table>,
    /// The globals.
    pub globals: Vec<Global>,
    /// The element segments. Lengths are in elements.
    pub element_segments: Vec<Segment>,
    /// The data segments. Lengths are in bytes.
    pub data_segments: Vec<Segment>,
    /// The custom sections. Metering keeps the name section only.
    pub custom_sections: Vec<CustomSection>,
}

/// A defined function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its index and name.
    pub name: FunctionName,
    /// The types of its parameters.
    pub params: Vec<String>,
    /// The types of its results.
    pub results: Vec<String>,
    /// Offset of its body in the program, in bytes.
    pub offset: u64,
    /// Size of its body in bytes.
    pub bytes: u64,
    /// Size of its metered body in bytes.
    pub metered_bytes: u64,
    /// Number of parameters and locals.
    pub locals: u64,
    /// Number of operators, unreachable ones included.
    pub operators: u64,
    /// Number of metered blocks with a cost above zero. Each is charged as a whole.
    pub metered_blocks: u64,
    /// Sum of the costs of all metered blocks: the cost of running each operator once.
    pub gas: Gas,
    /// Size of its stack frame in bytes.
    pub frame_bytes: u64,
    /// Estimated compilation work, in the unit of the limits `function_work` and `program_work`.
    pub work: u64,
    /// Number of call operators, calls of imports included.
    pub calls: u64,
    /// Number of loops.
    pub loops: u64,
}

/// A function's index and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionName {
    /// The index. Imported functions come first.
    pub index: u32,
    /// The name in the name section, or else its first export name.
    pub name: Option<String>,
}

/// An export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The name.
    pub name: String,
    /// Its kind: `func`, `memory`, `table` or `global`.
    pub kind: &'static str,
    /// Its index in the index space of its kind.
    pub index: u32,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Initial number of elements.
    pub initial: u64,
    /// Maximum number of elements.
    pub maximum: u64,
}

/// A global.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    /// The type of its value.
    pub value_type: String,
    /// Whether it is mutable.
    pub mutable: bool,
    /// Its initial value, if it is an integer constant.
    pub initial: Option<i64>,
}

/// A data or element segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Number of bytes or elements.
    pub length: u64,
    /// Where it is copied to.
    pub placement: Placement,
}

/// Where a segment is copied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Into a memory or table, at instantiation.
    Active {
        /// The index of the memory or the table.
        target: u32,
        /// The offset in it.
        offset: u32,
    },
    /// Wherever the program copies it to.
    Passive,
    /// Nowhere: it only declares functions for `ref.func`.
    Declared,
}

/// A custom section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomSection {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}
