//! Contracts that run children, as the fuzzer's bytes say: a puppet makes the syscalls, calls
//! another, and asks the host.
//!
//! Held against each other are a compiler with large slices of gas and an interpreter with tiny
//! ones: receipts, changes and questions. No bytes are a fault of the host, and nothing stays
//! parked.

use std::sync::{Arc, LazyLock};

use fusee_contract::{
    Action, Address, BlockContext, ContractRules, Contracts, ExecutionResult, Progress,
    Transaction, set_balances,
};
use fusee_engine::{Engine, Gas, Interrupt};
use fusee_engine_polkavm::{Backend, PolkaVmEngine};
use fusee_engine_wasmi::WasmiEngine;
use fusee_engine_wasmtime::WasmtimeEngine;
use fusee_executor::Executor;
use fusee_state::MemoryState;
use libfuzzer_sys::arbitrary::{Result, Unstructured};

use crate::children::programs;

/// What a puppet's operations are is told in its text.
const PUPPET: &[u8] = include_bytes!("../../guests/wasm/puppet.wasm");

/// Where a script's data lie in the puppet's memory.
const DATA: u64 = 0x1_2000;
const OPS_BYTES: usize = 8_192;

const COMPILE: u64 = 0;
const RUN: u64 = 5;
const CALL: u64 = 10;
const LAST: u64 = 15;

/// Names under which modules and code are kept, and what functions may be called.
const NAMES: &[&[u8]] = &[
    b"",
    b"a",
    b"counter",
    b"once",
    b"main",
    b"grow",
    b"start",
    b"registers",
];

struct World {
    name: &'static str,
    executor: Arc<Executor>,
    contracts: Contracts,
}

static WORLDS: LazyLock<Vec<World>> = LazyLock::new(|| {
    let world = |name, wasm: Arc<dyn Engine>, slice| {
        let polkavm = PolkaVmEngine::on(Backend::Interpreter).expect("it works on this machine");
        let builder = Executor::builder(wasm).engine(Arc::new(polkavm));
        let executor = Arc::new(builder.slice(Gas::new(slice)).cache_bytes(16 << 20).build());
        World {
            name,
            contracts: Contracts::without_fallback(
                Arc::clone(&executor),
                ContractRules::latest().with_oracle(),
            ),
            executor,
        }
    };
    let wasmtime = WasmtimeEngine::builder().instances(64).build();
    vec![
        world(
            "wasmtime",
            Arc::new(wasmtime.expect("Wasmtime works on this machine")),
            1 << 24,
        ),
        world("wasmi, tiny slices", Arc::new(WasmiEngine::new()), 97),
    ]
});

/// Two puppets, and who calls them.
static START: LazyLock<(MemoryState, [Address; 2])> = LazyLock::new(|| {
    let from = Address::of_development_account("alice");
    let mut state = MemoryState::new();
    state.apply(&set_balances(&[(from, 1_000)]));
    let contracts = &WORLDS.first().expect("there is one").contracts;
    let addresses = [(); 2].map(|()| {
        let action = Action::Deploy {
            code: PUPPET.to_vec(),
            input: Vec::new(),
        };
        let transaction = transaction(action, 100_000_000);
        let applied = contracts.execute(
            Arc::new(state.clone()),
            transaction,
            &BlockContext::default(),
            &Interrupt::new(),
        );
        let applied = applied
            .expect("the host is well")
            .included()
            .expect("it is valid");
        state.apply(&applied.changes);
        applied.receipt.deployed.expect("a puppet is a contract")
    });
    (state, addresses)
});

/// Does what the bytes say.
///
/// # Panics
///
/// If anything is not as it must be.
pub fn check(bytes: &[u8]) {
    // What ends early has been done as far as it goes.
    let _ = drive(&mut Unstructured::new(bytes));
}

fn drive(u: &mut Unstructured<'_>) -> Result<()> {
    let (_, [first, _]) = &*START;
    let mut sources = Vec::new();
    for _ in 0..u.int_in_range(1..=2)? {
        sources.push(programs::source(u)?.bytes);
    }
    let input = script(u, &sources, 0)?;
    let gas = u.int_in_range(100_000..=8_000_000)?;
    let answers = u.int_in_range(0..=3)?;
    let action = Action::Call {
        to: *first,
        method: "script".to_owned(),
        input,
    };
    let transaction = transaction(action, gas);
    let mut all = WORLDS
        .iter()
        .map(|world| (world.name, run(world, &transaction, answers)));
    let (name, (questions, applied)) = all.next().expect("there is a world");
    for (other, (other_questions, other_applied)) in all {
        assert_eq!(other_questions, questions, "{other} against {name}");
        let seen = |applied: &Option<ExecutionResult>| {
            applied.as_ref().map(|result| match result {
                ExecutionResult::Included(included) => Ok((
                    included.receipt.clone(),
                    included.changes.encode(),
                    included.reads.clone(),
                )),
                ExecutionResult::Invalid(invalid) => Err(*invalid),
            })
        };
        assert_eq!(
            seen(&other_applied),
            seen(&applied),
            "{other} against {name}"
        );
    }
    Ok(())
}

