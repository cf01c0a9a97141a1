//! Host functions by module and name: what they take, return and cost, on every lane.

use fusee_conformance::{agreed, lanes};
use fusee_engine::{Gas, OutOfGas, Stop, Trap, Value};
use fusee_executor::{Caller, LinkError, Linked, Linker, Outcome};
use fusee_instrument::{Rules, SyscallPrice};

const GAS: Gas = Gas::new(1_000_000);

/// What a host function was given.
type Seen = Vec<i64>;

fn linker() -> Linker<Seen> {
    let mut linker = Linker::new();
    linker
        .func(
            "env",
            "mix",
            SyscallPrice::bytes(100, 0),
            |caller: &mut Caller<'_, '_, Seen>, a: i32, b: u32, c: i64, d: u64| {
                let seen = [a.into(), b.into(), c, d.cast_signed()];
                caller.data_mut().extend(seen);
                -7_i32
            },
        )
        .unwrap();
    linker
        .func(
            "env",
            "sum",
            SyscallPrice::bytes(10, 3),
            |caller: &mut Caller<'_, '_, Seen>, address: u32, length: u32| -> Result<u64, Stop> {
                caller.charge_bytes(length.into())?;
                let mut memory = caller.memory();
                let bytes = memory.read(address.into(), length.into())?;
                Ok(bytes.iter().map(|byte| u64::from(*byte)).sum())
            },
        )
        .unwrap();
    linker
        .func(
            "other",
            "mix",
            SyscallPrice::FREE,
            |caller: &mut Caller<'_, '_, Seen>| -> Result<(), Stop> {
                let (mut memory, seen) = caller.memory_and_data();
                memory.write(8, &[9])?;
                seen.push(1);
                Ok(())
            },
        )
        .unwrap();
    linker
        .func_suspendable(
            "env",
            "later",
            SyscallPrice::FREE,
            |_: &mut Caller<'_, '_, Seen>, _: i64| -> Result<i64, Stop> { Err(Stop::Suspend) },
        )
        .unwrap();
    linker
}

const GUEST: &str = r#"(module
    (import "env" "mix" (func $mix (param i32 i32 i64 i64) (result i32)))
    (import "env" "sum" (func $sum (param i32 i32) (result i64)))
    (import "other" "mix" (func $other))
    (import "env" "later" (func $later (param i64) (result i64)))
    (memory 1)
    (data (i32.const 0) "\01\02\03\04")
    (func (export "mix") (result i32)
        (call $mix (i32.const -1) (i32.const -1) (i64.const -2) (i64.const -3)))
    (func (export "sum") (param i32) (result i64) (call $sum (i32.const 0) (local.get 0)))
    (func (export "other") (result i32) (call $other) (i32.load8_u (i32.const 8)))
    (func (export "later") (result i64) (call $later (i64.const 5))))"#;

/// What a call comes to on all lanes: results, trap, gas used, and what the host saw.
fn call(entry: &str, args: &[Value], gas: Gas) -> (Vec<Value>, Option<Trap>, Gas, Seen) {
    let linker = linker();
    let rules = Rules::v1(linker.syscalls());
    let wasm = wat::parse_str(GUEST).unwrap();
    agreed(&lanes(), |lane| {
        let program = lane.executor.prepare(&wasm, &rules).unwrap();
        let host = linker.host(Vec::new());
        let request = lane.request(entry, args, gas);
        let mut outcome = lane.executor.run(&program, request, host).unwrap();
        while let Outcome::Syscall(suspended) = outcome {
            let [number, ..] = suspended.request().args;
            outcome = suspended.resume(number * 2).unwrap();
        }
        let (values, trap, used) = (
            outcome.values().to_vec(),
            outcome.trap(),
            outcome.gas_used(),
        );
        (values, trap, used, Linked::into_data(outcome.into_host()))
    })
}

#[test]
fn integers_arrive_and_return_as_the_types_that_were_declared() {
    let (values, _, _, seen) = call("mix", &[], GAS);
    assert_eq!(values, [Value::I32(-7)]);
    assert_eq!(seen, [-1, i64::from(u32::MAX), -2, -3]);
    let (values, _, _, seen) = call("other", &[], GAS);
    assert_eq!((values, seen), (vec![Value::I32(9)], vec![1]));
    let (values, ..) = call("later", &[], GAS);
    assert_eq!(values, [Value::I64(10)]);
}

#[test]
fn the_price_beside_a_function_is_charged_and_its_bytes_before_they_are_read() {
    let used = |length: i32| call("sum", &[Value::I32(length)], GAS).2;
    assert_eq!(used(4).saturating_sub(used(0)), Gas::new(12));
    let (values, ..) = call("sum", &[Value::I32(4)], GAS);
    assert_eq!(values, [Value::I64(10)]);
    // Too little for the bytes: no byte beyond the memory is looked at.
    let much = i32::MAX;
    let (_, trap, spent, _) = call("sum", &[Value::I32(much)], GAS);
    assert_eq!((trap, spent), (None, GAS), "out of gas, not out of bounds");
    let (_, trap, ..) = call("sum", &[Value::I32(65_537)], GAS);
    assert_eq!(trap, Some(Trap::MemoryOutOfBounds));
    // The base is charged without bytes.
    let exact = used(0);
    assert_eq!(call("sum", &[Value::I32(0)], exact).1, None);
    let less = exact.saturating_sub(Gas::new(1));
    let (values, _, spent, _) = call("sum", &[Value::I32(0)], less);
    assert_eq!((values, spent), (Vec::new(), less));
}

#[test]
fn names_are_taken_once_and_reserved_modules_never() {
    let mut linker = linker();
    let nothing = |_: &mut Caller<'_, '_, Seen>| {};
    let again = linker.func("env", "mix", SyscallPrice::FREE, nothing);
    assert_eq!(
        again.unwrap_err().to_string(),
        "`env`.`mix` is registered already"
    );
    let reserved = linker.func(
        fusee_engine::reserved::MODULE,
        "mine",
        SyscallPrice::FREE,
        nothing,
    );
    assert!(matches!(reserved, Err(LinkError::Reserved { .. })));
    assert_eq!(linker.syscalls().len(), 4, "nothing was registered");
    let numbers: Vec<_> = linker.syscalls().iter().map(|rule| rule.number).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
}

#[test]
fn out_of_gas_in_a_host_function_is_the_guests() {
    let mut linker = Linker::<()>::new();
    linker
        .func(
            "env",
            "burn",
            SyscallPrice::FREE,
            |caller: &mut Caller<'_, '_, ()>| -> Result<(), Stop> {
                let all = caller.gas_left().saturating_add(Gas::new(1));
                assert_eq!(caller.charge(all), Err(OutOfGas));
                Err(OutOfGas.into())
            },
        )
        .unwrap();
    let rules = Rules::v1(linker.syscalls());
    let text = r#"(module (import "env" "burn" (func $burn)) (func (export "f") (call $burn)))"#;
    let wasm = wat::parse_str(text).unwrap();
    let used = agreed(&lanes(), |lane| {
        let program = lane.executor.prepare(&wasm, &rules).unwrap();
        let request = lane.request("f", &[], GAS);
        let outcome = lane
            .executor
            .run(&program, request, linker.host(()))
            .unwrap();
        assert!(matches!(outcome, Outcome::OutOfGas(_)), "{outcome:?}");
        outcome.gas_used()
    });
    assert_eq!(used, GAS);
}
