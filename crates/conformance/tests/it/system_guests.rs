//! The system programs of `guests/wasm`, driven by a small host of their own, on all lanes.
//!
//! A program's instance lives on between calls; one that returns that it is interrupted is entered again with what
//! came of it, and the calls in between enter the same instance. Every test makes its calls on each lane, and compares
//! what they tell, gas included.

use std::{any::Any, fmt::Write, sync::Arc};

use expect_test::expect_file;
use fusee_conformance::{
    Ending, Lane, agreed,
    counting::{self, Entry, Instance, Prices},
    lanes,
};
use fusee_engine::{AtGasEnd, Gas, Host, Stop, Syscall, Trap, Value, ValueType};
use fusee_executor::{LiveInstance, Outcome, Prepared};
use fusee_instrument::{Rules, SyscallSignature};

use crate::guest::{compiled, counted};

const MODULE: &str = "fluentbase_v1preview";

const OK: i32 = 0;
const PANIC: i32 = -1;
const INTERRUPTED: i32 = -3;
const MALFORMED: i32 = -1003;
const OUT_OF_FUEL: i32 = -2010;
const FATAL: i32 = -3001;

/// What one entry may use: far more than any does, and little enough for a test that does not end to fail.
const GAS: Gas = Gas::new(1 << 28);

/// By these hashes scripts call the programs.
const VERIFIER: [u8; 32] = [0xed; 32];
const SCRIPT: [u8; 32] = [0x5c; 32];

const I32: ValueType = ValueType::I32;
const I64: ValueType = ValueType::I64;

type Row = (
    &'static str,
    &'static [ValueType],
    Option<ValueType>,
    fn(&mut System, &mut Syscall<'_>) -> Result<u64, Stop>,
);

/// The imports, by their numbers. Those that no program here may use are refused.
const TABLE: [Row; 16] = [
    ("_exit", &[I32], None, |system, call| {
        let [code, ..] = numbers(call);
        system.exit_code = Some(i32::from_le_bytes(code.to_le_bytes()));
        Err(Stop::Finish)
    }),
    ("_state", &[], Some(I32), |_, _| refused()),
    ("_read", &[I32, I32, I32], None, |system, call| {
        copy(&system.input, call)
    }),
    ("_input_size", &[], Some(I32), |system, _| {
        size(&system.input)
    }),
    ("_write", &[I32, I32], None, |system, call| {
        let [start, length, ..] = numbers(call);
        let bytes = part(call.memory, start, length)?;
        system.output.extend_from_slice(bytes);
        Ok(0)
    }),
    ("_output_size", &[], Some(I32), |system, _| {
        size(&system.return_data)
    }),
    ("_read_output", &[I32, I32, I32], None, |system, call| {
        copy(&system.return_data, call)
    }),
    ("_forward_output", &[I32, I32], None, |_, _| refused()),
    ("_exec", &[I32; 5], Some(I32), |_, _| refused()),
    ("_resume", &[I32; 5], Some(I32), |_, _| refused()),
    ("_fuel", &[], Some(I64), |_, _| refused()),
    ("_charge_fuel", &[I64], None, |system, call| {
        let left = system.fuel.checked_sub(call.request.args[0]);
        system.fuel = left.ok_or(Stop::OutOfGas)?;
        Ok(0)
    }),
    ("_debug_log", &[I32, I32], None, |_, _| refused()),
    ("_keccak256", &[I32; 3], None, |_, _| refused()),
    ("_sha256", &[I32; 3], None, |_, _| refused()),
    ("_blake3", &[I32; 3], None, |_, _| refused()),
];

/// What a call finds around it.
#[derive(Debug, Default)]
struct System {
    input: Vec<u8>,
    return_data: Vec<u8>,
    output: Vec<u8>,
    exit_code: Option<i32>,
    /// What its own account may still take.
    fuel: u64,
}

impl Host for System {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let number = usize::try_from(call.request.number).unwrap();
        (TABLE[number].3)(self, call)
    }
}

fn refused() -> Result<u64, Stop> {
    Err(Trap::SyscallRefused.into())
}

fn size(bytes: &[u8]) -> Result<u64, Stop> {
    Ok(u64::try_from(bytes.len()).unwrap())
}

/// The arguments, of those that are `i32`.
fn numbers(call: &Syscall<'_>) -> [u32; 6] {
    call.request.args.map(|arg| u32::try_from(arg).unwrap())
}

