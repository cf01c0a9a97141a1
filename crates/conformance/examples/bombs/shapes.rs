//! Shapes: programs that are cheap to write and dear to compile, each by one means, of any size.
//!
//! A program has as many functions as asked, all alike, and in each of them the shape is repeated
//! as often as asked. So the largest that the limits admit can be searched for.

use fusee_conformance::bombs::{
    FUNCTIONS, GIVES_16, NOTHING, PLAIN, SWAP_16, TAKE_32, TAKES_I32, WIDE, WIDEST, assemble, at,
    body,
};
use fusee_instrument::Limits;
use wasm_encoder::{BlockType, InstructionSink};

/// A way to be dear.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// The locals of each function, beside its parameters: `i64`, and none of them a constant.
    locals: u32,
    /// Locals that are declared and never used.
    unused: u32,
    /// The type of each function.
    type_index: u32,
    body: fn(&mut InstructionSink<'_>, Size),
}

/// How much of a shape there is in a function.
#[derive(Clone, Copy)]
struct Size {
    repeats: u32,
    locals: u32,
    /// How deep blocks are nested, where they are.
    depth: u32,
    /// How many targets the largest tables have.
    targets: u32,
    /// How high operands are put up, where they are.
    operands: u32,
}

/// As many locals as the rules admit.
const MOST: u32 = u32::MAX;

const fn shape(name: &'static str, locals: u32, body: fn(&mut InstructionSink<'_>, Size)) -> Shape {
    Shape {
        name,
        locals,
        unused: 0,
        type_index: TAKES_I32,
        body,
    }
}

