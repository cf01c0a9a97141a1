//! The syscalls for cryptography of version 1.5: known values, the laws of fields and groups, and
//! operands that are not admitted. On every engine.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_engine::{Interrupt, ValueType};
use fusee_system::{
    Billing, ExitCode, SystemPrograms, contract_rules_v1_5, syscalls, system_rules_v1_5,
};

use crate::support::{GAS, end, main_call};

/// Where the numbers are that the pointers point to.
const STEP: usize = 1_024;
const MEMORY: usize = 4 * STEP;

/// A program that calls one import with pointers into its input, and returns the memory. The
/// second argument of a decompression is no pointer: it follows the memory.
fn program(name: &str) -> Vec<u8> {
    let row = syscalls::SYSCALLS.iter().find(|row| row.name == name);
    let params = row.unwrap().params;
    assert!(params.iter().all(|param| *param == ValueType::I32));
    let arg = |index: usize| match (index, name.ends_with("_decompress")) {
        (1, true) => format!("(i32.load (i32.const {MEMORY}))"),
        _ => format!("(i32.const {})", index * STEP),
    };
    let args: String = (0..params.len()).map(arg).collect();
    wat::parse_str(format!(
        r#"(module
          (import "fluentbase_v1preview" "{name}" (func $tested (param {})))
          (import "fluentbase_v1preview" "_read" (func $read (param i32 i32 i32)))
          (import "fluentbase_v1preview" "_input_size" (func $input_size (result i32)))
          (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
          (memory 1)
          (func (export "main") (param i32 i32) (result i32)
            (call $read (i32.const 0) (i32.const 0) (call $input_size))
            (call $tested {args})
            (i32.store (i32.const 60000) (i32.const 0))
            (call $write (i32.const 60000) (i32.const 4))
            (call $write (i32.const 0) (i32.const {MEMORY}))
            (i32.const 0)))"#,
        "i32 ".repeat(params.len())
    ))
    .unwrap()
}

/// What the import leaves at its pointers, or the code with which the call ends.
fn answer(name: &str, operands: &[&[u8]], last: i32) -> Result<Vec<Vec<u8>>, ExitCode> {
    let mut input = vec![0; MEMORY];
    for (operand, place) in operands.iter().zip(input.chunks_mut(STEP)) {
        place[..operand.len()].copy_from_slice(operand);
    }
    input.extend(last.to_le_bytes());
    let mut found = lanes().into_iter().map(|lane| {
        let mut programs = SystemPrograms::new(Arc::new(lane.executor))
            .rules(system_rules_v1_5(), contract_rules_v1_5())
            .unwrap();
        let program = programs.register(&program(name), Billing::Metered).unwrap();
        let mut transaction = programs.transaction(Interrupt::new());
        let call = main_call(input.clone(), GAS);
        let end = end(transaction.call(program, call).unwrap());
        (lane.name, end)
    });
    let (first, expected) = found.next().unwrap();
    for (lane, other) in found {
        assert_eq!(other, expected, "{name} on {lane} and {first}");
    }
    match expected.exit_code {
        ExitCode::Ok => Ok(expected
            .payload()
            .chunks(STEP)
            .map(<[u8]>::to_vec)
            .collect()),
        code => Err(code),
    }
}

/// The result of an operation, at its first pointer.
fn result(name: &str, operands: &[&[u8]]) -> Vec<u8> {
    let mut left = answer(name, operands, 0).unwrap();
    let length = operands[0].len();
    left.swap_remove(0)[..length].to_vec()
}

