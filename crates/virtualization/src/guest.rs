//! The host of a guest that may have nested VMs. The guest is either an owner with a host of its
//! own for all other syscalls, or a nested VM, whose owner answers its syscalls.

use std::fmt;

use fusee_engine::{EngineError, Host, Stop, Syscall};

use crate::{
    children::Children, functions, instance::ChildHost, modules::Module, owner::Owner,
    registry::RegistryCheckpoint,
};

/// The host of a guest that may have nested VMs.
pub struct Guest<H> {
    /// The owner's own host. `None` if the guest is a nested VM.
    pub(crate) owner: Option<H>,
    /// Its nested VMs. `None` if it may not have any.
    pub(crate) children: Option<Box<Children<Guest<H>>>>,
    /// The checkpoint of the registry at the beginning of its call.
    pub(crate) checkpoint: RegistryCheckpoint,
}

impl<H> Guest<H> {
    /// The host of the owner. `None` if the guest is a nested VM.
    #[must_use]
    pub const fn owner(&self) -> Option<&H> {
        self.owner.as_ref()
    }

    /// The host of the owner. `None` if the guest is a nested VM.
    pub const fn owner_mut(&mut self) -> Option<&mut H> {
        self.owner.as_mut()
    }

    /// The nested VMs. `None` if it may not have any.
    pub fn children(&mut self) -> Option<&mut Children<Guest<H>>> {
        self.children.as_deref_mut()
    }
}

impl<H: Owner> ChildHost for Guest<H> {
    fn of_child(module: &Module) -> Self {
        Self {
            owner: None,
            children: module
                .is_owner()
                .then(|| Box::new(Children::of_child(module))),
            checkpoint: RegistryCheckpoint::default(),
        }
    }
}

impl<H: Owner> Host for Guest<H> {
    fn syscall(&mut self, call: &mut Syscall<'_>) -> Result<u64, Stop> {
        match (functions::is_function(call.request.number), &mut self.owner) {
            (true, _) => match &mut self.children {
                Some(children) => children.syscall(call),
                None => Err(Stop::Fail(EngineError::Host(
                    "internal error: the guest may not have nested VMs".into(),
                ))),
            },
            (false, Some(owner)) => owner.syscall(call),
            (false, None) => Err(Stop::Suspend),
        }
    }
}

impl<H: fmt::Debug> fmt::Debug for Guest<H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Guest")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
