//! The syscalls of the interface, and their lists in rules: admitted imports and prices.

use fusee_engine::ValueType;
use fusee_instrument::{SyscallPrice, SyscallRule};

/// The wasm module from which programs import them.
pub const IMPORT_MODULE: &str = "fluentbase_v1preview";

/// The number of the first of the embedder's own imports. Those below are the interface's.
pub const OWN: u32 = 256;

/// A syscall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number by which the host dispatches.
    pub number: u32,
    /// The name that a program imports.
    pub name: &'static str,
    /// Its parameters.
    pub params: &'static [ValueType],
    /// Its result.
    pub result: Option<ValueType>,
    /// Whether the program may be suspended at it.
    pub may_suspend: bool,
    /// What it does.
    pub doc: &'static str,
}

macro_rules! rows {
    ($(
        $(#[doc = $doc:literal])*
        $number:literal $constant:ident $name:literal ($($param:ident),*) $(-> $result:ident)?, $may_suspend:literal;
    )*) => {
        $( $(#[doc = $doc])* pub const $constant: u32 = $number; )*

        /// Every syscall of every version, in the order of the numbers. Only appended to.
        pub const SYSCALLS: &[Row] = &[$(
            Row {
                number: $number,
                name: $name,
                params: &[$(ValueType::$param),*],
                result: rows!(@result $($result)?),
                may_suspend: $may_suspend,
                doc: concat!($($doc, "\n"),*),
            }
        ),*];
    };
    (@result $result:ident) => { Some(ValueType::$result) };
    (@result) => { None };
}

rows! {
    /// Ends the call with this exit code.
    0 EXIT "_exit" (I32), false;
    /// Returns the state in which the program is entered: 0 is `main`, 1 is `deploy`.
    1 STATE "_state" () -> I32, false;
    /// Copies a range of the input to the pointer: pointer, offset, length.
    2 READ "_read" (I32, I32, I32), false;
    /// Returns the length of the input.
    3 INPUT_SIZE "_input_size" () -> I32, false;
    /// Appends a range of memory to the output: pointer, length.
    4 WRITE "_write" (I32, I32), false;
    /// Returns the length of the return data of the last call.
    5 OUTPUT_SIZE "_output_size" () -> I32, false;
    /// Copies a range of the return data to the pointer: pointer, offset, length.
    6 READ_OUTPUT "_read_output" (I32, I32, I32), false;
    /// Appends a range of the return data to the output: offset, length.
    7 FORWARD_OUTPUT "_forward_output" (I32, I32), false;
    /// Runs another program: pointer to its hash (32 bytes), pointer to its input, the input's
    /// length, pointer to the fuel (16 bytes, or null), state. At depth 0, returns the exit code,
    /// or the positive id of the call if it was interrupted. At other depths, interrupts the
    /// caller.
    8 EXEC "_exec" (I32, I32, I32, I32, I32) -> I32, true;
    /// Resumes an interrupted call: its id, pointer to the answer, length of the answer, exit code,
    /// pointer to the fuel. Returns the same as `_exec`. Only at depth 0.
    9 RESUME "_resume" (I32, I32, I32, I32, I32) -> I32, true;
    /// Returns the remaining gas, or the maximum if the call is not billed.
    10 FUEL "_fuel" () -> I64, false;
    /// Consumes gas.
    11 CHARGE_FUEL "_charge_fuel" (I64), false;
    /// Logs a text: pointer, length.
    12 DEBUG_LOG "_debug_log" (I32, I32), false;
    /// Writes the Keccak-256 digest of a memory range: pointer, length, pointer to 32 bytes.
    13 KECCAK256 "_keccak256" (I32, I32, I32), false;
    /// Writes the SHA-256 digest of a memory range: pointer, length, pointer to 32 bytes.
    14 SHA256 "_sha256" (I32, I32, I32), false;
    /// Writes the BLAKE3 digest of a memory range: pointer, length, pointer to 32 bytes.
    15 BLAKE3 "_blake3" (I32, I32, I32), false;
    /// Does nothing: a mark for provers.
    16 ENTER_UNCONSTRAINED "_enter_unconstrained" (), false;
    /// Does nothing: a mark for provers.
    17 EXIT_UNCONSTRAINED "_exit_unconstrained" (), false;
    /// Permutes a state of Keccak, of 25 words of 64 bits.
    18 KECCAK256_PERMUTE "_keccak256_permute" (I32), false;
    /// Extends a message schedule of SHA-256 from 16 to 64 words.
    19 SHA256_EXTEND "_sha256_extend" (I32), false;
    /// Compresses a message schedule into a state of SHA-256: state, schedule.
    20 SHA256_COMPRESS "_sha256_compress" (I32, I32), false;
    /// Completes a point of edwards25519, of which `y` is there: point, sign of `x`.
    21 ED25519_DECOMPRESS "_ed25519_decompress" (I32, I32), false;
    /// Adds points of edwards25519: the sum, another point.
    22 ED25519_ADD "_ed25519_add" (I32, I32), false;
    /// Adds numbers of the field of BN254: the result, another number.
    23 TOWER_FP1_BN254_ADD "_tower_fp1_bn254_add" (I32, I32), false;
    /// Subtracts numbers of the field of BN254: the result, another number.
    24 TOWER_FP1_BN254_SUB "_tower_fp1_bn254_sub" (I32, I32), false;
    /// Multiplies numbers of the field of BN254: the result, another number.
    25 TOWER_FP1_BN254_MUL "_tower_fp1_bn254_mul" (I32, I32), false;
    /// Adds numbers of the field of BLS12-381: the result, another number.
    26 TOWER_FP1_BLS12381_ADD "_tower_fp1_bls12381_add" (I32, I32), false;
    /// Subtracts numbers of the field of BLS12-381: the result, another number.
    27 TOWER_FP1_BLS12381_SUB "_tower_fp1_bls12381_sub" (I32, I32), false;
    /// Multiplies numbers of the field of BLS12-381: the result, another number.
    28 TOWER_FP1_BLS12381_MUL "_tower_fp1_bls12381_mul" (I32, I32), false;
    /// Adds numbers `c0 + c1 i` of the field of BN254: both parts of the result, both parts of
    /// another number.
    29 TOWER_FP2_BN254_ADD "_tower_fp2_bn254_add" (I32, I32, I32, I32), false;
    /// Subtracts numbers `c0 + c1 i` of the field of BN254: both parts of the result, both parts of
    /// another number.
    30 TOWER_FP2_BN254_SUB "_tower_fp2_bn254_sub" (I32, I32, I32, I32), false;
    /// Multiplies numbers `c0 + c1 i` of the field of BN254: both parts of the result, both parts
    /// of another number.
    31 TOWER_FP2_BN254_MUL "_tower_fp2_bn254_mul" (I32, I32, I32, I32), false;
    /// Adds numbers `c0 + c1 i` of the field of BLS12-381: both parts of the result, both parts of
    /// another number.
    32 TOWER_FP2_BLS12381_ADD "_tower_fp2_bls12381_add" (I32, I32, I32, I32), false;
    /// Subtracts numbers `c0 + c1 i` of the field of BLS12-381: both parts of the result, both
    /// parts of another number.
    33 TOWER_FP2_BLS12381_SUB "_tower_fp2_bls12381_sub" (I32, I32, I32, I32), false;
    /// Multiplies numbers `c0 + c1 i` of the field of BLS12-381: both parts of the result, both
    /// parts of another number.
    34 TOWER_FP2_BLS12381_MUL "_tower_fp2_bls12381_mul" (I32, I32, I32, I32), false;
    /// Adds different points of secp256k1: the sum, another point.
    35 SECP256K1_ADD "_secp256k1_add" (I32, I32), false;
    /// Completes a point of secp256k1, of which `x` is there, behind `y`: point, whether `y` is
    /// odd.
    36 SECP256K1_DECOMPRESS "_secp256k1_decompress" (I32, I32), false;
    /// Doubles a point of secp256k1.
    37 SECP256K1_DOUBLE "_secp256k1_double" (I32), false;
    /// Adds different points of secp256r1: the sum, another point.
    38 SECP256R1_ADD "_secp256r1_add" (I32, I32), false;
    /// Completes a point of secp256r1, of which `x` is there, behind `y`: point, whether `y` is
    /// odd.
    39 SECP256R1_DECOMPRESS "_secp256r1_decompress" (I32, I32), false;
    /// Doubles a point of secp256r1.
    40 SECP256R1_DOUBLE "_secp256r1_double" (I32), false;
    /// Adds different points of BLS12-381 (G1): the sum, another point.
    41 BLS12381_ADD "_bls12381_add" (I32, I32), false;
    /// Completes a point of BLS12-381 (G1), of which `x` is there, behind `y`: point, whether `y`
    /// is the greater of the two.
    42 BLS12381_DECOMPRESS "_bls12381_decompress" (I32, I32), false;
    /// Doubles a point of BLS12-381 (G1).
    43 BLS12381_DOUBLE "_bls12381_double" (I32), false;
    /// Adds different points of BN254 (G1): the sum, another point.
    44 BN254_ADD "_bn254_add" (I32, I32), false;
    /// Doubles a point of BN254 (G1).
    45 BN254_DOUBLE "_bn254_double" (I32), false;
    /// Multiplies numbers of 256 bits: the product, another number, the modulus.
    46 UINT256_MUL_MOD "_uint256_mul_mod" (I32, I32, I32), false;
    /// Multiplies a number of 256 bits with one of 2,048: both, the low 2,048 bits of the product,
    /// the high 256 bits.
    47 UINT256_X2048_MUL "_uint256_x2048_mul" (I32, I32, I32, I32), false;
    /// As [`RESUME`], but a call below depth 0 ends with
    /// [`RootCallOnly`](crate::ExitCode::RootCallOnly).
    48 RESUME_AT_ROOT "_resume" (I32, I32, I32, I32, I32) -> I32, true;
}

/// The syscalls of version 1 with their prices: the prices of the interface, in Fusee's gas. Final:
/// any other list is another version.
const V1: &[(u32, SyscallPrice)] = &[
    (EXIT, SyscallPrice::FREE),
    (STATE, LOOK),
    (READ, COPY),
    (INPUT_SIZE, LOOK),
    (WRITE, COPY),
    (OUTPUT_SIZE, LOOK),
    (READ_OUTPUT, COPY),
    (FORWARD_OUTPUT, COPY),
    // Of an input of `w` words: `(3 w + w w / 512) * 20`.
    (EXEC, SyscallPrice::words(0, 60).with_square(20)),
    (RESUME, SyscallPrice::FREE),
    (FUEL, LOOK),
    (CHARGE_FUEL, LOOK),
    (DEBUG_LOG, SyscallPrice::words(1_000, 320)),
    (KECCAK256, SyscallPrice::words(600, 120)),
    (SHA256, SyscallPrice::words(1_200, 240)),
    (BLAKE3, SyscallPrice::words(1_200, 240)),
];

/// The price of sizes, the state and fuel.
const LOOK: SyscallPrice = SyscallPrice::words(400, 0);

/// The price of copies.
const COPY: SyscallPrice = SyscallPrice::words(400, 60);

/// The syscalls of version 1.5 with their prices: those of the interface since then, in Fusee's
/// gas, but for those that take longer than the interface's price pays for
/// (`docs/book/src/system-programs.md`). Final, as [`V1`].
const V1_5: &[(u32, SyscallPrice)] = &[
    (EXIT, SyscallPrice::FREE),
    (STATE, LOOK),
    (READ, COPY),
    (INPUT_SIZE, LOOK),
    (WRITE, OUTPUT),
    (OUTPUT_SIZE, LOOK),
    (READ_OUTPUT, COPY),
    (FORWARD_OUTPUT, OUTPUT),
    (EXEC, SyscallPrice::words(0, 60).with_square(20)),
    (RESUME_AT_ROOT, SyscallPrice::FREE),
    (FUEL, LOOK),
    (CHARGE_FUEL, LOOK),
    (DEBUG_LOG, SyscallPrice::words(1_000, 320)),
    (KECCAK256, SyscallPrice::words(600, 120)),
    (SHA256, SyscallPrice::words(1_200, 240)),
    (BLAKE3, SyscallPrice::words(1_200, 240)),
    (ENTER_UNCONSTRAINED, MARK),
    (EXIT_UNCONSTRAINED, MARK),
    (KECCAK256_PERMUTE, fuel(30)),
    (SHA256_EXTEND, fuel(60)),
    (SHA256_COMPRESS, fuel(60)),
    (ED25519_DECOMPRESS, fuel(5_000)),
    (ED25519_ADD, fuel(1_500)),
    (TOWER_FP1_BN254_ADD, fuel(6)),
    (TOWER_FP1_BN254_SUB, fuel(6)),
    (TOWER_FP1_BN254_MUL, fuel(24)),
    (TOWER_FP1_BLS12381_ADD, fuel(8)),
    (TOWER_FP1_BLS12381_SUB, fuel(8)),
    (TOWER_FP1_BLS12381_MUL, fuel(32)),
    (TOWER_FP2_BN254_ADD, fuel(12)),
    (TOWER_FP2_BN254_SUB, fuel(12)),
    (TOWER_FP2_BN254_MUL, fuel(48)),
    (TOWER_FP2_BLS12381_ADD, fuel(16)),
    (TOWER_FP2_BLS12381_SUB, fuel(16)),
    (TOWER_FP2_BLS12381_MUL, fuel(64)),
    (SECP256K1_ADD, fuel(150)),
    (SECP256K1_DECOMPRESS, fuel(4_000)),
    (SECP256K1_DOUBLE, fuel(150)),
    (SECP256R1_ADD, fuel(150)),
    (SECP256R1_DECOMPRESS, fuel(4_000)),
    (SECP256R1_DOUBLE, fuel(150)),
    (BLS12381_ADD, fuel(600)),
    (BLS12381_DECOMPRESS, SyscallPrice::words(60_000, 0)),
    (BLS12381_DOUBLE, fuel(600)),
    (BN254_ADD, fuel(150)),
    (BN254_DOUBLE, fuel(150)),
    (UINT256_MUL_MOD, fuel(8)),
    (UINT256_X2048_MUL, fuel(5_000)),
];

/// The price of a mark for provers, which takes a call of the host. The interface has none.
const MARK: SyscallPrice = SyscallPrice::words(40, 0);

/// The price of output, since version 1.5.
const OUTPUT: SyscallPrice = SyscallPrice::words(400, 500);

/// A price that the interface states in the chain's gas.
const fn fuel(gas: u64) -> SyscallPrice {
    SyscallPrice::words(gas.saturating_mul(crate::FUEL_DENOM_RATE), 0)
}

/// The syscalls of version 1 with their prices, as entries of a list of syscalls.
#[must_use]
pub fn v1() -> Vec<SyscallRule> {
    rules(V1)
}

/// The syscalls of version 1.5 with their prices, as entries of a list of syscalls.
#[must_use]
pub fn v1_5() -> Vec<SyscallRule> {
    rules(V1_5)
}

fn rules(version: &[(u32, SyscallPrice)]) -> Vec<SyscallRule> {
    let rule = |(number, price): &(u32, SyscallPrice)| {
        let row = SYSCALLS.iter().find(|row| row.number == *number)?;
        Some(SyscallRule {
            module: IMPORT_MODULE.to_owned(),
            name: row.name.to_owned(),
            number: row.number,
            params: row.params.to_vec(),
            result: row.result,
            may_suspend: row.may_suspend,
            price: *price,
        })
    };
    version.iter().filter_map(rule).collect()
}

#[cfg(test)]
mod tests;
