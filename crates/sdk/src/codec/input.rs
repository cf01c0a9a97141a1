//! What is left of an encoding.

use core::fmt;

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// They end too early.
    Short,
    /// Bytes follow the value.
    Long,
    /// They are no encoding of the type.
    Invalid,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Short => "the bytes end too early",
            Self::Long => "bytes follow the value",
            Self::Invalid => "the bytes are no value of the type",
        })
    }
}

impl core::error::Error for Malformed {}

/// What is left of an encoding.
#[derive(Debug)]
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// All bytes are still to be read.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes `N` bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed::Short`] if there are fewer.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        match self.rest.split_first_chunk() {
            Some((array, rest)) => {
                self.rest = rest;
                Ok(*array)
            }
            None => Err(Malformed::Short),
        }
    }

    /// Takes a length, and as many bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed::Short`] if there are fewer.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(u32::from_le_bytes(self.array()?)).ok();
        match length.and_then(|length| self.rest.split_at_checked(length)) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(Malformed::Short),
        }
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Says that nothing may be left.
    ///
    /// # Errors
    ///
    /// [`Malformed::Long`] if something is.
    #[inline]
    pub const fn end(self) -> Result<(), Malformed> {
        match self.rest {
            [] => Ok(()),
            _ => Err(Malformed::Long),
        }
    }
}
