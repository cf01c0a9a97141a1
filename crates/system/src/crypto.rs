//! The syscalls for cryptography: rounds of hash functions, prime fields, elliptic curves, large
//! integers.
//!
//! All numbers are little-endian. A pointer that is not in memory traps. Operands that the
//! interface does not admit are [`Malformed`], which ends the call.

mod curves;
mod field;

use fusee_engine::{Stop, Syscall, Trap};
use ruint::Uint;

use self::{
    curves::{
        BLS12_381, BN254, Point, SECP256K1, SECP256R1, U256, Weierstrass, add_ed25519, decompress,
        decompress_bls12_381, decompress_ed25519,
    },
    field::Field,
};
use crate::syscalls;

/// Operands that the interface does not admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Why a syscall for cryptography has no result.
#[derive(Debug)]
pub(crate) enum Fault {
    Malformed,
    Stop(Stop),
}

impl From<Malformed> for Fault {
    fn from(Malformed: Malformed) -> Self {
        Fault::Malformed
    }
}

impl From<Trap> for Fault {
    fn from(trap: Trap) -> Self {
        Fault::Stop(trap.into())
    }
}

type Answer<T = ()> = Result<T, Fault>;

/// An operation of a field.
#[derive(Clone, Copy)]
enum Operation {
    Add,
    Sub,
    Mul,
}

/// Answers a syscall for cryptography. `None` if this is another syscall.
pub(crate) fn answer(call: &mut Syscall<'_>, args: [u64; 4]) -> Option<Answer> {
    use Operation::{Add, Mul, Sub};
    let [first, second, ..] = args;
    let sign = second;
    let (bn254, bls12_381) = (&BN254.field, &BLS12_381.field);
    Some(match call.request.number {
        syscalls::ENTER_UNCONSTRAINED | syscalls::EXIT_UNCONSTRAINED => Ok(()),
        syscalls::KECCAK256_PERMUTE => permute(call, first),
        syscalls::SHA256_EXTEND => extend(call, first),
        syscalls::SHA256_COMPRESS => compress(call, first, second),
        syscalls::ED25519_DECOMPRESS => decompressed(call, first, sign, |y, is_odd| {
            decompress_ed25519(without_sign(y), is_odd)
        }),
        syscalls::ED25519_ADD => added(call, args, |left, right| Ok(add_ed25519(left, right))),
        syscalls::TOWER_FP1_BN254_ADD => field(call, args, bn254, Add),
        syscalls::TOWER_FP1_BN254_SUB => field(call, args, bn254, Sub),
        syscalls::TOWER_FP1_BN254_MUL => field(call, args, bn254, Mul),
        syscalls::TOWER_FP1_BLS12381_ADD => field(call, args, bls12_381, Add),
        syscalls::TOWER_FP1_BLS12381_SUB => field(call, args, bls12_381, Sub),
        syscalls::TOWER_FP1_BLS12381_MUL => field(call, args, bls12_381, Mul),
        syscalls::TOWER_FP2_BN254_ADD => square_field(call, args, bn254, Add),
        syscalls::TOWER_FP2_BN254_SUB => square_field(call, args, bn254, Sub),
        syscalls::TOWER_FP2_BN254_MUL => square_field(call, args, bn254, Mul),
        syscalls::TOWER_FP2_BLS12381_ADD => square_field(call, args, bls12_381, Add),
        syscalls::TOWER_FP2_BLS12381_SUB => square_field(call, args, bls12_381, Sub),
        syscalls::TOWER_FP2_BLS12381_MUL => square_field(call, args, bls12_381, Mul),
        syscalls::SECP256K1_ADD => added(call, args, |left, right| SECP256K1.add(left, right)),
        syscalls::SECP256R1_ADD => added(call, args, |left, right| SECP256R1.add(left, right)),
        syscalls::BN254_ADD => added(call, args, |left, right| BN254.add(left, right)),
        syscalls::BLS12381_ADD => added(call, args, |left, right| BLS12_381.add(left, right)),
        syscalls::SECP256K1_DOUBLE => doubled(call, first, &SECP256K1),
        syscalls::SECP256R1_DOUBLE => doubled(call, first, &SECP256R1),
        syscalls::BN254_DOUBLE => doubled(call, first, &BN254),
        syscalls::BLS12381_DOUBLE => doubled(call, first, &BLS12_381),
        syscalls::SECP256K1_DECOMPRESS => decompressed(call, first, sign, |x, is_odd| {
            decompress(&SECP256K1, x, is_odd)
        }),
        syscalls::SECP256R1_DECOMPRESS => decompressed(call, first, sign, |x, is_odd| {
            decompress(&SECP256R1, x, is_odd)
        }),
        syscalls::BLS12381_DECOMPRESS => decompressed(call, first, sign, decompress_bls12_381),
        syscalls::UINT256_MUL_MOD => mul_mod(call, args),
        syscalls::UINT256_X2048_MUL => mul_wide(call, args),
        _ => return None,
    })
}

