//! The gas schedule: what each operator costs.
//!
//! The table is also the list of the operators that can be admitted: one that is not in it has no
//! price, and a program that uses it is refused. Those of a [`Group`] are admitted where the rules say
//! so. Version 1 is provisional: its prices follow the operators' rough cost in compiled code, and
//! are to be replaced by measured ones.

use wasmparser::Operator;

/// What the operators of a program cost, in gas. Each version is final once a chain runs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The version.
    pub version: u32,
    /// The price of each operator, in the order of the table.
    operators: &'static [u32],
    /// What the operators cost whose work depends on an operand, beside their price in the table.
    pub dynamic: Dynamic,
    /// What making an instance costs.
    pub instance: InstancePrices,
    /// How much stack a function's frame takes.
    pub frame: FrameSize,
}

/// Prices of the operators whose work depends on an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dynamic {
    /// A page asked for by `memory.grow`.
    pub grow_page: u32,
    /// Each 64 bytes, or part of them, that `memory.fill`, `memory.copy` and `memory.init` name.
    pub bulk_64_bytes: u32,
    /// Each element that `table.fill`, `table.copy` and `table.init` name.
    pub table_element: u32,
}

/// Prices of making an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstancePrices {
    /// Any instance.
    pub base: u32,
    /// A page of initial memory.
    pub page: u32,
    /// Each 64 bytes, or part of them, in data segments.
    pub data_64_bytes: u32,
    /// An element of a table or an element segment.
    pub table_element: u32,
}

/// The stack that a function's frame is taken to need, in bytes: an agreed number, the same for
/// every engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSize {
    /// Any frame.
    pub base: u32,
    /// Each parameter, local and operand at the height of the function's operand stack.
    pub slot: u32,
    /// Each eight operators in the function's body, or part of them: a compiler may keep what one operator computed
    /// for a later one, in a loop or around a call.
    pub eight_operators: u32,
}

impl FrameSize {
    /// A frame's bytes, rounded up to [`STACK_UNIT_BYTES`].
    pub(crate) fn bytes(self, slots: u64, operators: u64) -> u64 {
        let of = |size: u32, count: u64| u64::from(size).saturating_mul(count);
        u64::from(self.base)
            .saturating_add(of(self.slot, slots))
            .saturating_add(of(self.eight_operators, operators.div_ceil(8)))
            .checked_next_multiple_of(STACK_UNIT_BYTES)
            .unwrap_or(u64::MAX)
    }
}

/// What heights of the stack are multiples of.
pub const STACK_UNIT_BYTES: u64 = 8;

/// Operators that are admitted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// All rules admit them.
    Base,
    /// Floating point; what canonicalising a NaN costs is in the prices.
    Floats,
}

macro_rules! operators {
    ($([$group:ident] $($variant:ident $name:literal $v1:literal,)*)*) => {
        /// The operators that have a price, by their names in the text format.
        pub const OPERATORS: &[&str] = &[$($($name),*),*];

        const PRICES_V1: &[u32] = &[$($($v1),*),*];

        enum Row { $($($variant),*),* }

        fn row(operator: &Operator<'_>) -> Option<(Group, Row)> {
            match operator {
                $($(Operator::$variant { .. } => Some((Group::$group, Row::$variant)),)*)*
                _ => None,
            }
        }
    };
}

