//! The host of scripts on every machine.

use std::{collections::BTreeMap, fs};

use fusee_sdk::{Address, codec::Bytes};
use fusee_testkit::{
    Chain, Failure, Fuzz, GasSnapshot, Machine, Program, Status, on_every_machine, on_machine,
    program,
};
use multisig::{Multisig, MultisigClient};
use scripts::{CALL_GAS, Error, MESSAGE_BYTES, PROGRAM_BYTES, SLOTS, Scripts, ScriptsClient};

const SCRIPTS: Program = program!(Scripts);

/// A contract that calls others.
const MULTISIG: Program = program!(Multisig => "example-multisig");

/// The script that the book publishes.
const SUM: &[u8] = include_bytes!("../sum.wasm");

/// What scripts import.
const IMPORTS: &str = r#"
    (import "scripts" "input" (func $input (param i32 i32)))
    (import "scripts" "output" (func $output (param i32 i32)))
    (import "scripts" "load" (func $load (param i32 i32)))
    (import "scripts" "store" (func $store (param i32 i32)))
    (import "scripts" "caller" (func $caller (param i32)))"#;

/// The gas of a run that does not need much.
const GAS: u64 = 1_000_000;

fn wasm(text: &str) -> Bytes {
    Bytes(wat::parse_str(text).expect("the text is a module"))
}

/// A script whose `main` does this, with all imports and a page of memory.
fn script(body: &str) -> Bytes {
    wasm(&format!(
        "(module {IMPORTS} (memory (export \"memory\") 1) (func (export \"main\") (param $length i32) {body}))"
    ))
}

fn text(text: &str) -> Bytes {
    Bytes(text.as_bytes().to_vec())
}

/// Alice, Bob, and the contract.
fn deployed(chain: &mut Chain) -> (Address, Address, ScriptsClient) {
    let (alice, bob) = (chain.account("alice", 0), chain.account("bob", 0));
    let scripts = ScriptsClient::at(chain.deploy(alice, &SCRIPTS, &[]));
    (alice, bob, scripts)
}

/// Publishes a script and runs it with an input of 3 bytes.
fn outcome(
    chain: &mut Chain,
    scripts: &ScriptsClient,
    program: Bytes,
    gas: u64,
) -> Result<Bytes, Failure> {
    let alice = chain.account("alice", 0);
    let number = chain.call(alice, scripts.publish(program));
    chain.try_call(alice, scripts.run(number, text("abc"), gas))
}

fn storage(chain: &Chain, scripts: &ScriptsClient) -> BTreeMap<Vec<u8>, Vec<u8>> {
    chain.storage(*scripts.author_of(0).target())
}

#[test]
fn a_script_keeps_values_from_run_to_run() {
    on_every_machine(|chain| {
        let (alice, bob, scripts) = deployed(chain);
        for (number, author) in (0..).zip([alice, alice, bob]) {
            let published = chain.call(author, scripts.publish(Bytes(SUM.to_vec())));
            assert_eq!(published, number);
        }
        let mut run = |script, input: &[u8]| {
            let input = Bytes(input.to_vec());
            chain.call(bob, scripts.run(script, input, GAS)).0
        };
        assert_eq!(run(0, &[40]), 40_u64.to_le_bytes());
        assert_eq!(run(0, &[1, 1]), 297_u64.to_le_bytes());
        assert_eq!(run(1, &[7]), 7_u64.to_le_bytes(), "its own sum");
        assert_eq!(run(0, &[]), 297_u64.to_le_bytes());
        let kept = [0, 1, 2].map(|script| chain.query(scripts.value_of(script, 0))[..2].to_vec());
        assert_eq!(kept, [[41, 1], [7, 0], [0, 0]]);
        assert_eq!(chain.query(scripts.scripts_of(alice, 0, 10)), [0, 1]);
        assert_eq!(chain.query(scripts.scripts_of(alice, 1, 10)), [1]);
        assert_eq!(chain.query(scripts.author_of(2)), bob);
        let failure = chain
            .try_call(bob, scripts.run(3, text(""), GAS))
            .unwrap_err();
        assert_eq!(failure, Error::Unknown { script: 3 }.to_string());
    });
}

