//! Contracts that import WASI preview 1: equal on every engine, isolated, and deterministic.

use fusee_abi::{
    Wire,
    wasi::{FUNCTIONS, IMPORT_MODULE},
};
use fusee_contract::{
    Action, Address, BlockContext, ContractRules, Receipt, Rejection, Status, Transaction,
};
use fusee_engine::{Gas, Trap};

use crate::world::{GAS, World, alice, bob};

/// Where a function writes.
const OUT: u32 = 1_024;

const TIME: u64 = 1_790_000_000_123;

fn rules() -> ContractRules {
    ContractRules::v2().with_wasi()
}

fn world() -> World {
    let mut world = World::with_rules(&rules());
    world.block = BlockContext {
        chain_id: "testnet-7".into(),
        height: 7,
        time: TIME,
        proposer: bob(),
    };
    world
}

fn call(to: Address, method: &str, input: &[u8]) -> Transaction {
    Transaction {
        from: alice(),
        action: Action::Call {
            to,
            method: method.to_owned(),
            input: input.to_vec(),
        },
        value: 0,
        gas: Gas::new(GAS),
    }
}

/// A module that imports all functions of WASI by their signatures, with these methods.
fn module(methods: &str) -> String {
    let mut text = String::from("(module ");
    for row in FUNCTIONS {
        let wire = |wire: Wire| match wire {
            Wire::I32 => "i32",
            Wire::I64 => "i64",
        };
        let params: Vec<_> = row.params.iter().filter_map(|param| param.wire).collect();
        let params: Vec<_> = params.into_iter().map(wire).collect();
        let result = row
            .result
            .map(|result| format!("(result {})", wire(result)));
        text.push_str(&format!(
            "(import \"{IMPORT_MODULE}\" \"{name}\" (func ${name} (param {}) {}))\n",
            params.join(" "),
            result.unwrap_or_default(),
            name = row.name,
        ));
    }
    format!(
        r#"{text}
        (import "fusee" "output_write" (func $output (param i32 i32)))
        (import "fusee" "storage_write" (func $store (param i32 i32 i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const {OUT}) "{}")
        {methods})"#,
        "\\ee".repeat(64)
    )
}

/// A method that calls a function, with these arguments and zeros after them, and outputs its
/// result and 64 bytes at [`OUT`].
fn method(name: &str, function: &str, arguments: &[u32]) -> String {
    let row = FUNCTIONS.iter().find(|row| row.name == function).unwrap();
    let mut given = arguments.iter();
    let params = row.params.iter().map(|param| {
        let argument = given.next().unwrap_or(&0);
        match param.wire {
            Some(Wire::I64) => format!("(i64.const {argument})"),
            _ => format!("(i32.const {argument})"),
        }
    });
    let params: Vec<_> = params.collect();
    format!(
        r#"(func (export "{name}")
          (i32.store (i32.const {}) (call ${function} {}))
          (call $output (i32.const {}) (i32.const 68)))
        "#,
        OUT - 4,
        params.join(" "),
        OUT - 4,
    )
}

/// What a method outputs that wrote `bytes`.
fn answer(errno: u32, bytes: &[u8]) -> Vec<u8> {
    let mut answer = [&errno.to_le_bytes(), bytes].concat();
    answer.resize(68, 0xee);
    answer
}

