//! The host of a guest that runs others.
//!
//! At what runs or compiles a child, the parent is parked, and [`Parent::drive`] does it when the parent is off the native stack. So however many
//! children ask each other through their parent, one guest at a time has native stack. The other functions are answered where
//! they are asked.

use std::fmt;

use fusee_engine::{GuestMemory, Host, Source, Stop, Syscall, Trap};
use fusee_executor::{self as executor, Suspended};

use crate::{
    Children, Space, VirtualizationError, functions,
    instance::low,
    wire::{EXEC_BUFFER_BYTES, InstanceId, ModuleId, WireError, WireValue, encode},
};

/// Finds the code that lies under a key of a space; none if there is none.
pub type CodeSource = dyn FnMut(Space<'_>, &[u8]) -> Result<Option<Vec<u8>>, Source> + Send;

/// Answers the nine functions, and leaves all other syscalls to another host.
pub struct Parent {
    children: Children,
    code: Box<CodeSource>,
    others: Box<dyn Host>,
}

impl Parent {
    /// A host with these children. Where the parent compiles what lies under a key, `code` finds it.
    #[must_use]
    pub fn new(children: Children, code: Box<CodeSource>, others: Box<dyn Host>) -> Self {
        Self {
            children,
            code,
            others,
        }
    }

    /// Its children.
    pub const fn children(&mut self) -> &mut Children {
        &mut self.children
    }

    /// Its children, and the host of the other syscalls.
    #[must_use]
    pub fn into_parts(self) -> (Children, Box<dyn Host>) {
        (self.children, self.others)
    }

    /// Does what a parent is parked for, and goes on with it, until it has ended, or waits for something else. The outcome of any
    /// other run is returned as it is.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if the host fails at a child or the parent. The parent is gone, and so are its children.
    pub fn drive(mut outcome: executor::Outcome) -> Result<executor::Outcome, VirtualizationError> {
        loop {
            let mut suspended = match outcome {
                executor::Outcome::Syscall(suspended) => suspended,
                ended => return Ok(ended),
            };
            let Some(answer) = answer(&mut suspended)? else {
                return Ok(executor::Outcome::Syscall(suspended));
            };
            outcome = match answer {
                Ok(reply) => suspended.resume(reply)?,
                Err(trap) => suspended.trap(trap),
            };
        }
    }
}

/// The reply to what a parent is parked for, or its trap; none if it is no parent, or is parked for something else.
fn answer(suspended: &mut Suspended) -> Result<Option<Result<u64, Trap>>, VirtualizationError> {
    let [first, second, third, fourth, ..] = suspended.request().args;
    let instance = InstanceId(low(first));
    let number = suspended.request().number;
    let ranges = match number {
        functions::RUN => [None, None],
        functions::COMPILE => [Some(first), (second != 0).then_some(second)],
        functions::COMPILE_KEY => [Some(first), Some(second)],
        functions::PREPARE => [Some(second), None],
        _ => return Ok(None),
    };
    let [one, other] = match read(suspended.memory(), ranges) {
        Ok(read) => read,
        Err(trap) => return Ok(Some(Err(trap))),
    };
    let Some(Parent { children, code, .. }) = suspended.host::<Parent>() else {
        return Ok(None);
    };
    let required = one.as_deref().unwrap_or_default();
    let reply = match number {
        functions::COMPILE => reply(children.compile(required, other.as_deref())?),
        functions::COMPILE_KEY => {
            let space = Space::named(other.as_deref().unwrap_or_default());
            reply(children.compile_key(space, required, code)?)
        }
        functions::PREPARE => reply(children.prepare(instance, required)?),
        _ => {
            let answer = children.run(instance, second.cast_signed(), third)?;
            if let Ok((_, filled)) = &answer {
                let mut memory = suspended.memory();
                if let Err(trap) = memory.write(low(fourth).into(), &filled.encode()) {
                    return Ok(Some(Err(trap)));
                }
            }
            reply(answer.map(|(status, _)| status))
        }
    };
    Ok(Some(Ok(reply)))
}

/// The caller's bytes, in places of their own.
fn read(
    mut memory: GuestMemory<'_>,
    ranges: [Option<u64>; 2],
) -> Result<[Option<Vec<u8>>; 2], Trap> {
    let mut found = [None, None];
    for (place, asked) in found.iter_mut().zip(ranges) {
        if let Some(asked) = asked {
            let (address, length) = range(asked);
            *place = Some(memory.read(address, length)?.into_owned());
        }
    }
    Ok(found)
}

impl Host for Parent {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        let Self {
            children, others, ..
        } = self;
        let [first, second, third, fourth, ..] = call.request.args;
        let instance = InstanceId(low(first));
        match call.request.number {
            functions::LOOKUP => {
                let (address, length) = range(first);
                let identifier = call.memory.read(address, length)?;
                Ok(reply(children.lookup(&identifier)))
            }
            functions::INSTANTIATE => Ok(reply(children.instantiate(ModuleId(low(first))))),
            functions::COMPILE | functions::COMPILE_KEY | functions::PREPARE => Err(Stop::Suspend),
            functions::RUN => {
                // Looked at before the child runs, so that nothing of what it did is lost.
                let length = u64::try_from(EXEC_BUFFER_BYTES).unwrap_or(u64::MAX);
                call.memory.check(low(fourth).into(), length)?;
                Err(Stop::Suspend)
            }
            functions::DESTROY => Ok(reply(children.destroy(instance))),
            functions::READ_MEMORY => {
                let (address, length) = range(third);
                call.memory.check(address, length)?;
                let mut read = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
                let answer = children.read_memory(instance, low(second), &mut read);
                if answer.is_ok() {
                    call.memory.write(address, &read)?;
                }
                Ok(reply(answer))
            }
            functions::WRITE_MEMORY => {
                let (address, length) = range(third);
                let written = call.memory.read(address, length)?;
                Ok(reply(children.write_memory(
                    instance,
                    low(second),
                    &written,
                )))
            }
            _ => others.syscall(call),
        }
    }
}

/// The address and the length of a range.
fn range(range: u64) -> (u64, u64) {
    (low(range).into(), range >> 32)
}

/// A result as a syscall returns it.
fn reply<T: WireValue, E: WireError>(result: Result<T, E>) -> u64 {
    encode(result).cast_unsigned()
}

impl fmt::Debug for Parent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Parent")
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}
