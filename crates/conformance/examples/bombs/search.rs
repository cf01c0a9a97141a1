//! A search for programs that are dearer to compile than any shape.
//!
//! A program is written by a list of genes, which is repeated so often in one function as the
//! limits admit. Each gene adds an operator or two. The search changes the dearest lists that it
//! knows, at random. Dear is what the whole program would take that repeats the function as often
//! as the limits admit. The search never ends by itself before its time, and prints each program
//! that is dearer than all before it.

use std::{fs, path::Path};

use fusee_conformance::Random;
use fusee_instrument::{Limits, inspect, prepare};
use wasm_encoder::{BlockType, Function, InstructionSink};

use crate::{
    measure::{measure, rules},
    most,
    shapes::{NOTHING, PLAIN, SWAP_16, TAKES_I32, WIDE, assemble, at, body},
};

/// How many of the dearest lists are kept.
const POPULATION: usize = 40;

/// What takes less cannot be told from what an empty program takes.
const LEAST_MS: u64 = 40;

/// The most that the genes of a function are repeated.
const MOST_TURNS: u32 = 1 << 17;

/// Begins a list that has one phase with these genes.
const SEEDS: &[&[[u8; 3]]] = &[
    &[[17, 1, 1]],
    &[[8, 0, 0], [1, 1, 1], [10, 0, 0]],
    &[[6, 0, 0], [11, 0, 0], [10, 0, 0]],
    &[[1, 1, 1], [11, 9, 0]],
    &[[12, 3, 1], [1, 1, 1]],
    &[[7, 0, 0], [1, 2, 1], [11, 0, 0], [10, 0, 0]],
    &[[4, 0, 1]],
    &[[0, 1, 1], [0, 2, 1], [2, 2, 0], [20, 3, 1]],
    &[[13, 0, 0], [0, 1, 1], [5, 0, 0]],
    &[[15, 0, 0]],
];

/// A list of genes and how it is made a function.
#[derive(Clone, Debug)]
struct Genome {
    /// Number of locals, beside the parameter.
    locals: u16,
    /// The size of the function: the limits of a function, divided by this power of two.
    part: u8,
    phases: Vec<Phase>,
}

/// Genes that follow each other so often.
#[derive(Clone, Debug)]
struct Phase {
    /// This many 16ths of the turns.
    turns: u8,
    genes: Vec<[u8; 3]>,
}

/// A list of genes, and what it came to.
#[derive(Clone, Debug)]
struct Found {
    genome: Genome,
    /// Milliseconds that the whole program would take.
    whole_ms: u64,
}

/// Searches for so many minutes. A measurement is ended after so many seconds.
#[allow(clippy::print_stdout, reason = "a program for people")]
pub(crate) fn search(minutes: u64, directory: &str, seconds: u64) {
    fs::create_dir_all(directory).expect("the directory can be made");
    let begin = now();
    let mut random = Random::new(begin);
    let mut found: Vec<Found> = Vec::new();
    let mut tried = 0_u64;
    while now().saturating_sub(begin) < minutes.saturating_mul(60) {
        let genome = match SEEDS.get(usize::try_from(tried).unwrap_or(usize::MAX)) {
            Some(seed) => Genome::of(seed),
            None => Genome::next(&found, &mut random),
        };
        tried += 1;
        let Some((whole_ms, told, wasm)) = evaluate(&genome, seconds) else {
            continue;
        };
        if found.first().is_none_or(|worst| whole_ms > worst.whole_ms) {
            println!("{tried}: {told} {genome:?}");
            let path = Path::new(directory).join(format!("{whole_ms}.wasm"));
            fs::write(path, wasm).expect("the directory takes files");
        }
        found.push(Found { genome, whole_ms });
        found.sort_by_key(|found| std::cmp::Reverse(found.whole_ms));
        found.truncate(POPULATION);
    }
    println!("{tried} programs");
}