/// What a transaction asks, and comes to if it is not dropped: after so many answers.
fn run(
    world: &World,
    transaction: &Transaction,
    answers: usize,
) -> (Vec<Vec<u8>>, Option<ExecutionResult>) {
    let state = Arc::new(START.0.clone());
    let fault = |error| panic!("{}: a fault of the host: {error}", world.name);
    let begun = world.contracts.begin(
        state,
        transaction.clone(),
        &BlockContext::default(),
        &Interrupt::new(),
    );
    let mut progress = begun.unwrap_or_else(fault);
    let mut questions = Vec::new();
    let applied = loop {
        progress = match progress {
            Progress::Ended(result) => break Some(*result),
            Progress::Waiting(dropped) if questions.len() == answers => {
                drop(dropped);
                break None;
            }
            Progress::Waiting(waiting) => {
                questions.push(waiting.question().to_vec());
                // Each second one has no answer.
                let answer = (questions.len() % 2 == 1).then(|| waiting.question().to_vec());
                waiting.answer(answer).unwrap_or_else(fault)
            }
        };
    };
    assert_eq!(world.executor.suspended_runs(), 0, "{}", world.name);
    (questions, applied)
}

fn transaction(action: Action, gas: u64) -> Transaction {
    Transaction {
        from: Address::of_development_account("alice"),
        action,
        value: 0,
        gas: Gas::new(gas),
    }
}

/// A script's data while it is made.
#[derive(Default)]
struct Data(Vec<u8>);

impl Data {
    fn put(&mut self, bytes: &[u8]) -> u64 {
        let address = DATA + u64::try_from(self.0.len()).expect("it fits");
        self.0.extend_from_slice(bytes);
        u64::try_from(bytes.len()).expect("it fits") << 32 | address
    }
}

fn script(u: &mut Unstructured<'_>, sources: &[Vec<u8>], depth: u32) -> Result<Vec<u8>> {
    let mut data = Data::default();
    let programs: Vec<u64> = sources.iter().map(|source| data.put(source)).collect();
    let names: Vec<u64> = NAMES.iter().map(|name| data.put(name)).collect();
    let mut ops: Vec<u8> = Vec::new();
    let mut count: u64 = 0;
    // Mostly there is a child to begin with.
    if u.ratio(7, 8)? {
        let function = *u.choose(&names)?;
        for op in [
            [COMPILE, programs[0], 0, 0, 0],
            [3, 0, 0, 0, 0],
            [4, 0, function, 0, 0],
        ] {
            ops.extend(op.iter().flat_map(|word| word.to_le_bytes()));
            count += 1;
        }
    }
    for _ in 0..u.int_in_range(1..=24)? {
        let number = u.int_in_range(0..=LAST)?;
        let range = |u: &mut Unstructured<'_>| match u.int_in_range(0..=15)? {
            0 => u.arbitrary(),
            1 => Ok(*u.choose(&programs)?),
            _ => Ok(*u.choose(&names)?),
        };
        let id = |u: &mut Unstructured<'_>| match u.int_in_range(0..=15)? {
            0 => u.arbitrary(),
            _ => u.int_in_range(0..=3),
        };
        let args: [u64; 4] = match number {
            COMPILE => [
                *u.choose(&programs)?,
                range(u)? * u64::from(u.arbitrary::<bool>()?),
                0,
                0,
            ],
            1 | 9 | 11 => [range(u)?, 0, 0, 0],
            2 | 14 => [range(u)?, range(u)?, 0, 0],
            3 | 6 => [id(u)?, 0, 0, 0],
            4 => [id(u)?, range(u)?, 0, 0],
            RUN => {
                let gas = [
                    0,
                    1_000,
                    100_000,
                    i64::MAX.cast_unsigned(),
                    i64::MIN.cast_unsigned(),
                ];
                [
                    id(u)?,
                    *u.choose(&gas)?,
                    id(u)?,
                    *u.choose(&[64, 0, 655_359, u64::MAX])?,
                ]
            }
            7 | 8 => [
                id(u)?,
                id(u)? * 8,
                *u.choose(&[96 << 32 | 64, 8 << 32, u64::MAX])?,
                0,
            ],
            CALL if depth < 2 => {
                let inner = script(u, sources, depth + 1)?;
                let to = u.choose(&START.1)?.as_bytes().to_vec();
                let options = [[0xff; 8].as_slice(), &[0; 16]].concat();
                [
                    data.put(&to),
                    data.put(b"script"),
                    data.put(&inner),
                    data.put(&options),
                ]
            }
            _ => [0; 4],
        };
        ops.extend(
            std::iter::once(number)
                .chain(args)
                .flat_map(u64::to_le_bytes),
        );
        count += 1;
    }
    ops.resize(OPS_BYTES - 8, 0);
    Ok([count.to_le_bytes().as_slice(), &ops, &[0; 8], &data.0].concat())
}
