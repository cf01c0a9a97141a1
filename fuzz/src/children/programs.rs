//! Programs of children, from the fuzzer's bytes: wasm and PolkaVM, made, changed, and none at all.

use std::sync::LazyLock;

use fusee_conformance::smith;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use polkavm_common::{
    program::{Instruction, InstructionSetKind, Reg, asm},
    writer::ProgramBlobBuilder,
};

/// Guests that are here as they are.
const COMPUTE: &[u8] = include_bytes!("../../../guests/polkavm/compute.polkavm");
/// Two functions of one name; only Substrate's rules admit it.
const TWICE: &[u8] = include_bytes!("../../../guests/polkavm/hostile_export_twice.polkavm");
const COUNTER: &[u8] = include_bytes!("../../../guests/polkavm/counter.polkavm");

/// What a wasm child can do: ask with all that can be asked, keep, grow, end badly, and not end.
static ASKING: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = r#"(module
        (import "env" "increment" (func $increment (param i64) (result i64)))
        (import "other" "six" (func $six (param i32 i64 i32 i64 i32 i64) (result i32)))
        (import "env" "nothing" (func $nothing))
        (memory (export "memory") 1 3)
        (global $kept (mut i64) (i64.const 3))
        (data (i32.const 16) "data")
        (func (export "counter") (param i64) (local $left i32)
            (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (local.get 0)))
            (local.set $left (i32.const 3))
            (loop $again
                (i64.store (i32.const 0) (call $increment (i64.load (i32.const 0))))
                (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
        (func (export "panic") unreachable)
        (func (export "outside") (drop (i32.load (i32.const 196607))))
        (func (export "endless") (loop $again (br $again)))
        (func (export "exit") (call $nothing) unreachable)
        (func (export "grow") (param i32) (result i32)
            (call $nothing) (memory.grow (local.get 0)))
        (func (export "keep") (param i64)
            (global.set $kept (call $increment (i64.add (global.get $kept) (local.get 0)))))
        (func (export "registers") (param i32 i64) (result i64)
            (i32.store (i32.const 24) (call $six
                (local.get 0) (i64.const -2) (i32.const -3) (local.get 1) (i32.const 5) (i64.const 6)))
            (i64.const 77))
        (func (export "float") (param f64))
        (func $start (export "start") (call $nothing))
        (start $start))"#;
    wat::parse_str(text).expect("the text is right")
});

/// Names that are prepared, beside those that a program exports.
pub const NAMES: &[&[u8]] = &[b"", b"_initialize", b"memory", b"\xff\xfe", &[b'n'; 3_000]];

/// A program, and what it is known not to do.
pub struct Source {
    pub bytes: Vec<u8>,
    /// Functions that end by themselves, however much gas they have.
    pub ending: &'static [&'static str],
}

pub fn source(u: &mut Unstructured<'_>) -> Result<Source> {
    let kind = u.int_in_range(0..=14)?;
    let length = usize::from(u.arbitrary::<u16>()?).min(u.len());
    let mut chosen = |length: usize| u.bytes(length);
    let (bytes, ending): (_, &[&str]) = match kind {
        0 => (
            ASKING.clone(),
            &[
                "counter",
                "panic",
                "outside",
                "exit",
                "grow",
                "keep",
                "registers",
            ],
        ),
        1 => (
            COMPUTE.to_vec(),
            &[
                "add", "six", "fixed", "nothing", "keep", "fail", "load", "store",
            ],
        ),
        2 => (COUNTER.to_vec(), &["deploy", "increment", "add", "value"]),
        3 => (chosen(length)?.to_vec(), &[]),
        4 => ([b"\0asm\x01\0\0\0", chosen(length)?].concat(), &[]),
        5 => ([&b"PVM\0"[..], chosen(length)?].concat(), &[]),
        6 => (changed(&ASKING, chosen(length % 64)?), &[]),
        7 => (changed(COMPUTE, chosen(length % 64)?), &[]),
        8 => (changed(COUNTER, chosen(length % 64)?), &[]),
        9 | 10 => (
            smith::program(chosen(length % 2_048)?).unwrap_or_default(),
            &[],
        ),
        11 => (TWICE.to_vec(), &[]),
        _ => {
            let mut u = Unstructured::new(chosen(length % 512)?);
            (assembled(&mut u).unwrap_or_default(), &[])
        }
    };
    Ok(Source { bytes, ending })
}