/// Measures the largest function of these genes: the time of the whole program, a text that tells
/// more, and the program of the one function.
fn evaluate(genome: &Genome, seconds: u64) -> Option<(u64, String, Vec<u8>)> {
    let limits = Limits::v1();
    let part = u64::from(genome.part);
    let program = |turns: u32| assemble(TAKES_I32, 1, &genome.function(turns));
    let turns = most(MOST_TURNS, |turns| {
        let wasm = program(turns);
        let rules = rules(&wasm);
        let is_small =
            u64::try_from(wasm.len()).unwrap_or(u64::MAX) <= limits.function_bytes >> part;
        is_small
            && inspect(&wasm, &rules).is_ok_and(|found| {
                let work = found.functions.iter().map(|function| function.work).max();
                work.unwrap_or(0) <= limits.function_work >> part
            })
    });
    if turns == 0 {
        return None;
    }
    let wasm = program(turns);
    prepare(&wasm, &rules(&wasm)).ok()?;
    let bytes = u64::try_from(wasm.len()).ok()?;
    let (compile_ms, work, metered) = match measure("wasmtime", &wasm, seconds) {
        Ok(found) => (found.compile_ms, found.work, found.metered_bytes),
        Err(_) => (seconds.saturating_mul(1_000), 1, 1),
    };
    // What an empty program takes.
    let compile_ms = compile_ms.saturating_sub(20);
    if compile_ms < LEAST_MS {
        return None;
    }
    let functions = (limits.program_work / work.max(1))
        .min(limits.code_bytes / bytes)
        .min(limits.output_bytes / metered.max(1))
        .max(1);
    let whole_ms = compile_ms.saturating_mul(functions);
    let told = format!(
        "{whole_ms} ms in {functions} functions, {} ns/u, {work} units, {bytes} bytes, {turns} turns,",
        compile_ms.saturating_mul(1_000_000) / work.max(1)
    );
    Some((whole_ms, told, wasm))
}

impl Genome {
    fn of(genes: &[[u8; 3]]) -> Self {
        Self {
            locals: 10,
            part: 1,
            phases: vec![Phase {
                turns: 16,
                genes: genes.to_vec(),
            }],
        }
    }

    /// A list like the dearest ones.
    fn next(found: &[Found], random: &mut Random) -> Self {
        let pick = |random: &mut Random| {
            let length = u64::try_from(found.len()).unwrap_or(1).max(1);
            // The dearest ones more often than the others.
            let position = random.below(length).min(random.below(length));
            let position = usize::try_from(position).unwrap_or(0);
            found.get(position).map(|found| found.genome.clone())
        };
        let Some(mut genome) = pick(random) else {
            return Self::of(&[[0, 0, 0]]);
        };
        for _ in 0..=random.below(4) {
            genome.mutate(random);
        }
        if let (0, Some(other)) = (random.below(4), pick(random)) {
            genome.phases.extend(other.phases);
            genome.phases.truncate(4);
        }
        genome
    }

    fn mutate(&mut self, random: &mut Random) {
        let byte = |random: &mut Random| u8::try_from(random.below(256)).unwrap_or(0);
        let gene = |random: &mut Random| {
            let kind = u8::try_from(random.below(u64::from(KINDS))).unwrap_or(0);
            let small = u8::try_from(random.below(20)).unwrap_or(0);
            [
                kind,
                if random.below(2) == 0 {
                    small
                } else {
                    byte(random)
                },
                byte(random) & 3,
            ]
        };
        let phases = u64::try_from(self.phases.len()).unwrap_or(1).max(1);
        let phase = usize::try_from(random.below(phases)).unwrap_or(0);
        match random.below(10) {
            0 => {
                let sizes = [0, 1, 4, 8, 12, 16, 30, 60, 120, 300, 800, 1_900];
                let size = usize::try_from(random.below(12)).unwrap_or(0);
                self.locals = sizes.get(size).copied().unwrap_or(0);
            }
            1 => self.part = u8::try_from(random.below(6)).unwrap_or(0),
            2 if self.phases.len() > 1 => {
                self.phases.remove(phase);
            }
            3 if self.phases.len() < 4 => {
                let genes = (0..=random.below(4)).map(|_| gene(random)).collect();
                let turns = 1 + (byte(random) & 15);
                let phase = random.below(phases + 1);
                let phase = usize::try_from(phase).unwrap_or(0);
                self.phases.insert(phase, Phase { turns, genes });
            }
            other => {
                let Some(phase) = self.phases.get_mut(phase) else {
                    return;
                };
                let genes = u64::try_from(phase.genes.len()).unwrap_or(0);
                let position = usize::try_from(random.below(genes.max(1))).unwrap_or(0);
                match other {
                    4 => phase.turns = 1 + (byte(random) & 15),
                    5 if genes > 1 => {
                        phase.genes.remove(position);
                    }
                    6 | 7 if genes < 24 => phase.genes.insert(position, gene(random)),
                    8 if genes < 24 => {
                        let copied = phase.genes.get(position).copied();
                        phase.genes.extend(copied);
                    }
                    _ => {
                        if let Some(old) = phase.genes.get_mut(position) {
                            *old = gene(random);
                        }
                    }
                }
            }
        }
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
const KINDS: u8 = 30;

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

/// Seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "this is what it is for")]
fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
