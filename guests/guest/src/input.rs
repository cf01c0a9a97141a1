//! The arguments of a call: canonical borsh, taken from the front.

use crate::{Address, Buffer, revert};

/// The longest input that [`arguments`] reads; enough for arguments of fixed size.
const ARGUMENTS_BYTES: usize = 128;

/// What is left of an input. Taking more than is left reverts.
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// All of the bytes are still to be taken.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes an address.
    pub fn address(&mut self) -> Address {
        self.array()
    }

    /// Takes a `u32`.
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// Takes a `u64`.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// Takes a `u128`.
    pub fn u128(&mut self) -> u128 {
        u128::from_le_bytes(self.array())
    }

    /// Takes a byte vector or a string, both of which borsh writes as a length and the bytes.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.u32()).ok();
        match length.and_then(|length| self.rest.split_at_checked(length)) {
            Some((bytes, rest)) => {
                self.rest = rest;
                bytes
            }
            None => revert("arguments end too early"),
        }
    }

    /// Reverts unless everything has been taken.
    pub fn end(self) {
        if !self.rest.is_empty() {
            revert("bytes after the arguments");
        }
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk() {
            Some((array, rest)) => {
                self.rest = rest;
                *array
            }
            None => revert("arguments end too early"),
        }
    }
}

/// The arguments of this call, which `decode` takes one by one. Reverts if the input has fewer
/// bytes or more.
pub fn arguments<T>(decode: impl FnOnce(&mut Input<'_>) -> T) -> T {
    let mut buffer = Buffer::<ARGUMENTS_BYTES>::new();
    let mut input = Input::new(buffer.input());
    let arguments = decode(&mut input);
    input.end();
    arguments
}