pub(crate) const SHAPES: &[Shape] = &[
    // Places where gas is looked at.
    shape("loops", 0, loops),
    shape("loops, nested", 0, nested_loops),
    shape("loops, 16 locals", 16, loops),
    shape("loops, 128 locals", 128, loops),
    shape("loops, nested, 16 locals", 16, nested_loops),
    shape("loops, nested, 128 locals", 128, nested_loops),
    shape("loops, nested, 1000 locals", 1_000, nested_loops),
    shape("loops, nested, most locals", MOST, nested_loops),
    shape("loops of 16 operands", 0, wide_loops),
    shape("memory.fill", 0, fills),
    shape("memory.copy", 0, copies),
    shape("memory.init", 0, inits),
    shape("memory.grow", 0, grows),
    shape("table.fill", 0, table_fills),
    shape("table.copy", 0, table_copies),
    // Calls, and what is alive across them.
    shape("calls", 0, calls),
    shape("calls, 16 locals", 16, calls),
    shape("calls, 128 locals", 128, calls),
    shape("calls, most locals", MOST, calls),
    shape("calls of 16 to 16 operands", 0, wide_calls),
    shape("calls of 32 to 16 operands", 0, widest_calls),
    shape("call_indirect", 0, indirect_calls),
    shape("call_indirect, 16 to 16 operands", 0, wide_indirect_calls),
    shape("unreachable", 0, unreachables),
    shape("return", 0, returns),
    // Branches, and what they carry.
    shape("br_if", 0, branches),
    shape("br_if, 16 locals", 16, branches),
    shape("br_if, 128 locals", 128, branches),
    shape("br_if, 1000 locals", 1_000, branches),
    shape("br_if, most locals", MOST, branches),
    shape("br_if of 16 operands", 0, wide_branches),
    shape("if", 0, ifs),
    shape("if, nested", 0, nested_ifs),
    shape("if and else", 16, ladder),
    shape("if and else, 128 locals", 128, ladder),
    shape("if and else, most locals", MOST, ladder),
    shape("if and else of 16 operands", 0, wide_ifs),
    shape("if, nested, 128 locals", 128, nested_ifs),
    shape("if, nested, most locals", MOST, nested_ifs),
    shape("br_table of the most", 0, largest_tables),
    shape("br_table of 60", 0, tables::<60>),
    shape("br_table of 4", 0, tables::<4>),
    shape("br_table of the most, 16 locals", 16, largest_tables),
    shape("br_table of the most, 128 locals", 128, largest_tables),
    shape("br_table of the most, most locals", MOST, largest_tables),
    shape("br_table of 60, most locals", MOST, tables::<60>),
    shape("br_table to nested blocks", 0, tables_out),
    shape("br_table to nested blocks, 128 locals", 128, tables_out),
    shape("br_table to nested blocks, most locals", MOST, tables_out),
    shape("br_table of the most, 16 operands", 0, wide_tables),
    shape("blocks, nested", 0, nested_blocks),
    shape("blocks of 16 operands", 0, wide_blocks),
    // Straight lines.
    shape("i64.add", 2, additions),
    shape("i64.div_s", 2, divisions),
    shape("i32.const and drop", 0, constants),
    shape("i64.const of 10 bytes", 0, large_constants),
    shape("i64.load", 0, loads),
    shape("i64.store", 0, stores),
    shape("i64.store8 of one address", 0, narrow_stores),
    shape("select", 2, selects),
    shape("select, with a comparison", 2, compared_selects),
    shape("global.get and global.set", 0, globals),
    shape("operands, highest", 0, operands),
    shape("operands, highest, over calls", 0, operands_over_calls),
    shape("local.tee, most locals", MOST, tees),
    shape("ref.func", 0, references),
    shape("table.get and table.set", 0, table_elements),
    // What the compiler moves, merges and keeps.
    shape("invariants of a loop", 2, invariants),
    shape("invariants of a loop in loops", 2, nested_invariants),
    shape("invariants of many loops", 2, spread_invariants),
    shape("common expressions over branches", 2, common_over_branches),
    shape("common expressions over calls", 2, common_over_calls),
    shape("common expressions in ifs", 2, common_in_ifs),
    shape("operands over br_if", 0, operands_over_branches),
    shape("operands over if", 0, operands_over_ifs),
    shape("operands over loops", 0, operands_over_loops),
    shape("operands over br_table", 0, operands_over_tables),
    shape("locals over calls, most locals", MOST, locals_over_calls),
    shape("locals over if, most locals", MOST, locals_over_ifs),
    shape("locals over br_if, most locals", MOST, locals_over_branches),
    shape("locals over br_if, 60 locals", 60, locals_over_branches),
    shape("locals over br_if, 10 locals", 10, locals_over_branches),
    shape(
        "locals over br_table, most locals",
        MOST,
        locals_over_tables,
    ),
    shape("locals over br_table, 10 locals", 10, locals_over_tables),
    shape("merged locals, then br_if", 14, merged_then_branches),
    shape("merged locals, then if", 14, merged_then_ifs),
    shape("locals over loops, most locals", MOST, locals_over_loops),
    shape(
        "locals over loops with calls, most locals",
        MOST,
        locals_over_call_loops,
    ),
    // Many functions.
    shape("functions", 0, tiny),
    Shape {
        unused: MOST,
        ..shape("functions, most locals", 0, tiny)
    },
    Shape {
        name: "functions of 32 parameters",
        locals: 0,
        unused: 0,
        type_index: WIDEST,
        body: hand_through,
    },
];

impl Shape {
    /// The program with this shape, so often in each function, and so many functions. The limits
    /// are for what stays the same however large it is.
    pub(crate) fn program(&self, limits: &Limits, repeats: u32, functions: u32) -> Vec<u8> {
        let number = |limit: u64| u32::try_from(limit).expect("limits of counts are small");
        let most_locals = number(limits.locals).saturating_sub(4);
        let size = Size {
            repeats,
            locals: self.locals.min(most_locals),
            depth: number(limits.nesting).saturating_sub(4),
            targets: number(limits.br_table_targets),
            operands: number(limits.frame_bytes / 16),
        };
        let unused = self.unused.min(most_locals);
        let function = body(size.locals + unused, |code| {
            for local in size.all_locals() {
                code.i32_const(0)
                    .i64_load(at(u64::from(local)))
                    .local_set(local);
            }
            (self.body)(code, size);
        });
        assemble(self.type_index, functions, &function)
    }
}

impl Size {
    /// Every local but the parameter.
    fn all_locals(self) -> impl Iterator<Item = u32> {
        1..=self.locals
    }

    /// One of the locals, each in its turn; the parameter where there is no other.
    fn local(self, turn: u32) -> Option<u32> {
        turn.checked_rem(self.locals).map(|local| local + 1)
    }
}