#[test]
fn a_run_tells_the_gas_that_the_script_used() {
    on_every_machine(|chain| {
        let (alice, bob, scripts) = deployed(chain);
        let number = chain.call(
            alice,
            scripts.publish(script("(call $caller (i32.const 0))")),
        );
        let (name, fields) = chain.events().remove(0);
        assert_eq!((name.as_str(), &fields["script"]), ("published", &0.into()));
        chain.call(bob, scripts.run(number, text(""), GAS));
        let (name, fields) = chain.events().remove(0);
        assert_eq!(name, "ran");
        assert_eq!(fields["caller"], format!("0x{}", hex(bob.as_bytes())));
        let gas: u64 = fields["gas"].as_u64().unwrap();
        assert!((CALL_GAS..CALL_GAS + 1_000).contains(&gas), "{gas}");
        // The least gas with which it ends well, and one less.
        chain.call(bob, scripts.run(number, text(""), gas));
        let failure = chain
            .try_call(bob, scripts.run(number, text(""), gas - 1))
            .unwrap_err();
        assert_eq!(failure, Error::OutOfGas.to_string());
    });
}

#[test]
fn a_script_reads_its_input_and_its_caller() {
    on_every_machine(|chain| {
        let (alice, bob, scripts) = deployed(chain);
        // Two bytes of the input, its length, and the caller.
        let body = "(call $input (i32.const 0) (i32.const 2))
            (i32.store8 (i32.const 2) (local.get $length))
            (call $caller (i32.const 3)) (call $output (i32.const 0) (i32.const 35))";
        let number = chain.call(alice, scripts.publish(script(body)));
        let output = chain.call(bob, scripts.run(number, text("hello"), GAS));
        let expected = [&b"he\x05"[..], bob.as_bytes()].concat();
        assert_eq!(output.0, expected);
    });
}

/// The limits are those of the documentation: the most of each is taken.
#[test]
fn the_longest_input_and_output_and_the_last_slot_are_taken() {
    on_every_machine(|chain| {
        let (alice, _, scripts) = deployed(chain);
        let slot = SLOTS - 1;
        let body = format!(
            "(call $input (i32.const 0) (i32.const -1))
             (call $store (i32.const {slot}) (i32.const 0))
             (call $load (i32.const {slot}) (i32.const 32))
             (call $output (i32.const 0) (local.get $length))"
        );
        let number = chain.call(alice, scripts.publish(script(&body)));
        let most = usize::try_from(MESSAGE_BYTES).unwrap();
        let input: Vec<u8> = (0..most).map(|index| index.to_le_bytes()[0]).collect();
        let run = scripts.run(number, Bytes(input.clone()), GAS);
        let output = chain.call(alice, run).0;
        assert_eq!(output, [&input[..32], &input[..32], &input[64..]].concat());
        assert_eq!(chain.query(scripts.value_of(number, slot)), input[..32]);
        let longer = Bytes(vec![0; most + 1]);
        let failure = chain
            .try_call(alice, scripts.run(number, longer, GAS))
            .unwrap_err();
        let most = MESSAGE_BYTES;
        assert_eq!(failure, Error::TooLarge { most }.to_string());
    });
}

