//! Guests that repeat one operator, and what each repetition takes.
//!
//! A guest is a loop whose body is a pattern, many times over. The patterns use these variables,
//! whose values no compiler knows:
//!
//! | | |
//! |---|---|
//! | `$i32`, `$i64`, `$f32`, `$f64` | a chain: each repetition takes what the one before made |
//! | `$i32_{k}`, and so on | four operands, by turns: no repetition is the one before |
//! | `$zero`, `$one`, `$far`, `$length` | an `i32` each |
//! | `$small_i32`, `$small_i64` | a small divisor |
//! | `$ref` | a function |
//! | `{o}` | an offset that is different in each repetition |

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use fusee::sandbox::Schedule;

use super::{
    ENGINES, Item, Kind, PerEngine, each_engine,
    operators::{Operands, PAGES, Pattern, REPETITIONS, STRUCTURE, by_length, patterns},
    probe::Probe,
};

/// Elements of the table and of the element segment.
const ELEMENTS: u32 = 1_024;

/// Bytes of the data segment.
const DATA_BYTES: usize = 16_384;

/// Bytes that no cache near the processor holds, and pages for twice as many.
const BEYOND_CACHES: u32 = 16 << 20;
const MANY_PAGES: u32 = 512;

/// Rounds of the loop in one call: wasmi 2.0.0 takes native stack for each `memory.grow` until it
/// returns, which metered programs therefore leave to the host.
const ROUNDS_OF_A_CALL: i32 = 256;

/// Every operator of the schedule, repeated.
#[derive(Debug)]
pub(super) struct Operators {
    empty: PerEngine<Probe>,
    operators: BTreeMap<&'static str, Vec<Repeated>>,
    lengths: Vec<Length>,
}

#[derive(Debug)]
struct Repeated {
    pattern: Pattern,
    /// How often it stands in a guest's loop, and that guest.
    variants: Vec<(u32, PerEngine<Probe>)>,
}

/// A price for each unit of a length, by one of the operators that have it.
#[derive(Debug)]
struct Length {
    name: &'static str,
    operator: &'static str,
    now: u32,
    /// Units between the two.
    units: u32,
    repetitions: u32,
    without: PerEngine<Probe>,
    with: PerEngine<Probe>,
}

impl Repeated {
    fn new(pattern: Pattern) -> Result<Self> {
        let variants = REPETITIONS.iter().map(|repetitions| {
            let pattern = pattern.clone().repeated(*repetitions);
            Ok((*repetitions, probes(Some(&pattern))?))
        });
        Ok(Self {
            variants: variants.collect::<Result<_>>()?,
            pattern,
        })
    }
}

impl Operators {
    pub(super) fn new() -> Result<Self> {
        let mut operators = BTreeMap::new();
        for (name, _) in Schedule::v2().operators() {
            let patterns = patterns(name)
                .with_context(|| format!("nobody said how to repeat {name}"))?
                .into_iter()
                .map(|pattern| Repeated::new(pattern).with_context(|| name))
                .collect::<Result<_>>()?;
            operators.insert(name, patterns);
        }
        Ok(Self {
            empty: probes(None)?,
            operators,
            lengths: lengths()?,
        })
    }

    pub(super) fn probes(&mut self) -> impl Iterator<Item = &mut Probe> {
        let operators = self.operators.values_mut().flatten();
        let lengths = self.lengths.iter_mut();
        self.empty
            .iter_mut()
            .chain(
                operators
                    .flat_map(|repeated| &mut repeated.variants)
                    .flat_map(|(_, probes)| probes),
            )
            .chain(lengths.flat_map(|length| length.without.iter_mut().chain(&mut length.with)))
    }

    pub(super) fn items(&self) -> Result<Vec<Item>> {
        let schedule = Schedule::v2();
        let operators = schedule.operators().map(|(name, now)| {
            Ok(Item {
                kind: Kind::Operator,
                name: name.to_owned(),
                remark: String::new(),
                now: now.into(),
                least: u64::from(!STRUCTURE.contains(&name)),
                price: now.into(),
                time: self.time(name)?,
            })
        });
        let lengths = self.lengths.iter().map(|length| {
            let time = each_engine(|engine| {
                let with = Probe::of(&length.with, engine);
                let without = Probe::of(&length.without, engine);
                (with - without) / f64::from(length.repetitions) / f64::from(length.units)
            });
            Ok(Item {
                kind: Kind::Length,
                name: length.name.to_owned(),
                remark: match length.repetitions {
                    1 => format!("{}, beyond the caches", length.operator),
                    _ => length.operator.to_owned(),
                },
                now: length.now.into(),
                least: 1,
                price: length.now.into(),
                time,
            })
        });
        operators.chain(lengths).collect()
    }

