//! A program that does what its input says, and what runs it.

use std::sync::Arc;

use fusee_conformance::lanes;
use fusee_engine::{CodeHash, Gas, Interrupt};
use fusee_executor::Executor;
use fusee_system::{
    Answer, Billing, Call, CallResult, Interruption, State, Step, SystemProgram, SystemPrograms,
    Transaction,
};

/// A limit of fuel that limits nothing: a limit of 0 is one of 0.
pub(crate) const ALL: [u8; 8] = i64::MAX.to_le_bytes();

/// What the first byte of the input asks of [`PROBE`].
pub(crate) mod op {
    /// Payload: how often the program was entered, in this instance (4 bytes).
    pub(crate) const COUNT: u8 = 0;
    /// Is interrupted, with the rest as parameters.
    pub(crate) const INTERRUPT: u8 = 1;
    pub(crate) const TRAP: u8 = 2;
    pub(crate) const LOOP: u8 = 3;
    /// Writes what is behind the code, and calls `_exit` with the code.
    pub(crate) const EXIT: u8 = 4;
    /// Returns the code, and writes what is behind it, as it is.
    pub(crate) const RETURN: u8 = 5;
    /// Charges itself an `i64`; payload: what `_fuel` says then.
    pub(crate) const CHARGE: u8 = 6;
    /// Runs the program of a hash with the rest as input, and 16 bytes of fuel at address 256;
    /// payload: the result, the fuel and the return data.
    pub(crate) const EXEC: u8 = 7;
    /// Grows its memory by so many pages (`u32`); payload: the pages before.
    pub(crate) const GROW: u8 = 8;
    /// Reads from behind its input.
    pub(crate) const READ_BEYOND: u8 = 9;
    /// Reads its input to behind its memory.
    pub(crate) const READ_OUTSIDE: u8 = 10;
    /// Recurses without end.
    pub(crate) const RECURSE: u8 = 11;
    /// Goes on with a call: id, exit code, data. Payload as of `EXEC`.
    pub(crate) const RESUME: u8 = 12;
    /// Payload: the digests of the rest, by Keccak-256, SHA-256 and BLAKE3.
    pub(crate) const DIGEST: u8 = 13;
    /// Reads and forwards return data that is not there.
    pub(crate) const FORWARD_BEYOND: u8 = 14;
    /// Logs the rest.
    pub(crate) const LOG: u8 = 15;
    /// As `EXEC`, and charges itself the fuel's limit then.
    pub(crate) const EXEC_AND_CHARGE: u8 = 17;
    /// Writes a mebibyte to the output again and again.
    pub(crate) const FLOOD: u8 = 16;
}

