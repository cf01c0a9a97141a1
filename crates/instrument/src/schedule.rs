//! The gas schedule: the price of each operator.
//!
//! The table is also the list of operators that can be admitted. An operator without a row has no
//! price, and a program that uses it is refused. The rules decide which [`Group`]s of operators are
//! admitted. The prices were measured by `cargo xtask calibrate`.

use std::borrow::Cow;

mod cost;

use wasmparser::Operator;

pub use cost::{InstanceCost, InstancePart, PartCost};

/// Prices in gas. A version is final once a chain runs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The version.
    pub version: u32,
    /// The price of each operator, in table order.
    pub(crate) operators: Cow<'static, [u32]>,
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
    /// For each element requested by `table.grow`, if the schedule has a price for that.
    pub grow_element: u32,
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
    /// Calls in place of a return, at the prices of other calls.
    TailCalls,
    /// Growth of tables.
    TableGrow,
    /// Integers of 128 bits.
    WideArithmetic,
}

/// The table entry of an operator.
pub(crate) type Entry = (Group, Row);

macro_rules! operators {
    (
        version 1: $([$group:ident] $($variant:ident $name:literal $price:literal,)*)*;
        version 2: $([$group2:ident] $($variant2:ident $name2:literal $price2:literal,)*)*;
    ) => {
        /// The operators with a price, by their names in the text format. Version 1 of the schedule
        /// has a price for the first of them.
        pub const OPERATORS: &[&str] = &[$($($name,)*)* $($($name2,)*)*];

        const PRICES_V1: &[u32] = &[$($($price),*),*];

        const PRICES_V2: &[u32] = &[$($($price,)*)* $($($price2,)*)*];

        /// A row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Row { $($($variant,)*)* $($($variant2,)*)* }

        /// The table entry of each operator, as a constant with the operator's name. The entries
        /// shadow the glob import of [`unpriced`](super::unpriced).
        #[allow(non_upper_case_globals, reason = "named after the operators")]
        pub(crate) mod entries {
            use super::{Entry, Group, Row};
            pub(crate) use super::unpriced::*;

            $($(pub(crate) const $variant: Option<Entry> = Some((Group::$group, Row::$variant));)*)*
            $($(pub(crate) const $variant2: Option<Entry> =
                Some((Group::$group2, Row::$variant2));)*)*

            pub(crate) const ReturnCall: Option<Entry> = Some((Group::TailCalls, Row::Call));
            pub(crate) const ReturnCallIndirect: Option<Entry> =
                Some((Group::TailCalls, Row::CallIndirect));
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
    version 1: // operator, name, price
    [Base]
    Unreachable     "unreachable"           1,
    Nop             "nop"                   0,
    Block           "block"                 0,
    Loop            "loop"                  2,
    If              "if"                    2,
    Else            "else"                  0,
    End             "end"                   0,
    Br              "br"                    3,
    BrIf            "br_if"                 2,
    BrTable         "br_table"              9,
    Return          "return"                1,
    Call            "call"                 14,
    CallIndirect    "call_indirect"        21,
    Drop            "drop"                  0,
    Select          "select"                7,
    TypedSelect     "select t"              7,
    LocalGet        "local.get"             1,
    LocalSet        "local.set"             1,
    LocalTee        "local.tee"             4,
    GlobalGet       "global.get"            2,
    GlobalSet       "global.set"            2,
    I32Load         "i32.load"              7,
    I32Load8S       "i32.load8_s"           7,
    I32Load8U       "i32.load8_u"           7,
    I32Load16S      "i32.load16_s"          7,
    I32Load16U      "i32.load16_u"          7,
    I64Load         "i64.load"              7,
    I64Load8S       "i64.load8_s"           7,
    I64Load8U       "i64.load8_u"           7,
    I64Load16S      "i64.load16_s"          7,
    I64Load16U      "i64.load16_u"          7,
    I64Load32S      "i64.load32_s"          7,
    I64Load32U      "i64.load32_u"          7,
    I32Store        "i32.store"             2,
    I32Store8       "i32.store8"            2,
    I32Store16      "i32.store16"           2,
    I64Store        "i64.store"             2,
    I64Store8       "i64.store8"            2,
    I64Store16      "i64.store16"           2,
    I64Store32      "i64.store32"           2,
    MemorySize      "memory.size"           2,
    MemoryGrow    "memory.grow"         202,
    I32Const        "i32.const"             2,
    I64Const        "i64.const"             2,
    RefNull         "ref.null"              1,
    RefIsNull       "ref.is_null"           2,
    RefFunc         "ref.func"            152,
    I32Eqz          "i32.eqz"               4,
    I32Eq           "i32.eq"                3,
    I32Ne           "i32.ne"                3,
    I32LtS          "i32.lt_s"              3,
    I32LtU          "i32.lt_u"              3,
    I32GtS          "i32.gt_s"              4,
    I32GtU          "i32.gt_u"              4,
    I32LeS          "i32.le_s"              4,
    I32LeU          "i32.le_u"              4,
    I32GeS          "i32.ge_s"              3,
    I32GeU          "i32.ge_u"              3,
    I64Eqz          "i64.eqz"               4,
    I64Eq           "i64.eq"                3,
    I64Ne           "i64.ne"                3,
    I64LtS          "i64.lt_s"              3,
    I64LtU          "i64.lt_u"              3,
    I64GtS          "i64.gt_s"              4,
    I64GtU          "i64.gt_u"              4,
    I64LeS          "i64.le_s"              4,
    I64LeU          "i64.le_u"              4,
    I64GeS          "i64.ge_s"              3,
    I64GeU          "i64.ge_u"              3,
    I32Clz          "i32.clz"               3,
    I32Ctz          "i32.ctz"               3,
    I32Popcnt       "i32.popcnt"            7,
    I32Add          "i32.add"               2,
    I32Sub          "i32.sub"               3,
    I32Mul          "i32.mul"               3,
    I32DivS        "i32.div_s"            14,
    I32DivU        "i32.div_u"            14,
    I32RemS        "i32.rem_s"            17,
    I32RemU        "i32.rem_u"            17,
    I32And          "i32.and"               2,
    I32Or           "i32.or"                2,
    I32Xor          "i32.xor"               2,
    I32Shl          "i32.shl"               3,
    I32ShrS         "i32.shr_s"             3,
    I32ShrU         "i32.shr_u"             3,
    I32Rotl         "i32.rotl"              1,
    I32Rotr         "i32.rotr"              2,
    I64Clz          "i64.clz"               3,
    I64Ctz          "i64.ctz"               3,
    I64Popcnt       "i64.popcnt"            7,
    I64Add          "i64.add"               2,
    I64Sub          "i64.sub"               3,
    I64Mul          "i64.mul"               3,
    I64DivS        "i64.div_s"            16,
    I64DivU        "i64.div_u"            16,
    I64RemS        "i64.rem_s"            20,
    I64RemU        "i64.rem_u"            20,
    I64And          "i64.and"               2,
    I64Or           "i64.or"                2,
    I64Xor          "i64.xor"               2,
    I64Shl          "i64.shl"               3,
    I64ShrS         "i64.shr_s"             3,
    I64ShrU         "i64.shr_u"             3,
    I64Rotl         "i64.rotl"              1,
    I64Rotr         "i64.rotr"              2,
    I32WrapI64      "i32.wrap_i64"          1,
    I64ExtendI32S   "i64.extend_i32_s"      2,
    I64ExtendI32U   "i64.extend_i32_u"      2,
    I32Extend8S     "i32.extend8_s"         2,
    I32Extend16S    "i32.extend16_s"        2,
    I64Extend8S     "i64.extend8_s"         2,
    I64Extend16S    "i64.extend16_s"        2,
    I64Extend32S    "i64.extend32_s"        2,
    MemoryInit     "memory.init"          14,
    DataDrop        "data.drop"             3,
    MemoryCopy     "memory.copy"          14,
    MemoryFill     "memory.fill"         322,
    TableInit      "table.init"           33,
    ElemDrop        "elem.drop"            26,
    TableCopy      "table.copy"           11,
    TableFill      "table.fill"            8,
    TableGet        "table.get"             1,
    TableSet        "table.set"             2,
    TableSize       "table.size"            2,

    [Floats]
    F32Load             "f32.load"               7,
    F64Load             "f64.load"               7,
    F32Store            "f32.store"              2,
    F64Store            "f64.store"              2,
    F32Const            "f32.const"              2,
    F64Const            "f64.const"              2,
    F32Eq               "f32.eq"                 4,
    F32Ne               "f32.ne"                 4,
    F32Lt               "f32.lt"                 4,
    F32Gt               "f32.gt"                 4,
    F32Le               "f32.le"                 4,
    F32Ge               "f32.ge"                 4,
    F64Eq               "f64.eq"                 4,
    F64Ne               "f64.ne"                 4,
    F64Lt               "f64.lt"                 4,
    F64Gt               "f64.gt"                 4,
    F64Le               "f64.le"                 4,
    F64Ge               "f64.ge"                 4,
    F32Abs              "f32.abs"                2,
    F32Neg              "f32.neg"                2,
    F32Ceil             "f32.ceil"               9,
    F32Floor            "f32.floor"             11,
    F32Trunc            "f32.trunc"             10,
    F32Nearest          "f32.nearest"            9,
    F32Sqrt            "f32.sqrt"               6,
    F32Add              "f32.add"                6,
    F32Sub              "f32.sub"                6,
    F32Mul              "f32.mul"              127,
    F32Div             "f32.div"              144,
    F32Min              "f32.min"                7,
    F32Max              "f32.max"                7,
    F32Copysign         "f32.copysign"           3,
    F64Abs              "f64.abs"                2,
    F64Neg              "f64.neg"                2,
    F64Ceil             "f64.ceil"               9,
    F64Floor            "f64.floor"             10,
    F64Trunc            "f64.trunc"             10,
    F64Nearest          "f64.nearest"           10,
    F64Sqrt            "f64.sqrt"               7,
    F64Add              "f64.add"                6,
    F64Sub              "f64.sub"                6,
    F64Mul              "f64.mul"              127,
    F64Div             "f64.div"              150,
    F64Min              "f64.min"                7,
    F64Max              "f64.max"                7,
    F64Copysign         "f64.copysign"           2,
    I32TruncF32S        "i32.trunc_f32_s"       15,
    I32TruncF32U        "i32.trunc_f32_u"       15,
    I32TruncF64S        "i32.trunc_f64_s"       15,
    I32TruncF64U        "i32.trunc_f64_u"       15,
    I64TruncF32S        "i64.trunc_f32_s"       15,
    I64TruncF32U        "i64.trunc_f32_u"       15,
    I64TruncF64S        "i64.trunc_f64_s"       15,
    I64TruncF64U        "i64.trunc_f64_u"       15,
    F32ConvertI32S      "f32.convert_i32_s"     13,
    F32ConvertI32U      "f32.convert_i32_u"     15,
    F32ConvertI64S      "f32.convert_i64_s"     15,
    F32ConvertI64U      "f32.convert_i64_u"     15,
    F64ConvertI32S      "f64.convert_i32_s"     13,
    F64ConvertI32U      "f64.convert_i32_u"     14,
    F64ConvertI64S      "f64.convert_i64_s"     13,
    F64ConvertI64U      "f64.convert_i64_u"     13,
    F32DemoteF64        "f32.demote_f64"         5,
    F64PromoteF32       "f64.promote_f32"        6,
    I32ReinterpretF32   "i32.reinterpret_f32"    2,
    I64ReinterpretF64   "i64.reinterpret_f64"    2,
    F32ReinterpretI32   "f32.reinterpret_i32"    2,
    F64ReinterpretI64   "f64.reinterpret_i64"    2,
    I32TruncSatF32S     "i32.trunc_sat_f32_s"   15,
    I32TruncSatF32U     "i32.trunc_sat_f32_u"   15,
    I32TruncSatF64S     "i32.trunc_sat_f64_s"   15,
    I32TruncSatF64U     "i32.trunc_sat_f64_u"   15,
    I64TruncSatF32S     "i64.trunc_sat_f32_s"   15,
    I64TruncSatF32U     "i64.trunc_sat_f32_u"   15,
    I64TruncSatF64S     "i64.trunc_sat_f64_s"   15,
    I64TruncSatF64U     "i64.trunc_sat_f64_u"   15,
    ;
    version 2: // has those of version 1 too, at their prices
    [TableGrow]
    TableGrow           "table.grow"           900,
    [WideArithmetic]
    I64Add128           "i64.add128"             6,
    I64Sub128           "i64.sub128"             6,
    I64MulWideS         "i64.mul_wide_s"         9,
    I64MulWideU         "i64.mul_wide_u"         9,
    ;
}

impl Schedule {
    /// Version 1: measured prices, see `docs/calibration.md`.
    #[must_use]
    pub const fn v1() -> Self {
        Self::numbered(1, PRICES_V1, 0)
    }

    /// Version 2: version 1, with prices of the operators that rules can admit beside its own.
    #[must_use]
    pub const fn v2() -> Self {
        Self::numbered(2, PRICES_V2, 100)
    }

    const fn numbered(version: u32, operators: &'static [u32], grow_element: u32) -> Self {
        Self {
            version,
            operators: Cow::Borrowed(operators),
            resident_pages: 32,
            dynamic: Dynamic {
                grow_page: 13_000,
                grow_far_page: 85_000,
                bulk_64_bytes: 18,
                table_element: 3,
                grow_element,
            },
            instance: InstancePrices {
                base: 3_700,
                memory: 2_400,
                page: 5_500,
                far_page: 86_000,
                data_64_bytes: 18,
                segment: 85,
                table: 750,
                table_element: 25,
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

    /// The same schedule with other prices of operators. `price` is given the name of an operator
    /// and its price.
    ///
    /// If a branch or call costs nothing, a guest can run forever without using gas.
    #[must_use]
    pub fn with_operators(self, price: impl Fn(&str, u32) -> u32) -> Self {
        let prices = self.operators().map(|(name, old)| price(name, old));
        let operators = prices.collect();
        Self { operators, ..self }
    }

    /// The price of an operator. `None` if no rules admit it.
    #[must_use]
    pub fn price(&self, operator: &Operator<'_>) -> Option<u32> {
        entry(operator).and_then(|(_, row)| self.prices().of(row))
    }

    /// The name and price of every operator, in table order.
    pub fn operators(&self) -> impl Iterator<Item = (&'static str, u32)> + '_ {
        OPERATORS
            .iter()
            .copied()
            .zip(self.operators.iter().copied())
    }

    /// Whether the schedule has a price for an operator.
    pub(crate) fn has_price(&self, row: Row) -> bool {
        self.prices().of(row).is_some()
    }

    pub(crate) fn prices(&self) -> Prices<'_> {
        Prices(&self.operators)
    }
}

/// The price of each operator, in table order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prices<'a>(&'a [u32]);

impl Prices<'_> {
    #[allow(
        clippy::as_conversions,
        reason = "the discriminant of a field-less enum with one variant for each row"
    )]
    pub(crate) fn of(self, row: Row) -> Option<u32> {
        self.0.get(row as usize).copied()
    }
}

/// The group of an operator. `None` if no rules admit it.
pub(crate) fn group(operator: &Operator<'_>) -> Option<Group> {
    entry(operator).map(|(group, _)| group)
}

#[cfg(test)]
mod tests;
