//! Owners: the interface of guests that have nested VMs.

use std::sync::Arc;

use fusee_engine::{Host, Source, Stop, Syscall};

use crate::{modules::StorageScope, rules::Symbols};

/// The host of a guest that has nested VMs.
pub trait Owner: Host {
    /// The identity of the owner. Frames with the same identity share cached modules.
    fn identity(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Reads the code under a storage key. Default: none.
    ///
    /// # Errors
    ///
    /// If the storage cannot be read.
    fn code(&mut self, scope: StorageScope<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, Source> {
        let _ = (scope, key);
        Ok(None)
    }

    /// The symbols that programs may import which the owner compiles now, in addition to the rules.
    /// Default: any.
    fn symbols(&self) -> Arc<Symbols> {
        Arc::new(Symbols::Any)
    }
}

/// The owner of nested VMs that an embedder runs directly: there is none. It takes no room in their
/// hosts.
#[derive(Clone, Copy, Debug)]
pub enum NoOwner {}

impl Host for NoOwner {
    fn syscall(&mut self, _: &mut Syscall<'_>) -> Result<u64, Stop> {
        match *self {}
    }
}

impl Owner for NoOwner {}