/// Keeps its number of frames that wait at address 8, and what it counts at address 0. Entered with
/// return data, it goes on with the last of them: the payload is how many wait now (4 bytes) and
/// the return data.
pub(crate) const PROBE: &str = r#"(module
  (import "fluentbase_v1preview" "_exit" (func $exit (param i32)))
  (import "fluentbase_v1preview" "_state" (func $state (result i32)))
  (import "fluentbase_v1preview" "_read" (func $read (param i32 i32 i32)))
  (import "fluentbase_v1preview" "_input_size" (func $input_size (result i32)))
  (import "fluentbase_v1preview" "_write" (func $write (param i32 i32)))
  (import "fluentbase_v1preview" "_output_size" (func $output_size (result i32)))
  (import "fluentbase_v1preview" "_read_output" (func $read_output (param i32 i32 i32)))
  (import "fluentbase_v1preview" "_forward_output" (func $forward_output (param i32 i32)))
  (import "fluentbase_v1preview" "_exec" (func $exec (param i32 i32 i32 i32 i32) (result i32)))
  (import "fluentbase_v1preview" "_resume" (func $resume (param i32 i32 i32 i32 i32) (result i32)))
  (import "fluentbase_v1preview" "_fuel" (func $fuel (result i64)))
  (import "fluentbase_v1preview" "_charge_fuel" (func $charge_fuel (param i64)))
  (import "fluentbase_v1preview" "_debug_log" (func $debug_log (param i32 i32)))
  (import "fluentbase_v1preview" "_keccak256" (func $keccak256 (param i32 i32 i32)))
  (import "fluentbase_v1preview" "_sha256" (func $sha256 (param i32 i32 i32)))
  (import "fluentbase_v1preview" "_blake3" (func $blake3 (param i32 i32 i32)))
  (memory (export "memory") 32)
  (func $header (param $code i32)
    (i32.store (i32.const 512) (local.get $code))
    (call $write (i32.const 512) (i32.const 4)))
  ;; Ends well, with a payload of so many bytes at 512 and all return data.
  (func $result (param $length i32) (result i32)
    (i32.store (i32.const 508) (i32.const 0))
    (call $write (i32.const 508) (i32.add (i32.const 4) (local.get $length)))
    (call $forward_output (i32.const 0) (call $output_size))
    (i32.const 0))
  (func $recurse (param i64) (result i64)
    (i64.add (i64.const 1) (call $recurse (i64.add (local.get 0) (i64.const 1)))))
  ;; The result of a syscall that runs others, the fuel, and the return data.
  (func $told (param i32) (result i32)
    (i32.store (i32.const 512) (local.get 0))
    (i64.store (i32.const 516) (i64.load (i32.const 256)))
    (i64.store (i32.const 524) (i64.load (i32.const 264)))
    (call $result (i32.const 20)))
  (func (export "deploy") (result i32)
    (i32.store (i32.const 512) (call $state))
    (call $result (i32.const 4)))
  (func (export "main") (param i32 i32) (result i32) (local $op i32) (local $rest i32)
    (if (i32.or (local.get 0) (local.get 1)) (then unreachable))
    (i32.store (i32.const 0) (i32.add (i32.const 1) (i32.load (i32.const 0))))
    (if (call $output_size) (then
      (i32.store (i32.const 8) (i32.sub (i32.load (i32.const 8)) (i32.const 1)))
      (i32.store (i32.const 512) (i32.load (i32.const 8)))
      (return (call $result (i32.const 4)))))
    (call $read (i32.const 1024) (i32.const 0) (call $input_size))
    (local.set $op (i32.load8_u (i32.const 1024)))
    (local.set $rest (i32.sub (call $input_size) (i32.const 1)))
    (block $charges (block $flood (block $log (block $forward (block $digest (block $resume (block $recurse (block $outside (block $beyond
    (block $grow (block $exec (block $charge (block $return (block $exit (block $loop
    (block $trap (block $interrupt (block $count
      (br_table $count $interrupt $trap $loop $exit $return $charge $exec $grow $beyond $outside $recurse
        $resume $digest $forward $log $flood $charges (local.get $op)))
      (i32.store (i32.const 512) (i32.load (i32.const 0)))
      (return (call $result (i32.const 4))))
      ;; interrupt
      (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
      (call $write (i32.const 1025) (local.get $rest))
      (return (i32.const -3)))
      ;; trap
      unreachable)
      ;; loop
      (loop $again (br $again)))
      ;; exit
      (call $write (i32.const 1029) (i32.sub (local.get $rest) (i32.const 4)))
      (call $exit (i32.load (i32.const 1025))))
      ;; return
      (call $write (i32.const 1029) (i32.sub (local.get $rest) (i32.const 4)))
      (return (i32.load (i32.const 1025))))
      ;; charge
      (call $charge_fuel (i64.load (i32.const 1025)))
      (i64.store (i32.const 512) (call $fuel))
      (return (call $result (i32.const 8))))
      ;; exec
      (i64.store (i32.const 256) (i64.load (i32.const 1057)))
      (return (call $told (call $exec (i32.const 1025) (i32.const 1065)
        (i32.sub (local.get $rest) (i32.const 40)) (i32.const 256) (i32.const 0)))))
      ;; grow
      (i32.store (i32.const 512) (memory.grow (i32.load (i32.const 1025))))
      (return (call $result (i32.const 4))))
      ;; read beyond
      (call $read (i32.const 512) (i32.const 1) (call $input_size))
      (return (call $result (i32.const 0))))
      ;; read outside
      (call $read (i32.const 2097152) (i32.const 0) (i32.const 1))
      (return (call $result (i32.const 0))))
      ;; recurse
      (drop (call $recurse (i64.const 0)))
      (return (call $result (i32.const 0))))
      ;; resume
      (i64.store (i32.const 256) (i64.load (i32.const 1033)))
      (i64.store (i32.const 264) (i64.const 0))
      (return (call $told (call $resume (i32.load (i32.const 1025)) (i32.const 1041)
        (i32.sub (local.get $rest) (i32.const 16)) (i32.load (i32.const 1029)) (i32.const 256)))))
      ;; digest
      (call $keccak256 (i32.const 1025) (local.get $rest) (i32.const 512))
      (call $sha256 (i32.const 1025) (local.get $rest) (i32.const 544))
      (call $blake3 (i32.const 1025) (local.get $rest) (i32.const 576))
      (return (call $result (i32.const 96))))
      ;; forward beyond
      (call $read_output (i32.const 512) (i32.const 0) (i32.const 1))
      (call $forward_output (i32.const 0) (i32.const 1))
      (return (call $result (i32.const 0))))
      ;; log
      (call $debug_log (i32.const 1025) (local.get $rest))
      (return (call $result (i32.const 0))))
      ;; flood
      (loop $more (call $write (i32.const 0) (i32.const 1048576)) (br $more)))
      ;; exec and charge
      (i64.store (i32.const 256) (i64.load (i32.const 1057)))
      (drop (call $exec (i32.const 1025) (i32.const 1065) (i32.const 0) (i32.const 256) (i32.const 0)))
      (call $charge_fuel (i64.load (i32.const 1057)))
      (call $result (i32.const 0)))
)"#;

