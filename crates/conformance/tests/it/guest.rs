//! The syscalls of the guests in these tests, and their host.

use std::sync::Arc;

use fusee_conformance::{
    Lane, Verdict, agreed,
    counting::{self, Entry, Instance, Outcome as Counted, Prices, Program, slots},
    lanes, round,
};
use fusee_engine::{EngineError, Gas, Host, OutOfGasPolicy, Stop, Syscall, Trap, Value, ValueType};
use fusee_executor::{Outcome, PreparedProgram};
use fusee_instrument::{Rules, SyscallPrice, SyscallRule};

/// Every import is from this module.
const MODULE: &str = "env";

const I32: ValueType = ValueType::I32;
const I64: ValueType = ValueType::I64;

/// The number of `wait`, at which a guest is suspended until the test answers.
pub(crate) const WAIT: u32 = 0;
/// The gas that `tick` costs.
pub(crate) const TICK_PRICE: u64 = 10;

type Row = (
    &'static str,
    &'static [ValueType],
    Option<ValueType>,
    fn(&mut u64, &mut Syscall<'_>) -> Result<u64, Stop>,
);

/// The functions, by their numbers. The state of the host is how often it was ticked.
const TABLE: &[Row] = &[
    ("wait", &[I64], Some(I64), |_, _| Err(Stop::Suspend)),
    ("sleep", &[], None, |_, _| Err(Stop::Suspend)),
    ("add", &[I32, I64], Some(I64), |_, call| {
        let [left, right, ..] = call.request.args;
        Ok(left.wrapping_add(right))
    }),
    ("tick", &[], None, |ticks, call| {
        call.charge(Gas::new(TICK_PRICE))?;
        *ticks += 1;
        Ok(0)
    }),
    ("ticks", &[], Some(I64), |ticks, _| Ok(*ticks)),
    ("charge", &[I64], None, |_, call| {
        call.charge(Gas::new(call.request.args[0]))?;
        Ok(0)
    }),
    ("gas", &[], Some(I64), |_, call| Ok(call.gas_left().units())),
    ("finish", &[], None, |_, _| Err(Stop::Finish)),
    ("broke", &[], None, |_, _| Err(Stop::OutOfGas)),
    ("refuse", &[], None, |_, _| Err(Trap::SyscallRefused.into())),
    ("fail", &[], None, |_, _| {
        Err(Stop::Fail(EngineError::Host("as asked".into())))
    }),
    ("poke", &[I32, I32], None, |_, call| {
        let [at, byte, ..] = call.request.args;
        call.memory.write(at, &[byte.to_le_bytes()[0]])?;
        Ok(0)
    }),
    (
        "six",
        &[I32, I64, I32, I64, I32, I64],
        Some(I32),
        |_, call| {
            let digits = call.request.args.iter();
            Ok(digits.fold(0, |number: u64, digit| {
                number.wrapping_mul(10).wrapping_add(*digit)
            }))
        },
    ),
    ("return", &[], None, |_, _| Err(Stop::Return)),
];

/// Rules with round prices, with the functions of the table. A guest may be suspended in `wait`
/// only.
pub(crate) fn rules() -> Rules {
    let signature = |(number, (name, params, result, _)): (u32, &Row)| SyscallRule {
        module: MODULE.to_owned(),
        name: (*name).to_owned(),
        number,
        params: params.to_vec(),
        result: *result,
        may_suspend: number == WAIT,
        price: SyscallPrice::FREE,
    };
    round::rules((0..).zip(TABLE).map(signature).collect())
}

/// Answers by the table.
#[derive(Debug)]
pub(crate) struct TestHost {
    ticks: u64,
}

impl Host for TestHost {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let number = usize::try_from(call.request.number).unwrap();
        (TABLE[number].3)(&mut self.ticks, call)
    }
}

/// A host that was never ticked.
pub(crate) const fn host() -> TestHost {
    TestHost { ticks: 0 }
}

/// One way to enter a program.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) entry: &'a str,
    pub(crate) args: &'a [Value],
    pub(crate) gas: u64,
}

impl Call<'_> {
    pub(crate) fn on(self, lane: &Lane, prepared: &Arc<PreparedProgram>) -> Outcome<TestHost> {
        let request = lane.request(self.entry, self.args, Gas::new(self.gas));
        lane.executor.run(prepared, request, host()).unwrap()
    }
}

/// The program as the counting interpreter reads it.
pub(crate) fn counted(wasm: &[u8], prices: &Prices, rules: &Rules) -> Arc<Program> {
    Arc::new(counting::read(wasm, prices, rules).unwrap())
}

/// A call by the counting interpreter, which is suspended out of gas if `more` is not zero,
/// and given so much more each time; and how often that was.
pub(crate) fn count(program: &Arc<Program>, call: Call<'_>, more: u64) -> (Verdict, u32) {
    let args = slots(call.args);
    let entry = Entry {
        name: call.entry,
        args: &args,
        gas: Gas::new(call.gas),
        out_of_gas_policy: match more {
            0 => OutOfGasPolicy::Stop,
            _ => OutOfGasPolicy::Suspend,
        },
    };
    let mut outcome = Instance::new(program).run(entry, host()).unwrap();
    let mut parks = 0;
    while let Counted::GasEnd(parked) = outcome {
        outcome = parked.resume_with(Gas::new(more)).unwrap();
        parks += 1;
    }
    (outcome.verdict(), parks)
}

/// A program in the text format or the binary one.
pub(crate) fn wasm(program: &str) -> Vec<u8> {
    wat::parse_str(program).unwrap_or_else(|error| panic!("{error}\n{program}"))
}

/// A program of the folder `guests/wasm`.
pub(crate) fn compiled(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/../../guests/wasm/{name}.wasm",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The verdict that all lanes and the counting interpreter agree on.
pub(crate) fn check(wasm: &[u8], call: Call<'_>) -> Verdict {
    check_by(&rules(), wasm, call)
}

/// The same under these rules, which have the prices of [`rules`].
pub(crate) fn check_by(rules: &Rules, wasm: &[u8], call: Call<'_>) -> Verdict {
    let verdict = agreed(&lanes(), |lane| {
        let prepared = lane.executor.prepare(wasm, rules).unwrap();
        Verdict::of(call.on(lane, &prepared))
    });
    let program = counted(wasm, &Prices::round(), rules);
    assert_eq!(count(&program, call, 0).0, verdict, "counted");
    verdict
}
