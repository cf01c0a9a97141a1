//! What syscalls take, in a contract, on a state in memory: what a disk takes comes on top.
//!
//! A method makes a syscall many times; what the same transaction takes without is subtracted. The
//! group `contract` shows the same times with the gas of the calls.

use std::{fmt::Write, sync::Arc};

use anyhow::{Context, Result, ensure};
use fusee::abi::{IMPORT_MODULE, SYSCALLS, Wire};
use fusee::chain::{
    Action, Address, BlockContext, ContractRules, Contracts, Included, MemoryState, StateReader,
    Status, Transaction, set_balances,
};
use fusee::sandbox::{Executor, Gas, Interrupt};

use super::{ENGINES, Engine, Item, Kind, PerEngine, each_engine, prices::grouped, probe::Probe};
use crate::{Options, report::Cost};

/// The first key that is written: the last number, and zeros.
const KEY: [u8; 32] = {
    let mut key = [0; 32];
    key[0] = 1;
    key
};

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
    /// The same, among [`CROWD`] other entries of the contract.
    Crowd,
}

/// Entries of a large storage.
const CROWD: u32 = 200_000;

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
    Repeated::new(
        "storage_try_write",
        "(i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 0)",
        "(i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 1024)",
    ),
    NEXT,
    PREVIOUS,
    REMOVE_RANGE,
    Repeated { state: State::Crowd, ..NEXT },
    Repeated { state: State::Crowd, ..PREVIOUS },
    Repeated { state: State::Crowd, ..REMOVE_RANGE },
    Repeated {
        before: TRANSIENT,
        ..Repeated::transient(
            "transient_read",
            "(i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 1024)",
            "",
        )
    },
    Repeated::transient(
        "transient_write",
        "(i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 0)",
        "(i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 1024)",
    ),
    Repeated {
        before: TRANSIENT,
        ..Repeated::transient("transient_remove", "(i32.const 0) (i32.const 32)", "")
    },
    Repeated::new(
        "event_emit_topics",
        "(i32.const 192) (i32.const 80) (i32.const 4096) (i32.const 0)",
        "(i32.const 192) (i32.const 80) (i32.const 4096) (i32.const 1024)",
    ),
    Repeated::new("deposit", "(i32.const 4096)", ""),
    Repeated::new("code_hash", "(i32.const 0) (i32.const 4096)", ""),
    Repeated::new("admin", "(i32.const 0) (i32.const 4096)", ""),
    Repeated::new("set_reentrancy", "(i32.const 1)", ""),
    Repeated::new("block_height", "", ""),
    Repeated::new("block_proposer", "(i32.const 4096)", ""),
    Repeated::new("chain_id", "(i32.const 4096) (i32.const 64)", ""),
    Repeated {
        before: "(drop (call $input_read (i32.const 64) (i32.const 32)))",
        times: 32,
        ..Repeated::new(
            "call_read_only",
            "(i32.const 64) (i32.const 160) (i32.const 7) (i32.const 4096) (i32.const 0) (i64.const -1)",
            "(i32.const 64) (i32.const 160) (i32.const 7) (i32.const 4096) (i32.const 1024) (i64.const -1)",
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

/// A search from the key on, without an end.
const NEXT: Repeated = Repeated {
    state: State::Values,
    ..Repeated::new(
        "storage_next",
        "(i32.const 0) (i32.const 32) (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 0)",
        "(i32.const 0) (i32.const 32) (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 1024)",
    )
};

/// A search from the key back.
const PREVIOUS: Repeated = Repeated {
    state: State::Values,
    ..Repeated::new(
        "storage_previous",
        "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 0)",
        "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 1024)",
    )
};

/// Removes the entry under the key.
const REMOVE_RANGE: Repeated = Repeated {
    state: State::Values,
    ..Repeated::new(
        "storage_remove_range",
        "(i32.const 0) (i32.const 32) (i32.const 0) (i32.const 0) (i32.const 1)",
        "",
    )
};

/// Puts 1,024 bytes under each key of transient storage, which has room for them under 128.
const TRANSIENT: &str = "(local.set $n (i32.const 128))
    (loop $fill
        (i32.store (i32.const 0) (local.get $n))
        (call $transient_write (i32.const 0) (i32.const 32) (i32.const 4096) (i32.const 1024))
        (br_if $fill (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))";

/// Every syscall but `revert`, which cannot be repeated and does no more than `output_write`.
#[derive(Debug)]
pub(super) struct Syscalls {
    syscalls: Vec<Measured>,
}

#[derive(Debug)]
struct Measured {
    name: &'static str,
    remark: String,
    times: u32,
    /// The gas of one call without bytes, and of one with them.
    gas: (u64, u64),
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

    /// On transient storage.
    const fn transient(name: &'static str, few: &'static str, many: &'static str) -> Self {
        Self {
            times: 128,
            ..Self::new(name, few, many)
        }
    }

    fn remark(&self) -> String {
        match self.state {
            State::Nothing | State::Values => String::new(),
            State::Crowd => format!("of {} entries", grouped(CROWD.into()).replace('_', ",")),
        }
    }
}

impl Syscalls {
    pub(super) fn new() -> Result<Self> {
        Self::of(|_| true)
    }

    /// Those whose names are wanted.
    fn of(is_wanted: impl Fn(&str) -> bool) -> Result<Self> {
        let wanted: Vec<_> = REPEATED
            .iter()
            .filter(|repeated| is_wanted(repeated.name))
            .collect();
        if wanted.is_empty() {
            return Ok(Self {
                syscalls: Vec::new(),
            });
        }
        let [wasmtime, wasmi] = ENGINES.map(|engine| World::new(&engine));
        let worlds = [wasmtime?, wasmi?];
        let probes = |repeated: &Repeated, suffix: &str| -> Result<PerEngine<Probe>> {
            let [wasmtime, wasmi] = worlds.each_ref().map(|world| world.probe(repeated, suffix));
            Ok([wasmtime?, wasmi?])
        };
        let gas = |repeated: &Repeated, suffix: &str| -> Result<u64> {
            let [world, _] = &worlds;
            world.gas(repeated, suffix)
        };
        let syscalls = wanted
            .into_iter()
            .map(|repeated| {
                let many = !repeated.many.is_empty();
                let without = gas(repeated, "without")?;
                let once = |suffix| -> Result<u64> {
                    let all = gas(repeated, suffix)?.saturating_sub(without);
                    Ok(all / u64::from(repeated.times))
                };
                Ok(Measured {
                    name: repeated.name,
                    remark: repeated.remark(),
                    gas: (once("few")?, if many { once("many")? } else { 0 }),
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
        let rules = ContractRules::latest().program;
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
                remark: syscall.remark.clone(),
                now,
                least: now,
                price: now,
                time,
            };
            let times = f64::from(syscall.times);
            let base = each_engine(|engine| {
                let time = Probe::of(&syscall.few, engine) - Probe::of(&syscall.without, engine);
                let own = match syscall.name {
                    "call" | "call_read_only" => super::of(&instance, engine),
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

/// What the syscalls take and cost on each engine, of those whose names are wanted. The price of a
/// callee's instance is among the gas of a call, and its time is among the time.
pub(crate) fn costs(options: &Options) -> Result<Vec<Cost>> {
    let name = |syscall: &str, engine: &Engine| format!("syscall/{syscall}, {}", engine.name);
    let mut syscalls = Syscalls::of(|syscall| {
        let mut names = ENGINES.iter().map(|engine| name(syscall, engine));
        names.any(|name| options.wants(&name))
    })?;
    for _ in 0..options.rounds {
        syscalls.probes().try_for_each(Probe::sample)?;
    }
    let mut costs = Vec::new();
    for syscall in &syscalls.syscalls {
        let (few, many) = syscall.gas;
        let ways = [
            ("", Some(&syscall.few), few),
            (", 1,024 bytes", syscall.many.as_ref(), many),
        ];
        for (bytes, probes, gas) in ways {
            let Some(probes) = probes else {
                continue;
            };
            for (engine, index) in ENGINES.iter().zip(0..) {
                let time = Probe::of(probes, index) - Probe::of(&syscall.without, index);
                let remark = match syscall.remark.as_str() {
                    "" => String::new(),
                    remark => format!(" {remark}"),
                };
                costs.push(Cost {
                    name: name(&format!("{}{remark}{bytes}", syscall.name), engine),
                    nanoseconds: time / f64::from(syscall.times),
                    gas,
                });
            }
        }
    }
    Ok(costs)
}

/// A contract that makes the syscalls, and those that it calls.
struct World {
    contracts: Arc<Contracts>,
    /// Nothing under any key; a value under each; the same among many.
    states: [Arc<dyn StateReader>; 3],
    caller: Address,
    /// It has no memory, so that its instance is the cheapest.
    plain: Address,
    /// It is the caller once more, and returns something.
    returning: Address,
}

impl World {
    fn new(engine: &Engine) -> Result<Self> {
        let executor = Executor::builder((engine.ours)()?).build();
        let contracts = Contracts::without_fallback(Arc::new(executor), ContractRules::latest());
        let mut state = MemoryState::new();
        state.apply(&set_balances(&[(account(), u128::MAX)]));
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
        let written = execute(&contracts, Arc::new(state.clone()), write)?.changes;
        values.apply(&written);
        let (key, value) = written
            .iter()
            .find_map(|(key, value)| Some((key.strip_suffix(&KEY)?, value?)))
            .context("nothing was written under the first key")?;
        // Behind the keys and before them.
        let others = (0..CROWD).map(|number| {
            let number = number.reverse_bits().to_be_bytes();
            ([key, number.as_slice(), &[1; 28]].concat(), value)
        });
        let crowd = values.iter().map(|(key, value)| (key.to_vec(), value));
        let crowd: MemoryState = crowd.chain(others).collect();
        Ok(Self {
            contracts: Arc::new(contracts),
            states: [Arc::new(state), Arc::new(values), Arc::new(crowd)],
            caller,
            plain,
            returning,
        })
    }

    /// The gas of one transaction.
    fn gas(&self, repeated: &Repeated, suffix: &str) -> Result<u64> {
        let (state, action) = self.transaction(repeated, suffix);
        let included = execute(&self.contracts, state, action)?;
        Ok(included.receipt.gas_used.units())
    }

    fn transaction(&self, repeated: &Repeated, suffix: &str) -> (Arc<dyn StateReader>, Action) {
        let [nothing, values, crowd] = &self.states;
        let state = Arc::clone(match repeated.state {
            State::Nothing => nothing,
            State::Values => values,
            State::Crowd => crowd,
        });
        let callee = match repeated.name {
            "call" | "call_read_only" => self.plain,
            _ => self.returning,
        };
        let method = format!("{}_{suffix}", repeated.name);
        (state, call(self.caller, &method, callee))
    }

    fn probe(&self, repeated: &Repeated, suffix: &str) -> Result<Probe> {
        let contracts = Arc::clone(&self.contracts);
        let (state, action) = self.transaction(repeated, suffix);
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
    let result = contracts.execute(
        state,
        transaction,
        &BlockContext::default(),
        &Interrupt::new(),
    )?;
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
    let rules = ContractRules::latest().program;
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
        (data (i32.const 192) "\10\00\00\00an event's topic\10\00\00\00an event's topic\10\00\00\00an event's topic\10\00\00\00an event's topic")
        (func (export "output") (call $output_write (i32.const 4096) (i32.const 1024)))
        "#,
    );
    // The same methods go through every state.
    for repeated in REPEATED
        .iter()
        .filter(|repeated| repeated.state != State::Crowd)
    {
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
