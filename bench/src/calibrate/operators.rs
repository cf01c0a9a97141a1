//! How each operator is repeated so that it can be measured.
//!
//! Operands are hot: in registers, in the first cache, or predicted. Where an operator takes longer
//! for some operands than for others, it gets those. What stands in a pattern beside the operator
//! is either free on every engine (`local.get`) or subtracted by its own time.

/// How often a pattern stands in the body of the loop: more than once, since it is chance what a
/// processor predicts of code that lies where it lies. The least time counts.
pub(super) const REPETITIONS: [u32; 3] = [64, 40, 51];

/// Pages of memory, unless told.
pub(super) const PAGES: u32 = 2;

/// The operator in a guest.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// One repetition; `guest.rs` says what it may name.
    code: String,
    /// Other operators in it, whose time is subtracted.
    pub(super) less: Vec<String>,
    /// How many operators that take about the same share the rest.
    pub(super) share: f64,
    pub(super) operands: Operands,
    /// The value of `$length`.
    pub(super) length: u32,
    /// Pages of memory. `$far` is in the middle.
    pub(super) pages: u32,
    /// How often it stands in the body of the loop.
    pub(super) repetitions: u32,
}

/// Which floats the chain begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operands {
    Ordinary,
    /// So small that some processors take long over them.
    Subnormal,
}

/// The cheap operators on integers, whose median is what one gas stands for, on each engine.
const CHEAP: &[&str] = &[
    "add", "sub", "and", "or", "xor", "shl", "shr", "rotl", "rotr",
];

/// Whether the operator is one of those whose median is the unit.
pub(super) fn is_cheap(name: &str) -> bool {
    let is_integer = name.starts_with('i');
    is_integer && CHEAP.contains(&family(name))
}

/// The family of an operator: those that do the same to other types, or to other signs and widths,
/// and have one price. Their times differ by little more than noise.
pub(super) fn family(name: &str) -> &str {
    let Some((value_type, operation)) = name.split_once('.') else {
        return name.trim_end_matches(" t");
    };
    match (value_type, operation) {
        ("local", "get" | "set") => "local",
        ("i32" | "i64", _) if operation.starts_with("div") || operation.starts_with("rem") => {
            name.trim_end_matches("_s").trim_end_matches("_u")
        }
        ("i32" | "i64", _) => operation
            .trim_end_matches("_s")
            .trim_end_matches("_u")
            .trim_end_matches(|digit: char| digit.is_ascii_digit()),
        ("f32", "store" | "load" | "const") => operation,
        ("f64", "store" | "load" | "const") => operation,
        _ => name,
    }
}

/// Operators that are nothing where the guest runs: they only say how it is nested.
pub(super) const STRUCTURE: &[&str] = &["nop", "block", "loop", "else", "end", "drop"];

/// Operators that end a run and so are not repeated, or that a pattern of another measures.
const UNMEASURED: &[&str] = &["unreachable", "else", "end"];

/// The ways to measure an operator, of which the slowest counts; none if it is not repeated. `None`
/// if it is not known.
pub(super) fn patterns(name: &str) -> Option<Vec<Pattern>> {
    if UNMEASURED.contains(&name) {
        return Some(Vec::new());
    }
    let pattern = by_name(name).or_else(|| by_family(name))?;
    let mut patterns = vec![pattern];
    if let Some(first) = patterns.first()
        && minds_subnormals(name)
    {
        patterns.push(Pattern {
            operands: Operands::Subnormal,
            ..first.clone()
        });
    }
    Some(patterns)
}

/// An operator without a length and with one, in so many pages.
pub(super) fn by_length(name: &str, length: u32, pages: u32) -> Option<[Pattern; 2]> {
    let pattern = by_name(name)?;
    // Where caches end, one is as long as many.
    let [few, ..] = REPETITIONS;
    let repetitions = if pages > PAGES { 1 } else { few };
    Some([0, length].map(|length| Pattern {
        length,
        pages,
        repetitions,
        ..pattern.clone()
    }))
}