/// A number, from digits in the usual order.
fn number(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().collect();
    let pairs = digits
        .rchunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn small(value: u8, bytes: usize) -> Vec<u8> {
    let mut number = vec![0; bytes];
    number[0] = value;
    number
}

/// A number minus another, which is smaller than its lowest byte.
fn minus(mut number: Vec<u8>, less: u8) -> Vec<u8> {
    number[0] -= less;
    number
}

struct Curve {
    name: &'static str,
    modulus: &'static str,
    generator: [&'static str; 2],
    double: [&'static str; 2],
}

/// The generators, and twice these, as they are published with the curves.
const CURVES: &[Curve] = &[
    Curve {
        name: "secp256k1",
        modulus: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
        generator: [
            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
        ],
        double: [
            "c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
            "1ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a",
        ],
    },
    Curve {
        name: "secp256r1",
        modulus: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        generator: [
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        ],
        double: [
            "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978",
            "07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1",
        ],
    },
    Curve {
        name: "bn254",
        modulus: "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47",
        generator: [
            "0000000000000000000000000000000000000000000000000000000000000001",
            "0000000000000000000000000000000000000000000000000000000000000002",
        ],
        double: [
            "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd3",
            "15ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7ff3ebf7a5a18a2c4",
        ],
    },
    Curve {
        name: "bls12381",
        modulus: "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624\
                  1eabfffeb153ffffb9feffffffffaaab",
        generator: [
            "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58\
             6c55e83ff97a1aeffb3af00adb22c6bb",
            "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3ed\
             d03cc744a2888ae40caa232946c5e7e1",
        ],
        double: [
            "0572cbea904d67468808c8eb50a9450c9721db309128012543902d0ac358a62a\
             e28f75bb8f1c7c42c39a8c5529bf0f4e",
            "166a9d8cabc673a322fda673779d8e3822ba3ecb8670e461f73bb9021d5fd76a\
             4c56d9d4cd16bd1bba86881979749d28",
        ],
    },
];

fn point([x, y]: [&str; 2]) -> Vec<u8> {
    [number(x), number(y)].concat()
}

#[test]
fn points_are_added_and_doubled() {
    for Curve {
        name,
        modulus,
        generator,
        double,
    } in CURVES
    {
        let (add, doubled) = (format!("_{name}_add"), format!("_{name}_double"));
        let (one, two) = (point(*generator), point(*double));
        assert_eq!(result(&doubled, &[&one]), two, "{name}");
        let three = result(&add, &[&one, &two]);
        let four = result(&add, &[&three, &one]);
        assert_eq!(four, result(&doubled, &[&two]), "{name}: 3 + 1 = 2 * 2");
        let five = result(&add, &[&three, &two]);
        assert_eq!(five, result(&add, &[&four, &one]), "{name}: 3 + 2 = 4 + 1");
        // Equal points have no line, and coordinates outside of the field are none.
        let malformed = Err(ExitCode::MalformedBuiltinParams);
        assert_eq!(answer(&add, &[&one, &one], 0), malformed, "{name}");
        let outside = [number(modulus), one[one.len() / 2..].to_vec()].concat();
        assert_eq!(answer(&doubled, &[&outside], 0), malformed, "{name}");
        assert_eq!(answer(&add, &[&outside, &one], 0), malformed, "{name}");
        assert_eq!(answer(&add, &[&one, &outside], 0), malformed, "{name}");
        // A point and its negative: the slope is zero, as the inverse of zero is.
        let (x, y) = one.split_at(one.len() / 2);
        let negative = match *name {
            "bn254" => [x.to_vec(), minus(number(modulus), 2)].concat(),
            _ => continue,
        };
        let nowhere = result(&add, &[&one, &negative]);
        let length = y.len();
        assert_eq!(nowhere[..length], minus(number(modulus), 2), "-x - x");
    }
}

#[test]
fn points_are_completed() {
    let malformed = Err(ExitCode::MalformedBuiltinParams);
    for Curve {
        name, generator, ..
    } in CURVES.iter().filter(|curve| curve.name != "bn254")
    {
        let name = format!("_{name}_decompress");
        let [x, y] = generator.map(number);
        let unknown = vec![0; y.len()];
        let half = [unknown, x.clone()].concat();
        // The lowest bit of secp curves; of BLS12-381, which is the greater.
        let is_odd = match name.contains("secp") {
            true => i32::from(y[0] & 1),
            false => 0,
        };
        let found = answer(&name, &[&half], is_odd).unwrap().swap_remove(0);
        assert_eq!(
            found[..half.len()],
            [y.clone(), x.clone()].concat(),
            "{name}"
        );
        let other = answer(&name, &[&half], 1 - is_odd).unwrap().swap_remove(0);
        assert_ne!(other[..y.len()], y, "{name}");
        assert_eq!(other[y.len()..half.len()], x, "{name}");
        assert_eq!(answer(&name, &[&half], 2), malformed, "{name}");
        assert_eq!(answer(&name, &[&half], -1), malformed, "{name}");
    }
    // 5 is no abscissa of secp256k1, and 1 none of BLS12-381.
    let half = [vec![0; 32], small(5, 32)].concat();
    assert_eq!(answer("_secp256k1_decompress", &[&half], 0), malformed);
    let half = [vec![0; 48], small(1, 48)].concat();
    assert_eq!(answer("_bls12381_decompress", &[&half], 0), malformed);
    // Flags of the serialised form: infinity, and the sign.
    let flagged = |flag: u8, x: &[u8]| {
        let mut half = [vec![0; 48], x.to_vec()].concat();
        half[95] |= flag;
        half
    };
    let infinity = flagged(0x40, &[0; 48]);
    let found = answer("_bls12381_decompress", &[&infinity], 0).unwrap();
    assert_eq!(found[0][..48], small(1, 48));
    assert_eq!(answer("_bls12381_decompress", &[&infinity], 1), malformed);
    let x = number(CURVES[3].generator[0]);
    let by_flag = answer("_bls12381_decompress", &[&flagged(0x20, &x)], 0).unwrap();
    let by_sign = answer("_bls12381_decompress", &[&flagged(0, &x)], 1).unwrap();
    assert_eq!(by_flag[0][..48], by_sign[0][..48]);
}

/// The base point of RFC 8032, section 5.1.
const ED25519: [&str; 2] = [
    "216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a",
    "6666666666666666666666666666666666666666666666666666666666666658",
];

#[test]
fn edwards25519_is_added_and_completed() {
    let base = point(ED25519);
    let double = result("_ed25519_add", &[&base, &base]);
    let triple = result("_ed25519_add", &[&double, &base]);
    let more = result("_ed25519_add", &[&triple, &base]);
    assert_eq!(more, result("_ed25519_add", &[&double, &double]));
    let neutral = [small(0, 32), small(1, 32)].concat();
    assert_eq!(result("_ed25519_add", &[&base, &neutral]), base);
    for point in [&base, &double, &triple] {
        let (x, y) = point.split_at(32);
        let half = [&[0; 32], y].concat();
        let sign = i32::from(x[0] & 1);
        let found = answer("_ed25519_decompress", &[&half], sign).unwrap();
        assert_eq!(found[0][..64], point[..]);
    }
    let malformed = Err(ExitCode::MalformedBuiltinParams);
    let none = [vec![0; 32], small(2, 32)].concat();
    assert_eq!(answer("_ed25519_decompress", &[&none], 0), malformed);
    let half = [&[0; 32], &base[32..]].concat();
    assert_eq!(answer("_ed25519_decompress", &[&half], 2), malformed);
    // With `y` = 1, `x` is zero whatever its sign.
    let half = [vec![0; 32], small(1, 32)].concat();
    let found = answer("_ed25519_decompress", &[&half], 1).unwrap();
    assert_eq!(found[0][..32], [0; 32]);
}

#[test]
fn fields_reduce_and_subtract_by_one_modulus() {
    let malformed = Err(ExitCode::MalformedBuiltinParams);
    for curve in &CURVES[2..] {
        let Curve { name, modulus, .. } = curve;
        let modulus = number(modulus);
        let bytes = modulus.len();
        let last = minus(modulus.clone(), 1);
        let named = |operation: &str| format!("_tower_fp1_{name}_{operation}");
        let (one, two) = (small(1, bytes), small(2, bytes));
        assert_eq!(result(&named("add"), &[&last, &two]), one);
        assert_eq!(result(&named("sub"), &[&one, &two]), last);
        assert_eq!(result(&named("mul"), &[&last, &last]), one, "(-1)(-1)");
        // Operands may exceed the modulus, the second of a difference by one at most.
        let most = vec![0xff; bytes];
        let reduced = result(&named("add"), &[&most, &small(0, bytes)]);
        assert_eq!(result(&named("mul"), &[&most, &one]), reduced);
        assert_eq!(
            result(&named("sub"), &[&small(0, bytes), &modulus]),
            small(0, bytes)
        );
        assert_eq!(
            answer(&named("sub"), &[&small(0, bytes), &most], 0),
            malformed
        );
        // (1 + 2 i)(-1 + i) = -3 - i.
        let named = |operation: &str| format!("_tower_fp2_{name}_{operation}");
        let found = answer(&named("mul"), &[&one, &two, &last, &one], 0).unwrap();
        assert_eq!(found[0][..bytes], minus(modulus.clone(), 3));
        assert_eq!(found[1][..bytes], last);
        let found = answer(&named("add"), &[&one, &two, &last, &one], 0).unwrap();
        assert_eq!(
            [&found[0][..bytes], &found[1][..bytes]],
            [small(0, bytes), small(3, bytes)]
        );
        let found = answer(&named("sub"), &[&one, &two, &last, &one], 0).unwrap();
        assert_eq!([&found[0][..bytes], &found[1][..bytes]], [two, one]);
    }
}

#[test]
fn rounds_of_hashes_are_those_of_the_functions() {
    use sha2::{Digest, Sha256};
    use sha3::Keccak256;
    // Of "abc", padded: the words are numbers here.
    let mut block = [0_u8; 64];
    block[..4].copy_from_slice(b"abc\x80");
    block[63] = 24;
    let words: Vec<u8> = block
        .chunks(4)
        .flat_map(|word| word.iter().rev().copied())
        .collect();
    let schedule = answer("_sha256_extend", &[&words], 0).unwrap();
    let initial: Vec<u8> = [
        0x6a09_e667_u32,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ]
    .iter()
    .flat_map(|word| word.to_le_bytes())
    .collect();
    let state = result("_sha256_compress", &[&initial, &schedule[0][..256]]);
    let digest: Vec<u8> = state
        .chunks(4)
        .flat_map(|word| word.iter().rev().copied())
        .collect();
    assert_eq!(digest, Sha256::digest(b"abc").to_vec());
    // Of nothing: the padding alone is absorbed.
    let mut state = vec![0; 200];
    (state[0], state[135]) = (1, 0x80);
    let state = result("_keccak256_permute", &[&state]);
    assert_eq!(state[..32], Keccak256::digest(b"")[..]);
}

#[test]
fn large_integers_are_multiplied() {
    let most = vec![0xff; 32];
    // (2^256 - 1)² = 1 modulo 2^256, and modulo 2^256 - 2.
    assert_eq!(
        result("_uint256_mul_mod", &[&most, &most, &[0; 32]]),
        small(1, 32)
    );
    let found = result("_uint256_mul_mod", &[&most, &most, &minus(most.clone(), 1)]);
    assert_eq!(found, small(1, 32));
    assert_eq!(
        result("_uint256_mul_mod", &[&most, &most, &small(1, 32)]),
        [0; 32]
    );
    // (2^256 - 1)(2^2048 - 1) = 2^2304 - 2^2048 - 2^256 + 1.
    let found = answer("_uint256_x2048_mul", &[&most, &[0xff; 256]], 0).unwrap();
    let mut low = vec![0xff; 256];
    low[..32].copy_from_slice(&small(1, 32));
    assert_eq!(found[2][..256], low);
    assert_eq!(found[3][..32], minus(most, 1));
}

#[test]
fn marks_for_provers_do_nothing() {
    for name in ["_enter_unconstrained", "_exit_unconstrained"] {
        let found = answer(name, &[&[7; 32]], 0).unwrap();
        assert_eq!(found[0][..32], [7; 32], "{name}");
    }
}

/// Each price, without the rest of the program.
#[test]
fn prices_are_those_of_the_interface() {
    let rules = syscalls::v1_5();
    let price = |name: &str, bytes| {
        let rule = rules.iter().find(|rule| rule.name == name).unwrap();
        rule.price.call(bytes).units()
    };
    for (names, chain_gas) in [
        (&["_keccak256_permute"][..], 30),
        (&["_sha256_extend", "_sha256_compress"], 60),
        (&["_ed25519_decompress"], 5_000),
        (&["_ed25519_add"], 1_500),
        (&["_tower_fp1_bn254_add", "_tower_fp1_bn254_sub"], 6),
        (&["_tower_fp1_bn254_mul"], 24),
        (&["_tower_fp1_bls12381_add", "_tower_fp1_bls12381_sub"], 8),
        (&["_tower_fp1_bls12381_mul"], 32),
        (&["_tower_fp2_bn254_add", "_tower_fp2_bn254_sub"], 12),
        (&["_tower_fp2_bn254_mul"], 48),
        (&["_tower_fp2_bls12381_add", "_tower_fp2_bls12381_sub"], 16),
        (&["_tower_fp2_bls12381_mul"], 64),
        (
            &[
                "_secp256k1_add",
                "_secp256k1_double",
                "_secp256r1_add",
                "_secp256r1_double",
                "_bn254_add",
                "_bn254_double",
            ],
            150,
        ),
        (&["_secp256k1_decompress", "_secp256r1_decompress"], 4_000),
        (&["_bls12381_add", "_bls12381_double"], 600),
        // 600 in the interface, which does not pay for a square root in this field.
        (&["_bls12381_decompress"], 3_000),
        (&["_uint256_mul_mod"], 8),
        (&["_uint256_x2048_mul"], 5_000),
        // Nothing in the interface.
        (&["_enter_unconstrained", "_exit_unconstrained"], 2),
    ] {
        for name in names {
            assert_eq!(price(name, 0), chain_gas * 20, "{name}");
        }
    }
    for name in ["_write", "_forward_output"] {
        assert_eq!(
            [0, 1, 33].map(|bytes| price(name, bytes)),
            [400, 900, 1_400],
            "{name}"
        );
    }
    assert_eq!([0, 33].map(|bytes| price("_read", bytes)), [400, 520]);
    assert_eq!(rules.len(), 48);
}
