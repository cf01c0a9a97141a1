//! The gas of calls of the guests in `guests/wasm`, as a golden file, so that a change of gas shows
//! up in review.
//!
//! Each line has a call, its outcome and its gas. All lanes and the counting interpreter agree on
//! it.

use std::{fmt::Write, sync::Arc};

use expect_test::{ExpectFile, expect_file};
use fusee_conformance::{
    Ending, Lane, Verdict,
    counting::{self, Entry, Instance, Prices, slots},
    lanes,
};
use fusee_engine::{Gas, OutOfGasPolicy, Value};
use fusee_executor::PreparedProgram;

use crate::{
    contract::{Contract, contract_rules},
    guest::{compiled, counted},
};

use Value::{I32, I64};

const GAS: Gas = Gas::new(100_000_000);

/// A call of a function by its arguments, or of a contract's method by its input.
struct Call {
    entry: &'static str,
    args: Vec<Value>,
    input: Vec<u8>,
}

fn function(entry: &'static str, args: &[Value]) -> Call {
    Call {
        entry,
        args: args.to_vec(),
        input: Vec::new(),
    }
}

fn method(entry: &'static str, input: &[&[u8]]) -> Call {
    Call {
        entry,
        args: Vec::new(),
        input: input.concat(),
    }
}

/// Makes the calls of a guest one after the other, each in a fresh instance on the storage that the
/// last left.
fn check(guest: &str, calls: &[Call], expected: ExpectFile) {
    let wasm = compiled(guest);
    let rules = contract_rules();
    let program = counted(&wasm, &Prices::of(rules.schedule()), &rules);
    let told = tell(calls, |call, host| count(&program, call, host));
    for lane in lanes() {
        let prepared = lane.executor.prepare(&wasm, &rules).unwrap();
        let on_lane = tell(calls, |call, host| run(&lane, &prepared, call, host));
        assert_eq!(on_lane, told, "{guest}, {}", lane.name);
    }
    expected.assert_eq(&told);
}

fn tell(calls: &[Call], mut enter: impl FnMut(&Call, Contract) -> (Verdict, Contract)) -> String {
    let mut told = String::new();
    let mut contract = Contract::default();
    for call in calls {
        contract.input.clone_from(&call.input);
        let (verdict, after) = enter(call, contract.clone());
        let ending = match (&verdict.ending, after.has_reverted) {
            (_, true) => format!("reverted: {}", String::from_utf8_lossy(&after.output)),
            (Ending::Finished(values), false) => {
                contract.storage.clone_from(&after.storage);
                let mut told: Vec<String> = values.iter().map(Value::to_string).collect();
                told.push(hex(&after.output));
                told.join(" ")
            }
            (Ending::Trapped(trap), false) => trap.to_string(),
            (ending, false) => format!("{ending:?}"),
        };
        let args: Vec<String> = match call.input.as_slice() {
            [] => call.args.iter().map(Value::to_string).collect(),
            input => vec![hex(input)],
        };
        writeln!(
            told,
            "{:>9}  {}({}) -> {}",
            verdict.gas_used,
            call.entry,
            args.join(", "),
            match ending.trim() {
                "" => "nothing",
                ending => ending,
            }
        )
        .unwrap();
    }
    told
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run(
    lane: &Lane,
    prepared: &Arc<PreparedProgram>,
    call: &Call,
    host: Contract,
) -> (Verdict, Contract) {
    let request = lane.request(call.entry, &call.args, GAS);
    let outcome = lane.executor.run(prepared, request, host).unwrap();
    let verdict = Verdict::on(&outcome);
    assert_ne!(verdict.ending, Ending::Parked);
    (verdict, outcome.into_host())
}

fn count(program: &Arc<counting::Program>, call: &Call, host: Contract) -> (Verdict, Contract) {
    let entry = Entry {
        name: call.entry,
        args: &slots(&call.args),
        gas: GAS,
        out_of_gas_policy: OutOfGasPolicy::Stop,
    };
    match Instance::new(program).run(entry, host).unwrap() {
        counting::Outcome::Ended(ended) => (ended.verdict, ended.host),
        parked => panic!("{parked:?}"),
    }
}

#[test]
fn gas_of_kernels() {
    let golden = |name: &str| expect_file![format!("golden/gas/{name}.txt")];
    let kernels: [(&str, &[i32]); 8] = [
        ("kernel_sha256", &[0, 1, 2]),
        ("kernel_keccak", &[0, 1, 2]),
        ("kernel_matmul", &[1, 2, 8]),
        ("kernel_quicksort", &[0, 10, 300]),
        ("kernel_tiny_loop", &[0, 1, 1_000]),
        ("kernel_branchy", &[1, 10, 100]),
        ("kernel_fib", &[0, 10, 15]),
        ("kernel_memory", &[0]),
    ];
    for (name, sizes) in kernels {
        let call = |size: &i32| function("run", &[I32(*size)]);
        let calls: Vec<Call> = sizes.iter().map(call).collect();
        check(name, &calls, golden(name));
    }
}

#[test]
fn gas_of_functions() {
    let calls = [
        function("add", &[I32(2), I32(3)]),
        function("fac", &[I64(20)]),
        function("fib", &[I32(12)]),
        function("div", &[I32(7), I32(2)]),
        function("div", &[I32(7), I32(0)]),
        function("swap", &[I32(1), I64(2)]),
        function("crash", &[]),
        function("oob", &[]),
        function("recurse", &[]),
    ];
    check("arith", &calls, expect_file!["golden/gas/arith.txt"]);
}

#[test]
fn gas_of_contracts() {
    let number = |number: u64| number.to_le_bytes();
    let address = |byte: u8| [byte; 32];
    let text = |text: &str| [&4_u32.to_le_bytes()[..], text.as_bytes()].concat();
    let calls = [
        method("deploy", &[]),
        method("increment", &[]),
        method("add", &[&number(41)]),
        method("add", &[]),
        method("value", &[]),
    ];
    check("counter", &calls, expect_file!["golden/gas/counter.txt"]);

    let calls = [
        method("transfer", &[&address(2), &number(1)]),
        method("deploy", &[&number(1_000)]),
        method("total_supply", &[]),
        method("balance_of", &[&address(0xca)]),
        method("balance_of", &[&address(2)]),
        method("transfer", &[&address(2), &number(10)]),
        method("transfer", &[&address(2), &number(10)]),
        method("transfer", &[&address(2), &number(10_000)]),
        method("transfer", &[&address(2)]),
        method("approve", &[&address(3), &number(5)]),
        method("allowance", &[&address(0xca), &address(3)]),
        method("transfer_from", &[&address(0xca), &address(4), &number(5)]),
    ];
    check("token", &calls, expect_file!["golden/gas/token.txt"]);

    let target = [&address(9)[..], &text("name"), &number(0)[..4]].concat();
    let calls = [
        method("deploy", &[]),
        method("forward", &[&target]),
        method("try_and_write", &[&target]),
        method("nest", &[&number(0)[..4]]),
        method("nest", &[&number(1)[..4], &address(9)]),
        method("write_then_revert", &[]),
        method("write_then_trap", &[]),
        method("who", &[]),
        method("send", &[&address(9), &[0; 16]]),
        method("gas", &[]),
        method("burn", &[&number(100)]),
    ];
    check("caller", &calls, expect_file!["golden/gas/caller.txt"]);
}
