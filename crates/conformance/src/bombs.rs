//! Programs that are expensive to compile, written by lists of genes.
//!
//! A list is repeated in one function. Each gene adds an operator or two. Whatever the genes are,
//! the program is valid.

use std::borrow::Cow;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection, Elements,
    ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    InstructionSink, MemArg, MemArgTarget, MemorySection, MemoryType, Module, RefType,
    TableSection, TableType, TypeSection, ValType,
};

use crate::Random;

/// The type `()` of every program.
pub const PLAIN: u32 = 0;
/// The type `(i32)`.
pub const TAKES_I32: u32 = 1;
/// The type of 16 `i64` to 16 `i64`.
pub const WIDE: u32 = 2;
/// The type of 32 `i64` to 16 `i64`.
pub const WIDEST: u32 = 3;
/// The type of nothing to 16 `i64`.
pub const GIVES_16: u32 = 4;
const TYPES: u32 = 5;

/// A function that every program has before its own: it does nothing.
pub const NOTHING: u32 = 0;
/// A function that gives its 16 parameters in reverse order.
pub const SWAP_16: u32 = 1;
/// A function that adds pairs of its 32 parameters.
pub const TAKE_32: u32 = 2;
/// The number of these functions.
pub const FUNCTIONS: u32 = 3;

/// The numbers of locals that are tried.
pub const LOCALS: [u16; 12] = [0, 1, 4, 8, 12, 16, 30, 60, 120, 300, 800, 1_900];

/// A gene that the source of numbers chooses.
pub fn gene(random: &mut Random) -> Gene {
    let kind = small(random, KINDS);
    let one = if random.below(2) == 0 {
        small(random, 20)
    } else {
        small(random, u8::MAX)
    };
    [kind, one, small(random, 4)]
}

fn small(random: &mut Random, end: u8) -> u8 {
    u8::try_from(random.below(u64::from(end))).unwrap_or(0)
}

/// A list of genes and how it is made a function.
#[derive(Clone, Debug)]
pub struct Genome {
    /// Number of locals, beside the parameter.
    pub locals: u16,
    /// The size of the function: the limits of a function, divided by this power of two.
    pub part: u8,
    /// What the function consists of.
    pub phases: Vec<Phase>,
}

/// Genes that follow each other so often.
#[derive(Clone, Debug)]
pub struct Phase {
    /// This many 16ths of the turns.
    pub turns: u8,
    /// The genes.
    pub genes: Vec<Gene>,
}

/// A kind, below [`KINDS`], and two numbers that it uses.
pub type Gene = [u8; 3];

impl Genome {
    /// A list of genes that the source of numbers chooses.
    pub fn choose(random: &mut Random) -> Self {
        let locals = LOCALS
            .get(usize::try_from(random.below(12)).unwrap_or(0))
            .copied()
            .unwrap_or(0);
        let part = small(random, 6);
        let phases = (0..=random.below(3)).map(|_| Phase {
            turns: small(random, 16) + 1,
            genes: (0..=random.below(8)).map(|_| gene(random)).collect(),
        });
        Self {
            locals,
            part,
            phases: phases.collect(),
        }
    }

    /// The program of one function, in which the genes are repeated so often.
    #[must_use]
    pub fn program(&self, turns: u32) -> Vec<u8> {
        assemble(TAKES_I32, 1, &self.function(turns))
    }

    fn function(&self, turns: u32) -> Function {
        body(u32::from(self.locals) + 1, |code| {
            for local in 1..=u32::from(self.locals) {
                code.i32_const(0)
                    .i64_load(at(u64::from(local)))
                    .local_set(local);
            }
            let mut writer = Writer {
                code,
                locals: u32::from(self.locals) + 1,
                height: 0,
                blocks: Vec::new(),
                turn: 0,
            };
            for phase in &self.phases {
                let turns = (u64::from(turns) * u64::from(phase.turns)).div_ceil(16);
                for turn in 0..turns {
                    writer.turn = u32::try_from(turn).unwrap_or(0);
                    for gene in &phase.genes {
                        writer.gene(*gene);
                    }
                }
            }
            writer.finish(u32::from(self.locals));
        })
    }
}

/// Number of kinds of genes.
pub const KINDS: u8 = 30;

struct Writer<'a, 'b> {
    code: &'a mut InstructionSink<'b>,
    locals: u32,
    /// Number of operands, which are all `i64`.
    height: u32,
    /// The operands below each open block, and whether it is an `if` without `else`.
    blocks: Vec<(u32, bool)>,
    turn: u32,
}

impl Writer<'_, '_> {
    fn above(&self) -> u32 {
        self.height - self.blocks.last().map_or(0, |block| block.0)
    }

