//! Counts of what makes a function dear, in programs that people wrote: what limits have to admit.

use std::fs;

use wasmparser::{FunctionBody, Operator, Parser, Payload};

/// What is counted in a function.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    bytes: u64,
    locals: u64,
    /// Places where gas would be looked at: loops, and operators that work by a length.
    checks: u64,
    /// Ways by which branches are taken: two of an `if`, one of a `br` or `br_if`, all of a
    /// `br_table`.
    edges: u64,
    table_targets: u64,
    calls: u64,
    nesting: u64,
    edges_by_locals: u64,
    loops_by_locals: u64,
    calls_by_locals: u64,
}

/// Prints, for each file, the most of each of them in any function.
pub(crate) fn tell(files: &[&str]) {
    for file in files {
        let wasm = fs::read(file).expect("the file can be read");
        let mut most = Counts::default();
        let mut functions = 0_u64;
        for payload in Parser::new(0).parse_all(&wasm).map_while(Result::ok) {
            if let Payload::CodeSectionEntry(body) = payload {
                functions += 1;
                if let Some(counts) = Counts::of(&body) {
                    most = most.or(counts);
                }
            }
        }
        let name = file.rsplit('/').next().unwrap_or(file);
        println!(
            "{name}: {} bytes, {functions} functions, {most:?}",
            wasm.len()
        );
    }
}

impl Counts {
    fn of(body: &FunctionBody<'_>) -> Option<Self> {
        let mut counts = Self {
            bytes: body.range().end - body.range().start,
            ..Self::default()
        };
        for group in body.get_locals_reader().ok()? {
            counts.locals += u64::from(group.ok()?.0);
        }
        let mut loops = 0;
        let mut depth: u64 = 0;
        for operator in body.get_operators_reader().ok()? {
            match operator.ok()? {
                Operator::Block { .. } => depth += 1,
                Operator::Loop { .. } => {
                    depth += 1;
                    loops += 1;
                    counts.checks += 1;
                }
                Operator::If { .. } => {
                    depth += 1;
                    counts.edges += 2;
                }
                Operator::End => depth = depth.saturating_sub(1),
                Operator::Br { .. } | Operator::BrIf { .. } | Operator::Return => counts.edges += 1,
                Operator::BrTable { targets } => {
                    counts.edges += u64::from(targets.len()) + 1;
                    counts.table_targets += u64::from(targets.len()) + 1;
                }
                Operator::Call { .. } | Operator::CallIndirect { .. } => counts.calls += 1,
                Operator::MemoryGrow { .. }
                | Operator::MemoryFill { .. }
                | Operator::MemoryCopy { .. }
                | Operator::MemoryInit { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. } => counts.checks += 1,
                _ => {}
            }
            counts.nesting = counts.nesting.max(depth);
        }
        counts.edges_by_locals = counts.edges * counts.locals;
        counts.loops_by_locals = loops * counts.locals;
        counts.calls_by_locals = counts.calls * counts.locals;
        Some(counts)
    }

    fn or(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.max(other.bytes),
            locals: self.locals.max(other.locals),
            checks: self.checks.max(other.checks),
            edges: self.edges.max(other.edges),
            table_targets: self.table_targets.max(other.table_targets),
            calls: self.calls.max(other.calls),
            nesting: self.nesting.max(other.nesting),
            edges_by_locals: self.edges_by_locals.max(other.edges_by_locals),
            loops_by_locals: self.loops_by_locals.max(other.loops_by_locals),
            calls_by_locals: self.calls_by_locals.max(other.calls_by_locals),
        }
    }
}
