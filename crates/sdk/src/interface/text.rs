//! Types as text, written at compile time.
#![allow(clippy::indexing_slicing, reason = "evaluated at compile time")]

/// The most bytes of a type's text.
const CAPACITY: usize = 192;

/// The text of a type: `vec<(address, u64)>`.
#[derive(Clone, Copy, Debug)]
pub struct TypeText {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl TypeText {
    /// A type that is written so.
    #[must_use]
    pub const fn new(text: &str) -> Self {
        let empty = Self {
            bytes: [0; CAPACITY],
            length: 0,
        };
        empty.text(text)
    }

    /// Appends text.
    ///
    /// # Panics
    ///
    /// If the text becomes too long, which is an error of the compilation.
    #[must_use]
    pub const fn text(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            assert!(
                self.length < CAPACITY,
                "the text of a type has at most 192 bytes: give a part of it a name, by a struct"
            );
            self.bytes[self.length] = bytes[index];
            self.length += 1;
            index += 1;
        }
        self
    }

    /// Appends the text of a type.
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        match str::from_utf8(other.as_bytes()) {
            Ok(text) => self.text(text),
            Err(_) => self,
        }
    }

    /// Appends a number.
    #[must_use]
    pub const fn number(self, number: usize) -> Self {
        let before = if number >= 10 {
            self.number(number / 10)
        } else {
            self
        };
        const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        before.text(DIGITS[number % 10])
    }

    /// Ends a tuple with one type and so many more: one alone is written with a comma.
    #[must_use]
    pub const fn end_of_tuple(self, more: usize) -> Self {
        self.text(if more == 0 { ",)" } else { ")" })
    }

    /// The bytes of the text.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.bytes.split_at(self.length).0
    }
}

/// Whether two texts are equal, at compile time.
pub(super) const fn is_same(left: &str, right: &str) -> bool {
    !is_before(left, right) && !is_before(right, left)
}

/// Whether a text comes before another in the order of their bytes, at compile time.
pub(super) const fn is_before(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut index = 0;
    while index < left.len() && index < right.len() {
        if left[index] != right[index] {
            return left[index] < right[index];
        }
        index += 1;
    }
    left.len() < right.len()
}
