//! What scripts do, what they cost, and what is no good one.

use fusee_system_guest::exit_code;

use super::{Answer, Fault, Frame, Machine, OUTSIDE, Step, opcode::*, price};

/// A piece of code.
pub(crate) fn push(value: i64) -> Vec<u8> {
    let mut code = vec![PUSH];
    code.extend(value.to_le_bytes());
    code
}

/// The input of a script.
pub(crate) fn input(code: &[&[u8]], data: &[u8]) -> Vec<u8> {
    let code = code.concat();
    let length = u32::try_from(code.len()).unwrap();
    [&length.to_le_bytes(), code.as_slice(), data].concat()
}

/// What the machine makes of an input, and what it charges for that.
fn run(input: &[u8]) -> (Result<Step, Fault>, u64) {
    let mut memory = vec![0; 8192];
    memory[..input.len()].copy_from_slice(input);
    let mut charged = 0;
    let step = Frame::new(input).and_then(|frame| {
        let mut charge = |fuel| charged += fuel;
        Machine::new(&mut memory, frame).run(&mut charge)
    });
    (step, charged)
}

fn returned(code: &[&[u8]], data: &[u8]) -> i64 {
    match run(&input(code, data)) {
        (Ok(Step::Returned(value)), _) => value,
        other => panic!("{other:?}"),
    }
}

