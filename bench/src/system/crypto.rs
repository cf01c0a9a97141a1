//! What the imports for cryptography of version 1.5 take, and cost.

use anyhow::{Context, Result};

use crate::{
    Options,
    measure::{self, Gauge, Quartiles},
    ours,
    report::Cost,
};

/// Calls of an import in a measurement.
pub(crate) const CALLS: u32 = 2_000;

/// Before the names of costs.
const PREFIX: &str = "crypto/";

/// An import: its name without the first underscore, how many pointers it takes, and its operands.
struct Import(&'static str, usize, Operands);

/// What lies at the first pointer, and at the second.
#[derive(Clone, Copy)]
enum Operands {
    /// Numbers below each modulus.
    Numbers,
    /// A multiple of the generator of a curve, whose coordinates these are, and the generator.
    Points(&'static Generator),
    /// The coordinate that a point is completed from, behind the place of the other one.
    Coordinate(&'static str),
}

/// A generator: `x` and `y`, little-endian, and the import that doubles it, if there is one.
struct Generator {
    x: &'static str,
    y: &'static str,
    double: Option<&'static str>,
}

const SECP256K1: Generator = Generator {
    x: "9817f8165b81f259d928ce2ddbfc9b02070b87ce9562a055acbbdcf97e66be79",
    y: "b8d410fb8fd0479c195485a648b417fda808110efcfba45d65c4a32677da3a48",
    double: Some("secp256k1_double"),
};

const SECP256R1: Generator = Generator {
    x: "96c298d84539a1f4a033eb2d817d0377f240a463e5e6bcf847422ce1f2d1176b",
    y: "f551bf376840b6cbce5e316b5733ce2b169e0f7c4aebe78e9b7f1afee242e34f",
    double: Some("secp256r1_double"),
};

const BN254: Generator = Generator {
    x: "0100000000000000000000000000000000000000000000000000000000000000",
    y: "0200000000000000000000000000000000000000000000000000000000000000",
    double: Some("bn254_double"),
};

const BLS12_381: Generator = Generator {
    x: "bbc622db0af03afbef1a7af93fe8556c58ac1b173f3a4ea105b974974f8c68c30faca94f8c63952694d79731a7d3f117",
    y: "e1e7c5462923aa0ce48a88a244c73cd0edb3042ccb18db00f60ad0d595e0f5fce48a1d74ed309ea0f1a0aae381f4b308",
    double: Some("bls12381_double"),
};

/// Its addition is complete, so nothing is doubled before.
const ED25519: Generator = Generator {
    x: "1ad5258f602d56c9b2a7259560c72c695cdcd6fd31e2a4c0fe536ecdd3366921",
    y: "5866666666666666666666666666666666666666666666666666666666666666",
    double: None,
};

const IMPORTS: &[Import] = &[
    Import("enter_unconstrained", 0, Operands::Numbers),
    Import("keccak256_permute", 1, Operands::Numbers),
    Import("sha256_extend", 1, Operands::Numbers),
    Import("sha256_compress", 2, Operands::Numbers),
    Import("uint256_mul_mod", 3, Operands::Numbers),
    Import("uint256_x2048_mul", 4, Operands::Numbers),
    Import("tower_fp1_bn254_add", 2, Operands::Numbers),
    Import("tower_fp1_bn254_mul", 2, Operands::Numbers),
    Import("tower_fp2_bn254_mul", 4, Operands::Numbers),
    Import("tower_fp1_bls12381_add", 2, Operands::Numbers),
    Import("tower_fp1_bls12381_mul", 2, Operands::Numbers),
    Import("tower_fp2_bls12381_mul", 4, Operands::Numbers),
    Import("secp256k1_add", 2, Operands::Points(&SECP256K1)),
    Import("secp256k1_double", 1, Operands::Points(&SECP256K1)),
    Import("secp256k1_decompress", 2, Operands::Coordinate(SECP256K1.x)),
    Import("secp256r1_add", 2, Operands::Points(&SECP256R1)),
    Import("secp256r1_double", 1, Operands::Points(&SECP256R1)),
    Import("secp256r1_decompress", 2, Operands::Coordinate(SECP256R1.x)),
    Import("bn254_add", 2, Operands::Points(&BN254)),
    Import("bn254_double", 1, Operands::Points(&BN254)),
    Import("bls12381_add", 2, Operands::Points(&BLS12_381)),
    Import("bls12381_double", 1, Operands::Points(&BLS12_381)),
    Import("bls12381_decompress", 2, Operands::Coordinate(BLS12_381.x)),
    Import("ed25519_add", 2, Operands::Points(&ED25519)),
    Import("ed25519_decompress", 2, Operands::Coordinate(ED25519.y)),
];

/// What was asked for, by turns.
pub(super) fn measure(options: &Options) -> Result<Vec<Cost>> {
    let (mut gauges, mut costs) = (Vec::new(), Vec::new());
    for import in IMPORTS {
        let name = format!("{PREFIX}{}", import.0);
        if !options.wants(&name) {
            continue;
        }
        let (gauge, gas) = ours::system::looping(&import.contract()?)
            .with_context(|| format!("cannot measure {name}"))?;
        gauges.push(gauge);
        costs.push(Cost {
            name,
            nanoseconds: 0.0,
            gas,
        });
    }
    let readings = measure::by_turns(&mut gauges, options.rounds)?;
    for (cost, seconds) in costs.iter_mut().zip(readings) {
        cost.nanoseconds = 1e9 * Quartiles::of(seconds).median;
    }
    Ok(costs)
}

/// Calls an import so many times, and tells the time of one.
pub(crate) type Looping = (Gauge, u64);

impl Import {
    /// A contract that calls it as often as the first four bytes of its input say. Pointers are
    /// 1,024 bytes apart.
    fn contract(&self) -> Result<Vec<u8>> {
        let Self(name, pointers, operands) = self;
        let params = "i32 ".repeat(*pointers);
        let (first, second, before) = match operands {
            Operands::Numbers => (String::new(), String::new(), String::new()),
            Operands::Points(Generator { x, y, double }) => {
                let point = bytes(&format!("{x}{y}"));
                let before =
                    double.map_or(String::new(), |_| "(call $double (i32.const 0))".into());
                (point.clone(), point, before)
            }
            Operands::Coordinate(known) => {
                let other = "00".repeat(known.len() / 2);
                (
                    bytes(&format!("{other}{known}")),
                    String::new(),
                    String::new(),
                )
            }
        };
        let double = match operands {
            Operands::Points(Generator {
                double: Some(name), ..
            }) => {
                format!(r#"(import "fluentbase_v1preview" "_{name}" (func $double (param i32)))"#)
            }
            _ => String::new(),
        };
        let args: String = (0..*pointers)
            .map(|index| match (index, operands) {
                // Which of two points it is.
                (1, Operands::Coordinate(_)) => "(i32.const 0)".to_owned(),
                _ => format!("(i32.const {})", index * 1_024),
            })
            .collect();
        let numbers = r"\11".repeat(4_096);
        Ok(wat::parse_str(format!(
            r#"(module
                (import "fluentbase_v1preview" "_{name}" (func $tested (param {params})))
                {double}
                (import "fluentbase_v1preview" "_read" (func $read (param i32 i32 i32)))
                (memory (export "memory") 1)
                (data (i32.const 0) "{numbers}")
                (data (i32.const 0) "{first}")
                (data (i32.const 1024) "{second}")
                (func (export "deploy"))
                (func (export "main") (local $left i32)
                    (call $read (i32.const 8192) (i32.const 0) (i32.const 4))
                    (local.set $left (i32.load (i32.const 8192)))
                    {before}
                    (loop $again
                        (call $tested {args})
                        (br_if $again
                            (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))"#
        ))?)
    }
}

/// Hexadecimal digits as the text format writes bytes.
fn bytes(digits: &str) -> String {
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position % 2 == 0 {
            text.push('\\');
        }
        text.push(digit);
    }
    text
}
