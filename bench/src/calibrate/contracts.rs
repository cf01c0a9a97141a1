//! What syscalls take, in a contract, on a state in memory: what a disk takes comes on top.
//!
//! A method makes a syscall many times; what the same transaction takes without is subtracted.

use std::{fmt::Write, sync::Arc};

use anyhow::{Context, Result, ensure};
use fusee::abi::{IMPORT_MODULE, SYSCALLS, Wire};
use fusee::chain::{
    Action, Address, ContractRules, Contracts, Included, MemoryState, StateReader, Status,
    Transaction, genesis,
};
use fusee::sandbox::{Executor, Gas, Interrupt};

use super::{ENGINES, Engine, Item, Kind, PerEngine, each_engine, probe::Probe};

/// Bytes that a syscall with bytes reads or writes more than one without.
const BYTES: u32 = 1_024;

/// How a syscall is repeated. The first 32 bytes of memory are other ones each time: a key, an
/// address.
struct Repeated {
    name: &'static str,
    /// What is done once, before, and its own time subtracted.
    before: &'static str,
    /// The arguments without bytes.
    few: &'static str,
    /// The arguments with [`BYTES`] bytes; empty if no argument names any.
    many: &'static str,
    times: u32,
    state: State,
}

/// What the state holds under each key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Nothing,
    Values,
}

const REPEATED: &[Repeated] = &[
    Repeated::new("input_read", "(i32.const 4096) (i32.const 0)", "(i32.const 4096) (i32.const 1024)"),
    Repeated::new("output_write", "(i32.const 4096) (i32.const 0)", "(i32.const 4096) (i32.const 1024)"),
    Repeated {
        state: State::Values,
        ..Repeated::new(
            "storage_read",
            "(i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 0)",
            "(i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 1024)",
        )
    },
    Repeated::new(
        "storage_write",
        "(i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 0)",
        "(i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 1024)",
    ),
    Repeated {
        state: State::Values,
        ..Repeated::new("storage_remove", "(i32.const 0) (i32.const 32)", "")
    },
    Repeated::new("caller", "(i32.const 4096)", ""),
    Repeated::new("self_address", "(i32.const 4096)", ""),
    Repeated::new("value", "(i32.const 4096)", ""),
    Repeated::new("balance", "(i32.const 0) (i32.const 4096)", ""),
    Repeated::new(
        "event_emit",
        "(i32.const 0) (i32.const 16) (i32.const 4096) (i32.const 0)",
        "(i32.const 0) (i32.const 16) (i32.const 4096) (i32.const 1024)",
    ),
    Repeated::new("gas_left", "", ""),
    Repeated {
        before: "(drop (call $input_read (i32.const 64) (i32.const 32)))",
        times: 32,
        ..Repeated::new(
            "call",
            "(i32.const 64) (i32.const 160) (i32.const 7) (i32.const 4096) (i32.const 0) (i32.const 128)",
            "(i32.const 64) (i32.const 160) (i32.const 7) (i32.const 4096) (i32.const 1024) (i32.const 128)",
        )
    },
    Repeated {
        before: "(drop (call $input_read (i32.const 64) (i32.const 32)))
            (drop (call $call (i32.const 64) (i32.const 176) (i32.const 6) (i32.const 4096) (i32.const 0) (i32.const 128)))",
        ..Repeated::new(
            "return_data_read",
            "(i32.const 4096) (i32.const 0)",
            "(i32.const 4096) (i32.const 1024)",
        )
    },
];

/// Every syscall but `revert`, which cannot be repeated and does no more than `output_write`.
#[derive(Debug)]
pub(super) struct Syscalls {
    syscalls: Vec<Measured>,
}

#[derive(Debug)]
struct Measured {
    name: &'static str,
    times: u32,
    without: PerEngine<Probe>,
    few: PerEngine<Probe>,
    many: Option<PerEngine<Probe>>,
}

impl Repeated {
    const fn new(name: &'static str, few: &'static str, many: &'static str) -> Self {
        Self {
            name,
            before: "",
            few,
            many,
            times: 256,
            state: State::Nothing,
        }
    }
}

