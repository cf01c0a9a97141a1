//! wasmi by itself in the group `virtualization`: instances that are made, called, resumed and
//! dropped.

use anyhow::{Result, bail};
use wasmi::{Store, TypedFunc, TypedResumableCall, Val};

use super::{
    calls::{Program, asked, park},
    config,
};
use crate::{
    contest::{Recall, guest::Guest},
    virtualization::guest::ANSWER,
};

/// An instance that is made, its function found, and dropped.
pub(crate) fn instance(guest: Guest) -> Result<Recall> {
    let program = Program::new(&config(), &guest, park)?;
    Ok(Box::new(move || {
        program.instantiate(&guest)?;
        Ok(guest.answer)
    }))
}

/// A call of an instance that is there, which asks once.
pub(crate) fn run(guest: Guest) -> Result<Recall> {
    let program = Program::new(&config(), &guest, park)?;
    let (mut store, entry) = program.instantiate(&guest)?;
    Ok(Box::new(move || call(&mut store, entry, &guest)))
}

/// All of it.
pub(crate) fn whole(guest: Guest) -> Result<Recall> {
    let program = Program::new(&config(), &guest, park)?;
    Ok(Box::new(move || {
        let (mut store, entry) = program.instantiate(&guest)?;
        call(&mut store, entry, &guest)
    }))
}

fn call(store: &mut Store<()>, entry: TypedFunc<i32, i32>, guest: &Guest) -> Result<i32> {
    let TypedResumableCall::HostTrap(trapped) =
        entry.call_resumable(&mut *store, guest.argument)?
    else {
        bail!("the guest does not ask");
    };
    guest.check(asked(trapped.host_error())?)?;
    match trapped.resume(store, &[Val::I32(ANSWER)])? {
        TypedResumableCall::Finished(ANSWER) => Ok(guest.answer),
        other => bail!("the guest is not answered: {other:?}"),
    }
}