#[test]
fn what_is_no_script_is_not_published() {
    on_every_machine(|chain| {
        let (alice, _, scripts) = deployed(chain);
        let before = storage(chain, &scripts);
        let not_a_script = Error::NotAScript.to_string();
        let most = PROGRAM_BYTES;
        let padding = "x".repeat(usize::try_from(most).unwrap());
        let large =
            format!("(module (func (export \"main\")) (@custom \"padding\" \"{padding}\"))");
        let other_import = |module: &str, name: &str, signature: &str| {
            wasm(&format!(
                "(module (import \"{module}\" \"{name}\" (func {signature})) (func (export \"main\")))"
            ))
        };
        for (what, program, expected) in [
            ("nothing", text(""), &not_a_script),
            ("no program", text("no program"), &not_a_script),
            (
                "a part",
                Bytes(SUM[..SUM.len() - 1].to_vec()),
                &not_a_script,
            ),
            ("a header", Bytes(SUM[..8].to_vec()), &not_a_script),
            (
                "another import",
                other_import("scripts", "storage_write", ""),
                &not_a_script,
            ),
            (
                "a syscall",
                other_import("fusee", "storage_write", ""),
                &not_a_script,
            ),
            (
                "a nested VM of its own",
                other_import(
                    "env",
                    "ext_virtualization_lookup_version_1",
                    "(param i64) (result i64)",
                ),
                &not_a_script,
            ),
            (
                "an import of a reserved module",
                other_import("fusee:gas", "caller", ""),
                &not_a_script,
            ),
            ("no main", wasm("(module (memory 1))"), &not_a_script),
            (
                "a main of floats",
                wasm("(module (func (export \"main\") (param f64)))"),
                &not_a_script,
            ),
            (
                "an import of floats",
                other_import("scripts", "load", "(result f32)"),
                &not_a_script,
            ),
            (
                "an atomic operator",
                wasm(
                    "(module (memory 1 1 shared) (func (export \"main\") (drop (i32.atomic.load (i32.const 0)))))",
                ),
                &not_a_script,
            ),
            (
                "too much memory",
                wasm("(module (memory 1025) (func (export \"main\")))"),
                &not_a_script,
            ),
            (
                "too many bytes",
                wasm(&large),
                &Error::TooLarge { most }.to_string(),
            ),
        ] {
            match chain.try_call(alice, scripts.publish(program)) {
                Err(failure) => assert_eq!(failure, *expected, "{what}"),
                Ok(number) => panic!("{what} is script {number}"),
            }
        }
        assert_eq!(storage(chain, &scripts), before);
    });
}

/// A script that fails changes nothing, its own values included, and the others run on.
#[test]
fn a_script_that_misbehaves_fails_alone() {
    let store = "(call $store (i32.const 0) (i32.const 0))";
    let wrong = |import: &str, first: i64, second: i64| {
        let call = format!("(call ${import} (i32.const {first}) (i32.const {second}))");
        let error = Error::BadCall {
            import: import.to_owned(),
        };
        let program = script(&format!("{store} {call}"));
        (call, program, error)
    };
    let own = |what: &str, body: &str, error: Error| {
        (what.to_owned(), script(&format!("{store} {body}")), error)
    };
    let whole = |what: &str, module: &str, error: Error| (what.to_owned(), wasm(module), error);
    let hostile = [
        own(
            "a loop without end",
            "(loop $again (br $again))",
            Error::OutOfGas,
        ),
        own(
            "imports without end",
            &format!("(loop $again {store} (br $again))"),
            Error::OutOfGas,
        ),
        own("a trap", "unreachable", Error::Trapped),
        own(
            "a division by zero",
            "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
            Error::Trapped,
        ),
        own(
            "an address",
            "(drop (i32.load (i32.const 65536)))",
            Error::Trapped,
        ),
        own(
            "a page that it has not",
            "(memory.fill (i32.const 65535) (i32.const 1) (i32.const 2))",
            Error::Trapped,
        ),
        own(
            "memory that it cannot pay",
            "(loop $again (br_if $again (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) unreachable",
            Error::OutOfGas,
        ),
        whole(
            "a recursion without end",
            "(module (func $main (export \"main\") (param i32) (call $main (i32.add (local.get 0) (i32.const 1)))))",
            Error::Trapped,
        ),
        whole(
            "a start without end",
            "(module (start $start) (func $start (loop $again (br $again))) (func (export \"main\")))",
            Error::OutOfGas,
        ),
        whole(
            "an import without a memory",
            r#"(module (import "scripts" "caller" (func $caller (param i32)))
                (func (export "main") (call $caller (i32.const 0))))"#,
            Error::BadCall {
                import: "caller".to_owned(),
            },
        ),
        whole(
            "an address of more than 32 bits",
            r#"(module (import "scripts" "caller" (func $caller (param i64))) (memory 1)
                (func (export "main") (call $caller (i64.const 0x1_0000_0000))))"#,
            Error::BadCall {
                import: "caller".to_owned(),
            },
        ),
        wrong("store", 64, 0),
        wrong("store", -1, 0),
        wrong("store", 256, 0),
        wrong("store", 0, 65_505),
        wrong("store", 0, -1),
        wrong("load", 64, 0),
        wrong("load", 0, 65_505),
        wrong("load", 0, -1),
        wrong("input", 65_534, 3),
        wrong("input", -1, -1),
        wrong("output", 0, 1_025),
        wrong("output", 65_535, 2),
        wrong("output", 0, -1),
        wrong("output", -1, 1),
    ];
    on_every_machine(|chain| {
        let (alice, _, scripts) = deployed(chain);
        chain.call(alice, scripts.publish(Bytes(SUM.to_vec())));
        chain.call(alice, scripts.run(0, text("*"), GAS));
        for (what, program, error) in &hostile {
            let number = chain.call(alice, scripts.publish(program.clone()));
            let before = storage(chain, &scripts);
            let run = chain.try_call(alice, scripts.run(number, text("abc"), GAS));
            match run {
                Err(failure) => assert_eq!(failure, error.to_string(), "{what}"),
                Ok(output) => panic!("{what} ended well: {output:?}"),
            }
            assert!(chain.receipt().events.is_empty(), "{what}");
            assert_eq!(storage(chain, &scripts), before, "{what}");
        }
        let sum = chain.call(alice, scripts.run(0, text(""), GAS));
        assert_eq!(sum.0, 42_u64.to_le_bytes());
    });
}

