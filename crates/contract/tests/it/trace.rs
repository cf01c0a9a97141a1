//! Traces: the frames and syscalls of a transaction, whose gas adds up to that of the receipt, and
//! which change nothing.

use std::{collections::BTreeMap, sync::Arc};

use fusee_abi as abi;
use fusee_conformance::{Cramped, lanes};
use fusee_contract::{
    Action, Address, BlockContext, ContractRules, Contracts, Dropped, Event, FrameKind, FrameTrace,
    Inspector, Progress, Query, Rejection, Resource, Status, StorageAccess, StorageKind,
    SyscallTrace, Trace, TraceStep, Transaction,
};
use fusee_engine::{CodeHash, Gas, Interrupt, Profiler, Trap, profile::ProfileSpan};
use fusee_executor::{FrameLimits, forwardable};

use crate::{
    calls::{ONE, chain, target},
    deployment::{FACTORY, MIGRATE, code, keeper, options},
    world::{CALLER, COUNTER, GAS, World, alice, args, bob},
};

const POLKAVM_CALLER: &[u8] = include_bytes!("../../../../guests/polkavm/caller.polkavm");
const POLKAVM_COUNTER: &[u8] = include_bytes!("../../../../guests/polkavm/counter.polkavm");

fn sent(action: Action, value: u128, gas: u64) -> Transaction {
    Transaction {
        from: alice(),
        action,
        value,
        gas: Gas::new(gas),
    }
}

fn call(to: Address, method: &str, input: &[u8]) -> Transaction {
    let (method, input) = (method.to_owned(), input.to_vec());
    sent(Action::Call { to, method, input }, 0, GAS)
}

fn deploy(code: &[u8], input: &[u8]) -> Transaction {
    let (code, input) = (code.to_vec(), input.to_vec());
    sent(Action::Deploy { code, input }, 0, GAS)
}

/// The trace of a transaction on every lane, whose gas adds up in every way.
fn traced(world: &World, transaction: &Transaction) -> (Status, Trace) {
    let (included, trace) = world.traced(transaction);
    assert!(trace.dropped.is_empty());
    let receipt = included.receipt;
    let own = trace.frames.iter().map(|frame| frame.own_gas().unwrap());
    let sum = own.fold(trace.intrinsic_gas, Gas::saturating_add);
    assert_eq!(sum, receipt.gas_used, "{trace:#?}");
    for frame in &trace.frames {
        check_gas(&trace, frame);
    }
    match trace.frames.first() {
        None => assert_eq!(receipt.gas_used, trace.intrinsic_gas),
        Some(outermost) => {
            let end = outermost.end.as_ref().unwrap();
            assert_eq!(end.status, receipt.status);
            assert_eq!(end.output.as_ref(), Some(&receipt.output));
            let rest = receipt.gas_limit.saturating_sub(trace.intrinsic_gas);
            assert_eq!(outermost.gas_limit, rest);
        }
    }
    let failed = receipt.status != Status::Success && !trace.frames.is_empty();
    assert_eq!(trace.failure.is_empty(), !failed);
    (receipt.status, trace)
}

/// The steps of a frame follow one another: none finds more gas than the ones before left.
fn check_gas(trace: &Trace, frame: &FrameTrace) {
    let used = frame.end.as_ref().unwrap().gas_used;
    assert!(used <= frame.gas_limit);
    let mut left = frame.gas_limit;
    let (mut forwarded, mut callees) = (Gas::ZERO, Gas::ZERO);
    for step in &frame.steps {
        match step {
            TraceStep::Syscall(syscall) => {
                assert!(syscall.gas_left <= left, "{frame:#?}");
                left = syscall.gas_left.checked_sub(syscall.gas_used).unwrap();
            }
            TraceStep::Call(index) => {
                let callee = &trace.frames[*index];
                assert_eq!(callee.depth, frame.depth + 1);
                assert_eq!(callee.caller, frame.address);
                assert!(callee.gas_limit <= forwardable(left), "{frame:#?}");
                let used = callee.end.as_ref().unwrap().gas_used;
                left = left.checked_sub(used).unwrap();
                forwarded = forwarded.saturating_add(callee.gas_limit);
                callees = callees.saturating_add(used);
            }
        }
    }
    assert!(left >= frame.gas_limit.checked_sub(used).unwrap());
    assert_eq!(
        (frame.gas_forwarded, frame.callee_gas),
        (forwarded, callees)
    );
    let refunded = forwarded.checked_sub(callees).unwrap();
    assert_eq!(frame.gas_refunded(), refunded);
}

