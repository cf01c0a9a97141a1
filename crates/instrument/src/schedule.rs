//! The gas schedule: the price of each operator.
//!
//! The table is also the list of operators that can be admitted. An operator without a row has no
//! price, and a program that uses it is refused. The rules decide which [`Group`]s of operators are
//! admitted. Version 1 consists of round numbers that were not measured. The prices of version 2
//! were measured by `cargo xtask calibrate`.

mod cost;

use wasmparser::Operator;

pub use cost::{InstanceCost, InstancePart, PartCost};

/// Prices in gas. A version is final once a chain runs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The version.
    pub version: u32,
    /// The price of each operator, in table order.
    pub(crate) operators: &'static [u32],
    /// The number of an instance's first pages that cost less than those beyond: engines keep their
    /// memory from one instance to the next.
    pub resident_pages: u32,
    /// Additional prices of operators whose cost depends on an operand.
    pub dynamic: Dynamic,
    /// Prices of instantiation.
    pub instance: InstancePrices,
    /// Size of a function's stack frame.
    pub frame: FrameSize,
}

/// Prices of operators whose cost depends on an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dynamic {
    /// For each page requested by `memory.grow`, if the memory then has at most
    /// [`Schedule::resident_pages`].
    pub grow_page: u32,
    /// For each page requested by another `memory.grow`.
    pub grow_far_page: u32,
    /// For each started 64 bytes of `memory.fill`, `memory.copy` and `memory.init`.
    pub bulk_64_bytes: u32,
    /// For each element of `table.fill`, `table.copy` and `table.init`.
    pub table_element: u32,
}

/// Prices of instantiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstancePrices {
    /// For each instance.
    pub base: u32,
    /// For its memory, if it has one.
    pub memory: u32,
    /// For each of the first [`Schedule::resident_pages`] pages of initial memory.
    pub page: u32,
    /// For each page of initial memory beyond.
    pub far_page: u32,
    /// For each started 64 bytes of all data segments together.
    pub data_64_bytes: u32,
    /// For each data segment and each element segment.
    pub segment: u32,
    /// For each table.
    pub table: u32,
    /// For each initial element of a table and each element of an element segment.
    pub table_element: u32,
    /// For each function, imported ones included.
    pub function: u32,
    /// For each global.
    pub global: u32,
    /// For each export.
    pub export: u32,
}

impl InstancePrices {
    /// Names and values of the prices.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> + use<> {
        let Self {
            base,
            memory,
            page,
            far_page,
            data_64_bytes,
            segment,
            table,
            table_element,
            function,
            global,
            export,
        } = *self;
        [
            ("base", base),
            ("memory", memory),
            ("page", page),
            ("far_page", far_page),
            ("data_64_bytes", data_64_bytes),
            ("segment", segment),
            ("table", table),
            ("table_element", table_element),
            ("function", function),
            ("global", global),
            ("export", export),
        ]
        .into_iter()
    }
}

/// The parts of a program that an instance of it is priced by.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InstanceParts {
    pub(crate) has_memory: bool,
    /// Pages of initial memory.
    pub(crate) pages: u64,
    pub(crate) data_bytes: u64,
    /// Data segments and element segments.
    pub(crate) segments: u64,
    pub(crate) tables: u64,
    /// Initial elements of tables, and elements of element segments.
    pub(crate) table_elements: u64,
    pub(crate) functions: u64,
    pub(crate) globals: u64,
    pub(crate) exports: u64,
}

/// Size of a function's stack frame in bytes. It is defined by the rules and independent of the
/// engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSize {
    /// For each frame.
    pub base: u32,
    /// For each parameter, each local, and each operand at the greatest height of the operand
    /// stack.
    pub slot: u32,
    /// For each started eight operators of the body. A compiler may keep the result of an operator
    /// on the native stack for later use.
    pub eight_operators: u32,
}

impl FrameSize {
    /// Size of a frame in bytes, rounded up to [`STACK_UNIT_BYTES`].
    pub(crate) fn bytes(self, slots: u64, operators: u64) -> u64 {
        let of = |size: u32, count: u64| u64::from(size).saturating_mul(count);
        u64::from(self.base)
            .saturating_add(of(self.slot, slots))
            .saturating_add(of(self.eight_operators, operators.div_ceil(8)))
            .checked_next_multiple_of(STACK_UNIT_BYTES)
            .unwrap_or(u64::MAX)
    }
}