impl Pattern {
    fn new(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            less: Vec::new(),
            share: 1.0,
            operands: Operands::Ordinary,
            length: 0,
            pages: PAGES,
            repetitions: 1,
        }
    }

    fn less(mut self, name: impl Into<String>) -> Self {
        self.less.push(name.into());
        self
    }

    fn shared_by_two(mut self) -> Self {
        self.share = 2.0;
        self
    }

    pub(super) fn repeated(mut self, repetitions: u32) -> Self {
        self.repetitions = repetitions;
        self
    }

    /// The code of the repetition with this number.
    pub(super) fn repetition(&self, number: u32) -> String {
        let code = self
            .code
            .replace("{k}", &(number % 4).to_string())
            .replace("{o}", &(number * 8).to_string());
        code + "\n"
    }
}

/// Operators that are unlike all others.
fn by_name(name: &str) -> Option<Pattern> {
    const ADD: &str = "(local.set $i32 (i32.add (local.get $i32) (local.get $i32_{k})))";
    let added = |code: &str| {
        Pattern::new(format!(
            "(local.set $i32 (i32.add (local.get $i32) {code}))"
        ))
        .less("i32.add")
    };
    Some(match name {
        "nop" => Pattern::new("nop"),
        "block" => Pattern::new(format!("(block {ADD})")).less("i32.add"),
        "loop" => Pattern::new(format!("(loop {ADD})")).less("i32.add"),
        "drop" => Pattern::new("(drop (local.get $i32_{k}))"),
        "if" => Pattern::new(format!("(if (local.get $one) (then {ADD}))")).less("i32.add"),
        "br" => Pattern::new(format!("(block {ADD} (br 0))")).less("i32.add"),
        "br_if" => {
            Pattern::new(format!("(block (br_if 0 (local.get $zero)) {ADD})")).less("i32.add")
        }
        "br_table" => Pattern::new(format!(
            "(block (block (br_table 0 1 0 1 (local.get $zero))) {ADD})"
        ))
        .less("i32.add"),
        "return" => {
            Pattern::new("(local.set $i32 (call $returning (local.get $i32)))").less("call")
        }
        "call" => Pattern::new("(local.set $i32 (call $identity (local.get $i32)))"),
        "call_indirect" => Pattern::new(
            "(local.set $i32 (call_indirect (type $unary) (local.get $i32) (local.get $zero)))",
        ),
        "select" => Pattern::new(
            "(local.set $i32 (select (local.get $i32_{k}) (local.get $one) (local.get $i32)))",
        ),
        "select t" => Pattern::new(
            "(local.set $i32 (select (result i32) (local.get $i32_{k}) (local.get $one) (local.get $i32)))",
        ),
        "local.get" | "local.set" => Pattern::new("(local.set $i32 (local.get $i32_{k}))"),
        "local.tee" => {
            Pattern::new("(local.set $i32 (local.tee $i32_{k} (local.get $i32)))").less("local.set")
        }
        "global.get" => Pattern::new(
            "(global.set $one (local.get $one))
             (local.set $i64 (i64.add (local.get $i64) (global.get $global)))",
        )
        .less("global.set")
        .less("i64.add"),
        "global.set" => Pattern::new("(global.set $global (local.get $i64_{k}))"),
        "memory.size" => added("(memory.size)"),
        "memory.grow" => added("(memory.grow (local.get $zero))"),
        "i32.const" => Pattern::new("(local.set $i32 (i32.const {o}))"),
        "i64.const" => Pattern::new("(local.set $i64 (i64.const {o}))"),
        "f32.const" => Pattern::new("(local.set $f32 (f32.const {o}))"),
        "f64.const" => Pattern::new("(local.set $f64 (f64.const {o}))"),
        "ref.null" => added("(ref.is_null (ref.null func))"),
        "ref.is_null" => added("(ref.is_null (local.get $ref))"),
        "ref.func" => added("(ref.is_null (ref.func $identity))").less("ref.is_null"),
        "memory.init" => Pattern::new(
            "(memory.init $data (local.get $zero) (local.get $zero) (local.get $length))",
        ),
        "data.drop" => Pattern::new("(data.drop $dropped)"),
        "memory.copy" => {
            Pattern::new("(memory.copy (local.get $zero) (local.get $far) (local.get $length))")
        }
        "memory.fill" => {
            Pattern::new("(memory.fill (local.get $zero) (local.get $i32_{k}) (local.get $length))")
        }
        "table.init" => Pattern::new(
            "(table.init $table $functions (local.get $zero) (local.get $zero) (local.get $length))",
        ),
        "elem.drop" => Pattern::new("(elem.drop $none)"),
        "table.copy" => Pattern::new(
            "(table.copy $table $table (local.get $zero) (local.get $zero) (local.get $length))",
        ),
        "table.fill" => Pattern::new(
            "(table.fill $table (local.get $zero) (local.get $ref) (local.get $length))",
        ),
        "table.grow" => added("(table.grow $table (local.get $ref) (local.get $zero))"),
        "table.get" => {
            added("(ref.is_null (table.get $table (local.get $zero)))").less("ref.is_null")
        }
        "table.set" => Pattern::new("(table.set $table (local.get $zero) (local.get $ref))"),
        "table.size" => added("(table.size $table)"),
        _ => return None,
    })
}

