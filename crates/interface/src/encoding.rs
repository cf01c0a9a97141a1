//! The encoding: the byte [`VERSION`], then borsh. A type is its text. There is one encoding for
//! each interface.

use crate::{Interface, InterfaceError};

/// The version that an encoding begins with.
pub const VERSION: u8 = 1;

/// The most bytes of an encoding.
pub const MAX_BYTES: usize = 65_536;

impl Interface {
    /// The encoding.
    ///
    /// # Errors
    ///
    /// [`InterfaceError`] if it is not one that [`decode`](Self::decode) would accept.
    pub fn encode(&self) -> Result<Vec<u8>, InterfaceError> {
        self.check()?;
        let mut bytes = vec![VERSION];
        borsh::to_writer(&mut bytes, self)
            .map_err(|error| InterfaceError::Malformed(error.to_string()))?;
        match bytes.len() {
            length if length > MAX_BYTES => Err(InterfaceError::TooLarge(length)),
            _ => Ok(bytes),
        }
    }

    /// Decodes an interface that somebody else has written.
    ///
    /// # Errors
    ///
    /// [`InterfaceError`] if the bytes are too many, of another version or malformed, or if the
    /// interface contradicts itself.
    pub fn decode(bytes: &[u8]) -> Result<Self, InterfaceError> {
        if bytes.len() > MAX_BYTES {
            return Err(InterfaceError::TooLarge(bytes.len()));
        }
        let (version, rest) = bytes.split_first().ok_or(InterfaceError::Empty)?;
        if *version != VERSION {
            return Err(InterfaceError::Version(*version));
        }
        let interface: Self = borsh::from_slice(rest)
            .map_err(|error| InterfaceError::Malformed(error.to_string()))?;
        interface.check()?;
        Ok(interface)
    }
}