    /// Makes sure that the innermost block has so many operands.
    fn need(&mut self, operands: u32) {
        while self.above() < operands {
            self.code.i64_const(i64::from(self.turn));
            self.height += 1;
        }
    }

    fn open(&mut self, is_if: bool) {
        self.blocks.push((self.height, is_if));
    }

    fn close(&mut self) {
        if let Some((below, _)) = self.blocks.pop() {
            while self.height > below {
                self.code.drop();
                self.height -= 1;
            }
            self.code.end();
        }
    }

    fn label(&self, depth: u8) -> u32 {
        let blocks = u32::try_from(self.blocks.len()).unwrap_or(0);
        u32::from(depth).min(blocks.saturating_sub(1))
    }

    #[allow(clippy::too_many_lines, reason = "a table of all genes")]
    fn gene(&mut self, [kind, one, two]: [u8; 3]) {
        // A local of type `i64`: the parameter is the only `i32`.
        let stride = match two & 3 {
            0 => 0,
            1 => 1,
            2 => 7,
            _ => 31,
        };
        let local = 1 + (u32::from(one) + self.turn.wrapping_mul(stride)) % self.locals;
        let number = i64::from(one) + i64::from(self.turn.wrapping_mul(stride));
        let is_deep = self.blocks.len() > 900;
        let is_high = self.height > 7_000;
        match kind {
            0 if !is_high => {
                self.code.local_get(local);
                self.height += 1;
            }
            1 => {
                self.need(1);
                self.code.local_set(local);
                self.height -= 1;
            }
            2 => {
                self.need(2);
                match one % 8 {
                    0 => self.code.i64_add(),
                    1 => self.code.i64_sub(),
                    2 => self.code.i64_mul(),
                    3 => self.code.i64_xor(),
                    4 => self.code.i64_shl(),
                    5 => self.code.i64_div_u(),
                    6 => self.code.i64_rotl(),
                    _ => self.code.i64_and(),
                };
                self.height -= 1;
            }
            3 if !is_high => {
                self.code.i64_const(number);
                self.height += 1;
            }
            4 if !is_high => {
                self.code
                    .local_get(0)
                    .i64_load(at(u64::try_from(number).unwrap_or(0)));
                self.height += 1;
            }
            5 => {
                self.need(1);
                self.code.local_set(1).local_get(0).local_get(1);
                self.code.i64_store(at(u64::from(one)));
                self.height -= 1;
            }
            6 if !is_deep => {
                self.code.block(BlockType::Empty);
                self.open(false);
            }
            7 if !is_deep => {
                self.code.loop_(BlockType::Empty);
                self.open(false);
            }
            8 if !is_deep => {
                self.code.local_get(0).if_(BlockType::Empty);
                self.open(true);
            }
            9 => {
                if let Some((below, true)) = self.blocks.last().copied() {
                    while self.height > below {
                        self.code.drop();
                        self.height -= 1;
                    }
                    self.code.else_();
                    if let Some(last) = self.blocks.last_mut() {
                        last.1 = false;
                    }
                }
            }
            10 => self.close(),
            11 if !self.blocks.is_empty() => {
                let label = self.label(one);
                self.code.local_get(0).br_if(label);
            }
            12 if !self.blocks.is_empty() && !is_deep => {
                let labels: Vec<u32> = (0..=u32::from(one))
                    .map(|label| self.label(u8::try_from(label % 64).unwrap_or(0)))
                    .map(|label| if two == 0 { 0 } else { label })
                    .collect();
                self.code.block(BlockType::Empty);
                let labels: Vec<u32> = labels
                    .iter()
                    .enumerate()
                    .map(|(position, label)| if position == 0 { 0 } else { label + 1 })
                    .collect();
                self.code.local_get(0).br_table(labels, 0).end();
            }
            13 => {
                self.code.call(NOTHING);
            }
            14 => {
                self.need(16);
                self.code.call(SWAP_16);
            }
            15 => {
                self.code.local_get(0).call_indirect(0, PLAIN);
            }
            16 => {
                self.code.local_get(0).if_(BlockType::Empty);
                if one & 1 == 0 {
                    self.code.return_();
                } else {
                    self.code.unreachable();
                }
                self.code.end();
            }
            17 => {
                self.need(1);
                self.code
                    .local_get(local)
                    .i64_const(i64::from(2 * self.turn + 3))
                    .i64_mul()
                    .i64_xor();
            }
            18 => {
                self.need(16);
                self.code.block(BlockType::FunctionType(WIDE));
                if one & 1 == 0 {
                    self.code.local_get(0).br_if(0);
                }
                self.code.end();
            }
            19 => {
                self.need(2);
                self.code.local_get(0).select();
                self.height -= 1;
            }
            20 => {
                self.need(1);
                self.code.local_tee(local);
            }
            21 => {
                self.need(1);
                self.code.global_set(0).global_get(1);
            }
            22 => {
                self.code.local_get(0).local_get(0).local_get(0);
                match one % 3 {
                    0 => self.code.memory_fill(0),
                    1 => self.code.memory_copy(0, 0),
                    _ => self.code.table_copy(0, 1),
                };
            }
            23 if self.above() > 0 => {
                self.code.drop();
                self.height -= 1;
            }
            24 => {
                self.code.local_get(0).i32_const(i32::from(one)).i32_add();
                self.code.local_set(0);
            }
            25 => {
                self.need(4);
                self.code.i64_lt_s().select();
                self.height -= 3;
            }
            26 => {
                self.code
                    .local_get(0)
                    .local_get(0)
                    .table_get(0)
                    .table_set(1);
            }
            27 => {
                self.need(1);
                self.code.i32_wrap_i64().i32_eqz().i64_extend_i32_u();
            }
            28 => {
                self.need(16);
                self.code.local_get(0).if_(BlockType::FunctionType(WIDE));
                self.code.i64_add().i64_const(number).else_();
                self.code.i64_xor().i64_const(number).end();
            }
            29 => {
                self.need(16);
                self.code.loop_(BlockType::FunctionType(WIDE));
                self.code.local_get(0).br_if(0).end();
            }
            _ => {}
        }
    }