/// Operators that are like others of their family: `TYPE.OPERATION`.
fn by_family(name: &str) -> Option<Pattern> {
    let (value_type, operation) = name.split_once('.')?;
    match value_type {
        "i32" | "i64" => integer(name, value_type, operation),
        "f32" | "f64" => float(name, value_type, operation),
        _ => None,
    }
}

fn integer(name: &str, value_type: &str, operation: &str) -> Option<Pattern> {
    let chain = format!("(local.get ${value_type})");
    let operand = format!("(local.get ${value_type}_{{k}})");
    let set = |value: String| format!("(local.set ${value_type} {value})");
    let then = |other: &str, value: String| {
        let other = format!("{value_type}.{other}");
        Pattern::new(set(format!("({other} {value} {operand})"))).less(other)
    };
    // What comes of a rotation depends on all bits, so that no compiler computes with fewer.
    let rotated = |value: String| then("rotl", value);
    let xored = |value: String| then("xor", value);
    Some(match operation {
        "add128" | "sub128" => Pattern::new(set(format!(
            "(i64.xor ({name} {chain} {operand} {operand} {chain}))"
        )))
        .less("i64.xor"),
        "mul_wide_s" | "mul_wide_u" => {
            Pattern::new(set(format!("(i64.xor ({name} {chain} {operand}))"))).less("i64.xor")
        }
        "add" | "sub" | "mul" | "and" | "or" | "xor" | "shl" | "shr_s" | "shr_u" => {
            Pattern::new(set(format!("({name} {chain} {operand})")))
        }
        // Two rotations are one for a compiler.
        "rotl" | "rotr" => xored(format!("({name} {chain} {operand})")),
        // The quotient is long: the dividend is large, and the divisor is small.
        "div_s" | "div_u" | "rem_s" | "rem_u" => Pattern::new(set(format!(
            "({name} ({value_type}.xor {chain} {operand}) (local.get $small_{value_type}))"
        )))
        .less(format!("{value_type}.xor")),
        "clz" | "ctz" | "popcnt" | "extend8_s" | "extend16_s" | "extend32_s" => {
            rotated(format!("({name} {chain})"))
        }
        "eqz" | "eq" | "ne" | "lt_s" | "lt_u" | "gt_s" | "gt_u" | "le_s" | "le_u" | "ge_s" | "ge_u" => {
            let operands = match operation {
                "eqz" => chain,
                _ => format!("{chain} {operand}"),
            };
            match value_type {
                "i32" => xored(format!("({name} {operands})")),
                _ => xored(format!("(i64.extend_i32_u ({name} {operands}))")).less("i64.extend_i32_u"),
            }
        }
        "wrap_i64" | "extend_i32_u" => Pattern::new(
            "(local.set $i64 (i64.rotl (i64.extend_i32_u (i32.wrap_i64 (local.get $i64))) (local.get $i64_{k})))",
        )
        .less("i64.rotl")
        .shared_by_two(),
        "extend_i32_s" => {
            rotated("(i64.extend_i32_s (i32.wrap_i64 (local.get $i64)))".into()).less("i32.wrap_i64")
        }
        "reinterpret_f32" | "reinterpret_f64" => reinterpretation(value_type),
        _ if operation.starts_with("trunc") => truncation(name, value_type, operation)?,
        _ if operation.starts_with("load") => match value_type {
            "i32" => Pattern::new(set(format!("({name} (local.get $i32))"))),
            _ => Pattern::new(format!(
                "(local.set $i32 (i32.wrap_i64 ({name} (local.get $i32))))"
            ))
            .less("i32.wrap_i64"),
        },
        _ if operation.starts_with("store") => {
            Pattern::new(format!("({name} offset={{o}} (local.get $i32) {operand})"))
        }
        _ => return None,
    })
}

