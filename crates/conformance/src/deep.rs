//! Generates programs whose native frames are large for their counted ones, and runs them to the
//! greatest depth.
//!
//! Functions call each other for ever. Before that, they do what takes slots on the native stack:
//! they call functions with many results, and hold values over calls, on the operand stack, in
//! branches, in loops and as repeated products.

use std::sync::Arc;

use fusee_engine::{Gas, Trap};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::{Bounds, NativeStackNeed, WasmtimeEngine};
use fusee_executor::{Executor, RunRequest};
use fusee_instrument::{Floats, Rule, Rules, prepare};

use crate::{Ending, Random, Verdict};

/// The numbers of results of the functions that are called.
const RESULTS: [usize; 4] = [1, 3, 8, 16];

/// The most operators of a function, approximately.
const MAX_OPERATORS: usize = 20_000;

const GAS: Gas = Gas::new(2_000_000_000);

struct Writer<'a> {
    random: &'a mut Random,
    text: String,
    /// The type of all values.
    value: &'static str,
    /// Parameters and locals of the current function.
    locals: u64,
    /// Values that the current function left on the operand stack.
    operands: usize,
}

/// Generates a program in the text format. Its export `f` never returns.
pub fn program(random: &mut Random) -> String {
    let values = ["i64", "f64", "i32", "f32"];
    let mut writer = Writer {
        value: pick(random, &values),
        random,
        text: String::new(),
        locals: 0,
        operands: 0,
    };
    writer.module();
    writer.text
}

impl Writer<'_> {
    fn line(&mut self, code: &str) {
        self.text.push_str(code);
        self.text.push('\n');
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random.below(end)
    }

    fn module(&mut self) {
        let value = self.value;
        let types = |count: usize| format!(" {value}").repeat(count);
        self.line("(module (memory 1) (table funcref (elem");
        for count in RESULTS {
            self.line(&format!("$g{count}"));
        }
        self.line("))");
        for count in RESULTS {
            let results = types(count);
            let params = types(2 * count);
            self.line(&format!(
                "(type $t{count} (func (param {value}) (result {results})))"
            ));
            self.line(&format!("(func $g{count} (type $t{count})"));
            for number in 0..count {
                self.line(&format!(
                    "({value}.add (local.get 0) ({value}.const {number}))"
                ));
            }
            self.line(")");
            self.line(&format!("(func $h{count} (param {params}))"));
        }
        let functions = self.below(3).saturating_add(1);
        let params = self.below(30);
        for function in 0..functions {
            let next = function.saturating_add(1).checked_rem(functions);
            self.function(function, next.unwrap_or(0), params);
        }
        let args = format!("({value}.const 7)").repeat(usize::try_from(params).unwrap_or(0));
        // A program that grows its memory can be compiled with bounds checks.
        self.line(&format!(
            "(func (export \"f\") (drop (memory.grow (i32.const 0))) (drop (call $f0 {args}))))"
        ));
    }

    fn function(&mut self, function: u64, next: u64, params: u64) {
        let value = self.value;
        let types = |count: u64| format!(" {value}").repeat(usize::try_from(count).unwrap_or(0));
        let own = match self.below(4) {
            0 => self.below(200),
            _ => self.below(12),
        };
        // There is a first local in any case.
        self.locals = params.saturating_add(own).saturating_add(1);
        self.operands = 0;
        self.line(&format!(
            "(func $f{function} (param {}) (result {value}) (local {})",
            types(params),
            types(own.saturating_add(1)),
        ));
        let begin = self.text.len();
        for _ in 0..=self.below(10) {
            let repeat = 1_u64.checked_shl(u32::try_from(self.below(10)).unwrap_or(0));
            let kind = self.below(13);
            for _ in 0..repeat.unwrap_or(1) {
                // An operator takes some ten bytes of text.
                if self.text.len().saturating_sub(begin) > MAX_OPERATORS.saturating_mul(10) {
                    break;
                }
                self.statement(kind);
            }
        }
        let args: Vec<String> = (0..params).map(|_| self.get()).collect();
        self.line(&format!("(call $f{next} {})", args.join(" ")));
        for local in 0..self.locals {
            self.line(&format!("({value}.add (local.get {local}))"));
        }
        for _ in 0..self.operands {
            self.line(&format!("({value}.add)"));
        }
        self.line(")");
    }

    fn local(&mut self) -> u64 {
        self.below(self.locals)
    }

    fn get(&mut self) -> String {
        format!("(local.get {})", self.local())
    }

    fn statement(&mut self, kind: u64) {
        let value = self.value;
        let count = pick(self.random, &RESULTS);
        let (set, a, b, c) = (self.local(), self.get(), self.get(), self.get());
        let offset = self.below(1_000);
        let line = match kind {
            0..=2 => format!("(call $h{count} (call $g{count} {a}) (call $g{count} {b}))"),
            3 => format!(
                "(call $h{count} (call_indirect (type $t{count}) {a} (i32.const {}))
                 (call $g{count} {b}))",
                RESULTS
                    .iter()
                    .position(|known| *known == count)
                    .unwrap_or(0)
            ),
            4 => format!("(local.set {set} ({value}.load offset={offset} (i32.const 0)))"),
            5 => format!("(local.set {set} ({value}.mul ({value}.sub {a} {b}) {c}))"),
            6 => format!(
                "(local.set {set} (block $o (result {value}) ({value}.add {a} (block $m
                 (result {value}) ({value}.add {b} (block $n (result {value})
                 (br_table $n $m $o {c} (i32.load offset={offset} (i32.const 0)))))))))"
            ),
            7 => format!(
                "(local.set {set} (if (result {value}) (i32.load offset={offset} (i32.const 0))
                 (then (call $g1 {a})) (else ({value}.sub {b} {c}))))"
            ),
            8 => {
                self.operands = self.operands.saturating_add(1);
                format!("({value}.add {a} {b})")
            }
            9 => format!(
                "(loop $again (local.set {set} (call $g1 ({value}.add {a} {b})))
                 (br_if $again (i32.load offset={offset} (i32.const 0))))"
            ),
            10 => format!(
                "(memory.fill (i32.const 5000) (i32.const 1) (i32.load offset={offset}
                 (i32.const 0)))"
            ),
            11 => format!("(local.set {set} (select {a} {b} ({value}.eq {b} {c})))"),
            _ if value.starts_with('f') => {
                format!("(local.set {set} ({value}.div ({value}.sqrt {a}) {b}))")
            }
            _ => format!(
                "(local.set {set} ({value}.rotl ({value}.div_u {a} ({value}.const 3)) {b}))"
            ),
        };
        self.line(&line);
    }
}

