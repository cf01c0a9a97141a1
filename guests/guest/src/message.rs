//! Messages with numbers in them, without `core::fmt`, which would outweigh a whole guest.

use crate::host::revert_with;

/// Room for a message; what is longer is cut, so only ASCII is sure to stay UTF-8.
const MESSAGE_BYTES: usize = 128;

/// Digits of the largest `u64`.
const DIGITS: usize = 20;

/// A revert message, written piece by piece.
pub struct Message {
    bytes: [u8; MESSAGE_BYTES],
    length: usize,
}

impl Message {
    /// An empty message.
    pub const fn new() -> Self {
        Self {
            bytes: [0; MESSAGE_BYTES],
            length: 0,
        }
    }

    /// Appends text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.append(text.as_bytes())
    }

    /// Appends the number in decimal digits.
    pub fn number(&mut self, number: u64) -> &mut Self {
        let mut digits = [0; DIGITS];
        let mut first = DIGITS;
        let mut rest = number;
        for (place, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + u8::try_from(rest % 10).expect("a digit is below ten");
            first = place;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let (_, written) = digits.split_at(first);
        self.append(written)
    }

    /// Reverts with the message.
    pub fn revert(&self) -> ! {
        let (written, _) = self.bytes.split_at(self.length);
        revert_with(written)
    }

    fn append(&mut self, piece: &[u8]) -> &mut Self {
        let (_, room) = self.bytes.split_at_mut(self.length);
        for (to, from) in room.iter_mut().zip(piece) {
            *to = *from;
            self.length += 1;
        }
        self
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}
