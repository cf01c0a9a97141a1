//! Conventions: what a machine for nested VMs decides that is neither a rule for programs nor a
//! price.

use fusee_engine::Format;

use crate::modules::StorageScope;

/// The conventions of a machine for nested VMs. A part of the [rules](crate::ChildRules).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conventions {
    /// Those of this crate.
    #[default]
    Fusee,
    /// Those of Substrate's virtualization:
    ///
    /// - Only PolkaVM programs are admitted.
    /// - An instance outlives a trap and the end of the gas, with its memory. Nothing runs before
    ///   the function that it is prepared for, `_initialize` included.
    /// - All storages share their keys.
    /// - A range at address 0 is no identifier, whatever its length.
    /// - A read or a run that fails fills the owner's buffer with zeros.
    Substrate,
}

impl Conventions {
    /// Whether programs of this format are admitted.
    pub(crate) fn admit(self, format: Format) -> bool {
        match self {
            Self::Fusee => true,
            Self::Substrate => format == Format::PolkaVm,
        }
    }

    /// Whether an instance outlives a run that fails.
    pub(crate) fn keep_failed(self) -> bool {
        self == Self::Substrate
    }

    /// Whether a call that fails fills the buffer for its result with zeros.
    pub(crate) fn clear_buffers(self) -> bool {
        self == Self::Substrate
    }

    /// The storage scope under which a module is cached.
    pub(crate) const fn cached_under<'a>(self, scope: StorageScope<'a>) -> &'a [u8] {
        match self {
            Self::Fusee => scope.name(),
            Self::Substrate => &[],
        }
    }

    /// Whether a range is an identifier.
    pub(crate) const fn is_identifier(self, range: u64) -> bool {
        match self {
            Self::Fusee => range != 0,
            // The address is in the low 32 bits.
            Self::Substrate => range << 32 != 0,
        }
    }
}