operators! {
    // operator, name, price in version 1
    [Base]
    Unreachable   "unreachable"           1,
    Nop           "nop"                   0,
    Block         "block"                 0,
    Loop          "loop"                  0,
    If            "if"                    1,
    Else          "else"                  0,
    End           "end"                   0,
    Br            "br"                    1,
    BrIf          "br_if"                 1,
    BrTable       "br_table"              3,
    Return        "return"                1,
    Call          "call"                  4,
    CallIndirect  "call_indirect"         8,
    Drop          "drop"                  0,
    Select        "select"                1,
    TypedSelect   "select t"              1,
    LocalGet      "local.get"             1,
    LocalSet      "local.set"             1,
    LocalTee      "local.tee"             1,
    GlobalGet     "global.get"            1,
    GlobalSet     "global.set"            1,
    I32Load       "i32.load"              2,
    I32Load8S     "i32.load8_s"           2,
    I32Load8U     "i32.load8_u"           2,
    I32Load16S    "i32.load16_s"          2,
    I32Load16U    "i32.load16_u"          2,
    I64Load       "i64.load"              2,
    I64Load8S     "i64.load8_s"           2,
    I64Load8U     "i64.load8_u"           2,
    I64Load16S    "i64.load16_s"          2,
    I64Load16U    "i64.load16_u"          2,
    I64Load32S    "i64.load32_s"          2,
    I64Load32U    "i64.load32_u"          2,
    I32Store      "i32.store"             2,
    I32Store8     "i32.store8"            2,
    I32Store16    "i32.store16"           2,
    I64Store      "i64.store"             2,
    I64Store8     "i64.store8"            2,
    I64Store16    "i64.store16"           2,
    I64Store32    "i64.store32"           2,
    MemorySize    "memory.size"           2,
    MemoryGrow    "memory.grow"         100,
    I32Const      "i32.const"             1,
    I64Const      "i64.const"             1,
    RefNull       "ref.null"              1,
    RefIsNull     "ref.is_null"           1,
    RefFunc       "ref.func"              4,
    I32Eqz        "i32.eqz"               1,
    I32Eq         "i32.eq"                1,
    I32Ne         "i32.ne"                1,
    I32LtS        "i32.lt_s"              1,
    I32LtU        "i32.lt_u"              1,
    I32GtS        "i32.gt_s"              1,
    I32GtU        "i32.gt_u"              1,
    I32LeS        "i32.le_s"              1,
    I32LeU        "i32.le_u"              1,
    I32GeS        "i32.ge_s"              1,
    I32GeU        "i32.ge_u"              1,
    I64Eqz        "i64.eqz"               1,
    I64Eq         "i64.eq"                1,
    I64Ne         "i64.ne"                1,
    I64LtS        "i64.lt_s"              1,
    I64LtU        "i64.lt_u"              1,
    I64GtS        "i64.gt_s"              1,
    I64GtU        "i64.gt_u"              1,
    I64LeS        "i64.le_s"              1,
    I64LeU        "i64.le_u"              1,
    I64GeS        "i64.ge_s"              1,
    I64GeU        "i64.ge_u"              1,
    I32Clz        "i32.clz"               1,
    I32Ctz        "i32.ctz"               1,
    I32Popcnt     "i32.popcnt"            1,
    I32Add        "i32.add"               1,
    I32Sub        "i32.sub"               1,
    I32Mul        "i32.mul"               2,
    I32DivS       "i32.div_s"            10,
    I32DivU       "i32.div_u"            10,
    I32RemS       "i32.rem_s"            10,
    I32RemU       "i32.rem_u"            10,
    I32And        "i32.and"               1,
    I32Or         "i32.or"                1,
    I32Xor        "i32.xor"               1,
    I32Shl        "i32.shl"               1,
    I32ShrS       "i32.shr_s"             1,
    I32ShrU       "i32.shr_u"             1,
    I32Rotl       "i32.rotl"              1,
    I32Rotr       "i32.rotr"              1,
    I64Clz        "i64.clz"               1,
    I64Ctz        "i64.ctz"               1,
    I64Popcnt     "i64.popcnt"            1,
    I64Add        "i64.add"               1,
    I64Sub        "i64.sub"               1,
    I64Mul        "i64.mul"               2,
    I64DivS       "i64.div_s"            10,
    I64DivU       "i64.div_u"            10,
    I64RemS       "i64.rem_s"            10,
    I64RemU       "i64.rem_u"            10,
    I64And        "i64.and"               1,
    I64Or         "i64.or"                1,
    I64Xor        "i64.xor"               1,
    I64Shl        "i64.shl"               1,
    I64ShrS       "i64.shr_s"             1,
    I64ShrU       "i64.shr_u"             1,
    I64Rotl       "i64.rotl"              1,
    I64Rotr       "i64.rotr"              1,
    I32WrapI64    "i32.wrap_i64"          1,
    I64ExtendI32S "i64.extend_i32_s"      1,
    I64ExtendI32U "i64.extend_i32_u"      1,
    I32Extend8S   "i32.extend8_s"         1,
    I32Extend16S  "i32.extend16_s"        1,
    I64Extend8S   "i64.extend8_s"         1,
    I64Extend16S  "i64.extend16_s"        1,
    I64Extend32S  "i64.extend32_s"        1,
    MemoryInit    "memory.init"          20,
    DataDrop      "data.drop"             5,
    MemoryCopy    "memory.copy"          20,
    MemoryFill    "memory.fill"          20,
    TableInit     "table.init"           20,
    ElemDrop      "elem.drop"             5,
    TableCopy     "table.copy"           20,
    TableFill     "table.fill"           20,
    TableGet      "table.get"             4,
    TableSet      "table.set"             4,
    TableSize     "table.size"            2,

    [Floats]
    F32Load           "f32.load"               2,
    F64Load           "f64.load"               2,
    F32Store          "f32.store"              2,
    F64Store          "f64.store"              2,
    F32Const          "f32.const"              1,
    F64Const          "f64.const"              1,
    F32Eq             "f32.eq"                 2,
    F32Ne             "f32.ne"                 2,
    F32Lt             "f32.lt"                 2,
    F32Gt             "f32.gt"                 2,
    F32Le             "f32.le"                 2,
    F32Ge             "f32.ge"                 2,
    F64Eq             "f64.eq"                 2,
    F64Ne             "f64.ne"                 2,
    F64Lt             "f64.lt"                 2,
    F64Gt             "f64.gt"                 2,
    F64Le             "f64.le"                 2,
    F64Ge             "f64.ge"                 2,
    F32Abs            "f32.abs"                1,
    F32Neg            "f32.neg"                1,
    F32Ceil           "f32.ceil"               6,
    F32Floor          "f32.floor"              6,
    F32Trunc          "f32.trunc"              6,
    F32Nearest        "f32.nearest"            6,
    F32Sqrt           "f32.sqrt"              20,
    F32Add            "f32.add"                5,
    F32Sub            "f32.sub"                5,
    F32Mul            "f32.mul"                5,
    F32Div            "f32.div"               15,
    F32Min            "f32.min"                8,
    F32Max            "f32.max"                8,
    F32Copysign       "f32.copysign"           3,
    F64Abs            "f64.abs"                1,
    F64Neg            "f64.neg"                1,
    F64Ceil           "f64.ceil"               6,
    F64Floor          "f64.floor"              6,
    F64Trunc          "f64.trunc"              6,
    F64Nearest        "f64.nearest"            6,
    F64Sqrt           "f64.sqrt"              20,
    F64Add            "f64.add"                5,
    F64Sub            "f64.sub"                5,
    F64Mul            "f64.mul"                5,
    F64Div            "f64.div"               15,
    F64Min            "f64.min"                8,
    F64Max            "f64.max"                8,
    F64Copysign       "f64.copysign"           3,
    I32TruncF32S      "i32.trunc_f32_s"        6,
    I32TruncF32U      "i32.trunc_f32_u"        6,
    I32TruncF64S      "i32.trunc_f64_s"        6,
    I32TruncF64U      "i32.trunc_f64_u"        6,
    I64TruncF32S      "i64.trunc_f32_s"        6,
    I64TruncF32U      "i64.trunc_f32_u"        6,
    I64TruncF64S      "i64.trunc_f64_s"        6,
    I64TruncF64U      "i64.trunc_f64_u"        6,
    F32ConvertI32S    "f32.convert_i32_s"      3,
    F32ConvertI32U    "f32.convert_i32_u"      3,
    F32ConvertI64S    "f32.convert_i64_s"      3,
    F32ConvertI64U    "f32.convert_i64_u"      3,
    F64ConvertI32S    "f64.convert_i32_s"      3,
    F64ConvertI32U    "f64.convert_i32_u"      3,
    F64ConvertI64S    "f64.convert_i64_s"      3,
    F64ConvertI64U    "f64.convert_i64_u"      3,
    F32DemoteF64      "f32.demote_f64"         5,
    F64PromoteF32     "f64.promote_f32"        5,
    I32ReinterpretF32 "i32.reinterpret_f32"    1,
    I64ReinterpretF64 "i64.reinterpret_f64"    1,
    F32ReinterpretI32 "f32.reinterpret_i32"    1,
    F64ReinterpretI64 "f64.reinterpret_i64"    1,
    I32TruncSatF32S   "i32.trunc_sat_f32_s"    6,
    I32TruncSatF32U   "i32.trunc_sat_f32_u"    6,
    I32TruncSatF64S   "i32.trunc_sat_f64_s"    6,
    I32TruncSatF64U   "i32.trunc_sat_f64_u"    6,
    I64TruncSatF32S   "i64.trunc_sat_f32_s"    6,
    I64TruncSatF32U   "i64.trunc_sat_f32_u"    6,
    I64TruncSatF64S   "i64.trunc_sat_f64_s"    6,
    I64TruncSatF64U   "i64.trunc_sat_f64_u"    6,
}

