//! The encoding: a byte for the version, then borsh. A type is its text. Version 1 has no fields of
//! storage, [`VERSION`] has some at its end. There is one encoding for each interface.

use borsh::BorshDeserialize;

use crate::{Interface, InterfaceError, StorageField};

/// The last version, of interfaces that tell the fields of the storage.
pub const VERSION: u8 = 2;

/// The version of interfaces that do not.
const WITHOUT_STORAGE: u8 = 1;

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
        let malformed = |error: std::io::Error| InterfaceError::Malformed(error.to_string());
        let version = match self.storage.is_empty() {
            true => WITHOUT_STORAGE,
            false => VERSION,
        };
        let mut bytes = vec![version];
        borsh::to_writer(&mut bytes, self).map_err(malformed)?;
        if version == VERSION {
            borsh::to_writer(&mut bytes, &self.storage).map_err(malformed)?;
        }
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
        let malformed = |error: std::io::Error| InterfaceError::Malformed(error.to_string());
        let (version, mut rest) = bytes.split_first().ok_or(InterfaceError::Empty)?;
        if ![WITHOUT_STORAGE, VERSION].contains(version) {
            return Err(InterfaceError::Version(*version));
        }
        let mut interface = Self::deserialize(&mut rest).map_err(malformed)?;
        if *version == VERSION {
            interface.storage = Vec::<StorageField>::deserialize(&mut rest).map_err(malformed)?;
            if interface.storage.is_empty() {
                let reason = "version 2 has no fields of storage".to_owned();
                return Err(InterfaceError::Malformed(reason));
            }
        }
        if !rest.is_empty() {
            let reason = format!("{} bytes follow it", rest.len());
            return Err(InterfaceError::Malformed(reason));
        }
        interface.check()?;
        Ok(interface)
    }
}