/// The frame sizes of all versions.
const FRAME: FrameSize = FrameSize {
    base: 64,
    slot: 8,
    eight_operators: 4,
};

/// Unit of the stack height in bytes. Frame sizes are multiples of it.
pub const STACK_UNIT_BYTES: u64 = 8;

/// A group of operators that the rules admit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Admitted by all rules.
    Base,
    /// Floating point. The prices include the canonicalisation of NaNs.
    Floats,
}

/// The table entry of an operator.
pub(crate) type Entry = (Group, Row);

macro_rules! operators {
    ($([$group:ident] $($variant:ident $v1:literal $name:literal $v2:literal,)*)*) => {
        /// The operators with a price, by their names in the text format.
        pub const OPERATORS: &[&str] = &[$($($name),*),*];

        const PRICES_V1: &[u32] = &[$($($v1),*),*];
        const PRICES_V2: &[u32] = &[$($($v2),*),*];

        /// A row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Row { $($($variant),*),* }

        /// The table entry of each operator, as a constant with the operator's name. The entries
        /// shadow the glob import of [`unpriced`](super::unpriced).
        #[allow(non_upper_case_globals, reason = "named after the operators")]
        pub(crate) mod entries {
            use super::{Entry, Group, Row};
            pub(crate) use super::unpriced::*;

            $($(pub(crate) const $variant: Option<Entry> = Some((Group::$group, Row::$variant));)*)*
        }
    };
}

macro_rules! define_entry {
    ($(@$proposal:ident $operator:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($arity:tt)*))*) => {
        /// `None` for every operator that wasmparser knows.
        #[allow(
            dead_code,
            non_upper_case_globals,
            reason = "most are shadowed by the entries of the table; named after the operators"
        )]
        mod unpriced {
            use super::Entry;

            $(pub(crate) const $operator: Option<Entry> = None;)*
        }

        /// The table entry of an operator. `None` if no rules admit it.
        fn entry(operator: &Operator<'_>) -> Option<Entry> {
            match operator {
                $(Operator::$operator { .. } => entries::$operator,)*
                _ => None,
            }
        }
    };
}

wasmparser::for_each_operator!(define_entry);