    /// The nanoseconds that an operator takes; not a number if it is not measured.
    fn time(&self, name: &str) -> Result<PerEngine<f64>> {
        let repeated = self
            .operators
            .get(name)
            .with_context(|| format!("a pattern subtracts {name}, which is not in the schedule"))?;
        let mut slowest = [f64::NAN; 2];
        for Repeated { pattern, variants } in repeated {
            let mut others = [0.0; 2];
            for other in &pattern.less {
                for (sum, time) in others.iter_mut().zip(self.time(other)?) {
                    *sum += time;
                }
            }
            let time = each_engine(|engine| {
                let others = super::of(&others, engine);
                let empty = Probe::of(&self.empty, engine);
                let variants = variants.iter().map(|(repetitions, probes)| {
                    let all = Probe::of(probes, engine) - empty;
                    ((all / f64::from(*repetitions) - others) / pattern.share).max(0.0)
                });
                variants.fold(f64::NAN, f64::min)
            });
            for (slowest, time) in slowest.iter_mut().zip(time) {
                *slowest = slowest.max(time);
            }
        }
        Ok(slowest)
    }
}

/// One of each field of `Dynamic` and each operator that it is the price of; but for pages, whose
/// price is what it takes to use them.
fn lengths() -> Result<Vec<Length>> {
    let prices = Schedule::v2().dynamic;
    let data = u32::try_from(DATA_BYTES)?;
    let (bulk, table) = (prices.bulk_64_bytes, prices.table_element);
    [
        ("bulk_64_bytes", bulk, "memory.fill", data, 64, PAGES),
        ("bulk_64_bytes", bulk, "memory.copy", data, 64, PAGES),
        ("bulk_64_bytes", bulk, "memory.init", data, 64, PAGES),
        (
            "bulk_64_bytes",
            bulk,
            "memory.fill",
            BEYOND_CACHES,
            64,
            MANY_PAGES,
        ),
        (
            "bulk_64_bytes",
            bulk,
            "memory.copy",
            BEYOND_CACHES,
            64,
            MANY_PAGES,
        ),
        ("table_element", table, "table.fill", ELEMENTS, 1, PAGES),
        ("table_element", table, "table.copy", ELEMENTS, 1, PAGES),
        ("table_element", table, "table.init", ELEMENTS, 1, PAGES),
    ]
    .into_iter()
    .map(|(name, now, operator, length, unit, pages)| {
        let [without, with] = by_length(operator, length, pages)
            .with_context(|| format!("nobody said how to repeat {operator}"))?;
        Ok(Length {
            name,
            operator,
            now,
            units: length / unit,
            repetitions: with.repetitions,
            without: probes(Some(&without))?,
            with: probes(Some(&with))?,
        })
    })
    .collect()
}

fn probes(pattern: Option<&Pattern>) -> Result<PerEngine<Probe>> {
    let wasm = guest(pattern)?;
    let [wasmtime, wasmi] = ENGINES.map(|engine| {
        let mut contender = (engine.bare)(&wasm)?;
        Probe::new(move |times| {
            let mut left = times;
            while left > 0 {
                contender(left.min(ROUNDS_OF_A_CALL))?;
                left -= ROUNDS_OF_A_CALL;
            }
            Ok(())
        })
    });
    Ok([wasmtime?, wasmi?])
}

