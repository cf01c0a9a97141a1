//! Generates programs that are mostly control flow: nested blocks and loops, branches to all of
//! them, calls, and unreachable code.
//!
//! Programs by `wasm-smith` rarely iterate a loop more than once. Here many loops count down, so a
//! wrong charge on a path through a loop adds up.

use std::fmt::Write;

use fusee_instrument::Extensions;

use crate::Random;

/// The types of a label, of a function's parameters or of its results.
type Types = &'static [&'static str];

const TYPES: [Types; 4] = [&[], &["i32"], &["i64", "i32"], &["i32", "i32", "i64"]];

/// The types of the locals after the parameters.
const LOCALS: Types = &["i32", "i32", "i64"];

/// Maximum nesting depth of blocks.
const MAX_DEPTH: usize = 7;

/// Writes the text of one program.
struct Writer<'a> {
    random: &'a mut Random,
    text: String,
    /// The parameters and results of the functions.
    functions: Vec<(Types, Types)>,
    /// Index of the current function.
    function: usize,
    /// The operand types of branches to the open labels, outermost first.
    labels: Vec<Types>,
    /// Number of statements that may still be written.
    budget: u64,
    may_wait: bool,
    may_call_in_place_of_return: bool,
}

/// Generates a program in the text format.
pub(super) fn make(random: &mut Random, extensions: Extensions) -> String {
    let count = random.below(5).saturating_add(2);
    let functions = (0..count)
        .map(|_| (pick(random, &TYPES), pick(random, &TYPES)))
        .collect();
    let may_wait = random.below(4) == 0;
    let mut writer = Writer {
        random,
        text: String::new(),
        functions,
        function: 0,
        labels: Vec::new(),
        budget: 0,
        may_wait,
        may_call_in_place_of_return: extensions.tail_calls,
    };
    writer.module();
    writer.text
}

