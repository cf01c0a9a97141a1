//! A contract that hosts its users' scripts, each a child program: metered, answered, and stopped
//! when it loops.

use expect_test::expect;
use fusee_contract::{Address, ContractRules, Receipt, Status};

use crate::{
    children::{wasm, world},
    world::{GAS, World, alice, args, bob, counted},
};

const PLAYGROUND: &[u8] = include_bytes!("../../../../guests/wasm/playground.wasm");
const VISITS: &[u8] = include_bytes!("../../../../guests/wasm/visits.wasm");
const ENDLESS: &[u8] = include_bytes!("../../../../guests/wasm/endless.wasm");

/// The playground and a script, each in both formats.
const PLAYGROUNDS: [&[u8]; 2] = [
    PLAYGROUND,
    include_bytes!("../../../../guests/polkavm/playground.polkavm"),
];
const SCRIPTS: [&[u8]; 2] = [
    VISITS,
    include_bytes!("../../../../guests/polkavm/visits.polkavm"),
];

/// What a run of a script came to.
#[derive(Debug, PartialEq)]
struct Ran {
    ending: u8,
    gas_used: u64,
    last: u64,
}

fn publish(world: &mut World, playground: Address, name: &str, program: &[u8]) -> Receipt {
    let input = args(&[&counted(name.as_bytes()), &counted(program)]);
    world.call(bob(), playground, "publish", &input)
}

fn run(world: &mut World, playground: Address, name: &str, argument: u64, gas: u64) -> Ran {
    let input = args(&[
        &counted(name.as_bytes()),
        &argument.to_le_bytes(),
        &gas.to_le_bytes(),
    ]);
    let receipt = world.call(alice(), playground, "run", &input);
    assert_eq!(receipt.status, Status::Success, "{receipt:?}");
    let (ending, rest) = receipt.output.split_first().unwrap();
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    Ran {
        ending: *ending,
        gas_used: number(&rest[..8]),
        last: number(&rest[8..]),
    }
}

fn number(world: &World, playground: Address, name: &str, key: u64) -> u64 {
    let input = args(&[&counted(name.as_bytes()), &key.to_le_bytes()]);
    let receipt = world.query(playground, "number", &input);
    u64::from_le_bytes(receipt.output.try_into().unwrap())
}

fn message(receipt: &Receipt) -> &str {
    assert_eq!(receipt.status, Status::Reverted, "{receipt:?}");
    std::str::from_utf8(&receipt.output).unwrap()
}

#[test]
fn scripts_keep_their_own_numbers() {
    let mut world = world();
    let playground = world.deploy(PLAYGROUND, &[]);
    for name in ["visits-1", "visits-2"] {
        let receipt = publish(&mut world, playground, name, VISITS);
        assert_eq!(receipt.status, Status::Success, "{receipt:?}");
        assert_eq!(receipt.events[0].data[..8], *name.as_bytes());
    }
    let ran = run(&mut world, playground, "visits-1", 40, 100_000);
    assert_eq!((ran.ending, ran.last), (0, 40));
    let again = run(&mut world, playground, "visits-1", 2, 1_000_000);
    assert_eq!((again.ending, again.last), (0, 42));
    let more = again.gas_used.abs_diff(ran.gas_used);
    assert!(more < 100, "some bytes more are loaded: {more}");
    run(&mut world, playground, "visits-2", 7, 100_000);
    let numbers = [
        ("visits-1", 0),
        ("visits-1", 1),
        ("visits-2", 0),
        ("visits-2", 1),
    ];
    let numbers = numbers.map(|(name, key)| number(&world, playground, name, key));
    assert_eq!(numbers, [2, 42, 1, 7]);
}

#[test]
fn a_contract_of_either_format_hosts_scripts_of_both() {
    let mut world = World::of_both_formats(&ContractRules::latest());
    for playground in PLAYGROUNDS {
        let playground = world.deploy(playground, &[]);
        for (script, name) in SCRIPTS.into_iter().zip(["one", "other"]) {
            let receipt = publish(&mut world, playground, name, script);
            assert_eq!(receipt.status, Status::Success, "{receipt:?}");
            let ran = run(&mut world, playground, name, 42, 1_000_000);
            assert_eq!((ran.ending, ran.last), (0, 42));
            assert_eq!(number(&world, playground, name, 1), 42);
        }
        publish(&mut world, playground, "loops", ENDLESS);
        let ran = run(&mut world, playground, "loops", 0, 100_000);
        assert_eq!(ran.ending, 2);
    }
}

#[test]
fn a_script_that_loops_is_stopped_and_undone() {
    let mut world = world();
    let playground = world.deploy(PLAYGROUND, &[]);
    publish(&mut world, playground, "endless", ENDLESS);
    let ran = run(&mut world, playground, "endless", 0, 300_000);
    assert_eq!((ran.ending, ran.last), (2, 0));
    assert!((300_000..310_000).contains(&ran.gas_used), "{ran:?}");
    // More than there is: it is stopped all the same, and what was not used is not said to be.
    let ran = run(&mut world, playground, "endless", 0, u64::MAX);
    assert_eq!(ran.ending, 2);
    assert!((GAS / 2..GAS).contains(&ran.gas_used), "{ran:?}");
    assert_eq!(number(&world, playground, "endless", 0), 0);
}

#[test]
fn a_script_that_fails_fails_alone() {
    let mut world = world();
    let playground = world.deploy(PLAYGROUND, &[]);
    let traps = wasm(
        r#"(module (import "playground" "set" (func $set (param i64 i64)))
          (func (export "main") (param i64)
            (call $set (i64.const 1) (local.get 0)) unreachable))"#,
    );
    let greedy = wasm(
        r#"(module (import "playground" "set" (func $set (param i64 i64)))
          (func (export "main") (param i64)
            (loop $again (call $set (i64.const 1) (local.get 0)) (br $again))))"#,
    );
    publish(&mut world, playground, "traps", &traps);
    publish(&mut world, playground, "greedy", &greedy);
    assert_eq!(run(&mut world, playground, "traps", 9, 100_000).ending, 1);
    assert_eq!(run(&mut world, playground, "greedy", 9, 100_000).ending, 3);
    assert_eq!(number(&world, playground, "traps", 1), 0);
    assert_eq!(number(&world, playground, "greedy", 1), 0);
}

#[test]
fn what_is_no_script_is_not_published() {
    let mut world = world();
    let playground = world.deploy(PLAYGROUND, &[]);
    let mut refused = |name: &str, program: &[u8]| {
        let receipt = publish(&mut world, playground, name, program);
        message(&receipt).to_owned()
    };
    let no_program = refused("nothing", b"no program");
    let curious =
        wasm(r#"(module (import "playground" "storage_read" (func)) (func (export "main")))"#);
    assert_eq!(refused("curious", &curious), no_program);
    expect!["this is no script: no valid program, or it imports more than get, set and publisher"]
        .assert_eq(&no_program);
    let lacks = refused("lacks", &wasm("(module)"));
    expect!["this is no script: it has no function `main`"].assert_eq(&lacks);
    let long = refused("seventeen letters", VISITS);
    expect!["the name of a script has at most 16 bytes"].assert_eq(&long);
    // Its name is free: nothing of it was kept.
    publish(&mut world, playground, "nothing", VISITS);
    let taken = publish(&mut world, playground, "nothing", VISITS);
    expect!["there is a script of this name"].assert_eq(message(&taken));
    let input = args(&[&counted(b"unknown"), &[0; 16]]);
    let unknown = world.call(alice(), playground, "run", &input);
    expect!["there is no script of this name"].assert_eq(message(&unknown));
}