operators! {
    // operator, price in version 1, name, price in version 2
    [Base]
    Unreachable     1 "unreachable"           1,
    Nop             0 "nop"                   0,
    Block           0 "block"                 0,
    Loop            0 "loop"                  2,
    If              1 "if"                    2,
    Else            0 "else"                  0,
    End             0 "end"                   0,
    Br              1 "br"                    3,
    BrIf            1 "br_if"                 2,
    BrTable         3 "br_table"              9,
    Return          1 "return"                1,
    Call            4 "call"                 14,
    CallIndirect    8 "call_indirect"        21,
    Drop            0 "drop"                  0,
    Select          1 "select"                7,
    TypedSelect     1 "select t"              7,
    LocalGet        1 "local.get"             1,
    LocalSet        1 "local.set"             1,
    LocalTee        1 "local.tee"             4,
    GlobalGet       1 "global.get"            1,
    GlobalSet       1 "global.set"            2,
    I32Load         2 "i32.load"              7,
    I32Load8S       2 "i32.load8_s"           7,
    I32Load8U       2 "i32.load8_u"           7,
    I32Load16S      2 "i32.load16_s"          7,
    I32Load16U      2 "i32.load16_u"          7,
    I64Load         2 "i64.load"              7,
    I64Load8S       2 "i64.load8_s"           7,
    I64Load8U       2 "i64.load8_u"           7,
    I64Load16S      2 "i64.load16_s"          7,
    I64Load16U      2 "i64.load16_u"          7,
    I64Load32S      2 "i64.load32_s"          7,
    I64Load32U      2 "i64.load32_u"          7,
    I32Store        2 "i32.store"             2,
    I32Store8       2 "i32.store8"            2,
    I32Store16      2 "i32.store16"           2,
    I64Store        2 "i64.store"             2,
    I64Store8       2 "i64.store8"            2,
    I64Store16      2 "i64.store16"           2,
    I64Store32      2 "i64.store32"           2,
    MemorySize      2 "memory.size"           2,
    MemoryGrow    100 "memory.grow"         202,
    I32Const        1 "i32.const"             2,
    I64Const        1 "i64.const"             2,
    RefNull         1 "ref.null"              1,
    RefIsNull       1 "ref.is_null"           2,
    RefFunc         4 "ref.func"            152,
    I32Eqz          1 "i32.eqz"               4,
    I32Eq           1 "i32.eq"                3,
    I32Ne           1 "i32.ne"                3,
    I32LtS          1 "i32.lt_s"              3,
    I32LtU          1 "i32.lt_u"              3,
    I32GtS          1 "i32.gt_s"              4,
    I32GtU          1 "i32.gt_u"              4,
    I32LeS          1 "i32.le_s"              4,
    I32LeU          1 "i32.le_u"              4,
    I32GeS          1 "i32.ge_s"              3,
    I32GeU          1 "i32.ge_u"              3,
    I64Eqz          1 "i64.eqz"               4,
    I64Eq           1 "i64.eq"                3,
    I64Ne           1 "i64.ne"                3,
    I64LtS          1 "i64.lt_s"              3,
    I64LtU          1 "i64.lt_u"              3,
    I64GtS          1 "i64.gt_s"              4,
    I64GtU          1 "i64.gt_u"              4,
    I64LeS          1 "i64.le_s"              4,
    I64LeU          1 "i64.le_u"              4,
    I64GeS          1 "i64.ge_s"              3,
    I64GeU          1 "i64.ge_u"              3,
    I32Clz          1 "i32.clz"               3,
    I32Ctz          1 "i32.ctz"               3,
    I32Popcnt       1 "i32.popcnt"            7,
    I32Add          1 "i32.add"               2,
    I32Sub          1 "i32.sub"               3,
    I32Mul          2 "i32.mul"               3,
    I32DivS        10 "i32.div_s"            14,
    I32DivU        10 "i32.div_u"            14,
    I32RemS        10 "i32.rem_s"            17,
    I32RemU        10 "i32.rem_u"            17,
    I32And          1 "i32.and"               2,
    I32Or           1 "i32.or"                2,
    I32Xor          1 "i32.xor"               2,
    I32Shl          1 "i32.shl"               3,
    I32ShrS         1 "i32.shr_s"             3,
    I32ShrU         1 "i32.shr_u"             3,
    I32Rotl         1 "i32.rotl"              1,
    I32Rotr         1 "i32.rotr"              2,
    I64Clz          1 "i64.clz"               3,
    I64Ctz          1 "i64.ctz"               3,
    I64Popcnt       1 "i64.popcnt"            7,
    I64Add          1 "i64.add"               2,
    I64Sub          1 "i64.sub"               3,
    I64Mul          2 "i64.mul"               3,
    I64DivS        10 "i64.div_s"            16,
    I64DivU        10 "i64.div_u"            16,
    I64RemS        10 "i64.rem_s"            20,
    I64RemU        10 "i64.rem_u"            20,
    I64And          1 "i64.and"               2,
    I64Or           1 "i64.or"                2,
    I64Xor          1 "i64.xor"               2,
    I64Shl          1 "i64.shl"               3,
    I64ShrS         1 "i64.shr_s"             3,
    I64ShrU         1 "i64.shr_u"             3,
    I64Rotl         1 "i64.rotl"              1,
    I64Rotr         1 "i64.rotr"              2,
    I32WrapI64      1 "i32.wrap_i64"          1,
    I64ExtendI32S   1 "i64.extend_i32_s"      2,
    I64ExtendI32U   1 "i64.extend_i32_u"      2,
    I32Extend8S     1 "i32.extend8_s"         2,
    I32Extend16S    1 "i32.extend16_s"        2,
    I64Extend8S     1 "i64.extend8_s"         2,
    I64Extend16S    1 "i64.extend16_s"        2,
    I64Extend32S    1 "i64.extend32_s"        2,
    MemoryInit     20 "memory.init"          14,
    DataDrop        5 "data.drop"             3,
    MemoryCopy     20 "memory.copy"          14,
    MemoryFill     20 "memory.fill"         322,
    TableInit      20 "table.init"           33,
    ElemDrop        5 "elem.drop"            26,
    TableCopy      20 "table.copy"           11,
    TableFill      20 "table.fill"            8,
    TableGet        4 "table.get"             1,
    TableSet        4 "table.set"             2,
    TableSize       2 "table.size"            2,

    [Floats]
    F32Load             2 "f32.load"               7,
    F64Load             2 "f64.load"               7,
    F32Store            2 "f32.store"              2,
    F64Store            2 "f64.store"              2,
    F32Const            1 "f32.const"              2,
    F64Const            1 "f64.const"              2,
    F32Eq               2 "f32.eq"                 4,
    F32Ne               2 "f32.ne"                 4,
    F32Lt               2 "f32.lt"                 4,
    F32Gt               2 "f32.gt"                 4,
    F32Le               2 "f32.le"                 4,
    F32Ge               2 "f32.ge"                 4,
    F64Eq               2 "f64.eq"                 4,
    F64Ne               2 "f64.ne"                 4,
    F64Lt               2 "f64.lt"                 4,
    F64Gt               2 "f64.gt"                 4,
    F64Le               2 "f64.le"                 4,
    F64Ge               2 "f64.ge"                 4,
    F32Abs              1 "f32.abs"                2,
    F32Neg              1 "f32.neg"                2,
    F32Ceil             6 "f32.ceil"               9,
    F32Floor            6 "f32.floor"             11,
    F32Trunc            6 "f32.trunc"             10,
    F32Nearest          6 "f32.nearest"            9,
    F32Sqrt            20 "f32.sqrt"               6,
    F32Add              5 "f32.add"                6,
    F32Sub              5 "f32.sub"                6,
    F32Mul              5 "f32.mul"              127,
    F32Div             15 "f32.div"              144,
    F32Min              8 "f32.min"                7,
    F32Max              8 "f32.max"                7,
    F32Copysign         3 "f32.copysign"           3,
    F64Abs              1 "f64.abs"                2,
    F64Neg              1 "f64.neg"                2,
    F64Ceil             6 "f64.ceil"               9,
    F64Floor            6 "f64.floor"             10,
    F64Trunc            6 "f64.trunc"             10,
    F64Nearest          6 "f64.nearest"           10,
    F64Sqrt            20 "f64.sqrt"               7,
    F64Add              5 "f64.add"                6,
    F64Sub              5 "f64.sub"                6,
    F64Mul              5 "f64.mul"              127,
    F64Div             15 "f64.div"              150,
    F64Min              8 "f64.min"                7,
    F64Max              8 "f64.max"                7,
    F64Copysign         3 "f64.copysign"           2,
    I32TruncF32S        6 "i32.trunc_f32_s"       15,
    I32TruncF32U        6 "i32.trunc_f32_u"       15,
    I32TruncF64S        6 "i32.trunc_f64_s"       15,
    I32TruncF64U        6 "i32.trunc_f64_u"       15,
    I64TruncF32S        6 "i64.trunc_f32_s"       15,
    I64TruncF32U        6 "i64.trunc_f32_u"       15,
    I64TruncF64S        6 "i64.trunc_f64_s"       15,
    I64TruncF64U        6 "i64.trunc_f64_u"       15,
    F32ConvertI32S      3 "f32.convert_i32_s"     13,
    F32ConvertI32U      3 "f32.convert_i32_u"     15,
    F32ConvertI64S      3 "f32.convert_i64_s"     15,
    F32ConvertI64U      3 "f32.convert_i64_u"     15,
    F64ConvertI32S      3 "f64.convert_i32_s"     13,
    F64ConvertI32U      3 "f64.convert_i32_u"     14,
    F64ConvertI64S      3 "f64.convert_i64_s"     13,
    F64ConvertI64U      3 "f64.convert_i64_u"     13,
    F32DemoteF64        5 "f32.demote_f64"         5,
    F64PromoteF32       5 "f64.promote_f32"        6,
    I32ReinterpretF32   1 "i32.reinterpret_f32"    2,
    I64ReinterpretF64   1 "i64.reinterpret_f64"    2,
    F32ReinterpretI32   1 "f32.reinterpret_i32"    2,
    F64ReinterpretI64   1 "f64.reinterpret_i64"    2,
    I32TruncSatF32S     6 "i32.trunc_sat_f32_s"   15,
    I32TruncSatF32U     6 "i32.trunc_sat_f32_u"   15,
    I32TruncSatF64S     6 "i32.trunc_sat_f64_s"   15,
    I32TruncSatF64U     6 "i32.trunc_sat_f64_u"   15,
    I64TruncSatF32S     6 "i64.trunc_sat_f32_s"   15,
    I64TruncSatF32U     6 "i64.trunc_sat_f32_u"   15,
    I64TruncSatF64S     6 "i64.trunc_sat_f64_s"   15,
    I64TruncSatF64U     6 "i64.trunc_sat_f64_u"   15,
}

