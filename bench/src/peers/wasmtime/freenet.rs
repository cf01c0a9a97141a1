//! Wasmtime by itself as a node of Freenet uses it: its default settings with a pool, a store for
//! each instance. Nothing is counted, and no time is limited.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use anyhow::Context;
use wasmtime::{
    Caller, Engine, Instance, InstancePre, Linker, Memory, Module, PoolingAllocationConfig, Result,
    Store,
};

use super::into_anyhow;
use crate::{
    compat::freenet::{
        ALLOCATE, Buffer, FILL, HEADER_BYTES, ID, Inputs, SET_ID, VALIDATE, beginning, check,
        inputs, result_range,
    },
    contest::{Recall, guest::Guest},
};

/// Validates a state in a fresh instance, on this thread.
pub(crate) fn on_caller(guest: Guest) -> anyhow::Result<Recall> {
    let pre = link(&guest).map_err(into_anyhow)?;
    let inputs = inputs(&guest)?;
    Ok(Box::new(move || {
        Contract::new(&pre, &inputs)?.validate()?;
        Ok(guest.answer)
    }))
}

/// The same with the call itself on another thread, which waits for the next one: a node of Freenet
/// makes the calls of contracts on threads that may block.
pub(crate) fn on_thread(guest: Guest) -> anyhow::Result<Recall> {
    let pre = link(&guest).map_err(into_anyhow)?;
    let inputs = inputs(&guest)?;
    let (contracts, called) = mpsc::channel::<Contract>();
    let (answer, answers) = mpsc::channel();
    // It ends when its channel does.
    thread::spawn(move || {
        for contract in called {
            if answer.send(contract.validate()).is_err() {
                return;
            }
        }
    });
    Ok(Box::new(move || {
        contracts.send(Contract::new(&pre, &inputs)?)?;
        answers.recv()??;
        Ok(guest.answer)
    }))
}

fn link(guest: &Guest) -> Result<InstancePre<Inputs>> {
    let mut config = wasmtime::Config::new();
    config.allocation_strategy(PoolingAllocationConfig::new());
    let engine = Engine::new(&config)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap(FILL.0, FILL.1, fill)?;
    linker.instantiate_pre(&Module::new(&engine, &guest.wasm)?)
}

/// Fills a buffer from its beginning: how much that is.
fn fill(mut caller: Caller<'_, Inputs>, _: i64, descriptor: i64) -> Result<i32> {
    let memory = caller
        .get_export("memory")
        .and_then(wasmtime::Extern::into_memory)
        .ok_or_else(|| wasmtime::Error::msg("no memory"))?;
    let (bytes, inputs) = memory.data_and_store_mut(&mut caller);
    let descriptor = descriptor.cast_unsigned();
    let filled = fill_in(bytes, inputs, descriptor);
    filled.map_err(|error| wasmtime::Error::msg(format!("{error:#}")))
}

fn fill_in(memory: &mut [u8], inputs: &mut Inputs, descriptor: u64) -> anyhow::Result<i32> {
    let buffer = Buffer::decode(range(memory, descriptor, Buffer::BYTES)?)?;
    let piece = inputs.next(descriptor, buffer.capacity);
    let written = u32::try_from(piece.len())?;
    range(memory, buffer.start, u64::from(written))?.copy_from_slice(piece);
    range(memory, buffer.read_at, 4)?.fill(0);
    range(memory, buffer.written_at, 4)?.copy_from_slice(&written.to_le_bytes());
    Ok(written.cast_signed())
}

fn range(memory: &mut [u8], at: u64, length: u64) -> anyhow::Result<&mut [u8]> {
    let behind = memory.get_mut(usize::try_from(at)?..);
    let range = behind.and_then(|behind| behind.get_mut(..usize::try_from(length).ok()?));
    range.context("outside the memory")
}

/// A contract that has its inputs.
struct Contract {
    store: Store<Inputs>,
    instance: Instance,
    memory: Memory,
    args: [i64; 3],
}

impl Contract {
    fn new(pre: &InstancePre<Inputs>, inputs: &[Arc<[u8]>; 3]) -> anyhow::Result<Self> {
        let mut store = Store::new(pre.module().engine(), Inputs::default());
        let instance = pre.instantiate(&mut store).map_err(into_anyhow)?;
        let memory: Memory = instance
            .get_memory(&mut store, "memory")
            .context("no memory")?;
        let set_id = instance
            .get_typed_func::<i64, ()>(&mut store, SET_ID)
            .map_err(into_anyhow)?;
        set_id.call(&mut store, ID).map_err(into_anyhow)?;
        let allocate = instance
            .get_typed_func::<u32, i64>(&mut store, ALLOCATE)
            .map_err(into_anyhow)?;
        let mut args = [0; 3];
        for (arg, input) in args.iter_mut().zip(inputs) {
            let (head, next) = beginning(input)?;
            let length = u32::try_from(head.len())?;
            *arg = allocate.call(&mut store, length).map_err(into_anyhow)?;
            let descriptor = arg.cast_unsigned();
            let (bytes, streamed) = memory.data_and_store_mut(&mut store);
            let buffer = Buffer::decode(range(bytes, descriptor, Buffer::BYTES)?)?;
            range(bytes, buffer.start, u64::from(length))?.copy_from_slice(&head);
            range(bytes, buffer.written_at, 4)?.copy_from_slice(&length.to_le_bytes());
            streamed.insert(descriptor, input, next);
        }
        Ok(Self {
            store,
            instance,
            memory,
            args,
        })
    }

    fn validate(self) -> anyhow::Result<()> {
        let Self {
            mut store,
            instance,
            memory,
            args,
        } = self;
        let [parameters, state, related] = args;
        let validate = instance
            .get_typed_func::<(i64, i64, i64), i64>(&mut store, VALIDATE)
            .map_err(into_anyhow)?;
        let header = validate
            .call(&mut store, (parameters, state, related))
            .map_err(into_anyhow)?;
        let bytes = memory.data_mut(&mut store);
        let (at, length) = result_range(range(bytes, header.cast_unsigned(), HEADER_BYTES)?)?;
        check(range(bytes, at, length)?)
    }
}