fn named<'a>(frame: &'a FrameTrace, name: &str) -> Vec<&'a SyscallTrace> {
    let syscalls = frame.syscalls();
    syscalls.filter(|syscall| syscall.name() == name).collect()
}

fn written(key: &[u8], before: Option<&[u8]>, after: Option<&[u8]>) -> StorageAccess {
    StorageAccess {
        store: StorageKind::Persistent,
        key: key.to_vec(),
        before: before.map(<[u8]>::to_vec),
        after: after.map(<[u8]>::to_vec),
    }
}

#[test]
fn frames_and_syscalls_are_in_the_order_in_which_they_ran() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let counter = world.deploy(COUNTER, &[]);
    world.call(alice(), caller, "try_and_write", &target(caller, "x", &[]));
    let input = target(counter, "increment", &[]);
    let (status, trace) = traced(&world, &call(caller, "try_and_write", &input));
    assert_eq!(status, Status::Success);
    let [outer, inner] = &trace.frames[..] else {
        panic!("{trace:#?}")
    };
    assert_eq!((outer.caller, outer.address), (alice(), caller));
    assert_eq!((outer.depth, outer.kind), (0, FrameKind::Call));
    assert_eq!(
        (outer.method.as_str(), &outer.input),
        ("try_and_write", &input)
    );
    assert_eq!((inner.caller, inner.address), (caller, counter));
    assert_eq!(
        (inner.method.as_str(), inner.input.as_slice()),
        ("increment", &[][..])
    );
    assert_eq!(
        inner.end.as_ref().unwrap().output.as_deref(),
        Some(&ONE[..])
    );
    let steps = outer.steps.iter().map(|step| match step {
        TraceStep::Syscall(syscall) => syscall.name(),
        TraceStep::Call(_) => "then",
    });
    let steps: Vec<_> = steps.filter(|name| !name.ends_with("_read")).collect();
    let expected = [
        "storage_write",
        "call",
        "then",
        "storage_write",
        "output_write",
    ];
    assert_eq!(steps, expected);
    assert_eq!(named(outer, "call")[0].reply, Some(8));
    assert_eq!(named(outer, "call")[0].result(), Some(8));
    assert_eq!(named(outer, "storage_write")[0].reply, Some(0));
    assert_eq!(named(outer, "storage_write")[0].result(), None);
    // The value before is that of the transaction before.
    let writes: Vec<_> = named(outer, "storage_write")
        .iter()
        .map(|call| &call.storage)
        .collect();
    let unknown = abi::status::UNKNOWN_CALLEE.to_le_bytes();
    assert_eq!(
        writes,
        [
            &[written(b"before", Some(&ONE), Some(&ONE))],
            &[written(
                b"status",
                Some(&unknown),
                Some(&8_i32.to_le_bytes())
            )],
        ]
    );
    let emitted: Vec<_> = inner
        .syscalls()
        .filter_map(|call| call.event.clone())
        .collect();
    let [event] = &emitted[..] else {
        panic!("{emitted:?}")
    };
    let (included, _) = world.traced(&call(caller, "try_and_write", &input));
    assert_eq!(&included.receipt.events[0], event);
}