/// Gives one of the locals another value, if there are any.
fn touch(code: &mut InstructionSink<'_>, size: Size, turn: u32) {
    if let Some(local) = size.local(turn) {
        code.i64_const(i64::from(turn & 63)).local_set(local);
    }
}

/// Uses all locals, so that all of them were alive until here.
fn use_all(code: &mut InstructionSink<'_>, size: Size) {
    for local in size.all_locals() {
        code.i32_const(0)
            .local_get(local)
            .i64_store(at(u64::from(local)));
    }
}

fn push_16(code: &mut InstructionSink<'_>) {
    for index in 0..16 {
        code.i64_const(index);
    }
}

fn drop_16(code: &mut InstructionSink<'_>) {
    for _ in 0..16 {
        code.drop();
    }
}

fn loops(code: &mut InstructionSink<'_>, size: Size) {
    for turn in 0..size.repeats {
        code.loop_(BlockType::Empty);
        touch(code, size, turn);
        code.local_get(0).br_if(0).end();
    }
    use_all(code, size);
}

/// Loops as deep as can be, again and again; each could be left for any other by the innermost.
fn nested_loops(code: &mut InstructionSink<'_>, size: Size) {
    let mut left = size.repeats;
    while left > 0 {
        let depth = left.min(size.depth);
        left -= depth;
        for turn in 0..depth {
            code.loop_(BlockType::Empty);
            touch(code, size, turn);
        }
        for turn in 0..depth {
            touch(code, size, turn + depth);
            code.local_get(0).br_if(0).end();
        }
    }
    use_all(code, size);
}

fn wide_loops(code: &mut InstructionSink<'_>, size: Size) {
    push_16(code);
    for _ in 0..size.repeats {
        code.loop_(BlockType::FunctionType(WIDE))
            .i64_add()
            .i64_const(1)
            .local_get(0)
            .br_if(0)
            .end();
    }
    drop_16(code);
}

fn fills(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).local_get(0).local_get(0).memory_fill(0);
    }
}

fn copies(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0)
            .local_get(0)
            .local_get(0)
            .memory_copy(0, 0);
    }
}

fn inits(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0)
            .local_get(0)
            .local_get(0)
            .memory_init(0, 0);
    }
}

fn grows(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).memory_grow(0).local_set(0);
    }
}

fn table_fills(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0)
            .ref_func(NOTHING)
            .local_get(0)
            .table_fill(0);
    }
}

fn table_copies(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).local_get(0).local_get(0).table_copy(0, 1);
    }
}

fn calls(code: &mut InstructionSink<'_>, size: Size) {
    for turn in 0..size.repeats {
        code.call(NOTHING);
        touch(code, size, turn);
    }
    use_all(code, size);
}

fn wide_calls(code: &mut InstructionSink<'_>, size: Size) {
    push_16(code);
    for _ in 0..size.repeats {
        code.call(SWAP_16);
    }
    drop_16(code);
}

fn widest_calls(code: &mut InstructionSink<'_>, size: Size) {
    push_16(code);
    for _ in 0..size.repeats {
        for _ in 0..16 {
            code.i64_const(1);
        }
        code.call(TAKE_32);
    }
    drop_16(code);
}

fn indirect_calls(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).call_indirect(0, PLAIN);
    }
}

fn wide_indirect_calls(code: &mut InstructionSink<'_>, size: Size) {
    push_16(code);
    for _ in 0..size.repeats {
        code.local_get(0).call_indirect(0, WIDE);
    }
    drop_16(code);
}

fn unreachables(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).if_(BlockType::Empty).unreachable().end();
    }
}

fn returns(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).if_(BlockType::Empty).return_().end();
    }
}

/// All branches lead to one place, where every local has as many values as there are branches.
fn branches(code: &mut InstructionSink<'_>, size: Size) {
    code.block(BlockType::Empty);
    for turn in 0..size.repeats {
        touch(code, size, turn);
        code.local_get(0).br_if(0);
    }
    code.end();
    use_all(code, size);
}

fn wide_branches(code: &mut InstructionSink<'_>, size: Size) {
    code.block(BlockType::FunctionType(GIVES_16));
    push_16(code);
    for _ in 0..size.repeats {
        code.local_get(0).br_if(0);
    }
    code.end();
    drop_16(code);
}

fn ifs(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0)
            .if_(BlockType::Empty)
            .i32_const(1)
            .local_set(0)
            .end();
    }
}