fn pick<T: Copy>(random: &mut Random, of: &[T]) -> T {
    let count = u64::try_from(of.len()).unwrap_or(1);
    let position = usize::try_from(random.below(count)).unwrap_or(0);
    of.get(position)
        .or(of.first())
        .copied()
        .expect("no list is empty")
}

/// Prepares and compiles a program of this module, and calls it on a native stack that has no more
/// bytes than the engine says it needs. It has to end as on the interpreter, where the counted
/// height ends. Returns what it needs, or `None` if the rules refuse it.
///
/// # Errors
///
/// What is not as it has to be.
///
/// # Panics
///
/// Panics if Wasmtime does not work on this machine.
pub fn check(text: &str, bounds: Bounds) -> Result<Option<NativeStackNeed>, String> {
    let rules = Rules::v1(Vec::new()).with_floats(Floats::Canonical);
    let wasm = wat::parse_str(text).map_err(|error| error.to_string())?;
    let program = match prepare(&wasm, &rules) {
        Ok(program) => program,
        Err(refusal) if matches!(refusal.rule, Rule::Limit(_)) => return Ok(None),
        Err(refusal) => return Err(refusal.to_string()),
    };
    let engine = |stack| {
        let builder = WasmtimeEngine::builder().growing(bounds).instances(0);
        let engine = builder.guest_stack_bytes(stack).build();
        Arc::new(engine.expect("Wasmtime works on this machine"))
    };
    let need = engine(1 << 20)
        .native_stack_need(&program)
        .map_err(|error| format!("{error:?}"))?;
    let Some(need) = need else {
        return Ok(None);
    };
    let stack = usize::try_from(need.bytes).unwrap_or(usize::MAX);
    let verdict = |executor: Executor| {
        let prepared = executor
            .prepare(&wasm, &rules)
            .map_err(|error| format!("{error:?}"))?;
        let outcome = executor.run(&prepared, RunRequest::new("f", &[], GAS), ());
        let outcome = outcome.map_err(|error| format!("{need:?}: {error:?}"))?;
        Ok::<_, String>(Verdict::of(outcome))
    };
    let compiled = verdict(Executor::compiled(engine(stack)).build())?;
    let interpreted = verdict(Executor::builder(Arc::new(WasmiEngine::new())).build())?;
    if compiled != interpreted {
        return Err(format!("{compiled:?}, on the interpreter {interpreted:?}"));
    }
    match compiled.ending {
        Ending::Trapped(Trap::StackOverflow) => Ok(Some(need)),
        other => Err(format!("it ends with {other:?}")),
    }
}
