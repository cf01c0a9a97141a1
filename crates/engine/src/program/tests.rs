//! Encoding and decoding of programs.

use super::*;

fn program(code: &[u8]) -> Program {
    Program {
        format: Format::Wasm,
        code_hash: CodeHash::of(b"original"),
        rules: RulesId::of(b"rules"),
        code: code.to_vec(),
        imports: Vec::new(),
        exports: Exports::from(vec![Export {
            name: "run".to_owned(),
            params: vec![ValueType::I32],
            results: Vec::new(),
        }]),
        frames: Frames {
            limit: 64,
            added_before: 0,
            counted: vec![16, 0],
            tail_params: 0,
        },
        memory: Some(MemoryLimits {
            initial: 1,
            maximum: 2,
        }),
        grows_memory: true,
        has_start: false,
        instantiation_gas: Gas::new(7),
        rate: Rate::ONE,
        compile_work: CompileWork {
            plain: 4,
            optimized: 9,
        },
    }
}

#[test]
fn a_decoded_program_is_the_encoded_one() {
    for code in [&b""[..], b"metered"] {
        let program = program(code);
        assert_eq!(Program::decode(program.encode()).unwrap(), program);
    }
}

#[test]
fn bytes_that_are_not_exactly_one_program_are_refused() {
    let encoded = program(b"metered").encode();
    for length in 0..encoded.len() {
        Program::decode(encoded[..length].to_vec()).unwrap_err();
    }
    for more in [&b"\0"[..], &u64::MAX.to_le_bytes(), &7_u64.to_le_bytes()] {
        Program::decode([&encoded, more].concat()).unwrap_err();
    }
    // A code that is said to be longer or shorter than it is.
    for code_bytes in [6_u64, 8] {
        let mut bytes = encoded.clone();
        let at = bytes.len() - 8;
        bytes[at..].copy_from_slice(&code_bytes.to_le_bytes());
        Program::decode(bytes).unwrap_err();
    }
}
