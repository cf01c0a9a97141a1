//! What a unit of PolkaVM's cost model takes, on the interpreter and compiled, beside what a gas of
//! wasm takes: from these figures come the rate of PolkaVM programs and the price of their code
//! (`docs/book/src/polkavm.md`).
//!
//! Each line is a program that does one thing over and over, made to take as long as possible for
//! what it is charged, or a kernel of the guests.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "it measures, and prints what it finds"
)]

use std::{fmt::Write, fs, num::NonZeroU32, sync::Arc};

use fusee_engine::{Engine, Gas, Rate, Value};
use fusee_engine_polkavm::{Backend, PolkaVmEngine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_executor::{Executor, Outcome, RunRequest};
use fusee_instrument::{PolkaVmRules, Rules};
use polkavm_common::{
    abi::{MemoryMap, MemoryMapBuilder},
    program::{Instruction, InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};

const COMPUTE: &[u8] = include_bytes!("../../../guests/polkavm/compute.polkavm");
/// Instructions that are executed of each program, about.
const STEPS: usize = 40_000_000;
/// Memory of each program: read-only data, data and stack, nothing of which is written in the
/// program.
const MEMORY: u32 = 1 << 18;
/// Registers that a program may change: all but the counter, the stack pointer and the return
/// address.
const FREE: [Reg; 9] = [
    Reg::A1,
    Reg::A2,
    Reg::A3,
    Reg::A4,
    Reg::A5,
    Reg::T0,
    Reg::T1,
    Reg::T2,
    Reg::S0,
];
/// A register that is never changed.
const FIXED: Reg = Reg::S1;

/// Not to be guessed by a processor, and the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

fn map() -> MemoryMap {
    let mut map = MemoryMapBuilder::new(4_096);
    map.ro_data_size(MEMORY).rw_data_size(MEMORY);
    map.stack_size(MEMORY).build().unwrap()
}

/// A program that repeats its body as often as it is told. The blocks of the body begin at 2, and
/// block 1 is a trap.
fn repeated(body: &[Instruction], table: &[u32]) -> Vec<u8> {
    let mut code = vec![asm::jump(2), asm::trap()];
    code.extend_from_slice(body);
    code.push(asm::add_imm_64(Reg::A0, Reg::A0, -1));
    code.push(asm::branch_not_eq_imm(Reg::A0, 0, 2));
    code.push(asm::ret());
    blob(&code, table)
}

fn blob(code: &[Instruction], table: &[u32]) -> Vec<u8> {
    let mut program = ProgramBlobBuilder::new(InstructionSetKind::ReviveV1);
    program.set_ro_data_size(MEMORY);
    program.set_rw_data_size(MEMORY);
    program.set_stack_size(MEMORY);
    program.add_export_by_basic_block(0, b"run");
    program.set_code(code, table);
    program.into_vec().unwrap()
}

/// The price of a program's gas is one a unit, and code is free.
fn rules() -> Rules {
    Rules::v1(Vec::new()).with_polkavm(PolkaVmRules {
        version: 0,
        rate: Rate::new(NonZeroU32::MIN, NonZeroU32::MIN),
        code_instruction: 0,
        code_block: 0,
        ..PolkaVmRules::v1()
    })
}

/// Nanoseconds that this thread has computed, by the system's scheduler. What other processes take
/// is not among them.
fn busy() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Nanoseconds and gas of a call, without its instance's price: the least of some.
fn call(engine: &Arc<dyn Engine>, program: &[u8], entry: &str, arg: Value) -> (u64, u64) {
    let executor = Executor::builder(Arc::clone(engine)).build();
    let prepared = executor.prepare(program, &rules()).unwrap();
    let free = prepared.program().instantiation_gas.units();
    let mut least = (u64::MAX, 0);
    for _ in 0..3 {
        let args = [arg];
        let request = RunRequest::new(entry, &args[..], Gas::new(1 << 50));
        let start = busy();
        let outcome = executor.run(&prepared, request, ()).unwrap();
        let time = busy() - start;
        let Outcome::Finished(finished) = outcome else {
            panic!("{outcome:?}");
        };
        least = least.min((time, finished.gas_used().units() - free));
    }
    least
}

struct Bench {
    engines: Vec<Arc<dyn Engine>>,
}

impl Bench {
    fn line(&self, name: &str, program: &[u8], entry: &str, count: i64) {
        let mut line = format!("{name:44}");
        for engine in &self.engines {
            let (time, units) = call(engine, program, entry, Value::I64(count));
            write!(line, " {:8.2}", time as f64 / units as f64).unwrap();
        }
        println!("{line}");
    }

    fn body(&self, name: &str, body: &[Instruction], table: &[u32]) {
        let count = STEPS / body.len();
        let program = repeated(body, table);
        self.line(name, &program, "run", i64::try_from(count).unwrap());
    }

    /// One instruction many times in one block.
    fn straight(&self, name: &str, instruction: impl Fn(usize) -> Instruction) {
        let body: Vec<_> = (0..500).map(instruction).collect();
        self.body(name, &body, &[]);
    }

    /// Many short blocks: some instructions, and one that ends the block, which is told the block
    /// after.
    fn blocks(
        &self,
        name: &str,
        each: usize,
        fill: impl Fn(usize) -> Instruction,
        end: impl Fn(u32) -> Instruction,
    ) {
        let count = 1_000 / (each + 1);
        let mut body = Vec::new();
        for block in 0..count {
            body.extend((0..each).map(&fill));
            body.push(end(u32::try_from(block).unwrap() + 3));
        }
        let table: Vec<u32> = (0..u32::try_from(count).unwrap() + 4).collect();
        self.body(name, &body, &table);
    }
}

fn free(n: usize) -> Reg {
    FREE[n % FREE.len()]
}

fn memory(bench: &Bench) {
    let map = map();
    for (name, address) in [
        ("read-only data", map.ro_data_address()),
        ("data", map.rw_data_address()),
        ("stack", map.stack_address_low()),
    ] {
        let at = |n: usize| address.cast_signed() + i32::try_from(n % 500 * 8).unwrap();
        bench.straight(&format!("loads of 8 bytes of {name}, not written"), |n| {
            asm::load_u64(free(n), at(n))
        });
        bench.straight(&format!("loads of a byte of {name}, not written"), |n| {
            asm::load_u8(free(n), at(n))
        });
        if name != "read-only data" {
            bench.straight(&format!("stores of 8 bytes of {name}"), |n| {
                asm::store_imm_u64(at(n), 1)
            });
            let mut body = vec![asm::store_imm_u8(
                (address + if name == "data" { MEMORY - 8 } else { 0 }).cast_signed(),
                1,
            )];
            body.extend((0..500).map(|n| asm::load_u64(free(n), at(n))));
            bench.body(&format!("loads of 8 bytes of {name}, written"), &body, &[]);
        }
    }
}

fn straight(bench: &Bench) {
    bench.straight("move_reg, independent", |n| {
        asm::move_reg(free(n), free(n + 4))
    });
    bench.straight("load_imm", |n| asm::load_imm(free(n), 1));
    bench.straight("load_imm64", |n| {
        asm::load_imm64(free(n), 0x1234_5678_9abc_def0)
    });
    bench.straight("add_imm_64, independent", |n| {
        asm::add_imm_64(free(n), free(n), 3)
    });
    bench.straight("add_imm_64, a chain", |_| {
        asm::add_imm_64(Reg::A1, Reg::A1, 3)
    });
    bench.straight("add_64, independent", |n| {
        asm::add_64(free(n), free(n), FIXED)
    });
    bench.straight("xor, independent", |n| asm::xor(free(n), free(n), FIXED));
    bench.straight("shift_logical_left_imm_64", |n| {
        asm::shift_logical_left_imm_64(free(n), free(n), 3)
    });
    bench.straight("rotate_right_imm_32", |n| {
        asm::rotate_right_imm_32(free(n), free(n), 3)
    });
    bench.straight("rotate_left_64", |n| {
        asm::rotate_left_64(free(n), free(n), FIXED)
    });
    bench.straight("count_set_bits_64", |n| {
        asm::count_set_bits_64(free(n), free(n))
    });
    bench.straight("count_leading_zero_bits_64", |n| {
        asm::count_leading_zero_bits_64(free(n), free(n))
    });
    bench.straight("reverse_byte", |n| asm::reverse_byte(free(n), free(n)));
    bench.straight("sign_extend_8", |n| asm::sign_extend_8(free(n), free(n)));
    bench.straight("mul_64, independent", |n| {
        asm::mul_64(free(n), free(n), FIXED)
    });
    bench.straight("mul_upper_signed_signed", |n| {
        asm::mul_upper_signed_signed(free(n), free(n), FIXED)
    });
    bench.straight("div_unsigned_64, independent", |n| {
        asm::div_unsigned_64(free(n), free(n), FIXED)
    });
    bench.straight("rem_signed_64, independent", |n| {
        asm::rem_signed_64(free(n), free(n), FIXED)
    });
    bench.straight("cmov_if_zero", |n| asm::cmov_if_zero(free(n), FIXED, FIXED));
    bench.straight("set_less_than_signed", |n| {
        asm::set_less_than_signed(free(n), free(n), FIXED)
    });
    bench.straight("maximum", |n| asm::maximum(free(n), free(n), FIXED));
}

fn blocks(bench: &Bench) {
    let moves = |n: usize| asm::move_reg(free(n), free(n + 4));
    for each in [0, 2, 4, 6, 8, 10, 12, 16, 24] {
        bench.blocks(
            &format!("{each} moves and a fallthrough"),
            each,
            moves,
            |_| asm::fallthrough(),
        );
    }
    let adds = |n: usize| asm::add_imm_64(free(n), free(n), 3);
    for each in [0, 4, 8, 12] {
        bench.blocks(
            &format!("{each} additions and a branch to a trap"),
            each,
            adds,
            |_| asm::branch_eq_imm(FIXED, 12_345, 1),
        );
    }
    bench.blocks("jump", 0, moves, asm::jump);
    bench.blocks("branch, taken", 0, moves, |next| {
        asm::branch_eq_imm(FIXED, 0, next)
    });
    // An address in the table is its position and one, times two.
    bench.blocks("load_imm, jump_indirect", 0, moves, |next| {
        let address = i32::try_from((next + 1) * 2).unwrap();
        asm::load_imm_and_jump_indirect(Reg::A1, FIXED, 1, address)
    });
}

/// Programs that no branch predictor knows: whatever is in them runs once in a while.
fn mixed(bench: &Bench) {
    for count in [1_000, 10_000, 200_000] {
        let mut random = Random(0x1234_5678_9abc_def1);
        let body: Vec<_> = (0..count)
            .map(|_| {
                let register = free(random.below(9));
                let other = free(random.below(9));
                match random.below(10) {
                    0 => asm::move_reg(register, other),
                    1 => asm::add_imm_64(register, register, 3),
                    2 => asm::xor(register, register, other),
                    3 => asm::and(register, register, other),
                    4 => asm::count_set_bits_64(register, other),
                    5 => asm::load_imm(register, 7),
                    6 => asm::or(register, register, other),
                    7 => asm::sub_64(register, register, other),
                    8 => asm::sign_extend_8(register, other),
                    _ => asm::reverse_byte(register, other),
                }
            })
            .collect();
        bench.body(&format!("{count} mixed instructions"), &body, &[]);
    }
}

/// A wasm program that does the same, on wasmi.
fn wasm() {
    println!("\nwasm, ns a gas: wasmi");
    let engine: Arc<dyn Engine> = Arc::new(WasmiEngine::new());
    let line = |name: &str, count: usize, body: &str| {
        let program = wat::parse_str(format!(
            r#"(module (memory 16) (global $g (mut i64) (i64.const 0)) (func (export "run") (param $n i64)
              (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $e i32)
              (loop $again {body}
                (local.set $n (i64.sub (local.get $n) (i64.const 1)))
                (br_if $again (i64.ne (local.get $n) (i64.const 0))))))"#
        ));
        let rounds = Value::I64(i64::try_from(STEPS / count).unwrap());
        let (time, gas) = call(&engine, &program.unwrap(), "run", rounds);
        println!("{name:44} {:8.2}", time as f64 / gas as f64);
    };
    let chain = "(local.set $a (i64.add (local.get $a) (local.get $b)))";
    line("i64.add, a chain", 500, &chain.repeat(500));
    let copies = "(local.set $a (local.get $b))(local.set $c (local.get $d))";
    line("copies of locals", 500, &copies.repeat(250));
    let load = "(local.set $a (i64.load (i32.const 8)))";
    line("i64.load", 500, &load.repeat(500));
    let store = "(i64.store (i32.const 8) (local.get $a))";
    line("i64.store", 500, &store.repeat(500));
    let branch = "(block (br_if 0 (local.get $e)))";
    line("br_if, not taken", 500, &branch.repeat(500));
    let branch = "(block (br 0))";
    line("br", 500, &branch.repeat(500));
    for count in [1_000, 10_000, 30_000] {
        let mut random = Random(0x1234_5678_9abc_def1);
        let mut body = String::new();
        for _ in 0..count {
            let [to, one] = [(); 2].map(|()| ["$a", "$b", "$c", "$d"][random.below(4)]);
            // What is cheapest, so that there are most of them for the gas.
            let statement = match random.below(8) {
                0 => format!("(local.set {to} (local.get {one}))"),
                1 => format!("(local.set {to} (i64.const 7))"),
                2 => format!("(local.set $e (i32.wrap_i64 (local.get {one})))"),
                3 => format!("(local.set {to} (i64.rotl (local.get {one}) (i64.const 3)))"),
                4 => format!("(local.set {to} (i64.extend_i32_u (local.get $e)))"),
                5 => format!("(local.set {to} (i64.and (local.get {one}) (local.get {to})))"),
                6 => format!("(global.set $g (local.get {one}))"),
                _ => format!("(local.set {to} (global.get $g))"),
            };
            body.push_str(&statement);
        }
        line(&format!("{count} mixed operators"), count, &body);
    }
}