impl Writer<'_> {
    fn line(&mut self, code: &str) {
        self.text.push_str(code);
        self.text.push('\n');
    }

    fn chance(&mut self, of: u64) -> bool {
        self.random.below(of) == 0
    }

    fn module(&mut self) {
        self.line(
            r#"(module
(import "smith" "mix" (func $mix (param i32 i64) (result i64)))
(import "smith" "note" (func $note (param i64)))"#,
        );
        if self.may_wait {
            self.line(r#"(import "smith" "wait" (func $wait (param i32) (result i32)))"#);
        }
        self.line(
            r#"(memory (export "memory") 1 4) (data $data "0123456789") (global $global (mut i32) (i32.const 9))"#,
        );
        let names: String = (0..self.functions.len())
            .map(|index| format!(" $f{index}"))
            .collect();
        let size = self.functions.len().saturating_add(1);
        self.line(&format!(
            "(table {size} funcref) (elem (i32.const 0){names})"
        ));
        for (function, (params, results)) in self.functions.clone().into_iter().enumerate() {
            self.function = function;
            self.labels = vec![results];
            self.budget = self.random.below(80).saturating_add(5);
            self.line(&format!(
                "(func $f{function} (export \"f{function}\") {} {} (local {})",
                typed("param", params),
                typed("result", results),
                LOCALS.join(" ")
            ));
            // The first loops count down from a positive number, whatever the arguments are.
            self.line("i32.const 7");
            self.consume(&["i32"]);
            self.sequence(0);
            self.values(results);
            self.line(")");
        }
        self.line(")");
    }

    /// Writes statements. Some may follow one that diverges and be unreachable.
    fn sequence(&mut self, depth: usize) {
        let length = self.random.below(7);
        for _ in 0..length {
            let Some(left) = self.budget.checked_sub(1) else {
                return;
            };
            self.budget = left;
            if self.statement(depth) && self.chance(2) {
                return;
            }
        }
    }

    /// Writes a statement. Returns whether it diverges.
    fn statement(&mut self, depth: usize) -> bool {
        let is_deep = depth >= MAX_DEPTH;
        if self.chance(3) {
            self.store();
        }
        match self.random.below(22) {
            0..=5 if !is_deep => self.looping(depth),
            6..=7 if !is_deep => self.block(depth),
            8..=10 if !is_deep => self.branching(depth),
            11 => self.hold(depth),
            12..=13 => self.branch_if(),
            14 => return self.branch(),
            15 => return self.branch_table(),
            16..=18 => self.call(),
            19 => self.bulk(),
            20 => return self.leave_function(),
            _ => self.assign("i32"),
        }
        false
    }

    fn looping(&mut self, depth: usize) {
        let (params, results) = (self.types(), self.types());
        self.values(params);
        self.line(&format!(
            "loop {} {}",
            typed("param", params),
            typed("result", results)
        ));
        self.consume(params);
        self.labels.push(params);
        self.sequence(depth.saturating_add(1));
        if !self.chance(3) {
            self.values(params);
            self.count_down();
            self.line("br_if 0");
            self.consume(params);
        }
        self.close(results);
    }

    fn block(&mut self, depth: usize) {
        let (params, results) = (self.types(), self.types());
        self.values(params);
        self.line(&format!(
            "block {} {}",
            typed("param", params),
            typed("result", results)
        ));
        self.consume(params);
        self.labels.push(results);
        self.sequence(depth.saturating_add(1));
        self.close(results);
    }

    fn branching(&mut self, depth: usize) {
        let results = self.types();
        self.condition();
        self.line(&format!("if {}", typed("result", results)));
        self.labels.push(results);
        self.sequence(depth.saturating_add(1));
        if !results.is_empty() || self.chance(2) {
            self.values(results);
            self.line("else");
            self.sequence(depth.saturating_add(1));
        }
        self.close(results);
    }

    /// Ends the innermost block.
    fn close(&mut self, results: Types) {
        self.values(results);
        self.labels.pop();
        self.line("end");
        self.consume(results);
    }

    /// Writes statements while an operand is on the stack.
    fn hold(&mut self, depth: usize) {
        self.value("i32");
        self.sequence(depth);
        self.consume(&["i32"]);
    }

    /// Chooses a label: its depth, and the operand types of branches to it.
    fn label(&mut self) -> (usize, Types) {
        let from = u64::try_from(self.labels.len()).unwrap_or(u64::MAX);
        let depth = usize::try_from(self.random.below(from)).unwrap_or(0);
        let found = self.labels.iter().rev().nth(depth).copied();
        (depth, found.unwrap_or_default())
    }

    fn branch(&mut self) -> bool {
        let (depth, types) = self.label();
        self.values(types);
        self.line(&format!("br {depth}"));
        true
    }

    fn branch_if(&mut self) {
        let (depth, types) = self.label();
        self.values(types);
        self.condition();
        self.line(&format!("br_if {depth}"));
        self.consume(types);
    }

    fn branch_table(&mut self) -> bool {
        let (depth, types) = self.label();
        let mut targets = String::new();
        for _ in 0..self.random.below(4) {
            let (other, others) = self.label();
            if others == types {
                targets.push_str(&format!(" {other}"));
            }
        }
        self.values(types);
        self.value("i32");
        self.line("i32.const 3 i32.and");
        self.line(&format!("br_table{targets} {depth}"));
        true
    }

    /// Leaves the function by a trap or a return, mostly under a condition.
    fn leave_function(&mut self) -> bool {
        let is_conditional = !self.chance(4);
        if is_conditional {
            self.condition();
            self.line("if");
        }
        match self.random.below(3) {
            0 => self.line("unreachable"),
            1 => {
                self.value("i32");
                self.value("i32");
                self.line("i32.div_s drop");
            }
            _ if self.may_call_in_place_of_return && self.chance(2) && self.tail_call() => {}
            _ => {
                let results = self.labels.first().copied().unwrap_or_default();
                self.values(results);
                self.line("return");
            }
        }
        if is_conditional {
            self.line("end");
        }
        !is_conditional
    }

    /// Calls a later function with the same results, if there is one, in place of a return.
    fn tail_call(&mut self) -> bool {
        let own = self.labels.first().copied().unwrap_or_default();
        let later = self.function.saturating_add(1);
        let callees = self.functions.iter().enumerate().skip(later);
        let found = callees
            .filter(|(_, (_, results))| *results == own)
            .map(|(callee, (params, _))| (callee, *params))
            .next();
        let Some((callee, params)) = found else {
            return false;
        };
        self.values(params);
        if self.chance(2) {
            self.line(&format!("return_call $f{callee}"));
        } else {
            self.line(&format!(
                "i32.const {callee} return_call_indirect {} {}",
                typed("param", params),
                typed("result", own)
            ));
        }
        true
    }

    fn call(&mut self) {
        match self.random.below(6) {
            0 => {
                self.values(&["i32", "i64"]);
                self.line("call $mix");
                self.consume(&["i64"]);
            }
            1 => {
                self.values(&["i64"]);
                self.line("call $note");
            }
            2 if self.may_wait => {
                self.values(&["i32"]);
                self.line("call $wait");
                self.consume(&["i32"]);
            }
            kind => self.call_function(kind == 3),
        }
    }

    /// Calls a function, mostly a later one, so that most calls end.
    fn call_function(&mut self, is_indirect: bool) {
        let later = self.functions.len().saturating_sub(self.function);
        let from = if self.chance(12) {
            0
        } else {
            self.function.saturating_add(1)
        };
        let choice = self.random.below(u64::try_from(later.max(1)).unwrap_or(1));
        let callee = from.saturating_add(usize::try_from(choice).unwrap_or(0));
        let Some((params, results)) = self.functions.get(callee).copied() else {
            return;
        };
        self.values(params);
        if is_indirect {
            // Sometimes the element of another function, or a null element.
            let element = callee.saturating_add(usize::from(self.chance(8)));
            self.line(&format!(
                "i32.const {element} call_indirect {} {}",
                typed("param", params),
                typed("result", results)
            ));
        } else {
            self.line(&format!("call $f{callee}"));
        }
        self.consume(results);
    }

    fn bulk(&mut self) {
        let length = self.random.below(200);
        match self.random.below(5) {
            0 => self.line(&format!(
                "i32.const 64 i32.const 7 i32.const {length} memory.fill"
            )),
            1 => self.line(&format!(
                "i32.const 8 i32.const 99 i32.const {length} memory.copy"
            )),
            2 => self.line("i32.const 32 i32.const 1 i32.const 8 memory.init $data"),
            3 => self.line(&format!("i32.const {} memory.grow drop", length % 3)),
            _ => self.line(&format!(
                "i32.const 0 ref.null func i32.const {} table.fill",
                length % 3
            )),
        }
    }

    /// Increments a number at the begin of the memory, which is observed while the guest is
    /// suspended, or stores anywhere.
    fn store(&mut self) {
        if self.chance(4) {
            self.value("i32");
            self.line("i32.const 0x1ffff i32.and");
            self.value("i64");
            self.line("i64.store16 offset=3");
        } else {
            let at = self.random.below(16).saturating_mul(8);
            self.line(&format!(
                "i32.const {at} i32.const {at} i64.load i64.const 1 i64.add i64.store"
            ));
        }
    }

    fn assign(&mut self, of: &'static str) {
        self.value(of);
        self.consume(match of {
            "i64" => &["i64"],
            _ => &["i32"],
        });
    }

    /// Consumes operands of these types.
    fn consume(&mut self, types: Types) {
        for of in types.iter().rev() {
            if self.chance(4) {
                self.line("drop");
            } else {
                let local = self.local(of);
                self.line(&format!("local.set {local}"));
            }
        }
    }

    fn values(&mut self, types: Types) {
        for of in types {
            self.value(of);
        }
    }

    fn value(&mut self, of: &str) {
        let local = self.local(of);
        let number = self.random.below(9);
        match (self.random.below(6), of) {
            (0..=1, _) => self.line(&format!("local.get {local}")),
            (2, _) => self.line(&format!("{of}.const {number}")),
            (3, _) => self.line(&format!("local.get {local} {of}.const {number} {of}.add")),
            (4, "i32") => self.line(
                "global.get $global i32.const 1 i32.sub global.set $global global.get $global",
            ),
            (4, _) => self.line(&format!("i32.const {number} i64.load offset=64")),
            (_, "i32") => self.line(&format!(
                "local.get {local} i32.const {number} i32.xor local.tee {local}"
            )),
            (..) => self.line(&format!("local.get {local} i64.const 3 i64.mul")),
        }
    }

    /// Writes a condition. Half of the conditions hold a limited number of times.
    fn condition(&mut self) {
        if self.chance(2) {
            self.count_down();
        } else {
            self.value("i32");
            let mask = self.random.below(4);
            self.line(&format!("i32.const {mask} i32.and"));
        }
    }

    fn count_down(&mut self) {
        let local = self.local("i32");
        self.line(&format!(
            "local.get {local} i32.const 1 i32.sub local.tee {local} i32.const 0 i32.gt_s"
        ));
    }

    /// The index of a parameter or local of this type.
    fn local(&mut self, of: &str) -> usize {
        let params = self
            .functions
            .get(self.function)
            .map_or(&[][..], |found| found.0);
        let fitting: Vec<usize> = params
            .iter()
            .chain(LOCALS)
            .enumerate()
            .filter(|(_, found)| **found == of)
            .map(|(index, _)| index)
            .collect();
        pick(self.random, &fitting)
    }

    fn types(&mut self) -> Types {
        // Mostly empty.
        match self.random.below(6) {
            0 => pick(self.random, &TYPES),
            _ => &[],
        }
    }
}

fn typed(what: &str, types: Types) -> String {
    if types.is_empty() {
        return String::new();
    }
    let mut text = format!("({what}");
    for of in types {
        // Writing to a `String` cannot fail.
        let _ = write!(text, " {of}");
    }
    text.push(')');
    text
}

fn pick<T: Copy + Default>(random: &mut Random, from: &[T]) -> T {
    let count = u64::try_from(from.len()).unwrap_or(1).max(1);
    let chosen = usize::try_from(random.below(count)).ok();
    chosen
        .and_then(|chosen| from.get(chosen))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
