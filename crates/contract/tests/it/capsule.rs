//! Capsules: what they hold, what is refused as one, and what a replay finds.
//!
//! Beside these tests, every transaction of a [`World`] is recorded on one lane and replayed on
//! another.

mod batches;
mod faulty;

use std::sync::Arc;

use expect_test::{expect, expect_file};
use fusee_conformance::Random;
use fusee_contract::{
    Action, BlockContext, Capsule, CapsuleError, CapsuleOutcome, CapsuleRun, ContractRules,
    Contracts, RunStep, Status, Transaction, keys,
};
use fusee_engine::{CodeHash, Gas, Interrupt};
use fusee_executor::Executor;
use fusee_state::StateReader;
use sha2::{Digest, Sha256};

use crate::world::{COUNTER, GAS, TOKEN, World, alice, bob, counted, wasm_alone};
use batches::{several, system};
use faulty::Faulty;

/// Reads the keys `a` and `b`, and computes in between. The constants are such that a faulty engine
/// finds them: the address of the first key, and how often the loop runs.
const READS: &str = r#"(module
    (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
    (import "fusee" "output_write" (func $output (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 60000) "abcvalue")
    (func (export "store")
        (call $write (i32.const 60000) (i32.const 1) (i32.const 60003) (i32.const 5))
        (call $write (i32.const 60001) (i32.const 1) (i32.const 60003) (i32.const 3)))
    (func (export "load") (local $times i32)
        (drop (call $read (i32.const 60000) (i32.const 1) (i32.const 0) (i32.const 8)))
        (local.set $times (i32.const 77001))
        (loop $again (br_if $again
            (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
        (drop (call $read (i32.const 60001) (i32.const 1) (i32.const 0) (i32.const 8)))
        (call $output (i32.const 0) (i32.const 8))))"#;

/// Asks for its gas as often as its constant says, and then for its caller.
const LONG: &str = r#"(module
    (import "fusee" "gas_left" (func $gas (result i64)))
    (import "fusee" "caller" (func $caller (param i32)))
    (memory (export "memory") 1)
    (func (export "run") (local $times i32)
        (local.set $times (i32.const 20000))
        (loop $again
            (drop (call $gas))
            (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
        (call $caller (i32.const 66000))))"#;

fn call(to: fusee_contract::Address, method: &str) -> Transaction {
    Transaction {
        from: alice(),
        action: Action::Call {
            to,
            method: method.to_owned(),
            input: Vec::new(),
        },
        value: 0,
        gas: Gas::new(GAS),
    }
}

fn few_lanes() -> World {
    World::on_lanes(&["wasmtime", "wasmi"], &wasm_alone())
}

/// A world, and the call of `load` in it.
fn loading() -> (World, Transaction) {
    let mut world = few_lanes();
    let code = wat::parse_str(READS).unwrap();
    let contract = world.deploy(&code, &[]);
    let receipt = world.call(alice(), contract, "store", &[]);
    assert_eq!(receipt.status, Status::Success);
    (world, call(contract, "load"))
}

/// The bytes of a capsule with another checksum, after a change of what it covers.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 32;
    let checksum: [u8; 32] = Sha256::digest(&bytes[..end]).into();
    bytes[end..].copy_from_slice(&checksum);
    bytes
}

/// Replaces the only place where the bytes have `from`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut places = bytes.windows(from.len()).enumerate();
    let place = places.find(|(_, window)| *window == from).unwrap().0;
    assert!(
        !places.any(|(_, window)| window == from),
        "not the only one"
    );
    let (before, after) = (&bytes[..place], &bytes[place + from.len()..]);
    sealed([before, to, after].concat())
}

fn small() -> Vec<u8> {
    let (world, transaction) = loading();
    let (capsule, _) = world.recorded(&transaction);
    capsule.encode().unwrap()
}

/// Capsules of a transaction, of a batch and of a system call.
fn of_each_kind() -> [Vec<u8>; 3] {
    let (world, transaction) = loading();
    let Action::Call { to, .. } = transaction.action else {
        unreachable!()
    };
    let others = [several(&world, to), system(&world, to)];
    let [batch, system] = others.map(|capsule| capsule.encode().unwrap());
    [small(), batch, system]
}

#[test]
fn the_encoding_of_version_2_is_frozen() {
    let mut world = few_lanes();
    world.block = BlockContext {
        chain_id: "golden".into(),
        height: 3,
        time: 1_700_000_000_123,
        proposer: bob(),
    };
    let contract = world.deploy(&wat::parse_str(READS).unwrap(), &[]);
    world.call(alice(), contract, "store", &[]);
    let (transaction, _) = world.recorded(&call(contract, "load"));
    let golden = [
        ("transaction", transaction),
        ("batch", several(&world, contract)),
        ("system call", system(&world, contract)),
    ];
    let lines = golden.iter().flat_map(|(name, capsule)| {
        let bytes = capsule.encode().unwrap();
        let lines: Vec<_> = bytes.chunks(48).map(hex::encode).collect();
        [vec![(*name).to_owned()], lines].concat()
    });
    let lines: Vec<_> = lines.collect();
    expect_file!["golden/capsule_2.txt"].assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn a_capsule_of_version_1_is_refused_by_its_version() {
    let lines = include_str!("golden/capsule_1.txt").lines();
    let bytes: Vec<_> = lines.flat_map(|line| hex::decode(line).unwrap()).collect();
    let expected = CapsuleError::Version {
        found: 1,
        expected: 2,
    };
    assert_eq!(Capsule::decode(&bytes).unwrap_err(), expected);
}

#[test]
fn no_part_and_no_change_of_a_capsule_is_one() {
    for bytes in of_each_kind() {
        for end in 0..bytes.len() {
            Capsule::decode(&bytes[..end]).unwrap_err();
        }
        for at in 0..bytes.len() {
            for bit in [0, 7] {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                Capsule::decode(&damaged).unwrap_err();
            }
        }
        Capsule::decode(&[&bytes[..], &[0]].concat()).unwrap_err();
        Capsule::decode(&bytes).unwrap();
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let bytes = small();
    let error = |bytes: &[u8]| Capsule::decode(bytes).unwrap_err().to_string();
    expect!["this is no capsule: it does not begin with `fuseecap`"].assert_eq(&error(b"\0asm"));
    let mut later = bytes.clone();
    later[8] = 3;
    expect!["the capsule has version 3, this program reads version 2"].assert_eq(&error(&later));
    expect!["the capsule is damaged or cut off: the checksum in its last 32 bytes is not that of the 68 bytes before it"].assert_eq(&error(&bytes[..100]));
    let rest = &bytes[bytes.len() - 32..];
    let more = sealed([&bytes[..bytes.len() - 32], b"more", rest].concat());
    assert!(error(&more).ends_with("in its steps: more bytes follow than the capsule has"));
    let code = wat::parse_str(READS).unwrap();
    let message = error(&replaced(
        &bytes,
        &code,
        &[&code[..40], b"?", &code[41..]].concat(),
    ));
    assert!(
        message.ends_with("in its code: the code before has another hash"),
        "{message}"
    );
    // The key of the nonce before that of the code's hash, whose tag is the lesser one.
    let (world, transaction) = loading();
    let (capsule, _) = world.recorded(&transaction);
    let [first, second] = [0, 1].map(|at| capsule.state().iter().nth(at).unwrap().0.to_vec());
    assert_eq!(first.len(), second.len());
    let swapped = replaced(&bytes, &first, &[0xee; 33]);
    let swapped = replaced(&swapped, &second, &first);
    let swapped = replaced(&swapped, &[0xee; 33], &second);
    let message = error(&swapped);
    assert!(
        message.contains("in its contents: the same capsule has other canonical bytes"),
        "{message}"
    );
}

#[test]
fn bytes_with_a_right_checksum_decode_to_themselves_or_not_at_all() {
    let kinds = of_each_kind();
    let mut random = Random::new(11);
    let (mut decoded, mut refused) = (0, 0);
    let contracts = contracts_on(Faulty::new(&[]));
    for round in 0..6_000 {
        let bytes = &kinds[round % 3];
        let mut changed = bytes.clone();
        for _ in 0..=random.below(2) {
            let at = 12
                + usize::try_from(random.below(u64::try_from(bytes.len() - 44).unwrap())).unwrap();
            changed[at] = match random.below(3) {
                0 => 0xff,
                1 => changed[at].wrapping_add(1),
                _ => u8::try_from(random.below(256)).unwrap(),
            };
        }
        let changed = sealed(changed);
        match Capsule::decode(&changed) {
            Ok(capsule) => {
                assert_eq!(capsule.encode().unwrap(), changed);
                if round % 8 == 0 {
                    // Whatever comes of it, the host stands.
                    let _ = capsule.replay(&contracts, &Interrupt::new());
                    let replay = CapsuleRun::Replay(&contracts);
                    let _ =
                        capsule.first_difference([CapsuleRun::Recorded, replay], &Interrupt::new());
                }
                decoded += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(decoded > 800 && refused > 800, "{decoded}, {refused}");
}

#[test]
fn what_a_capsule_holds_is_what_the_transaction_read() {
    let mut world = World::with_rules(&ContractRules::v2());
    let token = world.deploy(TOKEN, &1_000_000_u64.to_le_bytes());
    let transfer = Transaction {
        action: Action::Call {
            to: token,
            method: "transfer".to_owned(),
            input: [bob().as_bytes().as_slice(), &5_u64.to_le_bytes()].concat(),
        },
        ..call(token, "transfer")
    };
    let (capsule, included) = world.recorded(&transfer);
    let code = CodeHash::of(TOKEN);
    let mut read: Vec<_> = capsule
        .state()
        .iter()
        .map(|(key, _)| key.to_vec())
        .collect();
    read.push(keys::code(code));
    read.sort();
    assert!(included.reads.iter().eq(read));
    for (key, value) in capsule.state().iter() {
        assert_eq!(world.state.read(key).unwrap().as_ref(), value);
    }
    assert!(capsule.code().eq([(code, Some(TOKEN))]));
    assert_eq!(capsule.rules().unwrap(), ContractRules::v2());

    // The same, whatever recorded it.
    let bytes = capsule.encode().unwrap();
    for (name, contracts) in world.lanes() {
        let block = BlockContext::default();
        let (_, other) = Capsule::record(
            contracts,
            world.reader(),
            transfer.clone(),
            &block,
            &Interrupt::new(),
        )
        .unwrap();
        assert_eq!(other.unwrap().encode().unwrap(), bytes, "{name}");
    }
}

#[test]
fn code_can_be_left_out_and_is_named() {
    let mut world = few_lanes();
    let contract = world.deploy(COUNTER, &[]);
    let deploy = Transaction {
        action: Action::Deploy {
            code: COUNTER.to_vec(),
            input: Vec::new(),
        },
        ..call(contract, "")
    };
    for transaction in [call(contract, "increment"), deploy] {
        let (whole, _) = world.recorded(&transaction);
        let bytes = whole.clone().without_code().encode().unwrap();
        assert!(bytes.len() + COUNTER.len() == whole.encode().unwrap().len() - 4);
        let mut capsule = Capsule::decode(&bytes).unwrap();
        let (_, contracts) = world.lanes().next().unwrap();
        let replay = |capsule: &Capsule| capsule.replay(contracts, &Interrupt::new());
        let hash = CodeHash::of(COUNTER);
        assert_eq!(replay(&capsule), Err(CapsuleError::MissingCode { hash }));
        assert!(!capsule.add_code(TOKEN));
        assert!(capsule.add_code(COUNTER));
        assert_eq!(capsule.encode(), whole.encode());
        assert_eq!(replay(&capsule), Ok(whole.outcome()));
    }
}

#[test]
fn a_capsule_of_other_rules_is_refused() {
    let mut world = few_lanes();
    let contract = world.deploy(COUNTER, &[]);
    let (capsule, _) = world.recorded(&call(contract, "increment"));
    assert!(matches!(
        capsule.rules(),
        Err(CapsuleError::UnknownRules { .. })
    ));
    let other = World::on_lanes(&["wasmi"], &ContractRules::v1());
    let (_, contracts) = other.lanes().next().unwrap();
    let expected = CapsuleError::OtherRules {
        expected: "wasm-alone".to_owned(),
        found: "contract-1".to_owned(),
    };
    assert_eq!(capsule.replay(contracts, &Interrupt::new()), Err(expected));
}

#[test]
fn rules_are_found_by_their_names() {
    let ways: [fn(ContractRules) -> ContractRules; 5] = [
        |rules| rules,
        ContractRules::with_oracle,
        |rules| rules.with_deposit(7),
        ContractRules::with_wasi,
        ContractRules::with_large_programs,
    ];
    for published in ContractRules::published() {
        for first in ways {
            for second in ways {
                let rules = second(first(published.clone()));
                let found = ContractRules::named(&rules.name);
                // Two deposits are one, in rules with two in their name.
                assert_eq!(found, Some(rules));
            }
        }
    }
    for unknown in [
        "",
        "contract",
        "contract-3",
        "contract-2-",
        "contract-2-deposit",
        "contract-22",
    ] {
        assert_eq!(ContractRules::named(unknown), None, "{unknown}");
    }
    let long = ContractRules::v2().name.to_string() + &"-deposit-1".repeat(1_000_000);
    assert_eq!(ContractRules::named(&long), None, "in no time");
}

#[test]
fn oracle_answers_are_part_of_a_capsule() {
    const ASKS: &str = r#"(module
        (import "fusee" "oracle_request" (func $ask (param i32 i32) (result i32)))
        (import "fusee" "return_data_read" (func $data (param i32 i32) (result i32)))
        (import "fusee" "output_write" (func $output (param i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "price")
        (func (export "run")
            (drop (call $ask (i32.const 0) (i32.const 5)))
            (drop (call $ask (i32.const 0) (i32.const 4)))
            (call $output (i32.const 8) (call $data (i32.const 8) (i32.const 8)))))"#;
    let rules = wasm_alone().with_oracle();
    let mut world = World::on_lanes(&["wasmtime", "wasmi"], &rules);
    let contract = world.deploy_wat(ASKS);
    let lanes: Vec<_> = world.lanes().collect();
    let (_, first) = lanes[0];
    let oracle = |from, question: &[u8]| {
        assert_eq!(from, contract);
        (question == b"pric").then(|| b"12".to_vec())
    };
    let (result, capsule) = Capsule::record_with_oracle(
        first,
        world.reader(),
        call(contract, "run").into(),
        &world.block,
        &Interrupt::new(),
        oracle,
    )
    .unwrap();
    let receipts = result.included().unwrap().receipts;
    assert_eq!(receipts[0].output, b"12");
    let bytes = capsule.unwrap().encode().unwrap();
    let capsule = Capsule::decode(&bytes).unwrap();
    for (name, contracts) in &lanes {
        let outcome = capsule.replay(contracts, &Interrupt::new());
        assert_eq!(outcome, Ok(capsule.outcome()), "{name}");
    }
    // Without the second answer, and with a third one.
    let answers = |count: u32, answers: &[u8]| [&count.to_le_bytes(), answers].concat();
    let both = [[0, 1].as_slice(), &counted(b"12")].concat();
    let third = [both.as_slice(), &[0]].concat();
    let failed = |changed: &[u8]| {
        let changed = replaced(&bytes, &answers(2, &both), changed);
        let capsule = Capsule::decode(&changed).unwrap();
        match capsule.replay(first, &Interrupt::new()).unwrap() {
            CapsuleOutcome::Failed(message) => message,
            outcome => panic!("{outcome:?}"),
        }
    };
    expect!["the contracts made more oracle requests than the 1 that the capsule answers"]
        .assert_eq(&failed(&answers(1, &[0])));
    expect!["the contracts made fewer oracle requests than the 3 that the capsule answers"]
        .assert_eq(&failed(&answers(3, &third)));
}

fn contracts_on(faulty: Faulty) -> Contracts {
    let executor = Executor::builder(Arc::new(faulty)).build();
    Contracts::without_fallback(Arc::new(executor), wasm_alone())
}

/// What is printed of a step in these tests.
fn shown(step: Option<RunStep>) -> String {
    let Some(step) = step else {
        return "nothing".to_owned();
    };
    format!(
        "{} at {} using {} replying {}",
        step.name(),
        step.gas_left,
        step.gas_used,
        step.reply
    )
}

/// The first difference of a capsule from a replay on a faulty engine, the same whether the other
/// side is the recorded run or another engine.
fn difference(constants: &[(i64, i64)]) -> (u64, String, [String; 2], CapsuleOutcome) {
    let (world, transaction) = loading();
    let (capsule, _) = world.recorded(&transaction);
    let faulty = contracts_on(Faulty::new(constants));
    let outcome = capsule.replay(&faulty, &Interrupt::new()).unwrap();
    assert_ne!(outcome, capsule.outcome());
    let (_, sound) = world.lanes().last().unwrap();
    let found = |one| {
        capsule
            .first_difference([one, CapsuleRun::Replay(&faulty)], &Interrupt::new())
            .unwrap()
    };
    let found = [CapsuleRun::Recorded, CapsuleRun::Replay(sound)].map(found);
    assert_eq!(found[0], found[1]);
    let found = found[0].clone().unwrap();
    assert!(found.is_exact);
    let [one, other] = found.steps;
    // Sound steps differ in no more than what is shown and the digests.
    (
        found.equal,
        found.frame.unwrap().method,
        [one, other].map(shown),
        outcome,
    )
}

#[test]
fn a_fault_is_found_at_the_first_syscall_with_other_gas() {
    let (equal, method, [one, other], outcome) = difference(&[(77_001, 77_002)]);
    assert_eq!((equal, method.as_str()), (2, "load"));
    expect![[r#"
        storage_read at 99051081 using 2008 replying 3
        storage_read at 99051069 using 2008 replying 3"#]]
    .assert_eq(&format!("{one}\n{other}"));
    assert!(matches!(outcome, CapsuleOutcome::Included { .. }));
}

#[test]
fn a_fault_is_found_at_the_syscall_with_other_arguments() {
    // The key `c` instead of `b`, which was not read: there is no answer, and no wrong one.
    let (equal, _, [one, other], outcome) = difference(&[(60_001, 60_002)]);
    assert_eq!(equal, 2);
    expect![[r#"
        storage_read at 99051081 using 2008 replying 3
        storage_read at 99051081 using 2002 replying 0"#]]
    .assert_eq(&format!("{one}\n{other}"));
    let CapsuleOutcome::Failed(message) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        message.contains("the recorded state does not have the key 0x73"),
        "{message}"
    );
}

#[test]
fn a_fault_beyond_the_first_chunk_is_found_exactly_between_engines() {
    let mut world = few_lanes();
    let contract = world.deploy_wat(LONG);
    let (capsule, included) = world.recorded(&call(contract, "run"));
    assert_eq!(
        included.receipt.status,
        Status::Trapped(fusee_engine::Trap::MemoryOutOfBounds)
    );
    let bytes = capsule.encode().unwrap();
    let capsule = Capsule::decode(&bytes).unwrap();
    let faulty = contracts_on(Faulty::new(&[(66_000, 65_000)]));
    let (_, sound) = world.lanes().next().unwrap();
    let [recorded, replay] = [CapsuleRun::Recorded, CapsuleRun::Replay(sound)].map(|side| {
        capsule
            .first_difference([side, CapsuleRun::Replay(&faulty)], &Interrupt::new())
            .unwrap()
            .unwrap()
    });
    assert!(replay.is_exact);
    assert_eq!(replay.equal, 20_001, "the begin, and what is equal");
    assert_eq!(replay.frame.unwrap().address, contract);
    // A capsule has no more than a digest of these.
    assert!(!recorded.is_exact);
    assert_eq!((recorded.equal, recorded.steps), (16_384, [None, None]));
    assert_eq!(
        capsule.first_difference(
            [CapsuleRun::Recorded, CapsuleRun::Replay(sound)],
            &Interrupt::new()
        ),
        Ok(None)
    );
}

/// A capsule whose state was altered: the recorded run read something else.
#[test]
fn an_altered_value_differs_at_the_syscall_that_reads_it() {
    let (world, transaction) = loading();
    let (capsule, _) = world.recorded(&transaction);
    let bytes = capsule.encode().unwrap();
    let altered = replaced(
        &bytes,
        &[[1].as_slice(), &counted(b"val")].concat(),
        &[[1].as_slice(), &counted(b"vex")].concat(),
    );
    let altered = Capsule::decode(&altered).unwrap();
    for (name, contracts) in world.lanes() {
        assert_ne!(
            altered.replay(contracts, &Interrupt::new()).unwrap(),
            altered.outcome()
        );
        let found = altered.first_difference(
            [CapsuleRun::Recorded, CapsuleRun::Replay(contracts)],
            &Interrupt::new(),
        );
        let found = found.unwrap().unwrap();
        assert_eq!(
            found.equal, 2,
            "{name}: the begin, and the read of another key"
        );
        let [one, other] = found.steps.map(Option::unwrap);
        assert_eq!(one.arguments, other.arguments);
        assert_ne!(one.result, other.result);
        assert_eq!(shown(Some(one)), shown(Some(other)), "nothing else differs");
    }
    // Two engines agree on it.
    let lanes: Vec<_> = world
        .lanes()
        .map(|(_, contracts)| CapsuleRun::Replay(contracts))
        .collect();
    assert_eq!(
        altered.first_difference([lanes[0], lanes[1]], &Interrupt::new()),
        Ok(None)
    );
}