impl Schedule {
    /// Version 1.
    #[must_use]
    pub const fn v1() -> Self {
        Self {
            version: 1,
            operators: PRICES_V1,
            dynamic: Dynamic {
                grow_page: 1_000,
                bulk_64_bytes: 8,
                table_element: 4,
            },
            instance: InstancePrices {
                base: 2_000,
                page: 1_000,
                data_64_bytes: 8,
                table_element: 4,
            },
            frame: FrameSize {
                base: 64,
                slot: 8,
                eight_operators: 4,
            },
        }
    }

    /// The price of an operator; `None` if no rules admit it.
    #[must_use]
    pub fn price(&self, operator: &Operator<'_>) -> Option<u32> {
        row(operator).and_then(|(_, row)| self.price_of_row(row))
    }

    /// Every operator's name and price, in the order of the table.
    pub fn operators(&self) -> impl Iterator<Item = (&'static str, u32)> + '_ {
        OPERATORS
            .iter()
            .copied()
            .zip(self.operators.iter().copied())
    }

    #[allow(
        clippy::as_conversions,
        reason = "a discriminant that the table made, fewer than the table has rows"
    )]
    fn price_of_row(&self, row: Row) -> Option<u32> {
        self.operators.get(row as usize).copied()
    }
}

/// The group of an operator; `None` if no rules admit it.
pub(crate) fn group(operator: &Operator<'_>) -> Option<Group> {
    row(operator).map(|(group, _)| group)
}

#[cfg(test)]
mod tests;