/// A program of which some bytes are others.
fn changed(program: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = program.to_vec();
    for change in changes.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] = match change[2] % 3 {
            0 => change[3],
            1 => bytes[at] ^ change[3],
            _ => bytes[at].wrapping_add(1),
        };
    }
    bytes
}

type Three = fn(Reg, Reg, Reg) -> Instruction;
type TwoAndNumber = fn(Reg, Reg, i32) -> Instruction;
type OneAndNumber = fn(Reg, i32) -> Instruction;
type Two = fn(Reg, Reg) -> Instruction;

const THREE: &[Three] = &[
    asm::add_32,
    asm::add_64,
    asm::sub_32,
    asm::sub_64,
    asm::and,
    asm::xor,
    asm::or,
    asm::mul_32,
    asm::mul_64,
    asm::mul_upper_signed_signed,
    asm::mul_upper_unsigned_unsigned,
    asm::mul_upper_signed_unsigned,
    asm::set_less_than_unsigned,
    asm::set_less_than_signed,
    asm::shift_logical_left_32,
    asm::shift_logical_left_64,
    asm::shift_logical_right_32,
    asm::shift_logical_right_64,
    asm::shift_arithmetic_right_32,
    asm::shift_arithmetic_right_64,
    asm::div_unsigned_32,
    asm::div_unsigned_64,
    asm::div_signed_32,
    asm::div_signed_64,
    asm::rem_unsigned_32,
    asm::rem_unsigned_64,
    asm::rem_signed_32,
    asm::rem_signed_64,
    asm::cmov_if_zero,
    asm::cmov_if_not_zero,
    asm::and_inverted,
    asm::or_inverted,
    asm::xnor,
    asm::maximum,
    asm::maximum_unsigned,
    asm::minimum,
    asm::minimum_unsigned,
    asm::rotate_left_32,
    asm::rotate_left_64,
    asm::rotate_right_32,
    asm::rotate_right_64,
];

const TWO_AND_NUMBER: &[TwoAndNumber] = &[
    asm::store_indirect_u8,
    asm::store_indirect_u16,
    asm::store_indirect_u32,
    asm::store_indirect_u64,
    asm::load_indirect_u8,
    asm::load_indirect_i8,
    asm::load_indirect_u16,
    asm::load_indirect_i16,
    asm::load_indirect_i32,
    asm::load_indirect_u32,
    asm::load_indirect_u64,
    asm::add_imm_32,
    asm::add_imm_64,
    asm::and_imm,
    asm::xor_imm,
    asm::or_imm,
    asm::mul_imm_32,
    asm::mul_imm_64,
    asm::set_less_than_unsigned_imm,
    asm::set_less_than_signed_imm,
    asm::shift_logical_left_imm_32,
    asm::shift_logical_left_imm_64,
    asm::shift_logical_right_imm_32,
    asm::shift_logical_right_imm_64,
    asm::shift_arithmetic_right_imm_32,
    asm::shift_arithmetic_right_imm_64,
    asm::negate_and_add_imm_32,
    asm::negate_and_add_imm_64,
    asm::set_greater_than_unsigned_imm,
    asm::set_greater_than_signed_imm,
    asm::shift_logical_right_imm_alt_32,
    asm::shift_logical_right_imm_alt_64,
    asm::shift_arithmetic_right_imm_alt_32,
    asm::shift_arithmetic_right_imm_alt_64,
    asm::shift_logical_left_imm_alt_32,
    asm::shift_logical_left_imm_alt_64,
    asm::cmov_if_zero_imm,
    asm::cmov_if_not_zero_imm,
    asm::rotate_right_imm_32,
    asm::rotate_right_imm_alt_32,
    asm::rotate_right_imm_64,
    asm::rotate_right_imm_alt_64,
];

