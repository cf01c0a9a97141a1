//! Our side of the rows of Substrate in the group `compat`: nested VMs by number, by the rules
//! `substrate-1`, as the host functions of a node drive them.

use std::sync::Arc;

use anyhow::{Context, Error, Result};
use fusee::sandbox::{Engine, Executor};
use fusee::virtualization::{
    ChildLimits, ChildRules, ChildSettings, Children, NoOwner,
    wire::{ExecStatus, InstanceId, ModuleId},
};

use crate::{
    compat::substrate::{GAS, VARIED},
    contest::{Recall, guest::Guest},
    virtualization::guest::ANSWER,
};

/// From the bytes of a program that the executor has not seen, to a prepared instance, with a new
/// set of nested VMs.
pub(crate) fn first(engine: Arc<dyn Engine>, mut guest: Guest) -> Result<Recall> {
    let node = Node::new(engine);
    let mut windows = guest.wasm.windows(VARIED.len());
    let at = windows.position(|bytes| bytes == VARIED);
    let at = at.context("nothing in the program can be varied")?;
    let mut variant = 0_u64;
    Ok(Box::new(move || {
        variant = variant.wrapping_add(1);
        let varied = guest.wasm.get_mut(at..).unwrap_or_default();
        for (byte, new) in varied.iter_mut().zip(variant.to_le_bytes()) {
            *byte = new;
        }
        from_bytes(&node, &guest)
    }))
}

/// The same of a program that the executor has seen.
pub(crate) fn again(engine: Arc<dyn Engine>, guest: Guest) -> Result<Recall> {
    let node = Node::new(engine);
    Ok(Box::new(move || from_bytes(&node, &guest)))
}

fn from_bytes(node: &Node, guest: &Guest) -> Result<i32> {
    let (mut children, module) = compiled(node, guest)?;
    prepared(&mut children, module, guest)?;
    Ok(guest.answer)
}

/// An instance of a module that was compiled: made, prepared and destroyed.
pub(crate) fn instance(engine: Arc<dyn Engine>, guest: Guest) -> Result<Recall> {
    let (mut children, module) = compiled(&Node::new(engine), &guest)?;
    Ok(Box::new(move || {
        let instance = prepared(&mut children, module, &guest)?;
        children.destroy(instance).map_err(refused)?;
        Ok(guest.answer)
    }))
}

/// A call of an instance that is there, from its preparation to its end. What it asks is answered.
/// Its answer is the gas that it uses.
pub(crate) fn run(engine: Arc<dyn Engine>, guest: Guest) -> Result<Recall> {
    let (mut children, module) = compiled(&Node::new(engine), &guest)?;
    let instance = children.instantiate(module).map_err(refused)?;
    Ok(Box::new(move || {
        let prepared = children.prepare(instance, guest.entry.as_bytes())?;
        prepared.map_err(refused)?;
        let mut gas = GAS;
        let mut a0 = i64::from(guest.argument).cast_unsigned();
        loop {
            let (status, buffer) = children.run(instance, gas, a0)?.map_err(refused)?;
            gas = buffer.gas_left;
            a0 = i64::from(ANSWER).cast_unsigned();
            if status == ExecStatus::Finished {
                let used = i32::try_from(GAS - gas)?;
                guest.check(used)?;
                return Ok(used);
            }
        }
    }))
}

/// What all nested VMs of a node share.
struct Node {
    executor: Arc<Executor>,
    rules: ChildRules,
}

impl Node {
    fn new(engine: Arc<dyn Engine>) -> Self {
        Self {
            executor: Arc::new(Executor::builder(engine).build()),
            rules: ChildRules::substrate_v1(),
        }
    }
}

type Owned = Children<NoOwner>;

fn compiled(node: &Node, guest: &Guest) -> Result<(Owned, ModuleId)> {
    let settings = ChildSettings {
        limits: ChildLimits::unlimited(),
        ..ChildSettings::default()
    };
    let mut children = Children::new(Arc::clone(&node.executor), node.rules.clone(), settings);
    let module = children.compile(&guest.wasm, None)?.map_err(refused)?;
    Ok((children, module.id))
}

fn prepared(children: &mut Owned, module: ModuleId, guest: &Guest) -> Result<InstanceId> {
    let instance = children.instantiate(module).map_err(refused)?;
    let prepared = children.prepare(instance, guest.entry.as_bytes())?;
    prepared.map_err(refused)?;
    Ok(instance)
}

fn refused(reason: impl std::fmt::Debug) -> Error {
    Error::msg(format!("refused: {reason:?}"))
}