#[test]
fn every_function_links_and_answers() {
    let time = TIME * 1_000_000;
    let resolution = 1_000_000_u64.to_le_bytes();
    let stat = |rights: u64| [2, rights, 0].map(u64::to_le_bytes).concat();
    let nothing = Vec::new;
    let zeros = || vec![0; 8];
    let cases = [
        ("args_get", vec![OUT, OUT], 0, nothing()),
        ("args_sizes_get", vec![OUT, OUT + 4], 0, zeros()),
        ("environ_get", vec![OUT, OUT], 0, nothing()),
        ("environ_sizes_get", vec![OUT, OUT + 4], 0, zeros()),
        ("clock_res_get", vec![0, OUT], 0, resolution.to_vec()),
        ("clock_res_get", vec![1, OUT], 0, resolution.to_vec()),
        ("clock_res_get", vec![2, OUT], 28, nothing()),
        (
            "clock_time_get",
            vec![0, 1, OUT],
            0,
            time.to_le_bytes().to_vec(),
        ),
        (
            "clock_time_get",
            vec![1, 1, OUT],
            0,
            time.to_le_bytes().to_vec(),
        ),
        ("clock_time_get", vec![3, 1, OUT], 28, nothing()),
        ("fd_close", vec![2], 0, nothing()),
        ("fd_close", vec![3], 8, nothing()),
        ("fd_fdstat_get", vec![0, OUT], 0, stat(2)),
        ("fd_fdstat_get", vec![2, OUT], 0, stat(64)),
        ("fd_fdstat_get", vec![3, OUT], 8, nothing()),
        ("fd_prestat_get", vec![3, OUT], 8, nothing()),
        ("fd_prestat_dir_name", vec![3, OUT, 8], 8, nothing()),
        ("fd_read", vec![0, 64, 1, OUT], 0, vec![0; 4]),
        ("fd_read", vec![3, 64, 1, OUT], 8, nothing()),
        ("fd_seek", vec![1, 0, 0, OUT], 70, nothing()),
        ("fd_tell", vec![4, OUT], 8, nothing()),
        ("fd_write", vec![0, 64, 1, OUT], 8, nothing()),
        ("fd_write", vec![1, 64, 1_025, OUT], 28, nothing()),
        ("poll_oneoff", vec![64, 64, 0, OUT], 28, nothing()),
        ("sched_yield", vec![], 0, nothing()),
    ];
    let tried: Vec<_> = cases.iter().map(|(name, ..)| *name).collect();
    let others = FUNCTIONS.iter().map(|row| row.name);
    let others =
        others.filter(|name| !tried.contains(name) && !["proc_exit", "random_get"].contains(name));
    let others = others.map(|name| (name, vec![OUT; 9], 52, Vec::new()));
    let cases: Vec<_> = cases.iter().cloned().chain(others).collect();
    assert_eq!(cases.len(), 25 + 28);
    let methods: String = cases
        .iter()
        .enumerate()
        .map(|(index, (name, arguments, ..))| method(&format!("m{index}"), name, arguments))
        .collect();
    let mut world = world();
    let contract = world.deploy_wat(&module(&methods));
    for (index, (name, arguments, errno, bytes)) in cases.iter().enumerate() {
        let receipt = world.call(alice(), contract, &format!("m{index}"), &[]);
        assert_eq!(receipt.status, Status::Success, "{name}");
        assert_eq!(
            receipt.output,
            answer(*errno, bytes),
            "{name} {arguments:?}"
        );
    }
}

/// Three vectors at 64: "first\nsec" in two, and one that is beyond the memory.
const WRITES: &str = r#"
  (data (i32.const 64) "\60\00\00\00\03\00\00\00\63\00\00\00\06\00\00\00\ff\ff\00\00\02\00\00\00")
  (data (i32.const 96) "first\nsec")
  (func $write (param $fd i32) (param $count i32)
    (i32.store (i32.const 1020)
      (call $fd_write (local.get $fd) (i32.const 64) (local.get $count) (i32.const 1024))))
  (func (export "twice")
    (call $write (i32.const 1) (i32.const 2))
    (call $write (i32.const 2) (i32.const 2))
    (call $output (i32.const 1020) (i32.const 68)))
  (func (export "beyond") (call $write (i32.const 1) (i32.const 3)))
  (func (export "long")
    (i32.store (i32.const 64) (i32.const 0))
    (i32.store (i32.const 68) (i32.const 60000))
    (call $write (i32.const 1) (i32.const 1))
    (call $output (i32.const 1020) (i32.const 68)))"#;