/// Enough for anything but an endless loop.
pub(crate) const GAS: u64 = 100_000_000;

pub(crate) fn probe() -> Vec<u8> {
    wat::parse_str(PROBE).unwrap()
}

/// System programs on an executor, with the probe among them.
pub(crate) fn registered(executor: Executor, billing: Billing) -> (SystemPrograms, SystemProgram) {
    let mut programs = SystemPrograms::new(Arc::new(executor));
    let program = programs.register(&probe(), billing).unwrap();
    (programs, program)
}

/// What `body` finds with the probe, on each lane: the same on all of them.
pub(crate) fn on_all_lanes<T: std::fmt::Debug + PartialEq>(
    billing: Billing,
    body: impl Fn(&mut Transaction<'_>, SystemProgram) -> T,
) -> T {
    let found = lanes().into_iter().map(|lane| {
        let (programs, program) = registered(lane.executor, billing);
        let mut transaction = programs.transaction(Interrupt::new());
        (lane.name, body(&mut transaction, program))
    });
    let mut found: Vec<_> = found.collect();
    let (first, expected) = found.remove(0);
    for (lane, other) in found {
        assert_eq!(other, expected, "{lane} and {first}");
    }
    expected
}

/// An input: an operation and what belongs to it.
pub(crate) fn input(op: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut input = vec![op];
    parts.iter().for_each(|part| input.extend(*part));
    input
}

pub(crate) fn main_call(input: Vec<u8>, gas: u64) -> Call {
    Call {
        state: State::Main,
        input,
        gas: Gas::new(gas),
    }
}

pub(crate) fn call(
    transaction: &mut Transaction<'_>,
    program: SystemProgram,
    op: u8,
    parts: &[&[u8]],
) -> Step {
    transaction
        .call(program, main_call(input(op, parts), GAS))
        .unwrap()
}

pub(crate) fn end(step: Step) -> CallResult {
    match step {
        Step::Ended(end) => end,
        Step::Interrupted(waits) => panic!("it waits: {waits:?}"),
    }
}

pub(crate) fn waits(step: Step) -> Interruption {
    match step {
        Step::Interrupted(waits) => waits,
        Step::Ended(end) => panic!("it ended: {end:?}"),
    }
}

/// How often the program was entered in its instance, this time included.
pub(crate) fn count(transaction: &mut Transaction<'_>, program: SystemProgram) -> u32 {
    let end = end(call(transaction, program, op::COUNT, &[]));
    u32::from_le_bytes(end.payload().try_into().unwrap())
}

pub(crate) fn answer(output: &[u8]) -> Answer {
    Answer {
        halted: true,
        output: output.to_vec(),
        ..Answer::default()
    }
}

pub(crate) fn hash(program: SystemProgram) -> [u8; 32] {
    *program.code.as_bytes()
}

pub(crate) fn hash_of(wasm: &[u8]) -> [u8; 32] {
    *CodeHash::of(wasm).as_bytes()
}

/// A program of `guests/wasm`.
pub(crate) fn compiled(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/wasm");
    std::fs::read(format!("{folder}/{name}.wasm")).unwrap()
}
