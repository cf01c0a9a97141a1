//! Guests that drive their children themselves, and what they get wrong.

use std::{sync::Arc, thread};

use fusee_conformance::lanes;
use fusee_engine::{Gas, Host, Source, Stop, Syscall, Trap, Value};
use fusee_executor::{EndReason, Executor};
use fusee_instrument::{Rules, SyscallPrice, SyscallRule};
use fusee_virtualization::{
    ChildSettings, Children, Owner, StorageScope, Symbols, VirtualizationError, functions,
    wire::{ExecError, InstanceId},
};

use crate::support::{
    COUNTER, Came, GAS, Guest, Machine, Nine, Silent, child_rules, range, ready, trusted, wasm,
};

/// Counts with a child: compiles it, answers each `increment`, and reads the number. And has many
/// children wait for one another.
const DRIVER: &str = r#"(module
  (import "env" "ext_virtualization_compile_from_storage_key_version_1"
    (func $compile (param i64 i64) (result i64)))
  (import "env" "ext_virtualization_instantiate_version_1" (func $instantiate (param i32) (result i64)))
  (import "env" "ext_virtualization_prepare_version_1" (func $prepare (param i32 i64) (result i64)))
  (import "env" "ext_virtualization_run_version_1" (func $run (param i32 i64 i64 i32) (result i64)))
  (import "env" "ext_virtualization_read_memory_version_1" (func $read (param i32 i32 i64) (result i64)))
  (import "env" "ext_virtualization_destroy_version_1" (func $destroy (param i32) (result i64)))
  (import "env" "other" (func $other (param i64) (result i64)))
  (memory 1)
  (data (i32.const 0) "code")
  (data (i32.const 8) "counter")
  (data (i32.const 16) "once")
  (data (i32.const 24) "increment")
  (func $ready (param $name i64) (result i32) (local $instance i32)
    (local.set $instance (i32.wrap_i64 (call $instantiate (i32.wrap_i64
      (call $compile (i64.const 0x4_0000_0000) (i64.const 0))))))
    (if (i64.ne (call $prepare (local.get $instance) (local.get $name)) (i64.const 0)) (then unreachable))
    (local.get $instance))
  (func (export "count") (param $start i64) (result i64) (local $instance i32)
    (local.set $instance (call $ready (i64.const 0x7_0000_0008)))
    (loop $again
      (if (i64.eq (i64.const 1)
            (call $run (local.get $instance) (i64.const 1000000) (local.get $start) (i32.const 100)))
        (then
          ;; It asks for what is known here: nine bytes, "incremen".
          (if (i64.ne (i64.load (i32.const 140)) (i64.const 9)) (then unreachable))
          (if (i64.ne (i64.load (i32.const 108)) (i64.load (i32.const 24))) (then unreachable))
          (local.set $start (i64.add (i64.load (i32.const 148)) (i64.const 1)))
          (br $again))))
    (if (i64.ne (call $prepare (local.get $instance) (i64.const 0x4_0000_0010)) (i64.const 0)) (then unreachable))
    (if (i64.ne (call $read (local.get $instance) (i32.const 0) (i64.const 0x8_0000_0200)) (i64.const 0)) (then unreachable))
    (if (i64.ne (call $destroy (local.get $instance)) (i64.const 0)) (then unreachable))
    (i64.load (i32.const 0x200)))
  (func (export "chain") (param $many i32) (result i64) (local $at i32) (local $ended i64)
    (loop $more
      (if (i64.ne (i64.const 1) (call $run (call $ready (i64.const 0x4_0000_0010))
            (i64.const 1000000) (i64.const 5) (i32.const 100))) (then unreachable))
      (br_if $more (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $many))))
    (loop $back
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (local.set $ended (i64.add (local.get $ended) (i64.extend_i32_u (i64.eqz
        (call $run (local.get $at) (i64.const 1000000) (i64.const 6) (i32.const 100))))))
      (br_if $back (local.get $at)))
    (local.get $ended))
  (func (export "other") (param i64) (result i64) (call $other (local.get 0))))"#;

/// Doubles what it is asked, and waits for zero.
#[derive(Debug)]
struct Doubles(Arc<Executor>);

impl Owner for Doubles {
    fn code(&mut self, scope: StorageScope<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, Source> {
        // No guest is on the native stack.
        assert_eq!(self.0.suspended_runs(), 1);
        crate::support::code(scope, key)
    }
}

impl Host for Doubles {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        match call.request.args[0] {
            0 => Err(Stop::Suspend),
            number => Ok(2 * number),
        }
    }
}

fn drive(executor: Executor, entry: &str, args: &[Value]) -> (Machine<Doubles>, Came<Doubles>) {
    let mut syscalls = functions::v1();
    syscalls.push(SyscallRule {
        module: "env".to_owned(),
        name: "other".to_owned(),
        number: 7,
        params: vec![fusee_engine::ValueType::I64],
        result: Some(fusee_engine::ValueType::I64),
        may_suspend: true,
        price: SyscallPrice::FREE,
    });
    let executor = Arc::new(executor);
    let prepared = executor
        .prepare(&wasm(DRIVER), &Rules::v1(syscalls))
        .unwrap();
    let rules = child_rules(Symbols::Any);
    let children = Children::new(Arc::clone(&executor), rules, ChildSettings::default());
    let mut machine = Machine::new(&executor, children);
    let host = Doubles(executor);
    let came = machine.run(&prepared, entry, args, Gas::new(1 << 40), host);
    (machine, came.unwrap())
}