#[test]
fn what_is_written_to_the_streams_is_logged_by_lines() {
    let mut world = world();
    let contract = world.deploy_wat(&module(WRITES));
    let (receipt, log) = world.logged(&call(contract, "twice", &[]));
    assert_eq!(receipt.output, answer(0, &9_u32.to_le_bytes()));
    let texts: Vec<_> = log.iter().map(|line| line.text.as_slice()).collect();
    assert_eq!(texts, [b"first".as_slice(), b"secfirst", b"sec"]);
    let (receipt, log) = world.logged(&call(contract, "beyond", &[]));
    assert_eq!(receipt.status, Status::Trapped(Trap::MemoryOutOfBounds));
    assert_eq!(log, []);
    let (receipt, log) = world.logged(&call(contract, "long", &[]));
    assert_eq!(receipt.output, answer(0, &16_384_u32.to_le_bytes()));
    assert_eq!(
        log.iter().map(|line| line.text.len()).max(),
        Some(16_384 - 102)
    );
}

const RANDOM: &str = r#"
  (func (export "go")
    (drop (call $random_get (i32.const 1024) (i32.const 5)))
    (drop (call $random_get (i32.const 1030) (i32.const 40)))
    (call $output (i32.const 1020) (i32.const 68)))
  (func (export "other")
    (drop (call $random_get (i32.const 1024) (i32.const 5)))
    (call $output (i32.const 1020) (i32.const 68)))
  (func (export "outside") (drop (call $random_get (i32.const 65530) (i32.const 7))))"#;

#[test]
fn random_bytes_are_a_hash_of_the_call() {
    let mut world = world();
    let contract = world.deploy_wat(&module(RANDOM));
    let first = world.call(alice(), contract, "go", &[]);
    assert_eq!(first.output[9], 0xee);
    assert_eq!(first.output[50..], [0xee; 18]);
    assert_ne!(first.output[10..15], first.output[4..9]);
    // As anybody computes them.
    let seed = seed_of(contract, "go");
    let block = |counter: u64| blake3(&[seed.as_slice(), &counter.to_le_bytes()].concat());
    assert_eq!(first.output[4..9], block(0)[..5]);
    assert_eq!(first.output[10..42], block(1));
    assert_eq!(first.output[42..50], block(2)[..8]);
    assert_eq!(
        world.call(alice(), contract, "go", &[]).output,
        first.output
    );
    for other in [
        world.call(bob(), contract, "go", &[]),
        world.call(alice(), contract, "other", &[]),
    ] {
        assert_ne!(other.output[4..9], first.output[4..9]);
    }
    world.block.height += 1;
    let next = world.call(alice(), contract, "go", &[]);
    assert_ne!(next.output[4..9], first.output[4..9]);
    let outside = world.call(alice(), contract, "outside", &[]);
    assert_eq!(outside.status, Status::Trapped(Trap::MemoryOutOfBounds));
}

fn blake3(message: &[u8]) -> [u8; 32] {
    fusee_crypto::blake3(message)
}

fn seed_of(contract: Address, method: &str) -> [u8; 32] {
    blake3(
        &[
            b"fusee wasi random 1".as_slice(),
            &7_u64.to_le_bytes(),
            alice().as_bytes(),
            contract.as_bytes(),
            &[0; 16],
            &9_u64.to_le_bytes(),
            b"testnet-7",
            method.as_bytes(),
        ]
        .concat(),
    )
}

/// A subscription to the clock at 64, for 2,000 ns from now, and one to a stream; then the time.
const SLEEPS: &str = r#"
  (data (i32.const 64) "user-one\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\d0\07\00\00\00\00\00\00")
  (data (i32.const 112) "user-two\02")
  (func (export "go")
    (i32.store (i32.const 1020)
      (call $poll_oneoff (i32.const 64) (i32.const 1024) (i32.const 2) (i32.const 512)))
    (if (i32.ne (i32.load (i32.const 512)) (i32.const 2)) (then unreachable))
    (call $output (i32.const 1020) (i32.const 68)))
  (func (export "time")
    (drop (call $poll_oneoff (i32.const 64) (i32.const 1024) (i32.const 1) (i32.const 512)))
    ;; To a time that is absolute, and past.
    (i64.store (i32.const 88) (i64.const 5))
    (i32.store (i32.const 104) (i32.const 1))
    (drop (call $poll_oneoff (i32.const 64) (i32.const 1024) (i32.const 1) (i32.const 512)))
    (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 1024)))
    (call $output (i32.const 1024) (i32.const 8)))
  (func (export "many")
    (drop (call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 512))))"#;