/// The profiler counts the gas of each syscall in another way, with the calls that it makes.
#[test]
fn the_gas_of_syscalls_is_that_of_the_profile() {
    let rules = ContractRules::v2();
    let mut world = World::with_rules(&rules);
    let caller = world.deploy(CALLER, &[]);
    let counter = world.deploy(COUNTER, &[]);
    let stores = world.deploy_wat(STORES);
    let input = target(counter, "increment", &[]);
    for transaction in [
        call(caller, "try_and_write", &input),
        call(stores, "go", &[]),
    ] {
        let (_, trace) = traced(&world, &transaction);
        let profiler = Profiler::new();
        let executor = Arc::new(lanes().remove(0).executor);
        let contracts =
            Contracts::without_fallback(executor, rules.clone()).profiler(profiler.clone());
        let (state, block) = (Arc::new(world.state.clone()), BlockContext::default());
        contracts
            .execute(state, transaction, &block, &Interrupt::new())
            .unwrap();
        let mut expected = BTreeMap::new();
        for (path, gas) in profiler.paths() {
            if let Some(ProfileSpan::Syscall(number)) = path.last() {
                let sum: &mut Gas = expected.entry(*number).or_default();
                *sum = sum.saturating_add(gas);
            }
        }
        let mut found = BTreeMap::new();
        let outermost = &trace.frames[0];
        for syscall in outermost.syscalls() {
            let sum: &mut Gas = found.entry(syscall.number).or_default();
            *sum = sum.saturating_add(syscall.gas_used);
        }
        if let Some(sum) = found.get_mut(&abi::CALL) {
            *sum = sum.saturating_add(outermost.callee_gas);
        }
        assert_eq!(found, expected);
    }
}

/// Both formats call each other, in every way that a call can end.
#[test]
fn the_gas_of_every_tree_adds_up() {
    let mut world = World::in_both_formats(&ContractRules::v2());
    let callers = [CALLER, POLKAVM_CALLER].map(|code| world.deploy(code, &[]));
    let counters = [COUNTER, POLKAVM_COUNTER].map(|code| world.deploy(code, &[]));
    let [wasm, polkavm] = callers;
    for (first, second) in [(wasm, polkavm), (polkavm, wasm)] {
        for (method, expected) in [
            ("write_then_revert", Status::Reverted),
            ("write_then_trap", Status::Trapped(Trap::Unreachable)),
            ("write_then_loop", Status::OutOfGas),
            ("no_such_method", Status::Rejected(Rejection::UnknownMethod)),
            ("gas", Status::Success),
        ] {
            let input = target(second, method, &[]);
            for through in ["try_and_write", "forward"] {
                let (status, trace) = traced(&world, &call(first, through, &input));
                assert_eq!(status, Status::Success);
                assert_eq!(trace.frames.len(), 2);
                assert_eq!(trace.frames[1].end.as_ref().unwrap().status, expected);
                let result = named(&trace.frames[0], "call")[0].result().unwrap();
                assert_eq!(result < 0, expected != Status::Success);
            }
            let (status, trace) = traced(&world, &call(second, method, &[]));
            assert_eq!((status, trace.frames.len()), (expected, 1));
        }
        let nested = chain(&[second, counters[0]]);
        let (status, trace) = traced(&world, &call(first, "nest", &nested));
        assert_eq!(status, Status::Success);
        let depths: Vec<_> = trace.frames.iter().map(|frame| frame.depth).collect();
        assert_eq!(depths, [0, 1, 2]);
    }
    for code in [COUNTER, POLKAVM_CALLER] {
        let (_, trace) = traced(&world, &deploy(code, &[]));
        let frame = &trace.frames[0];
        let hash = Some(CodeHash::of(code));
        assert_eq!((frame.kind, frame.code), (FrameKind::Create, hash));
    }
    // Only a transfer, to an account and to a contract that does not take it.
    for (to, method, value) in [(bob(), "", 5), (counters[0], "", 5), (bob(), "", 0)] {
        let (method, input) = (method.to_owned(), Vec::new());
        let (_, trace) = traced(
            &world,
            &sent(Action::Call { to, method, input }, value, GAS),
        );
        assert_eq!(trace.frames[0].value, value);
    }
}

