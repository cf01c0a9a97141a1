//! Owners: guests that have nested VMs, as the layer sees their hosts.

use fusee_engine::{Host, Source};

use crate::{modules::StorageScope, rules::Symbols};

/// What the host of an owner tells of it.
pub trait Owner: Host {
    /// Who it is. Frames with the same identity share the modules that they keep.
    fn identity(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The code under a storage key. Default: there is none.
    ///
    /// # Errors
    ///
    /// If the storage cannot be read.
    fn code(&mut self, scope: StorageScope<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, Source> {
        let _ = (scope, key);
        Ok(None)
    }

    /// Which symbols the programs may import that it compiles now, beside what the rules say.
    /// Default: any.
    fn symbols(&self) -> Symbols {
        Symbols::Any
    }
}

impl Owner for () {}