#[test]
fn sleep_takes_no_time_and_advances_the_clock() {
    let mut world = world();
    let contract = world.deploy_wat(&module(SLEEPS));
    let receipt = world.call(alice(), contract, "go", &[]);
    let event = |user: &[u8], kind: u8| {
        let mut event = user.to_vec();
        event.resize(32, 0);
        event[10] = kind;
        event
    };
    let events = [event(b"user-one", 0), event(b"user-two", 2)].concat();
    assert_eq!(receipt.output, answer(0, &events));
    let receipt = world.call(alice(), contract, "time", &[]);
    assert_eq!(receipt.output, (TIME * 1_000_000 + 2_000).to_le_bytes());
    let receipt = world.call(alice(), contract, "many", &[]);
    assert_eq!(receipt.status, Status::OutOfGas);
}

#[test]
fn an_exit_ends_the_call() {
    let mut world = world();
    let contract = world.deploy_wat(&module(
        r#"(func $exit (param i32)
          (call $store (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))
          (call $output (i32.const 0) (i32.const 2))
          (call $proc_exit (local.get 0))
          unreachable)
        (func (export "clean") (call $exit (i32.const 0)))
        (func (export "failing") (call $exit (i32.const -3)))"#,
    ));
    let failing = world.call(alice(), contract, "failing", &[]);
    assert_eq!(failing.status, Status::Reverted);
    assert_eq!(failing.output, b"the program exited with code 4294967293");
    assert_eq!(world.stored(contract, &[0]), None);
    let clean = world.call(alice(), contract, "clean", &[]);
    assert_eq!((clean.status, clean.output), (Status::Success, vec![0, 0]));
    assert_eq!(world.stored(contract, &[0]), Some(vec![0]));
}

#[test]
fn initialize_runs_and_start_does_not() {
    let mut world = world();
    let contract = world.deploy_wat(&module(
        r#"(func (export "_initialize")
          (i32.store (i32.const 1024) (i32.add (i32.load (i32.const 1024)) (i32.const 1))))
        (func (export "_start") unreachable)
        (func (export "go") (call $output (i32.const 1024) (i32.const 4)))"#,
    ));
    for _ in 0..2 {
        let receipt = world.call(alice(), contract, "go", &[]);
        assert_eq!(receipt.output, 0xeeee_eeef_u32.to_le_bytes());
    }
    let started = world.call(alice(), contract, "_start", &[]);
    assert_eq!(started.status, Status::Rejected(Rejection::UnknownMethod));
}

/// The method does not run, on any engine.
#[test]
fn an_exit_while_the_instance_is_initialized_ends_the_call() {
    let mut world = world();
    for code in [0, 4] {
        let contract = world.deploy_wat(&module(&format!(
            r#"(func (export "_initialize") (call $proc_exit (i32.const {code})))
            (func (export "go") (call $output (i32.const 0) (i32.const 4)))"#
        )));
        let receipt = world.call(alice(), contract, "go", &[]);
        match code {
            0 => assert_eq!((receipt.status, receipt.output), (Status::Success, vec![])),
            _ => assert_eq!(
                (receipt.status, receipt.output.as_slice()),
                (
                    Status::Reverted,
                    b"the program exited with code 4".as_slice()
                )
            ),
        }
    }
}

#[test]
fn only_rules_with_wasi_admit_it() {
    let mut world = World::with_rules(&ContractRules::v2());
    let code = wat::parse_str(module("")).unwrap();
    let receipt: Receipt = world.send(Transaction {
        action: Action::Deploy {
            code,
            input: Vec::new(),
        },
        ..call(alice(), "", &[])
    });
    assert_eq!(receipt.status, Status::Rejected(Rejection::RefusedCode));
    assert_eq!(rules(), rules().with_wasi());
    assert_ne!(rules().id(), ContractRules::v2().id());
}
