//! Our side of the group `virtualization`: children by value, as an embedder has them, and by
//! number, as a guest drives them.

use std::sync::Arc;

use anyhow::{Error, Result, bail, ensure};
use fusee::sandbox::{
    Callee, Direct, Driver, DriverSettings, Engine, Executor, FrameLimits, Gas, Host, Interrupt,
    Payer, PolkaVmRules, Progress, Rules, Source, Stop, Suspension, Syscall, Target, Tier, Trap,
    Value,
};
use fusee::virtualization::{
    Call as NestedCall, ChildRules, ChildSettings, Children, Instance, Module, Modules, Nested,
    Outcome, Owner, Return, StorageScope, Symbols, VirtualizationError, functions,
};

use crate::{
    contest::{Call, Recall, guest::Guest},
    virtualization::guest::{ANSWER, GAS, ROUNDS, parent},
};

/// An instance that is made, prepared and dropped.
pub(crate) fn instance(engine: Arc<dyn Engine>, guest: Guest) -> Result<Recall> {
    let module = compile(engine, &guest)?;
    Ok(Box::new(move || {
        let instance = module.instantiate()?;
        match instance.prepare(guest.entry.as_bytes())? {
            Ok(_) => Ok(guest.answer),
            Err(_) => bail!("the guest has no such function"),
        }
    }))
}

/// A run of an instance that is there, which asks once.
pub(crate) fn run(engine: Arc<dyn Engine>, guest: Guest) -> Result<Recall> {
    let module = compile(engine, &guest)?;
    let mut kept = Some(module.instantiate()?);
    Ok(Box::new(move || {
        let Some(instance) = kept.take() else {
            bail!("the instance was not handed back");
        };
        kept = Some(run_once(instance, &guest)?);
        Ok(guest.answer)
    }))
}

/// All of it.
pub(crate) fn whole(engine: Arc<dyn Engine>, guest: Guest) -> Result<Recall> {
    let module = compile(engine, &guest)?;
    Ok(Box::new(move || {
        run_once(module.instantiate()?, &guest)?;
        Ok(guest.answer)
    }))
}

/// All of it so many times, by a guest through the nine functions.
pub(crate) fn by_guest(executor: Executor, guest: Guest) -> Result<Call> {
    let executor = Arc::new(executor);
    let prepared = executor.prepare(&parent()?, &Rules::v1(functions::v1()))?;
    Ok(Box::new(move || {
        let settings = ChildSettings::default();
        let children = Children::new(Arc::clone(&executor), rules(), settings);
        let mut layer = Nested::trusted(Direct::<_, VirtualizationError>::new(), children);
        let settings = DriverSettings {
            limits: FrameLimits {
                depth: 0,
                memory_bytes: 0,
            },
            suspension: Suspension::AsNeeded,
            tier: Tier::Best,
            interrupt: Interrupt::new(),
        };
        let mut driver = Driver::new(Arc::clone(&executor), settings);
        let callee = Callee {
            target: Target::Program {
                program: Arc::clone(&prepared),
                entry: "run".into(),
                args: vec![Value::I32(i32::try_from(ROUNDS)?), Value::I64(GAS)].into(),
                host: Code(guest.wasm.clone()),
            },
            gas: Gas::MAX,
            loading_gas: Gas::ZERO,
            payer: Payer::Other,
            profiler: None,
        };
        match driver.call(&mut layer, NestedCall::Owner(callee))? {
            Progress::Returned {
                value: Return::Owner(end),
                ..
            } => {
                // All that the children have asked.
                let expected = i64::from(guest.answer) * i64::from(ROUNDS);
                ensure!(end.values() == [Value::I64(expected)], "{:?}", end.reason);
                Ok(guest.answer)
            }
            _ => bail!("the parent did not finish"),
        }
    }))
}

/// The host of the parent: the code of its children, and no other syscalls.
struct Code(Vec<u8>);

impl Host for Code {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        Err(Stop::Trap(Trap::SyscallRefused))
    }
}

impl Owner for Code {
    fn code(&mut self, _: StorageScope<'_>, _: &[u8]) -> Result<Option<Vec<u8>>, Source> {
        Ok(Some(self.0.clone()))
    }
}

/// The same natively.
pub(crate) fn by_embedder(executor: Executor, guest: Guest) -> Result<Call> {
    let executor = Arc::new(executor);
    Ok(Box::new(move || {
        let settings = ChildSettings::default();
        let mut modules = Modules::new(Arc::clone(&executor), rules(), settings);
        let (module, _) = modules.compile(&guest.wasm, None)??;
        for _ in 0..ROUNDS {
            run_once(module.instantiate()?, &guest)?;
        }
        Ok(guest.answer)
    }))
}

fn run_once(instance: Instance, guest: &Guest) -> Result<Instance> {
    let Ok(execution) = instance.prepare(guest.entry.as_bytes())? else {
        bail!("the guest has no such function");
    };
    let argument = i64::from(guest.argument).cast_unsigned();
    let Outcome::Syscall {
        execution, request, ..
    } = execution.run(GAS, argument)?
    else {
        bail!("the guest does not ask");
    };
    let [asked, ..] = request.args;
    guest.check(i32::try_from(asked)?)?;
    match execution.run(GAS, i64::from(ANSWER).cast_unsigned())? {
        Outcome::Finished { instance, .. } => Ok(instance),
        other => bail!("the guest does not finish: {other:?}"),
    }
}

fn compile(engine: Arc<dyn Engine>, guest: &Guest) -> Result<Module> {
    let executor = Arc::new(Executor::builder(engine).build());
    let mut modules = Modules::new(executor, rules(), ChildSettings::default());
    let compiled = modules.compile(&guest.wasm, None)?;
    compiled.map(|(module, _)| module).map_err(Error::new)
}

fn rules() -> ChildRules {
    let rules = Rules::v1(functions::v1()).with_polkavm(PolkaVmRules::v1());
    ChildRules::new(rules, Symbols::Any)
}
