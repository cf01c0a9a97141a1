//! How values are written: arguments, results, events, and what is stored.
//!
//! The encoding is canonical borsh, so every value has one encoding. It is written here since a
//! contract pays for its size: no readers, no error strings, no allocation for values of a bounded
//! size.

mod compound;
mod input;
mod primitive;

use alloc::vec::Vec;

pub use fusee_sdk_macros::Codec;
pub use input::{Input, Malformed};
pub use primitive::Bytes;

use crate::interface::{Definitions, TypeText};

/// The maximum size of a type whose values have no bound.
pub const UNBOUNDED: usize = usize::MAX;

/// A type of arguments, results, events and storage. Derive it for your own types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument, a result, or stored",
    label = "this type has no encoding",
    note = "for a struct or enum of yours: `#[derive(Codec)]`. Floating point and `usize` have \
            none: take `u64`, or a fixed-point number"
)]
pub trait Codec: Sized {
    /// The type as the interface writes it.
    const TYPE: TypeText;

    /// The types with a name that it consists of, itself included.
    const TYPES: Definitions = Definitions::NONE;

    /// The most bytes of a value. [`UNBOUNDED`] for types with an allocation.
    const MAX_BYTES: usize;

    /// Writes the value.
    fn encode(&self, sink: &mut impl Sink);

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the input ends too early, or is no encoding.
    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed>;
}

/// Takes the bytes of an encoding.
pub trait Sink {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The encoding of a value, on the heap.
#[must_use]
pub fn to_vec<T: Codec>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

/// The value that the bytes, all of them, encode.
///
/// # Errors
///
/// [`Malformed`] if they encode none, or bytes follow.
pub fn from_slice<T: Codec>(bytes: &[u8]) -> Result<T, Malformed> {
    let mut input = Input::new(bytes);
    let value = T::decode(&mut input)?;
    input.end()?;
    Ok(value)
}

/// The sum of two sizes, of which either may have no bound.
#[doc(hidden)]
#[must_use]
pub const fn sum(left: usize, right: usize) -> usize {
    left.saturating_add(right)
}

/// The larger of two sizes.
#[doc(hidden)]
#[must_use]
pub const fn larger(left: usize, right: usize) -> usize {
    if left > right { left } else { right }
}