fn read<const BITS: usize, const LIMBS: usize>(
    call: &mut Syscall<'_>,
    pointer: u64,
) -> Answer<Uint<BITS, LIMBS>> {
    let length = u64::try_from(BITS / 8).unwrap_or(u64::MAX);
    let bytes = call.memory.read(pointer, length)?;
    Ok(Uint::try_from_le_slice(&bytes).unwrap_or(Uint::MAX))
}

fn write<const BITS: usize, const LIMBS: usize>(
    call: &mut Syscall<'_>,
    pointer: u64,
    value: Uint<BITS, LIMBS>,
) -> Answer {
    Ok(call.memory.write(pointer, &value.to_le_bytes_vec())?)
}

/// The address behind a number.
fn after<const BITS: usize>(pointer: u64) -> u64 {
    pointer.saturating_add(u64::try_from(BITS / 8).unwrap_or(u64::MAX))
}

fn read_point<const BITS: usize, const LIMBS: usize>(
    call: &mut Syscall<'_>,
    pointer: u64,
) -> Answer<Point<BITS, LIMBS>> {
    Ok(Point {
        x: read(call, pointer)?,
        y: read(call, after::<BITS>(pointer))?,
    })
}

fn write_point<const BITS: usize, const LIMBS: usize>(
    call: &mut Syscall<'_>,
    pointer: u64,
    point: Point<BITS, LIMBS>,
) -> Answer {
    write(call, pointer, point.x)?;
    write(call, after::<BITS>(pointer), point.y)
}

/// Adds the second point to the first.
fn added<const BITS: usize, const LIMBS: usize>(
    call: &mut Syscall<'_>,
    [left, right, ..]: [u64; 4],
    add: impl Fn(Point<BITS, LIMBS>, Point<BITS, LIMBS>) -> Result<Point<BITS, LIMBS>, Malformed>,
) -> Answer {
    let sum = add(read_point(call, left)?, read_point(call, right)?)?;
    write_point(call, left, sum)
}

/// Doubles a point.
fn doubled<const BITS: usize, const LIMBS: usize>(
    call: &mut Syscall<'_>,
    pointer: u64,
    curve: &Weierstrass<BITS, LIMBS>,
) -> Answer {
    let point = read_point(call, pointer)?;
    write_point(call, pointer, curve.double(point)?)
}

/// Completes a point of which the second half is there, by the sign of the first half.
fn decompressed<const BITS: usize, const LIMBS: usize>(
    call: &mut Syscall<'_>,
    pointer: u64,
    sign: u64,
    complete: impl Fn(Uint<BITS, LIMBS>, bool) -> Result<Uint<BITS, LIMBS>, Malformed>,
) -> Answer {
    let known = read(call, after::<BITS>(pointer))?;
    let sign = match sign {
        0 => false,
        1 => true,
        _ => return Err(Malformed.into()),
    };
    write(call, pointer, complete(known, sign)?)
}

/// The ordinate of a point on edwards25519, without the bit that serialised points have for the
/// sign.
fn without_sign(y: U256) -> U256 {
    y & (U256::MAX >> 1)
}

/// Combines the second number with the first one.
fn field<const BITS: usize, const LIMBS: usize>(
    call: &mut Syscall<'_>,
    [left, right, ..]: [u64; 4],
    field: &Field<BITS, LIMBS>,
    operation: Operation,
) -> Answer {
    let (a, b) = (read(call, left)?, read(call, right)?);
    let result = match operation {
        Operation::Add => field.add(a, b),
        Operation::Sub => difference(field, a, b)?,
        Operation::Mul => field.mul(a, b),
    };
    write(call, left, result)
}

/// The same in the field of numbers `c0 + c1 i`, where `i² = -1`.
fn square_field<const BITS: usize, const LIMBS: usize>(
    call: &mut Syscall<'_>,
    [a0_pointer, a1_pointer, b0, b1]: [u64; 4],
    field: &Field<BITS, LIMBS>,
    operation: Operation,
) -> Answer {
    let (a0, a1) = (read(call, a0_pointer)?, read(call, a1_pointer)?);
    let (b0, b1) = (read(call, b0)?, read(call, b1)?);
    let (c0, c1) = match operation {
        Operation::Add => (field.add(a0, b0), field.add(a1, b1)),
        Operation::Sub => (difference(field, a0, b0)?, difference(field, a1, b1)?),
        Operation::Mul => (
            field.sub(field.mul(a0, b0), field.mul(a1, b1)),
            field.add(field.mul(a0, b1), field.mul(a1, b0)),
        ),
    };
    write(call, a0_pointer, c0)?;
    write(call, a1_pointer, c1)
}