fn part(bytes: &[u8], start: u32, length: u32) -> Result<&[u8], Stop> {
    let [start, length] = [start, length].map(|number| usize::try_from(number).unwrap());
    let part = bytes.get(start..).and_then(|rest| rest.get(..length));
    part.ok_or(Stop::Trap(Trap::MemoryOutOfBounds))
}

/// Writes a part of the bytes to the guest's memory.
fn copy(bytes: &[u8], call: &mut Syscall<'_>) -> Result<u64, Stop> {
    let [start, offset, length, ..] = numbers(call);
    part(call.memory, start, length)?;
    let start = usize::try_from(start).unwrap();
    let bytes = part(bytes, offset, length)?;
    call.memory[start..][..bytes.len()].copy_from_slice(bytes);
    Ok(0)
}

fn rules() -> Rules {
    let signature = |(number, (name, params, result, _)): (u32, &Row)| SyscallSignature {
        module: MODULE.to_owned(),
        name: (*name).to_owned(),
        number,
        params: params.to_vec(),
        result: *result,
        may_suspend: false,
    };
    Rules::v2((0..).zip(&TABLE).map(signature).collect())
}

/// One program, and the instance of it that lives.
struct Program {
    prepared: Arc<Prepared>,
    live: Option<LiveInstance>,
}

/// Both programs on a lane.
struct Machine<'a> {
    lane: &'a Lane,
    verifier: Program,
    script: Program,
    /// The gas of all entries so far.
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

impl<'a> Machine<'a> {
    fn new(lane: &'a Lane) -> Self {
        let program = |name| Program {
            prepared: lane.executor.prepare(&compiled(name), &rules()).unwrap(),
            live: None,
        };
        Self {
            lane,
            verifier: program("verifier"),
            script: program("script"),
            gas: 0,
        }
    }

    fn program(&mut self, hash: [u8; 32]) -> &mut Program {
        match hash {
            VERIFIER => &mut self.verifier,
            SCRIPT => &mut self.script,
            unknown => panic!("no program {unknown:02x?}"),
        }
    }

    /// Enters an export once. The host, and what the export returned, if it did; then the instance lives on.
    fn enter(&mut self, hash: [u8; 32], entry: &str, system: System) -> (Box<System>, Option<i32>) {
        let lane = self.lane;
        let args: &[Value] = match entry {
            "main" => &[Value::I32(0), Value::I32(0)],
            _ => &[],
        };
        let request = lane.request(entry, args, GAS);
        let system: Box<dyn Host> = Box::new(system);
        let program = self.program(hash);
        let outcome = match program.live.take() {
            None => lane.executor.run(&program.prepared, request, system),
            Some(live) => live.run(request, system),
        };
        let (host, returned, used) = match outcome.unwrap() {
            Outcome::Finished(finished) => {
                let returned = match finished.values() {
                    [Value::I32(code)] => Some(*code),
                    _ => None,
                };
                let used = finished.gas_used();
                let (live, host) = finished.recycle();
                program.live = live;
                (host, returned, used)
            }
            Outcome::OutOfGas(ended) => {
                let used = ended.gas_used();
                (ended.into_host(), Some(OUT_OF_FUEL), used)
            }
            other => panic!("{}: {other:?}", lane.name),
        };
        self.gas += used.units();
        let host: Box<dyn Any> = host;
        (host.downcast().unwrap(), returned)
    }

