//! The syscalls for cryptography: the same program on Fluent's own runtime and on Fusee has the same
//! output and exit code, for operands that are valid, at the edges, and random.

use std::sync::Arc;

use fluentbase_runtime::{RuntimeContext, RuntimeExecutor, default_runtime_executor};
use fluentbase_types::{Address, BytecodeOrHash, import_linker_v1_preview, keccak256};
use fusee::{
    sandbox::{Interrupt, ValueType},
    system::{State, Step, SystemPrograms, syscalls},
};
use rwasm::{CompilationConfig, RwasmModule};

use crate::fusee_side::{GAS, call, engines};

const STEP: usize = 512;
const MEMORY: usize = 4 * STEP;

/// A contract that calls one import with pointers into its input, and returns the memory.
fn contract(name: &str, params: usize) -> Vec<u8> {
    let arg = |index: usize| match (index, name.ends_with("_decompress")) {
        (1, true) => format!("(i32.load (i32.const {MEMORY}))"),
        _ => format!("(i32.const {})", index * STEP),
    };
    let args: String = (0..params).map(arg).collect();
    wat::parse_str(format!(
        r#"(module
          (import "fluentbase_v1preview" "{name}" (func $tested (param {})))
          (import "fluentbase_v1preview" "_read" (func $read (param i32 i32 i32)))
          (import "fluentbase_v1preview" "_input_size" (func $input_size (result i32)))
          (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
          (memory (export "memory") 1)
          (func (export "deploy"))
          (func (export "main")
            (call $read (i32.const 0) (i32.const 0) (call $input_size))
            (call $tested {args})
            (call $write (i32.const 0) (i32.const {MEMORY}))))"#,
        "i32 ".repeat(params)
    ))
    .expect("it is valid")
}

/// The exit code and the output on Fluent's runtime.
fn fluent(module: &RwasmModule, wasm: &[u8], input: &[u8]) -> (i32, Vec<u8>) {
    let code = BytecodeOrHash::Bytecode {
        bytecode: module.clone(),
        hash: keccak256(wasm),
        address: Address::ZERO,
    };
    let context = RuntimeContext::default()
        .with_fuel_limit(GAS)
        .with_input(input.to_vec());
    let result = default_runtime_executor().execute(code, context);
    (result.exit_code, result.output.to_vec())
}

/// The same on Fusee.
fn on_fusee(programs: &SystemPrograms, wasm: &[u8], input: &[u8]) -> (i32, Vec<u8>) {
    let mut transaction = programs.transaction(Interrupt::new());
    let call = call(State::Main, input.to_vec(), GAS);
    match transaction.call_code(wasm, call).expect("the host is well") {
        Step::Ended(result) => (result.exit_code.code(), result.output),
        Step::Interrupted(waiting) => panic!("it waits: {waiting:?}"),
    }
}

/// A generator of numbers (Steele et al., "Fast splittable pseudorandom number generators", 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// The moduli of the fields, little-endian, as edges of operands.
const MODULI: &[&str] = &[
    "2ffcfffffeffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffff00000000000000000000000001000000ffffffff",
    "47fd7cd8168c203c8dca7168916a81975d588181b64550b829a031e1724e6430",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "abaafffffffffeffb9feffffb153ffff1eabf6b0f6a0d230672bf12bf84f38512bf8",
];

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Operands: random ones, small ones, some near a modulus, and the results of earlier rounds, which
/// are points on the curves where earlier operands were.
fn operands(random: &mut Random, earlier: &[Vec<u8>], round: usize) -> Vec<u8> {
    let mut memory = vec![0; MEMORY];
    for place in memory.chunks_mut(STEP) {
        for half in place[..96].chunks_mut(32) {
            let number = match random.next() % 6 {
                0 => vec![0; 32],
                1 => vec![u8::try_from(random.next() % 3).unwrap()],
                2 => hex(MODULI[usize::try_from(random.next()).unwrap_or(round) % 4]),
                3 => {
                    let mut near = hex(MODULI[round % 4]);
                    near[0] = near[0].wrapping_sub(u8::try_from(random.next() % 4).unwrap());
                    near
                }
                _ => random.bytes(32),
            };
            half[..number.len()].copy_from_slice(&number);
        }
        if !earlier.is_empty() && random.next() % 2 == 0 {
            let known = &earlier[usize::try_from(random.next() % 1_000).unwrap() % earlier.len()];
            place[..known.len()].copy_from_slice(known);
        } else if random.next() % 4 == 0 {
            let bytes = random.bytes(STEP);
            place.copy_from_slice(&bytes);
        }
    }
    let sign = match random.next() % 8 {
        0 => 2,
        other => u32::try_from(other % 2).unwrap(),
    };
    memory.extend(sign.to_le_bytes());
    memory
}

