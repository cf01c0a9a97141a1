//! Types that consist of others: options, lists, arrays and tuples.

use alloc::vec::Vec;

use super::{Codec, Input, Malformed, Sink, UNBOUNDED, sum};
use crate::interface::{Definitions, TypeText};

impl<T: Codec> Codec for Option<T> {
    const TYPE: TypeText = TypeText::new("option<").join(T::TYPE).text(">");
    const TYPES: Definitions = T::TYPES;
    const MAX_BYTES: usize = sum(1, T::MAX_BYTES);

    fn encode(&self, sink: &mut impl Sink) {
        match self {
            None => sink.put(&[0]),
            Some(value) => {
                sink.put(&[1]);
                value.encode(sink);
            }
        }
    }

    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
        match input.array()? {
            [0] => Ok(None),
            [1] => T::decode(input).map(Some),
            _ => Err(Malformed::Invalid),
        }
    }
}

impl<T: Codec> Codec for Vec<T> {
    const TYPE: TypeText = TypeText::new("vec<").join(T::TYPE).text(">");
    const TYPES: Definitions = T::TYPES;
    const MAX_BYTES: usize = UNBOUNDED;

    fn encode(&self, sink: &mut impl Sink) {
        put_length(self.len(), sink);
        for value in self {
            value.encode(sink);
        }
    }

    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let length = usize::try_from(u32::decode(input)?).map_err(|_| Malformed::Short)?;
        // Every value takes a byte at least, unless it takes none: then no length is honest.
        if length > input.remaining() {
            return Err(Malformed::Short);
        }
        let mut values = Vec::with_capacity(length);
        for _ in 0..length {
            values.push(T::decode(input)?);
        }
        Ok(values)
    }
}

impl<T: Codec, const N: usize> Codec for [T; N] {
    const TYPE: TypeText = TypeText::new("[")
        .join(T::TYPE)
        .text("; ")
        .number(N)
        .text("]");
    const TYPES: Definitions = T::TYPES;
    const MAX_BYTES: usize = T::MAX_BYTES.saturating_mul(N);

    fn encode(&self, sink: &mut impl Sink) {
        for value in self {
            value.encode(sink);
        }
    }

    fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let mut failure = None;
        let values = core::array::from_fn(|_| match (failure, T::decode(input)) {
            (None, Ok(value)) => Some(value),
            (None, Err(error)) => {
                failure = Some(error);
                None
            }
            (Some(_), _) => None,
        });
        match failure {
            Some(error) => Err(error),
            None => Ok(values.map(|value| value.expect("there was no failure"))),
        }
    }
}

macro_rules! tuples {
    ($(($first:ident $($name:ident)*))*) => {$(
        #[allow(non_snake_case, reason = "a name for each type and its value")]
        impl<$first: Codec $(, $name: Codec)*> Codec for ($first, $($name,)*) {
            const TYPE: TypeText = TypeText::new("(")
                .join($first::TYPE)
                $(.text(", ").join($name::TYPE))*
                .end_of_tuple(0 $(+ { let _ = stringify!($name); 1 })*);
            const TYPES: Definitions = $first::TYPES$(.merge($name::TYPES))*;
            const MAX_BYTES: usize = {
                let bytes = $first::MAX_BYTES;
                $(let bytes = sum(bytes, $name::MAX_BYTES);)*
                bytes
            };

            #[inline]
            fn encode(&self, sink: &mut impl Sink) {
                let ($first, $($name,)*) = self;
                $first.encode(sink);
                $($name.encode(sink);)*
            }

            #[inline]
            fn decode(input: &mut Input<'_>) -> Result<Self, Malformed> {
                Ok(($first::decode(input)?, $($name::decode(input)?,)*))
            }
        }
    )*};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
    (A B C D E F G H I)
    (A B C D E F G H I J)
}

/// Writes a length.
pub(super) fn put_length(length: usize, sink: &mut impl Sink) {
    let length = u32::try_from(length).expect("a value fits into a memory of 32 bits");
    sink.put(&length.to_le_bytes());
}