    /// A call from its beginning to its end.
    fn call(&mut self, hash: [u8; 32], input: &[u8], fuel: u64) -> Ended {
        let mut return_data = Vec::new();
        let mut left = fuel;
        loop {
            let system = System {
                input: input.to_vec(),
                return_data,
                fuel: left,
                ..System::default()
            };
            let (system, returned) = self.enter(hash, "main", system);
            left = system.fuel;
            let ended = |code, payload: &[u8], left: u64| Ended {
                code,
                payload: payload.to_vec(),
                fuel_used: fuel - left,
            };
            match (system.exit_code, returned) {
                (Some(code), None) => return ended(code, &system.output, left),
                (None, Some(OUT_OF_FUEL)) => return ended(OUT_OF_FUEL, &[], left),
                (None, Some(INTERRUPTED)) => {
                    let callee = self.answer(hash, &system.output, left);
                    left -= callee.fuel_used;
                    if self.program(hash).live.is_none() {
                        return ended(FATAL, b"the instance is gone", left);
                    }
                    return_data = outcome(&callee);
                }
                (None, Some(code)) => {
                    let (header, payload) = system.output.split_first_chunk().unwrap();
                    assert_eq!(i32::from_le_bytes(*header), code);
                    return ended(code, payload, left);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Does what an interruption asks.
    fn answer(&mut self, hash: [u8; 32], interruption: &[u8], left: u64) -> Ended {
        let interruption: &[u8; 64] = interruption.try_into().unwrap();
        let number = |at: usize| {
            let bytes = interruption[at..][..8].try_into().unwrap();
            usize::try_from(u64::from_le_bytes(bytes)).unwrap()
        };
        assert_eq!(number(40), 0, "the state, and no place for fuel");
        let live = self.program(hash).live.as_mut().unwrap();
        let input = live.memory()[number(48)..number(56)].to_vec();
        let limit = u64::try_from(number(32)).unwrap().min(left);
        self.call(interruption[..32].try_into().unwrap(), &input, limit)
    }

    fn script(&mut self, input: &[u8]) -> Ended {
        self.call(SCRIPT, input, 1_000_000)
    }

    fn verify(&mut self, input: &[u8]) -> Ended {
        self.call(VERIFIER, input, 0)
    }

    /// The bytes of memory of both instances.
    fn memory(&mut self) -> [usize; 2] {
        [VERIFIER, SCRIPT].map(|hash| {
            let live = self.program(hash).live.as_mut();
            live.map_or(0, |live| live.memory().len())
        })
    }
}

/// The return data of an interruption.
fn outcome(callee: &Ended) -> Vec<u8> {
    let length = u64::try_from(callee.payload.len()).unwrap();
    [
        &[1][..],
        &length.to_le_bytes(),
        &callee.payload,
        &callee.fuel_used.to_le_bytes(),
        &0i64.to_le_bytes(),
        &callee.code.to_le_bytes(),
    ]
    .concat()
}

/// What `tell` returns on every lane, where the gas is the same, too. Each lane begins without instances.
fn check<T: PartialEq + std::fmt::Debug>(mut tell: impl FnMut(&mut Machine<'_>) -> T) -> T {
    let (told, _) = agreed(&lanes(), |lane| {
        let mut machine = Machine::new(lane);
        let told = tell(&mut machine);
        (told, machine.gas)
    });
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

/// Calls a program with the input, and returns what `then` makes of the payload and the exit code on it.
fn caller(hash: [u8; 32], fuel: i64, input: &[u8], then: &[u8]) -> Vec<u8> {
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
    script(&code, &[&hash, input])
}

/// The factorial of `n`, whose every step is a call of the script with a smaller number in its data.
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
    script(&[&code], &[&padding, &n.to_le_bytes(), &SCRIPT])
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Key and signature, and the message: tests 1 to 3 of RFC 8032, section 7.1, and a message that is longer than what is
/// read at once.
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
            ("verifier, first call", VERIFIER, valid.clone()),
            ("verifier, the same again", VERIFIER, valid),
            ("verifier, 3,000 bytes, another key", VERIFIER, long),
            ("verifier, too short", VERIFIER, Vec::new()),
            ("script, first call: 3!", SCRIPT, factorial(3)),
            ("script, the same again", SCRIPT, factorial(3)),
            ("script, 1!", SCRIPT, factorial(1)),
            ("script, malformed", SCRIPT, Vec::new()),
        ];
        let mut told = String::new();
        for (name, hash, input) in calls {
            let before = machine.gas;
            let Ended {
                code,
                payload,
                fuel_used,
            } = machine.call(hash, &input, 1_000_000);
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
    expect_file!["golden/gas/system.txt"].assert_eq(&told);
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
        let call = |input: &[u8]| caller(VERIFIER, 0, input, &[ADD, RETURN]);
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
        assert_eq!(machine.call(SCRIPT, &input, price).number(), 1);
        for fuel in [0, 11, 12, 24, 523, price - 1] {
            let ended = machine.call(SCRIPT, &input, fuel);
            assert_eq!(ended.code, OUT_OF_FUEL, "{fuel}");
            assert!(machine.script.live.is_none());
        }
        assert_eq!(machine.call(SCRIPT, &input, price).number(), 1);
    });
}

#[test]
fn an_instance_that_ran_out_of_fuel_takes_the_scripts_that_wait_with_it() {
    check(|machine| {
        let endless = script(&[&push(1), &push(1), &[JUMP_IF, 13, 0]], &[]);
        let outer = caller(SCRIPT, 1_000, &endless, &[ADD, RETURN]);
        let outermost = caller(SCRIPT, 500_000, &outer, &[ADD, RETURN]);
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

            // One that waits gets the code and the message; one that fails after it has waited does the same.
            let outer = caller(SCRIPT, 1_000, input, &[ADD, RETURN]);
            let payload = i64::from_le_bytes(*message.as_bytes().first_chunk().unwrap());
            let told = payload + i64::from(MALFORMED);
            assert_eq!(machine.script(&outer).number(), told, "{message}");
            let fails_later = caller(SCRIPT, 1_000, input, &[0xff]);
            let outermost = caller(SCRIPT, 10_000, &fails_later, &[ADD, RETURN]);
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
        let (before, gas) = (machine.memory(), machine.gas);
        assert!(!before.contains(&0));

        let deep = factorial(2);
        let bad = caller(SCRIPT, 1_000, &script(&[&[0xff]], &[]), &[0xff]);
        let mut cost = None;
        for _ in 0..1_250 {
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
        assert_eq!(machine.memory(), before);
    });
}

#[test]
fn a_host_that_breaks_the_rules_gets_a_panic_with_a_message() {
    check(|machine| {
        let mut resumed = |interrupt: bool, return_data: &[u8]| {
            if interrupt {
                let input = caller(VERIFIER, 0, &[], &[RETURN]);
                let system = System {
                    input,
                    fuel: 1_000_000,
                    ..System::default()
                };
                assert_eq!(machine.enter(SCRIPT, "main", system).1, Some(INTERRUPTED));
            }
            let system = System {
                return_data: return_data.to_vec(),
                ..System::default()
            };
            let (system, returned) = machine.enter(SCRIPT, "main", system);
            assert_eq!((system.exit_code, returned), (Some(PANIC), None));
            assert!(machine.script.live.is_none());
            String::from_utf8(system.output).unwrap()
        };
        let callee = Ended {
            code: OK,
            payload: vec![1; 8],
            fuel_used: 0,
        };
        let answer = outcome(&callee);
        assert_eq!(resumed(false, &answer), "a script waits");
        assert_eq!(resumed(true, &answer[1..]), "return data is an outcome");
        assert_eq!(resumed(true, &[1]), "return data is an outcome");
        assert_eq!(machine.script(&factorial(3)).number(), 6);
    });
}

#[test]
fn deploying_is_nothing_but_a_good_end() {
    check(|machine| {
        for hash in [VERIFIER, SCRIPT] {
            let (system, returned) = machine.enter(hash, "deploy", System::default());
            assert_eq!(returned, Some(OK));
            assert_eq!(system.output, OK.to_le_bytes());
        }
    });
}

/// A fresh instance's first call, by the interpreter that counts by itself.
#[test]
fn first_calls_cost_what_is_counted() {
    let [_, (head, message), ..] = signed();
    let cases = [
        ("verifier", VERIFIER, [head, message].concat()),
        ("script", SCRIPT, factorial(0)),
    ];
    for (name, hash, input) in cases {
        let system = || System {
            input: input.clone(),
            fuel: 1_000_000,
            ..System::default()
        };
        let on_lanes = agreed(&lanes(), |lane| {
            let mut machine = Machine::new(lane);
            let (system, returned) = machine.enter(hash, "main", system());
            (returned, system.output, machine.gas)
        });

        let rules = rules();
        let prices = Prices::version(rules.schedule().version);
        let program = counted(&compiled(name), &prices, &rules);
        let entry = Entry {
            name: "main",
            args: &counting::slots(&[Value::I32(0), Value::I32(0)]),
            gas: GAS,
            at_gas_end: AtGasEnd::Stop,
        };
        let outcome = Instance::new(&program).run(entry, Box::new(system()));
        let counting::Outcome::Ended(ended) = outcome.unwrap() else {
            panic!("{name} is parked");
        };
        let Ending::Finished(values) = &ended.verdict.ending else {
            panic!("{name}: {:?}", ended.verdict);
        };
        let [Value::I32(code)] = values.as_slice() else {
            panic!("{name}: {values:?}");
        };
        let host: Box<dyn Any> = ended.host;
        let system: Box<System> = host.downcast().unwrap();
        let counted = (Some(*code), system.output, ended.verdict.gas_used);
        assert_eq!(counted, on_lanes, "{name}");
    }
}