fn message(input: &[u8]) -> &'static str {
    match run(input) {
        (Err(Fault { code, message }), _) => {
            assert_eq!(code, exit_code::MALFORMED_BUILTIN_PARAMS);
            message
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn opcodes_compute() {
    let two = |code: u8| returned(&[&push(7), &push(-3), &[code, RETURN]], &[]);
    assert_eq!(two(ADD), 4);
    assert_eq!(two(SUB), 10);
    assert_eq!(two(MUL), -21);
    assert_eq!(two(SWAP), 7);
    assert_eq!(two(DROP), 7);
    assert_eq!(returned(&[&push(7), &[DUP, MUL, RETURN]], &[]), 49);
    let wraps = [&push(i64::MAX)[..], &[DUP, ADD, RETURN]];
    assert_eq!(returned(&wraps, &[]), -2);
}

#[test]
fn data_is_loaded_and_stored_where_the_code_is_not() {
    // The code has 29 bytes, the length 4.
    let copies = [&push(33)[..], &push(1), &[ADD, LOAD, RETURN], &push(0)[..8]];
    let data = [&[9][..], &(-5i64).to_le_bytes()].concat();
    assert_eq!(returned(&copies, &data), -5);

    let stores = |address| {
        let code = [
            &push(address)[..],
            &push(77),
            &[STORE],
            &push(address),
            &[LOAD, RETURN],
        ];
        input(&code, &[0; 9])
    };
    let end = 4 + 30;
    assert_eq!(run(&stores(end)).0, Ok(Step::Returned(77)));
    assert_eq!(run(&stores(end + 1)).0, Ok(Step::Returned(77)));
    for address in [end - 1, end + 2, 0, -1, i64::MIN, i64::MAX] {
        assert_eq!(run(&stores(address)).0, Err(OUTSIDE), "{address}");
    }
}

#[test]
fn a_loop_counts_down() {
    // 5 * 4 * 3 * 2 * 1: n at the address 80, the product on the stack.
    let code = [
        &push(1)[..],
        // Here: 4 + 9.
        &push(80),
        &[LOAD, MUL],
        &push(80),
        &push(80),
        &[LOAD],
        &push(1),
        &[SUB, STORE],
        &push(80),
        &[LOAD, JUMP_IF, 13, 0, RETURN],
    ];
    let padding = 80 - 4 - code.concat().len();
    let program = |n: i64| {
        let code: Vec<&[u8]> = code.to_vec();
        input(&code, &[&vec![0; padding][..], &n.to_le_bytes()].concat())
    };
    assert_eq!(run(&program(5)).0, Ok(Step::Returned(120)));
    let (_, one) = run(&program(1));
    let (_, three) = run(&program(3));
    let round = [
        PUSH, LOAD, MUL, PUSH, PUSH, LOAD, PUSH, SUB, STORE, PUSH, LOAD, JUMP_IF,
    ];
    let round: u64 = round.iter().filter_map(|code| price(*code)).sum();
    assert_eq!(one, 12 + round + 10);
    assert_eq!(three, 12 + 3 * round + 10);
}

#[test]
fn an_opcode_is_charged_before_it_acts() {
    for code in 0..=CALL {
        let (step, charged) = run(&input(&[&[code]], &[]));
        assert!(step.is_err(), "{code}");
        assert_eq!(Some(charged), price(code), "{code}");
    }
    let (_, charged) = run(&input(&[&push(1_000), &[CHARGE], &push(0), &[RETURN]], &[]));
    assert_eq!(charged, 12 + 12 + 1_000 + 12 + 10);
}

#[test]
fn a_call_names_a_program_and_a_range_of_the_input() {
    let call = |fuel: i64, hash: i64, start: i64, end: i64| {
        let code = [
            &push(fuel)[..],
            &push(hash),
            &push(start),
            &push(end),
            &[CALL],
        ];
        run(&input(&code, &[0xcd; 32])).0
    };
    let hash = 4 + 37;
    let length = hash + 32;
    assert_eq!(
        call(500, hash, 0, length),
        Ok(Step::Calls {
            code_hash: [0xcd; 32],
            fuel_limit: 500,
            input: 0..73,
        })
    );
    assert!(call(0, hash, length, length).is_ok());
    assert_eq!(call(-1, hash, 0, 0), Err(Fault::malformed("negative fuel")));
    assert_eq!(call(0, hash + 1, 0, 0), Err(OUTSIDE));
    assert_eq!(call(0, hash, 1, 0), Err(OUTSIDE));
    assert_eq!(call(0, hash, -1, 0), Err(OUTSIDE));
    assert_eq!(call(0, hash, 0, length + 1), Err(OUTSIDE));
}

#[test]
fn an_answer_is_a_payload_and_an_exit_code_on_top() {
    let input = input(&[&[SUB, RETURN]], &[]);
    let mut memory = vec![0; 8192];
    memory[..input.len()].copy_from_slice(&input);
    let mut machine = Machine::new(&mut memory, Frame::new(&input).unwrap());
    let answer = Answer {
        exit_code: -3,
        payload: 40,
    };
    machine.answer(answer).unwrap();
    assert_eq!(machine.run(&mut |_| ()), Ok(Step::Returned(43)));
}

#[test]
fn bad_scripts_fail_with_a_message() {
    let length = "the input ends before the code does";
    assert_eq!(message(&[]), length);
    assert_eq!(message(&[0, 0, 0]), length);
    assert_eq!(message(&[1, 0, 0, 0]), length);
    assert_eq!(message(&[0xff; 8]), length);

    let code = |code: &[&[u8]]| message(&input(code, &[]));
    let without_return = "the code ends without a return";
    assert_eq!(code(&[]), without_return);
    assert_eq!(code(&[&push(1)]), without_return);
    assert_eq!(code(&[&push(1)[..8]]), without_return);
    assert_eq!(code(&[&[JUMP_IF, 4]]), without_return);
    assert_eq!(code(&[&[13]]), "unknown opcode");
    assert_eq!(code(&[&[255]]), "unknown opcode");

    let few = "too few values on the stack";
    for one in [RETURN, DUP, DROP, LOAD, CHARGE] {
        assert_eq!(code(&[&[one]]), few, "{one}");
    }
    for two in [SWAP, ADD, SUB, MUL, STORE, CALL] {
        assert_eq!(code(&[&push(0), &[two]]), few, "{two}");
    }
    assert_eq!(code(&[&push(-1), &[CHARGE]]), "negative fuel");
    let jump = |target: u8| code(&[&push(1), &[JUMP_IF, target, 0]]);
    assert_eq!(jump(3), "jump out of the code");
    assert_eq!(jump(16), "jump out of the code");
    assert_eq!(code(&[&push(0), &[JUMP_IF, 16, 0]]), "jump out of the code");

    let full = |values| code(&[&push(1).repeat(values)]);
    assert_eq!(full(256), without_return);
    assert_eq!(full(257), "more than 256 values on the stack");
}

/// Whatever the bytes are, the machine comes to an end that is an answer, or spends fuel.
#[test]
fn every_script_comes_to_an_end() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..100_000 {
        let mut bytes = Vec::new();
        for _ in 0..8 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Most bytes are opcodes, so that something happens.
            bytes.extend(random.to_le_bytes().map(|byte| byte % 16));
        }
        let input = input(&[&bytes], &[1; 64]);
        let mut memory = vec![0; 8192];
        memory[..input.len()].copy_from_slice(&input);
        let frame = Frame::new(&input).unwrap();
        let mut steps = 0;
        let stops = std::panic::AssertUnwindSafe(|| {
            let mut charge = |_| {
                steps += 1;
                if steps > 1_000 {
                    std::panic::resume_unwind(Box::new("out of fuel"));
                }
            };
            Machine::new(&mut memory, frame).run(&mut charge).is_ok()
        });
        if let Err(panic) = std::panic::catch_unwind(stops) {
            assert_eq!(panic.downcast_ref(), Some(&"out of fuel"));
        }
    }
}
