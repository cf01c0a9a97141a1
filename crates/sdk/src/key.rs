//! Keys of maps and sets, and of what is stored under them.
//!
//! A key is the position of the field, a byte, and the encoding of the map's key. Integers are
//! big-endian there, so that entries are in the order of their numbers.

use alloc::{string::String, vec::Vec};

use crate::{
    Address,
    buffer::{Buffer, SMALL},
    codec::{Sink, UNBOUNDED, sum},
    interface::TypeText,
};

/// A type of keys.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key of a map or set",
    note = "keys are integers, `bool`, `Address`, `String`, byte arrays, and tuples of these"
)]
pub trait Key: Sized {
    /// The type as the interface writes it.
    const TYPE: TypeText;

    /// The most bytes of a key.
    const MAX_BYTES: usize;

    /// Writes the key. No key begins with another one.
    fn encode_key(&self, sink: &mut impl Sink);

    /// Reads a key from the front of the bytes, and returns what follows it. `None` if they have
    /// none.
    fn decode_key(bytes: &[u8]) -> Option<(Self, &[u8])>;
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Key for $type {
            const TYPE: TypeText = TypeText::new(stringify!($type));
            const MAX_BYTES: usize = size_of::<$type>();

            #[inline]
            fn encode_key(&self, sink: &mut impl Sink) {
                sink.put(&self.to_be_bytes());
            }

            fn decode_key(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let (array, rest) = bytes.split_first_chunk()?;
                Some((<$type>::from_be_bytes(*array), rest))
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128);

impl Key for bool {
    const TYPE: TypeText = TypeText::new("bool");
    const MAX_BYTES: usize = 1;

    #[inline]
    fn encode_key(&self, sink: &mut impl Sink) {
        sink.put(&[u8::from(*self)]);
    }

    fn decode_key(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (byte, rest) = bytes.split_first()?;
        Some((*byte != 0, rest))
    }
}

impl<const N: usize> Key for [u8; N] {
    const TYPE: TypeText = TypeText::new("[u8; ").number(N).text("]");
    const MAX_BYTES: usize = N;

    #[inline]
    fn encode_key(&self, sink: &mut impl Sink) {
        sink.put(self);
    }

    fn decode_key(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (array, rest) = bytes.split_first_chunk()?;
        Some((*array, rest))
    }
}

impl Key for Address {
    const TYPE: TypeText = TypeText::new("address");
    const MAX_BYTES: usize = 32;

    #[inline]
    fn encode_key(&self, sink: &mut impl Sink) {
        sink.put(self.as_bytes());
    }

    fn decode_key(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (array, rest) = bytes.split_first_chunk()?;
        Some((Self::new(*array), rest))
    }
}

/// Its length comes first, so texts are in the order of their lengths.
impl Key for String {
    const TYPE: TypeText = TypeText::new("string");
    const MAX_BYTES: usize = UNBOUNDED;

    fn encode_key(&self, sink: &mut impl Sink) {
        let length = u32::try_from(self.len()).unwrap_or(u32::MAX);
        sink.put(&length.to_be_bytes());
        sink.put(self.as_bytes());
    }

    fn decode_key(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (text, rest) = rest.split_at_checked(length)?;
        Some((str::from_utf8(text).ok()?.into(), rest))
    }
}

macro_rules! tuples {
    ($(($first:ident $($name:ident)*))*) => {$(
        #[allow(non_snake_case, reason = "a name for each type and its value")]
        impl<$first: Key $(, $name: Key)*> Key for ($first, $($name,)*) {
            const TYPE: TypeText = TypeText::new("(")
                .join($first::TYPE)
                $(.text(", ").join($name::TYPE))*
                .text(")");
            const MAX_BYTES: usize = {
                let bytes = $first::MAX_BYTES;
                $(let bytes = sum(bytes, $name::MAX_BYTES);)*
                bytes
            };

            #[inline]
            fn encode_key(&self, sink: &mut impl Sink) {
                let ($first, $($name,)*) = self;
                $first.encode_key(sink);
                $($name.encode_key(sink);)*
            }

            fn decode_key(bytes: &[u8]) -> Option<(Self, &[u8])> {
                let ($first, rest) = $first::decode_key(bytes)?;
                $(let ($name, rest) = $name::decode_key(rest)?;)*
                Some((($first, $($name,)*), rest))
            }
        }
    )*};
}

tuples! {
    (A B)
    (A B C)
    (A B C D)
}

/// Passes the storage key of a field's entry on: on the stack, if its size is bounded.
#[inline]
pub(crate) fn with_key<K: Key, R>(field: u8, key: &K, then: impl FnOnce(&[u8]) -> R) -> R {
    if const { sum(1, K::MAX_BYTES) <= SMALL } {
        let mut buffer = Buffer::<SMALL>::new();
        buffer.put(&[field]);
        key.encode_key(&mut buffer);
        then(buffer.as_bytes())
    } else {
        let mut bytes = Vec::new();
        bytes.put(&[field]);
        key.encode_key(&mut bytes);
        then(&bytes)
    }
}