const ONE_AND_NUMBER: &[OneAndNumber] = &[
    asm::load_imm,
    asm::load_u8,
    asm::load_i8,
    asm::load_u16,
    asm::load_i16,
    asm::load_i32,
    asm::load_u32,
    asm::load_u64,
    asm::store_u8,
    asm::store_u16,
    asm::store_u32,
    asm::store_u64,
    asm::jump_indirect,
];

const TWO: &[Two] = &[
    asm::move_reg,
    asm::count_leading_zero_bits_32,
    asm::count_leading_zero_bits_64,
    asm::count_trailing_zero_bits_32,
    asm::count_trailing_zero_bits_64,
    asm::count_set_bits_32,
    asm::count_set_bits_64,
    asm::sign_extend_8,
    asm::sign_extend_16,
    asm::zero_extend_16,
    asm::reverse_byte,
];

const BRANCHES: &[fn(Reg, Reg, u32) -> Instruction] = &[
    asm::branch_eq,
    asm::branch_not_eq,
    asm::branch_less_unsigned,
    asm::branch_less_signed,
    asm::branch_greater_or_equal_unsigned,
    asm::branch_greater_or_equal_signed,
];

const NUMBER_BRANCHES: &[fn(Reg, i32, u32) -> Instruction] = &[
    asm::branch_eq_imm,
    asm::branch_not_eq_imm,
    asm::branch_less_unsigned_imm,
    asm::branch_less_signed_imm,
    asm::branch_greater_or_equal_unsigned_imm,
    asm::branch_greater_or_equal_signed_imm,
    asm::branch_less_or_equal_signed_imm,
    asm::branch_less_or_equal_unsigned_imm,
    asm::branch_greater_signed_imm,
    asm::branch_greater_unsigned_imm,
    asm::load_imm_and_jump,
];

/// Places where memory begins or ends, or would.
const ADDRESSES: &[i32] = &[
    0,
    0x1_0000,
    0x2_0000,
    0x2_0ffc,
    0x2_1000,
    0x3_0000,
    0x3_0ff9,
    -0x1_0000,
    -0x2_0000,
    -0x2_1000,
    -1,
    i32::MIN,
    i32::MAX,
];

/// A program that is put together, if its parts fit.
fn assembled(u: &mut Unstructured<'_>) -> Option<Vec<u8>> {
    let isa = *u
        .choose(&[
            InstructionSetKind::ReviveV1,
            InstructionSetKind::Latest64,
            InstructionSetKind::JamV1,
        ])
        .ok()?;
    let mut builder = ProgramBlobBuilder::new(isa);
    builder.set_stack_size(*u.choose(&[0, 1, 4_096, 5_000, 65_536, 70_000]).ok()?);
    builder.set_rw_data_size(*u.choose(&[0, 1, 4_096, 8_192, 65_536, 65_537]).ok()?);
    builder.set_rw_data((0..*u.choose(&[0, 1_u8]).ok()?).collect());
    let is_constant: bool = u.arbitrary().ok()?;
    if is_constant {
        builder.set_ro_data_size(4_096);
        builder.set_ro_data(vec![7; 9]);
    }
    let imports = u.int_in_range(0..=3).ok()?;
    for symbol in [&b"one"[..], b"two", b"a symbol of 32 bytes, as it can be"]
        .iter()
        .take(imports)
    {
        builder.add_import(&symbol[..symbol.len().min(32)]);
    }
    let mut code = Vec::new();
    while !u.is_empty() && code.len() < 100 {
        let number = i32::try_from(imports).ok()?;
        code.push(instruction(u, isa, number).ok()?);
    }
    // Each target of a branch is a block that is there.
    let blocks = code
        .iter()
        .filter(|one| one.opcode().starts_new_basic_block())
        .count();
    code.push(asm::ret());
    let blocks = u32::try_from(blocks).ok()?;
    for one in &mut code {
        if let Some(target) = target(one) {
            *target %= blocks + 1;
        }
    }
    builder.set_code(&code, &[0, blocks]);
    builder.add_export_by_basic_block(0, b"f");
    builder.add_export_by_basic_block(blocks, b"end");
    builder.to_vec().ok()
}