/// The difference of numbers that may exceed the modulus. The interface adds the modulus once, and
/// admits no more.
fn difference<const BITS: usize, const LIMBS: usize>(
    field: &Field<BITS, LIMBS>,
    left: Uint<BITS, LIMBS>,
    right: Uint<BITS, LIMBS>,
) -> Result<Uint<BITS, LIMBS>, Malformed> {
    match right.saturating_sub(left) > field.modulus {
        true => Err(Malformed),
        false => Ok(field.sub(left, right)),
    }
}

/// A round of Keccak-f[1600].
fn permute(call: &mut Syscall<'_>, pointer: u64) -> Answer {
    let bytes: [u8; 200] = call.memory.read_array(pointer)?;
    let mut state = [0_u64; 25];
    let (lanes, _) = bytes.as_chunks();
    for (lane, bytes) in state.iter_mut().zip(lanes) {
        *lane = u64::from_le_bytes(*bytes);
    }
    keccak::Keccak::new().with_f1600(|permute| permute(&mut state));
    let bytes: Vec<u8> = state.iter().flat_map(|lane| lane.to_le_bytes()).collect();
    Ok(call.memory.write(pointer, &bytes)?)
}

/// The message schedule of SHA-256 (FIPS 180-4, section 6.2.2, step 1): 48 words behind the first
/// 16.
fn extend(call: &mut Syscall<'_>, pointer: u64) -> Answer {
    let mut words = [0_u32; 64];
    let block: [u8; 64] = call.memory.read_array(pointer)?;
    for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    for next in 16..64 {
        let word = |back: usize| {
            let position = usize::saturating_sub(next, back);
            words.get(position).copied().unwrap_or(0)
        };
        let (x, y) = (word(15), word(2));
        let small_0 = x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3);
        let small_1 = y.rotate_right(17) ^ y.rotate_right(19) ^ (y >> 10);
        let sum = word(16)
            .wrapping_add(small_0)
            .wrapping_add(word(7))
            .wrapping_add(small_1);
        if let Some(slot) = words.get_mut(next) {
            *slot = sum;
        }
    }
    Ok(call.memory.write(pointer, &bytes_of(&words))?)
}

/// The compression of SHA-256 (FIPS 180-4, section 6.2.2, steps 2 to 4): a state of 8 words, and
/// the 64 words of the schedule.
fn compress(call: &mut Syscall<'_>, state: u64, schedule: u64) -> Answer {
    let mut words = [0_u32; 8];
    let bytes: [u8; 32] = call.memory.read_array(state)?;
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let scheduled: [u8; 256] = call.memory.read_array(schedule)?;
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = words;
    for (constant, bytes) in ROUND_CONSTANTS.iter().zip(scheduled.as_chunks().0) {
        let large_1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let first = h
            .wrapping_add(large_1)
            .wrapping_add((e & f) ^ (!e & g))
            .wrapping_add(*constant)
            .wrapping_add(u32::from_le_bytes(*bytes));
        let large_0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let second = large_0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));
    }
    for (word, more) in words.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(more);
    }
    Ok(call.memory.write(state, &bytes_of(&words))?)
}

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The first number becomes its product with the second, modulo the third. A modulus of zero stands
/// for 2^256.
fn mul_mod(call: &mut Syscall<'_>, [x, y, modulus, _]: [u64; 4]) -> Answer {
    let (left, right): (U256, U256) = (read(call, x)?, read(call, y)?);
    let modulus = read(call, modulus)?;
    let product = match modulus.is_zero() {
        true => left.wrapping_mul(right),
        false => left.mul_mod(right, modulus),
    };
    write(call, x, product)
}

/// The product of 256 and 2,048 bits: the low 2,048 bits, and the high 256 bits.
fn mul_wide(call: &mut Syscall<'_>, [a, b, low, high]: [u64; 4]) -> Answer {
    let (left, right): (U256, Uint<2048, 32>) = (read(call, a)?, read(call, b)?);
    let product: Uint<2304, 36> = left.widening_mul(right);
    let bytes = product.to_le_bytes_vec();
    let (low_bytes, high_bytes) = bytes.split_at_checked(256).unwrap_or_default();
    call.memory.write(low, low_bytes)?;
    Ok(call.memory.write(high, high_bytes)?)
}

/// The constants of SHA-256 (FIPS 180-4, section 4.2.2).
const ROUND_CONSTANTS: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];