/// It grows to what it declares: there was room for that before it ran.
#[test]
fn a_script_that_takes_all_memory_is_refused_more() {
    let grow = "(loop $again
        (br_if $again (i32.ge_s (memory.grow (i32.const 64)) (i32.const 0))))";
    on_every_machine(|chain| {
        let (_, _, scripts) = deployed(chain);
        for (limits, pages) in [("1 512", 512), ("1 100", 100), ("0 64", 64)] {
            let body = "(i32.store (i32.const 0) (memory.size)) (call $output (i32.const 0) (i32.const 4))";
            let module = format!(
                "(module {IMPORTS} (memory {limits}) (func (export \"main\") {grow} {body}))"
            );
            let output = outcome(chain, &scripts, wasm(&module), 1_000_000_000).unwrap();
            let size = u32::from_le_bytes(output.0.try_into().unwrap());
            assert!(size <= pages && size > pages - 64, "{limits}: {size}");
        }
    });
}

/// Calls that wait and nested VMs have 64 MiB together.
#[test]
fn a_script_for_whose_memory_there_is_no_room_does_not_run() {
    let module = "(module (memory 1024) (func (export \"main\")))";
    on_every_machine(|chain| {
        let (alice, _, scripts) = deployed(chain);
        let number = chain.call(alice, scripts.publish(wasm(module)));
        let run = scripts.run(number, text(""), GAS);
        chain.call(alice, run.clone());

        let input = MultisigClient::deploy(vec![alice], 1).input();
        let wallet = MultisigClient::at(chain.deploy(alice, &MULTISIG, &input));
        let (method, input) = (run.method().to_owned(), Bytes(run.input()));
        let propose = wallet.propose(*run.target(), method, input, 0);
        let failure = chain.try_call(alice, propose).unwrap_err();
        assert_eq!(failure, Error::NoRoom.to_string());
    });
}

/// The instances of a call end with it, and one of 900 pages has room alone.
#[test]
fn the_memory_of_a_script_is_free_after_its_run() {
    let module = "(module (memory 900) (func (export \"main\")))";
    on_every_machine(|chain| {
        let (_, _, scripts) = deployed(chain);
        for _ in 0..3 {
            assert_eq!(outcome(chain, &scripts, wasm(module), GAS), Ok(text("")));
        }
    });
}