/// Generators of the curves (`x`, then `y`), and their abscissae where a point is completed.
fn points(name: &str) -> Vec<Vec<u8>> {
    let known: &[(&str, [&str; 2])] = &[
        (
            "secp256k1",
            [
                "9817f8165b81f259d928ce2ddbfc9b02070b87ce9562a055acbbdcf97e66be79",
                "b8d410fb8fd0479c195485a648b417fda808110efcfba45d65c4a32677da3a48",
            ],
        ),
        (
            "secp256r1",
            [
                "96c298d84539a1f4a033eb2d817d0377f240a463e5e6bcf847422ce1f2d1176b",
                "f551bf376840b6cbce5e316b5733ce2b169e0f7c4aebe78e9b7f1afee242e34f",
            ],
        ),
        (
            "bn254",
            [
                "0100000000000000000000000000000000000000000000000000000000000000",
                "0200000000000000000000000000000000000000000000000000000000000000",
            ],
        ),
        (
            "bls12381",
            [
                "bbc622db0af03afbef1a7af93fe8556c58ac1b173f3a4ea105b974974f8c68c3\
                 0faca94f8c63952694d79731a7d3f117",
                "e1e7c5462923aa0ce48a88a244c73cd0edb3042ccb18db00f60ad0d595e0f5fc\
                 e48a1d74ed309ea0f1a0aae381f4b308",
            ],
        ),
        (
            "ed25519",
            [
                "1ad5258f602d56c9b2a7259560c72c695cdcd6fd31e2a4c0fe536ecdd3366921",
                "5866666666666666666666666666666666666666666666666666666666666666",
            ],
        ),
    ];
    known
        .iter()
        .filter(|(curve, _)| name.contains(curve))
        .map(
            |(curve, [x, y])| match (name.ends_with("_decompress"), *curve) {
                // The known coordinate is the second one.
                (true, "ed25519") => [vec![0; 32], hex(y)].concat(),
                (true, _) => [vec![0; hex(x).len()], hex(x)].concat(),
                _ => [hex(x), hex(y)].concat(),
            },
        )
        .collect()
}

#[test]
fn cryptography_comes_to_what_it_comes_to_on_fluents_runtime() {
    const ROUNDS: usize = 60;
    let engines = engines();
    let names = &syscalls::SYSCALLS[usize::try_from(syscalls::KECCAK256_PERMUTE).unwrap()..];
    let tested = names.iter().filter(|row| {
        row.result.is_none() && row.params.iter().all(|param| *param == ValueType::I32)
    });
    let mut compared = 0;
    let mut admitted = 0;
    for row in tested {
        let wasm = contract(row.name, row.params.len());
        let config = CompilationConfig::default()
            .with_entrypoint_name("main".into())
            .with_import_linker(Arc::clone(&import_linker_v1_preview()));
        let (module, _) = RwasmModule::compile(config, &wasm)
            .unwrap_or_else(|error| panic!("{}: {error:?}", row.name));
        let mut random = Random(u64::from(row.number));
        let mut earlier = points(row.name);
        for round in 0..ROUNDS {
            let input = operands(&mut random, &earlier, round);
            let expected = fluent(&module, &wasm, &input);
            for (engine, programs) in &engines {
                let found = on_fusee(programs, &wasm, &input);
                assert_eq!(
                    found, expected,
                    "{} on {engine}, round {round}: {input:02x?}",
                    row.name
                );
            }
            compared += 1;
            let (code, output) = expected;
            if code == 0 {
                admitted += 1;
                // What came out is an operand of later rounds.
                let length = if row.name.contains("bls12381") {
                    96
                } else {
                    64
                };
                earlier.push(output[..length].to_vec());
            }
        }
    }
    println!("{compared} compared, of which {admitted} had a result");
    assert!(admitted > compared / 3, "{admitted} of {compared}");
}