fn nested_ifs(code: &mut InstructionSink<'_>, size: Size) {
    let mut left = size.repeats;
    while left > 0 {
        let depth = left.min(size.depth);
        left -= depth;
        for turn in 0..depth {
            code.local_get(0).if_(BlockType::Empty);
            touch(code, size, turn);
        }
        for _ in 0..depth {
            code.end();
        }
    }
    use_all(code, size);
}

fn ladder(code: &mut InstructionSink<'_>, size: Size) {
    for turn in 0..size.repeats {
        code.local_get(0).if_(BlockType::Empty);
        touch(code, size, turn);
        code.else_();
        touch(code, size, turn + 1);
        code.end();
    }
    use_all(code, size);
}

fn wide_ifs(code: &mut InstructionSink<'_>, size: Size) {
    push_16(code);
    for _ in 0..size.repeats {
        code.local_get(0)
            .if_(BlockType::FunctionType(WIDE))
            .i64_add()
            .i64_const(1)
            .else_()
            .i64_xor()
            .i64_const(2)
            .end();
    }
    drop_16(code);
}

fn tables<const TARGETS: u32>(code: &mut InstructionSink<'_>, size: Size) {
    let targets = TARGETS;
    largest_tables(code, Size { targets, ..size });
}

/// Tables all of whose targets are one place, where every local has another value by each table.
fn largest_tables(code: &mut InstructionSink<'_>, size: Size) {
    code.block(BlockType::Empty);
    for turn in 0..size.repeats {
        code.block(BlockType::Empty);
        touch(code, size, turn);
        // Some targets stay here, so that what follows is reached.
        let targets = (0..size.targets).map(|target| u32::from(target > 0));
        code.local_get(0)
            .br_table(targets.collect::<Vec<_>>(), 0)
            .end();
    }
    code.end();
    use_all(code, size);
}

/// Tables that lead out of a nest of blocks, to the end of any.
fn tables_out(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        for _ in 0..size.depth {
            code.block(BlockType::Empty);
        }
        code.local_get(0)
            .br_table((0..size.depth).collect::<Vec<_>>(), 0);
        for turn in 0..size.depth {
            code.end();
            touch(code, size, turn);
        }
    }
    use_all(code, size);
}

fn wide_tables(code: &mut InstructionSink<'_>, size: Size) {
    push_16(code);
    for _ in 0..size.repeats {
        code.block(BlockType::FunctionType(WIDE));
        code.local_get(0)
            .br_table(
                vec![0; usize::try_from(size.targets).expect("it is small")],
                0,
            )
            .end();
    }
    drop_16(code);
}

fn nested_blocks(code: &mut InstructionSink<'_>, size: Size) {
    let mut left = size.repeats;
    while left > 0 {
        let depth = left.min(size.depth);
        left -= depth;
        for _ in 0..depth {
            code.block(BlockType::Empty);
        }
        for _ in 0..depth {
            code.local_get(0).br_if(0).end();
        }
    }
}

fn wide_blocks(code: &mut InstructionSink<'_>, size: Size) {
    push_16(code);
    for _ in 0..size.repeats {
        code.block(BlockType::FunctionType(WIDE))
            .local_get(0)
            .br_if(0)
            .i64_add()
            .i64_const(1)
            .end();
    }
    drop_16(code);
}

fn additions(code: &mut InstructionSink<'_>, size: Size) {
    code.local_get(1);
    for _ in 0..size.repeats {
        code.local_get(2).i64_add().local_get(1).i64_xor();
    }
    code.local_set(1);
    use_all(code, size);
}

fn divisions(code: &mut InstructionSink<'_>, size: Size) {
    code.local_get(1);
    for _ in 0..size.repeats {
        code.local_get(2).i64_div_s();
    }
    code.local_set(1);
    use_all(code, size);
}

fn constants(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.i32_const(1).drop();
    }
}

fn large_constants(code: &mut InstructionSink<'_>, size: Size) {
    for turn in 0..size.repeats {
        code.i32_const(0)
            .i64_const(i64::MIN + i64::from(turn))
            .i64_store(at(0));
    }
}

fn loads(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).i32_load(at(1 << 20)).local_set(0);
    }
}