/// Nanoseconds of a call in a fresh instance, without those of the same call made again there. All
/// together, since the scheduler's time has steps of some milliseconds.
fn first(engine: &Arc<dyn Engine>, program: &[u8]) -> f64 {
    const CALLS: u32 = 20;
    let executor = Executor::builder(Arc::clone(engine)).build();
    let prepared = executor.prepare(program, &rules()).unwrap();
    let args = [Value::I64(1)];
    let request = || RunRequest::new("run", &args, Gas::new(1 << 50));
    let recycle = |outcome| {
        let Outcome::Finished(finished) = outcome else {
            panic!("{outcome:?}");
        };
        finished.into_instance().0.unwrap()
    };
    let start = busy();
    let lives: Vec<_> = (0..CALLS)
        .map(|_| recycle(executor.run(&prepared, request(), ()).unwrap()))
        .collect();
    let fresh = busy() - start;
    let start = busy();
    let lives: Vec<_> = lives
        .into_iter()
        .map(|live| recycle(live.run(request(), ()).unwrap()))
        .collect();
    let again = busy() - start;
    drop(lives);
    (fresh as f64 - again as f64) / f64::from(CALLS)
}

/// What translating takes: programs that run once from their first instruction to their last.
fn translated(engine: &Arc<dyn Engine>) {
    println!("\ntranslation, ns: an instruction, a block; code bytes an instruction");
    const INSTRUCTIONS: usize = 60_000;
    let line = |name: &str, code: &[Instruction], blocks: usize| {
        let program = blob(code, &[]);
        let time = first(engine, &program);
        println!(
            "{name:44} {:8.1} {:8.1} {:8.1}",
            time / code.len() as f64,
            time / blocks as f64,
            // Each byte has a bit beside it.
            (program.len() * 8) as f64 / 9.0 / code.len() as f64,
        );
    };
    let cases: [(&str, &dyn Fn(usize) -> Instruction); 13] = [
        ("move_reg", &|n| asm::move_reg(free(n), free(n + 4))),
        ("add_imm_64, independent", &|n| {
            asm::add_imm_64(free(n), free(n), 3)
        }),
        ("add_imm_64, a chain", &|_| {
            asm::add_imm_64(Reg::A1, Reg::A1, 3)
        }),
        ("cmov_if_zero", &|n| {
            asm::cmov_if_zero(free(n), free(n + 1), free(n + 2))
        }),
        ("mul_64, a chain", &|_| {
            asm::mul_64(Reg::A1, Reg::A1, Reg::A1)
        }),
        ("mul_upper_signed_unsigned", &|n| {
            asm::mul_upper_signed_unsigned(free(n), free(n + 1), free(n + 2))
        }),
        ("div_unsigned_64, independent", &|n| {
            asm::div_unsigned_64(free(n), free(n), FIXED)
        }),
        ("div_unsigned_64, a chain", &|_| {
            asm::div_unsigned_64(Reg::A1, Reg::A1, FIXED)
        }),
        ("load_u8, independent", &|n| {
            asm::load_u8(free(n), map().rw_data_address().cast_signed())
        }),
        ("load_indirect_u8, a chain", &|_| {
            asm::load_indirect_u8(Reg::A1, Reg::A1, map().rw_data_address().cast_signed())
        }),
        ("store_imm_u8", &|_| {
            asm::store_imm_u8(map().rw_data_address().cast_signed(), 1)
        }),
        ("loads, divisions, products", &|n| match n % 5 {
            0 => asm::div_unsigned_64(free(n), free(n), FIXED),
            1 | 3 => asm::mul_64(free(n), free(n + 3), FIXED),
            2 => asm::add_64(free(n), free(n + 3), FIXED),
            _ => asm::load_u8(free(n), map().rw_data_address().cast_signed()),
        }),
        ("rotations, branches apart", &|n| {
            asm::rotate_left_64(free(n), free(n + 1), FIXED)
        }),
    ];
    for (name, case) in cases {
        for each in [1_000, 4, 1] {
            let mut code = Vec::new();
            for n in 0..INSTRUCTIONS / (each + 1) {
                code.extend((0..each).map(|m| case(n + m)));
                code.push(asm::fallthrough());
            }
            code.push(asm::ret());
            let name = format!("{name}, blocks of {each}");
            line(&name, &code, INSTRUCTIONS / (each + 1));
        }
    }
    let count = u32::try_from(INSTRUCTIONS).unwrap();
    let ends: [(&str, &dyn Fn(u32) -> Instruction); 4] = [
        ("fallthrough", &|_| asm::fallthrough()),
        ("branch to the next block", &|n| {
            asm::branch_eq_imm(FIXED, 0, n + 1)
        }),
        ("jump to the next block", &|n| asm::jump(n + 1)),
        ("load_imm and jump", &|n| {
            asm::load_imm_and_jump(Reg::A1, 1, n + 1)
        }),
    ];
    for (name, end) in ends {
        let mut code: Vec<_> = (0..count).map(end).collect();
        code.push(asm::ret());
        line(name, &code, INSTRUCTIONS);
    }
    // What is never reached takes nothing but its place.
    let mut code = vec![asm::ret()];
    code.extend((0..INSTRUCTIONS).map(|n| asm::move_reg(free(n), free(n + 4))));
    code.push(asm::ret());
    line("the first instruction returns", &code, 1);
}

fn main() {
    let engine = |backend| -> Arc<dyn Engine> { Arc::new(PolkaVmEngine::on(backend).unwrap()) };
    // What was translated is not to be there the next time.
    let interpreter = PolkaVmEngine::new().unwrap().with_idle_bytes(0);
    let interpreter: Arc<dyn Engine> = Arc::new(interpreter);
    let bench = Bench {
        engines: vec![Arc::clone(&interpreter), engine(Backend::GenericSandbox)],
    };
    translated(&interpreter);
    println!("\nns a unit: interpreter, compiled");
    straight(&bench);
    memory(&bench);
    blocks(&bench);
    mixed(&bench);
    for (entry, count) in [("mix", 10_000_000), ("fib", 30)] {
        bench.line(entry, COMPUTE, entry, count);
    }
    wasm();
}
