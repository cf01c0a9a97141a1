//! Wasmtime by itself in the group `executor`, tuned as we tune it: instances come from a pool
//! whose pages stay resident.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use wasmtime::{
    Caller, Enabled, Engine, InstanceAllocationStrategy, InstancePre, Linker, Module,
    PoolingAllocationConfig, Result, Store, TypedFunc,
};

use super::{artifact::Artifact, config, into_anyhow};
use crate::contest::{Call, Parker, Recall, guest::Guest};

/// Bytes of each memory and table that stay resident: all that a guest here has.
const RESIDENT_BYTES: usize = 2 << 20;

/// How a pool cleans the memory of an instance that is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cleaning {
    /// Writes all of it anew: the fastest for a page or two.
    Everything,
    /// Asks the system which pages were written.
    WrittenPages,
}

/// A fresh instance for each call.
pub(crate) fn fresh(cleaning: Cleaning, guest: Guest) -> anyhow::Result<Call> {
    fresh_of(100, cleaning, guest)
}

/// The same, from a pool of so many instances.
pub(crate) fn fresh_of(most: u32, cleaning: Cleaning, guest: Guest) -> anyhow::Result<Call> {
    let pre = link(&pool(cleaning, most)?, &guest).map_err(into_anyhow)?;
    Ok(Box::new(move || call_fresh(&pre, &guest)))
}

/// One instance, which is called again.
pub(crate) fn again(guest: Guest) -> anyhow::Result<Recall> {
    let pre = link(&pool(Cleaning::Everything, 1)?, &guest).map_err(into_anyhow)?;
    let mut store = Store::new(pre.module().engine(), ());
    let entry = instantiate(&pre, &mut store, &guest).map_err(into_anyhow)?;
    Ok(Box::new(move || {
        let answer = entry
            .call(&mut store, guest.argument)
            .map_err(into_anyhow)?;
        guest.check(answer)?;
        Ok(answer)
    }))
}

/// Parked at each host call, and resumed.
pub(crate) fn parked(guest: Guest) -> anyhow::Result<Call> {
    let pre = link_async(&pool(Cleaning::Everything, 1)?, &guest).map_err(into_anyhow)?;
    Ok(Box::new(move || {
        let mut call = start(pre.clone(), guest.clone());
        loop {
            if let Poll::Ready(answer) = poll(&mut call) {
                let answer = answer.map_err(into_anyhow)?;
                guest.check(answer)?;
                return Ok(answer);
            }
        }
    }))
}

/// Calls that stay parked, at most so many.
pub(crate) fn parking(most: u32, guest: Guest) -> anyhow::Result<Parker> {
    let pre = link_async(&pool(Cleaning::Everything, most)?, &guest).map_err(into_anyhow)?;
    Ok(Box::new(move || {
        let mut call = start(pre.clone(), guest.clone());
        anyhow::ensure!(poll(&mut call).is_pending(), "the guest is not parked");
        Ok(Box::new(call))
    }))
}

/// From the bytes of a program to its first answer, through Cranelift.
pub(crate) fn deployed(guest: Guest) -> anyhow::Result<Call> {
    let engine = pool(Cleaning::WrittenPages, 1)?;
    Ok(Box::new(move || {
        let pre = link(&engine, &guest).map_err(into_anyhow)?;
        call_fresh(&pre, &guest)
    }))
}

/// From a compiled artifact on disk to the first answer. Nothing checks that the artifact is whole.
pub(crate) fn restarted(guest: Guest) -> anyhow::Result<Call> {
    let engine = pool(Cleaning::WrittenPages, 1)?;
    let artifact = Artifact::write(&engine, &guest.wasm)?;
    Ok(Box::new(move || {
        let module = artifact.load(&engine)?;
        let pre = link_module(&engine, &module).map_err(into_anyhow)?;
        call_fresh(&pre, &guest)
    }))
}

/// An engine that holds at most so many instances at once.
pub(super) fn pool(cleaning: Cleaning, most: u32) -> anyhow::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(most)
        .total_memories(most)
        .total_tables(most)
        .total_stacks(most)
        .max_unused_warm_slots(most)
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .table_keep_resident(RESIDENT_BYTES)
        .pagemap_scan(match cleaning {
            Cleaning::Everything => Enabled::No,
            Cleaning::WrittenPages => Enabled::Auto,
        });
    let mut config = config();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .async_stack_size((2 << 20) + (512 << 10));
    Engine::new(&config).map_err(into_anyhow)
}

fn link(engine: &Engine, guest: &Guest) -> Result<InstancePre<()>> {
    link_module(engine, &Module::new(engine, &guest.wasm)?)
}

fn link_module(engine: &Engine, module: &Module) -> Result<InstancePre<()>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("env", "note", |argument: i32| argument)?;
    linker.define_unknown_imports_as_traps(module)?;
    linker.instantiate_pre(module)
}

fn link_async(engine: &Engine, guest: &Guest) -> Result<InstancePre<()>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap_async("env", "note", |_: Caller<'_, ()>, (argument,): (i32,)| {
        Box::new(async move {
            tell_once().await;
            argument
        })
    })?;
    linker.instantiate_pre(&Module::new(engine, &guest.wasm)?)
}

/// Waits until it is asked for the second time.
pub(super) async fn tell_once() {
    let mut is_asked = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut is_asked, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

fn call_fresh(pre: &InstancePre<()>, guest: &Guest) -> anyhow::Result<i32> {
    let mut store = Store::new(pre.module().engine(), ());
    let answer = instantiate(pre, &mut store, guest)
        .and_then(|entry| entry.call(&mut store, guest.argument))
        .map_err(into_anyhow)?;
    guest.check(answer)?;
    Ok(answer)
}

fn instantiate(
    pre: &InstancePre<()>,
    store: &mut Store<()>,
    guest: &Guest,
) -> Result<TypedFunc<i32, i32>> {
    pre.instantiate(&mut *store)?
        .get_typed_func(store, guest.entry)
}

type Started = Pin<Box<dyn Future<Output = Result<i32>> + Send>>;

fn start(pre: InstancePre<()>, guest: Guest) -> Started {
    Box::pin(async move {
        let mut store = Store::new(pre.module().engine(), ());
        let instance = pre.instantiate_async(&mut store).await?;
        let entry = instance.get_typed_func::<i32, i32>(&mut store, guest.entry)?;
        entry.call_async(&mut store, guest.argument).await
    })
}

fn poll(call: &mut Started) -> Poll<Result<i32>> {
    call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