    /// Closes all blocks, and uses all operands and locals.
    fn finish(&mut self, locals: u32) {
        while !self.blocks.is_empty() {
            self.close();
        }
        for local in 1..=locals {
            self.code.i32_const(0).local_get(local);
            self.code.i64_store(at(u64::from(local)));
        }
        self.need(1);
        while self.height > 1 {
            self.code.i64_xor();
            self.height -= 1;
        }
        self.code.global_set(0);
    }
}

/// The program with so many functions like this one.
#[must_use]
pub fn assemble(type_index: u32, functions: u32, function: &Function) -> Vec<u8> {
    let mut module = prelude(type_index, functions);
    let mut code = CodeSection::new();
    code.function(&body(0, |_| ()));
    code.function(&body(0, |code| {
        for index in 0..16 {
            code.local_get(15 - index);
        }
    }));
    code.function(&body(0, |code| {
        for index in 0..16 {
            code.local_get(2 * index).local_get(2 * index + 1).i64_xor();
        }
    }));
    for _ in 0..functions {
        code.function(function);
    }
    let mut data = DataSection::new();
    data.passive(*b"passive");
    module.section(&code).section(&data);
    module.finish()
}

/// Everything that comes before the code.
fn prelude(type_index: u32, functions: u32) -> Module {
    let mut types = TypeSection::new();
    let i64s = |count| vec![ValType::I64; count];
    types.ty().function([], []);
    types.ty().function([ValType::I32], []);
    types.ty().function(i64s(16), i64s(16));
    types.ty().function(i64s(32), i64s(16));
    types.ty().function([], i64s(16));
    assert_eq!(types.len(), TYPES);

    let mut declared = FunctionSection::new();
    declared.function(PLAIN).function(WIDE).function(WIDEST);
    assert_eq!(declared.len(), FUNCTIONS);
    for _ in 0..functions {
        declared.function(type_index);
    }
    let mut tables = TableSection::new();
    for _ in 0..2 {
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            minimum: 8,
            maximum: None,
            table64: false,
            shared: false,
        });
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut globals = GlobalSection::new();
    for _ in 0..2 {
        let global = GlobalType {
            val_type: ValType::I64,
            mutable: true,
            shared: false,
        };
        globals.global(global, &ConstExpr::i64_const(0));
    }
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, NOTHING);
    let mut elements = ElementSection::new();
    elements.active(
        None,
        &ConstExpr::i32_const(0),
        Elements::Functions(Cow::Borrowed(&[NOTHING, SWAP_16, TAKE_32])),
    );
    let mut module = Module::new();
    module
        .section(&types)
        .section(&declared)
        .section(&tables)
        .section(&memories)
        .section(&globals)
        .section(&exports)
        .section(&elements)
        .section(&DataCountSection { count: 1 });
    module
}

/// A function with so many locals of type `i64`.
pub fn body(locals: u32, write: impl FnOnce(&mut InstructionSink<'_>)) -> Function {
    let mut function = Function::new((locals > 0).then_some((locals, ValType::I64)));
    write(&mut function.instructions());
    function.instructions().end();
    function
}

/// An address at a constant offset.
#[must_use]
pub fn at(offset: u64) -> MemArg {
    MemArg {
        offset,
        align: 0,
        target: MemArgTarget::Memory(0),
        ordering: None,
    }
}