fn returned<H: std::fmt::Debug>(came: &Came<H>) -> i64 {
    match came {
        Came::Ended(end) => match *end.values() {
            [Value::I64(value)] => value,
            ref other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_guest_counts_with_a_child() {
    for (start, end) in [(0, 8), (7, 15)] {
        for lane in lanes() {
            let (_, came) = drive(lane.executor, "count", &[Value::I64(start)]);
            assert_eq!(returned(&came), end, "{}", lane.name);
        }
    }
}

#[test]
fn a_chain_of_children_takes_constant_native_stack() {
    for lane in lanes() {
        // Each waits while the next one runs.
        let chain = move || returned(&drive(lane.executor, "chain", &[Value::I32(1_000)]).1);
        let small = thread::Builder::new().stack_size(512 << 10);
        assert_eq!(small.spawn(chain).unwrap().join().unwrap(), 1_000);
    }
}

#[test]
fn other_syscalls_are_answered_by_the_other_host() {
    for lane in lanes() {
        let (_, came) = drive(lane.executor, "other", &[Value::I64(21)]);
        assert_eq!(returned(&came), 42);
    }
    // Where that parks the guest, it waits for whoever drives it.
    for lane in lanes() {
        let (mut machine, came) = drive(lane.executor, "other", &[Value::I64(0)]);
        let Came::Waits(mut waits) = came else {
            panic!("{came:?}");
        };
        assert_eq!(waits.request().number, 7);
        let children = waits.host_mut().children().unwrap();
        assert_eq!(children.instances(), 0);
        let came = machine.resume(waits, 9).unwrap();
        assert_eq!(returned(&came), 9);
    }
}

#[test]
fn a_range_that_the_caller_does_not_have_is_its_trap() {
    // Memory ends at 4 MiB.
    let end = 64 << 16;
    let outside = [
        range(end - 3, 4),
        range(end + 1, 0),
        range(u32::MAX, 1),
        range(u32::MAX, u32::MAX),
        range(0, u32::MAX),
        range(0, end + 1),
    ];
    let none = Value::I32(0);
    let whole = range(0, 4);
    for bad in outside {
        for (function, args) in [
            (functions::COMPILE, vec![bad, whole]),
            (functions::COMPILE, vec![whole, bad]),
            (functions::LOOKUP, vec![bad]),
            (functions::COMPILE_KEY, vec![bad, whole]),
            (functions::COMPILE_KEY, vec![whole, bad]),
            (functions::PREPARE, vec![none, bad]),
            (functions::READ_MEMORY, vec![none, none, bad]),
            (functions::WRITE_MEMORY, vec![none, none, bad]),
        ] {
            for lane in lanes().into_iter().take(2) {
                let end = Guest::new(lane.executor).call(function, &args);
                let expected = EndReason::Trapped(Trap::MemoryOutOfBounds);
                assert_eq!(end.reason, expected, "{function} {args:?}");
            }
        }
    }
}

#[test]
fn a_child_does_not_run_if_its_buffer_is_nowhere() {
    for buffer in [(64 << 16) - 95, 64 << 16, -1, -96] {
        for lane in lanes() {
            let mut guest = Guest::new(lane.executor);
            let instance = ready(&mut guest, COUNTER, "once");
            assert_eq!(instance, InstanceId(0));
            let args = [
                Value::I32(0),
                Value::I64(GAS),
                Value::I64(5),
                Value::I32(buffer),
            ];
            let end = guest.call(functions::RUN, &args);
            assert_eq!(end.reason, EndReason::Trapped(Trap::MemoryOutOfBounds));
            // The child is where it was.
            let nine: &mut dyn Nine = guest.machine.children();
            assert_eq!(
                nine.prepare(instance, b"once"),
                Err(ExecError::InvalidInstance)
            );
            let (_, asked) = nine.run(instance, GAS, 5).unwrap();
            assert_eq!(asked.args[0], 5, "{}", lane.name);
        }
    }
}

#[test]
fn a_fault_of_the_host_at_a_child_is_one_at_the_parent() {
    for lane in lanes() {
        let executor = Arc::new(lane.executor);
        let text = r#"(module
          (import "env" "ext_virtualization_compile_from_storage_key_version_1" (func $compile (param i64 i64) (result i64)))
          (memory 1) (data (i32.const 0) "broken")
          (func (export "f") (drop (call $compile (i64.const 0x6_0000_0000) (i64.const 0)))))"#;
        let rules = Rules::v1(functions::v1());
        let prepared = executor.prepare(&wasm(text), &rules).unwrap();
        let mut machine = Machine::new(&executor, trusted(Arc::clone(&executor)));
        let came = machine.run(&prepared, "f", &[], Gas::new(1 << 30), Silent);
        let error = came.unwrap_err();
        assert!(matches!(error, VirtualizationError::Code(_)), "{error}");
        assert_eq!(executor.suspended_runs(), 0, "{}", lane.name);
    }
}

#[test]
fn the_functions_are_told_by_their_numbers_and_names() {
    let names: Vec<_> = functions::FUNCTIONS
        .iter()
        .map(|row| (row.number, row.name))
        .collect();
    assert_eq!(
        names,
        [
            (1_000, "ext_virtualization_compile_from_bytes_version_1"),
            (1_001, "ext_virtualization_lookup_version_1"),
            (
                1_002,
                "ext_virtualization_compile_from_storage_key_version_1"
            ),
            (1_003, "ext_virtualization_instantiate_version_1"),
            (1_004, "ext_virtualization_prepare_version_1"),
            (1_005, "ext_virtualization_run_version_1"),
            (1_006, "ext_virtualization_destroy_version_1"),
            (1_007, "ext_virtualization_read_memory_version_1"),
            (1_008, "ext_virtualization_write_memory_version_1"),
        ]
    );
}
