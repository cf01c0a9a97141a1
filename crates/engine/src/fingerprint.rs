//! Fingerprints: which engine, exactly.

use std::fmt;

use sha2::{Digest, Sha256};

/// Tells engines apart whose compiled modules may not be exchanged: another version, another
/// configuration, another target.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of everything that affects what the engine's compiler makes.
    #[must_use]
    pub fn of(description: &[u8]) -> Self {
        Self(Sha256::digest(description).into())
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
