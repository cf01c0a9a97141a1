//! The example system programs of `guests/wasm`: a verifier that the meter bills, and a machine for
//! scripts that keeps its own accounts and calls back, as deep as scripts do.
//!
//! Every test makes its calls on each lane, and compares what they tell, gas included.

use std::fmt::Write;

use expect_test::expect_file;
use fusee_conformance::lanes;
use fusee_engine::{Gas, Interrupt};
use fusee_system::{
    Answer, Billing, Call, State, Step, SystemProgram, SystemPrograms, Transaction,
};

use crate::support::{compiled, hash_of};

const OK: i32 = 0;
const MALFORMED: i32 = -1003;
const OUT_OF_FUEL: i32 = -2010;
const FATAL: i32 = -3001;

/// What one call of the verifier may use.
const GAS: Gas = Gas::new(1 << 28);

#[derive(Clone, Copy, PartialEq)]
enum Which {
    Verifier,
    Script,
}

use Which::{Script, Verifier};

impl Which {
    fn name(self) -> &'static str {
        match self {
            Verifier => "verifier",
            Script => "script",
        }
    }

    /// By which scripts call it.
    fn hash(self) -> [u8; 32] {
        hash_of(&compiled(self.name()))
    }
}

/// Both programs in a transaction.
struct Machine<'a> {
    transaction: Transaction<'a>,
    verifier: SystemProgram,
    script: SystemProgram,
    /// What the calls of the verifier used so far.
    gas: u64,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ended {
    code: i32,
    payload: Vec<u8>,
    fuel_used: u64,
}