/// Programs compute the same on all engines, floats and the bits of a NaN included.
#[test]
fn a_script_may_compute_with_floats() {
    let body = "(f32.store (i32.const 0) (f32.div (f32.const 0) (f32.const 0)))
        (f64.store (i32.const 4) (f64.sqrt (f64.const 2)))
        (call $output (i32.const 0) (i32.const 12))";
    on_every_machine(|chain| {
        let (_, _, scripts) = deployed(chain);
        let output = outcome(chain, &scripts, script(body), GAS).unwrap();
        let expected = [
            &0x7fc0_0000_u32.to_le_bytes()[..],
            &2_f64.sqrt().to_le_bytes(),
        ]
        .concat();
        assert_eq!(output.0, expected);
    });
}

/// Its values in the first and the last slot are removed, and those of another script are not.
#[test]
fn a_script_that_is_removed_leaves_nothing() {
    on_every_machine(|chain| {
        let (alice, bob, scripts) = deployed(chain);
        let last = SLOTS - 1;
        let store = format!(
            "(i32.store8 (i32.const 0) (i32.const 7))
             (call $store (i32.const 0) (i32.const 0)) (call $store (i32.const {last}) (i32.const 0))"
        );
        let run = |chain: &mut Chain, number| {
            chain.call(bob, scripts.publish(script(&store)));
            chain.call(bob, scripts.run(number, text(""), GAS));
        };
        run(chain, 0);
        let before = storage(chain, &scripts);
        run(chain, 1);
        // Author, program, membership and two values.
        let with_both = storage(chain, &scripts);
        assert_eq!(with_both.len(), before.len() + 5);

        let failure = chain.try_call(alice, scripts.remove(1)).unwrap_err();
        assert_eq!(failure, Error::NotTheAuthor { script: 1 }.to_string());
        assert_eq!(storage(chain, &scripts), with_both);

        chain.call(bob, scripts.remove(1));
        let (name, fields) = chain.events().remove(0);
        assert_eq!((name.as_str(), &fields["script"]), ("removed", &1.into()));
        let after = storage(chain, &scripts);
        assert!(after.keys().eq(before.keys()));
        let changed = after.iter().filter(|(key, value)| before[*key] != **value);
        assert_eq!(changed.count(), 1, "the next number");

        let unknown = Error::Unknown { script: 1 }.to_string();
        for failure in [
            chain.try_call(bob, scripts.run(1, text(""), GAS)).map(drop),
            chain.try_call(bob, scripts.remove(1)),
            chain.try_query(scripts.author_of(1)).map(drop),
        ] {
            assert_eq!(failure.unwrap_err(), unknown);
        }
        assert_eq!(chain.query(scripts.value_of(1, last)), [0; 32]);
        // Its number is not given again, and the other script is as it was.
        assert_eq!(chain.call(alice, scripts.publish(Bytes(SUM.to_vec()))), 2);
        assert_eq!(chain.query(scripts.value_of(0, last))[0], 7);
        assert_eq!(chain.query(scripts.scripts_of(bob, 0, 10)), [0]);
    });
}