impl Schedule {
    /// Version 1: round numbers that were not measured.
    #[must_use]
    pub const fn v1() -> Self {
        let dynamic = Dynamic {
            grow_page: 1_000,
            grow_far_page: 1_000,
            bulk_64_bytes: 8,
            table_element: 4,
        };
        let instance = InstancePrices {
            base: 2_000,
            memory: 0,
            page: 1_000,
            far_page: 1_000,
            data_64_bytes: 8,
            segment: 0,
            table: 0,
            table_element: 4,
            function: 0,
            global: 0,
            export: 0,
        };
        Self {
            version: 1,
            operators: PRICES_V1,
            resident_pages: 32,
            dynamic,
            instance,
            frame: FRAME,
        }
    }

    /// Version 2: measured prices, see `docs/calibration.md`.
    #[must_use]
    pub const fn v2() -> Self {
        Self {
            version: 2,
            operators: PRICES_V2,
            resident_pages: 32,
            dynamic: Dynamic {
                grow_page: 13_000,
                grow_far_page: 85_000,
                bulk_64_bytes: 18,
                table_element: 3,
            },
            instance: InstancePrices {
                base: 3_700,
                memory: 2_400,
                page: 5_500,
                far_page: 86_000,
                data_64_bytes: 18,
                segment: 85,
                table: 750,
                table_element: 7,
                function: 27,
                global: 165,
                export: 330,
            },
            frame: FRAME,
        }
    }

