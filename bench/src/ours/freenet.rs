//! Our side of the rows of Freenet in the group `compat`: contracts through `lifecycle`, with gas
//! and a time limit.

use std::sync::Arc;

use anyhow::{Error, Result, bail};
use fusee::lifecycle::{
    AllocRequest, AsyncHost, CallRequest, InstanceRequest, Module, RunOn, Sandbox, WhenFull, rules,
};
use fusee::sandbox::{
    Executor, Floats, Gas, Host, Stop, Syscall, SyscallPrice, SyscallRule, Trap, ValueType,
};

use super::wasmtime;
use crate::{
    compat::freenet::{
        ALLOCATE, Buffer, FILL, HEADER_BYTES, ID, Inputs, SET_ID, VALIDATE, beginning, check,
        inputs, result_range,
    },
    contest::{Recall, guest::Guest},
};

/// Validates a state in a fresh instance, all of whose steps run on this thread.
pub(crate) fn on_caller(guest: Guest) -> Result<Recall> {
    each(RunOn::Caller, guest)
}

/// The same with each step submitted to a worker for itself.
pub(crate) fn on_worker(guest: Guest) -> Result<Recall> {
    each(RunOn::Worker, guest)
}

fn each(run_on: RunOn, guest: Guest) -> Result<Recall> {
    let contract = Contract::new(run_on, &guest)?;
    Ok(Box::new(move || {
        contract.validate()?;
        Ok(guest.answer)
    }))
}

/// The same with all steps submitted to a worker together.
pub(crate) fn in_steps(guest: Guest) -> Result<Recall> {
    let contract = Arc::new(Contract::new(RunOn::Worker, &guest)?);
    Ok(Box::new(move || {
        let steps = Arc::clone(&contract);
        let on_worker = move || steps.validate();
        contract
            .sandbox
            .on_worker_blocking(WhenFull::Wait, on_worker)??;
        Ok(guest.answer)
    }))
}

struct Contract {
    sandbox: Sandbox,
    module: Module,
    inputs: [Arc<[u8]>; 3],
    run_on: RunOn,
}

impl Contract {
    fn new(run_on: RunOn, guest: &Guest) -> Result<Self> {
        let fill = SyscallRule {
            module: FILL.0.to_owned(),
            name: FILL.1.to_owned(),
            number: 0,
            params: vec![ValueType::I64, ValueType::I64],
            result: Some(ValueType::I32),
            may_suspend: false,
            price: SyscallPrice::FREE,
        };
        let executor = Arc::new(Executor::builder(wasmtime()?).build());
        let rules = rules(vec![fill]).with_floats(Floats::Canonical);
        let sandbox = Sandbox::builder(executor, rules)
            .workers(1)
            .id_export(SET_ID)
            .alloc_export_raw(ALLOCATE)
            .build()?;
        Ok(Self {
            module: sandbox.compile(&guest.wasm)?,
            sandbox,
            inputs: inputs(guest)?,
            run_on,
        })
    }

    fn validate(&self) -> Result<()> {
        let request = InstanceRequest {
            run_on: self.run_on,
            ..InstanceRequest::new(ID, Gas::MAX)
        };
        let made = self
            .module
            .instantiate_blocking(request, Node(Inputs::default()))?;
        let mut instance = made.into_result()?;
        let mut args = [0; 3];
        for (arg, input) in args.iter_mut().zip(&self.inputs) {
            let (head, next) = beginning(input)?;
            let length = u32::try_from(head.len())?;
            let request = AllocRequest {
                run_on: self.run_on,
                ..AllocRequest::new(length, Gas::MAX)
            };
            let descriptor = instance.alloc_blocking(request)?.into_result()?;
            *arg = descriptor.cast_signed();
            let buffer = Buffer::decode(&instance.read(descriptor, Buffer::BYTES)?)?;
            instance.write(buffer.start, &head)?;
            instance.write(buffer.written_at, &length.to_le_bytes())?;
            instance.host()?.0.insert(descriptor, input, next);
        }
        let request = CallRequest {
            run_on: self.run_on,
            ..CallRequest::new(VALIDATE, &args, Gas::MAX)
        };
        let values = instance.call_blocking(request)?.into_result()?;
        let [header] = values.as_slice() else {
            bail!("the contract returned {values:?}");
        };
        let header = instance.read(header.cast_unsigned(), HEADER_BYTES)?;
        let (at, length) = result_range(&header)?;
        check(&instance.read(at, length)?)
    }
}

/// The host of a contract.
struct Node(Inputs);

impl Host for Node {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let [_, descriptor, ..] = call.request.args;
        let buffer = Buffer::decode(&call.memory.read(descriptor, Buffer::BYTES)?);
        let buffer = buffer.map_err(|_: Error| Stop::Trap(Trap::SyscallRefused))?;
        let piece = self.0.next(descriptor, buffer.capacity);
        call.memory.write(buffer.start, piece)?;
        call.memory.write(buffer.read_at, &[0; 4])?;
        let written = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        call.memory
            .write(buffer.written_at, &written.to_le_bytes())?;
        Ok(u64::from(written))
    }
}

impl AsyncHost for Node {}