/// What the contract stores is what the scripts are that were published and not removed.
#[test]
fn storage_is_that_of_the_scripts_that_are_there() {
    on_every_machine(|chain| {
        let (alice, bob, scripts) = deployed(chain);
        let fuzz = Fuzz {
            contract: *scripts.author_of(0).target(),
            accounts: &[alice, bob],
            seed: 7,
            calls: 200,
        };
        // Whose each script is, and whether it keeps a value. Random bytes are no scripts, so the
        // test publishes the sum again for each one that is removed.
        let mut live = BTreeMap::new();
        for author in [alice, bob, bob, alice] {
            let number = chain.call(author, scripts.publish(Bytes(SUM.to_vec())));
            live.insert(number, (author, false));
        }
        let (mut next, mut ran) = (4_u64, 0);
        chain.fuzz(fuzz, |chain, call| {
            let number = || {
                let number = call.arguments["script"].as_str().expect("a number");
                number.parse::<u64>().expect("a number")
            };
            match (call.method.as_str(), call.status) {
                ("remove", Status::Success) => {
                    let removed = live.remove(&number()).expect("it was there");
                    assert_eq!(removed.0, call.from, "an author removes it");
                    let number = chain.call(bob, scripts.publish(Bytes(SUM.to_vec())));
                    assert_eq!(number, next, "a number is given once");
                    live.insert(number, (bob, false));
                    next += 1;
                }
                ("remove", _) => {
                    let is_there = live.get(&number());
                    assert!(is_there.is_none_or(|(author, _)| *author != call.from));
                }
                ("run", Status::Success) => {
                    live.get_mut(&number()).expect("it is there").1 = true;
                    ran += 1;
                }
                ("publish", status) => assert_ne!(status, Status::Success, "random bytes"),
                _ => {}
            }
            for account in [alice, bob] {
                let of_account = live.iter().filter(|(_, (author, _))| *author == account);
                let numbers: Vec<u64> = of_account.map(|(number, _)| *number).collect();
                let listed = chain.query(scripts.scripts_of(account, 0, u32::MAX));
                assert_eq!(listed, numbers);
            }
            // The next number; of each script author, program and membership; and its sum.
            let entries: usize = live.values().map(|(_, ran)| 3 + usize::from(*ran)).sum();
            assert_eq!(storage(chain, &scripts).len(), 1 + entries);
        });
        assert!(next > 5 && ran > 2, "{next} {ran}");
    });
}

/// What a script pays for imports covers what the contract does for them, on each engine.
#[test]
fn a_caller_pays_no_more_than_the_limit_and_what_a_run_costs() {
    const LIMIT: u64 = 20_000_000;
    let most = MESSAGE_BYTES;
    let endless = [
        // Also in slots that have nothing yet.
        "(call $store (local.get $slot) (i32.const 0))".to_owned(),
        "(call $load (i32.const 0) (i32.const 0))".to_owned(),
        format!("(call $output (i32.const 0) (i32.const {most}))"),
        format!("(call $input (i32.const 0) (i32.const {most}))"),
        "(call $caller (i32.const 0))".to_owned(),
    ];
    for machine in [Machine::Wasmtime, Machine::Wasmi, Machine::PolkaVm] {
        on_machine(machine, |chain| {
            let (alice, _, scripts) = deployed(chain);
            for call in &endless {
                let number = chain.call(
                    alice,
                    scripts.publish(script(&format!(
                        "(local $slot i32)
                         (loop $again {call}
                           (local.set $slot
                             (i32.rem_u (i32.add (local.get $slot) (i32.const 1)) (i32.const {SLOTS})))
                           (br $again))"
                    ))),
                );
                let input = Bytes(vec![7; usize::try_from(MESSAGE_BYTES).unwrap()]);
                let mut used = |gas| {
                    let run = scripts.run(number, input.clone(), gas);
                    let failure = chain.try_call(alice, run).unwrap_err();
                    assert_eq!(failure, Error::OutOfGas.to_string());
                    chain.gas_used()
                };
                let alone = used(0);
                let all = used(LIMIT);
                assert!(all <= alone + LIMIT, "{machine}: {call}: {alone} and {all}");
            }
        });
    }
}

#[test]
fn gas_is_as_in_the_file() {
    on_machine(Machine::Wasmtime, |chain| {
        let (alice, bob, scripts) = deployed(chain);
        let mut gas = GasSnapshot::new();
        let number = chain.call(alice, scripts.publish(Bytes(SUM.to_vec())));
        gas.record("publish", chain.gas_used());
        chain.call(bob, scripts.run(number, text("first"), GAS));
        gas.record("run", chain.gas_used());
        chain.call(alice, scripts.remove(number));
        gas.record("remove", chain.gas_used());
        gas.check("tests/gas.txt", 20).unwrap();
    });
}

/// `sum.wasm` is what `sum.wat` says. Set `UPDATE_EXPECT` to write it.
#[test]
fn the_script_of_the_book_is_its_text() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/sum.wasm");
    let program = wat::parse_str(include_str!("../sum.wat")).unwrap();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, &program).unwrap();
    }
    assert!(
        fs::read(path).unwrap() == program,
        "sum.wasm is of another text"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