#[test]
fn a_profile_without_room_is_dropped_and_counted() {
    let mut world = World::new();
    let counter = world.deploy(COUNTER, &[]);
    let call = call(counter, "increment", &[]);
    let whole = world.traced_by_function(&call, 1 << 20);
    let frame = &whole.frames[0];
    let profile = frame.profile.as_ref().unwrap();
    assert!(whole.dropped.is_empty() && profile.len() > 1);
    let paths = profile.keys().map(|path| 64 + 8 * path.len());
    let profile_bytes: usize = paths.sum();
    let (_, plain) = world.traced(&call);
    let output = frame.end.as_ref().unwrap().output.as_ref().unwrap().len();
    let accessed = frame.syscalls().map(|syscall| {
        let accesses = syscall.storage.iter().map(|access| {
            let values = [&access.before, &access.after].into_iter().flatten();
            128 + access.key.len() + values.map(Vec::len).sum::<usize>()
        });
        let event = syscall.event.as_ref().map_or(0, |event| {
            event.data.len() + event.topics.iter().map(Vec::len).sum::<usize>()
        });
        256 + event + accesses.sum::<usize>()
    });
    let others = 512 + "increment".len() + output + accessed.sum::<usize>();
    let fits = world.traced_by_function(&call, others + profile_bytes);
    assert_eq!(fits, whole);
    let dropped = world.traced_by_function(&call, others + profile_bytes - 1);
    assert_eq!(
        dropped.dropped,
        Dropped {
            profiles: 1,
            ..Dropped::default()
        }
    );
    assert_eq!(dropped.frames, plain.frames);
}

#[test]
fn contracts_that_are_made_and_upgraded_are_frames() {
    let mut world = World::with_rules(&ContractRules::v2());
    let [first, next, factory] = [keeper('1', ""), keeper('2', MIGRATE), FACTORY.to_owned()]
        .map(|body| code(&body))
        .map(|code| {
            world.send(sent(Action::Upload { code: code.clone() }, 0, GAS));
            CodeHash::of(&code)
        });
    let create = |code, input: &[u8]| Action::Create {
        code,
        salt: Some([1; 32]),
        admin: Some(alice()),
        input: input.to_vec(),
    };
    let creation = sent(create(first, b"x"), 0, GAS);
    let (_, trace) = traced(&world, &creation);
    let [frame] = &trace.frames[..] else {
        panic!("{trace:#?}")
    };
    assert_eq!(
        (frame.kind, frame.method.as_str(), frame.code),
        (FrameKind::Create, "deploy", Some(first))
    );
    assert_eq!(
        named(frame, "storage_write")[0].storage,
        [written(b"k", None, Some(b"x"))]
    );
    let contract = world.send(creation).deployed.unwrap();
    let upgrade = |code| {
        let input = Vec::new();
        sent(
            Action::Upgrade {
                contract,
                code,
                input,
            },
            0,
            GAS,
        )
    };
    let (_, trace) = traced(&world, &upgrade(next));
    let [frame] = &trace.frames[..] else {
        panic!("{trace:#?}")
    };
    assert_eq!(
        (frame.kind, frame.method.as_str(), frame.code),
        (FrameKind::Upgrade, "migrate", Some(next))
    );
    let expected = [written(b"k", Some(b"x"), Some(b"x!"))];
    assert_eq!(named(frame, "storage_write")[0].storage, expected);
    // Code without a method that begins it.
    let (_, trace) = traced(&world, &sent(create(factory, b""), 0, GAS));
    assert_eq!(
        trace.failure[0].status,
        Status::Rejected(Rejection::AddressTaken)
    );
    assert_eq!(trace.frames[0].code, None);
    let (status, trace) = traced(&world, &upgrade(factory));
    assert_eq!(status, Status::Rejected(Rejection::MissingMethods));
    assert_eq!((trace.frames.len(), trace.failure.len()), (1, 1));

    // By a contract.
    let factory = world.deploy(&code(FACTORY), &[]);
    let salt = [9; 32];
    let options = options(u64::MAX, 0, Some(factory));
    let make = call(
        factory,
        "make",
        &args(&[first.as_bytes(), &salt, &options, b"y"]),
    );
    let (_, trace) = traced(&world, &make);
    let made = &trace.frames[1];
    assert_eq!(
        (made.kind, made.method.as_str(), made.code),
        (FrameKind::Create, "deploy", Some(first))
    );
    assert_eq!(made.address, Address::of_salted_contract(factory, &salt));
    assert_eq!(named(&trace.frames[0], "deploy")[0].reply, Some(0));
    world.send(make);
    let renew = args(&[made.address.as_bytes(), next.as_bytes()]);
    let (_, trace) = traced(&world, &call(factory, "renew", &renew));
    let renewed = &trace.frames[1];
    assert_eq!(
        (renewed.kind, renewed.method.as_str(), renewed.code),
        (FrameKind::Upgrade, "migrate", Some(next))
    );
}