fn instruction(
    u: &mut Unstructured<'_>,
    isa: InstructionSetKind,
    imports: i32,
) -> Result<Instruction> {
    let kind = u.int_in_range(0..=15)?;
    let mut reg = || -> Result<Reg> { Ok(*u.choose(&Reg::ALL)?) };
    let (one, two, three) = match kind {
        0..=9 => (reg()?, reg()?, reg()?),
        _ => (reg()?, Reg::SP, Reg::A0),
    };
    Ok(match kind {
        0 | 1 => u.choose(THREE)?(one, two, three),
        2..=4 => u.choose(TWO_AND_NUMBER)?(one, two, number(u)?),
        5 => u.choose(TWO)?(one, two),
        6 => u.choose(BRANCHES)?(one, two, u32::from(u.arbitrary::<u8>()?)),
        7 => asm::load_imm_and_jump_indirect(one, two, number(u)?, number(u)?),
        8 => asm::load_imm64(one, u.arbitrary()?),
        9 => asm::store_imm_indirect_u64(one, number(u)?, number(u)?),
        10 | 11 => u.choose(ONE_AND_NUMBER)?(one, number(u)?),
        12 => u.choose(NUMBER_BRANCHES)?(one, number(u)?, u32::from(u.arbitrary::<u8>()?)),
        13 if imports > 0 => asm::ecalli(u.int_in_range(0..=imports - 1)?),
        14 => match (u.int_in_range(0..=15)?, isa) {
            // Refused.
            (0, _) => asm::sbrk(one, two),
            (1..=3, InstructionSetKind::Latest64) => asm::memset(),
            (4..=6, InstructionSetKind::Latest64) => asm::unlikely(),
            (7 | 8, _) => asm::trap(),
            (9 | 10, _) => asm::ret(),
            _ => asm::fallthrough(),
        },
        _ => asm::store_imm_u32(number(u)?, number(u)?),
    })
}

fn number(u: &mut Unstructured<'_>) -> Result<i32> {
    Ok(match u.int_in_range(0..=3)? {
        0 => u.arbitrary()?,
        1 => i32::from(u.arbitrary::<i8>()?),
        _ => u
            .choose(ADDRESSES)?
            .wrapping_add(i32::from(u.arbitrary::<i8>()?)),
    })
}

/// Where an instruction may go on, by the number of the block.
fn target(instruction: &mut Instruction) -> Option<&mut u32> {
    use Instruction as I;
    match instruction {
        I::jump(target)
        | I::branch_eq(_, _, target)
        | I::branch_not_eq(_, _, target)
        | I::branch_less_unsigned(_, _, target)
        | I::branch_less_signed(_, _, target)
        | I::branch_greater_or_equal_unsigned(_, _, target)
        | I::branch_greater_or_equal_signed(_, _, target)
        | I::branch_eq_imm(_, _, target)
        | I::branch_not_eq_imm(_, _, target)
        | I::branch_less_unsigned_imm(_, _, target)
        | I::branch_less_signed_imm(_, _, target)
        | I::branch_greater_or_equal_unsigned_imm(_, _, target)
        | I::branch_greater_or_equal_signed_imm(_, _, target)
        | I::branch_less_or_equal_signed_imm(_, _, target)
        | I::branch_less_or_equal_unsigned_imm(_, _, target)
        | I::branch_greater_signed_imm(_, _, target)
        | I::branch_greater_unsigned_imm(_, _, target)
        | I::load_imm_and_jump(_, _, target) => Some(target),
        _ => None,
    }
}
