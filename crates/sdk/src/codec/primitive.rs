//! Types that consist of nothing else: integers, flags, addresses, texts and bytes.

use alloc::{string::String, vec::Vec};

use super::{Codec, Input, Malformed, Sink, UNBOUNDED};
use crate::{Address, interface::TypeText};

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Codec for $type {
            const TYPE: TypeText = TypeText::new(stringify!($type));
            const MAX_BYTES: usize = size_of::<$type>();

            #[inline]
            fn encode(&self, sink: &mut impl Sink) {
                sink.put(&self.to_le_bytes());
            }

            #[inline]
            fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
                input.array().map(<$type>::from_le_bytes)
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);

impl Codec for () {
    const TYPE: TypeText = TypeText::new("()");
    const MAX_BYTES: usize = 0;

    #[inline]
    fn encode(&self, _: &mut impl Sink) {}

    #[inline]
    fn decode(_: &mut Input<'_>) -> Result<Self, Malformed> {
        Ok(())
    }
}

impl Codec for bool {
    const TYPE: TypeText = TypeText::new("bool");
    const MAX_BYTES: usize = 1;

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        sink.put(&[u8::from(*self)]);
    }

    #[inline]
    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
        match input.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Malformed::Invalid),
        }
    }
}

impl Codec for Address {
    const TYPE: TypeText = TypeText::new("address");
    const MAX_BYTES: usize = 32;

    #[inline]
    fn encode(&self, sink: &mut impl Sink) {
        sink.put(self.as_bytes());
    }

    #[inline]
    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
        input.array().map(Self::new)
    }
}

/// Bytes of any number: `bytes` in the interface. A `Vec<u8>` is a `vec<u8>`, with the same
/// encoding, which tools show as a list of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl Codec for Bytes {
    const TYPE: TypeText = TypeText::new("bytes");
    const MAX_BYTES: usize = UNBOUNDED;

    fn encode(&self, sink: &mut impl Sink) {
        put_bytes(&self.0, sink);
    }

    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
        Ok(Self(input.bytes()?.to_vec()))
    }
}

impl Codec for String {
    const TYPE: TypeText = TypeText::new("string");
    const MAX_BYTES: usize = UNBOUNDED;

    fn encode(&self, sink: &mut impl Sink) {
        put_bytes(self.as_bytes(), sink);
    }

    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
        match str::from_utf8(input.bytes()?) {
            Ok(text) => Ok(text.into()),
            Err(_) => Err(Malformed::Invalid),
        }
    }
}

fn put_bytes(bytes: &[u8], sink: &mut impl Sink) {
    super::compound::put_length(bytes.len(), sink);
    sink.put(bytes);
}