fn float(name: &str, value_type: &str, operation: &str) -> Option<Pattern> {
    let chain = format!("(local.get ${value_type})");
    let operand = format!("(local.get ${value_type}_{{k}})");
    let set = |value: &str| format!("(local.set ${value_type} {value})");
    // Metered code replaces a NaN that an operator may make.
    let canonical = |value: &str| {
        format!(
            "{} {}",
            set(value),
            set(&format!(
                "(select {chain} ({value_type}.const nan) ({value_type}.eq {chain} {chain}))"
            ))
        )
    };
    let then_subtracted = |code: String| {
        let subtract = canonical(&format!("({value_type}.sub {chain} {operand})"));
        Pattern::new(format!("{code} {subtract}")).less(format!("{value_type}.sub"))
    };
    Some(match operation {
        "add" | "sub" | "mul" | "div" | "min" | "max" => {
            Pattern::new(canonical(&format!("({name} {chain} {operand})")))
        }
        "ceil" | "floor" | "trunc" | "nearest" => {
            Pattern::new(canonical(&format!("({name} {chain})")))
        }
        "sqrt" => then_subtracted(canonical(&format!("({name} {chain})"))),
        "abs" | "neg" => then_subtracted(set(&format!("({name} {chain})"))),
        "copysign" => Pattern::new(set(&format!("({name} {operand} {chain})"))),
        // A comparison alone is no chain; one that selects is.
        "eq" | "ne" | "lt" | "gt" | "le" | "ge" => Pattern::new(set(&format!(
            "(select {operand} {chain} ({name} {chain} {operand}))"
        ))),
        "demote_f64" | "promote_f32" => {
            let canonical = canonical(match value_type {
                "f32" => "(f32.demote_f64 (f64.promote_f32 (local.get $f32)))",
                _ => "(f64.promote_f32 (f32.demote_f64 (local.get $f64)))",
            });
            Pattern::new(canonical).shared_by_two()
        }
        "reinterpret_i32" | "reinterpret_i64" => reinterpretation(value_type),
        "load" => match value_type {
            "f32" => {
                Pattern::new("(local.set $i32 (i32.reinterpret_f32 (f32.load (local.get $i32))))")
                    .less("i32.reinterpret_f32")
            }
            _ => Pattern::new(
                "(local.set $i32 (i32.wrap_i64 (i64.reinterpret_f64 (f64.load (local.get $i32)))))",
            )
            .less("i32.wrap_i64")
            .less("i64.reinterpret_f64"),
        },
        "store" => Pattern::new(format!("({name} offset={{o}} (local.get $i32) {operand})")),
        _ => {
            let integer = operation.strip_prefix("convert_")?;
            conversion(integer.get(..3)?, value_type, integer.get(4..)?)
        }
    })
}

/// There and back: each is taken to cost what both do, since neither makes a chain alone.
fn conversion(integer: &str, float: &str, sign: &str) -> Pattern {
    let truncation = format!("{integer}.trunc_{float}_{sign}");
    there_and_back(&truncation, integer, float, sign)
}

fn truncation(name: &str, integer: &str, operation: &str) -> Option<Pattern> {
    let mut words = operation.split('_').rev();
    let (sign, float) = (words.next()?, words.next()?);
    Some(there_and_back(name, integer, float, sign))
}

fn there_and_back(truncation: &str, integer: &str, float: &str, sign: &str) -> Pattern {
    Pattern::new(format!(
        "(local.set ${float} ({float}.convert_{integer}_{sign} ({truncation} (local.get ${float}))))"
    ))
}

fn reinterpretation(value_type: &str) -> Pattern {
    let (integer, float) = match value_type {
        "i32" | "f32" => ("i32", "f32"),
        _ => ("i64", "f64"),
    };
    Pattern::new(format!(
        "(local.set ${float} ({float}.reinterpret_{integer} ({integer}.xor
            ({integer}.reinterpret_{float} (local.get ${float})) (local.get ${integer}_{{k}}))))"
    ))
    .less(format!("{integer}.xor"))
    .shared_by_two()
}

/// Whether some processors take longer where a number is subnormal.
fn minds_subnormals(name: &str) -> bool {
    matches!(
        name,
        "f32.mul" | "f32.div" | "f64.mul" | "f64.div" | "f32.demote_f64" | "f64.promote_f32"
    )
}