impl Ended {
    fn number(&self) -> i64 {
        assert_eq!(self.code, OK, "{}", self.text());
        i64::from_le_bytes(self.payload.as_slice().try_into().unwrap())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

impl Machine<'_> {
    fn program(&self, which: Which) -> SystemProgram {
        match which {
            Verifier => self.verifier,
            Script => self.script,
        }
    }

    /// A call from its beginning to its end. `fuel` is what a script may use by its own account.
    fn call(&mut self, which: Which, input: &[u8], fuel: u64) -> Ended {
        let gas = match which {
            Verifier => GAS,
            Script => Gas::new(fuel),
        };
        let call = Call {
            state: State::Main,
            input: input.to_vec(),
            gas,
        };
        let program = self.program(which);
        let mut step = self.transaction.call(program, call).unwrap();
        loop {
            let mut waiting = match step {
                Step::Interrupted(waiting) => waiting,
                Step::Ended(end) => {
                    let used = end.gas_used.units();
                    assert_eq!(end.gas_left.is_none(), which == Script);
                    let fuel_used = match which {
                        Verifier => {
                            self.gas += used;
                            0
                        }
                        Script => used,
                    };
                    return Ended {
                        code: end.exit_code.code(),
                        payload: end.payload().to_vec(),
                        fuel_used,
                    };
                }
            };
            let params = waiting.exec_params().unwrap();
            assert_eq!((params.state, params.fuel16_ptr), (0, 0));
            let used = self.transaction.gas_used(&waiting);
            let limit = params.fuel_limit.min(fuel - used.units());
            let input = self.transaction.exec_input(&mut waiting).unwrap();
            let callee = match params.code_hash {
                hash if hash == Verifier.hash() => Verifier,
                hash if hash == Script.hash() => Script,
                unknown => panic!("no program {unknown:02x?}"),
            };
            let callee = self.call(callee, &input, limit);
            let answer = Answer {
                halted: true,
                output: callee.payload,
                fuel_consumed: callee.fuel_used,
                fuel_refunded: 0,
                exit_code: callee.code,
            };
            step = self.transaction.resume(waiting, &answer).unwrap();
        }
    }

    fn script(&mut self, input: &[u8]) -> Ended {
        self.call(Script, input, 1_000_000)
    }

    fn verify(&mut self, input: &[u8]) -> Ended {
        self.call(Verifier, input, 0)
    }
}

/// What `tell` returns on every lane, where the gas is the same, too. Each lane begins without
/// instances.
fn check<T: PartialEq + std::fmt::Debug>(mut tell: impl FnMut(&mut Machine<'_>) -> T) -> T {
    let mut found: Vec<_> = lanes()
        .into_iter()
        .map(|lane| {
            let mut programs = SystemPrograms::new(lane.executor.into());
            let mut register = |which: Which, billing| {
                let wasm = compiled(which.name());
                programs.register(&wasm, billing).unwrap()
            };
            let verifier = register(Verifier, Billing::Metered);
            let script = register(Script, Billing::SelfMetered);
            let mut machine = Machine {
                transaction: programs.transaction(Interrupt::new()),
                verifier,
                script,
                gas: 0,
            };
            let told = tell(&mut machine);
            (lane.name, told, machine.gas)
        })
        .collect();
    let (first, told, gas) = found.remove(0);
    for (lane, other, used) in found {
        assert_eq!((&other, used), (&told, gas), "{lane} and {first}");
    }
    told
}

const RETURN: u8 = 0x00;
const DUP: u8 = 0x02;
const ADD: u8 = 0x05;
const SUB: u8 = 0x06;
const MUL: u8 = 0x07;
const JUMP_IF: u8 = 0x08;
const LOAD: u8 = 0x09;
const STORE: u8 = 0x0a;
const CHARGE: u8 = 0x0b;
const CALL: u8 = 0x0c;

fn push(value: i64) -> Vec<u8> {
    [&[0x01][..], &value.to_le_bytes()].concat()
}

/// The input of a script.
fn script(code: &[&[u8]], data: &[&[u8]]) -> Vec<u8> {
    let (code, data) = (code.concat(), data.concat());
    let length = u32::try_from(code.len()).unwrap();
    [&length.to_le_bytes(), code.as_slice(), &data].concat()
}

/// Calls a program with the input, and returns what `then` makes of the payload and the exit code
/// on it.
fn caller(callee: Which, fuel: i64, input: &[u8], then: &[u8]) -> Vec<u8> {
    let hash_at = 4 + 4 * 9 + 1 + i64::try_from(then.len()).unwrap();
    let start = hash_at + 32;
    let end = start + i64::try_from(input.len()).unwrap();
    let code = [
        &push(fuel)[..],
        &push(hash_at),
        &push(start),
        &push(end),
        &[CALL],
        then,
    ];
    script(&code, &[&callee.hash(), input])
}

/// The factorial of `n`, whose every step is a call of the script with a smaller number in its
/// data.
fn factorial(n: i64) -> Vec<u8> {
    const NUMBER: i64 = 160;
    const HASH: i64 = NUMBER + 8;
    const END: i64 = HASH + 32;
    let code = [
        &push(NUMBER)[..],
        &[LOAD, DUP, JUMP_IF, 28, 0],
        &push(1),
        &[RETURN],
        // Here is 28.
        &push(NUMBER),
        &push(NUMBER),
        &[LOAD],
        &push(1),
        &[SUB, STORE],
        &push(1_000_000),
        &push(HASH),
        &push(0),
        &push(END),
        // The payload, and the exit code that makes it worse if it is not zero.
        &[CALL, ADD, MUL, RETURN],
    ]
    .concat();
    let padding = vec![0; usize::try_from(NUMBER).unwrap() - 4 - code.len()];
    script(&[&code], &[&padding, &n.to_le_bytes(), &Script.hash()])
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Key and signature, and the message: tests 1 to 3 of RFC 8032, section 7.1, and a message that is
/// longer than what is read at once.
fn signed() -> [(Vec<u8>, Vec<u8>); 4] {
    [
        (
            bytes(
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\
                 e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                 5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            Vec::new(),
        ),
        (
            bytes(
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c\
                 92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            vec![0x72],
        ),
        (
            bytes(
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025\
                 6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                 18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
            vec![0xaf, 0x82],
        ),
        (
            bytes(
                "6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1\
                 689946671785dc463d26eeec8f38b8c9600480190fc4c7946f31b6df150eb76f\
                 97d2b8e1ed2704d965577ac6f922e98a54046ada93220ceef501f1f061d7fa0f",
            ),
            (0..=250).cycle().take(3_000).collect(),
        ),
    ]
}

#[test]
fn the_verifier_tells_valid_signatures_from_others() {
    check(|machine| {
        let mut verdict = |input: &[u8]| {
            let ended = machine.verify(input);
            assert_eq!((ended.code, ended.payload.len()), (OK, 1));
            ended.payload[0]
        };
        for (head, message) in signed() {
            let signed = [head, message].concat();
            assert_eq!(verdict(&signed), 1);
            for wrong in [0, 31, 32, 63, 64, 95, signed.len() - 1] {
                let mut changed = signed.clone();
                changed[wrong] ^= 1;
                assert_eq!(verdict(&changed), 0, "{wrong}");
            }
            assert_eq!(verdict(&[&signed[..], &[0]].concat()), 0);
        }
        // The neutral point signs everything, for those who do not look.
        let mut weak = [0; 96];
        weak[0] = 1;
        weak[32] = 1;
        assert_eq!(verdict(&weak), 0);
        // No point at all.
        assert_eq!(verdict(&[2; 96]), 0);
    });
}

#[test]
fn the_verifier_refuses_an_input_without_a_signature() {
    check(|machine| {
        for length in [0, 1, 95] {
            let ended = machine.verify(&vec![1; length]);
            let message = "no key and signature of 96 bytes";
            assert_eq!((ended.code, ended.text().as_str()), (MALFORMED, message));
        }
        // And goes on living.
        let [(valid, _), ..] = signed();
        assert_eq!(machine.verify(&valid).payload, [1]);
    });
}

#[test]
fn a_key_that_the_verifier_remembers_costs_less() {
    let costs = check(|machine| {
        let [(first, _), (second, message), ..] = signed();
        let second = [second, message].concat();
        [&first, &first, &second, &first, &second].map(|input| {
            let before = machine.gas;
            assert_eq!(machine.verify(input).payload, [1]);
            machine.gas - before
        })
    });
    assert!(costs[1] < costs[0] && costs[4] < costs[2], "{costs:?}");
    assert_eq!(costs[1], costs[3]);
}

/// What calls cost, one after the other, so that a change of gas is a difference to review.
#[test]
fn gas_of_system_programs() {
    let told = check(|machine| {
        let [(valid, _), .., (head, long)] = signed();
        let long = [head, long].concat();
        let calls = [
            ("verifier, first call", Verifier, valid.clone()),
            ("verifier, the same again", Verifier, valid),
            ("verifier, 3,000 bytes, another key", Verifier, long),
            ("verifier, too short", Verifier, Vec::new()),
            ("script, first call: 3!", Script, factorial(3)),
            ("script, the same again", Script, factorial(3)),
            ("script, 1!", Script, factorial(1)),
            ("script, malformed", Script, Vec::new()),
        ];
        let mut told = String::new();
        for (name, which, input) in calls {
            let before = machine.gas;
            let Ended {
                code,
                payload,
                fuel_used,
            } = machine.call(which, &input, 1_000_000);
            let gas = machine.gas - before;
            writeln!(
                told,
                "{gas:>9} gas, {fuel_used:>5} fuel: {name} -> {code} {}",
                payload.escape_ascii()
            )
            .unwrap();
        }
        told
    });
    expect_file!["golden/gas.txt"].assert_eq(&told);
}

#[test]
fn scripts_compute() {
    let code = [&push(6)[..], &push(7), &[MUL, RETURN]];
    let ended = check(|machine| machine.script(&script(&code, &[])));
    assert_eq!((ended.number(), ended.fuel_used), (42, 12 + 12 + 16 + 10));
}

#[test]
fn scripts_call_themselves_in_one_instance() {
    for (n, product) in [(0, 1), (1, 1), (3, 6), (10, 3_628_800)] {
        let told = check(|machine| {
            let ended = machine.script(&factorial(n));
            let again = machine.script(&factorial(n));
            assert_eq!(again, ended);
            ended.number()
        });
        assert_eq!(told, product);
    }
}

#[test]
fn scripts_call_the_verifier() {
    check(|machine| {
        let [_, (head, message), ..] = signed();
        let valid = [head, message].concat();
        let call = |input: &[u8]| caller(Verifier, 0, input, &[ADD, RETURN]);
        assert_eq!(machine.script(&call(&valid)).number(), 1);
        assert_eq!(
            machine.script(&call(&[valid, vec![0]].concat())).number(),
            0
        );
        let malformed = machine.script(&call(&[])).number();
        // The message is "no key a", and more.
        let payload = i64::from_le_bytes(*b"no key a");
        assert_eq!(malformed, payload + i64::from(MALFORMED));
    });
}

#[test]
fn a_script_ends_where_its_fuel_does() {
    check(|machine| {
        let code = [&push(500)[..], &[CHARGE], &push(1), &[RETURN]];
        let input = script(&code, &[]);
        let price = 12 + 12 + 500 + 12 + 10;
        assert_eq!(machine.call(Script, &input, price).number(), 1);
        for fuel in [0, 11, 12, 24, 523, price - 1] {
            let ended = machine.call(Script, &input, fuel);
            assert_eq!(ended.code, OUT_OF_FUEL, "{fuel}");
            assert_eq!(ended.text(), "");
        }
        assert_eq!(machine.call(Script, &input, price).number(), 1);
    });
}

#[test]
fn an_instance_that_ran_out_of_fuel_takes_the_scripts_that_wait_with_it() {
    check(|machine| {
        let endless = script(&[&push(1), &push(1), &[JUMP_IF, 13, 0]], &[]);
        let outer = caller(Script, 1_000, &endless, &[ADD, RETURN]);
        let outermost = caller(Script, 500_000, &outer, &[ADD, RETURN]);
        assert_eq!(machine.script(&outermost).code, FATAL);
        assert_eq!(machine.script(&factorial(4)).number(), 24);
    });
}

#[test]
fn bad_scripts_end_with_a_message_and_harm_nobody() {
    let bad: [(Vec<u8>, &str); 8] = [
        (vec![], "the input ends before the code does"),
        (vec![9, 0, 0, 0, 1], "the input ends before the code does"),
        (script(&[&[0xff]], &[]), "unknown opcode"),
        (script(&[&[ADD]], &[]), "too few values on the stack"),
        (script(&[&push(1)], &[]), "the code ends without a return"),
        (
            script(&[&push(1), &[JUMP_IF, 255, 255]], &[]),
            "jump out of the code",
        ),
        (
            script(&[&push(1 << 40), &[LOAD]], &[]),
            "address outside of the data",
        ),
        (script(&[&push(-1), &[CHARGE]], &[]), "negative fuel"),
    ];
    check(|machine| {
        for (input, message) in &bad {
            let ended = machine.script(input);
            assert_eq!((ended.code, ended.text().as_str()), (MALFORMED, *message));
            assert_eq!(machine.script(&factorial(3)).number(), 6, "{message}");

            // One that waits gets the code and the message; one that fails after it has waited does
            // the same.
            let outer = caller(Script, 1_000, input, &[ADD, RETURN]);
            let payload = i64::from_le_bytes(*message.as_bytes().first_chunk().unwrap());
            let told = payload + i64::from(MALFORMED);
            assert_eq!(machine.script(&outer).number(), told, "{message}");
            let fails_later = caller(Script, 1_000, input, &[0xff]);
            let outermost = caller(Script, 10_000, &fails_later, &[ADD, RETURN]);
            let told = i64::from_le_bytes(*b"unknown ") + i64::from(MALFORMED);
            assert_eq!(machine.script(&outermost).number(), told, "{message}");
        }
        let long = vec![0; 300 * 1024];
        let ended = machine.script(&long);
        assert_eq!(
            (ended.code, ended.text().as_str()),
            (-1014, "no room for the script")
        );
    });
}

#[test]
fn memory_does_not_grow_with_calls() {
    check(|machine| {
        let [(valid, _), ..] = signed();
        machine.verify(&valid);
        machine.script(&factorial(2));
        let (before, gas) = (machine.transaction.memory_bytes(), machine.gas);
        assert!(before > 0);

        let deep = factorial(2);
        let bad = caller(Script, 1_000, &script(&[&[0xff]], &[]), &[0xff]);
        let mut cost = None;
        for _ in 0..250 {
            let begins = machine.gas;
            // Eight calls.
            assert_eq!(machine.script(&deep).number(), 2);
            assert_eq!(machine.script(&bad).code, MALFORMED);
            assert_eq!(machine.verify(&[]).code, MALFORMED);
            assert_eq!(machine.verify(&[2; 96]).payload, [0]);
            assert_eq!(machine.script(&script(&[&push(1)], &[])).code, MALFORMED);
            // Nothing is left of them by which the next ones could cost more.
            let used = machine.gas - begins;
            assert_eq!(*cost.get_or_insert(used), used);
        }
        for _ in 0..20 {
            assert_eq!(machine.verify(&valid).payload, [1]);
        }
        assert!(machine.gas > gas);
        assert_eq!(machine.transaction.memory_bytes(), before);
    });
}