    /// The price of an instance with these parts.
    pub(crate) fn instance_cost(&self, parts: InstanceParts) -> InstanceCost {
        let InstanceParts {
            has_memory,
            pages,
            data_bytes,
            segments,
            tables,
            table_elements,
            functions,
            globals,
            exports,
        } = parts;
        let prices = self.instance;
        let resident_pages = pages.min(self.resident_pages.into());
        let far_pages = pages.saturating_sub(resident_pages);
        let mut cost = InstanceCost::default();
        cost.add(InstancePart::Base, 1, prices.base);
        cost.add(InstancePart::Memory, has_memory.into(), prices.memory);
        cost.add(InstancePart::Page, resident_pages, prices.page);
        cost.add(InstancePart::FarPage, far_pages, prices.far_page);
        let data = data_bytes.div_ceil(64);
        cost.add(InstancePart::Data64Bytes, data, prices.data_64_bytes);
        cost.add(InstancePart::Segment, segments, prices.segment);
        cost.add(InstancePart::Table, tables, prices.table);
        cost.add(
            InstancePart::TableElement,
            table_elements,
            prices.table_element,
        );
        cost.add(InstancePart::Function, functions, prices.function);
        cost.add(InstancePart::Global, globals, prices.global);
        cost.add(InstancePart::Export, exports, prices.export);
        cost
    }

    /// The price of an operator. `None` if no rules admit it.
    #[must_use]
    pub fn price(&self, operator: &Operator<'_>) -> Option<u32> {
        entry(operator).and_then(|(_, row)| self.price_of(row))
    }

    /// The name and price of every operator, in table order.
    pub fn operators(&self) -> impl Iterator<Item = (&'static str, u32)> + '_ {
        OPERATORS
            .iter()
            .copied()
            .zip(self.operators.iter().copied())
    }

    #[allow(
        clippy::as_conversions,
        reason = "the discriminant of a field-less enum with one variant for each row"
    )]
    pub(crate) fn price_of(&self, row: Row) -> Option<u32> {
        self.operators.get(row as usize).copied()
    }
}

/// The group of an operator. `None` if no rules admit it.
pub(crate) fn group(operator: &Operator<'_>) -> Option<Group> {
    entry(operator).map(|(group, _)| group)
}

#[cfg(test)]
mod tests;
