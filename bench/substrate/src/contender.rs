//! Contenders: what is measured here. Each has a manager as a node has it.

use anyhow::{Context, Error, Result, bail, ensure};
use sc_virtualization::VirtManager;
use sp_virtualization::{ExecStatus, InstanceId, ModuleId, VirtManagerBackend};

/// More gas than any call uses.
const GAS: i64 = 1 << 40;

/// What the nested VM is answered.
const ANSWER: u64 = 9;

/// The number in a program that is another in each of its variants.
const VARIED: [u8; 8] = 0x9e37_79b9_7f4a_7c15_u64.to_le_bytes();

/// A program, and a call of it.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) program: Vec<u8>,
    pub(crate) entry: String,
    pub(crate) argument: u64,
    /// The gas that the call uses.
    pub(crate) gas: i64,
}

/// Does its work once each time that it is called.
pub(crate) type Contender = Box<dyn FnMut() -> Result<()>>;

/// The contender of this name.
pub(crate) fn named(name: &str, guest: Guest) -> Result<Contender> {
    match name {
        "first" => first(guest),
        "again" => Ok(Box::new(move || from_bytes(&guest))),
        "instance" => instance(guest),
        "run" => run(guest),
        _ => bail!("nobody is called `{name}`"),
    }
}

/// From the bytes of a program that PolkaVM has not seen, to a prepared instance.
fn first(mut guest: Guest) -> Result<Contender> {
    let mut windows = guest.program.windows(VARIED.len());
    let at = windows.position(|bytes| bytes == VARIED);
    let at = at.context("nothing in the program can be varied")?;
    let mut variant = 0_u64;
    Ok(Box::new(move || {
        variant = variant.wrapping_add(1);
        let varied = guest.program.get_mut(at..).unwrap_or_default();
        for (byte, new) in varied.iter_mut().zip(variant.to_le_bytes()) {
            *byte = new;
        }
        from_bytes(&guest)
    }))
}

/// From the bytes of a program to a prepared instance, with a new manager.
fn from_bytes(guest: &Guest) -> Result<()> {
    let mut manager = VirtManager::default();
    let compiled = manager.compile_from_bytes(&guest.program, None);
    let module = compiled.map_err(refused)?;
    prepared(&mut manager, module, guest).map(drop)
}

/// An instance of a module that was compiled: made, prepared and destroyed.
fn instance(guest: Guest) -> Result<Contender> {
    let (mut manager, module) = compiled(&guest)?;
    Ok(Box::new(move || {
        let instance = prepared(&mut manager, module, &guest)?;
        manager.destroy(instance).map_err(refused)
    }))
}

/// A call of an instance that is there, from its preparation to its end. What it asks is answered.
fn run(guest: Guest) -> Result<Contender> {
    let (mut manager, module) = compiled(&guest)?;
    let instance = manager.instantiate(module).map_err(refused)?;
    Ok(Box::new(move || {
        let prepared = manager.prepare(instance, guest.entry.as_bytes());
        prepared.map_err(refused)?;
        let (mut gas, mut a0) = (GAS, guest.argument);
        loop {
            let (status, buffer) = manager.run(instance, gas, a0).map_err(refused)?;
            (gas, a0) = (buffer.gas_left, ANSWER);
            if status == ExecStatus::Finished {
                let used = GAS - gas;
                ensure!(used == guest.gas, "it used {used} gas, not {}", guest.gas);
                return Ok(());
            }
        }
    }))
}

fn compiled(guest: &Guest) -> Result<(VirtManager, ModuleId)> {
    let mut manager = VirtManager::default();
    let compiled = manager.compile_from_bytes(&guest.program, None);
    Ok((manager, compiled.map_err(refused)?))
}

fn prepared(manager: &mut VirtManager, module: ModuleId, guest: &Guest) -> Result<InstanceId> {
    let instance = manager.instantiate(module).map_err(refused)?;
    let prepared = manager.prepare(instance, guest.entry.as_bytes());
    prepared.map_err(refused)?;
    Ok(instance)
}

fn refused(reason: impl std::fmt::Debug) -> Error {
    Error::msg(format!("sc-virtualization refuses: {reason:?}"))
}