fn stores(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).i64_const(1).i64_store(at(1 << 20));
    }
}

fn narrow_stores(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.i32_const(0).i64_const(1).i64_store8(at(0));
    }
}

fn selects(code: &mut InstructionSink<'_>, size: Size) {
    code.local_get(1);
    for _ in 0..size.repeats {
        code.local_get(2).local_get(0).select();
    }
    code.local_set(1);
    use_all(code, size);
}

fn compared_selects(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(1)
            .local_get(2)
            .local_get(1)
            .local_get(2)
            .i64_lt_s()
            .select()
            .local_set(1);
    }
    use_all(code, size);
}

fn globals(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.global_get(0).global_set(1);
    }
}

/// Puts up as many operands as a frame has room for, and takes them down, again and again.
fn operands(code: &mut InstructionSink<'_>, size: Size) {
    let mut left = size.repeats;
    while left > 0 {
        let high = left.min(size.operands);
        left -= high;
        for turn in 0..high {
            code.local_get(0).i64_load(at(u64::from(turn)));
        }
        for _ in 1..high {
            code.i64_sub();
        }
        code.drop();
    }
}

/// The same, with a call at each step.
fn operands_over_calls(code: &mut InstructionSink<'_>, size: Size) {
    let mut left = size.repeats;
    while left > 0 {
        let high = left.min(size.operands);
        left -= high;
        for turn in 0..high {
            code.local_get(0)
                .i64_load(at(u64::from(turn)))
                .call(NOTHING);
        }
        for _ in 1..high {
            code.i64_sub().call(NOTHING);
        }
        code.global_set(0);
    }
}

/// Products that the compiler may move out of the loop, all of them different.
fn products(code: &mut InstructionSink<'_>, count: u32) {
    for turn in 0..count {
        code.local_get(1)
            .i64_const(i64::from(2 * turn + 3))
            .i64_mul()
            .i64_xor();
    }
}

fn invariants(code: &mut InstructionSink<'_>, size: Size) {
    code.loop_(BlockType::Empty).local_get(2);
    products(code, size.repeats);
    code.local_set(2).local_get(0).br_if(0).end();
    use_all(code, size);
}

fn nested_invariants(code: &mut InstructionSink<'_>, size: Size) {
    let depth = size.depth.min(200);
    for _ in 0..depth {
        code.loop_(BlockType::Empty);
    }
    code.local_get(2);
    products(code, size.repeats);
    code.local_set(2);
    for _ in 0..depth {
        code.local_get(0).br_if(0).end();
    }
    use_all(code, size);
}

fn spread_invariants(code: &mut InstructionSink<'_>, size: Size) {
    code.loop_(BlockType::Empty);
    for turn in 0..size.repeats {
        code.loop_(BlockType::Empty).local_get(2);
        for index in 0..16 {
            code.local_get(1)
                .i64_const(i64::from(16 * turn + index))
                .i64_mul()
                .i64_xor();
        }
        code.local_set(2).local_get(0).br_if(0).end();
    }
    code.local_get(0).br_if(0).end();
    use_all(code, size);
}

/// The same products at the begin and at the end, so that all of them can be kept in between.
fn common_over_branches(code: &mut InstructionSink<'_>, size: Size) {
    code.local_get(2);
    products(code, size.repeats);
    code.local_set(2).block(BlockType::Empty);
    for _ in 0..size.repeats / 4 {
        code.local_get(0).br_if(0);
    }
    code.local_get(2);
    products(code, size.repeats);
    code.local_set(2).end();
    use_all(code, size);
}

fn common_over_calls(code: &mut InstructionSink<'_>, size: Size) {
    code.local_get(2);
    products(code, size.repeats);
    code.local_set(2);
    for _ in 0..size.repeats {
        code.call(NOTHING);
    }
    code.local_get(2);
    products(code, size.repeats);
    code.local_set(2);
    use_all(code, size);
}

fn common_in_ifs(code: &mut InstructionSink<'_>, size: Size) {
    code.local_get(2);
    products(code, size.repeats);
    code.local_set(2);
    for turn in 0..size.repeats {
        code.local_get(0).if_(BlockType::Empty).local_get(2);
        code.local_get(1)
            .i64_const(i64::from(2 * (turn.wrapping_mul(7919) % size.repeats) + 3))
            .i64_mul()
            .i64_xor();
        code.local_set(2).end();
    }
    use_all(code, size);
}