/// Fails as the contract that it calls does. Its input is the address and the method.
const PASSES_ON: &str = r#"(module
  (import "fusee" "input_read" (func $input (param i32 i32) (result i32)))
  (import "fusee" "revert" (func $revert (param i32 i32)))
  (import "fusee" "call" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\ff\ff\ff\ff\ff\ff\ff\ff")
  (data (i32.const 8) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
  (func (export "pays") (i64.store (i32.const 8) (i64.const 7)) (call $pass))
  (func $pass (export "passes_on")
    (if (i32.lt_s (call $call (i32.const 64) (i32.const 96)
        (i32.sub (call $input (i32.const 64) (i32.const 1000)) (i32.const 32))
        (i32.const 64) (i32.const 1000) (i32.const 0)) (i32.const 0))
      (then (call $revert (i32.const 0) (i32.const 2))))))"#;

#[test]
fn a_failure_names_its_innermost_frame_and_what_ran_out() {
    let mut world = World::new();
    let passes = world.deploy_wat(PASSES_ON);
    let callee = world.deploy(CALLER, &[]);
    let check = |world: &World, transaction: &Transaction, expected: &[(Status, &str)]| {
        let (_, trace) = traced(world, transaction);
        let found = trace.failure.iter();
        let found: Vec<_> = found
            .map(|frame| (frame.status, frame.method.as_str()))
            .collect();
        assert_eq!(found, expected);
        for failed in &trace.failure {
            let frame = &trace.frames[failed.frame.unwrap()];
            assert_eq!(
                (frame.address, &frame.method),
                (failed.address, &failed.method)
            );
            let end = frame.end.as_ref().unwrap();
            assert_eq!(
                (end.status, end.exhausted),
                (failed.status, failed.exhausted)
            );
        }
        trace.failure[0].exhausted
    };
    let passed_on = |method: &str, inner: &str| {
        call(
            passes,
            method,
            &args(&[callee.as_bytes(), inner.as_bytes()]),
        )
    };
    let reverted = (Status::Reverted, "passes_on");
    for (inner, status, resource) in [
        ("write_then_revert", Status::Reverted, None),
        ("write_then_trap", Status::Trapped(Trap::Unreachable), None),
        ("write_then_loop", Status::OutOfGas, Some(Resource::Gas)),
    ] {
        let transaction = passed_on("passes_on", inner);
        assert_eq!(
            check(&world, &transaction, &[(status, inner), reverted]),
            resource
        );
    }
    let poor = (Status::Rejected(Rejection::InsufficientBalance), "gas");
    let found = check(
        &world,
        &passed_on("pays", "gas"),
        &[poor, (Status::Reverted, "pays")],
    );
    assert_eq!(found, Some(Resource::Balance));
    // Gas that does not suffice for the outermost frame itself.
    let short = Transaction {
        gas: Gas::new(11_500),
        ..passed_on("passes_on", "gas")
    };
    let found = check(&world, &short, &[(Status::OutOfGas, "passes_on")]);
    assert_eq!(found, Some(Resource::Gas));

    let page = 1 << 16;
    for (depth, memory_bytes, resource) in [
        (0, 100 * page, Resource::CallDepth),
        (100, 0, Resource::CallMemory),
    ] {
        let mut rules = ContractRules::v1();
        rules.frames = FrameLimits {
            depth,
            memory_bytes,
        };
        world.adopt(&rules);
        let refused = (Status::Rejected(Rejection::CallLimit), "gas");
        let found = check(&world, &passed_on("passes_on", "gas"), &[refused, reverted]);
        assert_eq!(found, Some(resource));
    }
    let mut rules = ContractRules::v1();
    rules.limits.loaded_bytes = u32::try_from(CALLER.len()).unwrap();
    world.adopt(&rules);
    let refused = (Status::Rejected(Rejection::CodeLimit), "gas");
    let found = check(&world, &passed_on("passes_on", "gas"), &[refused, reverted]);
    assert_eq!(found, Some(Resource::LoadedCode));
}

#[test]
fn a_failure_that_the_caller_survives_is_no_failure_of_the_transaction() {
    let mut world = World::new();
    let caller = world.deploy(CALLER, &[]);
    let callee = world.deploy(CALLER, &[]);
    let input = target(callee, "write_then_trap", &[]);
    let (status, trace) = traced(&world, &call(caller, "try_and_write", &input));
    assert_eq!(status, Status::Success);
    assert_eq!(trace.failure, []);
}

/// Reads, writes, searches and removes entries of both storages.
const STORES: &str = r#"(module
  (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
  (import "fusee" "storage_try_write" (func $try (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_remove" (func $remove (param i32 i32) (result i32)))
  (import "fusee" "storage_next" (func $next (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "storage_remove_range" (func $range (param i32 i32 i32 i32 i32) (result i32)))
  (import "fusee" "transient_write" (func $t_write (param i32 i32 i32 i32)))
  (import "fusee" "transient_read" (func $t_read (param i32 i32 i32 i32) (result i32)))
  (import "fusee" "transient_remove" (func $t_remove (param i32 i32) (result i32)))
  (import "fusee" "event_emit" (func $emit (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "abcxy")
  (func (export "go")
    (call $write (i32.const 0) (i32.const 1) (i32.const 3) (i32.const 1))
    (drop (call $try (i32.const 0) (i32.const 1) (i32.const 4) (i32.const 1)))
    (call $write (i32.const 1) (i32.const 1) (i32.const 3) (i32.const 1))
    (drop (call $read (i32.const 2) (i32.const 1) (i32.const 64) (i32.const 8)))
    (drop (call $read (i32.const 0) (i32.const 1) (i32.const 64) (i32.const 8)))
    (drop (call $next (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 8)))
    (drop (call $remove (i32.const 2) (i32.const 1)))
    (drop (call $remove (i32.const 0) (i32.const 1)))
    (call $write (i32.const 0) (i32.const 1) (i32.const 3) (i32.const 1))
    (drop (call $range (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 9)))
    (call $t_write (i32.const 0) (i32.const 1) (i32.const 3) (i32.const 1))
    (call $t_write (i32.const 0) (i32.const 1) (i32.const 4) (i32.const 1))
    (drop (call $t_read (i32.const 0) (i32.const 1) (i32.const 64) (i32.const 8)))
    (drop (call $t_remove (i32.const 0) (i32.const 1)))
    (drop (call $t_remove (i32.const 0) (i32.const 1)))
    (call $emit (i32.const 0) (i32.const 1) (i32.const 3) (i32.const 2))))"#;

#[test]
fn storage_is_traced_with_the_values_before_and_after() {
    let mut world = World::with_rules(&ContractRules::v2());
    let contract = world.deploy_wat(STORES);
    let (status, trace) = traced(&world, &call(contract, "go", &[]));
    assert_eq!(status, Status::Success);
    let accesses = |store, syscall: &SyscallTrace| -> String {
        let text = |bytes: &Option<Vec<u8>>| match bytes {
            None => "-".to_owned(),
            Some(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        };
        let accesses = syscall.storage.iter().map(|access| {
            assert_eq!(access.store, store);
            let key = String::from_utf8(access.key.clone()).unwrap();
            format!("{key}{}{}", text(&access.before), text(&access.after))
        });
        accesses.collect::<Vec<_>>().join(" ")
    };
    let syscalls: Vec<_> = trace.frames[0].syscalls().collect();
    let (persistent, rest) = syscalls.split_at(10);
    let persistent: Vec<_> = persistent
        .iter()
        .map(|call| accesses(StorageKind::Persistent, call))
        .collect();
    let expected = [
        "a-x", "axy", "b-x", "c--", "ayy", "ayy", "c--", "ay-", "a-x", "ax- bx-",
    ];
    assert_eq!(persistent, expected);
    let (transient, rest) = rest.split_at(5);
    let transient: Vec<_> = transient
        .iter()
        .map(|call| accesses(StorageKind::Transient, call))
        .collect();
    assert_eq!(transient, ["a-x", "axy", "ayy", "ay-", "a--"]);
    let event = Event {
        address: contract,
        topics: vec![b"a".to_vec()],
        data: b"xy".to_vec(),
    };
    assert_eq!(rest[0].event, Some(event));
}

/// Traces within every bound up to `most` bytes. Returns the numbers of frames that were kept.
fn check_bounds(world: &World, transaction: &Transaction, most: usize) -> Vec<u64> {
    let (_, whole) = traced(world, transaction);
    let count = |trace: &Trace| {
        let syscalls = trace.frames.iter().map(|frame| frame.syscalls().count());
        [trace.frames.len(), syscalls.sum()].map(|count| u64::try_from(count).unwrap())
    };
    let [frames, syscalls] = count(&whole);
    let mut seen = Vec::new();
    for max_bytes in (0..most).step_by(500) {
        let (included, trace) = world.traced_within(transaction, max_bytes);
        let [kept_frames, kept_syscalls] = count(&trace);
        assert_eq!(kept_frames + trace.dropped.frames, frames, "{max_bytes}");
        assert_eq!(
            kept_syscalls + trace.dropped.syscalls,
            syscalls,
            "{max_bytes}"
        );
        // Each frame counts 512 bytes, and each syscall 256.
        let bytes = 512 * kept_frames + 256 * kept_syscalls;
        assert!(usize::try_from(bytes).unwrap() <= max_bytes);
        // What is kept is as in the whole trace, but for what is dropped.
        for (kept, whole) in trace.frames.iter().zip(&whole.frames) {
            assert_eq!(whole.steps[..kept.steps.len()], kept.steps, "{max_bytes}");
            assert_eq!(kept.own_gas(), whole.own_gas(), "{max_bytes}");
            assert_eq!(kept.gas_refunded(), whole.gas_refunded(), "{max_bytes}");
        }
        if let Some(outermost) = trace.frames.first() {
            let used = outermost.end.as_ref().unwrap().gas_used;
            let sum = used.saturating_add(trace.intrinsic_gas);
            assert_eq!(sum, included.receipt.gas_used);
        }
        seen.push(kept_frames);
    }
    seen.dedup();
    seen
}

#[test]
fn a_trace_is_bounded_and_says_what_it_dropped() {
    let mut world = World::new();
    let contracts: Vec<_> = (0..6).map(|_| world.deploy(CALLER, &[])).collect();
    let (first, rest) = contracts.split_first().unwrap();
    let seen = check_bounds(&world, &call(*first, "nest", &chain(rest)), 14_000);
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    // What follows a large frame that was dropped is small, and is dropped all the same.
    let input = target(rest[0], "write_then_revert", &[0; 2_000]);
    let seen = check_bounds(&world, &call(*first, "try_and_write", &input), 8_000);
    assert_eq!(seen, [0, 1, 2]);

    // A failure is told in full.
    let passes = world.deploy_wat(PASSES_ON);
    let input = args(&[first.as_bytes(), b"write_then_trap"]);
    let (_, trace) = world.traced_within(&call(passes, "passes_on", &input), 0);
    let failure = trace.failure.iter();
    let failure: Vec<_> = failure
        .map(|frame| (frame.frame, frame.method.as_str()))
        .collect();
    assert_eq!(failure, [(None, "write_then_trap"), (None, "passes_on")]);

    // One syscall that does more than the trace has room for, and an output.
    let mut world = World::with_rules(&ContractRules::v2());
    let stores = world.deploy_wat(STORES);
    let (_, whole) = traced(&world, &call(stores, "go", &[]));
    let removal = whole.frames[0]
        .steps
        .iter()
        .position(|step| matches!(step, TraceStep::Syscall(syscall) if syscall.storage.len() == 2));
    // The frame, 9 syscalls, and one of two accesses of the tenth.
    let max_bytes = 512 + 2 + 9 * (256 + 128) + 22 + 130;
    let (_, trace) = world.traced_within(&call(stores, "go", &[]), max_bytes);
    assert_eq!(trace.frames[0].steps.len(), removal.unwrap());
    let echo = world.deploy(COUNTER, &[]);
    let (_, trace) = world.traced_within(&call(echo, "increment", &[]), 512 + 9);
    let end = trace.frames[0].end.as_ref().unwrap();
    assert_eq!((end.status, &end.output), (Status::Success, &None));
    assert_eq!(trace.dropped.outputs, 1);
    assert_ne!(trace.dropped, Dropped::default());
}

/// Recurses deeper than a cramped compiler can, between two writes.
const DEEP: &str = r#"(module
  (import "fusee" "storage_write" (func $write (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func $deep (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
  (func (export "run")
    (call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))
    (drop (call $deep (i32.const 2000)))
    (call $write (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 1))))"#;

#[test]
fn a_restart_on_the_interpreter_begins_the_trace_anew() {
    let mut world = World::new();
    let contract = world.deploy_wat(DEEP);
    let transaction = call(contract, "run", &[]);
    let (status, expected) = traced(&world, &transaction);
    assert_eq!(status, Status::Success);
    assert_eq!(named(&expected.frames[0], "storage_write").len(), 2);
    let inspector = Inspector::new(1 << 20);
    let executor = Arc::new(Cramped::in_native_stack().tiered);
    let contracts =
        Contracts::without_fallback(executor, ContractRules::v1()).inspector(inspector.clone());
    let (state, block) = (Arc::new(world.state.clone()), BlockContext::default());
    let result = contracts.execute(state.clone(), transaction, &block, &Interrupt::new());
    assert_eq!(
        result.unwrap().included().unwrap().receipt.status,
        Status::Success
    );
    assert_eq!(inspector.trace(), expected);
    let query = Query {
        from: bob(),
        to: contract,
        method: "run".to_owned(),
        input: Vec::new(),
        gas: Gas::new(GAS),
    };
    let receipt = contracts
        .query(state, query, &block, &Interrupt::new())
        .unwrap();
    let trace = inspector.trace();
    assert_eq!((trace.intrinsic_gas, trace.frames.len()), (Gas::ZERO, 1));
    assert!(trace.frames[0].is_read_only);
    assert_eq!(trace.frames[0].own_gas(), Some(receipt.gas_used));
    assert_eq!(receipt.status, Status::Trapped(Trap::SyscallRefused));
    // The syscall that trapped has no reply.
    assert_eq!(trace.frames[0].syscalls().last().unwrap().reply, None);
}

/// Asks the oracle, and outputs nothing.
const ASKS: &str = r#"(module
  (import "fusee" "oracle_request" (func $ask (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "run") (drop (call $ask (i32.const 0) (i32.const 5)))))"#;

#[test]
fn a_trace_has_one_transaction_and_can_be_read_while_it_waits() {
    let rules = ContractRules::v2().with_oracle();
    let mut world = World::with_rules(&rules);
    let contract = world.deploy_wat(ASKS);
    for lane in lanes() {
        let inspector = Inspector::new(1 << 20);
        let contracts = Contracts::without_fallback(Arc::new(lane.executor), rules.clone())
            .suspension(lane.suspension)
            .inspector(inspector.clone());
        let (state, block) = (Arc::new(world.state.clone()), BlockContext::default());
        let begin = |transaction| {
            let progress = contracts.begin(state.clone(), transaction, &block, &Interrupt::new());
            progress.unwrap()
        };
        let Progress::Waiting(waiting) = begin(call(contract, "run", &[])) else {
            panic!("{}: it asks", lane.name)
        };
        let trace = inspector.trace();
        assert_eq!(trace.frames[0].end, None, "{}", lane.name);
        assert_eq!(named(&trace.frames[0], "oracle_request")[0].reply, None);
        let answered = waiting.answer(Some(b"yes".to_vec())).unwrap();
        assert!(matches!(answered, Progress::Ended(_)));
        let trace = inspector.trace();
        assert_eq!(named(&trace.frames[0], "oracle_request")[0].reply, Some(3));
        // The next one calls no contract.
        let code = COUNTER.to_vec();
        begin(sent(Action::Upload { code }, 0, GAS));
        let trace = inspector.trace();
        assert_eq!((trace.frames.len(), trace.failure.len()), (0, 0));
        assert!(trace.intrinsic_gas > Gas::ZERO);
    }
}
