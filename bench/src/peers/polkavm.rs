//! PolkaVM by itself, configured as our backend configures it: gas by its full cost model, charged
//! as the guest runs.

use anyhow::{Context, Error, Result, bail, ensure};
use polkavm::{
    BackendKind, CacheModel, Config, CorePinning, CostModelKind, Engine, GasMeteringKind,
    InterruptKind, Module, ModuleConfig, ProgramBlob, ProgramCounter, RawInstance, Reg,
    SandboxKind,
};

use crate::{
    contest::{Recall, guest::Guest},
    ours::Backend,
    virtualization::guest::{ANSWER, GAS},
};

/// An instance that is made, given its function, and dropped.
pub(crate) fn instance(backend: Backend, guest: Guest) -> Result<Recall> {
    let program = Program::new(backend, &guest)?;
    Ok(Box::new(move || {
        let mut instance = program.instantiate()?;
        program.prepare(&mut instance, &guest);
        Ok(guest.answer)
    }))
}

/// A run of an instance that is there, which asks once.
pub(crate) fn run(backend: Backend, guest: Guest) -> Result<Recall> {
    let program = Program::new(backend, &guest)?;
    let mut instance = program.instantiate()?;
    Ok(Box::new(move || program.run(&mut instance, &guest)))
}

/// All of it.
pub(crate) fn whole(backend: Backend, guest: Guest) -> Result<Recall> {
    let program = Program::new(backend, &guest)?;
    Ok(Box::new(move || {
        program.run(&mut program.instantiate()?, &guest)
    }))
}

struct Program {
    module: Module,
    entry: ProgramCounter,
}

impl Program {
    fn new(backend: Backend, guest: &Guest) -> Result<Self> {
        let engine = Engine::new(&config(backend)?).map_err(Error::msg)?;
        let blob = ProgramBlob::parse(guest.wasm.as_slice().into()).map_err(Error::msg)?;
        let mut config = ModuleConfig::new();
        config
            .set_page_size(4_096)
            .set_gas_metering(Some(GasMeteringKind::Sync))
            .set_cost_model(Some(CostModelKind::Full(CacheModel::L2Hit)));
        let module = Module::from_blob(&engine, &config, blob).map_err(Error::msg)?;
        let export = module.exports().find(|export| export == guest.entry);
        let entry = export.context("no such export")?.program_counter();
        Ok(Self { module, entry })
    }

    fn instantiate(&self) -> Result<RawInstance> {
        self.module.instantiate().map_err(Error::msg)
    }

    fn prepare(&self, instance: &mut RawInstance, guest: &Guest) {
        let argument = i64::from(guest.argument).cast_unsigned();
        instance.prepare_call_untyped(self.entry, &[argument]);
    }

    /// Each run has its gas set, as each of ours has.
    fn run(&self, instance: &mut RawInstance, guest: &Guest) -> Result<i32> {
        self.prepare(instance, guest);
        instance.set_gas(GAS);
        let InterruptKind::Ecalli(0) = instance.run().map_err(Error::msg)? else {
            bail!("the guest does not ask");
        };
        ensure!(instance.gas() < GAS, "the guest has used no gas");
        let asked = i32::try_from(instance.reg(Reg::A0))?;
        guest.check(asked)?;
        instance.set_reg(Reg::A0, i64::from(ANSWER).cast_unsigned());
        instance.set_gas(GAS);
        let InterruptKind::Finished = instance.run().map_err(Error::msg)? else {
            bail!("the guest does not finish");
        };
        Ok(asked)
    }
}

fn config(backend: Backend) -> Result<Config> {
    let mut config = Config::new();
    config
        .set_core_pinning(CorePinning::Disabled)
        .set_allow_dynamic_paging(false);
    match backend {
        Backend::Interpreter => {
            config.set_backend(Some(BackendKind::Interpreter));
        }
        Backend::GenericSandbox => {
            config
                .set_backend(Some(BackendKind::Compiler))
                .set_sandbox(Some(SandboxKind::Generic))
                .set_allow_experimental(true);
        }
        Backend::ProcessSandbox => bail!("processes of sandboxes are not measured"),
    }
    Ok(config)
}
