//! The host of a guest that runs others, and the loop in which they run.
//!
//! Where a parent runs or compiles a child it is parked, and [`Parent::drive`] does it when the parent is off the native stack: it waits on a
//! frame stack, and the child may be a parent itself. So however many children ask each other through their parents, one guest at a time has native
//! stack.

use std::fmt;

use fusee_engine::{Host, Source, Stop, Syscall};
use fusee_executor::{FrameLimits, FrameStack, Outcome, Suspended};

use crate::{Children, Module, Next, Space, VirtualizationError, functions, instance::Asks};

/// Finds the code that lies under a key of a space; none if there is none.
pub type CodeSource<'a> =
    dyn FnMut(Space<'_>, &[u8]) -> Result<Option<Vec<u8>>, Source> + Send + 'a;

/// Answers the nine functions, and leaves all other syscalls to another host.
pub struct Parent {
    children: Children,
    code: Box<CodeSource<'static>>,
    others: Box<dyn Host>,
}

impl Parent {
    /// A host with these children. Where the parent compiles what lies under a key, `code` finds it.
    #[must_use]
    pub fn new(children: Children, code: Box<CodeSource<'static>>, others: Box<dyn Host>) -> Self {
        Self {
            children,
            code,
            others,
        }
    }

    /// The host of a child that may have children, while it runs. It has no state in which code could lie.
    pub(crate) fn child(module: &Module) -> Self {
        let children = Children::of_child(module);
        Self::new(children, Box::new(|_, _| Ok(None)), Box::new(Asks))
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

    /// Does what a guest is parked for at a child; `None` if it is not, or its host is no parent.
    ///
    /// # Errors
    ///
    /// As [`Children::go_on`].
    pub fn go_on(guest: &mut Suspended) -> Result<Option<Next>, VirtualizationError> {
        let gas_left = guest.gas_left();
        match guest.host::<Self>() {
            Some(Self { children, code, .. }) => children.go_on(gas_left, &mut **code),
            None => Ok(None),
        }
    }

    /// Goes on with a guest that waits for a child, which came so far.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if the host fails, or the guest waits for no child.
    pub fn answer(mut guest: Suspended, outcome: Outcome) -> Result<Outcome, VirtualizationError> {
        let host = guest
            .host::<Self>()
            .ok_or(VirtualizationError::LostParent)?;
        Ok(host.children.answer(outcome)?.give(guest)?)
    }

    /// Does what a parent is parked for, and goes on with it, until it has ended, or waits for something else. The outcome of any
    /// other run is returned as it is.
    ///
    /// # Errors
    ///
    /// [`VirtualizationError`] if the host fails at a child or the parent. The parent is gone, and so are its children.
    pub fn drive(mut outcome: Outcome) -> Result<Outcome, VirtualizationError> {
        // Parents only, which are bounded as generations.
        let mut parents = FrameStack::new(FrameLimits {
            depth: 0,
            memory_bytes: 0,
        });
        loop {
            let next = match &mut outcome {
                Outcome::Syscall(suspended) => Self::go_on(suspended)?,
                _ => None,
            };
            outcome = match (next, outcome) {
                (Some(Next::Answer(answer)), Outcome::Syscall(suspended)) => {
                    answer.give(suspended)?
                }
                (Some(Next::Child(child)), Outcome::Syscall(suspended)) => {
                    parents.push_parent(suspended);
                    *child
                }
                (_, outcome) => match parents.pop() {
                    None => return Ok(outcome),
                    Some(parent) => Self::answer(parent, outcome)?,
                },
            };
        }
    }
}

impl Host for Parent {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        if functions::is_function(call.request.number) {
            self.children.syscall(call)
        } else {
            self.others.syscall(call)
        }
    }
}

impl fmt::Debug for Parent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Parent")
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}