/// A guest of the pattern; with none, of the empty loop.
fn guest(pattern: Option<&Pattern>) -> Result<Vec<u8>> {
    let (operands, length, pages, repetitions) =
        pattern.map_or((Operands::Ordinary, 0, PAGES, 0), |pattern| {
            (
                pattern.operands,
                pattern.length,
                pattern.pages,
                pattern.repetitions,
            )
        });
    let far = pages / 2 * 65_536;
    let body: String = (0..repetitions)
        .filter_map(|number| Some(pattern?.repetition(number)))
        .collect();
    let (f32_first, f64_first) = match operands {
        Operands::Ordinary => ("0x1.8p0", "0x1.8p0"),
        Operands::Subnormal => ("0x1.8p-130", "0x1.8p-1030"),
    };
    let functions = " $identity".repeat(usize::try_from(ELEMENTS)?);
    let data = "a".repeat(DATA_BYTES);
    let text = format!(
        r#"(module
  (type $unary (func (param i32) (result i32)))
  (memory {pages})
  (data $data "{data}")
  (data $dropped "")
  (table $table {ELEMENTS} {ELEMENTS} funcref)
  (elem (table $table) (i32.const 0) func{functions})
  (elem $functions func{functions})
  (elem $none func)
  (global $global (mut i64) (i64.const 5))
  (global $first_i32 (mut i32) (i32.const 0))
  (global $first_i64 (mut i64) (i64.const 0))
  (global $first_f32 (mut f32) (f32.const {f32_first}))
  (global $first_f64 (mut f64) (f64.const {f64_first}))
  {globals}
  (global $zero (mut i32) (i32.const 0))
  (global $one (mut i32) (i32.const 1))
  (global $far (mut i32) (i32.const {far}))
  (global $length (mut i32) (i32.const {length}))
  (global $small_i32 (mut i32) (i32.const 5))
  (global $small_i64 (mut i64) (i64.const 5))
  (func $identity (type $unary) (local.get 0))
  (func $returning (type $unary) (return (local.get 0)))
  (func (export "run") (param $n i32) (result i64)
    (local $i32 i32) (local $i64 i64) (local $f32 f32) (local $f64 f64)
    {locals}
    (local $zero i32) (local $one i32) (local $far i32) (local $length i32) (local $ref funcref)
    (local $small_i32 i32) (local $small_i64 i64)
    (local.set $i32 (global.get $first_i32))
    (local.set $i64 (global.get $first_i64))
    (local.set $f32 (global.get $first_f32))
    (local.set $f64 (global.get $first_f64))
    {sets}
    (local.set $zero (global.get $zero))
    (local.set $one (global.get $one))
    (local.set $far (global.get $far))
    (local.set $length (global.get $length))
    (local.set $small_i32 (global.get $small_i32))
    (local.set $small_i64 (global.get $small_i64))
    (local.set $ref (table.get $table (local.get $zero)))
    (loop $again
      {body}
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.add
      (i64.add (i64.extend_i32_u (local.get $i32)) (local.get $i64))
      (i64.add
        (i64.extend_i32_u (i32.reinterpret_f32 (local.get $f32)))
        (i64.reinterpret_f64 (local.get $f64))))))"#,
        globals = each_operand(|name, value_type, value| {
            format!("(global ${name} (mut {value_type}) ({value_type}.const {value}))")
        }),
        locals = each_operand(|name, value_type, _| format!("(local ${name} {value_type})")),
        sets = each_operand(|name, _, _| format!("(local.set ${name} (global.get ${name}))")),
    );
    Ok(wat::parse_str(text)?)
}

/// Large integers whose bits follow no pattern, and floats so near to one that products stay near
/// too.
const OPERANDS: &[(&str, [&str; 4])] = &[
    (
        "i32",
        ["0x9e3779b1", "0xc2b2ae35", "0x85ebca6b", "0xa54ff53b"],
    ),
    (
        "i64",
        [
            "0x9e3779b97f4a7c15",
            "0xc2b2ae3d27d4eb4f",
            "0x94d049bb133111eb",
            "0xbf58476d1ce4e5b9",
        ],
    ),
    (
        "f32",
        [
            "0x1.000002p0",
            "0x1.fffffcp-1",
            "0x1.000004p0",
            "0x1.fffff8p-1",
        ],
    ),
    (
        "f64",
        [
            "0x1.0000000000001p0",
            "0x1.ffffffffffffep-1",
            "0x1.0000000000002p0",
            "0x1.ffffffffffffcp-1",
        ],
    ),
];

fn each_operand(write: impl Fn(&str, &str, &str) -> String) -> String {
    let mut text = String::new();
    for (value_type, values) in OPERANDS {
        for (number, value) in values.iter().enumerate() {
            text.push_str(&write(&format!("{value_type}_{number}"), value_type, value));
        }
    }
    text
}

#[cfg(test)]
mod tests;
