//! Wasmtime by itself in the group `virtualization`: instances from a pool that are made, called
//! asynchronously, answered and dropped.

use std::{
    pin::pin,
    sync::atomic::{AtomicI32, Ordering},
    task::{Context, Poll, Waker},
};

use anyhow::{bail, ensure};
use wasmtime::{Caller, Engine, InstancePre, Linker, Module, Result, Store, TypedFunc};

use super::{
    calls::{Cleaning, pool, tell_once},
    into_anyhow,
};
use crate::{
    contest::{Recall, guest::Guest},
    virtualization::guest::ANSWER,
};

/// What the guest has asked, until it is looked at.
struct Asked(AtomicI32);

/// An instance that is made, its function found, and dropped.
pub(crate) fn instance(guest: Guest) -> anyhow::Result<Recall> {
    let pre = link(&guest)?;
    Ok(Box::new(move || {
        instantiate(&pre, &guest).map_err(into_anyhow)?;
        Ok(guest.answer)
    }))
}

/// A call of an instance that is there, which asks once.
pub(crate) fn run(guest: Guest) -> anyhow::Result<Recall> {
    let pre = link(&guest)?;
    let (mut store, entry) = instantiate(&pre, &guest).map_err(into_anyhow)?;
    Ok(Box::new(move || call(&mut store, &entry, &guest)))
}

/// All of it.
pub(crate) fn whole(guest: Guest) -> anyhow::Result<Recall> {
    let pre = link(&guest)?;
    Ok(Box::new(move || {
        let (mut store, entry) = instantiate(&pre, &guest).map_err(into_anyhow)?;
        call(&mut store, &entry, &guest)
    }))
}

fn call(
    store: &mut Store<Asked>,
    entry: &TypedFunc<i32, i32>,
    guest: &Guest,
) -> anyhow::Result<i32> {
    let mut context = Context::from_waker(Waker::noop());
    {
        // A call that waits has to have a place that does not move, as an embedder's has.
        let mut call = Box::pin(entry.call_async(&mut *store, guest.argument));
        ensure!(
            call.as_mut().poll(&mut context).is_pending(),
            "the guest does not ask"
        );
        match call.as_mut().poll(&mut context) {
            Poll::Ready(answer) => {
                let answer = answer.map_err(into_anyhow)?;
                ensure!(answer == ANSWER, "the guest is not answered");
            }
            Poll::Pending => bail!("the guest asks again"),
        }
    }
    let asked = store.data().0.load(Ordering::Relaxed);
    guest.check(asked)?;
    Ok(asked)
}

fn link(guest: &Guest) -> anyhow::Result<InstancePre<Asked>> {
    let engine = pool(Cleaning::Everything, 1)?;
    link_on(&engine, guest).map_err(into_anyhow)
}

fn link_on(engine: &Engine, guest: &Guest) -> Result<InstancePre<Asked>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap_async(
        "env",
        "note",
        |caller: Caller<'_, Asked>, (argument,): (i32,)| {
            Box::new(async move {
                caller.data().0.store(argument, Ordering::Relaxed);
                tell_once().await;
                ANSWER
            })
        },
    )?;
    linker.instantiate_pre(&Module::new(engine, &guest.wasm)?)
}

fn instantiate(
    pre: &InstancePre<Asked>,
    guest: &Guest,
) -> Result<(Store<Asked>, TypedFunc<i32, i32>)> {
    let mut store = Store::new(pre.module().engine(), Asked(AtomicI32::new(0)));
    let mut context = Context::from_waker(Waker::noop());
    // What has an asynchronous function takes no other way, though nothing waits here.
    let instance = match pin!(pre.instantiate_async(&mut store)).poll(&mut context) {
        Poll::Ready(instance) => instance?,
        Poll::Pending => return Err(wasmtime::Error::msg("an instance waited while it was made")),
    };
    let entry = instance.get_typed_func(&mut store, guest.entry)?;
    Ok((store, entry))
}
