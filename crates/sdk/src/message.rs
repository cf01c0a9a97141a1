//! Messages of reverts, without `core::fmt`, which would outweigh a whole contract.

use crate::{Address, buffer::Buffer};

/// Room for a message.
const CAPACITY: usize = 256;

/// A text that is written piece by piece. Pieces that do not fit are left out, so it stays UTF-8.
pub struct Message {
    bytes: Buffer<CAPACITY>,
}

impl Message {
    /// An empty message.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Buffer::new(),
        }
    }

    /// Appends text, unless there is no room for all of it.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes.append(text.as_bytes());
        self
    }

    /// Appends a value.
    pub fn show(&mut self, value: &impl Show) -> &mut Self {
        value.show(self);
        self
    }

    /// The text so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_bytes()
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Write for Message {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.text(text);
        Ok(())
    }
}

/// A value that a message can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in the message of an error",
    note = "integers, `bool`, `Address` and `String` can; leave other fields out of `#[message]`"
)]
pub trait Show {
    /// Appends the value.
    fn show(&self, message: &mut Message);
}

impl core::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_tuple("Message")
            .field(&self.as_bytes())
            .finish()
    }
}

/// Appends the number in decimal digits.
#[inline(never)]
fn decimal(mut number: u64, message: &mut Message) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0'.wrapping_add(u8::try_from(number % 10).unwrap_or_default());
        first = place;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    message
        .bytes
        .append(digits.get(first..).unwrap_or_default());
}

macro_rules! unsigned {
    ($($type:ty)*) => {$(
        impl Show for $type {
            fn show(&self, message: &mut Message) {
                decimal((*self).into(), message);
            }
        }
    )*};
}

unsigned!(u8 u16 u32 u64);

macro_rules! signed {
    ($($type:ty)*) => {$(
        impl Show for $type {
            fn show(&self, message: &mut Message) {
                if *self < 0 {
                    message.text("-");
                }
                decimal(self.unsigned_abs().into(), message);
            }
        }
    )*};
}

signed!(i8 i16 i32 i64);

impl Show for u128 {
    fn show(&self, message: &mut Message) {
        const CHUNK: u128 = 10_000_000_000_000_000_000;
        let Ok(low) = u64::try_from(*self % CHUNK) else {
            return;
        };
        if *self < CHUNK {
            return decimal(low, message);
        }
        (*self / CHUNK).show(message);
        let mut zeros = CHUNK / 10;
        while zeros > 1 && u128::from(low) < zeros {
            message.text("0");
            zeros /= 10;
        }
        decimal(low, message);
    }
}

impl Show for bool {
    fn show(&self, message: &mut Message) {
        message.text(if *self { "true" } else { "false" });
    }
}

impl Show for Address {
    fn show(&self, message: &mut Message) {
        const DIGITS: [&str; 16] = [
            "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f",
        ];
        message.text("0x");
        for byte in self.as_bytes() {
            for nibble in [byte >> 4, byte & 15] {
                message.text(DIGITS.get(usize::from(nibble)).copied().unwrap_or_default());
            }
        }
    }
}

impl Show for str {
    fn show(&self, message: &mut Message) {
        message.text(self);
    }
}

impl Show for alloc::string::String {
    fn show(&self, message: &mut Message) {
        message.text(self);
    }
}

#[cfg(test)]
mod tests;