impl Syscalls {
    pub(super) fn new() -> Result<Self> {
        let [wasmtime, wasmi] = ENGINES.map(|engine| World::new(&engine));
        let worlds = [wasmtime?, wasmi?];
        let probes = |repeated: &Repeated, suffix: &str| -> Result<PerEngine<Probe>> {
            let [wasmtime, wasmi] = worlds.each_ref().map(|world| world.probe(repeated, suffix));
            Ok([wasmtime?, wasmi?])
        };
        let syscalls = REPEATED
            .iter()
            .map(|repeated| {
                let many = !repeated.many.is_empty();
                Ok(Measured {
                    name: repeated.name,
                    times: repeated.times,
                    without: probes(repeated, "without")?,
                    few: probes(repeated, "few")?,
                    many: many.then(|| probes(repeated, "many")).transpose()?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { syscalls })
    }

    pub(super) fn probes(&mut self) -> impl Iterator<Item = &mut Probe> {
        self.syscalls.iter_mut().flat_map(|syscall| {
            syscall
                .without
                .iter_mut()
                .chain(&mut syscall.few)
                .chain(syscall.many.iter_mut().flatten())
        })
    }

    /// A callee's instance is paid for by itself: `instance` is what that takes.
    pub(super) fn items(&self, instance: PerEngine<f64>) -> Result<Vec<Item>> {
        let rules = ContractRules::v1().program;
        let mut items = Vec::new();
        for syscall in &self.syscalls {
            let price = rules
                .syscalls()
                .iter()
                .find(|rule| rule.name == syscall.name)
                .with_context(|| format!("{} is not in the rules", syscall.name))?
                .price;
            let item = |kind, now, time| Item {
                kind,
                name: syscall.name.to_owned(),
                remark: String::new(),
                now,
                least: now,
                price: now,
                time,
            };
            let times = f64::from(syscall.times);
            let base = each_engine(|engine| {
                let time = Probe::of(&syscall.few, engine) - Probe::of(&syscall.without, engine);
                let own = match syscall.name {
                    "call" => super::of(&instance, engine),
                    _ => 0.0,
                };
                (time / times - own).max(0.0)
            });
            items.push(item(Kind::Syscall, price.base.units(), base));
            if let Some(many) = &syscall.many {
                let byte = each_engine(|engine| {
                    let time = Probe::of(many, engine) - Probe::of(&syscall.few, engine);
                    time.max(0.0) / times / f64::from(BYTES)
                });
                items.push(item(Kind::SyscallByte, price.each.units(), byte));
            }
        }
        Ok(items)
    }
}

/// A contract that makes the syscalls, and those that it calls.
struct World {
    contracts: Arc<Contracts>,
    /// Nothing under any key; a value under each.
    states: [Arc<dyn StateReader>; 2],
    caller: Address,
    /// It has no memory, so that its instance is the cheapest.
    plain: Address,
    /// It is the caller once more, and returns something.
    returning: Address,
}

impl World {
    fn new(engine: &Engine) -> Result<Self> {
        let executor = Executor::builder((engine.ours)()?).build();
        let contracts = Contracts::without_fallback(Arc::new(executor), ContractRules::v1());
        let mut state = MemoryState::new();
        state.apply(&genesis(&[(account(), u128::MAX)]));
        let mut deploy = |text: &str| -> Result<Address> {
            let action = Action::Deploy {
                code: wat::parse_str(text)?,
                input: Vec::new(),
            };
            let applied = execute(&contracts, Arc::new(state.clone()), action)?;
            state.apply(&applied.changes);
            applied.receipt.deployed.context("nothing was deployed")
        };
        let text = contract()?;
        let caller = deploy(&text)?;
        let returning = deploy(&text)?;
        let plain = deploy(r#"(module (func (export "nothing")))"#)?;
        let mut values = state.clone();
        let write = call(caller, "storage_write_many", plain);
        values.apply(&execute(&contracts, Arc::new(state.clone()), write)?.changes);
        Ok(Self {
            contracts: Arc::new(contracts),
            states: [Arc::new(state), Arc::new(values)],
            caller,
            plain,
            returning,
        })
    }

    fn probe(&self, repeated: &Repeated, suffix: &str) -> Result<Probe> {
        let contracts = Arc::clone(&self.contracts);
        let [nothing, values] = &self.states;
        let state = Arc::clone(match repeated.state {
            State::Nothing => nothing,
            State::Values => values,
        });
        let callee = match repeated.name {
            "call" => self.plain,
            _ => self.returning,
        };
        let action = call(self.caller, &format!("{}_{suffix}", repeated.name), callee);
        Probe::new(move |times| {
            for _ in 0..times {
                execute(&contracts, Arc::clone(&state), action.clone())?;
            }
            Ok(())
        })
    }
}

fn account() -> Address {
    Address::of_development_account("alice")
}

/// The input begins with the callee's address, and has as many bytes as are ever read.
fn call(to: Address, method: &str, callee: Address) -> Action {
    let mut input = callee.as_bytes().to_vec();
    input.resize(usize::try_from(BYTES).unwrap_or(usize::MAX), 0);
    Action::Call {
        to,
        method: method.to_owned(),
        input,
    }
}

fn execute(contracts: &Contracts, state: Arc<dyn StateReader>, action: Action) -> Result<Included> {
    let transaction = Transaction {
        from: account(),
        action,
        value: 0,
        gas: Gas::MAX,
    };
    let result = contracts.execute(state, transaction, &Interrupt::new())?;
    let applied = result.included()?;
    ensure!(
        applied.receipt.status == Status::Success,
        "a contract that makes syscalls ended so: {:?} {:?}",
        applied.receipt,
        applied.refusal,
    );
    Ok(applied)
}

/// A method for each way to make each syscall, and what their callee is asked for.
fn contract() -> Result<String> {
    let mut text = String::from("(module\n");
    let rules = ContractRules::v1().program;
    let listed = |number| rules.prices().price(number).is_some();
    for syscall in SYSCALLS.iter().filter(|row| listed(row.number)) {
        let params: String = syscall
            .params
            .iter()
            .filter_map(|param| param.wire)
            .map(|wire| format!(" {}", value_type(wire)))
            .collect();
        let result = syscall.result.map_or(String::new(), |wire| {
            format!("(result {})", value_type(wire))
        });
        writeln!(
            text,
            r#"(import "{IMPORT_MODULE}" "{name}" (func ${name} (param{params}) {result}))"#,
            name = syscall.name,
        )?;
    }
    text.push_str(
        r#"(memory (export "memory") 1)
        (data (i32.const 128) "\ff\ff\ff\ff\ff\ff\ff\ff\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
        (data (i32.const 160) "nothing")
        (data (i32.const 176) "output")
        (func (export "output") (call $output_write (i32.const 4096) (i32.const 1024)))
        "#,
    );
    for repeated in REPEATED {
        let returns = SYSCALLS
            .iter()
            .any(|row| row.name == repeated.name && row.result.is_some());
        let call = |arguments: &str| match returns {
            true => format!("(drop (call ${} {arguments}))", repeated.name),
            false => format!("(call ${} {arguments})", repeated.name),
        };
        method(&mut text, repeated, "without", "")?;
        method(&mut text, repeated, "few", &call(repeated.few))?;
        method(&mut text, repeated, "many", &call(repeated.many))?;
    }
    text.push(')');
    Ok(text)
}

fn method(text: &mut String, repeated: &Repeated, suffix: &str, body: &str) -> Result<()> {
    let Repeated {
        name,
        before,
        many,
        times,
        ..
    } = repeated;
    if suffix == "many" && many.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        r#"(func (export "{name}_{suffix}") (local $n i32)
            {before}
            (local.set $n (i32.const {times}))
            (loop $again
                (i32.store (i32.const 0) (local.get $n))
                {body}
                (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"#,
    )?;
    Ok(())
}

const fn value_type(wire: Wire) -> &'static str {
    match wire {
        Wire::I32 => "i32",
        Wire::I64 => "i64",
    }
}