fn held_operands(
    code: &mut InstructionSink<'_>,
    size: Size,
    between: impl Fn(&mut InstructionSink<'_>),
) {
    let high = (size.operands * 7 / 8).min(size.repeats);
    for turn in 0..high {
        code.local_get(0).i64_load(at(u64::from(turn)));
    }
    for _ in 0..size.repeats {
        between(code);
    }
    for _ in 1..high {
        code.i64_sub();
    }
    code.global_set(0);
}

fn operands_over_branches(code: &mut InstructionSink<'_>, size: Size) {
    code.block(BlockType::Empty);
    held_operands(code, size, |code| {
        code.local_get(0).br_if(0);
    });
    code.end();
}

fn operands_over_ifs(code: &mut InstructionSink<'_>, size: Size) {
    held_operands(code, size, |code| {
        code.local_get(0).if_(BlockType::Empty).end();
    });
}

fn operands_over_loops(code: &mut InstructionSink<'_>, size: Size) {
    held_operands(code, size, |code| {
        code.loop_(BlockType::Empty).local_get(0).br_if(0).end();
    });
}

fn operands_over_tables(code: &mut InstructionSink<'_>, size: Size) {
    held_operands(code, size, |code| {
        code.block(BlockType::Empty)
            .local_get(0)
            .br_table(vec![0; 4], 0)
            .end();
    });
}

fn locals_over_calls(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.call(NOTHING);
    }
    use_all(code, size);
}

fn locals_over_ifs(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).if_(BlockType::Empty).end();
    }
    use_all(code, size);
}

/// The branches lead to where no local is alive.
fn locals_over_branches(code: &mut InstructionSink<'_>, size: Size) {
    code.block(BlockType::Empty);
    for _ in 0..size.repeats {
        code.local_get(0).br_if(0);
    }
    use_all(code, size);
    code.end();
}

fn locals_over_tables(code: &mut InstructionSink<'_>, size: Size) {
    code.block(BlockType::Empty);
    for _ in 0..size.repeats {
        code.block(BlockType::Empty)
            .local_get(0)
            .br_table([0, 1, 0, 1], 0)
            .end();
    }
    use_all(code, size);
    code.end();
}

/// Many values that meet, and then as many blocks with values in registers.
fn merged_then_branches(code: &mut InstructionSink<'_>, size: Size) {
    merged(code, size);
    locals_over_branches(code, size);
}

fn merged_then_ifs(code: &mut InstructionSink<'_>, size: Size) {
    merged(code, size);
    locals_over_ifs(code, size);
}

fn merged(code: &mut InstructionSink<'_>, size: Size) {
    code.block(BlockType::Empty);
    for turn in 0..size.repeats / 8 {
        touch(code, size, turn);
        code.local_get(0).br_if(0);
    }
    code.end();
}

fn locals_over_loops(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.loop_(BlockType::Empty).local_get(0).br_if(0).end();
    }
    use_all(code, size);
}

fn locals_over_call_loops(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.loop_(BlockType::Empty)
            .call(NOTHING)
            .local_get(0)
            .br_if(0)
            .end();
    }
    use_all(code, size);
}

fn tees(code: &mut InstructionSink<'_>, size: Size) {
    code.i64_const(0);
    for turn in 0..size.repeats {
        let local = size.local(turn).unwrap_or(0);
        code.local_get(local).i64_add().local_tee(local);
    }
    code.drop();
    use_all(code, size);
}

fn references(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.ref_func(NOTHING).drop();
    }
}

fn table_elements(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats {
        code.local_get(0).local_get(0).table_get(0).table_set(1);
    }
}

fn tiny(code: &mut InstructionSink<'_>, size: Size) {
    for _ in 0..size.repeats.min(1) {
        code.i32_const(1).drop();
    }
}

/// Calls itself with what it was called with.
fn hand_through(code: &mut InstructionSink<'_>, size: Size) {
    for local in 0..32 {
        code.local_get(local);
    }
    code.call(FUNCTIONS);
    for _ in 1..size.repeats.min(2) {
        drop_16(code);
        for local in 0..32 {
            code.local_get(local);
        }
        code.call(FUNCTIONS);
    }
}
